"""The picture of all heads: what was found on top, the small patterns, and what the chosen head does."""

from collections import Counter
from typing import NamedTuple

from explorer.analysis.heads import Behaviour
from explorer.paint.spans import Line, Span, clipped, length, page
from explorer.terminal.pressed import key as pressed
from explorer.terminal.text import fit, width
from explorer.views.heads.chosen import definitions, details
from explorer.views.heads.small_patterns import Extent, drawn, extent
from explorer.views.heads.state import Head, HeadsState
from explorer.views.parts import fitting, ramp, row_mark, side_by_side

_MARGIN, _WIDE_MARGIN = 3, 9  # the number of a block; and its name
_WIDE = 110  # cells from which blocks are named
_LEAST = 7  # cells for a head with its name at its shortest
_NAMED = 9  # cells for a head whose name need not be so short
_MANY = 4  # heads side by side that are enough where not all fit
_SIDE = 25  # cells for the chosen head beside the others
_CORNER = 2  # cells of a pattern's first line; the name stands beside them
_LOW = 18  # lines below which there is one for the chosen head
_MEDIUM = {
    Behaviour.PREVIOUS_TOKEN: "prev",
    Behaviour.FIRST_TOKEN: "first",
    Behaviour.ITSELF: "self",
    Behaviour.DUPLICATE_TOKEN: "dupl",
    Behaviour.INDUCTION: "induc",
}
_SHORT = _MEDIUM | {Behaviour.FIRST_TOKEN: "1st", Behaviour.INDUCTION: "indu"}
_ROWS = "rows look at columns"
_SHORTEST = {
    Behaviour.PREVIOUS_TOKEN: "pre",
    Behaviour.FIRST_TOKEN: "1st",
    Behaviour.ITSELF: "slf",
    Behaviour.DUPLICATE_TOKEN: "dup",
    Behaviour.INDUCTION: "ind",
}


class HeadsLayout(NamedTuple):
    """Where what stands."""

    margin: int  # cells for the names of the blocks
    blocks: range
    heads: range
    slot: int  # cells for a head
    tall: int  # lines of a pattern
    gap: int  # empty lines between blocks
    part: Extent


def atlas(state: HeadsState, cells: int, height: int) -> list[Line]:
    """The whole picture."""
    if state.defining:
        return [clipped(_found(state, cells), cells), [], *definitions(state, cells, height - 2)][:height]
    if not state.patterns:
        return [[Span(_nothing_yet(state), "dim")]]
    plan = _layout(state, cells, height)
    if _room_beside(state, cells):
        return _beside(state, plan, cells, height)
    shown = _table(state, plan)
    spare = height - 2 - len(shown) - _room_below(height)
    lines = [_found(state, cells), *shown, *_remark(state, plan, cells, 1 + max(0, spare))]
    return [*lines, *details(state, cells, height - len(lines))][:height]


def blocks_shown(state: HeadsState, cells: int, height: int) -> range:
    """The blocks for which there is room."""
    return _layout(state, cells, height).blocks


def _margin(state: HeadsState, cells: int) -> int:
    """Cells for the names of the blocks: their numbers alone where that leaves more room for heads."""
    fitting = (cells - _WIDE_MARGIN - _SIDE - 2) // _LEAST
    return _WIDE_MARGIN if cells >= _WIDE and fitting >= state.scene.config.n_head else _MARGIN


