"""`gpt-explorer path PROMPT --head 3.3 --to 5.2.q`: a part's effect on the answer by way of chosen readers alone."""

import argparse
from typing import TYPE_CHECKING

from explorer.commands.ablate import finite, pair
from explorer.commands.options import add_edits, add_model, add_prompt, count
from explorer.commands.parser import Parser
from explorer.commands.tables import add_formats, open_run, print_table
from explorer.errors import UsageError
from explorer.terminal import output

if TYPE_CHECKING:
    from explorer.api.places import PlannedEdit
    from explorer.api.run import Run

_TOP = 10


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer path",
        description="Path patching: the sender is edited, everything else that writes is held as recorded, and the "
        "receivers get what they then read; everything after them follows.",
    )
    add_prompt(parser, "the text to run")
    sender = parser.add_mutually_exclusive_group(required=True)
    sender.add_argument("--head", type=pair("a head", "3.3"), metavar="L.H", help="the sender: a head")
    sender.add_argument("--mlp", type=count, metavar="L", help="the sender: an MLP")
    parser.add_argument(
        "--to",
        action="append",
        required=True,
        metavar="RECEIVER",
        help="a head's queries, keys or values (5.2.q), an MLP (mlp4), or logits; can be given more than once",
    )
    parser.add_argument("--mlps-follow", action="store_true", help="hold the other heads only, and let MLPs pass it on")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--patch-from", metavar="PROMPT", help="the sender's values in another prompt in place of zero")
    kinds.add_argument("--mean", action="store_true", help="its mean over this prompt's positions in place of zero")
    kinds.add_argument("--scale", type=finite, metavar="X", help="multiply it by a number")
    add_formats(parser, _TOP)
    add_edits(parser)
    add_model(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    found = open_run(options)
    answer = found.path(_sender(options, found), options.to, mlps_follow=options.mlps_follow)
    print_table(answer.changes, options)
    if not (options.json or options.csv):
        output.say(f"KL = {answer.kl:.4f} bits")
    return 0


def _sender(options: argparse.Namespace, run: "Run") -> "PlannedEdit":
    from explorer.api.places import head, mlp

    place = head(*options.head) if options.head else mlp(options.mlp)
    if options.patch_from is not None:
        if not options.patch_from:
            raise UsageError("the prompt to patch from is empty: give some text.")
        return place.patch(run.model.run(options.patch_from, bos=options.bos))
    if options.scale is not None:
        return place.scale(options.scale)
    return place.mean() if options.mean else place.zero()
