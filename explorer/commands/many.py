"""`--prompts FILE`: a command for every prompt of a file; means, spread, and each.

A file has one prompt a line, or one JSON object a line with "prompt" (or "ids") and whatever of the command's own
options is another for that prompt: "token", "versus", "patch_from". What is done is kept in the file of `--results`, a
line for each prompt, and is not computed again when the same call is made a second time.
"""

import argparse
import contextlib
import json
import sys
from collections.abc import Callable, Container, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from explorer.commands.cluster import add_cluster, in_order, is_wanted, model_of, opened
from explorer.commands.options import progress, tell_notes
from explorer.errors import UsageError
from explorer.terminal import output

if TYPE_CHECKING:
    from explorer.commands.headless import Prompted
    from explorer.loading.checkpoints import Checkpoint
    from explorer.runs.trace import LiveRun
    from gpt import GPT

OVERRIDES = ("prompt", "ids", "token", "versus", "patch_from")
"""The options that a line of a file can set for itself."""

Measures = dict[str, float]
Measure = Callable[["Prompted", argparse.Namespace], "tuple[Measures, dict[str, Any]]"]
"""The numbers of one prompt by their names, and whatever else is kept of it."""

_TOP = 20


def add_prompts(parser: argparse.ArgumentParser) -> None:
    """--prompts, --results, and where they are computed."""
    parser.add_argument(
        "--prompts",
        metavar="FILE",
        help="all prompts of a file: one a line, or a JSON object a line with prompt, token, versus, ...; - is the "
        "standard input",
    )
    parser.add_argument(
        "--results",
        type=Path,
        metavar="FILE",
        help="with --prompts: keep each prompt's numbers there, a JSON line each, and go on from there next time",
    )
    add_cluster(parser)


@dataclass(frozen=True)
class Row:
    """A prompt of a file, and the options that are its own."""

    number: int  # of its line, from 1
    given: dict[str, Any]

    def options(self, options: argparse.Namespace) -> argparse.Namespace:
        """The call's options, with its own in their place."""
        return argparse.Namespace(**{**vars(options), "prompt": None, "ids": None, "number": self.number, **self.given})


def rows(name: str) -> list[Row]:
    """The prompts of a file, "-" being the standard input; UsageError where it holds none, or a line is damaged."""
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{name}: this file of prompts cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{name}: this file of prompts is no UTF-8 text: {error.reason}.") from error
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise UsageError(f"{name}: there are no prompts in it: write one a line.")
    in_json = lines[0][1].lstrip().startswith("{")
    return [Row(number, _given(name, number, line) if in_json else {"prompt": line}) for number, line in lines]


def _given(name: str, number: int, line: str) -> dict[str, Any]:
    try:
        given = json.loads(line)
    except ValueError as error:
        raise UsageError(f"{name}, line {number}: this is not JSON: {error}.") from error
    if not isinstance(given, dict) or not ("prompt" in given or "ids" in given):
        raise UsageError(f'{name}, line {number}: it must be an object with "prompt" or "ids".')
    if unknown := set(given) - set(OVERRIDES):
        raise UsageError(f"{name}, line {number}: there is no {unknown.pop()!r}: there are {', '.join(OVERRIDES)}.")
    if wrong := [key for key, value in given.items() if key != "ids" and not isinstance(value, str)]:
        raise UsageError(f"{name}, line {number}: {wrong[0]} must be a text.")
    ids = given.get("ids", [])
    if not isinstance(ids, list) or not all(isinstance(id, int) and id >= 0 for id in ids):
        raise UsageError(f"{name}, line {number}: ids must be a list of whole numbers.")
    return given


def check(options: argparse.Namespace, divisible: bool = False) -> None:
    """UsageError where a prompt and a file of prompts are given, or --results alone, or there is nothing to divide."""
    if options.prompts is None:
        if not divisible and (options.workers is not None or options.scheduler is not None):
            raise UsageError("--workers and --scheduler divide a file of prompts: give one with --prompts.")
        if options.results is not None:
            raise UsageError("--results keeps what --prompts computes: give a file of prompts too.")
        return
    if options.prompt is not None or options.ids is not None:
        raise UsageError("a prompt and --prompts were given: give one of them.")


