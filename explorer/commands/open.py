"""`gpt-explorer open FILE`: walk a recorded run on the screen, without the model."""

import argparse
from pathlib import Path

from explorer.commands.explore import require_terminal, show
from explorer.commands.parser import Parser


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer open",
        description="Walk through a run that `gpt-explorer trace` recorded; the model is not needed.",
    )
    parser.add_argument("file", type=Path, help="the recorded run")
    return parser


def run(options: argparse.Namespace) -> int:
    from explorer.walk import trace_file

    session, name = trace_file.read(options.file)
    require_terminal()
    return show(lambda progress: session, session.text, name)
