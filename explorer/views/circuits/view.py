"""Circuits: what every head would copy, promote, suppress and match, by its weights alone.

Computed with NumPy in float64, with layer norms folded in: see `explorer.analysis.circuits`.
"""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace
from typing import Any

from explorer.analysis.circuits import Circuit, Circuits, Composition, copied
from explorer.engine.engines import for_many_runs
from explorer.paint.spans import Line, wrapped
from explorer.runs import running
from explorer.runs.trace import LiveRun, Trace
from explorer.views.choices import Choice, Chosen, Dialog
from explorer.views.circuits.picture import ends, in_words, picture
from explorer.views.circuits.state import KEPT, Asked, CircuitState, Matches, Show
from explorer.views.parts import guarded, scene_of
from explorer.views.scores.view import read_head
from explorer.views.sweep.choices import read_token, token_text
from explorer.views.view import View
from explorer.walk.session import Session

_COPYING, _RUN, _COPIES = "copying", "run", "copies"
_SHOWN = ("OV: promotes", "QK: matches", "QK: positions", "singular vectors", "composition")
_DIRECTIONS, _TOKENS = 12, 8


class CircuitsView(View):
    """Key 7. The arrows choose a head, v what is shown of it, d the token and the rest."""

    title = "Circuits · what a head would do, whatever the prompt"
    modes = _SHOWN
    looks = ("mode", "chosen")

    def __init__(self, session: Session) -> None:
        self.asked = Asked()
        config = session.config
        layer = session.stage.layer
        head = min(session.cursor.head, config.n_head - 1)
        self.chosen = (config.n_layer - 1 if layer is None else layer), head
        self._circuits: tuple[Any, Circuits] | None = None  # of which model
        super().__init__(session)

    def works(self, key: str) -> bool:
        if self.session.recorded:
            return key == "look.leave"
        return super().works(key)

    @property
    def _show(self) -> Show:
        return Show(self.mode)

    def _token(self) -> int:
        """The token that is asked about."""
        session = self.session
        return session.run.ids[session.position] if self.asked.token is None else self.asked.token

    # The picture

    def lines(self, cells: int, height: int) -> list[Line]:
        if self.session.recorded:
            return wrapped("This is a recorded run: there are no weights to look into.", cells, "dim")
        return guarded(lambda cells, height: picture(self.state(), cells, height), cells, height)

    def about(self, cells: int) -> list[Line]:
        return [] if self.session.recorded else in_words(self.state(), cells)

    def about_choice(self, numbers: tuple[int, ...], cells: int) -> list[Line]:
        _, layer, head = numbers
        config = self.session.config
        if layer >= config.n_layer or head >= config.n_head:
            return []
        state = replace(self.state(), layer=layer, head=head, copy_scores=self._copy_scores(layer, head))
        return in_words(state, cells)

    def _copy_scores(self, layer: int, head: int) -> tuple[float, ...]:
        """A head's copy score at each token of this run; empty while it is not known."""
        found = self.known.of((_COPIES, layer))
        return found.get(head, ()) if isinstance(found, dict) else ()

    def state(self) -> CircuitState:
        """The chosen head, and what is known of it."""
        known = self.known.all()
        copying = {
            (layer, head): value
            for layer in range(self.session.config.n_layer)
            for head, value in _by_head(known.get((_COPYING, layer))).items()
        }
        return CircuitState(
            scene_of(self.session),
            self._show,
            self.asked,
            self._token(),
            *self.chosen,
            copying,
            self._copy_scores(*self.chosen),
            known.get(self._question()),
        )

    # Questions

    def _question(self) -> Hashable:
        """The question to the chosen head."""
        asked, show, place = self.asked, self._show, self.chosen
        match show:
            case Show.PROMOTES | Show.MATCHES:
                return show, place, self._token()
            case Show.POSITIONS:
                return show, place, len(self.session.run.ids)
            case Show.DIRECTIONS:
                return show, place, asked.circuit
            case _:
                return show, place, asked.kind

    def questions(self) -> list[Hashable]:
        """The question to the chosen head; how far every head copies; and what each would copy in this run."""
        session = self.session
        if session.recorded or session.model is None or not session.run.ids:
            return []
        layers = sorted(range(session.config.n_layer), key=lambda layer: abs(layer - self.chosen[0]))
        asked = [self._question(), *((_COPYING, layer) for layer in layers)]
        return asked if session.computing else [*asked, _RUN, *((_COPIES, layer) for layer in layers)]

    def answers(self, run: Trace, question: Any, cancelled: Callable[[], bool]) -> Iterator[Any]:
        if not isinstance(run, LiveRun):
            return
        circuits = self._of(run)
        if question[0] == _COPYING:
            found: dict[int, float] = {}
            for head in range(run.config.n_head):
                if cancelled():
                    return
                found = {**found, head: circuits.copying(question[1], head)}
                yield found
        elif question == _RUN:
            base = LiveRun(for_many_runs(run.model), run.ids)
            base.editor = run.editor
            if running.complete(base, cancelled):
                yield base
        elif question[0] == _COPIES:
            yield from self._copies(run, question[1], cancelled)
        else:
            show, (layer, head), what = question
            yield _found(circuits, show, layer, head, what)

    def _copies(
        self, run: LiveRun, layer: int, cancelled: Callable[[], bool]
    ) -> Iterator[dict[int, tuple[float, ...]]]:
        """The copy scores of a block's heads at every token of this run."""
        base, found = self.known.of(_RUN), dict[int, tuple[float, ...]]()
        if not isinstance(base, LiveRun) or base.ids != run.ids:  # another run has begun meanwhile
            return
        for head in range(run.config.n_head):
            if cancelled():
                return
            scores = copied(base, layer, head, range(len(base.ids)))
            found = {**found, head: tuple(map(float, scores))}
            yield found

    def _of(self, run: LiveRun) -> Circuits:
        """The circuits of the run's model, which all runs of it share."""
        if self._circuits is None or self._circuits[0] is not run.model:
            self._circuits = run.model, Circuits(run.model.weights, run.config)
        return self._circuits[1]

    # The keys

    def move(self, across: int, down: int) -> None:
        self.click(0, self.chosen[0] + down, self.chosen[1] + across)

    def click(self, *numbers: int) -> None:
        _, layer, head = numbers
        config = self.session.config
        self.chosen = max(0, min(layer, config.n_layer - 1)), max(0, min(head, config.n_head - 1))

    def enter(self) -> bool:
        """Go to the head's pattern in this run."""
        cursor, (layer, head) = self.session.cursor, self.chosen
        cursor.go_to_value(f"blocks.{layer}.attn.hook_pattern")
        cursor.go_to_head(head)
        cursor.overview = False
        return True


