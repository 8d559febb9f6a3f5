"""`gpt-explorer score PROMPT --head 5.2 --key 2`: why a head looks there, by who wrote both sides of the score."""

import argparse

from explorer.commands.ablate import pair
from explorer.commands.options import add_edits, add_model, add_prompt
from explorer.commands.parser import Parser
from explorer.commands.tables import add_formats, open_run, print_table

_TOP = 20


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer score",
        description="Split an attention score, before the mask, into products of what each earlier part wrote on the "
        "query's side and on the key's; they add up to it. `explain --at` goes on from the cells that are named.",
    )
    add_prompt(parser, "the text to run")
    parser.add_argument("--head", type=pair("a head", "5.2"), required=True, metavar="L.H", help="the head")
    parser.add_argument(
        "--query", type=int, default=-1, metavar="P", help="the position that looks; -1 is the last (default: -1)"
    )
    parser.add_argument("--key", type=int, required=True, metavar="P", help="the position that is looked at")
    add_formats(parser, _TOP)
    add_edits(parser)
    add_model(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    from explorer.analysis.score_parts import score_parts
    from explorer.api.asked import place_of
    from explorer.api.results import Table

    run = open_run(options)
    layer, head = options.head
    query, key = place_of(run, options.query), place_of(run, options.key)
    found = score_parts(run.trace, layer, head, query, key)
    rows = tuple((a.label, b.label, value, a.cell, b.cell) for a, b, value in found.ranked())
    title = (
        f"score of head {layer}.{head}, {run.tokens[query]} ({query}) → {run.tokens[key]} ({key}): {found.score:.4f}"
    )
    note = f"sum {found.sum:.4f}, gap {found.gap:.1e}"
    columns = ("query's side", "key's side", "value", "query's cell", "key's cell")
    print_table(Table(title, columns, rows, note), options)
    return 0
