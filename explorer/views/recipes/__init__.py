"""Recipes: the screen as a command line and as a few lines of Python, which both give what it shows."""
