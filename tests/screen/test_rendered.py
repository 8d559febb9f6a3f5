"""The rendered screen equals the painted lines: every view, pane and dialog after every other, at three sizes.

A pane redraws only the rows that changed. So what the compositor holds is compared, row by row, with what the painter
gives for an empty pane, and then with the whole screen drawn afresh.
"""

from itertools import chain, cycle, islice, pairwise

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from explorer.edits import Zero, where
from explorer.paint.spans import Line
from explorer.screen.main.screen import MainScreen
from explorer.screen.widgets.canvas import Canvas
from explorer.terminal.text import width
from tests.helpers.pilot import computed, opened, press, session, texts, tiny, until

SIZES = [(80, 24), (120, 36), (200, 60)]
VIEWS = ["1", "2", "3", "4", "5", "6", "w"]
STAGES = ["home", "right", "end"]
PANES = ["enter", "f", "i"]
DIALOGS = ["question_mark", "s", "j", "x", "ctrl+p", "slash"]
LOOKS = [*VIEWS, *STAGES, *PANES, *DIALOGS]


def every_pair(looks: list[str]) -> list[str]:
    """A walk through the looks on which each of them comes once directly after every other."""
    left = {look: [other for other in looks if other != look] for look in looks}
    walk, path = [], [looks[0]]
    while path:  # Hierholzer: go on while there is a way, else step back
        if left[path[-1]]:
            path.append(left[path[-1]].pop())
        else:
            walk.append(path.pop())
    return walk[::-1]


def test_every_pair_comes_once() -> None:
    walk = every_pair(LOOKS)
    pairs = list(pairwise(walk))
    assert len(pairs) == len(set(pairs)) == len(LOOKS) * (len(LOOKS) - 1)


async def settled(pilot: Pilot[str], screen: MainScreen) -> None:
    """Wait until all that the screen asked for has been computed, and is shown."""
    await computed(pilot)
    await until(pilot, lambda: all(each.is_finished or each.is_cancelled for each in screen.workers))
    await pilot.pause()
    for field in pilot.app.screen.query("Input, TextArea"):
        field.cursor_blink = False  # type: ignore[attr-defined] # it would be drawn in two ways
    await pilot.pause()


async def show(pilot: Pilot[str], look: str) -> None:
    """Open it from the walk, at a stage that has numbers."""
    if look in PANES:
        await press(pilot, "home", "right", "right", "enter" if look == "f" else look)
    if look not in PANES or look == "f":
        await press(pilot, look)


def rendered(screen: Screen[object]) -> list[str]:
    """The cells that the compositor holds, with their styles."""
    return [str(list(strip.simplify())) for strip in screen._compositor.render_strips()]


def painted(canvas: Canvas) -> list[str]:
    """The rows as the painter gives them now, filled up with blanks."""

    def filled(line: Line) -> str:
        text = "".join(span.text for span in line)
        return text + " " * (canvas.size.width - width(text))

    lines = canvas.paint(*canvas.size)
    return [filled(line) for line in islice(chain(lines, cycle([[]])), canvas.size.height)]


async def check(pilot: Pilot[str], screen: MainScreen, where: str) -> None:
    """Rendered is painted; and the same again after everything is drawn anew."""
    top = pilot.app.screen
    if top is screen:
        for canvas in screen.query(Canvas):
            if canvas.display and canvas.size:
                assert texts(screen, canvas) == painted(canvas), f"#{canvas.id} {where}"
    before = rendered(top)
    for shown in (screen, top):
        for widget in shown.walk_children(with_self=True):
            widget._styles_cache.clear()  # type: ignore[attr-defined]
            widget.refresh()  # type: ignore[attr-defined]
    for canvas in screen.query(Canvas):
        canvas.lines = []
        canvas.repaint()
    await pilot.pause()
    assert before == rendered(top), where


async def check_all(walk: list[str], size: tuple[int, int], between: list[str]) -> None:
    async with opened(session(tiny(n_layer=3)), size) as (pilot, screen):
        for before, after in zip(["", *walk], walk):
            if before:
                await press(pilot, *between)
            await show(pilot, after)
            await settled(pilot, screen)
            await check(pilot, screen, f"{after} after {before} at {size}")


async def test_views_after_others_that_drew_more_rows() -> None:
    """Of the pairs those in which rows of the older picture once stayed."""
    await check_all(["5", "6", "2", "w", "1", "6", "3", "w"], (120, 36), ["escape"])


async def test_after_an_undo_compare_shows_one_run() -> None:
    async with opened(session(tiny(n_layer=3))) as (pilot, screen):
        screen.editing.edit(lambda edits: edits.add(where.head(1, 1), Zero(), None))
        for key in ("6", "z", "escape", "6"):
            await press(pilot, key)
            await settled(pilot, screen)
            await check(pilot, screen, key)
        rest = texts(screen, screen.query_one("#view", Canvas))[4:]
        assert len(rest) >= 20
        assert not "".join(rest).strip()


@pytest.mark.exhaustive
@pytest.mark.parametrize("size", SIZES)
async def test_every_look_after_every_other(size: tuple[int, int]) -> None:
    await check_all(every_pair(LOOKS), size, ["escape"])


@pytest.mark.exhaustive
@pytest.mark.parametrize("size", SIZES)
async def test_every_view_directly_after_every_other(size: tuple[int, int]) -> None:
    await check_all(every_pair(VIEWS), size, [])
