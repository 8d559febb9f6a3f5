"""The proof: every function of the model held against NumPy, PyTorch and transformers."""
