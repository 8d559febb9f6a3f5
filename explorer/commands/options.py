"""Options that several commands share."""

import argparse
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from explorer.engine.engines import AUTO, DEVICES, DTYPES, NAMES, PYTHON_UP_TO, asked, check_installed
from explorer.terminal import output
from explorer.terminal.glyphs import LONGEST_NUMBER, quoted, shortened
from gpt import GPT, Sampling

if TYPE_CHECKING:
    from explorer.loading.checkpoints import Checkpoint

TEMPERATURE, TOP_K, SEED = 0.8, 40, 42


def add_model(parser: argparse.ArgumentParser) -> None:
    """--model, --engine, --device and --dtype."""
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help="stories (the embedded model), gpt2, gpt2-medium, gpt2-large, gpt2-xl, distilgpt2, "
        "OWNER/NAME on the Hugging Face hub (@REVISION pins it), or a directory in its layout (default: stories)",
    )
    parser.add_argument(
        "--engine",
        choices=NAMES,
        default=AUTO,
        help="compute in plain Python, with NumPy or with PyTorch; auto chooses one of the first two by the model's "
        "size (default: auto)",
    )
    parser.add_argument(
        "--device",
        choices=DEVICES,
        help="where --engine torch computes; auto takes the GPU where there is one (default: auto)",
    )
    parser.add_argument(
        "--dtype",
        choices=DTYPES,
        help="the precision of --engine numpy (float32, float64) and --engine torch (default: float32)",
    )


def add_sampling(parser: argparse.ArgumentParser) -> None:
    """--seed, --temperature, --top-k, --top-p."""
    add = parser.add_argument
    add("--seed", type=whole, default=SEED, metavar="N", help=f"seed of the random numbers (default: {SEED})")
    add(
        "--temperature",
        type=real,
        default=TEMPERATURE,
        metavar="X",
        help=f"sampling temperature; 0 is greedy (default: {TEMPERATURE})",
    )
    add(
        "--top-k",
        type=count,
        default=TOP_K,
        metavar="N",
        help=f"keep the N likeliest tokens; 0 keeps all (default: {TOP_K})",
    )
    add(
        "--top-p",
        type=real,
        default=1.0,
        metavar="X",
        help="keep the fewest tokens whose probabilities reach X; 1 keeps all (default: 1)",
    )


def sampling(options: argparse.Namespace) -> Sampling:
    """The sampling that the options ask for; SamplingError if one is out of range."""
    return Sampling(options.temperature, options.top_k or None, options.top_p)


def add_prompt(parser: argparse.ArgumentParser, meaning: str) -> None:
    """A prompt, or --ids in its place; --bos."""
    parser.add_argument("prompt", nargs="?", help=f"{meaning}; - reads it from standard input, @FILE from a file")
    parser.add_argument(
        "--ids",
        type=ids,
        metavar="N,N,...",
        help="token ids in place of a prompt: 416,424,258,393",
    )
    add_beginning(parser)


def whole(text: str) -> int:
    """A whole number."""
    try:
        return int(text)
    except ValueError:
        if len(text) > LONGEST_NUMBER and text.lstrip("+-").isdecimal():
            raise argparse.ArgumentTypeError(f"{quoted(text)} has too many digits") from None
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not a whole number") from None


def add_beginning(parser: argparse.ArgumentParser) -> None:
    """--bos and --no-bos."""
    parser.add_argument(
        "--bos",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="put <|endoftext|> before the prompt, as TransformerLens does and Hugging Face does not "
        "(default: --no-bos)",
    )


_EDITS = (
    "an edit in force, in words: 'head 3.3: zero', 'MLP 2 at 7: mean' (over this prompt's positions), "
    "'5.2:10-2: cut', 'blocks.2.hook_resid_post[7,*]: scale 2', 'neuron 4.12: set 3'; can be given more than once"
)


def add_edits(parser: argparse.ArgumentParser, meaning: str = _EDITS) -> None:
    """--edit."""
    parser.add_argument("--edit", action="append", default=[], metavar="EDIT", help=meaning)


def count(text: str) -> int:
    """A whole number, zero or more."""
    value = whole(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{shortened(value)} is below zero")
    return value


def real(text: str) -> float:
    """A number."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not a number") from None


def ids(text: str) -> list[int]:
    """Token ids, separated by commas."""
    return [count(part.strip()) for part in text.split(",")]


def engine_of_call(options: argparse.Namespace) -> str:
    """The engine that --engine, --device and --dtype ask for; UsageError where they do not fit, or it is not there."""
    engine = str(asked(options.engine, getattr(options, "device", None), getattr(options, "dtype", None)))
    check_installed(engine)
    return engine


def open_model(options: argparse.Namespace, ids_alone: bool = False, arrays: bool = False) -> "tuple[Checkpoint, GPT]":
    """The model that --model and --engine ask for: fetched where that is needed, and loaded.

    With --ids, or `ids_alone`, it may be without a tokenizer. Notes on its files go to standard error. With `arrays`,
    `auto` is always NumPy, in float64 where the model is small: for what takes many runs.
    """
    from explorer.loading.catalogue import locate, namesake, resolve, short_name
    from explorer.loading.checkpoints import open_checkpoint

    place, engine = locate(options.model), engine_of_call(options)
    ids_alone = ids_alone or getattr(options, "ids", None) is not None
    tell_notes(namesake(options.model))
    checkpoint = open_checkpoint(resolve(place, progress("downloading", in_bytes=True), ids_alone=ids_alone), ids_alone)
    tell_notes(checkpoint.notes)
    checkpoint = replace(checkpoint, name=short_name(place))  # in the hub's cache a directory is named by its commit
    if arrays and engine == AUTO:
        import numpy as np

        small = checkpoint.config.parameters <= PYTHON_UP_TO
        return checkpoint, checkpoint.arrays(np.float64 if small else np.float32)
    return checkpoint, checkpoint.load(progress("loading"), engine)


def tell_notes(notes: Iterable[str]) -> None:
    """Write notes to standard error, a line each."""
    for note in notes:
        output.complain(f"note: {note}")


def progress(word: str, in_bytes: bool = False) -> Callable[[int, int], None]:
    """A function that shows on a terminal how much is done, once the work has taken a second."""
    began = time.monotonic()

    def tell(done: int, parts: int) -> None:
        if time.monotonic() - began > 1:
            of = f" of {parts / 1e6:,.0f} MB" if in_bytes else ""
            output.tell_progress(f"{word} {done / parts:4.0%}{of}", last=done == parts)

    return tell
