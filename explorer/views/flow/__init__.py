"""Flow: the paths by which information reaches the last position."""
