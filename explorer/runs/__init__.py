"""A run: what was recorded of it, and how it is computed and interrupted."""
