"""The tokenizers of users' models."""
