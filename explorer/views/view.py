"""The base of every view: a look at a run, with a cursor of its own, and questions answered in a thread."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

from explorer.analysis.errors import AnalysisError
from explorer.paint.spans import Line
from explorer.runs.trace import Trace
from explorer.walk.session import Session
from gpt import GPTError

T = TypeVar("T")

_NO_NUMBERS = "some numbers of this run are infinite, or none at all: nothing can be worked out from them."


def never() -> bool:
    """Nobody cancels."""
    return False


@dataclass(eq=False)
class _Answers:
    """The answers about one run, and which of them will get no better."""

    found: dict[Hashable, Any] = field(default_factory=dict)
    whole: set[Hashable] = field(default_factory=set)
    kept: dict[Hashable, Any] = field(default_factory=dict)  # see `View.kept`


class View:
    """A look at the run. It follows the session's cursor (position, head) and has a cursor of its own within.

    A view is shown in the middle pane. The arrows call `move`, enter `enter`, v `next_mode`, a click on a span with the
    action ("view", ...) `click`. Before it is drawn the screen calls `follow`; `lines` draws what is known by then, and
    changes nothing.

    What takes time is answered in a thread: a view says what it asks (`questions`) and how an answer is found
    (`answers`); the screen asks whether there is work (`wanted`) and runs it (`work`).
    """

    title = ""  # in the pane's border
    modes: tuple[str, ...] = ()  # the ways to show it, in words
    asks = ""  # what enter asks for, where it asks: `take` gets what is typed
    remembers = 1  # of how many runs the answers are kept

    def __init__(self, session: Session) -> None:
        self.session = session
        self.mode = 0
        self._about: dict[Hashable, _Answers] = {}
        self._at_work = Lock()

    # Drawing

    def follow(self, cells: int, height: int) -> None:
        """Take up where the walk has gone, and the size of the pane: before it is drawn."""

    def lines(self, cells: int, height: int) -> list[Line]:
        """The picture, in at most that many lines."""
        raise NotImplementedError

    # The cursor

    def move(self, across: int, down: int) -> None:
        """Move the view's own cursor; large numbers go to the ends."""

    def enter(self) -> bool:
        """Open what is chosen: show more of it, or put the session's cursor on it. True: leave for the stage there."""
        return False

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

    def known(self, question: Hashable) -> Any:
        """The answer as far as it is known: None, an error or the answer itself."""
        return self._of_subject().found.get(question)

    def all_known(self) -> dict[Any, Any]:
        """All answers about this subject, by their questions."""
        return self._of_subject().found.copy()  # in one go: the thread may add to it at any moment

    def kept(self, key: Hashable, make: Callable[[], T]) -> T:
        """The result of `make`, worked out once for this subject."""
        kept = self._of_subject().kept
        if key not in kept:
            kept[key] = make()
        return kept[key]

    def wanted(self) -> Hashable:
        """The questions for `work`; when they change, the work begins again. None where there is nothing to do."""
        asked = self._asked()
        return asked if set(asked[1]) - self._of_subject().whole else None

    def work(self, cancelled: Callable[[], bool] = never) -> Iterator[None]:
        """Answer the questions in their order, until others are asked; after each piece the screen may draw."""
        asked, run, about = self._asked(), self.session.run, self._of_subject()
        for question in asked[1]:
            if self._asked() != asked:
                return
            if question not in about.whole:
                answers = self.answers(run, question, cancelled)
                while self._go_on(asked[0], question, answers, about, cancelled):
                    yield
                if question not in about.whole:
                    return

    def _go_on(
        self,
        subject: Hashable,
        question: Hashable,
        answers: Iterator[Any],
        about: _Answers,
        cancelled: Callable[[], bool],
    ) -> bool:
        """Find the next, better answer. False if there is none, or if it is no longer asked for.

        One thread at a time: who leafs through a list waits for one answer, not for all that were passed. An error is
        an answer too: its words are shown.
        """
        with self._at_work:
            now, questions = self._asked()
            if now != subject or question not in questions:
                return False
            try:
                about.found[question] = next(answers)
                return True
            except StopIteration:
                if cancelled():
                    return False
            except GPTError as error:
                about.found[question] = error
            except (ArithmeticError, ValueError):  # sums of infinities
                about.found[question] = AnalysisError(_NO_NUMBERS)
            about.whole.add(question)
            return False

    def _asked(self) -> tuple[Hashable, tuple[Hashable, ...]]:
        try:
            return self.subject(), tuple(self.questions())
        except GPTError:  # logits that overflowed: `lines` says so
            return self.subject(), ()

    def _of_subject(self) -> _Answers:
        subject = self.subject()
        if about := self._about.get(subject):
            return about
        about = self._about.setdefault(subject, _Answers())
        for old in list(self._about)[: -self.remembers]:
            self._about.pop(old, None)
        return about