def run_many(
    options: argparse.Namespace,
    measure: Measure,
    arrays: bool = True,
    ranking: Callable[[list[dict[str, Any]]], Iterator[str]] | None = None,
) -> int:
    """Measure every prompt of --prompts, and print means and spread; the exit status, 130 where it was interrupted.

    `ranking` makes lines of all that was kept, which come last for people.
    """
    wanted, call = rows(options.prompts), _call(options)
    known = _known(options.results, wanted, call)
    compute = _divided if is_wanted(options) else _here
    tell, done, status = progress("computing"), list[dict[str, Any]](), 0
    try:
        with contextlib.closing(compute(options, measure, _pieces(wanted, known), arrays)) as found:
            for row in wanted:
                if row.number not in known:
                    known[row.number] = next(found)
                    _keep(options.results, {**known[row.number], "call": call})
                done.append(known[row.number])
                tell(len(done), len(wanted))
    except KeyboardInterrupt:
        status = 130
        output.complain(f"interrupted after {len(done)} of {len(wanted)} prompts")
    _print(options, done, len(wanted))
    if ranking and done and not (options.json or options.csv):
        output.say("", *ranking(done))
    return status


Found = Generator[dict[str, Any], None, None]


PIECE = 8
"""Prompts that are computed together: the same ones here and on a worker, so that the same bytes come out."""

Piece = tuple[list[Row], set[int]]
"""Rows of the file that follow one another, and the numbers of those that are wanted."""


def _pieces(wanted: Sequence[Row], known: Container[int]) -> list[Piece]:
    """The pieces in which something is missing."""
    pieces = [list(wanted[first : first + PIECE]) for first in range(0, len(wanted), PIECE)]
    found = [(piece, {row.number for row in piece if row.number not in known}) for piece in pieces]
    return [(piece, missing) for piece, missing in found if missing]


def _here(options: argparse.Namespace, measure: Measure, pieces: Sequence[Piece], arrays: bool) -> Found:
    """The lines that are kept of these prompts, computed in this process."""
    from explorer.commands.options import open_model
    from explorer.engine.threads import few_threads

    checkpoint, model = open_model(options, arrays=arrays)
    with few_threads(model):
        for piece in pieces:
            yield from _measured(options, measure, piece, checkpoint, model)


def _divided(options: argparse.Namespace, measure: Measure, pieces: Sequence[Piece], arrays: bool) -> Found:
    """The same, computed by the workers of a cluster."""
    from explorer.loading.catalogue import locate, namesake, resolve
    from explorer.loading.checkpoints import open_checkpoint

    tell_notes([*namesake(options.model), *open_checkpoint(resolve(locate(options.model))).notes])
    if pieces:
        with opened(options) as client:
            for found in in_order(client, _on_worker, [(options, measure, piece, arrays) for piece in pieces]):
                yield from found


def _on_worker(options: argparse.Namespace, measure: Measure, piece: Piece, arrays: bool) -> list[dict[str, Any]]:
    from explorer.engine.threads import few_threads

    checkpoint, model = model_of(options, arrays)
    with few_threads(model):
        return list(_measured(options, measure, piece, checkpoint, model))


def _measured(
    options: argparse.Namespace, measure: Measure, piece: Piece, checkpoint: "Checkpoint", model: "GPT"
) -> Found:
    """The line that is kept of each wanted prompt; UsageError, with its number, where one cannot be computed."""
    from gpt import GPTError

    calls = [row.options(options) for row in piece[0]]
    together = _together(checkpoint, model, calls)
    for row, call in zip(piece[0], calls):
        try:
            given = next(together)
            if row.number not in piece[1]:
                continue
            measures, extra = measure(given, call)
        except GPTError as error:
            raise UsageError(f"{options.prompts}, line {row.number}: {error}") from error
        yield {"line": row.number, "prompt": given.prompt, "measures": measures, **extra}


def _together(checkpoint: "Checkpoint", model: "GPT", calls: Sequence[argparse.Namespace]) -> "Iterator[Prompted]":
    """The prompt of each call, in their order; on arrays the runs of many are computed together, once one is asked for.

    GPTError at the first that the model cannot read.
    """
    from explorer.commands.headless import prompted
    from explorer.engine.engines import on_arrays
    from explorer.runs.packing import at_once
    from gpt import GPTError

    most = at_once(model.config) if on_arrays(model) else 0
    pack: list[Prompted] = []
    for call in calls:
        try:
            given = prompted(checkpoint, model, call, call.prompt)
        except GPTError:
            yield from _packed(pack)
            raise
        if sum(len(other.ids) for other in pack) + len(given.ids) > most:
            yield from _packed(pack)
            pack = []
        pack.append(given)
    yield from _packed(pack)


