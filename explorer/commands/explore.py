"""`gpt-explorer [PROMPT]`: the screen."""

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING

from explorer import __version__
from explorer.commands import COMMANDS
from explorer.commands.options import add_beginning, add_model, add_sampling, sampling
from explorer.errors import TerminalError

if TYPE_CHECKING:
    from explorer.screen.app import OpenModel, OpenOther, Tell
    from explorer.walk.session import Session

PROMPT = "Once upon a time there was a little"
BEGINNING = "<|endoftext|>"

_EXAMPLES = """\
examples:
  gpt-explorer                                    open the explorer on the embedded model
  gpt-explorer "Tom and Lily went to the park."   with a prompt of your own
  gpt-explorer --model gpt2                       with OpenAI's GPT-2, from the Hugging Face hub
"""


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gpt-explorer",
        description="Look inside GPT-2 while it runs: type a prompt, walk its forward pass, see every number.",
        epilog=_epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("prompt", nargs="?", default=PROMPT, help=f"the prompt to begin with (default: {PROMPT!r})")
    parser.add_argument("--version", action="version", version=f"GPT Explorer {__version__}")
    add_beginning(parser)
    add_model(parser)
    add_sampling(parser)
    return parser


def _epilog() -> str:
    """The other commands, a line for each, and the examples."""
    calls = {f"gpt-explorer {name} {words}": meaning for name, (words, meaning) in COMMANDS.items()}
    width = max(map(len, calls))
    lines = [f"  {call:<{width}}  {meaning}" for call, meaning in calls.items()]
    return "\n".join(["other commands (each with --help):", *lines, "", _EXAMPLES])


def run(options: argparse.Namespace) -> int:
    chosen = sampling(options)
    require_terminal()
    from explorer.loading.catalogue import locate, short_name

    place = locate(options.model)  # a wrong name is said before the screen opens

    def open_named(name: str | None, progress: "Tell") -> "Session":
        from explorer.loading.catalogue import resolve
        from explorer.loading.checkpoints import open_checkpoint
        from explorer.screen.turns import cancellation
        from explorer.walk.session import Session

        # cancelled when the screen closes: nobody waits for the network then
        directory = resolve(name, lambda done, of: progress(done, of, "downloading"), cancellation())
        checkpoint = open_checkpoint(directory)
        model = checkpoint.load(progress, options.engine)
        return Session(model, checkpoint.tokenizer, chosen, options.seed)

    prompt = options.prompt
    if options.bos and not prompt.startswith(BEGINNING):
        prompt = BEGINNING + prompt  # a special token that is written out becomes its own id
    return show(partial(open_named, options.model), prompt, short_name(place), open_named)


def require_terminal() -> None:
    """TerminalError unless there is a terminal to draw on."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise TerminalError(
            "the explorer draws on a terminal, and this is not one (a pipe or a file?). "
            "Run it in a terminal, or use `gpt-explorer generate PROMPT` for plain text."
        )


def show(open_model: "OpenModel", prompt: str, name: str, open_other: "OpenOther | None" = None) -> int:
    """Open the screen; `open_model` opens the session in a thread behind it."""
    from explorer.screen import ending
    from explorer.screen.app import ExplorerApp
    from explorer.screen.turns import new_event_loop

    app = ExplorerApp(open_model, prompt, name, open_other)
    reason = ending.run(app.run_async, new_event_loop)
    if reason:
        print(f"gpt-explorer: {reason}", file=sys.stderr)
        return 1
    return app.return_code or 0
