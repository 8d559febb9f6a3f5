"""The commands of `gpt-explorer`: each module has a `parser()` and a `run(options)` that returns the exit status."""
