"""Every key of the main screen: those that work anywhere, those of each pane, and which of them do something here."""

from collections.abc import Callable, Iterable

from textual.binding import Binding, BindingType

from explorer.screen.main.keys import SECTIONS
from explorer.screen.main.offers import FOOTERS, Here, Mode, works
from explorer.screen.panes.code import CodePane
from explorer.screen.panes.go_to import GoTo
from explorer.screen.panes.picture import PicturePane
from explorer.screen.panes.prompt import Prompt
from explorer.screen.panes.settings import SettingsPane
from explorer.screen.panes.talk import TalkPane
from explorer.screen.panes.view import ViewPane
from explorer.screen.panes.why import WhyPane


def _keys(bindings: list[BindingType]) -> list[Binding]:
    return [binding for binding in bindings if isinstance(binding, Binding)]


PANES: dict[Mode, list[Binding]] = {
    Mode.CURSOR: _keys(PicturePane.BINDINGS),
    Mode.WHY: _keys(WhyPane.BINDINGS),
    Mode.CODE: _keys(CodePane.BINDINGS),
    Mode.VIEW: _keys(ViewPane.BINDINGS),
    Mode.SETTINGS: _keys(SettingsPane.BINDINGS),
    Mode.GO_TO: _keys(GoTo.BINDINGS),
    Mode.PROMPT: _keys(Prompt.BINDINGS),
    Mode.TALK: _keys(TalkPane.BINDINGS),
}
"""The keys that work only while a pane has them."""

_TITLES = {
    Mode.CURSOR: "While the cursor moves",
    Mode.WHY: "Why?",
    Mode.CODE: "In the code",
    Mode.VIEW: "In a view",
    Mode.SETTINGS: "In the settings",
    Mode.GO_TO: "Jumping to a place",
    Mode.PROMPT: "In the prompt",
    Mode.TALK: "In a talk",
}

ALL: dict[str, list[Binding]] = SECTIONS | {_TITLES[mode]: bindings for mode, bindings in PANES.items()}
"""Every key, by the titles of the sections of the help."""


Now = Callable[[Binding], Binding | None]
"""A binding as it is after a person has moved keys; None where no key is left for it."""


def moved(bindings: Iterable[Binding], now: Now) -> list[Binding]:
    """These keys as they are now."""
    return [found for binding in bindings if (found := now(binding))]


def keys_here(here: Here, now: Now = lambda binding: binding) -> list[Binding]:
    """The keys that do something here: the pane's or the stage's own first, then the others."""
    by_id = {binding.id: binding for bindings in ALL.values() for binding in moved(bindings, now)}
    own = moved(PANES.get(here.mode, []), now)
    taken = {key for binding in own for key in binding.key.split(",")}
    ids = [id for offer in FOOTERS[here.mode] for id in offer.ids.split()]
    first = [by_id[id] for id in dict.fromkeys([*ids, *(binding.id for binding in own)]) if id in by_id]
    heard = [
        binding for binding in first if binding in own or binding.priority or not set(binding.key.split(",")) & taken
    ]
    return [binding for binding in heard if binding.id and works(binding.id, here)]
