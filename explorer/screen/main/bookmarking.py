"""Bookmarks on the screen: kept and gone to by a number; and beginning again."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from explorer.screen.main.visiting import Visiting
from explorer.screen.opening import Opening
from explorer.teaching import bookmarks
from explorer.teaching.spots import Spot
from explorer.terminal.pressed import key as pressed
from explorer.walk.session import Session
from gpt import GPTError

if TYPE_CHECKING:
    from explorer.screen.dialogs.bookmarks import Bookmarks
    from explorer.screen.main.screen import MainScreen


class Bookmarking:
    """The part of the screen that knows the bookmarks."""

    def __init__(self, screen: "MainScreen", visiting: Visiting, opening: Opening) -> None:
        self._screen = screen
        self._visiting = visiting
        self._file = opening.bookmarks_file
        self._bookmarks = dict(opening.bookmarks)
        self._start: Spot | None = None

    def begin(self, session: Session) -> None:
        """A model is open: its first prompt is where everything begins again."""
        if session.ids and not session.recorded:
            self._start = Spot(session.text, "tokens", sampling=session.draws.sampling, seed=session.draws.seed)

    @property
    def all(self) -> Mapping[int, Spot]:
        """The bookmarks by number."""
        return self._bookmarks

    def use(self, bookmarks: Mapping[int, Spot]) -> None:
        """Take up those of a saved session; the user's own file stays as it is where it has others."""
        if bookmarks != self._bookmarks:
            self._bookmarks, self._file = dict(bookmarks), None

    def action_go(self) -> None:
        """Go to a bookmark by its number."""
        if not self._bookmarks:
            self._screen.notify(f"There are no bookmarks yet: {pressed('bookmark.keep', 'B')} keeps this place as one.")
        elif self._screen.ready:
            self._screen.app.push_screen(self._list("Go to a bookmark", any_number=False), self._go)

    def _list(self, title: str, any_number: bool) -> "Bookmarks":
        from explorer.screen.dialogs.bookmarks import Bookmarks

        return Bookmarks(title, self._bookmarks, any_number)

    def _go(self, number: int | None) -> None:
        session = self._screen.ready
        if number is None or session is None:
            return
        spot = self._bookmarks[number]
        if session.recorded:
            self._screen.notify("This is a recorded run: bookmarks need a model.")
        elif self._visiting.here(session).run == spot.run:
            self._visiting.go(spot, session)
        else:
            self._screen.tours.step_aside()
            self._visiting.visit(spot)

    def action_keep(self) -> None:
        """Keep this place as a bookmark."""
        session = self._screen.ready
        if session and session.recorded:
            self._screen.notify("This is a recorded run: bookmarks need a model.")
        elif session:
            spot = self._visiting.here(session)
            dialog = self._list("Keep this place as a bookmark", any_number=True)
            self._screen.app.push_screen(dialog, lambda number: self._keep(number, spot))

    def _keep(self, number: int | None, spot: Spot) -> None:
        if number is None:
            return
        self._bookmarks[number] = spot
        words = f"Bookmark {number}: {spot.view or spot.at}"
        if self._file:
            try:
                self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                bookmarks.write(self._file, self._bookmarks)
            except (GPTError, OSError) as error:
                words += f". It is not kept for the next time: {error}"
        self._screen.notify(words)

    def action_reset(self) -> None:
        """Begin again: the first Stop of the tour; without a tour the first prompt, at its beginning, without edits."""
        screen = self._screen
        if screen.tours.begin_again() or self._start is None or screen.ready is None:
            return
        if home := self._visiting.home:
            self._visiting.home = None
            self._visiting.enter(home)
        screen.playback.stop()
        if screen.ready:
            self._visiting.go(self._start, screen.ready)
