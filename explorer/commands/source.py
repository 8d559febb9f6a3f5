"""`gpt-explorer source NAME`: the code behind a name, the line that computes it marked."""

import argparse
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from explorer.commands.parser import Parser
from explorer.commands.tables import add_json_and_csv, write_csv
from explorer.errors import UsageError
from explorer.terminal import output

if TYPE_CHECKING:
    from explorer.code.listing import Listing, Lit


_SUMMARY = ("name", "shape", "file", "line", "functions")


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer source",
        description="Print the Python code that computes a value of the model: the function that hands it to hooks, "
        "with that line marked, and the functions that it calls. Without a name, list all names and shapes.",
    )
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="blocks.2.attn.hook_pattern, logits, probabilities, wte.weight, ..."
    )
    add_json_and_csv(parser, "print one object; without a name a list of objects", "without a name: a row for each")
    return parser


def run(options: argparse.Namespace) -> int:
    from explorer.code.listing import listing, listings

    if options.csv:
        if options.name is not None:
            raise UsageError("code is no table: --csv is for the list of all names. Leave the name out, or use --json.")
        write_csv([_SUMMARY, *map(_row, listings())])
        return 0
    if options.name is None:
        found = list(listings())
        lines = [json.dumps([_summary(each) for each in found])] if options.json else _table(found)
    else:
        one = listing(options.name)
        lines = [json.dumps(one.as_json())] if options.json else _code(one)
    output.say(*lines)
    return 0


def _summary(listing: "Listing") -> dict[str, object]:
    functions = [lit.function.__qualname__ for lit in listing.functions]
    file, _, line = listing.handed.place.partition(":")
    return dict(zip(_SUMMARY, (listing.name, list(listing.axes), file, int(line), functions)))


def _row(listing: "Listing") -> list[object]:
    return [" ".join(cell) if isinstance(cell, list) else cell for cell in _summary(listing).values()]


def _table(found: "list[Listing]") -> Iterator[str]:
    yield "Shapes: T positions, S positions attended to, d the width, H heads, e the width of a head,"
    yield "m neurons, V the vocabulary, C the longest context. Block 0 stands for every block."
    yield ""
    names, shapes = (max(len(text) for text in texts) for texts in zip(*((each.name, _shape(each)) for each in found)))
    for each in found:
        functions = ", ".join(lit.function.__qualname__ for lit in each.functions)
        yield f"{each.name:<{names}}  {_shape(each):<{shapes}}  {each.handed.place:<22}  {functions}".rstrip()


def _shape(listing: "Listing") -> str:
    return f"[{', '.join(listing.axes)}]"


def _code(listing: "Listing") -> Iterator[str]:
    yield f"{listing.name} {_shape(listing)}"
    for lit in (listing.handed, *listing.functions):
        yield ""
        yield from _function(lit)


def _function(lit: "Lit") -> Iterator[str]:
    """A function as it is written, with its lines numbered and the one that matters marked."""
    from explorer.code.source import source_of

    code = source_of(lit.function)
    yield f"{lit.place} {code.function}"
    for number, line in enumerate(code.lines, code.first):
        mark = "▶" if number == lit.line else " "
        yield f"{mark}{number:>4}  {''.join(text for text, _ in line)}".rstrip()
