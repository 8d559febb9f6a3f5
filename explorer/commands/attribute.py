"""`gpt-explorer attribute PROMPT`: which parts of the model wrote an answer, as bars that add up to its logit."""

import argparse
import json
from typing import TYPE_CHECKING, Any

from explorer.analysis.attribution import (
    CENTRED,
    IN_WORDS,
    Contribution,
    Convention,
    Level,
    LogitAttribution,
    attribute,
)
from explorer.commands.many import add_prompts, check, run_many
from explorer.commands.options import add_edits, add_model, add_prompt, count, whole
from explorer.commands.parser import Parser
from explorer.commands.tables import add_json_and_csv, write_csv
from explorer.commands.token_option import add_token, token_id
from explorer.errors import UsageError
from explorer.terminal import output
from explorer.terminal.glyphs import shortened

if TYPE_CHECKING:
    from explorer.commands.headless import Prompted

_SHOWN = 20
_CENTRED = "centred"
_CONVENTIONS = (_CENTRED, *(convention.value for convention in Convention))
_BAR = 14


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer attribute",
        description="Print how much each part of the model adds to an answer's logit, or to its lead over a token.",
    )
    add_prompt(parser, "the text to run")
    add_token(parser, "--token", "the answer (default: the likeliest token)")
    add_token(parser, "--versus", "explain the answer's lead over this token")
    parser.add_argument(
        "--position",
        type=whole,
        default=-1,
        metavar="P",
        help="explain the answer after this token, counted from 0; -1 is the last one (default: -1)",
    )
    parser.add_argument(
        "--by",
        choices=[level.value for level in Level],
        default=Level.COMPONENT.value,
        help="the parts to list (default: component)",
    )
    parser.add_argument(
        "--convention",
        choices=_CONVENTIONS,
        default=_CENTRED,
        help="centred: against the mean of all logits; plain: the logit as it is; transformer-lens: centred, biases "
        "as in its default processing (default: centred; with --versus centred and plain are the same)",
    )
    parser.add_argument(
        "--top", type=count, metavar="N", help=f"list only the N largest (default: {_SHOWN}; all with --json and --csv)"
    )
    add_json_and_csv(parser)
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
    found = _attributed(options, given)
    if options.json:
        output.data(json.dumps(_as_json(found, given, options.top)))
    elif options.csv:
        names = ("label", "value", "kind", "layer", "head", "source", "neuron")
        parts = map(_fields, found.ranked()[: options.top])
        write_csv([names, *([part.get(name) for name in names] for part in parts)])
    else:
        output.say(*_table(found, given, _SHOWN if options.top is None else options.top))
    return 0


def _measures(given: "Prompted", options: argparse.Namespace) -> tuple[dict[str, float], dict[str, Any]]:
    found = _attributed(options, given)
    parts = {part.label: part.value for part in found.contributions}
    named = given.token_as_json
    tokens = {"token": named(found.token), "versus": None if found.versus is None else named(found.versus)}
    return {_what(found): found.logit, **parts}, tokens


def _attributed(options: argparse.Namespace, given: "Prompted") -> LogitAttribution:
    from explorer.analysis import lens

    tokenizer, config = given.tokenizer, given.model.config
    position = _position(options.position, len(given.ids))
    chosen = None if options.token is None else token_id(options.token, tokenizer, config)
    versus = None if options.versus is None else token_id(options.versus, tokenizer, config)
    trace = given.run()
    token = lens.answer(trace, position) if chosen is None else chosen
    if token == versus:
        raise UsageError(f"the answer and --versus are the same token, {token}: choose another to compare it with.")
    centred = options.convention == _CENTRED
    convention = Convention.PLAIN if centred else Convention(options.convention)
    return attribute(trace, position, token, versus, Level(options.by), convention, centred=centred)


def _position(given: int, length: int) -> int:
    position = given + length if given < 0 else given
    if not 0 <= position < length:
        there = f"this prompt has 0 to {length - 1} (or -1, the last)"
        raise UsageError(f"there is no position {shortened(given)}: {there}.")
    return position


def _as_json(found: LogitAttribution, given: "Prompted", top: int | None) -> dict[str, Any]:
    shown = found.ranked()[:top]
    return {
        "prompt": given.prompt,
        "ids": list(given.ids),
        "position": found.position,
        "token": given.token_as_json(found.token),
        "versus": None if found.versus is None else given.token_as_json(found.versus),
        "by": found.level.value,
        "convention": _convention(found),
        "contributions": [_fields(part) for part in shown],
        "sum": found.sum,
        "logit": found.logit,
        "gap": found.gap,
    }


def _fields(part: Contribution) -> dict[str, Any]:
    """Label, value, kind, and those of layer, head, source and neuron that it has."""
    places = {"layer": part.layer, "head": part.head, "source": part.source, "neuron": part.neuron}
    there = {name: place for name, place in places.items() if place is not None}
    return {"label": part.label, "value": part.value, "kind": part.kind} | there


def _table(found: LogitAttribution, given: "Prompted", top: int) -> list[str]:
    from math import fsum
    from shutil import get_terminal_size
    from textwrap import fill

    from explorer.terminal.text import fit, width

    def name(part: Contribution) -> str:
        if part.source is None:
            return part.label
        return f"{part.label} {given.label(given.ids[part.source])}"

    ranked = found.ranked()
    lines = [(name(part), part.value) for part in ranked[:top]]
    ends = [("sum", found.sum), (_what(found), found.logit)]
    if rest := ranked[top:]:
        ends.insert(0, (f"{len(rest)} smaller ones", fsum(part.value for part in rest)))
    column = max(width(label) for label, _ in [*lines, *ends])
    largest = max((abs(value) for _, value in lines), default=0.0)
    blank = " " * (2 * _BAR + 1)
    return [
        _question(found, given),
        "",
        *(f"{fit(label, column)} {_bar(value, largest)} {value:+10.4f}" for label, value in lines),
        *(f"{fit(label, column)} {blank} {value:+10.4f}" for label, value in ends),
        f"{fit('gap', column)} {blank} {found.gap:+10.1e}",
        "",
        fill(
            CENTRED if _convention(found) == _CENTRED else IN_WORDS[found.convention],
            get_terminal_size((120, 24)).columns,
        ),
    ]


def _convention(found: LogitAttribution) -> str:
    return _CENTRED if found.centred and found.convention is Convention.PLAIN else found.convention.value


def _question(found: LogitAttribution, given: "Prompted") -> str:
    named = given.label
    text = f"After {named(given.ids[found.position])} at position {found.position}: "
    text += f"the logit of {named(found.token)} ({found.token})"
    return text if found.versus is None else f"{text} less that of {named(found.versus)} ({found.versus})"


def _what(found: LogitAttribution) -> str:
    if found.versus is not None:
        return "recorded difference"
    return "recorded logit - mean" if found.centred else "recorded logit"


def _bar(value: float, largest: float) -> str:
    """A bar to the right of its axis for a positive number, to the left for a negative one."""
    cells = round(_BAR * abs(value) / largest) if largest else 0
    left, right = ("█" * cells, "") if value < 0 else ("", "█" * cells)
    return f"{left:>{_BAR}}│{right:<{_BAR}}"
