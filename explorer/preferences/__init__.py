"""A person's own settings: read from a file and from the environment, checked, and handed to what uses them."""
