"""`python -m explorer` is `gpt-explorer`."""

from explorer.program import program

if __name__ == "__main__":
    program()
