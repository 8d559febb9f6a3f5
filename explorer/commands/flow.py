"""`gpt-explorer flow PROMPT`: the strongest edges to the last residual state, and how much of a logit each brought."""

import argparse

from explorer.commands.options import add_model, add_prompt
from explorer.commands.parser import Parser
from explorer.commands.tables import add_formats, open_run, print_table
from explorer.commands.token_option import add_token

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
    parser.add_argument("--by", choices=("share", "logit"), default="share", help="the order (default: share)")
    add_formats(parser, _TOP)
    add_model(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    from dataclasses import replace

    table = open_run(options).flow(options.token, options.versus)
    place = table.columns.index(options.by)
    rows = tuple(sorted(table.rows, key=lambda row: -abs(row[place])))
    print_table(replace(table, rows=rows), options)
    return 0
