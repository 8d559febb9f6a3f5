"""`gpt-explorer bench`: how fast it is, beside the bounds and beside other programs, all in one run."""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from explorer.commands.options import count, tell_notes
from explorer.commands.parser import Parser
from explorer.commands.tables import add_json_and_csv, write_csv
from explorer.errors import UsageError
from explorer.terminal import output

if TYPE_CHECKING:
    from explorer.bench.timing import Growth, Part
    from explorer.loading.checkpoints import Checkpoint
    from gpt import GPT

PARTS = ("plain", "arrays", "growth", "program")
TEXT = "Once upon a time there was a little girl named Lily. She liked to play"
TOKENS, ROUNDS, PROMPTS = 12, 9, 20
_MOST, _MOST_QUICK = 1024, 64  # tokens of the longest prompt whose cost is measured
_LOOPS_UP_TO = 8_000_000  # parameters: nested loops over more take minutes


def parser() -> argparse.ArgumentParser:
    from explorer.bench.shapes import SHAPES

    parser = Parser(
        prog="gpt-explorer bench",
        description="Measure in turn, in one run: plain Python beside the dot products alone and the textbook's loops, "
        "arrays beside bare products and the peers that are installed, how cost grows, and the program itself. The "
        "first column says how many times its bound (the first row) each one took. The exit status is 1 where two "
        "programs that should compute the same do not.",
    )
    add = parser.add_argument
    add_json_and_csv(
        parser, "one object: machine, parts, growth; times in seconds", "a row for each timing; medians in seconds"
    )
    add("--quick", action="store_true", help="one round of each, short prompts, and no terminal")
    add("--only", metavar="PART,...", help=f"some of {', '.join(PARTS)} (default: all)")
    add("--against", metavar="PEER,...", help="transformers, transformer-lens, or none (default: those installed)")
    add("--tokens", type=count, default=TOKENS, metavar="N", help=f"tokens of the prompt (default: {TOKENS})")
    add("--rounds", type=count, default=ROUNDS, metavar="N", help=f"how often each is timed (default: {ROUNDS})")
    add("--model", metavar="MODEL", help="as for `gpt-explorer generate` (default: stories, the embedded model)")
    add("--shape", choices=SHAPES, help="in place of --model: random weights of this model's shape, no download")
    return parser


def run(options: argparse.Namespace) -> int:
    from explorer.bench.shapes import directory

    if options.shape and options.model:
        raise UsageError("a model and a shape were given: give one of them.")
    if options.tokens < 2 or not options.rounds:
        raise UsageError("give at least 2 tokens and 1 round.")
    if not options.shape:
        return _measure(options, options.model)
    with directory(options.shape) as place:
        return _measure(options, str(place))


def _measure(options: argparse.Namespace, model: str | None) -> int:
    from explorer.bench import peers, table
    from explorer.bench.timing import Growth, Part
    from explorer.loading.catalogue import locate, resolve
    from explorer.loading.checkpoints import open_checkpoint

    chosen = _chosen(options.only)
    there, missing = ([], []) if options.against == "none" else peers.asked(options.against)
    checkpoint = open_checkpoint(resolve(locate(model), ids_alone=True), ids_alone=True)
    if options.tokens > checkpoint.config.n_positions:
        raise UsageError(f"this model sees {checkpoint.config.n_positions} tokens at most: give fewer with --tokens.")
    tell_notes(missing)
    done: list[Part | Growth] = []
    machine = _machine()
    silent = options.json or options.csv
    if not silent:
        name = options.shape or checkpoint.name
        output.say(*machine, f"{name}: {checkpoint.config.parameters:,} parameters", "")
    for found in _all(options, checkpoint, model, there, chosen):
        done.append(found)
        if not silent:
            output.say(*(table.part(found) if isinstance(found, Part) else table.growth(found)))
    measured = [found for found in done if isinstance(found, Part)]
    if options.json:
        shown = {
            "machine": machine,
            "model": options.shape or checkpoint.name,
            "parameters": checkpoint.config.parameters,
            "parts": [found.as_json() for found in measured],
            "growth": [found.as_json() for found in done if isinstance(found, Growth)],
        }
        output.data(json.dumps(shown))
    elif options.csv:
        write_csv(table.rows(done))
    return 0 if all(found.equal for found in measured) else 1


def _all(
    options: argparse.Namespace, checkpoint: "Checkpoint", model: str | None, there: list[str], chosen: tuple[str, ...]
) -> "Iterator[Part | Growth]":
    """Every table, as soon as it is measured."""
    from explorer.bench import arrays, growth, plain, program
    from explorer.engine.engines import NUMPY, PYTHON, choose

    rounds = 1 if options.quick else options.rounds
    ids = _ids(checkpoint, options.tokens)
    if "plain" in chosen:
        if checkpoint.config.parameters <= _LOOPS_UP_TO:
            with _measuring("plain Python"):
                yield from plain.parts(checkpoint.load(engine=PYTHON), ids, rounds)
        else:
            tell_notes(["plain Python is left out: the textbook's loops take minutes with so many parameters."])
    on_arrays: GPT | None = checkpoint.load(engine=NUMPY) if {"arrays", "growth"} & set(chosen) else None
    if on_arrays and "arrays" in chosen:
        with _measuring("arrays"):
            prompts = 3 if options.quick else PROMPTS
            yield from arrays.Arrays(on_arrays, checkpoint.path, there).parts(ids, prompts, rounds)
    if on_arrays and "growth" in chosen:
        with _measuring("how cost grows"):
            yield from growth.growths(on_arrays, ids, _MOST_QUICK if options.quick else _MOST, max(1, rounds // 3))
    if "program" in chosen:
        engine = choose("auto", checkpoint.config)
        with _measuring("the program"):
            yield from program.parts(checkpoint, engine, model, there, rounds, screen=not options.quick)


def _chosen(only: str | None) -> tuple[str, ...]:
    names = tuple(name.strip() for name in only.split(",")) if only else PARTS
    if unknown := [name for name in names if name not in PARTS]:
        raise UsageError(f"there is no part {unknown[0]!r}: there are {', '.join(PARTS)}.")
    return names


def _ids(checkpoint: "Checkpoint", tokens: int) -> list[int]:
    """So many token ids: those of a text, where the model can read it; else from 0 on."""
    from explorer.bench.growth import repeated
    from explorer.errors import TokenizerError

    size = checkpoint.config.vocab_size
    try:
        ids = [id for id in checkpoint.tokenizer.encode(TEXT) if id < size]
    except TokenizerError:
        ids = []
    return repeated(ids or [id % size for id in range(tokens)], tokens)


def _machine() -> list[str]:
    from explorer.engine.cores import cores, without_lock
    from explorer.verify.machine import processor

    python = f"Python {sys.version.split()[0]}{' without its lock' if without_lock() else ''}"
    lines = [f"{processor()} · {cores()} of {os.cpu_count()} cores used by plain Python · {python}"]
    if hasattr(os, "getloadavg"):
        lines.append(f"load at the beginning: {os.getloadavg()[0]:.1f} (with 1 or more, read the ratios alone)")
    return lines


@contextmanager
def _measuring(what: str) -> Iterator[None]:
    """A line on the terminal that says what is measured, until it is there."""
    output.tell_progress(f"measuring {what}")
    try:
        yield
    finally:
        output.tell_progress("", last=True)
