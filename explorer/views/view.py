"""What every view is: a look at a session's run, with things to choose in it, and ways to show them."""

from collections.abc import Callable, Hashable, Iterator
from typing import Any, TypeVar

from explorer.paint.spans import Line
from explorer.walk.session import Session

T = TypeVar("T")


class View:
    """A look at the run. It follows the session's cursor (position, head) and has a cursor of its own within.

    A view is shown in the middle pane. The arrows call `move`, enter `enter`, v `next_mode`, a click on a span with the
    action ("view", ...) `click`. What takes time is computed by `work`, piece by piece, in a thread.
    """

    title = ""  # in the pane's border
    modes: tuple[str, ...] = ()  # the ways to show it, in words
    asks = ""  # what enter asks for, where it asks: `take` gets what is typed

    def __init__(self, session: Session) -> None:
        self.session = session
        self.mode = 0
        self.cancelled: Callable[[], bool] = lambda: False  # whether `work` is still wanted; it asks now and then
        self._held: tuple[object, dict[Hashable, Any]] = (None, {})  # a run, and what was worked out of it

    def lines(self, cells: int, height: int) -> list[Line]:
        """What to draw, in at most that many lines."""
        raise NotImplementedError

    def move(self, across: int, down: int) -> None:
        """Move the view's own cursor; large numbers go to the ends."""

    def enter(self) -> bool:
        """Open what is chosen: show more of it, or put the session's cursor on it. True: leave for the stage there."""
        return False

    def take(self, text: str) -> None:
        """What was typed for `asks`; GPTError where that cannot be used."""

    def click(self, *numbers: int) -> None:
        """Choose what was clicked on."""

    def next_mode(self) -> None:
        """Show it in the next way."""
        if self.modes:
            self.mode = (self.mode + 1) % len(self.modes)

    def wanted(self) -> Hashable:
        """What `work` would compute now; when it changes, the work begins again. None where there is nothing to do."""
        return None

    def work(self) -> Iterator[None]:
        """Compute what is wanted, what is visible first; after each piece the screen may draw, or end it."""
        return iter(())

    def kept(self, key: Hashable, work: Callable[[], T]) -> T:
        """What `work` gives, worked out once for this run; another run, or a longer one, and it is worked out again."""
        run = (self.session.run, self.session.run.complete)
        held = self._held  # taken once: the run may change in another thread while this one works
        if held[0] != run:
            held = self._held = (run, {})
        if key not in held[1]:
            held[1][key] = work()
        return held[1][key]
