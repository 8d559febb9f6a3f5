"""`gpt-explorer ablate PROMPT --head 2.3`: the next token with and without a part of the model."""

import argparse
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from explorer.commands.many import add_prompts, check, run_many
from explorer.commands.options import add_edits, add_model, add_prompt, count
from explorer.commands.parser import Parser
from explorer.commands.tables import add_json_and_csv, write_csv
from explorer.commands.token_option import add_token, token_id
from explorer.commands.words import text_of
from explorer.errors import UsageError
from explorer.terminal import output
from explorer.terminal.glyphs import LONGEST_NUMBER, quoted

if TYPE_CHECKING:
    from explorer.commands.headless import Prompted
    from explorer.edits import Edits, What
    from explorer.edits.where import Where
    from explorer.runs.ranking import Ranking
    from explorer.runs.trace import LiveRun
    from explorer.tokenizer.tokenizer import Tokenizer
    from gpt import GPT, GPTConfig

_TOP = 10
_WIDTH = 18  # of a token in the lists
_EDGE = re.compile(r"(?:(\d+)(?:\.(\d+))?:)?(\d+)-(\d+)")


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer ablate",
        description="Edit a run and print what it says next, before and after. What is named is zeroed, unless --set, "
        "--scale, --mean, --patch-from or --steer says otherwise; edges are cut. Everything is counted from 0, and "
        "each option can be given more than once.",
    )
    add_prompt(parser, "the text to run")
    add_places(parser)
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--set", type=finite, metavar="X", help="set it to a number in place of zero")
    kinds.add_argument("--scale", type=finite, metavar="X", help="multiply it by a number")
    kinds.add_argument("--mean", action="store_true", help="set it to its mean over this prompt's positions")
    kinds.add_argument(
        "--mean-over", metavar="FILE", help="set it to its mean over all positions of a file's prompts, one a line"
    )
    kinds.add_argument(
        "--steer", metavar="FILE", help="add a steering vector that was saved, to the --at of a residual stream"
    )
    parser.add_argument("--strength", type=finite, default=1.0, metavar="X", help="times this (default: 1)")
    add_token(parser, "--token", "with --prompts: measure this token (default: the likeliest)")
    add_token(parser, "--versus", "with --prompts: and its logit less that of this token")
    kinds.add_argument("--patch-from", metavar="PROMPT", help="set it to its value in the run of another prompt")
    add_alignment(parser)
    add_json_and_csv(parser, "one object: prompt, ids, edits, before, after, kl", "a row for each token")
    parser.add_argument(
        "--top", type=positive, default=_TOP, metavar="N", help=f"print the N likeliest tokens (default: {_TOP})"
    )
    add_prompts(parser)
    add_edits(parser)
    add_model(parser)
    return parser


def add_alignment(parser: argparse.ArgumentParser) -> None:
    """--align."""
    parser.add_argument(
        "--align",
        choices=("end", "beginning"),
        default="end",
        help="where the prompt of --patch-from is aligned with this one, if it is longer or shorter (default: end)",
    )


def add_places(parser: argparse.ArgumentParser) -> None:
    """--head, --mlp, --neuron, --block, --position, --edge, --at."""

    def add(option: str, kind: Callable[[str], Any], metavar: str, meaning: str) -> None:
        parser.add_argument(option, type=kind, action="append", default=[], metavar=metavar, help=meaning)

    add("--head", pair("a head", "3.2"), "L.H", "a head of a block")
    add("--mlp", count, "L", "the MLP of a block")
    add("--neuron", pair("a neuron", "3.120"), "L.N", "a neuron of a block's MLP")
    add("--block", count, "L", "what a block's attention and its MLP write")
    add("--position", count, "P", "the heads, MLPs, neurons and blocks that are named at this position only")
    add("--edge", edge, "L.H:Q-K", "what position Q reads of position K in a head (L:Q-K a block, Q-K everywhere)")
    add("--at", str, "NAME[i,j]", "any part of an activation; * is all of an axis: 'blocks.2.hook_resid_post[7,*]'")