def _packed(pack: "Sequence[Prompted]") -> "Iterator[Prompted]":
    """The same prompts, whose runs are computed in one pass."""
    from explorer.runs.packing import run_together

    if len(pack) < 2:
        yield from pack
        return
    runs: list[LiveRun] = []

    def run(number: int) -> "LiveRun":
        if not runs:
            runs.extend(run_together(pack[0].model, [given.ids for given in pack]))
        return runs[number]

    yield from (replace(given, computed=partial(run, number)) for number, given in enumerate(pack))


def _call(options: argparse.Namespace) -> str:
    """The options that the numbers depend on, in words."""
    others = ("prompts", "results", "json", "csv", "top", "command", "workers", "scheduler")
    return " ".join(f"{name}={value!r}" for name, value in sorted(vars(options).items()) if name not in others)


def _known(path: Path | None, wanted: Sequence[Row], call: str) -> dict[int, dict[str, Any]]:
    """The results that an earlier call has kept; UsageError where the file is of another call or of other prompts."""
    if path is None:
        return {}
    from explorer.files import check as check_file

    check_file(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: these results cannot be read: {error}.") from error
    prompts, found = {row.number: row.given.get("prompt") for row in wanted}, {}
    for line in lines:
        try:
            kept = json.loads(line)
            number, prompt, made_by = kept["line"], kept["prompt"], kept.pop("call")
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # the line at which an earlier call was cut off
        if made_by != call:
            raise UsageError(f"{path}: these are results of another call. Name another file, or delete it.")
        if number not in prompts or prompts[number] not in (None, prompt):
            raise UsageError(f"{path}: these are results of other prompts. Name another file, or delete it.")
        found[number] = kept
    return found


def _keep(path: Path | None, kept: dict[str, Any]) -> None:
    if path is None:
        return
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(kept) + "\n")
    except OSError as error:
        from explorer.errors import WriteError

        raise WriteError(f"{path} cannot be written: {error.strerror}. Name another file.") from error


# What is printed


@dataclass(frozen=True)
class Spread:
    """A measure over prompts."""

    name: str
    count: int  # how many prompts have it
    mean: float
    deviation: float  # standard deviation over prompts; 0 of one
    least: float
    most: float


def spreads(done: Sequence[dict[str, Any]]) -> list[Spread]:
    """Every measure, in the order in which they came first."""
    values: dict[str, list[float]] = {}
    for kept in done:
        for name, value in kept["measures"].items():
            values.setdefault(name, []).append(value)
    return [
        Spread(name, len(found), fmean(found), stdev(found) if len(found) > 1 else 0.0, min(found), max(found))
        for name, found in values.items()
    ]


def _print(options: argparse.Namespace, done: list[dict[str, Any]], count: int) -> None:
    found = spreads(done)
    if options.json:
        overall = {each.name: {**vars(each)} for each in found}
        output.data(json.dumps({"prompts": len(done), "of": count, "measures": overall, "each": done}))
    elif options.csv:
        from explorer.commands.tables import write_csv

        names = [each.name for each in found]
        rows = ([each["line"], each["prompt"], *(each["measures"].get(name) for name in names)] for each in done)
        write_csv([["line", "prompt", *names], *rows])
    elif found:
        output.say(*_lines(found, len(done), getattr(options, "top", None) or _TOP))


def _lines(found: list[Spread], count: int, top: int) -> Iterator[str]:
    from explorer.terminal.text import fit, number, width

    yield f"over {count} prompts"
    ranked = sorted(found, key=lambda each: -abs(each.mean))[:top]
    name = max(width(each.name) for each in ranked)
    yield f"{fit('', name)} {'mean':>10} {'deviation':>10} {'least':>10} {'most':>10} {'prompts':>8}"
    for each in ranked:
        numbers = " ".join(f"{number(value, 4):>10}" for value in (each.mean, each.deviation, each.least, each.most))
        yield f"{fit(each.name, name)} {numbers} {each.count:>8}"
    if more := len(found) - len(ranked):
        yield f"… {more} smaller ones"
