"""The base of every view: a look at a run, with a cursor of its own, and questions answered in a thread."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

from explorer.paint.spans import Action, Line
from explorer.runs.trace import Trace
from explorer.views.answers import Answers, never
from explorer.views.choices import Dialog
from explorer.walk.session import Session


class View:
    """A look at the run. It follows the session's cursor (position, head) and has a cursor of its own within.

    A view is shown in the middle pane. The arrows call `move`, enter `enter`, v `next_mode`, a click on a span with the
    action ("view", ...) `click`. Before it is drawn the screen calls `follow`; `lines` draws what is known by then, and
    changes nothing; `about` says in words what the cursor is on.

    What takes time is answered in a thread: a view says what it asks (`questions`) and how an answer is found
    (`answers`); the screen asks whether there is work (`wanted`) and runs it (`work`); `known` holds what was found.
    """

    title = ""  # in the pane's border
    modes: tuple[str, ...] = ()  # the ways to show it, in words
    measures: tuple[str, ...] = ()  # what its numbers can be, in words; k chooses the next
    chooses_measure = -1  # the first number of a click on one of them
    asks = ""  # what enter asks for, where it asks: `take` gets what is typed
    asks_briefly = "another prompt"  # the same for the footer
    dialog: type[Dialog] = Dialog  # in which what it asks is chosen
    looks: tuple[str, ...] = ("mode", "measure")  # the numbers that make its own state, by their names, for `looks`
    taken_from_the_walk: tuple[str, ...] = ()  # those that follow the walk until a key chooses: always told
    may_be_none: tuple[str, ...] = ()  # those that can be nothing in particular: all blocks, the answer
    remembers = 1  # of how many runs the answers are kept

    def __init__(self, session: Session) -> None:
        self.session = session
        self.mode = 0
        self.measure = 0
        self.known = Answers(session, self.subject, self.questions, self.answers, self.remembers)

    # Drawing

    def follow(self, cells: int, height: int) -> None:
        """Take up where the walk has gone, and the size of the pane: before it is drawn."""

    def lines(self, cells: int, height: int) -> list[Line]:
        """The picture, in at most that many lines."""
        raise NotImplementedError

    def about(self, cells: int) -> list[Line]:
        """At most two lines about what the view's own cursor is on: where that is, its exact value, what it means."""
        return []

    def pointed(self, action: Action, cells: int) -> list[Line]:
        """The same about what a click with this action would choose; nothing where there is nothing to tell."""
        if action[0] != "view":
            return []
        return self.about_choice(tuple(int(number) for number in action[1:]), cells)

    def about_choice(self, numbers: tuple[int, ...], cells: int) -> list[Line]:
        """The lines of `about` if these numbers were clicked on, and nothing else changed."""
        return []

    # The cursor

    def move(self, across: int, down: int) -> None:
        """Move the view's own cursor; large numbers go to the ends."""

    def enter(self) -> bool:
        """Open what is chosen: show more of it, or put the session's cursor on it. True: leave for the stage there."""
        return False

    def works(self, key: str) -> bool:
        """Whether a key of the view, by its id, does something now: the footer offers no other."""
        if key == "look.choose":
            return bool(self.dialog(self).lines())
        return {"look.mode": len(self.modes), "look.measure": len(self.measures)}.get(key, 2) > 1

    def begins_with(self) -> str:
        """The text that stands there when the view asks."""
        return self.session.text

    def take(self, text: str) -> None:
        """Use the text that was typed for `asks`; GPTError where that cannot be done."""

    def click(self, *numbers: int) -> None:
        """Choose what was clicked on."""

    def next_mode(self) -> None:
        """Show it in the next way."""
        if self.modes:
            self.mode = (self.mode + 1) % len(self.modes)

    # Questions and answers

    def subject(self) -> Hashable:
        """The run that the answers are about: of another one, or a longer one, they are found anew."""
        return self.session.run, self.session.run.complete

    def questions(self) -> Sequence[Hashable]:
        """The questions that are open now, what is visible first; none while the run has not come that far."""
        return ()

    def answers(self, run: Trace, question: Any, cancelled: Callable[[], bool]) -> Iterator[Any]:
        """The answer, or better and better ones, the last of which is whole; it may end early when cancelled."""
        raise NotImplementedError

    def wanted(self) -> Hashable:
        """The questions for `work`; when they change, the work begins again. None where there is nothing to do."""
        return self.known.wanted()

    def work(self, cancelled: Callable[[], bool] = never) -> Iterator[None]:
        """Answer the questions in their order, until others are asked; after each piece the screen may draw."""
        return self.known.work(cancelled)


def next_measure(view: View) -> None:
    """Let a view show the next of its measures, if it has some."""
    if view.measures:
        view.click(view.chooses_measure, (view.measure + 1) % len(view.measures))
