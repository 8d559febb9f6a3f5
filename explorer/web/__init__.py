"""The explorer in a browser, through textual-serve."""
