"""Opening a saved session: the same runs, computed by the same passes, and the same place in them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from explorer.analysis.difference import Difference
from explorer.edits import Edit
from explorer.edits.computation import Computation, computed_again
from explorer.edits.edit import Entry
from explorer.engine.engines import nearest, on_engine
from explorer.errors import EditError, SessionError
from explorer.loading import origins
from explorer.runs.cells import Cell
from explorer.runs.passes import Pass, first_passes
from explorer.runs.trace import LiveRun
from explorer.sessions import differences
from explorer.sessions.edits import edit_of
from explorer.sessions.saved import Saved, SavedCursor, SavedDraw, SavedModel, SavedOther, SavedRun
from explorer.teaching.spots import Spot
from explorer.terminal.glyphs import one_line, quoted
from explorer.terminal.text import counted
from explorer.views.looks import take_look
from explorer.views.view import View
from explorer.views.views import make
from explorer.walk import cursor as walk_cursor
from explorer.walk.opening import step_into_code
from explorer.walk.session import Session, take_up
from explorer.walk.text import DrawnToken, WalkedText
from explorer.walk.what_if import OtherRun, WhatIf
from explorer.walk.why import Look, Visit, Why
from gpt import GPT, GPTError, Sampling, Step, distribution
from gpt.ops import Vector

Load = Callable[[SavedModel], Session]
"""Opens a model that the file names; GPTError where that cannot be done."""

Tell = Callable[[int, int], object]
"""Gets how many of how many tokens are computed again."""


@dataclass
class Restored:
    """A session as it was, what is open on the screen, and what could not be as it was."""

    session: Session
    views: dict[str, View] = field(default_factory=dict)
    opened: str = ""
    bookmarks: Mapping[int, Spot] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)  # sentences


def restore(
    saved: Saved,
    opened: Session,
    name: str,
    load: Load | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    tell: Tell = lambda done, of: None,
) -> Restored:
    """The saved session, on the model of one that is opened newly; `load` opens the models of other runs.

    SessionError where this model cannot read the prompt; StopRun if it was cancelled. Whatever else does not fit is
    left out, and said.
    """
    if opened.model is None:
        raise SessionError("a session is walked with its model, and this is a recorded run.")
    return _Restoring(saved, opened, name, load, cancelled, tell).restored()


class _Restoring:
    """One session on its way back."""

    def __init__(
        self,
        saved: Saved,
        opened: Session,
        name: str,
        load: Load | None,
        cancelled: Callable[[], bool],
        tell: Tell,
    ) -> None:
        assert opened.model
        self._saved = saved
        self._tokenizer = opened.tokenizer
        self._model = _on(opened.model, saved.engine)
        self._load = load
        self._cancelled = cancelled
        self._tell = tell
        different = differences.of_model(saved.model, opened.model, name)
        self._same_model = not different
        self.notes = different + differences.of_engine(saved, self._model) + differences.of_program(saved)
        self._ids, self._length = self._tokens()
        self._others = {number: self._other(each) for number, each in enumerate(saved.others)}
        self._edits = self._read_edits()
        self._computed: list[tuple[Computation, LiveRun]] = []  # runs of the beginning of these tokens

    def restored(self) -> Restored:
        saved = self._saved
        session = Session(self._model, self._tokenizer, saved.sampling, saved.seed)
        what_if = self._what_if()
        take_up(session, what_if, self._written())
        self._take_other(session)
        _place_cursor(saved.cursor, session)
        views = self._views(session)
        self._open_number(session)
        self._open_code(session)
        return Restored(session, views, saved.view.opened, dict(saved.bookmarks), self.notes)

    # Tokens

    def _tokens(self) -> tuple[list[int], int]:
        """The tokens that are walked, and how many of them were typed: the saved ones where this model knows them."""
        saved, config = self._saved, self._model.config
        ids, length = list(saved.all_ids), len(saved.ids)
        anew = differences.of_tokens(saved, self._tokenizer)
        self.notes += anew
        if max(ids) >= config.vocab_size or (anew and not self._same_model):
            ids = self._tokenizer.encode(saved.prompt) if anew else ids[:length]
            length = len(ids)
            if saved.drawn:
                count = counted(len(saved.drawn), "drawn token")
                self.notes.append(f"Left out: {count}, of another tokenizer.")
        try:
            self._model.check(ids)
        except GPTError as error:
            raise SessionError(f"this session cannot be walked with this model: {error}") from error
        return ids, length

    def _written(self) -> WalkedText:
        saved, length = self._saved, self._length
        pieces = self._tokenizer.pieces(saved.prompt)
        if [token for piece in pieces for token in piece.ids] != self._ids[:length]:
            pieces = []
        drawn = list(enumerate(saved.drawn[: len(self._ids) - length], length))
        made = {position: self._drawn(position, each) for position, each in reversed(drawn)}
        text = WalkedText(saved.prompt, pieces, length, dict(sorted(made.items())), saved.prompt)
        return replace(text, text=text.decoded(self._ids, self._tokenizer)) if made else text

    # Edits and runs

    def _read_edits(self) -> dict[int, Edit]:
        """The edits by number; one that this model has no place for is left out, and said."""
        known = {number: run for number, run in self._others.items() if run}
        found = {}
        for number, each in enumerate(self._saved.edits):
            try:
                found[number] = edit_of(each, self._model.config, known)
            except GPTError as error:
                self.notes.append(f"Left out: {shown(each.text)}: {error}")
        return found

    def _other(self, saved: SavedOther) -> LiveRun | None:
        """Another run, complete; None, and it is said, where its model cannot be opened or does not read it."""
        try:
            model = _on(self._model, saved.engine) if saved.model is None else self._model_of(saved.model, saved.engine)
            model.check(list(saved.ids))
            passes = saved.passes if all(each.of <= model.config.n_positions for each in saved.passes) else ()
            how = Computation(saved.engine, (), passes, passes)
            return computed_again(how, model, saved.ids, len(saved.ids), self._cancelled)[1]
        except GPTError as error:
            self.notes.append(f"Left out: the other run, of {shown(saved.prompt)}: {error}")
            return None

    def _model_of(self, saved: SavedModel, engine: str) -> GPT:
        session = self._load(saved) if self._load else None
        if session is None or session.model is None:
            raise SessionError(f"its model {shown(saved.name)} is not open.")
        self.notes += differences.of_model(saved, session.model, saved.name)
        return _on(session.model, engine)

    def _what_if(self) -> WhatIf:
        saved, entries = self._saved, self._entries()
        active = tuple(entry.edit for entry in entries if entry.on)
        try:
            base, run = self._run(self._how(saved.run, active), self._ids)
        except GPTError as error:
            self.notes.append(f"The edits are switched off: {error}")
            entries = tuple(Entry(entry.edit, on=False) for entry in entries)
            base, run = self._run(self._how(saved.run, ()), self._ids)
        what_if = WhatIf(base)
        what_if.take_up(entries, run)
        return what_if

    def _entries(self) -> tuple[Entry, ...]:
        """The stack of edits. EditError cannot come of it: they are checked together when they are run."""
        numbered = enumerate(self._saved.edits)
        return tuple(Entry(self._edits[n], each.on) for n, each in numbered if n in self._edits and each.on is not None)

    def _how(self, run: SavedRun, active: tuple[Edit, ...]) -> Computation:
        """How a run with these edits was computed; where the file tells of another one, in one pass."""
        saved = tuple(self._edits[number] for number in run.edits if number in self._edits)
        base, own = self._fitting(run.base), self._fitting(run.run)
        return Computation(run.engine, active, base, own if saved == active and len(saved) == len(run.edits) else ())

    def _fitting(self, passes: tuple[Pass, ...]) -> tuple[Pass, ...]:
        """The passes, where the tokens are those of the file and the model is as long."""
        fits = all(each.of <= self._model.config.n_positions for each in passes)
        return passes if fits and self._ids == list(self._saved.all_ids) else ()

    def _run(self, how: Computation, ids: list[int]) -> tuple[LiveRun, LiveRun]:
        """The runs without and with the edits; in one pass where the passes are those of no such run. GPTError."""
        model = _on(self._model, how.engine)
        try:
            runs = computed_again(how, model, ids, self._length, self._cancelled)
        except EditError:
            if not how.run:
                raise
            plain = replace(how, run=())
            runs = computed_again(plain, model, ids, self._length, self._cancelled)
            self.notes.append("It does not say how its run was computed: the last digits may be others.")
        self._computed.append((how, runs[1]))
        self._tell(len(self._ids) - len(ids), len(self._ids))
        return runs

    # Draws

    def _drawn(self, position: int, saved: SavedDraw) -> DrawnToken:
        """How a token was drawn: from the logits of its own time."""
        how = self._how_drawn(saved, position)
        logits = self._logits(how, position)
        chances, sampling = distribution(logits, saved.sampling), saved.sampling
        if saved.token not in chances.order:
            sampling = Sampling()
            chances = distribution(logits, sampling)
        return DrawnToken(Step(saved.token, chances, saved.number), sampling, saved.seed, saved.chosen, how)

    def _how_drawn(self, saved: SavedDraw, position: int) -> Computation:
        if saved.run is None:
            how = self._computed[0][0]  # the session's own
        else:
            edits = tuple(self._edits[number] for number in saved.run.edits if number in self._edits)
            how = self._how(saved.run, edits)
        return replace(how, base=first_passes(how.base, position), run=first_passes(how.run, position))

    def _logits(self, how: Computation, position: int) -> Vector:
        """The logits after the token before: of a run that is computed already, where it goes on with this one."""
        known = (run for other, run in self._computed if how.leads_to(other) and len(run.ids) >= position)
        run = next(known, None)
        if run is None:
            try:
                _, run = self._run(how, self._ids[:position])
            except GPTError:
                _, run = self._computed[0]
                self.notes.append("The edits with which a token was drawn cannot be made: it is shown without them.")
        logits = run.logits(position - 1)
        assert logits is not None
        return logits

    # What is shown

    def _take_other(self, session: Session) -> None:
        """B of Compare, and the run that is walked in place of this one."""
        view, what_if = self._saved.view, session.what_if
        if run := self._others.get(view.other):
            saved = self._saved.others[view.other]
            what_if.other = OtherRun(saved.prompt, run, saved.model.name if saved.model else "")
            what_if.aligned = view.aligned
        pair = what_if.pair
        if view.showing and pair:
            try:
                shown = {"a": pair.a, "b": pair.b, "difference": None}[view.showing] or Difference(pair)
                text = what_if.other.text if what_if.other and shown is pair.b else ""
                session.show(None if shown is session.run else shown, text)
            except GPTError as error:
                self.notes.append(str(error))

    def _views(self, session: Session) -> dict[str, View]:
        views = {}
        for name, look in self._saved.view.looks.items():
            views[name] = make(name, session)
            try:
                take_look(views[name], look)
            except GPTError as error:
                self.notes.append(f"The view {name} is shown as it opens: {error}")
        if self._saved.view.opened and self._saved.view.opened not in views:
            views[self._saved.view.opened] = make(self._saved.view.opened, session)
        return views

    def _open_number(self, session: Session) -> None:
        """Open the number that was open, with the way to it; and the code."""
        saved = self._saved.why
        if saved and not session.what_if.difference:
            why = Why(session, Cell(saved.trail[0].name, saved.trail[0].index))
            why.visits = [Visit(Cell(each.name, each.index), each.row, each.column) for each in saved.trail]
            why.at, why.unrolled, why.look = saved.at, saved.unrolled, Look.PATH if saved.path else Look.TERMS
            try:
                for number in range(len(why.visits)):
                    why.explanation_of(number)
                session.why = why
            except (GPTError, ArithmeticError) as error:
                self.notes.append(f"The number that was open cannot be opened here: {error}")

    def _open_code(self, session: Session) -> None:
        if self._saved.view.code >= 0:
            try:
                if step_into_code(session) and session.code:
                    session.code.index = min(self._saved.view.code, len(session.code.stops) - 1)
            except GPTError as error:
                self.notes.append(str(error))


def _on(model: GPT, engine: str) -> GPT:
    """The model on that engine, or the nearest that is here."""
    converted = on_engine(model, nearest(engine))
    origins.remember(converted, origins.origin_of(model))
    return converted


def shown(text: str) -> str:
    """A text of the file in a message."""
    return quoted(one_line(text))


def _place_cursor(place: SavedCursor, session: Session) -> None:
    """Put the cursor where it was; of what there is not, where it is."""
    cursor = session.cursor
    stages = [stage.id for stage in cursor.stages]
    if place.stage in stages:
        cursor.go_to_stage(stages.index(place.stage))
    cursor.go_to_head(place.head)
    cursor.go_to_position(place.position)
    walk_cursor.choose(cursor, place.columns, place.parts)
    cursor.overview, cursor.steps = place.overview, place.steps
