"""How information reached the answer: ways that add up, a picture of the kept edges, and the way to a head."""

from functools import partial
from math import fsum

import pytest

from explorer.analysis import flow
from explorer.analysis.edge_attribution import AttributedEdge, edge_attribution
from explorer.analysis.flow import Edge, EdgeKind, Node, Routes
from explorer.views.flow.paths import FlowPath, paths
from explorer.views.flow.picture import FlowPicture
from explorer.views.flow.state import key_of
from explorer.views.flow.view import FlowView
from explorer.views.parts import scene_of
from explorer.views.view import next_measure
from tests.helpers.looking import (
    at_the_last_token,
    check_everywhere,
    clicks,
    hostile,
    many,
    overflowed,
    settle,
    shown,
    story,
    text_of,
    without_weights,
)
from tests.helpers.models import Bytes, embedded, finish, small_model, start
from tests.helpers.pilot import PROMPT, click, computed, opened, press, session, text, until

SIZES = [(80, 24), (120, 36)]


at_the_end = partial(at_the_last_token, FlowView)


# Ways


def stays(kind: EdgeKind, depth: int, position: int, weight: float, share: float) -> Edge:
    return Edge(kind, Node(depth - 1, position), Node(depth, position), None, weight, share)


def moves(depth: int, source: int, target: int, head: int, weight: float, share: float) -> Edge:
    return Edge(EdgeKind.HEAD, Node(depth - 1, source), Node(depth, target), head, weight, share)


ONE_BLOCK = (
    stays(EdgeKind.RESIDUAL, 2, 1, 0.7, 0.7),
    stays(EdgeKind.MLP, 2, 1, 0.3, 0.3),
    stays(EdgeKind.RESIDUAL, 1, 1, 0.5, 0.5),
    moves(1, 0, 1, 2, 0.25, 0.25),
    moves(1, 1, 1, 0, 0.125, 0.125),
)
"""One block, two tokens: the answer stayed at token 1, or came from token 0 by head 2."""


def test_ways_are_told_apart_by_the_heads_that_moved_them() -> None:
    routes = Routes(1, 0.1, ONE_BLOCK, {})
    assert paths(routes, 2, 9) == [FlowPath(0.625, 1, ()), FlowPath(0.25, 0, (ONE_BLOCK[3],))]
    assert paths(routes, 2, 1) == [FlowPath(0.625, 1, ())]
    assert paths(Routes(1, 0.1, (), {}), 2, 9) == []


def test_all_ways_together_are_what_can_be_followed() -> None:
    view = at_the_end(story())
    view.level = 3
    settle(view)
    found = view.found()
    told = paths(found.routes, 12, 10**6)
    assert fsum(way.share for way in told) == pytest.approx(found.routes.kept)
    assert [way.share for way in told] == sorted((way.share for way in told), reverse=True)
    for way in told:
        assert [edge.layer for edge in way.moves] == sorted(edge.layer for edge in way.moves)
        ends = [edge.target.position for edge in way.moves]
        assert [edge.source.position for edge in way.moves if edge.source] == [way.source, *ends][:-1]


# The picture


def drawn(edges: tuple[Edge, ...], tokens: int, chosen: Edge | None = None, halves: bool = True) -> list[str]:
    here = hostile(tokens, n_layer=1)
    picture = FlowPicture(scene_of(here), edges, chosen, 8 + 6 * tokens, halves)
    return [line[8:].rstrip() for line in text_of(picture.lines())]


def test_a_block_is_drawn_in_two_lines_or_in_one() -> None:
    assert drawn(ONE_BLOCK, 2) == ["┗2━━━▶┃↺", "      ┃◆"]
    assert drawn(ONE_BLOCK, 2, halves=False) == ["┗━━━━▶┃◆↺"]


def test_the_chosen_edge_is_a_double_line() -> None:
    assert drawn(ONE_BLOCK, 2, ONE_BLOCK[3]) == ["╚2═══▶┃↺", "      ┃◆"]
    assert drawn(ONE_BLOCK, 2, ONE_BLOCK[1]) == ["┗2━━━▶┃↺", "      ┃◈"]


def test_strength_shows_in_the_characters() -> None:
    for share, line in ((0.1, "╰2━━━▶"), (0.03, "╰2───▶"), (0.01, "╰2╌╌╌▶")):
        corner = "┗" if share == 0.1 else "╰"
        (attention, _) = drawn((stays(EdgeKind.RESIDUAL, 2, 1, 1.0, 1.0), moves(1, 0, 1, 2, share, share)), 2)
        assert attention == corner + line[1:] + "╷"


