"""Checkpoints, from a directory or from the hub."""
