"""The arithmetics that a run can use: plain Python, and NumPy."""
