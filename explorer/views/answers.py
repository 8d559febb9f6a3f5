"""Views of what takes a moment to work out: one answer a question, found in the thread, and the words until then."""

from collections.abc import Hashable, Iterator, Sequence
from threading import Lock
from typing import Any

from explorer.analysis.errors import AnalysisError
from explorer.paint.spans import Line, Span, choices, clipped, length, shortened, wrapped
from explorer.runs.trace import Trace
from explorer.views.view import View
from explorer.walk.session import Session
from gpt import GPTError

ROW = 0
"""The first number of a click on what the cursor can be on, a row or an edge; the second says which one."""

_NO_NUMBERS = "some numbers of this run are infinite, or none at all: nothing can be worked out from them."


class _Answered:
    """What is known of one run, and which answers will get no better."""

    def __init__(self) -> None:
        self.found: dict[Hashable, Any] = {}
        self.whole: set[Hashable] = set()


class Answers(View):
    """A view whose answers are worked out in the thread. An error is an answer too: its words are shown."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._at_work = Lock()

    def questions(self) -> list[Hashable]:
        """What is asked now, what is visible first; none while the run has not come that far."""
        raise NotImplementedError

    def answers(self, trace: Trace, question: Any) -> Iterator[Any]:
        """The answer, or better and better ones, the last of which is whole."""
        raise NotImplementedError

    def paint(self, cells: int, height: int) -> list[Line]:
        """What to draw; an error that comes up is drawn in its place."""
        raise NotImplementedError

    def lines(self, cells: int, height: int) -> list[Line]:
        try:
            painted = self.paint(cells, height)
        except GPTError as error:
            painted = _in_words(error, cells)
        return [clipped(line, cells) for line in shortened(painted, height)]

    def known(self, question: Hashable) -> Any:
        """The answer as far as it is known: None, an error or what was asked."""
        return self._answered().found.get(question)

    def wanted(self) -> Hashable:
        asked = tuple(self._asked())
        run = (self.session.run, self.session.run.complete)
        return (*run, asked) if set(asked) - self._answered().whole else None

    def work(self) -> Iterator[None]:
        answered, trace = self._answered(), self.session.run
        for question in self._asked():
            if question not in answered.whole:
                answers = self.answers(trace, question)
                while self._go_on(question, answers, answered):
                    yield

    def _go_on(self, question: Hashable, answers: Iterator[Any], answered: "_Answered") -> bool:
        """Find the next, better answer. False if there is none, or if something else is asked by now.

        One thread at a time: who leafs through a list waits for one answer, not for all that were passed.
        """
        with self._at_work:
            if question not in self._asked():
                return False
            try:
                answered.found[question] = next(answers)
                return True
            except StopIteration:
                pass
            except GPTError as error:
                answered.found[question] = error
            except (ArithmeticError, ValueError):  # sums of infinities
                answered.found[question] = AnalysisError(_NO_NUMBERS)
            answered.whole.add(question)
            return False

    def _asked(self) -> list[Hashable]:
        try:
            return self.questions()
        except GPTError:  # logits that overflowed: `lines` says so
            return []

    def _answered(self) -> "_Answered":
        return self.kept("answers", _Answered)

    def waiting(self, answer: Any, cells: int) -> list[Line]:
        """What to say in place of an answer that is not there; nothing where it is."""
        if answer is None:
            return wrapped(self._why_not(), cells, "dim")
        return _in_words(answer, cells) if isinstance(answer, GPTError) else []

    def _why_not(self) -> str:
        if self.session.recorded:
            return "Not recorded in this file."
        if not self.session.computing:
            return "Working it out …"
        if self.session.stopped:
            return "Not computed: the run was cancelled. Press r to go on."
        return "Not computed yet: it is worked out when the model has come to the end of this token."


def _in_words(error: GPTError, cells: int) -> list[Line]:
    words = str(error)
    return wrapped(words[:1].upper() + words[1:], cells, "down")


def token_at(session: Session, position: int) -> str:
    """A token of the prompt by its text, with its place where the text occurs twice."""
    label = session.label(session.ids[position])
    return f"{label} ({position})" if session.ids.count(session.ids[position]) > 1 else label


def to_choose(which: int, labels: Sequence[str], current: int, cells: int) -> Line:
    """A row of choices, a click on which goes to the view with the number of the row."""
    return [_sent_on(span, which) for span in choices(labels, current, "view", cells)]


def _sent_on(span: Span, which: int) -> Span:
    return span._replace(action=("view", which, *span.action[1:])) if span.action else span


def side_by_side(left: list[Line], right: list[Line], cells: int) -> list[Line]:
    """Two columns, the left one that many cells wide."""
    rows: list[Line] = []
    for index in range(max(len(left), len(right))):
        line = clipped(left[index], cells) if index < len(left) else []
        beside = right[index] if index < len(right) else []
        rows.append([*line, Span(" " * (cells - length(line))), *beside] if beside else line)
    return rows
