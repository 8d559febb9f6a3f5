"""The picture of an attribution: the question, its terms, that they add up, and the chosen one in words."""

from explorer.analysis import attribution
from explorer.analysis.attribution import Contribution
from explorer.paint.spans import Line, Span, clipped, length, wrapped
from explorer.terminal.text import fit, number, short, width
from explorer.views.attribution.state import CONVENTIONS, AttributionState, Grouping, RankedParts, ViewConvention
from explorer.views.attribution.table import part_name, table, table_and_map
from explorer.views.parts import ROW, fitting, to_choose

CONVENTION, AGAINST = range(1, 3)
"""The first number of a click on a convention, and on what the answer is held against."""

_BRIEFLY = {
    ViewConvention.CENTRED: "against the mean logit; biases have lines of their own",
    ViewConvention.PLAIN: "the logit as it is, with what all tokens share",
    ViewConvention.TRANSFORMER_LENS: "against the mean logit; biases folded in",
}
_SHORTEST = {
    ViewConvention.CENTRED: "less the mean logit",
    ViewConvention.PLAIN: "the logit itself",
    ViewConvention.TRANSFORMER_LENS: "less the mean logit",
}
_OF_A_LEAD = {
    ViewConvention.CENTRED: "a lead: what all tokens share falls out",
    ViewConvention.PLAIN: "a lead: what all tokens share falls out",
    ViewConvention.TRANSFORMER_LENS: "a lead; biases folded in",
}
_IN_FULL = {
    ViewConvention.CENTRED: attribution.CENTRED,
    ViewConvention.PLAIN: attribution.IN_WORDS[ViewConvention.PLAIN.folding],
    ViewConvention.TRANSFORMER_LENS: attribution.IN_WORDS[ViewConvention.TRANSFORMER_LENS.folding],
}
_BETA = "ln_final's learned shift, the same after every token"
_ROUNDING = 1e-4  # of the largest term
_ROOMY = 22  # lines from which there are gaps, and the convention in words


def picture(state: AttributionState, cells: int, height: int) -> list[Line]:
    """The whole picture."""
    scene, found = state.scene, state.found
    if waiting := scene.waiting(found, cells):
        return waiting
    head, foot = _head(state, cells), _foot(state, cells, height)
    head += [[]] if height >= _ROOMY else []
    room = height - len(head) - len(foot)
    paint = table_and_map if state.grouping is Grouping.HEAD else table
    return [*head, *paint(scene, found, state.row, cells, room), *foot]


def _head(state: AttributionState, cells: int) -> list[Line]:
    """The question, and what can be chosen in it."""
    scene, order = state.scene, state.order
    line = [Span("the lead of " if state.against else "the logit of "), Span(scene.label(order[0]), "answer")]
    if state.against:
        line += [Span(" over "), Span(scene.label(order[state.against]), "lens")]
    elif state.convention is not ViewConvention.PLAIN:
        line.append(Span(" less the mean of all"))
    here = Span(scene.label(scene.ids[scene.position]), "here-text")
    line += [Span(" after "), here, Span(" = "), Span(number(state.found.logit, 4), "value"), Span(" logits", "dim")]
    rivals = ["nothing" if state.convention is ViewConvention.PLAIN else "the mean", *map(scene.label, order[1:])]
    labels = [fit(label, min(12, width(label))) for label in rivals]
    chosen = state.row < 0
    names = list(CONVENTIONS)
    mark = Span("▶ " if chosen else "  ", "here-text", ("view", ROW, -1))
    title = Span("convention", "here-text" if chosen else "dim", ("view", ROW, -1))
    keys = Span(" k", "dim")
    convention = [mark, title, keys, *to_choose(CONVENTION, names, CONVENTIONS.index(state.convention), cells)]
    forms = (_OF_A_LEAD,) if state.against else (_BRIEFLY, _SHORTEST)
    means = [words[state.convention] for words in forms]
    hint = next(([Span(f" {words}", "dim")] for words in means if length(convention) + width(words) < cells), [])
    return [
        line,
        [Span("  against ←→", "dim"), *to_choose(AGAINST, labels, state.against, cells - 14)],
        [*convention, *hint],
    ]


def _foot(state: AttributionState, cells: int, height: int) -> list[Line]:
    """That the terms add up."""
    found: RankedParts = state.found
    what = "recorded"
    if state.against:
        what = "recorded lead"
    elif state.convention is not ViewConvention.PLAIN:
        what = "recorded − mean"
    small = cells < 70
    line = [
        Span("sum " if small else f"sum of {len(found.ranked)} terms ", "bold"),
        Span(number(found.sum, 4 if small else 6), "value"),
        Span("  recorded " if small else f"  {what} ", "dim"),
        Span(number(found.logit, 4 if small else 6)),
        Span("  gap ", "dim"),
        Span("0" if not found.gap else short(found.gap, 2)),
        Span(_why_gap(found, cells), "dim"),
    ]
    words = wrapped(_in_full(state), cells, "dim") if height >= _ROOMY else []
    return [*([[]] if height >= 14 else []), line, *([[]] if words else []), *words]


def _in_full(state: AttributionState) -> str:
    """The convention in full; of a lead, where centring changes nothing, how biases are counted."""
    if state.against and state.convention is not ViewConvention.TRANSFORMER_LENS:
        return (
            "The lead of one token over another: what all tokens share falls out, so centred and plain are the same. "
            "Every bias has a line of its own. ln_final's scale is held as recorded."
        )
    return _IN_FULL[state.convention]


def _why_gap(found: RankedParts, cells: int) -> str:
    """The reason for which the sum is not exactly what was recorded."""
    if not found.gap or cells < 50:
        return ""
    if abs(found.gap) <= _ROUNDING * max(1.0, abs(found.most), abs(found.least)):
        return " (rounding)"
    return " (an edit)" if found.gap == found.gap else ""


def in_words(state: AttributionState, cells: int) -> list[Line]:
    """The chosen term: its exact value, its rank, and what it does to the answer."""
    found = state.found
    if state.row < 0:
        words = f"convention {state.convention}: {(_OF_A_LEAD if state.against else _BRIEFLY)[state.convention]}"
        return [clipped([Span(words, "here-text"), Span("   ⏎ the next", "dim")], cells)]
    if not isinstance(found, RankedParts) or not found.ranked:
        return []
    part: Contribution = found.ranked[state.row]
    name = Span(part_name(state.scene, part), "here-text")
    effect = Span(" raises" if part.value >= 0 else " lowers", "positive" if part.value >= 0 else "negative")
    line = [name, effect, Span(f" the {state.measured} by "), Span(number(abs(part.value), 6, plus=""), "value")]
    rank = f"term {state.row + 1} of {len(found.ranked)} by size; the terms add up to {number(found.sum, 4)}"
    means = fitting([Span(rank, "dim")], [_BETA] if part.label.endswith("beta") and part.layer is None else [], cells)
    return [clipped([*line, Span(" logits")], cells), clipped(means, cells)]
