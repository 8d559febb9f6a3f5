"""`gpt-explorer verify`: every function of the model against NumPy, PyTorch and Hugging Face's GPT-2."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from explorer.commands.options import count, open_model, tell_notes
from explorer.commands.parser import Parser
from explorer.commands.tables import add_json_and_csv, write_csv
from explorer.engine.engines import PYTHON
from explorer.errors import TokenizerError
from explorer.terminal import colour, output

if TYPE_CHECKING:
    from explorer.tokenizer.tokenizer import Tokenizer

SEED = 0
TEXT = "Once upon a time there was a little girl named Lily."


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer verify",
        description="Compare every function of the model with NumPy, and with PyTorch and transformers where they are "
        "installed: on random numbers, on edge cases and on the model's own weights. The exit status is 1 if one "
        "deviates by more than rounding explains.",
    )
    add_json_and_csv(parser, "one object: passed, components, dot_error, facts, ...", "a row for each component")
    parser.add_argument(
        "--seed", type=count, default=SEED, metavar="N", help=f"seed of the random inputs (default: {SEED})"
    )
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help="a name, OWNER/NAME or a directory, as for `gpt-explorer generate`; it needs 8 bytes for each parameter "
        "in addition to the model itself (default: stories)",
    )
    return parser


def run(options: argparse.Namespace) -> int:
    from explorer.verify.fact_checks import Subject
    from explorer.verify.inputs import Own
    from explorer.verify.nested import Model
    from explorer.verify.report import verify
    from explorer.verify.table import lines

    options.engine = PYTHON  # it is plain Python that is verified
    checkpoint, loaded = open_model(options, ids_alone=True)
    model = Model(loaded.config, loaded.weights)
    own = Own(model, _some_text(checkpoint.tokenizer, loaded.config.vocab_size), options.seed)
    directory = None if checkpoint.tensors.rearranged else checkpoint.path
    if directory is None:
        tell_notes(["transformers does not read this layout: the whole model is not compared with it."])
    with _telling() as tell:
        report = verify(checkpoint.name, options.seed, own, Subject(model, checkpoint.tokenizer), directory, tell)
    if options.json:
        output.data(json.dumps(report.as_json()))
    elif options.csv:
        rows = [component.as_json() for component in report.components]
        names = list(dict.fromkeys(name for row in rows for name in row))
        write_csv([names, *([row.get(name) for name in names] for row in rows)])
    else:
        output.say(*lines(report))
    return 0 if report.passed else 1


def _some_text(tokenizer: "Tokenizer", size: int) -> list[int]:
    """The ids of a sentence; the first twelve there are, if this vocabulary cannot spell it."""
    try:
        ids = tokenizer.encode(TEXT)
    except TokenizerError:
        ids = []
    return ids if ids and max(ids) < size else [id % size for id in range(12)]


@contextmanager
def _telling() -> Iterator[Callable[[str], None]]:
    """A moving line on the terminal that names what is being compared; nothing without a terminal."""
    if not colour.can_move(sys.stderr):
        yield lambda name: None
        return
    from rich.console import Console
    from rich.markup import escape

    from explorer.terminal.text import printable

    with Console(stderr=True).status("verifying") as status:
        yield lambda name: status.update(f"verifying: {escape(printable(name))}")
