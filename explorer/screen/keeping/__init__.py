"""The screen, taken away: saved as a file, or copied."""
