"""The picture of the flow: the question, the strongest edges or ways, and what is chosen in words."""

from explorer.analysis.flow import Edge, EdgeKind
from explorer.paint.predictions import percent
from explorer.paint.spans import Line, Span, clipped, length, wrapped
from explorer.terminal.text import width
from explorer.views.flow.paths import FlowPath
from explorer.views.flow.picture import FlowPicture
from explorer.views.flow.state import IN_WORDS, THRESHOLDS, FlowState, RoutesFound
from explorer.views.flow.words import path_in_words, told
from explorer.views.parts import side_by_side, to_choose

THRESHOLD = 1
"""The first number of a click on a threshold."""

_MEASURE = (
    "What arrives at a place is a sum. A part's share of it: how much nearer to the sum it comes alone (L1 norm), "
    "next to the other parts. A way's share of the answer: the shares along it, multiplied. "
    "Source: Ferrando and Voita 2024, arXiv:2403.00824."
)
_BRIEFLY = "a way's share of the answer: its edges' shares, multiplied"
_AROUND = 5  # lines of the picture besides its blocks: tokens and shares, the answer, two of the legend
_HEAD = 2  # lines of the question
_BESIDE = 112  # cells from which the ways stand beside the picture
_WAYS = 46  # cells for them


def page(state: FlowState, cells: int, height: int) -> list[Line]:
    """The whole picture."""
    head = _head(state, cells)
    if waiting := state.scene.waiting(state.found, cells):
        return [*head, [], *waiting]
    found: RoutesFound = state.found
    high = room_for_picture(cells, height)
    only_told = told_only(state.mode, high, state.scene.config.n_layer)
    measure, room = _measure(cells, height, only_told), height - len(head)
    if only_told:
        gap: list[Line] = [[]] if height >= 22 else []
        body = [*gap, *_told(state, found, cells, room - len(measure) - len(gap), chosen=True)]
    else:
        gap_below = 1 if measure else 0
        body = _drawn(state, found, cells, high, room - len(measure) - gap_below)
        left = room - len(body) - len(measure) - 1
        if left >= 3 and cells < _BESIDE:
            body += [[], *_told(state, found, cells, left, chosen=False)]
    if not measure and room - len(body) >= 2:
        measure = _measure(cells, height, told=True)
    filling: list[Line] = [[]] * max(0, room - len(body) - len(measure))
    return [clipped(line, cells) for line in [*head, *body, *filling, *measure]]


def room_for_picture(cells: int, height: int) -> int:
    """The lines that are left for the blocks of the picture."""
    return height - _HEAD - len(_measure(cells, height, told=False)) - _AROUND


def told_only(mode: int, high: int, blocks: int) -> bool:
    """Whether the paths are told in words alone; `high`: the lines there are for the blocks."""
    return mode == IN_WORDS or high < blocks


def _measure(cells: int, height: int, told: bool) -> list[Line]:
    """How shares are measured, as far as there is room: in few lines the legend of a picture goes first."""
    if height >= 22:
        return wrapped(_MEASURE, cells, "dim")
    return wrapped(_BRIEFLY, cells, "dim")[:1] if told else []


def _head(state: FlowState, cells: int) -> list[Line]:
    scene, found = state.scene, state.found
    answer = Span(state.answer, "answer") if state.answer else Span("the answer")
    here = Span(scene.token_at(scene.position), "here-text")
    line = [Span("how "), answer, Span(" came to follow "), here]
    if isinstance(found, RoutesFound):
        line.append(Span(_traced(found, cells - length(line)) if found.whole else ": tracing …", "dim"))
    labels = [f"{threshold * 100:g}%" for threshold in THRESHOLDS]
    title, after = "weakest edges kept ←→ ", " of what arrives"
    if cells < 84:
        title, after = "keep edges from ←→ " if cells >= 70 else "edges ≥ ←→ ", ""
    choices = to_choose(THRESHOLD, labels, state.level, cells - len(title) - len(after) - 2)
    return [line, [Span(title, "dim"), *choices, Span(after, "dim")]]


def _traced(found: RoutesFound, room: int) -> str:
    """How much of the answer was traced back to a token, and where the rest is."""
    kept, rest = percent(found.routes.kept), percent(max(0.0, 1.0 - found.routes.kept))
    known = f": {kept} traced back to a token"
    forms = (f"{known}; {rest} in weaker edges and biases", f"{known}; {rest} not", f": {kept} traced, {rest} not")
    return next((words for words in forms if width(words) <= room), f": {kept} traced")


def _drawn(state: FlowState, found: RoutesFound, cells: int, high: int, room: int) -> list[Line]:
    """The picture, from the tokens and what share of the answer each has down to the answer; the ways beside it."""
    scene, edge = state.scene, state.chosen
    wide = cells - _WAYS - 3 if cells >= _BESIDE else cells
    halves = high >= 2 * scene.config.n_layer
    picture = FlowPicture(scene, found.edges, edge if isinstance(edge, Edge) else None, wide, halves)
    answer = {scene.position: Span(state.answer or "▼", "answer")}
    shares = {node.position: share for node, share in found.routes.shares.items() if not node.depth}
    above = {position: Span(percent(shares.get(position, 0.0)), "dim") for position in picture.columns}
    lines = [*picture.tokens(above), *picture.lines(), picture.row_of(answer, "answer"), *picture.legend(wide)]
    if cells < _BESIDE:
        return lines
    return side_by_side(lines, _told(state, found, _WAYS, room, chosen=False), wide + 3)


def _told(state: FlowState, found: RoutesFound, cells: int, height: int, chosen: bool) -> list[Line]:
    if not found.paths:
        none = "No way leads back to a token at this threshold." if found.whole else "Tracing the edges back …"
        return wrapped(none, cells, "dim")
    return told(state.scene, found.paths, min(state.row, len(found.paths) - 1) if chosen else None, cells, height)


def in_words(state: FlowState, cells: int) -> list[Line]:
    """The chosen edge or way, and how much of the answer came by it."""
    found, chosen, scene = state.found, state.chosen, state.scene
    if not isinstance(found, RoutesFound):
        return []
    if isinstance(chosen, FlowPath):
        line = [Span(f"way {min(state.row, len(found.paths) - 1) + 1} of {len(found.paths)}  ", "here-text")]
        return [clipped([*line, *path_in_words(scene, chosen)], cells), _share(chosen.share, None)]
    if chosen is None or chosen.source is None:
        return [[Span("No head or MLP is above this threshold.", "dim")]]
    target = scene.token_at(chosen.target.position)
    line = [Span(f"edge {min(state.row, found.count - 1) + 1} of {found.count}  ", "here-text")]
    if chosen.kind is EdgeKind.HEAD:
        line += [Span(f"head {chosen.layer}.{chosen.head}", "bold"), Span(" ")]
        line += [Span(f"{scene.token_at(chosen.source.position)} → {target}")]
    else:
        line += [Span(f"MLP of block {chosen.layer}", "bold"), Span(f" at {target}")]
    return [clipped(line, cells), clipped(_share(chosen.share, chosen.weight), cells)]


def _share(share: float, weight: float | None) -> Line:
    """A share of the answer in two decimals, and what of the state at its end that is."""
    line = [Span(f"{share:.2%}", "value"), Span(" of the answer", "dim")]
    return line if weight is None else [*line, Span(f", {weight:.2%} of what arrives there", "dim")]
