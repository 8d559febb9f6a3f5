"""Compare: two runs on one cursor."""
