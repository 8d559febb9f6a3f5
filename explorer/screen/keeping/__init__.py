"""What is on the screen, taken away: saved as a file, or copied."""