def test_lines_join_where_they_leave_a_stream_and_pass_behind_the_others() -> None:
    stream = [stays(EdgeKind.RESIDUAL, 1, position, 0.01, 0.01) for position in range(4)]
    far, near = moves(1, 0, 3, 0, 0.05, 0.05), moves(1, 2, 3, 1, 0.02, 0.02)
    edges = (stays(EdgeKind.RESIDUAL, 2, 3, 1.0, 1.0), *stream, far, near)
    assert drawn(edges, 4) == ["├0────┆─────┼1───▶┆", "                  ┃"]
    without = tuple(edge for edge in edges if edge is not stream[2])
    assert drawn(without, 4)[0] == "├0────┆─────┴1───▶┆"


def test_the_answer_and_the_chosen_edge_always_have_a_column() -> None:
    here = hostile(30, n_layer=1)
    edges = (moves(1, 7, 29, 0, 0.001, 0.001), *(moves(1, i, 29, 1, 0.02, 0.02) for i in range(7)))
    assert 7 not in FlowPicture(scene_of(here), edges, None, 30, True).columns
    picture = FlowPicture(scene_of(here), edges, edges[0], 30, True)
    assert {7, 29} <= set(picture.columns)
    assert "out of sight" in text_of(picture.legend(49, "share"))[1]


def test_what_the_lines_mean_is_told_in_full_wherever_any_of_its_forms_has_room() -> None:
    picture = FlowPicture(scene_of(hostile(3, n_layer=1)), ONE_BLOCK, None, 30, True)
    told = {cells: text_of(picture.legend(cells, "share of the logit"))[0] for cells in range(20, 130)}
    whole = {cells: line for cells, line in told.items() if line.endswith("◆ MLP")}
    least = min(map(len, whole.values()))
    assert len({*map(len, whole.values())}) > 1, "it has a longer form"
    assert {*whole} == {*range(least, 130)}


# The view


def test_the_other_measure_is_what_of_the_answer_came_by_the_same_edge() -> None:
    view = at_the_end(story())
    run, place = view.session.run, view.session.position
    assert "of the last state" in shown(view)
    assert "the same whatever token is asked for" in shown(view, 116, 30).replace("\n", " ")
    first = view.chosen()
    assert isinstance(first, Edge)
    next_measure(view)
    settle(view)
    whole = edge_attribution(run, place, run.order(place)[0], centred=True)
    assert whole
    edge = view.chosen()
    assert isinstance(edge, AttributedEdge)
    assert (edge.layer, edge.head, edge.source) == (first.layer, first.head, first.source), "the cursor stays"
    value = next(other.value for other in whole.edges if key_of(other) == key_of(edge))
    assert edge.value == pytest.approx(value)
    lines = shown(view, 116, 30)
    assert f"{value:+.4f} logits of ·Lily" in lines
    assert "10.03% of the last state" in lines, "beside it stands the other measure"
    assert "share of the logit" in lines
    assert "less the mean of all" in lines
    kept = [other for other in whole.edges if other.share >= 0.02]
    assert len(view.found().attributed.edges) == len(kept)
    view.next_mode()
    shown_values = sorted(edge.value for edge in view.found().edges[: view.found().count])
    assert shown_values == pytest.approx(sorted(o.value for o in kept if o.kind in (EdgeKind.HEAD, EdgeKind.MLP)))
    assert "edges, between tokens first; logits" in shown(view, 80, 20)
    check_everywhere(view)


def small() -> FlowView:
    return at_the_end(start(small_model(vocab_size=256, n_positions=64), Bytes(), "a small test"))


def test_the_other_measure_stays_on_the_same_edge_or_begins_where_it_is_too_weak() -> None:
    view = small()
    known = {}
    for measure in (1, 0):
        view.click(2, measure)
        settle(view)
        known[measure] = {key_of(edge) for edge in view.found().edges[: view.found().count]}
    stayed, began = [], []
    for row in range(view.found().count):
        view.row = row
        edge = view.chosen()
        assert isinstance(edge, Edge)
        view.click(2, 1)
        other = view.chosen()
        assert isinstance(other, AttributedEdge)
        if key_of(edge) in known[1]:
            assert key_of(other) == key_of(edge)
            stayed.append(view.row)
        else:
            assert view.row == 0
            began.append(view.row)
        view.click(2, 0)
    assert began
    assert max(stayed) > 0


