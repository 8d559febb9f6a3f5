"""The panes of the main screen, one module each: its keys, its state, and how it is drawn."""
