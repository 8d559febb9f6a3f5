"""The picture of the flow: the question, the strongest edges or ways, and what is chosen in words."""

from explorer.analysis.edge_attribution import AttributedEdge
from explorer.paint.predictions import percent
from explorer.paint.spans import Line, Span, clipped, length, wrapped
from explorer.terminal.text import number, width
from explorer.views.flow.paths import FlowPath
from explorer.views.flow.picture import FlowPicture
from explorer.views.flow.state import (
    IN_WORDS,
    OF_THE_ANSWER,
    THRESHOLDS,
    AnswerFound,
    DrawnEdge,
    FlowState,
    RoutesFound,
)
from explorer.views.flow.words import edge_in_words, edges_told, path_in_words, told
from explorer.views.parts import side_by_side, to_choose

THRESHOLD, MEASURE = range(1, 3)
"""The first number of a click on a threshold, and on a measure."""

_OF_THE_STATE = (
    "What arrives at a place is a sum. A part's share of it: how much nearer to the sum it comes alone (L1 norm), "
    "next to the other parts (Ferrando and Voita 2024, arXiv:2403.00824). A way's share of the last state: the shares "
    "along it, multiplied; that is ours. It is the same whatever token is asked for: k shows what is of the answer."
)
_OF_THE_ANSWER = (
    "How much of the logit of {}, less the mean of all, came along an edge, with attention patterns, layer norms' "
    "scales and what MLPs write held as recorded (Elhage et al. 2021). What enters a place adds up to the place's own "
    "number; along a way nothing is multiplied. An MLP's inputs are not followed. Above the tokens: what came in there."
)
_BRIEFLY = ("a way's share of the last state: its edges' shares, multiplied", "logits of {}, less the mean of all")
_ROOMY = 22  # lines from which the measure is told in full
_AROUND = 5  # lines of the picture besides its blocks: tokens and shares, the answer, two of the legend
_HEAD = 2  # lines of the question
_BESIDE = 112  # cells from which the ways stand beside the picture
_WAYS = 46  # cells for them


def page(state: FlowState, cells: int, height: int) -> list[Line]:
    """The whole picture."""
    head = _head(state, cells)
    if waiting := state.scene.waiting(state.found, cells):
        return [*head, [], *waiting]
    high = room_for_picture(cells, height)
    only_told = told_only(state.mode, high, state.scene.config.n_layer)
    measure, room = _measure(state, cells, height, only_told), height - len(head)
    if only_told:
        gap: list[Line] = [[]] if height >= 22 else []
        body = [*gap, *_told(state, cells, room - len(measure) - len(gap), chosen=True)]
    else:
        gap_below = 1 if measure else 0
        body = _drawn(state, cells, high, room - len(measure) - gap_below)
        left = room - len(body) - len(measure) - 1
        if left >= 3 and cells < _BESIDE:
            body += [[], *_told(state, cells, left, chosen=False)]
    if not measure and room - len(body) >= 2:
        measure = _measure(state, cells, height, told=True)
    filling: list[Line] = [[]] * max(0, room - len(body) - len(measure))
    return [clipped(line, cells) for line in [*head, *body, *filling, *measure]]


def room_for_picture(cells: int, height: int) -> int:
    """The lines that are left for the blocks of the picture."""
    longest = wrapped(max(_OF_THE_STATE, _OF_THE_ANSWER, key=len), cells) if height >= _ROOMY else []
    return height - _HEAD - len(longest) - _AROUND


def told_only(mode: int, high: int, blocks: int) -> bool:
    """Whether the paths are told in words alone; `high`: the lines there are for the blocks."""
    return mode == IN_WORDS or high < blocks


def _measure(state: FlowState, cells: int, height: int, told: bool) -> list[Line]:
    """The measure, as far as there is room: in few lines the legend of a picture goes first."""
    if height >= _ROOMY:
        words = _OF_THE_ANSWER if state.measure == OF_THE_ANSWER else _OF_THE_STATE
        return wrapped(words.format(state.answer), cells, "dim")
    return wrapped(_BRIEFLY[state.measure].format(state.answer), cells, "dim")[:1] if told else []


def _head(state: FlowState, cells: int) -> list[Line]:
    """The measure, what it is of, and the threshold."""
    names = ("last state", "answer")
    line = [Span("k ", "dim"), *to_choose(MEASURE, names, state.measure, 28), Span("  ")]
    line += _question(state, cells - length(line))
    labels = [f"{threshold * 100:g}%" for threshold in THRESHOLDS]
    title, after = "weakest edges kept ←→ ", " of what arrives" if state.measure != OF_THE_ANSWER else " of the logit"
    if cells < 84:
        title, after = "keep edges from ←→ " if cells >= 70 else "edges ≥ ←→ ", ""
    choices = to_choose(THRESHOLD, labels, state.level, cells - len(title) - len(after) - 2)
    return [line, [Span(title, "dim"), *choices, Span(after, "dim")]]


