"""Circuits: what a head would copy, promote and match, by its weights alone."""