@pytest.mark.parametrize("height", range(11, 34))
def test_below_the_picture_stand_the_ways_in_three_lines_or_more_and_the_measure(height: int) -> None:
    """The measure in full from 22 lines on; in fewer a line of it, where the ways have no room."""
    lines = text_of(small().lines(100, height))
    assert len(lines) == height
    picture = 1 + max(row for row, line in enumerate(lines) if "reads ▶ writes" in line)
    measure = len(lines) - next((row for row, line in enumerate(lines) if line.startswith("What arrives")), len(lines))
    assert (measure > 0) == (height >= 22)
    left = height - picture - measure
    assert any(line.startswith("ways to the last state") for line in lines) == (left >= 1 + 3)
    assert any(line.startswith("a way's share") for line in lines) == (not measure and 2 <= left < 1 + 3)
    if left >= 1 + 3:
        assert [not line for line in lines[picture:]] == [True] + [False] * (height - picture - 1), "none is free"


@pytest.mark.parametrize("height", range(12, 34))
def test_in_words_the_ways_take_all_lines(height: int) -> None:
    view = small()
    view.next_mode()
    lines = text_of(settle(view).lines(100, height))
    assert len(lines) == height
    assert [row for row, line in enumerate(lines) if not line] == ([2] if height >= 22 else [])
    assert any(line.endswith("more, added up") for line in lines)
    assert not any(line.endswith("more lines") for line in lines)


@pytest.mark.parametrize("height", range(12, 30))
def test_the_ways_beside_the_picture_take_all_lines_but_one_above_the_measure(height: int) -> None:
    lines = text_of(small().lines(120, height))
    assert len(lines) == height
    blank = next((row - 1 for row, line in enumerate(lines) if line.startswith("What arrives")), None)
    assert [row for row, line in enumerate(lines) if not line] == ([blank] if height >= 22 else [])


@pytest.mark.parametrize("cells", range(100, 122))
def test_the_ways_stand_in_46_cells_beside_the_picture_where_there_are_112(cells: int) -> None:
    lines = text_of(small().lines(cells, 24))
    (ways,) = [line for line in lines if "ways to the last state" in line]
    assert ways.index("ways") == (0 if cells < 112 else cells - 46)


def test_it_opens_on_the_strongest_move_between_tokens() -> None:
    view = at_the_end(story())
    chosen = view.chosen()
    assert isinstance(chosen, Edge)
    assert (chosen.layer, chosen.head) == (5, 2)
    assert chosen.source == Node(10, 2)
    lines = shown(view)
    assert "head 5.2 ·Lily → ·to (10)\n10.03% of the last state" in lines
    assert "╚2══" in lines
    assert lines.index("block 0") < lines.index("block 5"), "down is the model's way"
    assert "46.4% traced back to a token; 53.6% not" in lines
    assert "share" in lines


def test_left_and_right_change_the_threshold_up_and_down_the_edge() -> None:
    view = at_the_end(story())
    many_edges = len(view.found().edges)
    view.move(-2, 0)
    settle(view)
    assert view.found().routes.threshold == 0.05
    assert len(view.found().edges) < many_edges
    view.move(0, 1)
    second = view.chosen()
    assert isinstance(second, Edge)
    assert (second.layer, second.head) == (3, 1)
    view.move(-(10**6), 0)
    assert "No head or MLP" in shown(view) or isinstance(view.chosen(), Edge)
    view.move(10**6, 10**6)
    settle(view)
    assert view.found().routes.threshold == 0.005
    view.click(1, 3)
    assert "edges" in shown(view)
    assert view.found().routes.threshold == 0.05
    view.click(0, 2)
    assert view.chosen() == view.found().edges[2]


def test_enter_puts_the_cursor_on_the_pattern() -> None:
    view = at_the_end(story())
    assert view.enter()
    cursor = view.session.cursor
    assert cursor.stage.id == "blocks.5.pattern"
    assert (cursor.head, cursor.position, cursor.column) == (2, 10, 2)
    view = at_the_end(story())
    edges = view.found().edges
    view.row = next(i for i, edge in enumerate(edges) if edge.kind is EdgeKind.MLP and edge.target.position == 9)
    assert "MLP of block" in shown(view)
    assert view.enter()
    assert cursor.stage.id == f"blocks.{edges[view.row].layer}.mlp_out"
    assert cursor.position == 9


