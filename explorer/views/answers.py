"""The answers to the questions of a view, worked out in a thread, one run after another."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

from explorer.analysis.errors import AnalysisError
from explorer.runs.trace import Trace
from explorer.walk.session import Session
from gpt import GPTError

T = TypeVar("T")

_NO_NUMBERS = "some numbers of this run are infinite, or none at all: nothing can be worked out from them."


def never() -> bool:
    """Nobody cancels."""
    return False


@dataclass(eq=False)
class _OfSubject:
    """The answers about one run, and which of them will get no better."""

    found: dict[Hashable, Any] = field(default_factory=dict)
    whole: set[Hashable] = field(default_factory=set)
    kept: dict[Hashable, Any] = field(default_factory=dict)  # see `Answers.kept`


class Answers:
    """Answers of a view about each of its subjects. `View` explains `subject`, `questions` and `answers`.

    The screen asks whether there is work (`wanted`) and runs it in a thread (`work`); the view draws what is known.
    """

    def __init__(
        self,
        session: Session,
        subject: Callable[[], Hashable],
        questions: Callable[[], Sequence[Hashable]],
        answers: Callable[[Trace, Any, Callable[[], bool]], Iterator[Any]],
        remembers: int,
    ) -> None:
        self._session = session
        self._subject = subject
        self._questions = questions
        self._answers = answers
        self._remembers = remembers  # of how many subjects the answers are kept
        self._about: dict[Hashable, _OfSubject] = {}
        self._at_work = Lock()

    def of(self, question: Hashable) -> Any:
        """The answer as far as it is known: None, an error or the answer itself."""
        return self._of_subject().found.get(question)

    def all(self) -> dict[Any, Any]:
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
        asked, run, about = self._asked(), self._session.run, self._of_subject()
        for question in asked[1]:
            if self._asked() != asked:
                return
            if question not in about.whole:
                answers = self._answers(run, question, cancelled)
                while self._go_on(asked[0], question, answers, about, cancelled):
                    yield
                if question not in about.whole:
                    return

    def _go_on(
        self,
        subject: Hashable,
        question: Hashable,
        answers: Iterator[Any],
        about: _OfSubject,
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
            return self._subject(), tuple(self._questions())
        except GPTError:  # logits that overflowed: `lines` says so
            return self._subject(), ()

    def _of_subject(self) -> _OfSubject:
        subject = self._subject()
        if about := self._about.get(subject):
            return about
        about = self._about.setdefault(subject, _OfSubject())
        for old in list(self._about)[: -self._remembers]:
            self._about.pop(old, None)
        return about