class CircuitsDialog(Dialog):
    """The head, what is shown of it, and the token or the matrices that it is asked about."""

    def lines(self) -> list[Choice]:
        view: CircuitsView = self.view
        session, asked = view.session, view.asked
        if session.recorded:
            return []
        of_token = (int(Show.PROMOTES), int(Show.MATCHES))
        circuits, kinds = tuple(Circuit), tuple(Composition)
        token, circuit_names = token_text(session, asked.token), [each.upper() for each in circuits]
        of_circuit, of_kind = (int(Show.DIRECTIONS),), (int(Show.COMPOSITION),)
        return [
            Choice("head", "head", text="{}.{}".format(*view.chosen)),
            Choice("show", "show", _SHOWN, view.mode),
            Choice("token", "token", text=token, hint="the one where you stand", where=("show", of_token)),
            Choice("circuit", "circuit", circuit_names, circuits.index(asked.circuit), where=("show", of_circuit)),
            Choice("kind", "reads by", ("queries", "keys", "values"), kinds.index(asked.kind), where=("show", of_kind)),
        ]

    def take(self, chosen: Chosen) -> None:
        view: CircuitsView = self.view
        head, token = read_head(view.session, str(chosen["head"])), read_token(view.session, str(chosen["token"]))
        view.asked = Asked(token, tuple(Circuit)[int(chosen["circuit"])], tuple(Composition)[int(chosen["kind"])])
        view.chosen, view.mode = head, int(chosen["show"])


CircuitsView.dialog = CircuitsDialog


def _by_head(found: Any) -> dict[int, float]:
    return found if isinstance(found, dict) else {}  # else it is not known, or an error


def _found(circuits: Circuits, show: Show, layer: int, head: int, what: Any) -> Any:
    """The answer to a question about one head."""
    match show:
        case Show.PROMOTES:
            return ends(circuits.promoted(layer, head, what).tolist(), KEPT)
        case Show.MATCHES:
            values = circuits.matched(layer, head, what), circuits.matched_by(layer, head, what)
            return Matches(*(ends(each.tolist(), KEPT) for each in values))
        case Show.POSITIONS:
            return circuits.matched_positions(layer, head, what).tolist()
        case Show.DIRECTIONS:
            return circuits.directions(layer, head, what, _DIRECTIONS, _TOKENS)
        case _:
            return circuits.read_by(what, layer)[:, :, head].tolist()
