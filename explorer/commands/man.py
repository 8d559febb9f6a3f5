"""`gpt-explorer man`: the manual, made from the parsers of all commands."""

import argparse
import re

from explorer.commands.parser import PROGRAM, Parser
from explorer.terminal import output

ENVIRONMENT = {
    "NO_COLOR": "Without colours, as with --no-color. CLICOLOR=0 does the same, unless FORCE_COLOR is set.",
    "TERM": "Where it is dumb, text is printed without any codes, and the screen does not open.",
    "HF_HOME, HF_TOKEN, HF_HUB_OFFLINE": "Where models of the Hugging Face hub are kept, the token for those that need "
    "one, and whether the network is left alone.",
    "GPT_EXPLORER_STATE": "The folder for bookmarks, sessions and the speaker's notes; empty: they are not kept.",
    "GPT_EXPLORER_CONFIG": "The file of your own settings, in place of the usual one; empty: none is read.",
    "GPT_EXPLORER_AUTOSAVE": "Where it is 0, sessions are not kept for the next start: the setting `autosave`.",
    "GPT_EXPLORER_CORES": "How many processes plain Python may use, and batches on arrays; 1: nothing is divided.",
}
"""The variables that are heeded."""

_USE = """\
use:
  gpt-explorer man | man -l -                                           read it
  gpt-explorer man > ~/.local/share/man/man1/gpt-explorer.1             install it: man gpt-explorer"""


def parser() -> argparse.ArgumentParser:
    return Parser(
        prog="gpt-explorer man",
        description="Print the manual of all commands, in the format of man.",
        epilog=_USE,
    )


def run(options: argparse.Namespace) -> int:
    output.data(_page().rstrip("\n"))
    return 0


def _page() -> str:
    from argparse_manpage.manpage import Manpage

    from explorer import __version__
    from explorer.commands.examples import EXAMPLES
    from explorer.commands.explore import STATUS
    from explorer.commands.whole import whole_parser

    whole = whole_parser()
    page = Manpage(
        whole,
        {
            "project_name": PROGRAM,
            "version": __version__,
            "description": "look inside GPT-2 while it runs",
            "manual_title": "GPT Explorer",
            "date": "",
        },
        format="single-commands-section",
    )
    page.date = ""  # the same text on every day
    page.synopsis = [PROGRAM, "[OPTIONS] [PROMPT]\n.br\n.B", PROGRAM, "COMMAND [OPTIONS] ..."]
    page.add_section("exit status", ">", _tagged({str(status): meaning for status, meaning in STATUS.items()}))
    page.add_section("environment", ">", _tagged(ENVIRONMENT))
    examples = (_literal(example) for each in EXAMPLES.values() for example in each)
    page.add_section("examples", ">", "\n".join([".nf", *examples, ".fi"]))
    return re.sub("^'", r"\\&'", str(page), flags=re.MULTILINE)  # a quote begins a request there


def _tagged(meanings: dict[str, str]) -> str:
    """Paragraphs with a tag each."""
    return "\n".join(f".TP\n.B {_literal(tag)}\n{_literal(meaning)}" for tag, meaning in meanings.items())


def _literal(text: str) -> str:
    """Text in which nothing is a request of the format."""
    return text.replace("\\", "\\e").replace("-", "\\-")
