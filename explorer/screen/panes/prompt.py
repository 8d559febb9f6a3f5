"""The prompt: Enter runs it, Escape leaves it as it was."""

from collections.abc import Callable

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.strip import Strip
from textual.widgets import TextArea

from explorer.screen.bindings import key
from explorer.screen.panes.pane import Host
from explorer.screen.panes.tokens import TokensPane
from explorer.screen.widgets.field import shown
from explorer.terminal.pressed import key as pressed
from explorer.terminal.text import counted, width
from gpt import GPTError

# A text area breaks its lines at all of these and joins them with line feeds: a private character keeps their place.
_HELD = {ord(character): 0xF0000 + ord(character) for character in "\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"}
_RELEASED = {held: character for character, held in _HELD.items()}


class Prompt(TextArea):
    """A text area of a few lines. Its text is shown literally, control characters as visible signs."""

    ID = "prompt"
    BINDINGS = [
        key("prompt.run", "enter", "submit", "Run the prompt", display="⏎", first=True),
        key("prompt.leave", "escape", "leave", "Leave it as it was", display="esc", first=True),
        key(
            "prompt.line",
            "shift+enter,ctrl+j,alt+enter",
            "new_line",
            "A new line in the prompt",
            display="alt+⏎",
            first=True,
        ),
    ]

    def __init__(
        self, host: Host, tokens: TokensPane, run: Callable[[str], bool], stop: Callable[[], None], text: str
    ) -> None:
        """`run` computes a prompt, or says why it cannot and returns False; `stop` ends the playing.

        `text` is the first prompt to run.
        """
        super().__init__(
            text.translate(_HELD),
            id=self.ID,
            soft_wrap=True,
            show_line_numbers=False,
            highlight_cursor_line=False,
            compact=True,
        )
        self.host = host
        self.to_run = text  # as soon as there is a model
        self._tokens = tokens
        self._run = run
        self._stop_playing = stop

    @property
    def value(self) -> str:
        """The typed text, unchanged."""
        return self.text.translate(_RELEASED)

    def action_new_line(self) -> None:
        """Begin another line of the prompt."""
        self.insert("\n")

    def get_line(self, line_index: int) -> Text:
        line = self.document.get_line(line_index).translate(_RELEASED)
        return Text("".join(map(shown, line)), end="", no_wrap=True)

    def render_line(self, y: int) -> Strip:
        """A line of the text; in the last one stands how many lines are out of sight."""
        strip = super().render_line(y)
        above = self.scroll_offset.y
        below = self.wrapped_document.height - above - self.size.height
        parts = [f"{sign} {counted(count, 'more line')}" for sign, count in (("↑", above), ("↓", below)) if count > 0]
        if not parts or y != self.size.height - 1:
            return strip
        mark = f"  {' · '.join(parts)}"
        room = max(0, self.scrollable_content_region.width - width(mark))  # the scroll bar has cells of its own
        style = Style(bold=True) + Style(bgcolor=self.rich_style.bgcolor, color=self.rich_style.color)
        return Strip.join([strip.crop(0, room).extend_cell_length(room), Strip([Segment(mark, style)])])

    def show_text(self, text: str) -> None:
        """Show another text, with the caret at its end."""
        if self.value != text:
            self.load_text(text.translate(_HELD))
            self.move_cursor(self.document.end)

    def type_on(self) -> None:
        """Go on typing at the end."""
        self.move_cursor(self.document.end)
        self.screen.set_focus(self)  # at once: `focus` waits, and the next key would go elsewhere

    def action_type_on(self) -> None:
        """Edit the prompt."""
        self._stop_playing()
        self.type_on()

    # The tokens of the text being typed

    @property
    def typing(self) -> bool:
        """True while a text other than the run's is being typed."""
        return self._tokens.typed is not None

    def on_text_area_changed(self) -> None:
        if self.screen.focused is self:  # `has_focus` changes only when the event of it arrives
            self._read()

    def on_focus(self) -> None:
        self._stop_playing()
        self._read()

    def on_blur(self) -> None:
        """An unfinished text stays in its line; the tokens are again those of the run."""
        if self.typing:
            self._tokens.typed = None
            self.host.show_status("unfinished prompt · / goes on with it")
            self.host.repaint()

    def _read(self) -> None:
        """Show the tokens that the text would become, and how many they are."""
        session = self.host.session
        if session is None:
            return
        typed = None
        if self.value != session.text:
            try:
                typed = session.tokenizer.encode(self.value)
            except GPTError:
                typed = []  # said when it is submitted
        self._tokens.typed = typed
        count = len(session.ids if typed is None else typed)
        runs, drops = pressed("prompt.run", "enter"), pressed("prompt.leave", "esc")
        self.host.show_status(f"{count} of {session.config.n_positions} tokens · {runs} runs it · {drops} drops it")
        self._tokens.repaint()

    def action_submit(self) -> None:
        """Run the prompt, or say why it cannot be run."""
        if self.host.session is None:
            self.to_run = self.value
            self.host.give_focus_back()
        elif self._run(self.value):
            self.action_leave()

    def action_leave(self) -> None:
        """Show the prompt of the run again, and let the keys walk."""
        session = self.host.session
        self._tokens.typed = None
        self.show_text(session.text if session else self.to_run)
        self.host.give_focus_back()
        self.host.show_status("")
        self.host.repaint()
