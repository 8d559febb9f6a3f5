"""The model at work: runs, drawn tokens, playing, the other engine; the panes fill in as it computes."""

from collections.abc import Callable, Sequence

from textual.timer import Timer

from explorer.edits import Edits
from explorer.edits.edit import Edit
from explorer.engine.engines import NUMPY, PYTHON, engine_of, in_words, largest_difference
from explorer.runs.trace import LiveRun, Trace
from explorer.screen.main.layout import WalkView
from explorer.screen.messages import AnswerReady, EngineReady, LensReady, RunEnded, RunFailed, ViewFilled
from explorer.screen.widgets.prompt import Prompt
from explorer.walk.player import Player
from explorer.walk.session import Session
from gpt import GPTError


class WorkScreen(WalkView):
    """A screen whose session computes in the background while keys are answered."""

    def __init__(self, prompt: str, model_name: str) -> None:
        super().__init__(prompt, model_name)
        self.player = Player()
        self._play_timer: Timer | None = None
        self._compare_with: LiveRun | None = None  # the same run in the other engine
        self._idle: list[Edit] = []  # the edits of which it was said that they change nothing

    def begin(self, session: Session) -> None:
        """The model is there: run the first prompt. What is being typed by then stays as it is."""
        self.session, self.view = session, None
        prompt = self.query_one(Prompt)
        typed = prompt.value if prompt.has_focus else None
        if session.recorded:
            self._compute()
            self.show_status("a recorded run")
        elif not self.run_prompt(self._prompt):
            self.show_status("no prompt yet")
            prompt.type_on()
        if typed is not None:
            prompt.show_text(typed)

    def change_model(self, session: Session, name: str) -> None:
        """Walk another model: the prompt and how tokens are drawn stay."""
        self._stop_playing()
        self.background.cancel()
        if self.session:
            session.draws.sampling, session.draws.seed = self.session.draws.sampling, self.session.draws.seed
            self._prompt = self.session.text
        self.model_name = name
        self.begin(session)

    def run_prompt(self, text: str) -> bool:
        """Take a prompt and compute it; False, and everything as it was, if it cannot be run."""
        assert self.session
        try:
            self.session.submit(text)
        except GPTError as error:
            self.notify(str(error), title="This prompt cannot be run", severity="error", markup=False)
            return False
        self.player.stop()
        self._compute()
        return True

    def _compute(self) -> None:
        assert self.session
        if self.session.computing:
            self._status = "computing"
            self.session.stopped = False
            self.background.compute(self.session.what_if.missing)
        elif lagging := self.session.what_if.missing:
            self.background.compute(lagging)
        if self._typed is None:
            self.query_one(Prompt).show_text(self.session.text)
        self.repaint()

    def on_run_ended(self, message: RunEnded) -> None:
        what_if = self.session.what_if if self.session else None
        if self.session is None or what_if is None or message.trace not in (what_if.run, what_if.base):
            return  # superseded by another run
        if not message.finished and self.background.computing:
            return  # taken up again meanwhile
        if message.finished and what_if.waiting:
            self.change_edits(lambda edits: None)
            return
        if message.trace is not what_if.run:  # the run without the edits has caught up
            self.repaint()
            return
        self.session.stopped = not message.finished
        what = "edited run computed" if what_if.edited else "computed"
        self._status = "stopped · r goes on" if self.session.stopped else f"{what} in {message.seconds:.2f} s"
        self.repaint()
        if message.finished:
            self._say_difference(self.session)
            self._say_idle(self.session)
        self._draw()

    def on_run_failed(self, message: RunFailed) -> None:
        """The edits left no numbers: the last of them is switched off, and said."""
        if self.session is None or message.trace is not self.session.what_if.run:
            return
        edit = self.session.what_if.give_up(self.session.prompt_length)
        which = f" {edit.words(self.session.labels())}: switched off." if edit else ""
        self.app.notify(message.reason + which, title="No numbers", severity="warning", timeout=10, markup=False)
        self._compute()

    def on_answer_ready(self, message: AnswerReady) -> None:
        if self.session and message.trace is self.session.what_if.run:
            self.session.what_if.answer_early(message.trace, message.logits)
            self.repaint()

    def show_run(self, run: Trace | None, text: str = "") -> None:
        """Walk another run in place of the session's own; None: its own again."""
        assert self.session
        self.session.show(run, text)
        self.query_one(Prompt).show_text(self.session.text)
        self.repaint()

    def change_edits(self, move: Callable[[Edits], object]) -> None:
        """Change the stack of edits; where that cannot be done it is said."""
        try:
            self.edit(move)
        except GPTError as error:
            self.notify(str(error), title="This edit cannot be made", severity="warning", timeout=10, markup=False)

    def edit(self, move: Callable[[Edits], object]) -> None:
        """Change the stack of edits, and compute what lies downstream; EditError, and everything as it was."""
        assert self.session
        missing = self.session.what_if.missing
        self.session.edit(move)
        self.follow_edits(missing)

    def follow_edits(self, missing: Sequence[Trace]) -> None:
        """The edits have changed: compute what is missing now, unless that is what was missing before."""
        assert self.session
        if self.session.what_if.missing != missing or not self.background.computing:
            self.background.cancel()
            self._status = ""
            self._compute()
        self.repaint()

    def on_view_filled(self, message: ViewFilled) -> None:
        self.repaint()

    def on_lens_ready(self, message: LensReady) -> None:
        self.repaint()

    # Drawing and playing

    def action_draw(self, count: int) -> None:
        """Draw so many tokens; those that cannot be drawn yet follow as soon as they can."""
        if self.session and self.session.ids:
            if self.session.draws.ended:
                self.notify("The text has ended here. Backspace takes the last token back.")
            self.player.left_to_draw += count
            self._go_on()
            self._draw()

    def _draw(self) -> None:
        assert self.session
        self._unless_full(lambda session: self.player.draw(session))

    def _unless_full(self, move: Callable[[Session], bool]) -> None:
        """A move that may have drawn a token, which is then computed; a full context is said."""
        assert self.session
        try:
            drawn = move(self.session)
        except GPTError as error:
            self._stop_playing()
            self.notify(str(error), title="No further", severity="warning", markup=False)
            return
        if drawn:
            self._compute()

    def action_take_back(self) -> None:
        if self.session and self.session.ids:
            self.player.stop()
            if self.session.untake_token():
                self._compute()

    def action_play(self) -> None:
        self.player.playing = not self.player.playing
        self._go_on()
        self._set_play_timer()

    def action_pace(self, by: int) -> None:
        self.player.change_pace(by)
        self.show_status(f"pace {self.player.pace:g} stages a second")
        self._set_play_timer()

    def _set_play_timer(self) -> None:
        if self._play_timer:
            self._play_timer.stop()
        self._play_timer = None
        if self.player.playing:
            self._play_timer = self.set_interval(1 / self.player.pace, self._play)
            self.show_status(f"playing, {self.player.pace:g} stages a second · space stops")

    def _play(self) -> None:
        if self.session and self.session.ids:
            self._unless_full(self.player.next_stage)
            self.repaint()

    async def action_stop(self) -> None:
        """Back to the run itself, if another is shown; else end what is under way."""
        if self.session and self.session.what_if.shown:
            self.show_run(None)
            return
        self._stop_playing()
        await self.run_action("app.stop_opening")
        self.background.cancel()

    def _stop_playing(self) -> None:
        if self.player.playing or self.player.left_to_draw:
            self.show_status("stopped")
        self.player.stop()
        self._set_play_timer()

    def action_engine(self) -> None:
        """Compute it all again in the other engine; when that is done, say how far the two are apart."""
        model = self.session.model if self.session else None
        if self.session and model is None:
            self.notify("This is a recorded run: there is no model to compute it again.")
        elif self.session and model and self.session.ids:
            other = PYTHON if engine_of(model) == NUMPY else NUMPY
            self._stop_playing()
            self.show_status(f"changing to {other} …")
            self.background.change_engine(model, other)

    def on_engine_ready(self, message: EngineReady) -> None:
        session = self.session
        if session and message.before is session.model:
            done = not session.computing
            before = session.compute_with(message.model)
            self._compare_with = before if done else None
            self._compute()

    def _say_difference(self, session: Session) -> None:
        """The largest difference between this run and the one in the other engine."""
        before, self._compare_with = self._compare_with, None
        if before is None or before.ids != session.ids:
            return
        gap, name = largest_difference(before.values, session.run.values)
        self.app.notify(
            f"{in_words(session.model)} and {in_words(before.model)} differ by at most {gap:.2g}, at {name}.",
            title="The same run in both engines",
            timeout=10,
            markup=False,
        )

    def _say_idle(self, session: Session) -> None:
        """Which edits change nothing, once."""
        entries = session.what_if.edits.entries
        before, self._idle = self._idle, [entries[number].edit for number in session.what_if.idle]
        for edit in self._idle:
            if any(edit is known for known in before):
                continue
            words = f"{edit.words(session.labels())}. Its numbers were so already."
            self.notify(words, title="This edit changes nothing", markup=False)

    def action_again(self) -> None:
        self._go_on()

    def _go_on(self) -> None:
        """Take up a computation that was stopped."""
        if self.session and self.session.computing and not self.background.computing:
            self._compute()
