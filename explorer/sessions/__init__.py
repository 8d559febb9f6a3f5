"""Sessions as files: everything that decides what the screen shows, saved, and opened again to the same numbers."""
