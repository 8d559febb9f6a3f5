"""`gpt-explorer circuit`: what heads would copy, promote and match, whatever the prompt: OV, QK, composition."""

import argparse

from explorer.commands.ablate import pair
from explorer.commands.options import add_model, count
from explorer.commands.parser import Parser
from explorer.commands.tables import add_formats, model_of, print_numbers, print_table, rows_asked
from explorer.commands.token_option import add_token
from explorer.errors import UsageError

_TOP = 10


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer circuit",
        description="Without a head: the OV copying score of every head, or with --composition how far later heads "
        "read what earlier ones write. With a head: its singular vectors, or for a --token what it promotes and "
        "matches. Of the weights alone, layer norms folded in, their scales and all biases left out.",
    )
    parser.add_argument("--head", type=pair("a head", "5.2"), metavar="L.H", help="the head")
    parser.add_argument("--circuit", choices=("ov", "qk"), default="ov", help="which of its two (default: ov)")
    add_token(parser, "--token", "what it promotes if it attends to this token (ov), or what its query matches (qk)")
    parser.add_argument(
        "--positions", type=count, metavar="N", help="the QK circuit of the first N position embeddings alone"
    )
    parser.add_argument("--composition", choices=("q", "k", "v"), help="of all heads: by queries, keys or values")
    add_formats(parser, _TOP)
    add_model(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    if options.head is None and options.token is not None:
        raise UsageError("--token asks a head: say which with --head 5.2.")
    if options.head is not None and options.composition:
        raise UsageError("--composition is of all heads: leave out --head.")
    if options.positions is not None and (options.head is None or options.token is not None):
        raise UsageError("--positions asks a head, by itself: say which with --head 5.2, and leave out --token.")
    model = model_of(options)
    if options.head is None:
        print_numbers(model.composition(options.composition) if options.composition else model.copying(), options)
        return 0
    rows, (layer, head) = rows_asked(options), options.head
    if options.positions is not None:
        print_numbers(model.matched_positions(layer, head, options.positions), options)
    elif options.token is None:
        print_table(model.directions(layer, head, options.circuit, rows), options)
    else:
        asked = model.promoted if options.circuit == "ov" else model.matched
        print_table(asked(layer, head, options.token, rows), options)
    return 0
