"""The parser of a command's words; whatever it prints goes through the door of all output."""

import argparse
import os
from collections.abc import Sequence
from typing import Any, NoReturn

from explorer.commands.examples import EXAMPLES
from explorer.terminal import output

PROGRAM = "gpt-explorer"


class Parser(argparse.ArgumentParser):
    """An argument parser. Usage, help and complaints quote what was typed, so they are made printable.

    It knows --no-color, and its help ends with the command's examples.
    """

    def __init__(self, prog: str, description: str | None, epilog: str = "", **options: Any) -> None:
        examples = EXAMPLES.get(prog.removeprefix(PROGRAM).strip(), ())
        shown = "\n".join(["examples:", *(f"  {example}" for example in examples)]) if examples else ""
        super().__init__(
            prog=prog,
            description=description,
            epilog="\n\n".join(part for part in (epilog, shown) if part) or None,
            formatter_class=_Formatter,
            **options,
        )
        self.color = False  # from Python 3.14 on it would colour help with codes
        if not options.get("parents"):  # which have it
            self.add_argument("--no-color", action=_NoColour, help="without colours, as with NO_COLOR=1")

    def _print_message(self, message: str, file: Any = None) -> None:
        if message:
            output.usage(message, file)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the call, and what to do, in a line each; exit status 2."""
        self.exit(2, f"{self.prog}: {message}\nSee the options and examples: {self.prog} --help\n")


class _Formatter(argparse.HelpFormatter):
    """Help as argparse lays it out; a text of several lines, such as the examples, stays as it is."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if "\n" in text:
            return text
        return super()._fill_text(text, width, indent)


class _NoColour(argparse.Action):
    """--no-color: sets NO_COLOR, which everything that draws heeds, for what is run from here too."""

    def __init__(self, option_strings: Sequence[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, default=argparse.SUPPRESS, **options)

    def __call__(self, *_: object) -> None:
        os.environ["NO_COLOR"] = "1"
