"""`gpt-explorer attribute PROMPT`: which parts of the model wrote an answer, as bars that add up to its logit."""

import argparse
import json
from typing import TYPE_CHECKING, Any

from explorer.analysis.attribution import IN_WORDS, Attribution, Contribution, Convention, Level, attribute
from explorer.commands.options import add_model, add_prompt, count, open_model
from explorer.commands.token_option import add_token, token_id
from gpt import InputError

if TYPE_CHECKING:
    from explorer.runs.trace import Trace
    from explorer.walk.text import Tokens

_SHOWN = 20
_BAR = 14


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gpt-explorer attribute",
        description="Print how much each part of the model wrote of an answer's logit, or of its lead over another.",
    )
    add_prompt(parser, "the text to run")
    add_token(parser, "--token", "the answer (default: the model's first)")
    add_token(parser, "--versus", "explain by how much the answer beats this one")
    parser.add_argument(
        "--position", type=int, default=-1, metavar="P", help="after which token, from 0; from the end below 0 (-1)"
    )
    parser.add_argument(
        "--by", choices=[level.value for level in Level], default=Level.COMPONENT.value, help="how finely (component)"
    )
    parser.add_argument(
        "--convention",
        choices=[convention.value for convention in Convention],
        default=Convention.PLAIN.value,
        help="plain, or as TransformerLens' default processing has it (plain)",
    )
    parser.add_argument("--top", type=count, metavar="N", help=f"only the N largest ({_SHOWN}; with --json all)")
    parser.add_argument("--json", action="store_true", help="one object, at full precision")
    add_model(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    from explorer.analysis import lens
    from explorer.commands.headless import prompt_and_ids
    from explorer.runs.running import complete
    from explorer.runs.trace import LiveRun

    checkpoint, model = open_model(options)
    tokenizer, config = checkpoint.tokenizer, model.config
    prompt, ids = prompt_and_ids(options.prompt, options.ids, tokenizer, config)
    model.check(ids)
    position = _position(options.position, len(ids))
    chosen = None if options.token is None else token_id(options.token, tokenizer, config)
    versus = None if options.versus is None else token_id(options.versus, tokenizer, config)
    trace = LiveRun(model, list(ids))
    complete(trace, lambda: False)
    token = lens.answer(trace, position) if chosen is None else chosen
    if token == versus:
        raise InputError(f"the answer and --versus are the same token, {token}: choose another to compare it with.")
    found = attribute(trace, position, token, versus, Level(options.by), Convention(options.convention))
    if options.json:
        print(json.dumps(_as_json(found, prompt, ids, tokenizer, options.top)))
    else:
        print("\n".join(_table(found, trace, tokenizer, _SHOWN if options.top is None else options.top)))
    return 0


def _position(given: int, length: int) -> int:
    position = given + length if given < 0 else given
    if not 0 <= position < length:
        raise InputError(f"there is no position {given}: this prompt has 0 to {length - 1} (or -1, the last).")
    return position


def _as_json(found: Attribution, prompt: str, ids: list[int], tokenizer: "Tokens", top: int | None) -> dict[str, Any]:
    def named(token: int | None) -> dict[str, Any] | None:
        return None if token is None else {"id": token, "token": tokenizer.decode([token])}

    shown = found.ranked()[:top]
    return {
        "prompt": prompt,
        "ids": list(ids),
        "position": found.position,
        "token": named(found.token),
        "versus": named(found.versus),
        "by": found.level.value,
        "convention": found.convention.value,
        "contributions": [_fields(part) for part in shown],
        "sum": found.sum,
        "logit": found.logit,
        "gap": found.gap,
    }


def _fields(part: Contribution) -> dict[str, Any]:
    """Label, value and kind, and of the places those that it has."""
    places = {"layer": part.layer, "head": part.head, "source": part.source, "neuron": part.neuron}
    there = {name: place for name, place in places.items() if place is not None}
    return {"label": part.label, "value": part.value, "kind": part.kind} | there


def _table(found: Attribution, trace: "Trace", tokenizer: "Tokens", top: int) -> list[str]:
    from math import fsum
    from shutil import get_terminal_size
    from textwrap import fill

    from explorer.text import fit, visible, width

    def name(part: Contribution) -> str:
        if part.source is None:
            return part.label
        return f"{part.label} {visible(tokenizer.token_bytes(trace.ids[part.source]))}"

    ranked = found.ranked()
    lines = [(name(part), part.value) for part in ranked[:top]]
    ends = [("sum", found.sum), (_what(found), found.logit)]
    if rest := ranked[top:]:
        ends.insert(0, (f"{len(rest)} smaller ones", fsum(part.value for part in rest)))
    column = max(width(label) for label, _ in [*lines, *ends])
    largest = max((abs(value) for _, value in lines), default=0.0)
    blank = " " * (2 * _BAR + 1)
    return [
        _question(found, trace, tokenizer),
        "",
        *(f"{fit(label, column)} {_bar(value, largest)} {value:+10.4f}" for label, value in lines),
        *(f"{fit(label, column)} {blank} {value:+10.4f}" for label, value in ends),
        f"{fit('gap', column)} {blank} {found.gap:+10.1e}",
        "",
        fill(IN_WORDS[found.convention], get_terminal_size((120, 24)).columns),
    ]


def _question(found: Attribution, trace: "Trace", tokenizer: "Tokens") -> str:
    from explorer.text import visible

    def named(token: int) -> str:
        return visible(tokenizer.token_bytes(token))

    text = f"After {named(trace.ids[found.position])} at position {found.position}: "
    text += f"the logit of {named(found.token)} ({found.token})"
    return text if found.versus is None else f"{text} less that of {named(found.versus)} ({found.versus})"


def _what(found: Attribution) -> str:
    if found.versus is not None:
        return "recorded difference"
    return "recorded logit" if found.convention is Convention.PLAIN else "recorded logit - mean"


def _bar(value: float, largest: float) -> str:
    """To the right of its axis what is positive, to the left what is negative."""
    cells = round(_BAR * abs(value) / largest) if largest else 0
    left, right = ("█" * cells, "") if value < 0 else ("", "█" * cells)
    return f"{left:>{_BAR}}│{right:<{_BAR}}"
