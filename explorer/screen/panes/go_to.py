"""The line in which a place is typed, with its completions below."""

from contextlib import suppress

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from explorer.paint.spans import Line, Span, clipped
from explorer.screen.bindings import key
from explorer.screen.messages import Clicked
from explorer.screen.panes.pane import Host, Pane
from explorer.screen.widgets.field import Field
from explorer.walk.go_to import completions, described, go, understand
from explorer.walk.session import Session
from gpt import GPTError

_HINT = "3.2   block 3 head 2 pattern   token 4   neuron 17   logits"


class Completions(Pane):
    """Where the typed text leads, or how it can go on; a click on one takes it."""

    ID = "completions"

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self.typed = ""
        self.problem = ""

    def draw(self, session: Session, cells: int, height: int) -> list[Line]:
        if self.problem:
            return [clipped([Span(self.problem[:1].upper() + self.problem[1:], "down")], cells)]
        line: Line = []
        with suppress(GPTError):  # it is not a place yet
            line += [Span("→ ", "done"), Span(described(understand(self.typed, session), session), "bold"), Span("   ")]
        for number, text in enumerate(completions(self.typed, session)):
            line += [Span(f" {text.strip()} ", "choice", ("completion", number)), Span(" ")]
        return [clipped(line or [Span("no place begins like that", "dim")], cells)]


class GoTo(Vertical):
    """Enter goes to the place, tab completes its name, escape leaves."""

    ID = "go-to"
    BINDINGS = [
        key("go.there", "enter", "there", "Go to the place that is typed", display="⏎", first=True),
        key("go.complete", "tab", "complete", "Complete the name of the place", first=True),
        key("go.leave", "escape", "leave", "Leave the line", display="esc", first=True),
    ]

    def __init__(self, host: Host) -> None:
        super().__init__(id=self.ID)
        self._host = host
        self._input = Field(id="place", select_on_focus=False)
        self._input.placeholder = _HINT
        self._below = Completions(host)

    def compose(self) -> ComposeResult:
        yield from (self._input, self._below)

    def action_open(self) -> None:
        """Open the line, empty."""
        if self._host.ready:
            self._below.typed = self._below.problem = ""
            self._input.show_text("")
            self.display = True
            self.screen.set_focus(self._input)
            self._host.repaint()

    def action_leave(self) -> None:
        """Close the line."""
        self.display = False
        self._host.give_focus_back()
        self._host.repaint()

    def action_there(self) -> None:
        """Go to the place that is typed, or say why there is none."""
        session = self._host.ready
        if session is None:
            return
        try:
            place = understand(self._input.typed, session)
        except GPTError as error:
            self._below.problem = str(error)
            self._below.repaint()
            return
        self.display = False
        self._host.walk(lambda: go(place, session))

    def action_complete(self) -> None:
        """Take the first completion."""
        self._take(0)

    def _take(self, number: int) -> None:
        session = self._host.ready
        found = completions(self._input.typed, session) if session else []
        if number < len(found):
            self._input.show_text(found[number])
            self._input.cursor_position = len(found[number])

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._below.typed, self._below.problem = self._input.typed, ""
        self._below.repaint()

    def on_clicked(self, message: Clicked) -> None:
        message.stop()
        _, *numbers = message.action
        self._take(numbers[0])
        self.screen.set_focus(self._input)
