"""The screen at one moment: its cells, its text, its numbers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widgets._toast import ToastRack
from textual.widgets._tooltip import Tooltip

from explorer.errors import CellError
from explorer.screen.palette import Palette
from explorer.screen.widgets.canvas import Canvas
from explorer.screen.widgets.looks import Looks
from explorer.terminal.pressed import key as pressed

if TYPE_CHECKING:
    from explorer.api.results import Numbers, Table
    from explorer.screen.main.screen import MainScreen

Cells = list[list[Segment]]


class What(StrEnum):
    """How much of the screen."""

    PICTURE = "picture"
    PANE = "pane"
    SCREEN = "screen"


@dataclass(frozen=True)
class Captured:
    """One moment of the screen."""

    cells: dict[What, Cells]
    text: dict[What, str]  # where colours alone tell something, shades tell it
    numbers: "Callable[[], Numbers | Table]"  # CellError where there are none
    title: str
    name: str  # for a file, without its ending


def capture(screen: "MainScreen") -> Captured:
    """The screen as it is now."""
    pane = shown_pane(screen)
    region = pane.content_region
    inner = Region(region.x - pane.region.x, region.y - pane.region.y, region.width, region.height)
    framed = pane.render_lines(Region(0, 0, *pane.region.size))
    whole = _without_notices(screen)
    cells = {
        What.PICTURE: _segments(framed, inner),
        What.PANE: _segments(framed),
        What.SCREEN: _segments(whole),
    }
    drawn = text_of(pane)
    text = {
        What.PICTURE: drawn,
        What.PANE: "\n".join(filter(None, (_title(pane), "", drawn))) if _title(pane) else drawn,
        What.SCREEN: "\n".join(strip.text.rstrip() for strip in whole),
    }
    return Captured(cells, text, partial(numbers_of, screen), _title(pane) or "GPT Explorer", name_of(screen))


def shown_pane(screen: "MainScreen") -> Canvas:
    """The pane in the middle, or the talk that covers it; of a lesson that covers it, the lesson."""
    if screen.has_class("-talking"):
        return screen.talk
    middle = screen.middle
    opened = middle.get_child_by_id(middle.opened, Canvas)
    return opened if opened.display else middle.lesson


def _segments(strips: Sequence[Strip], crop: Region | None = None) -> Cells:
    if crop:
        strips = [strip.crop(crop.x, crop.right) for strip in strips[crop.y : crop.bottom]]
    return [list(strip) for strip in strips]


def _without_notices(screen: "MainScreen") -> list[Strip]:
    """The whole screen, without the notices that lie over it: widget after widget, from the back to the front."""
    width, height = screen.size
    rows = [Strip.blank(width, screen.rich_style) for _ in range(height)]
    for widget, (region, clip) in reversed(screen._compositor.visible_widgets.items()):
        if any(isinstance(node, ToastRack | Tooltip) for node in widget.ancestors_with_self):
            continue
        seen = region.intersection(clip)
        strips = widget.render_lines(seen.translate(-region.offset))
        for y, strip in zip(seen.line_range, strips):
            row = rows[y]
            rows[y] = Strip.join([row.crop(0, seen.x), strip, row.crop(seen.right, width)])
    return rows


def _title(pane: Canvas) -> str:
    return str(pane.border_title or "").replace("\\[", "[")


def text_of(pane: Canvas) -> str:
    """The picture of a pane as text: where colours alone would tell a number, characters do."""
    before = pane.looks
    pane.looks = Looks(pane, Palette("none", before.palette.dark))
    try:
        lines = pane.paint(*pane.content_size)
        drawn = ["".join(pane.looks.segment(span).text for span in line).rstrip() for line in lines]
    finally:
        pane.looks = before
    return "\n".join(drawn).strip("\n")


def numbers_of(screen: "MainScreen") -> "Numbers | Table":
    """The numbers of what is open; CellError where there are none."""
    from explorer.saving.numbers import of_stage
    from explorer.saving.views import of_view, of_why

    session = screen.ready
    if session is None:
        raise CellError(f"there is no prompt yet: {pressed('prompt', '/')} types one.")
    if screen.has_class("-talking"):
        return of_stage(session)
    if session.code:
        raise CellError("code has no numbers: save it as text, SVG or PNG.")
    if session.why:
        return of_why(session.why, session)
    return of_view(screen.view) if screen.view else of_stage(session)


def name_of(screen: "MainScreen") -> str:
    """A name for the file: "block-5-pattern-head-2", "lens", "why-block-5-pattern"."""
    session = screen.ready
    if session is None:
        return "gpt-explorer"
    cursor, stage = session.cursor, session.stage
    head = f"-head-{cursor.head}" if "H" in cursor.axes and not cursor.overview else ""
    place = (stage.id if stage.layer is None else f"block-{stage.layer}-{stage.local_id}") + head
    if screen.has_class("-talking"):
        return place
    if session.code or session.why:
        return f"{'code' if session.code else 'why'}-{place}"
    return screen.middle.view.opened_name or place
