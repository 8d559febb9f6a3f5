"""`gpt-explorer lens PROMPT`: the likeliest next token after each layer, and the surprise of the prompt."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any

from explorer.commands.many import add_prompts, check, run_many
from explorer.commands.options import add_edits, add_model, add_prompt, count, progress
from explorer.commands.parser import Parser
from explorer.commands.tables import add_json_and_csv, write_csv
from explorer.terminal import output

if TYPE_CHECKING:
    from explorer.analysis.lens import LensCell, LensRow
    from explorer.commands.headless import Prompted
    from explorer.runs.trace import Trace

_LIKELIEST = 10
_TITLE, _TOKEN, _CELL = 12, 9, 14


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer lens",
        description="Print the logit lens: the likeliest next token after each layer, at every position of a prompt.",
    )
    add_prompt(parser, "the text to run")
    parser.add_argument(
        "--top", type=count, metavar="N", help=f"with --json: list N next tokens (default: {_LIKELIEST})"
    )
    add_json_and_csv(parser, in_csv="a row for each layer and position, at full precision")
    add_prompts(parser)
    add_edits(parser)
    add_model(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    from explorer.commands.headless import open_prompt

    check(options)
    if options.prompts:
        return run_many(options, _measures)
    given = open_prompt(options)
    trace = given.run()
    if options.json:
        output.data(json.dumps(_as_json(given, trace, _LIKELIEST if options.top is None else options.top)))
    elif options.csv:
        write_csv(_rows(given, trace))
    else:
        output.say(*_tables(given, trace))
    return 0


def _measures(given: "Prompted", options: argparse.Namespace) -> tuple[dict[str, float], dict[str, Any]]:
    """The answer's probability and rank after each layer at the last position, and the loss."""
    from explorer.analysis import lens

    trace, measures = given.run(), dict[str, float]()
    last = len(given.ids) - 1
    rows = lens.rows(trace.config.n_layer)
    for row, found in zip(rows, lens.fill(trace, [(row.name, last) for row in rows], lambda: False)):
        measures[f"{row.title}: probability"] = found.answer_probability
        measures[f"{row.title}: rank"] = float(found.answer_rank)
    if loss := lens.loss(trace):
        measures["loss in nats"] = loss.nats
    return measures, {"answer": given.token_as_json(lens.answer(trace, last))}


def _as_json(given: "Prompted", trace: "Trace", top: int) -> dict[str, Any]:
    from explorer.analysis import lens
    from explorer.walk.trace_file import predictions

    rows, columns, cells = lens.rows(trace.config.n_layer), range(len(trace.ids)), []
    tell = progress("reading")
    for done, row in enumerate(rows, 1):
        logits = [lens.read(trace, row.name, position, lambda: False) or [] for position in columns]
        likeliest = predictions(logits, trace.ids, given.tokenizer, top)["predictions"]
        for position in columns:
            found = lens.measure(row.name, position, logits[position], lens.answer(trace, position))
            cells.append(_cell_as_json(row, found, likeliest[position]))
        tell(done, len(rows))
    loss = lens.loss(trace)
    return {
        **given.as_json(),
        "rows": cells,
        "surprise": lens.surprises(trace),
        "loss": loss and asdict(loss) | {"bits": loss.bits, "perplexity": loss.perplexity},
    }


def _rows(given: "Prompted", trace: "Trace") -> Iterator[list[Any]]:
    """The numbers of every cell, the first row with their names."""
    yield ["layer", "name", "position", "token", "next", "probability", "answer", "answer_rank", "answer_probability",
           "entropy"]  # fmt: skip
    answered = _as_json(given, trace, 1)
    for cell in answered["rows"]:
        (likeliest,) = cell["next"]
        row = [cell[name] for name in ("layer", "name", "position")] + [answered["tokens"][cell["position"]]]
        row += [likeliest["token"], likeliest["probability"], given.tokenizer.decode([cell["answer"]])]
        yield row + [cell[name] for name in ("answer_rank", "answer_probability", "entropy")]


def _cell_as_json(row: "LensRow", found: "LensCell", likeliest: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "layer": row.layer,
        "name": row.name,
        "position": found.position,
        "entropy": found.entropy,
        "answer": found.answer,
        "answer_rank": found.answer_rank,
        "answer_probability": found.answer_probability,
        "next": likeliest,
    }


def _tables(given: "Prompted", trace: "Trace") -> Iterator[str]:
    """Tables of as many positions as fit the width of the terminal, one below the other."""
    from shutil import get_terminal_size

    from explorer.analysis import lens

    rows, columns = lens.rows(trace.config.n_layer), range(len(trace.ids))
    tell, cells = progress("reading"), dict[int, list["LensCell"]]()
    filling = lens.fill(trace, [(row.name, position) for position in columns for row in rows], lambda: False)
    for done, position in enumerate(columns, 1):
        cells[position] = list(islice(filling, len(rows)))
        tell(done, len(columns))
    fitting = max(1, (get_terminal_size((120, 24)).columns - _TITLE) // _CELL)
    for start in range(0, len(columns), fitting):
        yield from _table(given, trace, rows, {position: cells[position] for position in columns[start:][:fitting]})
        yield ""
    yield from _loss(trace)


def _table(
    given: "Prompted", trace: "Trace", rows: "tuple[LensRow, ...]", cells: "dict[int, list[LensCell]]"
) -> Iterator[str]:
    from explorer.analysis import lens
    from explorer.terminal.text import fit

    def named(token: int, cells: int = _TOKEN) -> str:
        return fit(given.label(token), cells)

    def line(title: str, entries: list[str]) -> str:
        return (fit(title, _TITLE) + "".join(fit(" " + entry, _CELL) for entry in entries)).rstrip()

    def settled(position: int) -> str:
        row = lens.settled(cells[position])
        return "" if row is None else _short(rows[row])

    def surprise(position: int) -> str:
        bits = lens.surprise(trace, position)
        return "" if bits is None else f"{bits:.2f} bits"

    yield line("", [f"{position} {named(trace.ids[position])}" for position in cells])
    for index, row in enumerate(rows):
        found = [column[index] for column in cells.values()]
        yield line(_short(row), [f"{named(cell.token)}{cell.probability:4.0%}" for cell in found if cell])
    yield line("stays from", [settled(position) for position in cells])
    yield line("surprise", [surprise(position) for position in cells])


def _short(row: "LensRow") -> str:
    return row.title if row.half is None else f"{row.layer} {row.half.value}"


def _loss(trace: "Trace") -> Iterator[str]:
    from explorer.analysis import lens
    from explorer.terminal.text import counted

    loss = lens.loss(trace)
    if loss is None:
        yield "loss         none: nothing comes before the first token to predict it from"
    else:
        amount = f"{loss.nats:.4f} nats = {loss.bits:.4f} bits a token"
        yield f"loss         {amount}, over {counted(loss.tokens, 'token')}; perplexity {loss.perplexity:.2f}"