def pair(what: str, example: str) -> Callable[[str], tuple[int, int]]:
    """A parser for two numbers with a point between them: that of a block, and that of a part of it."""

    def parse(text: str) -> tuple[int, int]:
        layer, point, number = text.partition(".")
        if not (point and _is_number(layer) and _is_number(number)):
            raise argparse.ArgumentTypeError(
                f"{quoted(text)} is not {what}: give the block and its number, such as {example}"
            )
        return int(layer), int(number)

    return parse


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) <= LONGEST_NUMBER


def edge(text: str) -> tuple[int | None, int | None, int, int]:
    """Layer, head, query and key: edge("2.1:9-3") = (2, 1, 9, 3); None stands for every layer or head."""
    found = _EDGE.fullmatch(text) if len(text) <= LONGEST_NUMBER else None
    if not found:
        raise argparse.ArgumentTypeError(
            f"{quoted(text)} is not an edge: give a head, the position that reads and the one that is read, "
            "such as 2.1:9-3"
        )
    layer, head, query, key = (None if part is None else int(part) for part in found.groups())
    assert query is not None
    assert key is not None
    return layer, head, query, key


def finite(text: str) -> float:
    """A finite number."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not a number") from None
    if not abs(value) < float("inf"):
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not a finite number")
    return value


def positive(text: str) -> int:
    """A whole number, one or more."""
    value = count(text)
    if not value:
        raise argparse.ArgumentTypeError("0 is too few")
    return value


def run(options: argparse.Namespace) -> int:
    from explorer.commands.headless import completed, open_prompt
    from explorer.edits import Edits
    from explorer.edits.apply import edited

    _check_call(options)
    check(options)
    if options.prompts:
        return run_many(options, _measures)
    if options.token is not None or options.versus is not None:
        raise UsageError("--token and --versus say what is measured over --prompts: give a file of prompts too.")
    given = open_prompt(options)
    edits = Edits(given.model.config)
    base = replace(given, edits=()).run()
    what = _what(options, base, given.tokenizer)
    _add(edits, options, what, len(given.ids))
    changed = completed(edited(base, edits.active))
    before, after = (_ranking(trace) for trace in (base, changed))
    if options.json:
        output.data(json.dumps(_as_json(given, edits, before, after, options.top)))
    elif options.csv:
        write_csv(_rows(given, before, after, options.top))
    else:
        output.say(*alignment_in_words(what, len(given.ids), options.align, "unchanged"))
        output.say(*_lines(given, edits, before, after, options.top))
    return 0


def _measures(given: "Prompted", options: argparse.Namespace) -> tuple[dict[str, float], dict[str, Any]]:
    """The token's probability and lead without the edits and with them, and the KL between the answers."""
    from explorer.analysis.compare import kl
    from explorer.commands.headless import completed
    from explorer.edits import Edits
    from explorer.edits.apply import edited

    edits, base = Edits(given.model.config), replace(given, edits=()).run()
    _add(edits, options, _what(options, base, given.tokenizer), len(given.ids))
    before, after = (_ranking(trace) for trace in (base, completed(edited(base, edits.active))))
    token = before.order[0] if options.token is None else token_id(options.token, given.tokenizer, base.config)
    measures = {"probability before": before.probabilities[token], "probability after": after.probabilities[token]}
    measures["points"] = 100 * (after.probabilities[token] - before.probabilities[token])
    if options.versus is not None:
        versus = token_id(options.versus, given.tokenizer, base.config)
        leads = (each.logits[token] - each.logits[versus] for each in (before, after))
        measures |= dict(zip(("logit difference before", "logit difference after"), leads))
    measures["KL in bits"] = kl(before.logits, after.logits)
    return measures, {"token": given.token_as_json(token), "edits": edits.words(given.labels())}


