"""`gpt-explorer models`: the models that `--model` opens by name."""

import argparse
import json
from dataclasses import asdict, astuple, fields
from typing import TYPE_CHECKING

from explorer.commands.parser import Parser
from explorer.commands.tables import add_json_and_csv, write_csv
from explorer.terminal import output

if TYPE_CHECKING:
    from explorer.loading.catalogue import ModelEntry

_COLUMNS = ("model", "", "size", "layers", "heads", "wide", "parameters")


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer models",
        description="List the models that --model opens by name: embedded, downloaded, or on the Hugging Face hub.",
        epilog="--model OWNER/NAME (or OWNER/NAME@REVISION) opens others of the hub, --model DIRECTORY a local one.",
    )
    add_json_and_csv(parser, "a list of objects, sizes in bytes", "a row for each, sizes in bytes")
    return parser


def run(options: argparse.Namespace) -> int:
    from explorer.loading.catalogue import ModelEntry, listing

    entries = listing()
    if options.json:
        objects = [asdict(entry) | {"path": str(entry.path) if entry.path else None} for entry in entries]
        output.data(json.dumps(objects, indent=1))
    elif options.csv:
        write_csv([[field.name for field in fields(ModelEntry)], *map(astuple, entries)])
    else:
        output.say(_table([_COLUMNS, *map(_cells, entries)]))
    return 0


def _cells(entry: "ModelEntry") -> tuple[str, ...]:
    counts = map(str, (entry.layers, entry.heads, entry.width))
    return (entry.name, entry.state, f"{entry.size / 1e6:,.0f} MB", *counts, f"{entry.parameters / 1e6:,.1f}M")


def _table(rows: list[tuple[str, ...]]) -> str:
    """Two columns of words, aligned on the left, then numbers, aligned on the right."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = []
    for row in rows:
        words = [cell.ljust(width) for cell, width in zip(row[:2], widths)]
        numbers = [cell.rjust(width) for cell, width in zip(row[2:], widths[2:])]
        lines.append("  ".join([*words, *numbers]).rstrip())
    return "\n".join(lines)
