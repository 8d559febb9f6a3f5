"""The library's runs, tables and grids on the command line: `explorer.api` as text, JSON or CSV."""

import argparse
import csv
import io
import json
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from explorer.commands.options import count
from explorer.terminal import output

if TYPE_CHECKING:
    from explorer.api.model import Model
    from explorer.api.results import Numbers, Table
    from explorer.api.run import Run
    from explorer.commands.headless import Prompted

_CELL, _LABEL = 9, 24
_LARGEST = 8


def add_formats(parser: argparse.ArgumentParser, top: int | None = None) -> None:
    """--top, --json and --csv."""
    shown = "all" if top is None else str(top)
    parser.add_argument("--top", type=count, metavar="N", help=f"print N rows (default: {shown})")
    parser.set_defaults(usual_top=top)
    add_json_and_csv(parser)


def add_json_and_csv(
    parser: argparse.ArgumentParser,
    in_json: str = "one object, at full precision",
    in_csv: str = "all rows, at full precision",
) -> None:
    """--json or --csv."""
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument("--json", action="store_true", help=in_json)
    formats.add_argument("--csv", action="store_true", help=in_csv)


def open_run(options: argparse.Namespace) -> "Run":
    """The run of a call's prompt, on arrays, as the library has it."""
    from explorer.commands.headless import open_prompt

    return run_of(open_prompt(options, arrays=True))


def run_of(given: "Prompted") -> "Run":
    """The same of a model that is open."""
    from explorer.api.model import Model
    from explorer.api.run import Run

    return Run(Model(given.checkpoint, given.model), given.run())


def model_of(options: argparse.Namespace) -> "Model":
    """The model of a call, on arrays, as the library has it."""
    from explorer.api.model import Model
    from explorer.commands.options import open_model

    return Model(*open_model(options, arrays=True))


def rows_asked(options: argparse.Namespace) -> int:
    """How many rows to compute where each takes its time: as CSV all of them, unless --top says otherwise."""
    return options.top or (sys.maxsize if options.csv else options.usual_top)


def _shown(options: argparse.Namespace) -> int | None:
    """How many rows to print as text; None for all."""
    return options.top or vars(options).get("usual_top")


def print_table(table: "Table", options: argparse.Namespace) -> None:
    """A table as the options want it."""
    if options.json:
        output.data(json.dumps({"title": table.title, "rows": table.as_dicts()}))
    elif options.csv:
        write_csv([table.columns, *table.rows])
    else:
        output.say(*table.lines(_shown(options)))


def print_numbers(numbers: "Numbers", options: argparse.Namespace) -> None:
    """A grid as the options want it: as text a map, where it has two axes, and the largest."""
    if options.json:
        output.data(json.dumps(as_json(numbers)))
    elif options.csv:
        names = [axis.name for axis in numbers.axes]
        write_csv([[*names, "value"], *numbers.top(numbers.values.size).rows])
    else:
        output.say(*_lines(numbers, _shown(options) or _LARGEST))


def as_json(numbers: "Numbers") -> dict[str, Any]:
    """A grid for programs."""
    return {
        "title": numbers.title,
        "axes": [{"name": axis.name, "labels": list(axis.labels)} for axis in numbers.axes],
        "baseline": numbers.baseline,
        "values": numbers.values.tolist(),
    }


def named(numbers: "Numbers") -> dict[str, float]:
    """Every number of a grid by the labels of its place: {"layer 3 head 3": -0.5, ...}."""
    axes = [axis.name for axis in numbers.axes]
    return {
        " ".join(f"{name} {label}" for name, label in zip(axes, row)): row[-1]
        for row in numbers.top(numbers.values.size).rows
    }


def _lines(numbers: "Numbers", top: int) -> Iterator[str]:
    from explorer.terminal.text import fit, number, width

    yield numbers.title
    if numbers.baseline is not None:
        yield f"{number(numbers.baseline, 4, plus='')} without edits"
    yield ""
    if len(numbers.axes) == 2 and numbers.shape[1] <= _LABEL:
        rows, columns = numbers.axes
        label = min(_LABEL, max(map(width, (rows.name, *rows.labels))))
        yield fit(rows.name, label) + "".join(" " + fit(each, _CELL - 1, ">") for each in columns.labels)
        for name, values in zip(rows.labels, numbers.values.tolist()):
            yield fit(name, label) + "".join(f" {number(value, 3):>{_CELL - 1}}" for value in values)
        yield ""
    yield "the largest:"
    yield from numbers.top(top).lines(None)[1:]


def write_csv(rows: Iterable[Iterable[Any]]) -> None:
    """Rows for programs, the first with the names of the columns."""
    output.data(in_csv(rows))


def in_csv(rows: Iterable[Iterable[Any]]) -> str:
    """The same as text, without the last line break."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().removesuffix("\n")
