"""The picture of all heads: what was found on top, the small patterns, and what the chosen head does."""

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from explorer.analysis.heads import BEHAVIOURS, NONE
from explorer.paint.spans import Line, Span, clipped, length, page, share_level
from explorer.text import fit, width
from explorer.views.heads.chosen import definitions, details
from explorer.views.heads.small_patterns import Extent, drawn, extent, levels

if TYPE_CHECKING:
    from explorer.views.heads.view import Heads

_MARGIN = 3  # the number of a block
_LEAST = 7  # cells for a head with its name at its shortest
_NAMED = 9  # cells for a head whose name need not be so short
_MANY = 6  # heads side by side that are enough where not all fit
_SIDE = 25  # cells for the chosen head beside the others
_CORNER = 2  # cells of a pattern's first line; the name stands beside them
_LOW = 18  # lines below which there is one for the chosen head
_MEDIUM = {
    "previous token": "prev",
    "first token": "first",
    "itself": "self",
    "duplicate token": "dupl",
    "induction": "induc",
}
_SHORT = _MEDIUM | {"first token": "1st", "induction": "indu"}


class Place(NamedTuple):
    """A head of the model."""

    layer: int
    head: int


class Layout(NamedTuple):
    """Where what stands."""

    blocks: range
    heads: range
    slot: int  # cells for a head
    tall: int  # lines of a pattern
    gap: int  # empty lines between blocks
    part: Extent


