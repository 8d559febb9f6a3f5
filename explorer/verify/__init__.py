"""The proof: every function of the model compared with NumPy, PyTorch and transformers."""
