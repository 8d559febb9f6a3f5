"""Compare: two runs on one cursor, before and after the edits, or of two prompts; and what every picture shows."""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace
from typing import Any

from explorer.analysis.compare import ALIGNED, BEGINNING, compare
from explorer.analysis.difference import Difference, Pair
from explorer.analysis.errors import AnalysisError
from explorer.paint.spans import Line
from explorer.runs import running
from explorer.runs.activations import Activations
from explorer.runs.trace import Trace
from explorer.terminal.pressed import key as pressed
from explorer.views.compare.picture import ALIGNMENT, in_words, only_one_run, two_runs
from explorer.views.compare.state import Apart, CompareState
from explorer.views.parts import ROW, scene_of
from explorer.views.view import View
from explorer.walk.other_prompt import compare_with_prompt

_CHANGES = 16  # tokens that are kept of each position
_RUN = "run"  # the question for another prompt's run


class CompareView(View):
    """The next token in both runs, and how far they are apart at every position."""

    title = "Compare"
    modes = ("v: the pictures show A", "v: the pictures show B", "v: the pictures show B − A")
    looks = ()
    asks = "B: another prompt, to compare with this one"
    asks_briefly = "prompt to compare"
    remembers = 4

    @property
    def _pair(self) -> Pair | None:
        return self.session.what_if.pair

    def follow(self, cells: int, height: int) -> None:
        self.mode = self._shown()

    # Questions

    def subject(self) -> Hashable:
        """The pair of runs, and how they are aligned."""
        pair = self._pair
        return (pair.a, pair.b, pair.at, len(pair.a.ids), len(pair.b.ids)) if pair else None

    def questions(self) -> list[Hashable]:
        """The other prompt's run; then position after position of B, from the last one back."""
        pair, other = self._pair, self.session.what_if.other
        if pair is None or self.session.recorded:
            return []
        if other and other.trace.complete < len(other.trace.ids):
            return [(_RUN, other.trace)]
        if pair.a.complete < len(pair.a.ids) or pair.b.complete < len(pair.b.ids):
            return []  # they are under way
        first = pair.alignment.start_b
        return [(pair, position) for position in reversed(range(first, first + pair.alignment.length))]

    def answers(self, run: Trace, question: Any, cancelled: Callable[[], bool]) -> Iterator[Any]:
        about, what = question
        if about == _RUN:
            if running.complete(what, cancelled):
                yield True
        else:
            yield _apart(about, what)

    # The picture

    def lines(self, cells: int, height: int) -> list[Line]:
        state = self.state()
        return only_one_run(self.session.recorded, cells) if state is None else two_runs(state, cells, height)

    def about(self, cells: int) -> list[Line]:
        state = self.state()
        return in_words(state, cells) if state else []

    def about_choice(self, numbers: tuple[int, ...], cells: int) -> list[Line]:
        which, position = numbers
        state = self.state()
        if state is None or which != ROW:
            return []
        return in_words(replace(state, scene=replace(state.scene, position=position)), cells)

    def state(self) -> CompareState | None:
        """The two runs; None where there is only one."""
        pair, answers = self._pair, self.known.all().values()
        if pair is None:
            return None
        known = {answer.position: answer for answer in answers if isinstance(answer, Apart)}
        first = 0 if pair.at == BEGINNING else len(self.session.ids) - pair.alignment.length
        return CompareState(scene_of(self.session), pair, known, first)

    # The keys

    def works(self, key: str) -> bool:
        """Where there is only one run, another prompt can be typed; all else needs two."""
        if self._pair is None:
            return key == "look.leave" or (key == "look.enter" and not self.session.recorded)
        return super().works(key)

    def move(self, across: int, down: int) -> None:
        """Up and down: the position. Left and right: where the two are aligned, if there is a choice; else the same."""
        state = self.state()
        if across and state and state.lengths_differ:
            at = ALIGNED.index(self.session.what_if.aligned)
            self._align(ALIGNED[max(0, min(at + across, len(ALIGNED) - 1))])
        else:
            self.session.cursor.move_position(down or across)

    def click(self, *numbers: int) -> None:
        which, number = numbers
        if which == ALIGNMENT:
            self._align(ALIGNED[number])
        else:
            self.session.cursor.go_to_position(number)

    def _align(self, at: str) -> None:
        """Align them there; what the pictures show of the two goes with it."""
        what_if = self.session.what_if
        if at != what_if.aligned:
            difference, what_if.aligned = what_if.difference, at
            if difference and (pair := self._pair):
                self.session.show(Difference(pair))
            if state := self.state():
                self.session.cursor.go_to_position(state.first + state.row)

    def begins_with(self) -> str:
        other = self.session.what_if.other
        return other.text if other else self.session.text

    def take(self, text: str) -> None:
        """B's prompt; without any, B is no longer another prompt."""
        compare_with_prompt(self.session, text)

    def _shown(self) -> int:
        """The mode of what the pictures show: A, B, or B − A."""
        what_if, pair = self.session.what_if, self._pair
        if what_if.difference:
            return 2
        return int(pair is not None and self.session.trace is pair.b)

    def next_mode(self) -> None:
        pair, session = self._pair, self.session
        if pair is None:
            raise AnalysisError(
                f"there is only one run: edit something ({pressed('edit', 'x')}), or press "
                f"{pressed('look.enter', 'enter')} for another prompt."
            )
        if any(run.complete < len(run.ids) for run in (pair.a, pair.b)):
            raise AnalysisError("one of the two runs is not computed yet.")
        if _shape(pair.a) != _shape(pair.b):
            raise AnalysisError("the two models have different shapes: only what they say is compared.")
        following: list[Activations] = [pair.b, Difference(pair), pair.a]  # of A, of B, of their difference
        run = following[self._shown()]
        text = session.what_if.other.text if session.what_if.other and run is pair.b else ""
        session.show(None if run is session.run else run, text)
        self.mode = self._shown()


def _apart(pair: Pair, position: int) -> Apart:
    """The comparison after a position of B."""
    compared = compare(pair.a, pair.b, position, pair.at)
    partner = pair.alignment.in_a(position)
    assert partner is not None
    best = pair.a.order(partner)[0], pair.b.order(position)[0]
    return Apart(position, compared.kl, compared.changes[:_CHANGES], best)


def _shape(run: Trace) -> tuple[int, ...]:
    """The sizes that two models must share for their activations to be compared."""
    config = run.config
    return config.n_layer, config.n_head, config.n_embd, config.mlp_width
