"""`gpt-explorer explain PROMPT --at CELL`: why a number has its value, and the numbers that it was made of."""

import argparse
import json
from typing import TYPE_CHECKING

from explorer.commands.options import add_edits, add_model, add_prompt, add_sampling, count, sampling
from explorer.commands.parser import Parser
from explorer.commands.tables import add_json_and_csv, write_csv
from explorer.terminal import output

if TYPE_CHECKING:
    from explorer.runs.cells import Cell
    from explorer.walk.session import Session

_TERMS, _TERMS_WITHIN = 8, 3
_COLUMNS = 120


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer explain",
        description="Explain a number of a run: print the terms that it is the sum of, the largest first, "
        "each with the numbers it was made of and where those are, and the line of Python that computed it. "
        "`gpt-explorer source` lists the names.",
    )
    add_prompt(parser, "the text to run")
    parser.add_argument(
        "--at",
        required=True,
        metavar="CELL",
        help="a name and an index, counted from 0: 'blocks.2.attn.hook_pattern[3,7,5]', 'logits[7,354]', "
        "'probabilities[7,354]', 'wte.weight[354,0]'",
    )
    parser.add_argument(
        "--depth",
        type=count,
        default=0,
        metavar="N",
        help="explain the numbers behind the terms as well, N levels deep (default: 0)",
    )
    parser.add_argument(
        "--terms",
        type=count,
        metavar="N",
        help=f"print N terms of each number; 0 prints all (default: {_TERMS}; {_TERMS_WITHIN} with --depth)",
    )
    parser.add_argument(
        "--unroll", action="store_true", help="list everything that was written into a residual stream, by head and MLP"
    )
    add_json_and_csv(parser, in_csv="the terms of the number, at full precision")
    add_edits(parser)
    add_model(parser)
    add_sampling(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    from shutil import get_terminal_size

    from explorer.paint import explained
    from explorer.runs.cells import parse

    cell = parse(options.at)
    terms = options.terms
    if terms is None:
        terms = _TERMS_WITHIN if options.depth else _TERMS
    shown = explained.Shown(terms, options.depth, options.unroll)
    session = _session(options, cell)
    explanation = explained.explanation_of(session, cell, shown)
    if options.json:
        output.data(json.dumps(explained.as_json(session, explanation, shown), allow_nan=False))
    elif options.csv:
        names = ("label", "value", "at", "text")
        terms = explained.as_json(session, explanation, shown._replace(depth=0))["terms"]
        write_csv([names, *([term[name] for name in names] for term in terms)])
    else:
        columns = get_terminal_size((_COLUMNS, 24)).columns
        output.say(*explained.lines(session, explanation, shown, columns))
    return 0


def _session(options: argparse.Namespace, cell: "Cell") -> "Session":
    """A computed run of the prompt; CellError, before anything is computed, if it has no such number."""
    from explorer.commands.headless import completed, open_prompt
    from explorer.runs.trace import LiveRun
    from explorer.walk.session import Session

    chosen = sampling(options)
    given = open_prompt(options)
    session = Session(given.model, given.tokenizer, chosen, options.seed)
    run = LiveRun(given.model, list(given.ids))
    session.begin(run, given.prompt)
    session.provenance.check(cell)
    if given.edits:
        session.begin(given.run(), given.prompt)
    else:
        completed(run)
    return session
