"""What if: a dialog in which something of the run is chosen and changed, and the edits are listed."""

from collections.abc import Callable

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList, Static

from explorer.edits import Edits
from explorer.edits.edit import label
from explorer.edits.where import Where
from explorer.walk.edit_choices import EditKind, edit_kinds, places, read_edit
from explorer.walk.session import Session
from gpt import GPTError

_LEAVES = "tab next · esc leaves"

Change = Callable[[Callable[[Edits], object]], None]
"""Makes a change of the stack; raises EditError, and changes nothing, where it cannot be made."""


class Stack(OptionList):
    """The edits that were made."""

    BINDINGS = [
        Binding("space", "screen.switch", "Switch it off, or on", id="what_if.toggle"),
        Binding("delete,backspace", "screen.remove", "Remove it", id="what_if.remove"),
    ]


class WhatIfDialog(ModalScreen[None]):
    """Where, what, and the stack of edits. Enter goes on, in the end it makes the edit; Escape leaves."""

    BINDINGS = [
        Binding("escape", "dismiss(None)", "Leave", id="what_if.leave"),
        Binding("u", "undo", "Undo the last edit", id="what_if.undo"),
    ]

    def __init__(self, session: Session, change: Change) -> None:
        super().__init__()
        self._session = session
        self._change = change
        self._places = places(session)
        self._ways: list[EditKind] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="what-if", classes="dialog") as dialog:
            dialog.border_title = "What if?"
            dialog.border_subtitle = _LEAVES
            with Horizontal(id="choices"):
                yield OptionList(*(Text(self._named(place)) for place in self._places), id="where", compact=True)
                yield OptionList(id="way", compact=True)
            with Horizontal(id="values"):
                yield Label("x ", markup=False)
                yield Input("2", id="amount", compact=True)
                yield Label("", markup=False, id="of-token")
                yield Input("", id="token", compact=True)
            yield Static("", id="hint", markup=False)
            yield Static("", id="problem", markup=False)
            yield Label("", id="stack-title", markup=False)
            yield Stack(id="stack", compact=True)

    def on_mount(self) -> None:
        self.query_one("#where").border_title = "where"
        self.query_one("#way").border_title = "what"
        self._show_stack()
        if self._places:
            self.query_one("#where", OptionList).highlighted = 0
            self.query_one("#where").focus()
        else:
            for name in ("#choices", "#values", "#hint"):
                self.query_one(name).display = False
            self.query_one("#stack").focus()

    def _named(self, place: Where) -> str:
        """The place in words, with the tokens it is at."""
        labels = self._session.labels()
        if place.edge:
            query, key = (label(position, labels) for position in place.edge)
            return f"{query} → {key} in {place.title}"
        return place.title + "".join(f" at {label(position, labels)}" for position in place.at or ())

    def _likely(self, count: int) -> str:
        """The tokens that are offered: the runner-up, which an edit may bring to the front, and the answer."""
        ranking = self._session.what_if.answer(self._session.position)
        return " / ".join(self._session.label(ranking.order[rank]) for rank in (1, 0)[:count]) if ranking else ""

    # Choosing

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_list.id == "where":
            self._ways = edit_kinds(self._session, self._places[event.option_index])
            options = self.query_one("#way", OptionList)
            options.clear_options()
            options.add_options([Text(way.label) for way in self._ways])
            options.highlighted = 0
        elif event.option_list.id == "way":
            self._show_values(self._ways[event.option_index])

    def _show_values(self, way: EditKind) -> None:
        """Ask for what this needs, and for nothing else."""
        self.query_one("#values").visible = bool(way.amount)
        for name in ("#of-token", "#token"):
            self.query_one(name).display = way.tokens > 0
        self.query_one("#of-token", Label).update("  tokens " if way.tokens > 1 else "  token ")
        self.query_one("#token", Input).value = self._likely(way.tokens)
        self.query_one("#amount", Input).value = way.amount
        self.query_one("#hint", Static).update(Text(f" {way.hint}", "dim"))
        self._say_enter()

    def on_descendant_focus(self) -> None:
        self._say_enter()

    def _say_enter(self) -> None:
        """Below the dialog, which key does what where the focus is."""
        field, way = self.focused, self.query_one("#way", OptionList).highlighted
        asks = way is not None and way < len(self._ways) and self._ways[way].amount
        enter = {"where": "enter: what to do with it", "stack": "enter switches it"}.get((field and field.id) or "")
        if field is not None and field.id == "way" and asks:
            enter = "enter: how much"
        self.query_one("#what-if").border_subtitle = f"{enter or 'enter makes it'} · {_LEAVES}"

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        if event.option_list.id == "where":
            self.query_one("#way").focus()
        elif event.option_list.id == "stack":
            self.action_switch()
        elif self._ways[event.option_index].amount:
            self.query_one("#amount").focus()
        else:
            self._make()

    def on_input_submitted(self) -> None:
        self._make()

    def _make(self) -> None:
        """Make the edit that is chosen; what cannot be made is said, and stays to be mended."""
        place, way = (self.query_one(f"#{name}", OptionList).highlighted for name in ("where", "way"))
        if place is None or way is None:
            return
        amount, token = (self.query_one(f"#{name}", Input).value.strip() for name in ("amount", "token"))
        session, where = self._session, self._places[place]
        try:
            what = read_edit(session, where, self._ways[way].id, amount, token)
        except GPTError as error:
            self._say(error)
            return
        if self._try(lambda edits: edits.add(where, what, len(session.ids))):
            self.dismiss(None)

    def _try(self, move: Callable[[Edits], object]) -> bool:
        try:
            self._change(move)
        except GPTError as error:
            self._say(error)
            return False
        self.query_one("#problem", Static).update("")
        return True

    def _say(self, error: GPTError) -> None:
        self.query_one("#problem", Static).update(str(error)[:1].upper() + str(error)[1:])

    # The stack

    def _show_stack(self) -> None:
        stack, lines = self.query_one("#stack", Stack), self._session.what_if.lines(self._session.labels())
        at = stack.highlighted or 0
        stack.clear_options()
        marks = ["●" if entry.on else "○" for entry in self._session.what_if.edits]
        stack.add_options([Text(f"{mark} {line}") for mark, line in zip(marks, lines)])
        stack.highlighted = min(at, len(lines) - 1) if lines else None
        stack.display = bool(lines)
        title = "Edits · space switches one off and on · ⌫ removes it · u undoes the last" if lines else "No edits yet."
        self.query_one("#stack-title", Label).update(title)
        if not lines and stack.has_focus and self._places:
            self.query_one("#where").focus()

    def _on_stack(self, move: Callable[[Edits, int], object]) -> None:
        at = self.query_one("#stack", Stack).highlighted
        if at is not None and self._try(lambda edits: move(edits, at)):
            self._show_stack()

    def action_switch(self) -> None:
        self._on_stack(lambda edits, at: edits.toggle(at))

    def action_remove(self) -> None:
        self._on_stack(lambda edits, at: edits.remove(at))

    def action_undo(self) -> None:
        if self._try(lambda edits: edits.undo()):
            self._show_stack()
