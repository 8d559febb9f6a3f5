"""`gpt-explorer flow PROMPT`: the strongest edges to the last residual state, and how much of a logit each brought."""

import argparse

from explorer.analysis.flow import THRESHOLD
from explorer.commands.options import add_edits, add_model, add_prompt, real
from explorer.commands.parser import Parser
from explorer.commands.tables import add_formats, open_run, print_table
from explorer.commands.token_option import add_token
from explorer.terminal.glyphs import quoted

_TOP = 20


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer flow",
        description="Print the edges (heads, MLPs) by which information reached the last position. Share: how much of "
        "the last residual state they make up, multiplied along the ways, the same whatever is asked (proximity as in "
        "Ferrando and Voita 2024; the product along ways is ours). Logit: how much of the token's logit (less "
        "the mean of all), or of its lead, came along the same edge, with attention patterns, layer norms' scales and "
        "what MLPs write held as recorded.",
    )
    add_prompt(parser, "the text to run")
    add_token(parser, "--token", "the token whose logit is attributed (default: the likeliest)")
    add_token(parser, "--versus", "attribute its lead over this token")
    parser.add_argument(
        "--position", type=int, default=-1, metavar="P", help="to the last state of this position (default: -1)"
    )
    parser.add_argument(
        "--threshold",
        type=share,
        default=THRESHOLD,
        metavar="X",
        help=f"follow the edges that make up this share of what arrives at a place (default: {THRESHOLD})",
    )
    parser.add_argument("--by", choices=("share", "logit"), default="share", help="the order (default: share)")
    add_formats(parser, _TOP)
    add_edits(parser)
    add_model(parser)
    return parser


def share(text: str) -> float:
    """A share from 0 to 1."""
    value = real(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is no share: give a number from 0 to 1")
    return value


def run(options: argparse.Namespace) -> int:
    from dataclasses import replace

    wanted = {"position": options.position, "threshold": options.threshold}
    table = open_run(options).flow(options.token, options.versus, **wanted)
    place = table.columns.index(options.by)
    rows = tuple(sorted(table.rows, key=lambda row: -abs(row[place])))
    print_table(replace(table, rows=rows), options)
    return 0
