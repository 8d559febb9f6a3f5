"""Everything a person touches: the walk, the screen and the command line around the model in `gpt`."""

__version__ = "0.1.0"
