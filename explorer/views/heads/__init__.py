"""Heads: all attention patterns of the model."""
