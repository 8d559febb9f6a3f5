"""The line at the bottom, with the keys that do something here."""

from collections.abc import Callable

from textual.binding import Binding
from textual.screen import Screen

from explorer.paint.footer import footer
from explorer.paint.spans import Line
from explorer.screen.main.offers import Here, Mode, name_of, offered, works
from explorer.screen.messages import Clicked
from explorer.screen.panes.pane import Host, Pane


class FooterPane(Pane):
    """The footer: it is drawn again whenever the keys that are heard change. A click presses the key."""

    ID = "footer"

    def __init__(self, host: Host, here: Callable[[], Here]) -> None:
        super().__init__(host)
        self._here = here
        self._keys: list[str] = []  # by the number of an offer, the key that a click on it presses

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[object]) -> None:
        self.repaint()

    def paint(self, cells: int, height: int) -> list[Line]:
        if self.app.screen is not self.screen:  # a dialog has the keys, and says which
            return []
        here = self._here()
        heard: dict[str | None, Binding] = {}
        for found in self.screen.active_bindings.values():
            heard.setdefault(found.binding.id, found.binding)
        shown, self._keys = [], []
        for offer in offered(here):
            bindings = [heard[id] for id in offer.ids.split() if id in heard and works(id, here)]
            if bindings:
                ends = [bindings[0], bindings[-1]] if offer.between else bindings
                shown.append((offer.between.join(map(self.app.get_key_display, ends)), offer.said(here)))
                self._keys.append(bindings[-1].key)
        if here.mode in (Mode.PROMPT, Mode.GO_TO) or "help" not in heard:  # there a question mark is typed
            return [footer(name_of(here), shown, None, cells)]
        self._keys.append(heard["help"].key)
        last = self.app.get_key_display(heard["help"]), "help"
        return [footer(name_of(here), shown, last, cells)]

    def on_clicked(self, message: Clicked) -> None:
        message.stop()
        _, *numbers = message.action
        if (number := numbers[0]) < len(self._keys):
            self.app.simulate_key(self._keys[number])
