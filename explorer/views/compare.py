"""Compare: two runs on one cursor, before and after the edits, or of two prompts; and what every picture shows."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from explorer.analysis.compare import ALIGNED, BEGINNING, Change, compare
from explorer.analysis.difference import Difference, Pair
from explorer.analysis.errors import AnalysisError
from explorer.paint.predictions import percent
from explorer.paint.spans import Line, Span, bar, clipped, window, wrapped
from explorer.runs import running
from explorer.runs.activations import Activations
from explorer.runs.trace import LiveRun, Trace
from explorer.text import fit, number
from explorer.views.parts import ROW, to_choose
from explorer.views.view import View
from explorer.walk.session import NO_OTHER_PROMPT
from explorer.walk.what_if import OtherRun
from gpt import InputError

_TOKEN = 12
_CHANGES = 16  # tokens that are kept of each position
_RUN = "run"  # the question for another prompt's run
_ALIGNED = 1  # the first number of a click on where they are aligned


@dataclass(frozen=True)
class Apart:
    """The two runs at one position."""

    position: int  # in B
    kl: float  # KL(A ‖ B), in bits
    changes: tuple[Change, ...]
    best: tuple[int, int]  # the answer of A, and of B


class CompareView(View):
    """The next token in both runs, and how far they are apart at every position."""

    title = "Compare"
    modes = ("v: the pictures show A", "v: the pictures show B", "v: the pictures show B − A")
    asks = "B: another prompt, to compare with this one"
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

    def _known_apart(self) -> dict[int, Apart]:
        """The positions compared by now, by the position in B."""
        answers = self.all_known().values()
        return {answer.position: answer for answer in answers if isinstance(answer, Apart)}

    # The keys

    def move(self, across: int, down: int) -> None:
        """Up and down: the position. Left and right: where the two are aligned, if there is a choice; else the same."""
        if across and self._choice():
            at = ALIGNED.index(self.session.what_if.aligned)
            self._align(ALIGNED[max(0, min(at + across, len(ALIGNED) - 1))])
        else:
            self.session.cursor.move_position(down or across)

    def click(self, *numbers: int) -> None:
        which, number = numbers
        if which == _ALIGNED:
            self._align(ALIGNED[number])
        else:
            self.session.cursor.go_to_position(number)

    def _choice(self) -> bool:
        """Whether the prompts differ in length, so that they can be aligned at either end."""
        pair = self._pair
        return pair is not None and len(pair.a.ids) != len(pair.b.ids)

    def _align(self, at: str) -> None:
        """Align them there; what the pictures show of the two goes with it."""
        what_if = self.session.what_if
        if at != what_if.aligned:
            difference, what_if.aligned = what_if.difference, at
            if difference and (pair := self._pair):
                self.session.show(Difference(pair))
            if pair := self._pair:
                self.session.cursor.go_to_position(self._first(pair) + self._row(pair))

    def take(self, text: str) -> None:
        """B's prompt; without any, B is no longer another prompt."""
        session = self.session
        if session.model is None:
            raise InputError(NO_OTHER_PROMPT)
        session.show(None)
        if not text:
            session.what_if.other = None
            return
        ids = session.tokenizer.encode(text)
        session.model.check(ids)
        session.what_if.other = OtherRun(text, LiveRun(session.model, ids))

    def _shown(self) -> int:
        """The mode of what the pictures show: A, B, or B − A."""
        what_if, pair = self.session.what_if, self._pair
        if what_if.difference:
            return 2
        return int(pair is not None and self.session.trace is pair.b)

    def next_mode(self) -> None:
        pair, session = self._pair, self.session
        if pair is None:
            raise AnalysisError("there is only one run: edit something (x), or press enter for another prompt.")
        if any(run.complete < len(run.ids) for run in (pair.a, pair.b)):
            raise AnalysisError("one of the two runs is not computed yet.")
        if _shape(pair.a) != _shape(pair.b):
            raise AnalysisError("the two models have different shapes: only what they say is compared.")
        following: list[Activations] = [pair.b, Difference(pair), pair.a]  # of A, of B, of their difference
        run = following[self._shown()]
        text = session.what_if.other.text if session.what_if.other and run is pair.b else ""
        session.show(None if run is session.run else run, text)
        self.mode = self._shown()

    # The picture

    def lines(self, cells: int, height: int) -> list[Line]:
        pair = self._pair
        if pair is None:
            return _how(cells)
        known, alignment = self._known_apart(), pair.alignment
        position = alignment.start_b + self._row(pair)
        partner = alignment.start_a + self._row(pair)
        apart = known.get(position)
        head = [_title("A", pair.title_a, cells), _title("B", pair.title_b, cells)]
        bits = f"{number(apart.kl, 3, plus='')} bits" if apart else "computing …"
        after = [self.session.label(run.ids[at]) for run, at in zip((pair.a, pair.b), (partner, position))]
        tokens = after[0] if after[0] == after[1] else f"{after[0]} | {after[1]}"
        head += [[Span("KL(A ‖ B) = "), Span(bits, "value"), Span(" after "), Span(tokens, "here-text")], []]
        head[3:3] = self._alignment(pair, cells)
        room = height - len(head) - 3
        rows = min(alignment.length, max(2, room // 2))
        changes = self._changes(apart, max(1, room - rows))
        lines = [*head, *changes, [], *self._positions(pair, known, position, cells, rows)]
        return [clipped(line, cells) for line in lines]

    def _first(self, pair: Pair) -> int:
        """The position of the run that is shown which stands in the first of the aligned rows."""
        return 0 if pair.at == BEGINNING else len(self.session.ids) - pair.alignment.length

    def _row(self, pair: Pair) -> int:
        """In which of the aligned rows the cursor is; in the nearest, where its position has no partner."""
        return max(0, min(self.session.position - self._first(pair), pair.alignment.length - 1))

    def _alignment(self, pair: Pair, cells: int) -> list[Line]:
        """Where they are aligned, if they differ in length, and how many positions have no partner."""
        if not self._choice():
            return []
        letter = "A" if len(pair.a.ids) > len(pair.b.ids) else "B"
        alone = max(len(pair.a.ids), len(pair.b.ids)) - pair.alignment.length
        line = [Span("aligned at the ←→", "dim"), *to_choose(_ALIGNED, ALIGNED, ALIGNED.index(pair.at), cells)]
        where = "last" if pair.at == BEGINNING else "first"
        return [[*line, Span(f" the {where} {alone} of {letter} alone", "dim")]]

    def _changes(self, apart: Apart | None, room: int) -> list[Line]:
        """How the next token's chances changed at the cursor, the largest change first."""
        if apart is None:
            return [[Span("next token", "bold"), Span("  computing …", "dim")]]
        head = f"{'A':>7} {'B':>7} {'points':>7} {'bits':>7}"
        lines: list[Line] = [[Span(fit("next at T 1", _TOKEN), "bold"), Span(head, "dim")]]
        for change in apart.changes[:room]:
            style = "up" if change.points >= 0 else "down"
            share = f"{percent(change.before):>7} {percent(change.after):>7} "
            line = [Span(fit(self.session.label(change.token), _TOKEN), "token"), Span(share)]
            line += [Span(f"{'▲' if change.points >= 0 else '▼'}{abs(change.points):6.1f}", style)]
            lines.append([*line, Span(f" {number(change.bits, 2):>7}")])
        return lines

    def _positions(self, pair: Pair, known: Mapping[int, Apart], here: int, cells: int, room: int) -> list[Line]:
        """The aligned positions side by side; at each the divergence and both answers."""
        alignment, label = pair.alignment, self.session.label
        top, bottom = window(here - alignment.start_b, alignment.length, room)
        largest = max((apart.kl for apart in known.values()), default=0.0) or 1.0
        bars = max(0, min(16, cells - 4 * _TOKEN - 8))
        title = fit("token A", _TOKEN) + fit("token B", _TOKEN) + fit("KL bits", 8) + " " * bars + "says A → says B"
        title += f"   {bottom - top} of {alignment.length} shown" if bottom - top < alignment.length else ""
        lines: list[Line] = [[Span(title, "dim")]]
        for row in range(top, bottom):
            position, partner = alignment.start_b + row, alignment.start_a + row
            lit = "here-text" if position == here else ""
            action = ("view", ROW, row + self._first(pair))
            tokens = pair.a.ids[partner], pair.b.ids[position]
            line = [Span(fit(label(tokens[0]), _TOKEN), lit, action)]
            line.append(
                Span(fit(label(tokens[1]), _TOKEN), lit or ("dim" if tokens[0] == tokens[1] else "down"), action)
            )
            if apart := known.get(position):
                says = label(apart.best[0]) + (f" → {label(apart.best[1])}" if len(set(apart.best)) > 1 else "")
                line += [
                    Span(f"{number(apart.kl, 3, plus=''):>7} "),
                    Span(fit(bar(apart.kl / largest, bars), bars), "lens"),
                ]
                line.append(Span(says))
            lines.append(line)
        return lines


def _apart(pair: Pair, position: int) -> Apart:
    """The comparison after a position of B."""
    compared = compare(pair.a, pair.b, position, pair.at)
    partner = pair.alignment.in_a(position)
    assert partner is not None
    best = [order[0] if order else 0 for order in (pair.a.order(partner), pair.b.order(position))]
    return Apart(position, compared.kl, compared.changes[:_CHANGES], (best[0], best[1]))


def _title(letter: str, words: str, cells: int) -> Line:
    return [Span(f"{letter}  ", "bold"), Span(fit(words, max(1, cells - 3)).rstrip())]


def _how(cells: int) -> list[Line]:
    """Advice where there is only one run."""
    words = (
        "There is only one run. Edit something (x, or a sweep with w) to compare it with the model as it is; press "
        "enter and type another prompt; or choose another model with m, and then b."
    )
    return wrapped(words, cells)


def _shape(run: Trace) -> tuple[int, ...]:
    """The sizes that two models must share for their activations to be compared."""
    config = run.config
    return config.n_layer, config.n_head, config.n_embd, config.mlp_width
