"""The parser of a command's words; whatever it prints goes through the door of all output."""

import argparse
from typing import Any

from explorer.terminal import output


class Parser(argparse.ArgumentParser):
    """An argument parser. Usage, help and complaints quote what was typed, so they are made printable."""

    def _print_message(self, message: str, file: Any = None) -> None:
        if message:
            output.usage(message, file)
