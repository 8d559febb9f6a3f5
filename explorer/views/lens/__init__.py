"""Lens: what the model would say after every part."""
