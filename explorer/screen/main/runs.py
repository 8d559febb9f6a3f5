"""The runs of the session: started, followed until they end, and computed again in the other engine."""

from typing import TYPE_CHECKING

from explorer.edits.edit import Edit
from explorer.engine.engines import (
    NUMPY,
    PYTHON,
    TORCH,
    Engine,
    engine_in_full,
    in_words,
    largest_difference,
    words_for,
)
from explorer.runs.trace import LiveRun
from explorer.screen.messages import AnswerReady, EngineReady, NoNumbers, RunEnded, RunFailed
from explorer.terminal.pressed import key as pressed
from explorer.walk import beginning
from explorer.walk.on_screen import effect_in_words
from explorer.walk.session import Session
from gpt import GPTError

if TYPE_CHECKING:
    from explorer.screen.main.screen import MainScreen


class Runs:
    """The part of the screen that starts computations in the background and shows their results."""

    def __init__(self, screen: "MainScreen") -> None:
        self._screen = screen
        self._other_engine: LiveRun | None = None  # the same run, computed by the other engine
        self._torch: Engine | None = None  # PyTorch, as the session was opened on it
        self._told: object = None  # the edited run whose effect was shown
        self._took: tuple[object, str] = None, ""  # a run that is complete, and how long it took, in words
        self._without_numbers: object = None  # the run of which it was said that it has none
        self._idle: list[Edit] = []  # edits that change nothing, as already shown

    @property
    def told(self) -> str:
        """How long the run that is shown took, in words; "" while it is not complete.

        Before anything is done, that there is a session of an earlier time."""
        session = self._screen.session
        if self._screen.sessions.offer:
            return self._screen.sessions.offer
        return self._took[1] if session and self._took[0] is session.what_if.run and not session.computing else ""

    def run_prompt(self, text: str) -> bool:
        """Take a prompt and compute it; False, with everything as it was, if it cannot be run."""
        assert self._screen.session
        try:
            self._screen.session.submit(text)
        except GPTError as error:
            self._screen.notify(str(error), title="This prompt cannot be run", severity="error")
            return False
        self._screen.playback.player.stop()
        self.compute()
        return True

    def compute(self) -> None:
        """Compute what the session's runs are missing."""
        screen, session = self._screen, self._screen.session
        assert session
        if session.computing:
            screen.show_status("computing")
            session.stopped = False
        if missing := session.what_if.missing:
            screen.background.compute(missing)
        if not screen.prompt.typing:
            screen.prompt.show_text(session.text)
        screen.repaint()

    def action_again(self) -> None:
        """Go on with a computation that was stopped."""
        self.go_on()

    def go_on(self) -> None:
        """Take up a computation that was stopped."""
        session = self._screen.session
        if session and session.computing and not self._screen.background.computing:
            self.compute()

    def receive(self, message: RunEnded | RunFailed | NoNumbers | AnswerReady | EngineReady) -> None:
        """Handle a message from the background. Runs that another one has replaced are ignored."""
        session = self._screen.session
        if session is None:
            return
        match message:
            case RunEnded():
                self._end(session, message)
            case RunFailed():
                self._fail(session, message)
            case NoNumbers():
                self.say_no_numbers(message.reason)
            case AnswerReady():
                if message.trace is session.what_if.run:
                    session.what_if.answer_early(message.trace, message.logits)
                    self._screen.repaint()
            case EngineReady():
                self._take_engine(session, message)

    def _end(self, session: Session, message: RunEnded) -> None:
        """A run is complete, or was stopped."""
        screen, what_if = self._screen, session.what_if
        if message.trace not in (what_if.run, what_if.base):
            return
        if not message.finished and screen.background.computing:
            return  # taken up again meanwhile
        if message.finished and what_if.waiting:
            screen.editing.change(lambda edits: None)
            return
        if message.trace is not what_if.run:  # the run without the edits has caught up
            screen.repaint()
            return
        session.stopped = not message.finished
        done = "edited run computed" if what_if.edited else "computed"
        self._took = message.trace, "" if session.stopped else f"{done} in {message.seconds:.2f} s"
        screen.show_status(f"stopped · {pressed('again', 'r')} goes on" if session.stopped else "")
        screen.repaint()
        if message.finished:
            self._say_difference(session)
            self._say_idle(session)
            self._say_effect(session)
        screen.playback.draw()

    def _fail(self, session: Session, message: RunFailed) -> None:
        """Switch off the last edit, as it makes numbers infinite or undefined, and say so.

        Without edits it is the model that does so on this prompt: the run stays as far as it came.
        """
        what_if, app = session.what_if, self._screen.app
        if message.trace in (what_if.run, what_if.base) and getattr(message.trace, "editor", None) is None:
            session.stopped = True
            self._screen.show_status("no numbers · another prompt?")
            self.say_no_numbers(message.reason, again=True)
            self._screen.repaint()
            return
        if message.trace is not what_if.run:
            return
        edit = what_if.give_up(session.prompt_length)
        which = f" {edit.words(session.labels())}: switched off." if edit else ""
        text = message.reason + which
        app.notify(text, title="No numbers", severity="warning", timeout=10)
        self.compute()

    def say_no_numbers(self, reason: str, again: bool = False) -> None:
        """Say that the model's numbers are infinite or undefined on this prompt; once, or `again`."""
        session = self._screen.session
        about = session and session.what_if.base
        if again or about is not self._without_numbers:
            title = "This prompt cannot be computed"
            self._screen.app.notify(reason, title=title, severity="error", timeout=15)
        self._without_numbers = about

    def action_bos(self) -> None:
        """Run the same prompt with `<|endoftext|>` before it, or without it."""
        screen, session = self._screen, self._screen.ready
        if session is None:
            return
        screen.playback.stop()
        try:
            gone = beginning.toggle(session)
        except GPTError as error:
            screen.notify(str(error), title="This prompt cannot be run so", severity="warning")
            return
        if gone:
            screen.notify(f"{'; '.join(gone)}: gone, as its token is.", title="An edit is gone")
        screen.background.cancel()
        self.compute()

    # The other engine

    def action_engine(self) -> None:
        """Compute the run again in the other engine, then say how far the two differ."""
        screen, session = self._screen, self._screen.session
        model = session.model if session else None
        if session and model is None:
            screen.notify("This is a recorded run: there is no model to compute it again.")
        elif session and model and session.ids:
            other = str(self._next_engine(engine_in_full(model)))
            screen.playback.stop()
            screen.show_status(f"changing to {words_for(other)} …")
            screen.background.change_engine(model, other)

    def _next_engine(self, now: Engine) -> Engine:
        """The engine after this one: plain Python and NumPy in turn, and PyTorch between them where it was in use."""
        if now.name == TORCH:
            self._torch = now
            return Engine(NUMPY)
        if now.name == NUMPY:
            return Engine(PYTHON)
        return self._torch or Engine(NUMPY)

    def _take_engine(self, session: Session, message: EngineReady) -> None:
        """Compute the run again, now that the model is in the other engine."""
        if message.before is session.model:
            done = not session.computing
            before = session.compute_with(message.model)
            self._other_engine = before if done else None
            self.compute()

    def _say_difference(self, session: Session) -> None:
        """Show the largest difference between this run and the one in the other engine."""
        before, self._other_engine = self._other_engine, None
        if before is None or before.ids != session.ids:
            return
        gap, name = largest_difference(before.values, session.run.values)
        self._screen.app.notify(
            f"{in_words(session.model)} and {in_words(before.model)} differ by at most {gap:.2g}, at {name}.",
            title="The same run in both engines",
            timeout=10,
        )

    def _say_effect(self, session: Session) -> None:
        """Show how the edits changed the answer, once for each run."""
        what_if = session.what_if
        if what_if.run is self._told or not what_if.edited or what_if.idle:
            return
        self._told = what_if.run
        words = effect_in_words(session)
        if self._screen.tours.shown or self._screen.talk.open or not words:  # it is told there, or gives the word away
            return
        title = f"Edited: {what_if.in_words(session.labels())}"
        compare, off = pressed("view.compare", "6"), pressed("edit.toggle", "X")
        told = f"{words}. Press {compare} to compare, {off} to switch it off."
        self._screen.notify(told, title=title)

    def _say_idle(self, session: Session) -> None:
        """Show which edits change nothing, each once."""
        entries = session.what_if.edits.entries
        before, self._idle = self._idle, [entries[number].edit for number in session.what_if.idle]
        for edit in self._idle:
            if any(edit is known for known in before):
                continue
            words = f"{edit.words(session.labels())}. Its numbers were so already."
            self._screen.notify(words, title="This edit changes nothing")