def atlas(view: "Heads", cells: int, height: int) -> list[Line]:
    """The whole view."""
    if view.defining:
        return [clipped(_found(view, cells), cells), [], *definitions(view, cells, height - 2)][:height]
    if not any(view.session.run.positions(name) for name in view.session.run.axes if name.endswith("pattern")):
        return [[Span(_nothing_yet(view), "dim")]]
    fitting, beside = ((cells - _MARGIN - side) // _LEAST for side in (0, _SIDE + 2))
    heads = view.session.config.n_head
    if beside >= heads or (fitting < heads and beside >= _MANY):
        return _beside(view, cells, height)
    if height < _LOW:
        plan = _plan(view, cells, height - 2)
        remark = plan.part.in_words(len(view.session.ids))
        last = [*details(view, cells, 1)[0], Span(f"   {remark}", "dim")]
        return [_found(view, cells), *_table(view, plan), clipped(last, cells)][:height]
    plan = _plan(view, cells, height - 2 - _room_below(view, height))
    lines = [_found(view, cells), *_table(view, plan)]
    rest = height - len(lines) - 1
    return [*lines, _remark(view, plan, cells), *details(view, cells, rest)][:height]


def _nothing_yet(view: "Heads") -> str:
    if view.session.recorded:
        return "This run was recorded without its attention patterns."
    return "stopped · r goes on" if view.session.stopped else "computing …"


def _room_below(view: "Heads", height: int) -> int:
    """Lines for the chosen head under the others: more where its pattern is to be seen twice."""
    return 9 if view.weighted and height >= 24 else 3


def _beside(view: "Heads", cells: int, height: int) -> list[Line]:
    """The chosen head to the right of the others."""
    plan = _plan(view, cells - _SIDE - 2, height - 2)
    left = [*_table(view, plan)]
    used = _MARGIN + plan.slot * len(plan.heads) + 2
    right = details(view, cells - used, height - 2)
    lines = []
    for row in range(min(height - 2, max(len(left), len(right)))):
        line = left[row] if row < len(left) else []
        blank = used - length(line)
        lines.append([*line, Span(" " * blank), *(right[row] if row < len(right) else [])])
    return [_found(view, cells), *lines, _remark(view, plan, cells)]


def _plan(view: "Heads", cells: int, height: int) -> Layout:
    """As many heads and blocks as fit, and the finest patterns for which there is room."""
    config, tokens = view.session.config, len(view.session.ids)
    across = max(1, min(config.n_head, (cells - _MARGIN) // _LEAST))
    widest = (cells - _MARGIN) // across
    widest -= widest != tokens  # a cell between two heads, unless every token can have its own dot without it
    lines = max(2, height - 1)
    down = max(1, min(config.n_layer, lines // 2))
    tall = max(2, min(lines // down, -(-min(widest, tokens) // 2)))
    part = extent(tokens, view.session.position, min(widest, 2 * tall))
    tall = max(2, -(-part.dots // 2))
    gap = 1 if down * (tall + 1) - 1 <= lines else 0
    slot = max(_LEAST, min(widest + 1, max(part.dots + 2, _NAMED, 18 if widest > 16 else 0)))
    blocks, heads = page(view.chosen.layer, config.n_layer, down), page(view.chosen.head, config.n_head, across)
    view.shown = range(*blocks)
    return Layout(range(*blocks), range(*heads), slot, tall, gap, part)


def _found(view: "Heads", cells: int) -> Line:
    """How many heads do what: the answer, before any picture."""
    config = view.session.config
    total = config.n_layer * config.n_head
    scores = [view.scores(Place(layer, head)) for layer in range(config.n_layer) for head in range(config.n_head)]
    counts = Counter(found.label for found in scores if found)
    names = [behaviour.name for behaviour in BEHAVIOURS if counts[behaviour.name]]
    known = sum(counts.values())
    if not known:
        return [Span("measuring …" if view.wanted() else "nothing is measured yet", "dim")]
    doing = known - counts[NONE]
    line = [Span(f"{doing} of {total} heads", "bold"), Span(" do what has a name" + (": " if names else ""))]
    if width(line[0].text + line[1].text) + sum(width(name) + 5 for name in names) > cells:
        line[1] = Span(": ")
    for index, name in enumerate(names):
        line += [Span(" · " if index else "", "dim"), Span(name, "value"), Span(f" {counts[name]}")]
    return [*line, Span(f"   measuring {known / total:.0%}", "dim")] if known < total else line


def _table(view: "Heads", plan: Layout) -> list[Line]:
    """The heads' numbers, then a row of small patterns for every block."""
    lines: list[Line] = [
        [Span(" " * _MARGIN)]
        + [
            Span(
                fit(f"head {head}" if head == plan.heads.start else str(head), plan.slot),
                "here-text" if head == view.chosen.head else "dim",
            )
            for head in plan.heads
        ]
    ]
    for layer in plan.blocks:
        lines += _block(view, plan, layer)
        if plan.gap and layer != plan.blocks[-1]:
            lines.append([])
    return lines


def _block(view: "Heads", plan: Layout, layer: int) -> list[Line]:
    heads = [_small(view, plan, Place(layer, head)) for head in plan.heads]
    margin = Span(fit(str(layer), _MARGIN - 1, ">") + " ", "here-text" if layer == view.chosen.layer else "dim")
    return [
        [margin if not row else Span(" " * _MARGIN), *(span for head in heads for span in head[row])]
        for row in range(plan.tall)
    ]


def _small(view: "Heads", plan: Layout, place: Place) -> list[Line]:
    """A head's pattern with its name in the corner where a causal pattern is always empty."""
    rows = view.weighted_pattern(place) if view.weighted else view.pattern(place)
    action = ("view", *place)
    if rows is None:
        dots: list[Line] = [[Span("… ", "dim", action)]]
    else:
        dots = drawn(levels(rows, plan.part, view.heaviest() if view.weighted else 1.0), action)
    lines = []
    for row in range(plan.tall):
        line = dots[row] if row < len(dots) else []
        if not row:
            line = [*line[:_CORNER], Span(" " * (_CORNER - len(line[:_CORNER]))), *_name(view, plan, place)]
            if rows is None:
                line = [*dots[0], *_name(view, plan, place)]
        lines.append([*line, Span(" " * (plan.slot - length(line)), "", action)])
    return lines


def _name(view: "Heads", plan: Layout, place: Place) -> Line:
    """What a head is called; a dot where it has no name."""
    found, room = view.scores(place), plan.slot - _CORNER - 1
    name = found.label if found and found.label != NONE else ""
    if room < max(map(width, _MEDIUM)):
        name = (_MEDIUM if room > 5 else _SHORT).get(name, "")
    chosen = place == view.chosen
    text = name or ("·" if found else " ")
    style = "here" if chosen else "value" if name else "dim"
    return [Span("▸" if chosen else " ", "here-text"), Span(text[:room], style, ("view", *place))]


def _remark(view: "Heads", plan: Layout, cells: int) -> Line:
    """What part of the model and of the prompt is there, and what the colours are."""
    config, words = view.session.config, []
    for part, count, noun in ((plan.blocks, config.n_layer, "blocks"), (plan.heads, config.n_head, "heads")):
        words += [f"{len(part)} of {count} {noun}"] if len(part) < count else []
    words += [part for part in [plan.part.in_words(len(view.session.ids))] if part]
    largest = f"{view.heaviest():.3g}" if view.weighted else "1"
    scale = [Span("▄", f"share:{share_level(step / 4)}/") for step in range(5)]
    legend: Line = [Span("0 ", "dim"), *scale, Span(f" {largest}", "dim")]
    text = "   " + " · ".join(words) if words else ""
    return [*legend, Span(fit(text, min(width(text), cells - 8 - width(largest))), "dim")]