def _question(state: FlowState, room: int) -> Line:
    """The thing that is taken apart."""
    found, here = state.found, Span(state.scene.token_at(state.scene.position), "here-text")
    if state.measure == OF_THE_ANSWER:
        line = [Span("the logit of "), Span(state.answer or "the answer", "answer"), Span(" after "), here]
        if isinstance(found, AnswerFound):
            value = Span(f" {number(found.attributed.logit, 2)}", "value")
            line.append(value)
            for words in (" less the mean of all", ", without ln_final's beta"):
                line += [Span(words, "dim")] if length(line) + width(words) <= room else []
        return line
    line = [Span("the last state of "), here]
    if isinstance(found, RoutesFound):
        line.append(Span(_traced(found, room - length(line)) if found.whole else ": tracing …", "dim"))
    return line


def _traced(found: RoutesFound, room: int) -> str:
    """How much of the last state was traced back to a token, and where the rest is."""
    kept, rest = percent(found.routes.kept), percent(max(0.0, 1.0 - found.routes.kept))
    known = f": {kept} traced back to a token"
    forms = (f"{known}; {rest} in weaker edges and biases", f"{known}; {rest} not", f": {kept} traced, {rest} not")
    return next((words for words in forms if width(words) <= room), f": {kept} traced")


def _drawn(state: FlowState, cells: int, high: int, room: int) -> list[Line]:
    """The picture, from the tokens and what each brought down to the last state; what is told beside it."""
    scene, edge, found = state.scene, state.chosen, state.found
    wide = cells - _WAYS - 3 if cells >= _BESIDE else cells
    halves = high >= 2 * scene.config.n_layer
    picture = FlowPicture(scene, found.edges, None if isinstance(edge, FlowPath) else edge, wide, halves)
    of_answer = state.measure == OF_THE_ANSWER
    last = {scene.position: Span(state.answer if of_answer and state.answer else "▼", "answer" if of_answer else "")}
    amounts = found.by_token
    above = {place: Span(_amount(amounts.get(place, 0.0), of_answer), "dim") for place in picture.columns}
    legend = picture.legend(wide, "share of the logit" if of_answer else "share of the last state")
    bottom = picture.row_of(last, "answer" if of_answer else "state")
    lines = [*picture.tokens(above, "logits" if of_answer else "share"), *picture.lines(), bottom, *legend]
    if cells < _BESIDE:
        return lines
    return side_by_side(lines, _told(state, _WAYS, room, chosen=False), wide + 3)


def _amount(amount: float, of_answer: bool) -> str:
    return number(amount, 2) if of_answer else percent(amount)


def _told(state: FlowState, cells: int, height: int, chosen: bool) -> list[Line]:
    found = state.found
    if isinstance(found, AnswerFound):
        return edges_told(state.scene, found, state.row if chosen else None, cells, height)
    if not found.paths:
        none = "No way leads back to a token at this threshold." if found.whole else "Tracing the edges back …"
        return wrapped(none, cells, "dim")
    return told(state.scene, found.paths, min(state.row, len(found.paths) - 1) if chosen else None, cells, height)


def in_words(state: FlowState, cells: int) -> list[Line]:
    """The chosen edge or way, and how much came by it, by both measures where both are known."""
    found, chosen, scene = state.found, state.chosen, state.scene
    if not isinstance(found, RoutesFound | AnswerFound):
        return []
    if isinstance(chosen, FlowPath):
        assert isinstance(found, RoutesFound)
        line = [Span(f"way {min(state.row, len(found.paths) - 1) + 1} of {len(found.paths)}  ", "here-text")]
        return [clipped([*line, *path_in_words(scene, chosen)], cells), _of_the_state(chosen.share, None)]
    if chosen is None or chosen.source is None:
        return [[Span("No head or MLP is above this threshold.", "dim")]]
    line = [Span(f"edge {min(state.row, found.count - 1) + 1} of {found.count}  ", "here-text")]
    lines = [[*line, *edge_in_words(scene, chosen)], _amounts(state, chosen)]
    return [clipped(each, cells) for each in lines]


def _amounts(state: FlowState, edge: DrawnEdge) -> Line:
    """By the measure that is chosen, then by the other one."""
    line, other = _amount_of(state, edge), state.by_the_other(edge)
    if other:
        beside = _amount_of(state, other) if isinstance(other, AttributedEdge) else _of_the_state(other.share, None)
        return [*line, Span("   "), *beside]
    known = isinstance(state.other, RoutesFound | AnswerFound)
    words = "   below this threshold by k" if known else ""
    return [*line, Span(words, "dim")]


def _amount_of(state: FlowState, edge: DrawnEdge) -> Line:
    if isinstance(edge, AttributedEdge):
        style = "positive" if edge.value >= 0 else "negative"
        value = Span(f"{number(edge.value, 4)} logits", style)
        return [value, Span(" of "), Span(state.answer, "answer"), Span(f" ({edge.share:.2%} of its logit)", "dim")]
    return _of_the_state(edge.share, edge.weight)


def _of_the_state(share: float, weight: float | None) -> Line:
    """A share of the last state in two decimals, and what of the state at its end that is."""
    line = [Span(f"{share:.2%}", "value"), Span(" of the last state", "dim")]
    return line if weight is None else [*line, Span(f", {weight:.2%} of what arrives there", "dim")]