def _check_call(options: argparse.Namespace) -> None:
    """UsageError for a call that is wrong whatever the model."""
    parts = options.head or options.mlp or options.neuron or options.block
    if options.position and not parts:
        raise UsageError("--position says where a head, an MLP, a neuron or a block is edited: name one of these too.")
    if not (parts or options.edge or options.at or options.edit):
        wanted = "--head 2.3, --mlp 2, --neuron 2.120, --block 2, --edge 2.1:9-3 or --at NAME[i,j]"
        raise UsageError(f"nothing is edited: say what with {wanted}.")
    given = (options.set, options.scale, options.patch_from, options.mean_over, options.steer)
    chosen = options.mean or any(each is not None for each in given)
    if options.steer is not None and not options.at:
        raise UsageError("--steer adds to a residual stream: say where, such as --at 'blocks.2.hook_resid_pre[7,*]'.")
    if chosen and not (parts or options.at):
        raise UsageError(
            "edges are always cut: --set, --scale, --mean, --mean-over and --patch-from need another place, "
            "such as --head 2.3."
        )


def _ranking(trace: "LiveRun") -> "Ranking":
    ranking = trace.ranking("logits", len(trace.ids) - 1)
    assert ranking
    return ranking


def _what(options: argparse.Namespace, base: "LiveRun", tokenizer: "Tokenizer") -> "What":
    from explorer.edits import Mean, Scale, Set, Zero

    if options.patch_from is not None:
        return patch(base, options.patch_from, tokenizer, options.align, options.bos)
    if options.steer is not None:
        from pathlib import Path

        from explorer.edits.steering import load

        return load(Path(options.steer)).add(options.strength)
    if options.mean_over is not None:
        return _mean_over(options, base, tokenizer)
    if options.set is not None:
        return Set(options.set)
    if options.scale is not None:
        return Scale(options.scale)
    return Mean() if options.mean else Zero()


def _mean_over(options: argparse.Namespace, base: "LiveRun", tokenizer: "Tokenizer") -> "What":
    """The mean over the runs of a file's prompts."""
    from explorer.edits.values import MeanOver

    return MeanOver(_runs(options.mean_over, options.bos, base.model, tokenizer))


@lru_cache(maxsize=1)
def _runs(file: str, bos: bool, model: "GPT", tokenizer: "Tokenizer") -> "tuple[LiveRun, ...]":
    """The runs of a file's prompts."""
    from explorer.commands.headless import completed
    from explorer.commands.many import rows
    from explorer.runs.beginning import with_beginning
    from explorer.runs.trace import LiveRun

    runs = []
    for row in rows(file):
        ids = row.given.get("ids") or tokenizer.encode(row.given["prompt"])
        ids = with_beginning(ids, model.config) if bos else ids
        model.check(ids)
        runs.append(completed(LiveRun(model, ids)))
    return tuple(runs)


def patch(base: "LiveRun", prompt: str, tokenizer: "Tokenizer", at: str, bos: bool = False) -> "What":
    """The values of another prompt's run on the same model, aligned at its end or at its beginning."""
    from explorer.analysis.compare import align
    from explorer.commands.headless import completed
    from explorer.edits import Patch
    from explorer.runs.beginning import with_beginning
    from explorer.runs.trace import LiveRun
    from explorer.terminal.text import printable

    prompt = text_of(prompt)
    if not prompt:
        raise UsageError("the prompt to patch from is empty: give some text.")
    ids = tokenizer.encode(prompt)
    if bos:
        ids = with_beginning(ids, base.config)
    base.model.check(ids)
    source = completed(LiveRun(base.model, ids))
    return Patch(source, f"“{printable(prompt)}”", align(base, source, at).shift)


