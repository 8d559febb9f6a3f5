"""A dialog of several lines, for views that can be asked several things: each line is one of several, or a text."""

from collections.abc import Callable, Sequence

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Label, Static

from explorer.screen.dialogs.problem import Problem
from explorer.screen.panes.pane import literal
from explorer.screen.widgets.field import Field
from explorer.terminal.glyphs import one_line
from explorer.terminal.text import width
from explorer.views.choices import Choice, Chosen, shown
from gpt import GPTError

_LABEL = 13


class Options(Static, can_focus=True):
    """One of several things: the arrows or a click choose."""

    BINDINGS = [
        Binding("left", "move(-1)", "The one before", id="choose.left"),
        Binding("right,space", "move(1)", "The next one", id="choose.right"),
    ]

    class Changed(Message):
        """Another one is chosen."""

    def __init__(self, choice: Choice) -> None:
        super().__init__(id=f"choice-{choice.id}", markup=False)
        self._options = choice.options
        self.current = choice.current

    def render(self) -> Text:
        text = Text(no_wrap=True)
        for words, number in self._row():
            text.append(words, "reverse" if number == self.current else "")
        return text

    def _row(self) -> list[tuple[str, int | None]]:
        """The options that fit around the current one, each with its number, and marks where there are others."""
        first, last = self.current, self.current + 1
        sizes = [width(option) + 2 for option in self._options]
        room = self.size.width - sizes[self.current] - 2
        while True:  # later ones first: they are where one goes
            if last < len(sizes) and sizes[last] <= room:
                room -= sizes[last]
                last += 1
            elif first and sizes[first - 1] <= room:
                first -= 1
                room -= sizes[first]
            else:
                break
        row: list[tuple[str, int | None]] = [("‹" if first else " ", None)]
        row += [(f" {self._options[number]} ", number) for number in range(first, last)]
        return [*row, ("›" if last < len(sizes) else " ", None)]

    def action_move(self, by: int) -> None:
        """Choose the next one, or the one before."""
        self.current = (self.current + by) % len(self._options)
        self.refresh()
        self.post_message(self.Changed())

    def on_click(self, event: events.Click) -> None:
        right = 0
        for words, number in self._row():
            right += width(words)
            if event.x < right:
                if number is not None:
                    self.action_move(number - self.current)
                return


class ChooseDialog(ModalScreen[bool]):
    """Up and down go from line to line, left and right choose; enter takes it all, escape leaves."""

    BINDINGS = [
        Binding("escape", "dismiss(False)", "Leave", id="choose.leave"),
        Binding("up", "app.focus_previous", "The line above", id="choose.up"),
        Binding("down", "app.focus_next", "The line below", id="choose.down"),
        Binding("enter", "take", "Take it", id="choose.take"),
    ]

    def __init__(self, title: str, choices: Sequence[Choice], take: Callable[[Chosen], None]) -> None:
        super().__init__()
        self._title = title
        self._choices = choices
        self._take = take
        self._widgets: dict[str, Options | Field] = {}

    def compose(self) -> ComposeResult:
        with Vertical(id="choose", classes="dialog") as dialog:
            dialog.border_title = literal(self._title)
            dialog.border_subtitle = "↑↓ line · ←→ choose · enter takes it · esc leaves"
            for choice in self._choices:
                with Horizontal(id=f"line-{choice.id}", classes="choice"):
                    yield Label(choice.label.ljust(_LABEL), markup=False)
                    yield self._widget(choice)
            yield Problem()

    def _widget(self, choice: Choice) -> Widget:
        if choice.options:
            self._widgets[choice.id] = Options(choice)
        else:
            self._widgets[choice.id] = field = Field(choice.text, id=f"choice-{choice.id}")
            field.placeholder = one_line(choice.hint)
        return self._widgets[choice.id]

    def on_mount(self) -> None:
        self._show_lines()
        if self._choices:
            self._widgets[self._choices[0].id].focus()

    def on_options_changed(self) -> None:
        self._show_lines()

    def _chosen(self) -> Chosen:
        return {
            id: widget.current if isinstance(widget, Options) else widget.typed for id, widget in self._widgets.items()
        }

    def _show_lines(self) -> None:
        """Show the lines that matter with what is chosen in the others."""
        chosen = self._chosen()
        for choice in self._choices:
            self.query_one(f"#line-{choice.id}").display = shown(choice, chosen)

    def on_input_submitted(self) -> None:
        self.action_take()

    def action_take(self) -> None:
        """Hand over what is chosen and close; where that cannot be done, show why and stay open."""
        try:
            self._take(self._chosen())
        except GPTError as error:
            self.query_one(Problem).show(error)
            return
        self.dismiss(True)
