"""Sweep: every head, every MLP and every position edited in turn."""
