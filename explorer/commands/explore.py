"""`gpt-explorer [PROMPT]`: the screen."""

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from explorer import __version__
from explorer.commands.options import add_model, add_sampling, sampling
from explorer.errors import TerminalError

if TYPE_CHECKING:
    from explorer.session import Session

PROMPT = "Once upon a time there was a little"

_EPILOG = """\
other commands (each with --help):
  gpt-explorer generate PROMPT       print text, without the screen
  gpt-explorer trace PROMPT -o FILE  write every activation of a run to a file
  gpt-explorer open FILE             walk such a file on the screen

examples:
  gpt-explorer                                    open the explorer on the embedded model
  gpt-explorer "Tom and Lily went to the park."   with a prompt of your own
  gpt-explorer --model path/to/gpt2               with another GPT-2
"""


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gpt-explorer",
        description="Look inside GPT-2 while it runs: type a prompt, walk its forward pass, see every number.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("prompt", nargs="?", default=PROMPT, help=f"what to begin with (default: {PROMPT!r})")
    parser.add_argument("--version", action="version", version=f"GPT Explorer {__version__}")
    add_model(parser)
    add_sampling(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    chosen = sampling(options)
    require_terminal()
    from explorer.places import find_model

    directory = find_model(options.model)  # a wrong name is said before the screen opens

    def open_model(progress: Callable[[int, int], None]) -> "Session":
        from explorer.checkpoints import open_checkpoint
        from explorer.session import Session

        checkpoint = open_checkpoint(directory)
        model = checkpoint.load(progress, options.engine)
        return Session(model, checkpoint.tokenizer, chosen, options.seed)

    return show(open_model, options.prompt, directory.resolve().name)


def require_terminal() -> None:
    """TerminalError where there is nothing to draw on."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise TerminalError(
            "the explorer draws on a terminal, and this is none (a pipe or a file?). "
            "Run it in a terminal, or use `gpt-explorer generate PROMPT` for plain text."
        )


def show(open_model: Callable[[Callable[[int, int], None]], "Session"], prompt: str, name: str) -> int:
    """Open the screen; what a thread opens behind it is a session."""
    from explorer.app import ExplorerApp

    app = ExplorerApp(open_model, prompt, name)
    reason = app.run()
    if reason:
        print(f"gpt-explorer: {reason}", file=sys.stderr)
        return 1
    return app.return_code or 0
