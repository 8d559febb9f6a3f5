"""The what-if dialog: a place in the run, what to do there, and the list of edits."""

from collections.abc import Callable

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Label, OptionList, Static

from explorer.edits import Edits
from explorer.edits.where import Where
from explorer.screen.dialogs.edit_list import EditList
from explorer.screen.dialogs.problem import Problem
from explorer.screen.panes.pane import literal
from explorer.screen.widgets.field import Field
from explorer.terminal.text import token_at
from explorer.walk.edit_choices import EditKind, edit_kinds, places, read_edit
from explorer.walk.session import Session
from gpt import GPTError

_LEAVES = "tab next · esc leaves"

Change = Callable[[Callable[[Edits], object]], None]
"""Changes the edits by a function that gets them; EditError, and nothing changes, where that cannot be done."""


class WhatIfDialog(ModalScreen[None]):
    """Enter goes from where to what to how much, and makes the edit; Escape leaves."""

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
        self._edits = EditList(session, self._try)

    def compose(self) -> ComposeResult:
        with Vertical(id="what-if", classes="dialog") as dialog:
            dialog.border_title = "What if?"
            dialog.border_subtitle = _LEAVES
            with Horizontal(id="choices"):
                yield OptionList(*(Text(self._named(place)) for place in self._places), id="where", compact=True)
                yield OptionList(id="way", compact=True)
            with Horizontal(id="values"):
                yield Label("x ", markup=False)
                yield Field("2", id="amount")
                yield Label("", markup=False, id="of-token")
                yield Field(id="token")
            yield Static("", id="hint", markup=False)
            yield Problem()
            yield self._edits

    def on_mount(self) -> None:
        self.query_one("#where").border_title = "where"
        self.query_one("#way").border_title = "what"
        self._edits.show_edits()
        if self._places:
            self.query_one("#where", OptionList).highlighted = 0
            self.query_one("#where").focus()
        else:
            for name in ("#choices", "#values", "#hint"):
                self.query_one(name).display = False
            self._edits.options.focus()

    def _named(self, place: Where) -> str:
        """The place in words, with the tokens that it is at."""
        labels = self._session.labels()
        if place.edge:
            query, key = (token_at(position, labels) for position in place.edge)
            return f"{query} → {key} in {place.title}"
        return place.title + "".join(f" at {token_at(position, labels)}" for position in place.at or ())

    def _likely(self, count: int) -> str:
        """The tokens to begin with: the second likeliest, which an edit may make the likeliest, and the answer."""
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
        """Show the fields that this needs, and no others."""
        self.query_one("#values").visible = bool(way.amount)
        for name in ("#of-token", "#token"):
            self.query_one(name).display = way.tokens > 0
        self.query_one("#of-token", Label).update("  tokens " if way.tokens > 1 else "  token ")
        self.query_one("#token", Field).show_text(self._likely(way.tokens))
        self.query_one("#amount", Field).show_text(way.amount)
        self.query_one("#hint", Static).update(Text(f" {way.hint}", "dim"))
        self._say_enter()

    def on_descendant_focus(self) -> None:
        self._say_enter()

    def _say_enter(self) -> None:
        """Show in the border what enter does where the focus is."""
        field, way = self.focused, self.query_one("#way", OptionList).highlighted
        asks = way is not None and way < len(self._ways) and self._ways[way].amount
        enter = {"where": "enter: what to do with it", "stack": "enter switches it"}.get((field and field.id) or "")
        if field is not None and field.id == "way" and asks:
            enter = "enter: how much"
        self.query_one("#what-if").border_subtitle = literal(f"{enter or 'enter makes it'} · {_LEAVES}")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        if event.option_list.id == "where":
            self.query_one("#way").focus()
        elif self._ways[event.option_index].amount:
            self.query_one("#amount").focus()
        else:
            self._make()

    def on_input_submitted(self) -> None:
        self._make()

    def _make(self) -> None:
        """Make the chosen edit and close; where that cannot be done, show the error and stay open."""
        place, way = (self.query_one(f"#{name}", OptionList).highlighted for name in ("where", "way"))
        if place is None or way is None:
            return
        amount, token = (self.query_one(f"#{name}", Field).typed.strip() for name in ("amount", "token"))
        session, where = self._session, self._places[place]
        try:
            what = read_edit(session, where, self._ways[way].id, amount, token)
        except GPTError as error:
            self.query_one(Problem).show(error)
            return
        if self._try(lambda edits: edits.add(where, what, len(session.ids))):
            self.dismiss(None)

    def _try(self, move: Callable[[Edits], object]) -> bool:
        """Change the edits and list them; False, and the error below, where that cannot be done."""
        try:
            self._change(move)
        except GPTError as error:
            self.query_one(Problem).show(error)
            return False
        self.query_one(Problem).update("")
        self._edits.show_edits()
        if self.focused is self._edits.options and not self._edits.options.display and self._places:
            self.query_one("#where").focus()
        return True

    def action_undo(self) -> None:
        """Undo the last edit."""
        self._try(lambda edits: edits.undo())
