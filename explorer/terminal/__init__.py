"""Text on its way to a terminal: made visible, laid out in cells, and written through one door."""
