"""Neurons: which fire, and what they write."""