def alignment_in_words(what: "What | None", length: int, at: str, alone: str) -> list[str]:
    """How positions are aligned with those of a longer or shorter prompt; `alone` says what happens to the others."""
    from explorer.edits import Patch
    from explorer.terminal.text import counted

    if not isinstance(what, Patch) or len(what.source.ids) == length:
        return []
    theirs, shift = len(what.source.ids), what.shift
    last = next(position for position in reversed(range(length)) if what.reaches(position))
    lengths = f"{what.title} has {counted(theirs, 'token')}, this prompt {length}"
    words = [f"{lengths}: aligned at the {at} (--align), so that position {last} takes that of its {last + shift}."]
    if rest := [position for position in range(length) if not what.reaches(position)]:
        which = f"Positions {rest[0]} to {rest[-1]} have" if len(rest) > 1 else f"Position {rest[0]} has"
        words.append(f"{which} no counterpart: {alone}.")
    return words


def _add(edits: "Edits", options: argparse.Namespace, what: "What", length: int) -> None:
    from explorer.edits import Cut
    from explorer.teaching import edit_words

    edit_words.add_all(options.edit, edits, length)
    for place in _places(options):
        edits.add(place, what, length)
    for place in _edges(options, edits.config):
        edits.add(place, Cut(), length)


def _places(options: argparse.Namespace) -> "list[Where]":
    from explorer.edits import where

    at = options.position or None
    places = [where.head(layer, head, at) for layer, head in options.head]
    places += [where.mlp(layer, at) for layer in options.mlp]
    places += [where.neuron(layer, neuron, at) for layer, neuron in options.neuron]
    places += [where.block(layer, at) for layer in options.block]
    return places + [where.parse(text) for text in options.at]


def _edges(options: argparse.Namespace, config: "GPTConfig") -> "list[Where]":
    from explorer.edits import where

    return [where.edge(config, query, key, layer, head) for layer, head, query, key in options.edge]


# What is printed


def _as_json(given: "Prompted", edits: "Edits", before: "Ranking", after: "Ranking", top: int) -> dict[str, Any]:
    from explorer.analysis.compare import kl
    from explorer.walk.trace_file import predictions

    rows = [before.logits, after.logits]
    likeliest = dict(zip(("before", "after"), predictions(rows, given.ids, given.tokenizer, top)["predictions"]))
    return {
        **given.as_json(),
        "edits": edits.words(given.labels()),
        **likeliest,
        "kl": kl(before.logits, after.logits),
    }


def _rows(given: "Prompted", before: "Ranking", after: "Ranking", top: int) -> Iterator[list[Any]]:
    """The likeliest tokens before and after, each once; the first row has the names."""
    yield ["id", "token", "before", "after", "points"]
    for token in dict.fromkeys((*before.order[:top], *after.order[:top])):
        old, new = before.probabilities[token], after.probabilities[token]
        yield [token, given.tokenizer.decode([token]), old, new, 100 * (new - old)]


def _lines(given: "Prompted", edits: "Edits", before: "Ranking", after: "Ranking", top: int) -> list[str]:
    from explorer.analysis.compare import next_tokens
    from explorer.terminal.text import fit, number

    def share(ranking: "Ranking", token: int) -> str:
        return f"{fit(given.label(token), _WIDTH)} {ranking.probabilities[token]:7.2%}"

    compared = next_tokens(before.logits, after.logits)
    changes = {change.token: change for change in compared.changes}
    lines = [*edits.words(given.labels()), ""]
    lines.append(f"{'before':<{_WIDTH + 8}}   {'after':<{_WIDTH + 8}}   {'points':>7}   {'bits':>6}")
    for old, new in zip(before.order[:top], after.order[:top]):
        change = changes[new]
        changed = f"{number(change.points, 2):>7}   {number(change.bits, 2):>6}"
        lines.append(f"{share(before, old)}   {share(after, new)}   {changed}")
    best = before.order[0]
    if best not in after.order[:top]:
        lines.append(f"{share(after, best)} is what is left of it")
    return [*lines, "", f"KL(before ‖ after) = {compared.kl:.4f} bits"]
