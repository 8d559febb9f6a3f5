"""The panes side by side, and which of them is open."""

from enum import StrEnum

from textual.app import ComposeResult
from textual.containers import Horizontal

from explorer.screen.panes.code import CodePane
from explorer.screen.panes.lesson import LessonPane
from explorer.screen.panes.map import MapPane
from explorer.screen.panes.next_token import NextTokenPane
from explorer.screen.panes.pane import Host
from explorer.screen.panes.picture import PicturePane
from explorer.screen.panes.view import ViewPane
from explorer.screen.panes.why import WhyPane
from explorer.walk.on_screen import edit_mark
from explorer.walk.session import Session
from explorer.walk.why import Look


class MiddlePane(StrEnum):
    """The panes of which one is open, by their ids. The stylesheet finds the open one as a class of the row."""

    PICTURE = PicturePane.ID
    WHY = WhyPane.ID
    CODE = CodePane.ID
    VIEW = ViewPane.ID


class Middle(Horizontal):
    """The map, the pane that is open, and the next token."""

    def __init__(self, host: Host, view: ViewPane) -> None:
        super().__init__(id="panes", classes=f"-{MiddlePane.PICTURE}")
        self.opened = MiddlePane.PICTURE
        self._place: object = None  # which pane is open, and at which stage
        self._map, self._next = MapPane(host), NextTokenPane(host)
        self.lesson = LessonPane(host, self.focus_shown)
        self.picture, self.why, self.code, self.view = PicturePane(host), WhyPane(host), CodePane(host), view

    def compose(self) -> ComposeResult:
        yield from (self._map, self.picture, self.why, self.code, self.view, self.lesson, self._next)

    def on_resize(self) -> None:
        """In another size a lesson may have taken the place of the pane with the keys, or given it back."""
        self.call_after_refresh(self.focus_shown)

    def update_opened(self, session: Session) -> bool:
        """Show the pane that is open in this session. True if the pane or the stage has changed."""
        opened = self._open_in(session)
        place = (opened, self.view.view, session.cursor.stage_index)
        self.lesson.about(self._subject(session, opened))
        moved, self._place = place != self._place, place
        if opened is not self.opened:
            had_focus = self.opened is not MiddlePane.PICTURE or self.picture.has_focus
            self.opened = opened
            self.update_classes({f"-{name}": name is opened for name in MiddlePane})
            if had_focus or opened is not MiddlePane.PICTURE:
                self.focus_opened()
        self.set_class(session.what_if.edited or bool(session.what_if.showing), "-edited")
        self.set_class(bool(edit_mark(session) or session.what_if.showing), "-changed")
        self.set_class(opened is MiddlePane.WHY and session.why is not None and session.why.look is Look.PATH, "-path")
        return moved

    def focus_opened(self) -> None:
        """Give the keys to the pane that is open, in a talk to the talk; with the picture open, they walk.

        They walk too where a lesson has the place of the pane.
        """
        walking = self.opened is MiddlePane.PICTURE or self._covered
        talking = self.screen.has_class("-talking")
        opened = self.screen.query_one("#talk") if talking else None if walking else self.get_child_by_id(self.opened)
        self.screen.set_focus(opened)

    def focus_shown(self) -> None:
        """The same where no pane has the keys, or one that is not on the screen: a lesson opened or closed, the
        terminal has another size."""
        focused = self.screen.focused
        walked_in = focused is self.picture and not self._covered  # by the cursor: it stays there
        if focused is None or (focused in (self.picture, self.why, self.code, self.view) and not walked_in):
            self.focus_opened()

    @property
    def _covered(self) -> bool:
        """Whether a lesson has the place of the pane that is open."""
        return self.lesson.open and (self.screen.has_class("-narrow") or self.screen.has_class("-small"))

    def _subject(self, session: Session, opened: MiddlePane) -> tuple[str, str]:
        """The kind and the name of the lesson about what is open."""
        match opened:
            case MiddlePane.PICTURE:
                return "stage", session.stage.local_id
            case MiddlePane.VIEW:
                return "view", self.view.opened_name
            case _:
                return "tool", str(opened)

    def _open_in(self, session: Session) -> MiddlePane:
        if session.code:
            return MiddlePane.CODE
        if session.why:
            return MiddlePane.WHY
        return MiddlePane.VIEW if self.view.view else MiddlePane.PICTURE