def _room_beside(state: HeadsState, cells: int) -> bool:
    """Whether there is room for the chosen head beside the others."""
    fitting, beside = ((cells - _margin(state, cells) - side) // _LEAST for side in (0, _SIDE + 2))
    heads = state.scene.config.n_head
    return beside >= heads or (fitting < heads and beside >= _MANY) or (beside >= _MANY and cells < _WIDE)


def _layout(state: HeadsState, cells: int, height: int) -> HeadsLayout:
    margin = _margin(state, cells)
    if _room_beside(state, cells):
        return _plan(state, margin, cells - _SIDE - 2, height - 2)
    return _plan(state, margin, cells, height - 2 - _room_below(height))


def _nothing_yet(state: HeadsState) -> str:
    if state.scene.recorded:
        return "This run was recorded without its attention patterns."
    return f"stopped · {pressed('again', 'r')} goes on" if state.scene.stopped else "computing …"


def _room_below(height: int) -> int:
    """Lines for the chosen head under the others: its name, and its row."""
    return 5 if height < _LOW else min(14, height // 3)


def _beside(state: HeadsState, plan: HeadsLayout, cells: int, height: int) -> list[Line]:
    """The chosen head to the right of the others."""
    left = _table(state, plan)
    used = plan.margin + plan.slot * len(plan.heads) + 2
    remark = _remark(state, plan, cells, max(1, height - 1 - len(left)))
    room = height - 1 - len(remark)
    return [_found(state, cells), *side_by_side(left, details(state, cells - used, room), used)[:room], *remark]


def _plan(state: HeadsState, margin: int, cells: int, height: int) -> HeadsLayout:
    """As many heads and blocks as fit, and the finest patterns for which there is room."""
    config, tokens = state.scene.config, len(state.scene.ids)
    across = max(1, min(config.n_head, (cells - margin) // _LEAST))
    widest = (cells - margin) // across
    if widest != tokens:  # a cell between two heads, unless every token can have its own dot without it
        widest -= 1
    lines = max(2, height - 1)
    down = max(1, min(config.n_layer, lines // 2))
    tall = max(2, min(lines // down, -(-min(widest, tokens) // 2)))
    part = extent(tokens, state.scene.position, min(widest, 2 * tall))
    tall = max(2, -(-part.dots // 2))
    gap = 1 if down * (tall + 1) - 1 <= lines else 0
    slot = max(_LEAST, min(widest + 1, max(part.dots + 2, _NAMED, 18 if widest > 16 else 0)))
    blocks, heads = page(state.chosen.layer, config.n_layer, down), page(state.chosen.head, config.n_head, across)
    return HeadsLayout(margin, range(*blocks), range(*heads), slot, tall, gap, part)


def _found(state: HeadsState, cells: int) -> Line:
    """How many heads do what: the answer, before any picture."""
    config = state.scene.config
    total = config.n_layer * config.n_head
    scores = [state.scores.get(Head(layer, head)) for layer in range(config.n_layer) for head in range(config.n_head)]
    counts = Counter(found.label for found in scores if found)
    named = [behaviour for behaviour in Behaviour if counts[behaviour]]
    known = sum(counts.values())
    if not known:
        return [Span("measuring …" if state.measuring else "nothing is measured yet", "dim")]
    doing = known - counts[None]
    line = [Span(f"{doing} of {total} heads", "bold"), Span(" match a known pattern" + (": " if named else ""))]
    if width(line[0].text + line[1].text) + sum(width(behaviour.words) + 5 for behaviour in named) > cells:
        line[1] = Span(": ")
    for index, behaviour in enumerate(named):
        line += [Span(" · " if index else "", "dim"), Span(behaviour.words, "value"), Span(f" {counts[behaviour]}")]
    return [*line, Span(f"   measuring {known / total:.0%}", "dim")] if known < total else line


def _table(state: HeadsState, plan: HeadsLayout) -> list[Line]:
    """The heads' numbers, then a row of small patterns for every block."""
    lines: list[Line] = [
        [
            Span(" " * plan.margin),
            *(
                Span(fit(_number(plan, head), plan.slot), "here-text" if head == state.chosen.head else "dim")
                for head in plan.heads
            ),
        ]
    ]
    for layer in plan.blocks:
        lines += _block(state, plan, layer)
        if plan.gap and layer != plan.blocks[-1]:
            lines.append([])
    return lines


def _number(plan: HeadsLayout, head: int) -> str:
    """The name of a head over its pictures, in the same way for all of them."""
    noun = "head " if width(f"head {plan.heads[-1]}") < plan.slot else "h"
    return f"{noun}{head}"


def _block(state: HeadsState, plan: HeadsLayout, layer: int) -> list[Line]:
    heads = [_small(state, plan, Head(layer, head)) for head in plan.heads]
    blocks = state.scene.config.n_layer
    name = f"block {layer}" if plan.margin == _WIDE_MARGIN else fit(str(layer), plan.margin - 1, ">")
    name = fit(name, plan.margin - 1) + row_mark(layer, plan.blocks.start, plan.blocks.stop, blocks)
    margin = Span(name, "here-text" if layer == state.chosen.layer else "dim")
    return [
        [margin if not row else Span(" " * plan.margin), *(span for head in heads for span in head[row])]
        for row in range(plan.tall)
    ]


def _small(state: HeadsState, plan: HeadsLayout, head: Head) -> list[Line]:
    """A head's pattern with its name in the corner where a causal pattern is always empty."""
    rows = state.weighted_patterns.get(head) if state.weighted else state.patterns.get(head)
    action = ("view", *head)
    if rows is None:
        dots: list[Line] = [[Span("… ", "dim", action)]]
    else:
        dots = drawn(state.dots(head, rows, plan.part, state.heaviest if state.weighted else 1.0), action)
    lines = []
    for row in range(plan.tall):
        line = dots[row] if row < len(dots) else []
        if not row:
            line = [*line[:_CORNER], Span(" " * (_CORNER - len(line[:_CORNER]))), *_name(state, plan, head)]
            if rows is None:
                line = [*dots[0], *_name(state, plan, head)]
        lines.append([*line, Span(" " * (plan.slot - length(line)), "", action)])
    return lines


def _name(state: HeadsState, plan: HeadsLayout, head: Head) -> Line:
    """The name of a head in the corner, a blank before the next picture; "none" where it has none."""
    found, room = state.scores.get(head), plan.slot - _CORNER - 2
    label = found.label if found else None
    name = label.words if label else ""
    if label and room < max(width(behaviour.words) for behaviour in Behaviour):
        name = (_MEDIUM if room > 4 else _SHORT if room > 3 else _SHORTEST)[label]
    chosen = head == state.chosen
    text = name or (("none" if room > 3 else "–") if found else " ")
    style = "here-text" if chosen else "value" if name else "dim"
    return [Span("▸" if chosen else " ", "here-text"), Span(text[:room], style, ("view", *head))]


def _remark(state: HeadsState, plan: HeadsLayout, cells: int, most: int) -> list[Line]:
    """The legend, in two lines where there is room: the colours, how much is there, and what stands in the corners."""
    config, words = state.scene.config, []
    for part, count, noun in ((plan.blocks, config.n_layer, "blocks"), (plan.heads, config.n_head, "heads")):
        words += [f"{len(part)} of {count} {noun}"] if len(part) < count else []
    largest = f"{state.heaviest:.3g}" if state.weighted else "1"
    what = "attention × length moved " if state.weighted else "attention "
    legend: Line = [Span(what + "0 ", "dim"), *ramp(), Span(f" {largest}", "dim")]
    tokens = len(state.scene.ids)
    dots, brief = plan.part.in_words(tokens), plan.part.briefly(tokens)
    more = [_ROWS, _corner(plan)]
    whole = [part for part in (*words, dots, *more) if part]
    one = fitting(legend, whole, cells)
    if len(one) == len(legend) + len(whole):
        return [one]
    if most < 2:
        return [fitting(legend, [*words, *brief, *more], cells)]
    dots = dots if width(dots) <= cells else " · ".join(brief)
    below = fitting([Span(dots or _corner(plan), "dim")], [_corner(plan)] if dots else [], cells)
    return [fitting(legend, [*words, _ROWS], cells), clipped(below, cells)]


def _corner(plan: HeadsLayout) -> str:
    """The word beside each picture."""
    return f"{'none' if plan.slot - _CORNER - 2 > 3 else '–'}: no known pattern"
