"""`gpt-explorer neurons PROMPT`: the neurons that fired or wrote most; with --neuron where one of them fires."""

import argparse
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from explorer.commands.ablate import pair
from explorer.commands.many import add_prompts, check, run_many
from explorer.commands.options import add_edits, add_model, add_prompt, count
from explorer.commands.parser import Parser
from explorer.commands.tables import add_formats, open_run, print_table, rows_asked, run_of
from explorer.errors import UsageError

if TYPE_CHECKING:
    from explorer.api.results import Table
    from explorer.api.run import Run
    from explorer.commands.headless import Prompted

_TOP = 10
_KEPT = 100  # places of each prompt


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer neurons",
        description="Print the neurons that fired most at a position; or, of one neuron, how strongly it fires at "
        "every token, and with --prompts its strongest places in a file.",
    )
    add_prompt(parser, "the text to run")
    parser.add_argument(
        "--position", type=int, default=-1, metavar="P", help="at this position; -1 is the last (default: -1)"
    )
    parser.add_argument("--layer", type=count, metavar="L", help="of this block only")
    parser.add_argument("--wrote", action="store_true", help="those that wrote most: |activation| · ‖w_out‖")
    parser.add_argument("--neuron", type=pair("a neuron", "3.120"), metavar="L.N", help="one neuron, at every token")
    add_prompts(parser)
    add_formats(parser, _TOP)
    add_edits(parser)
    add_model(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    check(options)
    if options.prompts:
        if options.neuron is None:
            raise UsageError("over a file of prompts one neuron is followed: say which with --neuron 3.120.")
        return run_many(options, _measures, ranking=lambda done: _strongest_places(done, options.top or _TOP))
    found = open_run(options)
    from explorer.api.asked import neurons

    wanted = {"position": options.position, "layer": options.layer, "wrote": options.wrote}
    strongest = partial(neurons, found, **wanted, count=rows_asked(options))
    print_table(_one(found, *options.neuron) if options.neuron else strongest(), options)
    return 0


def _one(run: "Run", layer: int, neuron: int) -> "Table":
    from explorer.analysis.neurons import activations
    from explorer.api.results import Table

    values = activations(run.trace, layer, neuron)
    rows = sorted(zip(range(len(values)), run.tokens, values), key=lambda row: -row[2])
    return Table(f"neuron {layer}.{neuron}, strongest first", ("position", "token", "activation"), tuple(rows))


def _measures(given: "Prompted", options: argparse.Namespace) -> tuple[dict[str, float], dict[str, Any]]:
    """The neuron's largest and mean activation on one prompt, and its strongest places."""
    table = _one(run_of(given), *options.neuron)
    values = table.column("activation")
    return {"largest": float(values.max()), "mean": float(values.mean())}, {"places": table.as_dicts()[:_KEPT]}


def _strongest_places(done: list[dict[str, Any]], top: int) -> Iterator[str]:
    """Where the neuron fires most in the whole file."""
    from explorer.terminal.text import fit, number, printable, width

    places = [(place, kept["line"], kept["prompt"]) for kept in done for place in kept["places"]]
    places = sorted(places, key=lambda each: -each[0]["activation"])[:top]
    size = max(width(place["token"]) for place, _, _ in places) + 1
    yield "its strongest places"
    yield f"{'activation':>10}  {fit('token', size)} {'position':>8} {'line':>6}  prompt"
    for place, line, prompt in places:
        token = fit(place["token"], size)
        yield f"{number(place['activation'], 4):>10}  {token} {place['position']:>8} {line:>6}  {printable(prompt)}"
