"""The main screen: the walk through one forward pass, computed in the background while keys are answered."""

from collections.abc import Callable
from typing import Any

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Footer, Static, TextArea

from explorer.engines import NUMPY, PYTHON, engine_of, in_words, largest_difference
from explorer.messages import Clicked, EngineReady, LensReady, PromptAbandoned, PromptSubmitted, RunEnded, Scrolled
from explorer.paint.header import header
from explorer.paint.map import map_of, rail
from explorer.paint.number import number_under_cursor
from explorer.paint.pictures import picture
from explorer.paint.predictions import predictions
from explorer.paint.spans import Line, wrapped
from explorer.paint.tokens import Row, tokens
from explorer.palette import Palette
from explorer.player import Player
from explorer.screens.background import Background
from explorer.screens.help import Help
from explorer.screens.keys import BINDINGS, PICTURE_BINDINGS
from explorer.screens.settings import SettingsDialog
from explorer.session import Session
from explorer.trace import Trace
from explorer.widgets.canvas import Canvas, Painter
from explorer.widgets.prompt import Prompt
from gpt import GPTError

FRAMES_A_SECOND = 15  # while something computes; more would be lost on tmux and ssh


class PictureCanvas(Canvas, can_focus=True):
    """The picture in the middle. With the focus, its cursor follows the arrows."""

    BINDINGS = PICTURE_BINDINGS


