"""Patching: activations of one run put into another, place by place, and along single paths."""
