"""The picture of the flow: the question, the strongest edges or ways, and what is chosen in words."""

from explorer.analysis.flow import Edge, EdgeKind
from explorer.paint.predictions import percent
from explorer.paint.spans import Line, Span, clipped, wrapped
from explorer.views.flow.paths import FlowPath
from explorer.views.flow.picture import FlowPicture
from explorer.views.flow.state import IN_WORDS, THRESHOLDS, FlowState, RoutesFound
from explorer.views.flow.words import path_in_words, told
from explorer.views.parts import side_by_side, to_choose

THRESHOLD = 1
"""The first number of a click on a threshold."""

_MEASURE = (
    "Of a state: how much nearer to that sum a part alone brings (L1 norm), next to the other parts. Of the answer: "
    "those shares along all kept ways, multiplied. Source: Ferrando and Voita 2024, arXiv:2403.00824."
)
_BRIEFLY = "measure: L1 proximity, multiplied along the way"
_AROUND = 4  # lines of the picture besides its blocks: tokens and shares, the answer, the legend
_HEAD = 2  # lines of the question
_BESIDE = 112  # cells from which the ways stand beside the picture
_WAYS = 46  # cells for them


def page(state: FlowState, cells: int, height: int) -> list[Line]:
    """The whole picture."""
    head = _head(state, cells)
    if waiting := state.scene.waiting(state.found, cells):
        return [*head, [], *waiting]
    found: RoutesFound = state.found
    measure, room = _measure(cells, height), height - len(head)
    high = room_for_picture(cells, height)
    if told_only(state.mode, high, state.scene.config.n_layer):
        gap: list[Line] = [[]] if height >= 22 else []
        body = [*gap, *_told(state, found, cells, room - len(measure) - len(gap), chosen=True)]
    else:
        body = _drawn(state, found, cells, high, room - len(measure) - 1)
        left = room - len(body) - len(measure) - 1
        if left >= 3 and cells < _BESIDE:
            body += [[], *_told(state, found, cells, left, chosen=False)]
    filling: list[Line] = [[]] * max(0, room - len(body) - len(measure))
    return [clipped(line, cells) for line in [*head, *body, *filling, *measure]]


def room_for_picture(cells: int, height: int) -> int:
    """The lines that are left for the blocks of the picture."""
    return height - _HEAD - len(_measure(cells, height)) - _AROUND


def told_only(mode: int, high: int, blocks: int) -> bool:
    """Whether the paths are told in words alone; `high`: the lines there are for the blocks."""
    return mode == IN_WORDS or high < blocks


def _measure(cells: int, height: int) -> list[Line]:
    """How shares are measured, as far as there is room."""
    return wrapped(_MEASURE, cells, "dim") if height >= 22 else wrapped(_BRIEFLY, cells, "dim")[:1]


def _head(state: FlowState, cells: int) -> list[Line]:
    scene, found = state.scene, state.found
    answer = Span(state.answer, "answer") if state.answer else Span("the answer")
    here = Span(scene.token_at(scene.position), "here-text")
    line = [Span("how "), answer, Span(" came to follow "), here]
    if isinstance(found, RoutesFound):
        known = "traced back to a token" if cells >= 60 else "traced"
        line.append(Span(f": {percent(found.routes.kept)} {known}" if found.whole else ": tracing …", "dim"))
    labels = [f"{threshold * 100:g}%" for threshold in THRESHOLDS]
    title = "edges of at least ←→ " if cells >= 70 else "edges ≥ ←→ "
    return [line, [Span(title, "dim"), *to_choose(THRESHOLD, labels, state.level, cells - len(title) - 2)]]


def _drawn(state: FlowState, found: RoutesFound, cells: int, high: int, room: int) -> list[Line]:
    """The picture, from the tokens and what share of the answer each has down to the answer; the ways beside it."""
    scene, edge = state.scene, state.chosen
    wide = cells - _WAYS - 3 if cells >= _BESIDE else cells
    halves = high >= 2 * scene.config.n_layer
    picture = FlowPicture(scene, found.edges, edge if isinstance(edge, Edge) else None, wide, halves)
    answer = {scene.position: Span(state.answer or "▼", "answer")}
    shares = {node.position: share for node, share in found.routes.shares.items() if not node.depth}
    above = {position: Span(percent(share), "dim") for position, share in shares.items()}
    lines = [*picture.tokens(above), *picture.lines(), picture.row_of(answer, "answer"), picture.legend(wide)]
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
    return line if weight is None else [*line, Span(f", {weight:.2%} of the state there", "dim")]