class WalkScreen(Screen[None]):
    """Prompt, tokens, map, picture, next token, and the number under the cursor."""

    BINDINGS = BINDINGS
    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-too-narrow"), (80, "-narrow"), (110, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-too-flat"), (24, "-flat"), (32, "-tall")]

    def __init__(self, prompt: str, model_name: str) -> None:
        super().__init__()
        self.session: Session | None = None
        self.player = Player()
        self.background = Background(self)
        self._prompt = prompt
        self.model_name = model_name
        self._status = "waking the model …"
        self._typed: list[int] | None = None  # what the text being typed would become
        self._version = -1  # of the trace that is on the screen
        self._play_timer: Timer | None = None
        self._compare_with: Trace | None = None  # the same run in the other engine

    def compose(self) -> ComposeResult:
        yield Canvas(self._paint_header, id="header")
        yield Prompt(self._prompt)
        yield Canvas(self._paint_tokens, id="tokens")
        yield Canvas(self._painter(lambda session, cells, height: rail(session, cells)), id="rail")
        with Horizontal(id="panes"):
            yield Canvas(self._painter(map_of), id="map")
            yield PictureCanvas(self._painter(self._paint_picture), id="picture")
            yield Canvas(self._painter(predictions), id="next")
        yield Canvas(self._painter(number_under_cursor), id="number")
        yield Footer(compact=True, show_command_palette=False)
        yield Static(id="too-small", markup=False)

    def on_mount(self) -> None:
        for selector, title in {"#map": "Map", "#next": "Next token", "#number": "This number"}.items():
            self.query_one(selector).border_title = title
        self.set_interval(1 / FRAMES_A_SECOND, self._show_progress)

    def on_resize(self) -> None:
        size = self.app.size
        self.query_one("#too-small", Static).update(
            f"GPT Explorer needs 80 columns and 24 lines.\nThis terminal has {size.width} and {size.height}.\n\n"
            "Make it larger, or its letters smaller. q quits."
        )

    # Painting

    def _painter(self, paint: Callable[[Session, int, int], list[Line]]) -> Painter:
        """A painter that draws nothing before there is something to draw."""

        def painter(cells: int, height: int) -> list[Line]:
            try:
                return paint(self.session, cells, height) if self.session and self.session.ids else []
            except GPTError as error:  # logits that overflowed, for instance
                return wrapped(str(error), cells, "down")

        return painter

    def _paint_header(self, cells: int, height: int) -> list[Line]:
        return header(self.session, self.model_name, self._status, cells)

    def _paint_picture(self, session: Session, cells: int, height: int) -> list[Line]:
        return picture(session, cells, height, self.query_one("#picture", Canvas).palette.colourful)

    def _paint_tokens(self, cells: int, height: int) -> list[Line]:
        session = self.session
        if session is None:
            return []
        if self._typed is None:
            row = Row(session.ids, session.labels(), session.position, session.prompt_length)
        else:
            row = Row(self._typed, [session.label(token) for token in self._typed], None, len(self._typed))
        return tokens(row, cells, height)

    def repaint(self) -> None:
        """Bring every pane up to date, and ask for the lenses that this view shows."""
        session = self.session
        if session and session.ids:
            self._version = session.trace.version
            pane = self.query_one("#picture", Canvas)
            pane.border_title = session.stage.place[:1].upper() + session.stage.place[1:]
            pane.border_subtitle = session.shape_in_words().replace("[", r"\[")
            self.background.look_through_lenses(session)
        for canvas in self.query(Canvas):
            canvas.repaint()

    def restyle(self, palette: Palette) -> None:
        """Draw everything in other colours."""
        for canvas in self.query(Canvas):
            canvas.restyle(palette)

    def show_status(self, status: str) -> None:
        """Say in the top line what the model is doing."""
        self._status = status
        self.query_one("#header", Canvas).repaint()

    def _show_progress(self) -> None:
        if self.session and self.session.trace.version != self._version:
            if self.session.computing and self._typed is None:
                self._status = f"computing {self.session.progress():.0%}"
            self.repaint()

    # The model at work

    def begin(self, session: Session) -> None:
        """The model is there: run the first prompt."""
        self.session = session
        if session.recorded:
            self._compute()
            self.show_status("a recorded run")
        elif not self.run_prompt(self._prompt):
            self.show_status("no prompt yet")
            self.action_prompt()

    def change_model(self, session: Session, name: str) -> None:
        """Walk another model: the prompt and how tokens are drawn stay."""
        self._stop_playing()
        self.background.cancel()
        if self.session:
            session.sampling, session.seed = self.session.sampling, self.session.seed
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
            self.background.compute(self.session.trace)
        if self._typed is None:
            self.query_one(Prompt).show_text(self.session.text)
        self.repaint()

    def on_run_ended(self, message: RunEnded) -> None:
        if self.session is None or message.trace is not self.session.trace:
            return  # superseded by another run
        self.session.stopped = not message.finished
        self._status = "stopped · r goes on" if self.session.stopped else f"computed in {message.seconds:.2f} s"
        self.repaint()
        if message.finished:
            self._say_difference(self.session)
        self._draw()

    def on_lens_ready(self, message: LensReady) -> None:
        self.repaint()

    # The prompt

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        self._read_typed()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if isinstance(event.widget, Prompt):
            self._stop_playing()
            self._read_typed()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """A prompt that was left unfinished stays in its line; the tokens are again those of the run."""
        if isinstance(event.widget, Prompt) and self._typed is not None:
            self._typed = None
            self._status = "unfinished prompt · / goes on with it"
            self.repaint()

    def _read_typed(self) -> None:
        """What the text being typed would become; nothing while it is the one that runs."""
        session, prompt = self.session, self.query_one(Prompt)
        if session is None or not prompt.has_focus:
            return
        self._typed = None
        if prompt.value != session.text:
            try:
                self._typed = session.tokenizer.encode(prompt.value)
            except GPTError:
                self._typed = []  # said when it is submitted
        count = len(session.ids if self._typed is None else self._typed)
        self.show_status(f"{count} of {session.model.config.n_positions} tokens · enter runs it · esc drops it")
        self.query_one("#tokens", Canvas).repaint()

    def on_prompt_submitted(self, message: PromptSubmitted) -> None:
        if self.session is None:  # the model is not there yet: this is what it will run
            self._prompt = message.text
            self.set_focus(None)
        elif self.run_prompt(message.text):
            self._leave_prompt()

    def on_prompt_abandoned(self, message: PromptAbandoned) -> None:
        self._leave_prompt()

    def _leave_prompt(self) -> None:
        self._typed = None
        self._status = ""
        self.query_one(Prompt).show_text(self.session.text if self.session else self._prompt)
        self.set_focus(None)
        self.repaint()

    # What the keys do

    def on_clicked(self, message: Clicked) -> None:
        kind, *numbers = message.action
        if kind == "cell":
            self.action_go("position", numbers[0])
            self.action_go("column", numbers[1])
        elif kind == "settings":
            self.action_settings()
        else:
            self.action_go(kind, numbers[0])

    def on_scrolled(self, message: Scrolled) -> None:
        """The wheel: stages on the map and on the rail, tokens elsewhere."""
        self.action_move("stage" if message.canvas in ("map", "rail") else "position", message.by)

    def action_move(self, what: str, by: int) -> None:
        """Move the cursor's stage, block, position, head, column or part."""
        self._on_cursor(f"move_{what}", by)

    def action_go(self, what: str, to: int) -> None:
        self._on_cursor(f"go_to_{what}", to)

    def action_overview(self) -> None:
        self._on_cursor("toggle_overview")

    def _on_cursor(self, move: str, *arguments: Any) -> None:
        if self.session and self.session.ids:
            getattr(self.session.cursor, move)(*arguments)
            self.repaint()

    def action_picture(self) -> None:
        pane = self.query_one("#picture")
        self.set_focus(None if pane.has_focus else pane)

    def action_prompt(self) -> None:
        self._stop_playing()
        self.query_one(Prompt).type_on()

    def action_copy(self) -> None:
        try:
            cell = self.session.cell() if self.session and self.session.ids else None
        except GPTError as error:  # probabilities that cannot be worked out
            self.notify(str(error), severity="warning", markup=False)
            return
        if cell and cell.value is not None:
            self.app.copy_to_clipboard(repr(cell.value))
            self.notify(f"Copied {cell.value!r}", markup=False)

    def action_help(self) -> None:
        self.app.push_screen(Help())

    def action_settings(self) -> None:
        if self.session:
            self.app.push_screen(SettingsDialog(self.session), lambda changed: self.repaint())

    def action_draw(self, count: int) -> None:
        """Draw so many tokens; those that cannot be drawn yet follow as soon as they can."""
        if self.session and self.session.ids:
            if self.session.ended:
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
        if self.session and self.session.recorded:
            self.notify("This is a recorded run: there is no model to compute it again.")
        elif self.session and self.session.ids:
            other = PYTHON if engine_of(self.session.model) == NUMPY else NUMPY
            self._stop_playing()
            self.show_status(f"changing to {other} …")
            self.background.change_engine(self.session.model, other)

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
        gap, name = largest_difference(before.values, session.trace.values)
        self.notify(
            f"{in_words(session.model)} and {in_words(before.model)} differ by at most {gap:.2g}, at {name}.",
            title="The same run in both engines",
            timeout=10,
            markup=False,
        )

    def action_again(self) -> None:
        self._go_on()

    def _go_on(self) -> None:
        """Take up a computation that was stopped."""
        if self.session and self.session.computing and not self.background.computing:
            self._compute()
