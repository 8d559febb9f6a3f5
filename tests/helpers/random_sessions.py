"""Random walks as a user might take them, and all that such a session shows, to be compared bit by bit."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from explorer.analysis import lens
from explorer.edits import Add, Cut, Mean, Scale, Set, Zero, where
from explorer.engine.engines import on_engine, plain
from explorer.paint.number import number_under_cursor
from explorer.paint.pictures import picture
from explorer.paint.predictions import predictions
from explorer.runs import running
from explorer.runs.trace import LiveRun
from explorer.teaching.spots import complete
from explorer.views.looks import look
from explorer.views.view import View
from explorer.views.views import ALL, make
from explorer.walk.edit_choices import EDIT_KINDS, edit_kinds, places, read_edit
from explorer.walk.on_screen import wanted_lenses, wanted_way
from explorer.walk.opening import ask_why, step_into_code
from explorer.walk.session import Session
from explorer.walk.what_if import OtherRun
from gpt import GPTError, Sampling

PROMPTS = ("Once upon a time there was a girl", "Tom said to Lily", "<|endoftext|>One day", "She is\nsad. é")
SIZE = 74, 20


class Wanderer:
    """Walks a session at random; what cannot be done is not done."""

    def __init__(self, session: Session, dice: random.Random, engines: Sequence[str] = ("python", "numpy")) -> None:
        self.engines = engines
        self.session = session
        self.dice = dice
        self.views: dict[str, View] = {}
        self.opened = ""
        session.submit(dice.choice(PROMPTS))
        complete(session)

    def wander(self, steps: int) -> None:
        """So many steps."""
        moves: tuple[Callable[[], object], ...] = (self._draw, self._draw, self._edit, self._edit_here, self._look)
        moves += (self._take_back, self._toggle, self._type, self._settings, self._other, self._show, self._walk)
        moves += (self._engine, self._open)
        for _ in range(steps):
            try:
                self.dice.choice(moves)()
                if self.dice.random() < 0.9:
                    complete(self.session)
            except (GPTError, ArithmeticError):
                self.session.what_if.give_up(self.session.prompt_length)
        try:
            complete(self.session)
        except (GPTError, ArithmeticError):
            self.session.edit(lambda edits: edits.clear())
            complete(self.session)

    def _draw(self) -> None:
        chosen = self.dice.randrange(self.session.config.vocab_size) if self.dice.random() < 0.3 else None
        self.session.take_token(chosen)

    def _take_back(self) -> None:
        self.session.untake_token()

    def _toggle(self) -> None:
        edits = self.session.what_if.edits
        if len(edits):
            self.session.edit(lambda edits: edits.toggle(self.dice.randrange(len(edits))))

    def _type(self) -> None:
        text = self.session.text
        self.session.submit(text[: self.dice.randint(4, len(text))] + self.dice.choice(("", " dog", " and Lily")))

    def _settings(self) -> None:
        draws, dice = self.session.draws, self.dice
        draws.sampling = Sampling(dice.choice((0.0, 0.7, 1 / 3)), dice.choice((None, 5)), dice.choice((1.0, 0.9)))
        draws.seed = dice.randrange(-100, 100)

    def _place(self) -> where.Where:
        dice, config, length = self.dice, self.session.config, len(self.session.ids)
        layer, head = dice.randrange(config.n_layer), dice.randrange(config.n_head)
        at = dice.choice((None, dice.randrange(length), [0, length - 1]))
        query = dice.randrange(1, length)
        return dice.choice(
            (
                where.head(layer, head, at),
                where.mlp(layer, at),
                where.block(layer),
                where.neuron(layer, dice.randrange(config.mlp_width), at),
                where.edge(config, query, dice.randrange(query), *dice.choice(((), (layer,), (layer, head)))),
                where.activation(f"blocks.{layer}.hook_resid_pre", at),
                where.activation("hook_embed", dice.randrange(length), dice.randrange(config.n_embd)),
                where.activation("ln_final.hook_out", at),
            )
        )

    def _edit(self) -> None:
        dice, place = self.dice, self._place()
        direction = tuple(dice.gauss(0, 1) for _ in range(self.session.config.n_embd))
        what = dice.choice((Zero(), Scale(dice.gauss(1, 1)), Set(1 / 3), Mean(), Cut(), Add(direction, 0.1, "up")))
        self.session.edit(lambda edits: edits.add(place, what, len(self.session.ids)))

    def _edit_here(self) -> None:
        """One of those that the dialog offers."""
        session, dice = self.session, self.dice
        if found := places(session):
            place = dice.choice(found)
            kind = dice.choice(edit_kinds(session, place))
            what = read_edit(
                session, place, kind.id, "0.3", "Tom / Lily" if EDIT_KINDS[kind.id].tokens == 2 else "Lily"
            )
            session.edit(lambda edits: edits.add(place, what, len(session.ids)))

    def _other(self) -> None:
        session = self.session
        assert session.model
        ids = session.tokenizer.encode(self.dice.choice(PROMPTS))
        session.show(None)
        run = LiveRun(session.model, ids)
        running.complete(run, lambda: False)
        session.what_if.other = OtherRun(session.tokenizer.decode(ids), run)
        session.what_if.aligned = self.dice.choice(("end", "beginning"))

    def _show(self) -> None:
        complete(self.session)
        make("compare", self.session).next_mode()

    def _walk(self) -> None:
        """Move the cursor, which closes code that is open, as on the screen."""
        cursor, dice = self.session.cursor, self.dice
        self.session.code = None
        cursor.go_to_stage(dice.randrange(len(cursor.stages)))
        cursor.go_to_position(dice.randrange(cursor.length))
        cursor.go_to_head(dice.randrange(self.session.config.n_head))
        dice.choice((cursor.toggle_overview, cursor.toggle_steps, cursor.forget_columns))()
        dice.choice((cursor.move_column, cursor.move_part))(dice.randint(-3, 3))

    def _engine(self) -> None:
        if self.session.model and self.dice.random() < 0.3:
            self.session.compute_with(on_engine(self.session.model, self.dice.choice(self.engines)))

    def _look(self) -> None:
        """Open a view, and move in it."""
        complete(self.session)
        self.opened = self.dice.choice(ALL)
        if self.opened != "compare":
            self.session.show(None)
        view = self.views.setdefault(self.opened, make(self.opened, self.session))
        for _ in range(self.dice.randrange(6)):
            settle(view)
            view.move(self.dice.randint(-2, 2), self.dice.randint(-2, 2))
            if self.dice.random() < 0.5:
                view.next_mode()

    def _open(self) -> None:
        complete(self.session)
        if self.dice.random() < 0.7 and ask_why(self.session) and self.session.why:
            for _ in range(self.dice.randrange(4)):
                self.session.why.move_row(self.dice.randint(0, 3))
                self.session.why.enter()
            if self.dice.random() < 0.3:
                self.session.why.follow()
        elif step_into_code(self.session) and self.session.code:
            self.session.code.index = self.dice.randrange(len(self.session.code.stops))


def settle(view: View) -> None:
    """Answer all that a view asks, as the screen does."""
    view.follow(*SIZE)
    for _ in range(20):
        if view.wanted() is None:
            return
        for _ in view.work():
            pass


def numbers(session: Session) -> dict[str, Any]:
    """Every number of a session: its runs, the other one, how each token was drawn, and what comes next."""
    what_if = session.what_if
    found: dict[str, Any] = {"ids": session.run.ids, "text": session._own.text, "shown": what_if.showing}
    runs = {"base": what_if.base, "run": what_if.run, "other": what_if.other.trace if what_if.other else None}
    for title, run in runs.items():
        for name, value in run.values.items() if run else ():
            found[f"{title} {name}"] = np.asarray(plain(value)).tobytes()
    for position, drawn in session._own.drawn.items():
        step, distribution = drawn.step, drawn.step.distribution
        found[f"drawn {position}"] = (step.token, step.number, drawn.sampling, drawn.seed, drawn.chosen)
        found[f"chances {position}"] = distribution
    found["next"] = session.draws.step_after(len(session.ids) - 1)
    return found | {"settings": (session.draws.sampling, session.draws.seed)}


def seen(session: Session, views: dict[str, View], opened: str) -> dict[str, Any]:
    """Everything on the screen: the picture, the number, the next tokens, the edits, what is open, every view."""
    for residual, position in wanted_lenses(session):
        running.look_through_lens(session.trace, residual, position, lambda: False)
    for name, position in wanted_way(session):
        lens.compute(session.run, name, position, lambda: False)
    found: dict[str, Any] = {
        "picture": picture(session, *SIZE),
        "number": number_under_cursor(session, 74, 2),
        "next": predictions(session, 30, 20),
        "edits": session.what_if.lines(session.labels()),
        "opened": opened,
        "why": None,
    }
    if why := session.why:
        found["why"] = [(visit.cell, visit.row, visit.column) for visit in why.visits], why.at, why.look
        found["term"] = why.chosen
    found["code"] = session.code and session.code.index
    for name, view in views.items():
        settle(view)
        found[name] = view.lines(*SIZE), look(view)
    return found
