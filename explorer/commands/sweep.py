"""`gpt-explorer sweep PROMPT`: every head, MLP or position edited in turn, and what that does to the next token."""

import argparse
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from explorer.commands.ablate import add_alignment, alignment_in_words, finite, patch
from explorer.commands.cluster import in_order, is_wanted, model_of, opened
from explorer.commands.many import add_prompts, check, run_many
from explorer.commands.options import add_edits, add_model, add_prompt, count, progress
from explorer.commands.parser import Parser
from explorer.commands.tables import add_json_and_csv, print_numbers, write_csv
from explorer.commands.token_option import add_token, token_id
from explorer.errors import UsageError
from explorer.terminal import output

if TYPE_CHECKING:
    from explorer.api.results import Numbers
    from explorer.commands.headless import Prompted
    from explorer.edits.metric import Metric
    from explorer.edits.sweep import Sweep, SweepCell
    from explorer.edits.what import What
    from explorer.runs.trace import Trace
    from explorer.tokenizer.tokenizer import Tokenizer

_MAPS = ("heads", "mlps", "positions")
_SITES = ("resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out", "z", "q", "k", "v", "pattern", "neurons")
_LARGEST = 5
_COLUMN = 7

Effects = dict["SweepCell", float]


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer sweep",
        description="Zero every head (or MLP, or the residual stream at every position) in turn, and print the change "
        "of a metric of the next token: the edited run minus the run without edits. KL is from the run without "
        "edits to the edited one, in bits. In place of zero: --mean, --scale, --patch-from.",
    )
    add_prompt(parser, "the text to run")
    parser.add_argument(
        "--metric",
        choices=("logit-diff", "logit", "probability", "kl"),
        help="what is measured of the token; logit-diff compares it with --versus (default: logit-diff with --versus, "
        "else probability)",
    )
    add_token(parser, "--token", "the token that is measured (default: the likeliest)")
    add_token(parser, "--versus", "the token that it is compared with (default: the second likeliest)")
    parser.add_argument(
        "--over",
        choices=(*_MAPS, *_SITES),
        default="heads",
        help="what is edited in turn: heads, MLPs, the residual stream by position, or an activation of every block "
        "or head (default: heads)",
    )
    parser.add_argument("--by-position", action="store_true", help="edit each position by itself")
    parser.add_argument("--at", type=int, action="append", metavar="P", help="edit this position only; -1 is the last")
    parser.add_argument("--layer", type=count, action="append", metavar="L", help="only this block (neurons need one)")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--patch-from", metavar="PROMPT", help="use the values of another prompt in place of zero")
    kinds.add_argument("--mean", action="store_true", help="use the mean over this prompt's positions in place of zero")
    kinds.add_argument("--scale", type=finite, metavar="X", help="multiply by a number")
    add_alignment(parser)
    add_json_and_csv(parser, "one object: metric, baseline, effects, ...", "a row for each cell")
    add_prompts(parser)
    add_edits(parser)
    add_model(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    from explorer.commands.headless import open_prompt
    from explorer.edits import Patch

    divided = not _is_grid(options) and is_wanted(options)
    check(options, divisible=divided)
    if options.prompts:
        return run_many(options, _measures)
    given = open_prompt(options, arrays=True)
    if _is_grid(options):
        options.top = None
        print_numbers(_grid(options, given), options)
        return 0
    sweep, what = _plan(options, given)
    effects = _effects_divided(options, given.prompt, sweep) if divided else _effects(sweep)
    if options.json:
        output.data(json.dumps(_as_json(given, sweep, effects)))
    elif options.csv:
        _write_csv(given, sweep, effects)
    else:
        alone = "left out" if options.over == "positions" else "unchanged"
        output.say(*alignment_in_words(what if isinstance(what, Patch) else None, len(given.ids), options.align, alone))
        output.say(*_lines(given, sweep, effects))
    return 0


def _plan(options: argparse.Namespace, given: "Prompted") -> "tuple[Sweep, What]":
    """The sweep that a call asks for, and its edit."""
    from explorer.edits import Zero
    from explorer.edits.sweep import Sweep

    base = given.run()
    other, wanted = options.patch_from, (given.tokenizer, options.align, options.bos)
    what = Zero() if other is None else patch(base, other, *wanted)
    return Sweep(base, _metric(options, base, given.tokenizer), options.over, what), what


def _is_grid(options: argparse.Namespace) -> bool:
    """Whether it is more than the three maps: another site, other edits, chosen positions or blocks."""
    other = options.by_position or options.at or options.layer or options.mean or options.scale is not None
    return options.over not in _MAPS or bool(other)


def _grid(options: argparse.Namespace, given: "Prompted") -> "Numbers":
    """The sweep as a grid of changes."""
    from explorer.api.metrics import TokenMetric
    from explorer.commands.tables import run_of

    run = run_of(given)
    metric = _metric(options, run.trace, given.tokenizer)
    what: Any = "mean" if options.mean else options.scale if options.scale is not None else "zero"
    if options.patch_from is not None:
        what = run.model.run(options.patch_from, bos=options.bos)
    return run.sweep(
        options.over,
        TokenMetric(metric.kind, metric.token if metric.of_token else None, metric.versus if metric.of_two else None),
        what=what,
        by_position=options.by_position,
        at=options.at,
        layers=options.layer,
        align_at=options.align,
    )


def _measures(given: "Prompted", options: argparse.Namespace) -> tuple[dict[str, float], dict[str, Any]]:
    """The change at every place, by its name."""
    from explorer.commands.tables import named

    found = _grid(options, given)
    return {"without edits": found.baseline or 0.0, **named(found)}, {"title": found.title}


def _metric(options: argparse.Namespace, base: "Trace", tokenizer: "Tokenizer") -> "Metric":
    from explorer.edits.metric import KL, LOGIT_DIFFERENCE, PROBABILITY, Metric

    ranking = base.ranking("logits", len(base.ids) - 1)
    assert ranking
    kind = options.metric or (PROBABILITY if options.versus is None else LOGIT_DIFFERENCE)
    if options.versus is not None and kind != LOGIT_DIFFERENCE:
        raise UsageError(f"{kind} does not compare two tokens: leave out --versus, or use --metric logit-diff.")
    if options.token is not None and kind == KL:
        raise UsageError("KL is about all tokens: leave out --token, or use another --metric.")
    token = ranking.order[0] if options.token is None else token_id(options.token, tokenizer, base.config)
    if options.versus is not None:
        versus = token_id(options.versus, tokenizer, base.config)
        if versus == token:
            raise UsageError("the token and --versus are the same: choose another to compare it with.")
    else:
        versus = next((other for other in ranking.order if other != token), token)
    return Metric(kind, token, versus)


def _effects(sweep: "Sweep") -> Effects:
    from explorer.engine.threads import few_threads
    from explorer.runs.trace import LiveRun

    tell, effects = progress("sweeping"), {}
    assert isinstance(sweep.base, LiveRun)
    with few_threads(sweep.base.model):
        for cell, effect in sweep.effects():
            effects[cell] = effect
            tell(len(effects), len(sweep.cells))
    return effects


def _effects_divided(options: argparse.Namespace, prompt: str, sweep: "Sweep") -> Effects:
    """The same by the workers of a cluster, a block of the model at a time."""
    tell, effects = progress("sweeping"), {}
    call = argparse.Namespace(**{**vars(options), "prompt": None if options.ids is not None else prompt})
    with opened(options) as client:
        blocks = in_order(client, _effects_of_block, [(call, layer) for layer in sweep.layers])
        for done, found in enumerate(blocks, 1):
            effects.update(found)
            tell(done, len(sweep.layers))
    return effects


_plans: "dict[str, Sweep]" = {}


def _effects_of_block(options: argparse.Namespace, layer: int) -> Effects:
    """The effects of one block's cells, on a worker; the run without edits is computed once in each."""
    from explorer.commands.headless import prompted
    from explorer.edits.sweep import Sweep
    from explorer.engine.threads import few_threads
    from explorer.runs.trace import LiveRun

    key = repr(sorted(vars(options).items()))
    if key not in _plans:
        checkpoint, model = model_of(options, arrays=True)
        _plans.clear()
        _plans[key] = _plan(options, prompted(checkpoint, model, options, options.prompt))[0]
    whole = _plans[key]
    assert isinstance(whole.base, LiveRun)
    with few_threads(whole.base.model):
        return dict(Sweep(whole.base, whole.metric, whole.over, whole.what, layers=[layer]).effects())


def _rows(sweep: "Sweep", effects: Effects) -> list[list[float | None]]:
    """The effects, layer by layer; None where a position has no counterpart to be patched from."""
    return [[effects.get(cell) for cell in row] for row in _cells(sweep)]


def _of_tokens(sweep: "Sweep") -> "Metric":
    from explorer.edits.metric import Metric

    assert isinstance(sweep.metric, Metric)
    return sweep.metric


def _cells(sweep: "Sweep") -> list[list["SweepCell"]]:
    """All cells of a map, layer by layer."""
    from explorer.edits.sweep import HEADS, MLPS

    if sweep.over == MLPS:
        return [[(layer,)] for layer in sweep.layers]
    columns = sweep.units if sweep.over == HEADS else range(len(sweep.base.ids))
    return [[(layer, column) for column in columns] for layer in sweep.layers]


def _as_json(given: "Prompted", sweep: "Sweep", effects: Effects) -> dict[str, Any]:
    metric, named = _of_tokens(sweep), given.token_as_json
    return {
        **given.as_json(),
        "metric": metric.kind,
        "token": named(metric.token) if metric.of_token else None,
        "versus": named(metric.versus) if metric.of_two else None,
        "over": sweep.over,
        "edit": sweep.what.words,
        "baseline": sweep.baseline,
        "effects": _rows(sweep, effects),
    }


def _write_csv(given: "Prompted", sweep: "Sweep", effects: Effects) -> None:
    from explorer.edits.sweep import HEADS, MLPS

    if sweep.over == MLPS:
        write_csv([["layer", "effect"], *([layer, effect] for (layer,), effect in effects.items())])
    elif sweep.over == HEADS:
        write_csv([["layer", "head", "effect"], *([*cell, effect] for cell, effect in effects.items())])
    else:
        texts = given.labels()
        rows = ([layer, place, texts[place], effect] for (layer, place), effect in effects.items())
        write_csv([["layer", "position", "token", "effect"], *rows])


def _lines(given: "Prompted", sweep: "Sweep", effects: Effects) -> Iterator[str]:
    from explorer.terminal.text import fit, number

    texts = given.labels()
    yield f"{_metric_in_words(_of_tokens(sweep), given)}: {number(sweep.baseline, 4, plus='')} without edits"
    yield f"{sweep.over} {sweep.what.words}, in turn: how much more or less of it"
    yield ""
    yield "layer  " + "".join(fit(title, _COLUMN - 1, ">") + " " for title in _titles(sweep, texts)).rstrip()
    for layer, row in enumerate(_rows(sweep, effects)):
        yield f"{layer:>5}  " + " ".join(
            fit("·" if effect is None else number(effect, 3), _COLUMN - 1, ">") for effect in row
        )
    yield ""
    yield "the largest:"
    for cell in sorted(effects, key=lambda cell: -abs(effects[cell]))[:_LARGEST]:
        yield f"  {number(effects[cell], 4):>9}  {sweep.in_words(cell, texts)}"


def _titles(sweep: "Sweep", texts: list[str]) -> list[str]:
    from explorer.edits.sweep import HEADS, MLPS

    if sweep.over == MLPS:
        return ["MLP"]
    return [f"head {head}" for head in sweep.units] if sweep.over == HEADS else texts


def _metric_in_words(metric: "Metric", given: "Prompted") -> str:
    from explorer.edits.metric import KL, LOGIT_DIFFERENCE, PROBABILITY

    token, versus = given.label(metric.token), given.label(metric.versus)
    if metric.kind == KL:
        return "KL(without edits ‖ edited), in bits"
    if metric.kind == LOGIT_DIFFERENCE:
        return f"logit of {token} less that of {versus}"
    return f"{'probability' if metric.kind == PROBABILITY else 'logit'} of {token}"
