"""Scores: why a head looks where it looks."""