def test_in_words() -> None:
    view = at_the_end(story())
    view.next_mode()
    lines = shown(view, 74, 15)
    assert "·Lily ─ 5.2 → ·to (10)" in lines
    assert "▶  26.1%  ·to (10) by itself" in lines
    view.move(0, 1)
    chosen = view.chosen()
    assert isinstance(chosen, FlowPath)
    assert view.enter()
    assert view.session.stage.id == "blocks.5.pattern"
    view = at_the_end(story())
    view.next_mode()
    settle(view)
    assert view.enter()
    assert view.session.stage.id == "embed"


def test_where_the_picture_does_not_fit_the_ways_are_told() -> None:
    view = at_the_end(hostile(9, n_layer=12, n_head=2))
    assert "block 11" in shown(view, 94, 24)
    assert isinstance(view.chosen(), Edge)
    assert "ways to the last state" in shown(view, 74, 15)
    assert isinstance(view.chosen(), FlowPath)


def test_it_fills_in_while_it_is_followed() -> None:
    here = hostile(12)
    view = FlowView(here)
    work = view.work()
    for _ in range(3):
        next(work)
    assert "tracing …" in "\n".join(text_of(view.lines(94, 24)))
    view.next_mode()
    assert "Tracing the edges back" in "\n".join(text_of(view.lines(94, 24)))
    for _ in work:
        pass
    whole = flow.routes(here.trace, 11)
    assert whole
    assert set(view.found().edges) == {edge for edge in whole.edges if edge.kind != "bias"}


def test_everywhere() -> None:
    for opening in many():
        check_everywhere(FlowView(opening))
    assert (0, 0) in clicks(at_the_end(story()))


def test_a_recorded_run_says_that_it_needs_the_weights() -> None:
    view = FlowView(without_weights())
    assert "this question needs the weights" in shown(view)
    assert not view.enter()
    check_everywhere(view)


def test_numbers_that_are_none() -> None:
    check_everywhere(FlowView(overflowed()))


def test_before_the_run_has_come_there() -> None:
    here = hostile(4)
    here.submit("3 10 17 4 5 6")
    view = FlowView(here)
    assert view.wanted() is None
    assert "Not computed yet" in shown(view)
    view.move(0, 3)
    assert not view.enter()
    finish(here)
    assert "Working it out" in "\n".join(text_of(view.lines(74, 15)))
    assert "traced" in shown(view)


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_from_the_key_to_the_head(size: tuple[int, int]) -> None:
    async with opened(session(), size, PROMPT) as (pilot, screen):
        await computed(pilot)
        await press(pilot, "5")
        view = screen.view
        assert isinstance(view, FlowView)
        await until(pilot, lambda: any("traced" in line for line in text(screen, "view")))
        await press(pilot, "right", "right")
        await until(pilot, lambda: view.found() is not None and view.found().whole)
        await press(pilot, "down")
        chosen = view.chosen()
        assert isinstance(chosen, Edge)
        await press(pilot, "v")
        assert any("ways to the last state" in line for line in text(screen, "view"))
        await press(pilot, "v", "down", "enter")
        assert screen.view is None
        assert screen.session
        assert screen.session.stage.id == f"blocks.{chosen.layer}.pattern"


async def test_the_mouse_chooses_thresholds_and_edges() -> None:
    async with opened(session(), (120, 36), PROMPT) as (pilot, screen):
        await computed(pilot)
        await press(pilot, "5")
        view = screen.view
        assert isinstance(view, FlowView)
        await until(pilot, lambda: any("traced" in line for line in text(screen, "view")))
        number = next(numbers[1] for numbers in clicks(view, 56, 23) if numbers[0] == 0)
        await click(pilot, "view", ("view", 0, number))
        assert view.row == number
        await click(pilot, "view", ("view", 1, 4))
        assert view.level == 4


async def test_the_line_below_speaks_of_the_picture_at_every_opening() -> None:
    model, checkpoint = embedded()
    for size in ((80, 24), (120, 36)):
        played = session(model, tokenizer=checkpoint.tokenizer)
        async with opened(played, size, prompt=PROMPT) as (pilot, screen):
            await computed(pilot)
            for _ in range(3):
                await press(pilot, "5")
                await until(pilot, lambda: "traced" in "\n".join(text(screen, "view")))
                picture = any(line.startswith("state ") for line in text(screen, "view"))
                below = "edge 1 of" if picture else "way 1 of"
                await until(pilot, lambda: below in "\n".join(text(screen, "number")))  # noqa: B023
                await press(pilot, "escape")
