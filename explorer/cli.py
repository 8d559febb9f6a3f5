"""The command line. It parses its arguments before it imports anything heavy, and Textual only to open the screen."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from explorer import __version__
from gpt import GPTError, Sampling, SamplingError

PROMPT = "Once upon a time there was a little"
TEMPERATURE, TOP_K, SEED = 0.8, 40, 42

_EXAMPLES = """\
examples:
  gpt-explorer                                    open the explorer on the embedded model
  gpt-explorer "Tom and Lily went to the park."   with a prompt of your own
  gpt-explorer --model path/to/gpt2               with another GPT-2, in Hugging Face's layout
  gpt-explorer generate "Once upon a time"        print text, without the screen
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status: 0, 1 where something went wrong, 2 where the call was wrong."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    run, parser = (_generate, _generate_parser()) if words[:1] == ["generate"] else (_explore, _explore_parser())
    options = parser.parse_args(words[1:] if run is _generate else words)
    try:
        temperature = 0.0 if options.greedy else options.temperature
        options.sampling = Sampling(temperature, options.top_k or None, options.top_p)
        return run(options)
    except SamplingError as error:
        return _fail(str(error), status=2)
    except GPTError as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return 130


def _fail(reason: str, status: int = 1) -> int:
    print(f"gpt-explorer: {reason}", file=sys.stderr)
    return status


def _explore_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gpt-explorer",
        description="Look inside GPT-2 while it runs: type a prompt, walk its forward pass, see every number.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("prompt", nargs="?", default=PROMPT, help=f"what to begin with (default: {PROMPT!r})")
    parser.add_argument("--version", action="version", version=f"GPT Explorer {__version__}")
    _add_model_options(parser)
    parser.set_defaults(greedy=False)
    return parser


def _generate_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gpt-explorer generate", description="Print a prompt and what the model makes of it, token by token."
    )
    parser.add_argument("prompt", help="the text to continue")
    parser.add_argument("--max-new-tokens", type=_count, default=20, metavar="N", help="how many tokens (default: 20)")
    parser.add_argument("--greedy", action="store_true", help="always the most probable token")
    parser.add_argument("--json", action="store_true", help="one object: prompt, prompt_ids, ids, text")
    _add_model_options(parser)
    return parser


def _add_model_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--model", type=Path, metavar="DIR", help="a GPT-2 in Hugging Face's layout (default: the embedded model)")
    add("--seed", type=int, default=SEED, metavar="N", help=f"of the random numbers (default: {SEED})")
    add("--temperature", type=float, default=TEMPERATURE, metavar="X", help=f"0 is greedy (default: {TEMPERATURE})")
    add("--top-k", type=_count, default=TOP_K, metavar="N", help=f"keep the N best; 0 keeps all (default: {TOP_K})")
    add("--top-p", type=float, default=1.0, metavar="X", help="keep the fewest that reach X (default: 1, all)")


def _count(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if value < 0:
        raise argparse.ArgumentTypeError(f"{value} is below zero")
    return value


def _explore(options: argparse.Namespace) -> int:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return _fail(
            "the explorer draws on a terminal, and this is none (a pipe or a file?). "
            "Run it in a terminal, or use `gpt-explorer generate PROMPT` for plain text."
        )
    from explorer.places import find_model

    directory = find_model(options.model)  # a wrong name is said before the screen opens
    from explorer.app import ExplorerApp
    from explorer.session import Session

    def open_model(progress: Callable[[int, int], None]) -> Session:
        from explorer.checkpoints import open_checkpoint

        checkpoint = open_checkpoint(directory)
        return Session(checkpoint.load(progress), checkpoint.tokenizer, options.sampling, options.seed)

    app = ExplorerApp(open_model, options.prompt, directory.resolve().name)
    reason = app.run()
    return _fail(reason) if reason else app.return_code or 0


def _generate(options: argparse.Namespace) -> int:
    from explorer.checkpoints import open_checkpoint
    from explorer.headless import generate_text

    checkpoint = open_checkpoint(options.model)
    text = generate_text(
        checkpoint.load(_progress()),
        checkpoint.tokenizer,
        options.prompt,
        options.max_new_tokens,
        options.sampling,
        options.seed,
        show=None if options.json else sys.stdout,
    )
    if options.json:
        print(json.dumps(text))
    return 0


def _progress() -> Callable[[int, int], None]:
    """Tells on a terminal how much of a model is loaded; says nothing of one that is there at once."""
    import time

    began = time.monotonic()

    def tell(done: int, parts: int) -> None:
        if sys.stderr.isatty() and time.monotonic() - began > 1:
            end = "\r" + " " * 20 + "\r" if done == parts else ""
            print(f"\rloading {done / parts:4.0%}", end=end, file=sys.stderr, flush=True)

    return tell
