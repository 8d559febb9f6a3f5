"""The list of tours; during a tour that of its Stops."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from explorer.teaching.playing import Playing
from explorer.teaching.tours import Tour


class Choice(NamedTuple):
    """A Stop of the tour that is played, or a tour to begin."""

    stop: int | None = None
    tour: Tour | None = None


class TourList(ModalScreen[Choice | None]):
    """Enter goes there; Escape leaves everything as it is."""

    BINDINGS = [Binding("escape,T,q", "dismiss(None)", "Leave", id="tours.leave")]

    def __init__(self, tours: Sequence[Tour], playing: Playing | None) -> None:
        super().__init__()
        self._playing = playing
        self._tours = tours
        self._choices: list[Choice] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="tours", classes="dialog") as dialog:
            dialog.border_title = "Tours"
            dialog.border_subtitle = "enter goes there · esc leaves"
            yield OptionList(*self._options(), compact=True)

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        options.highlighted = self._playing.at if self._playing else 0
        options.focus()

    def _options(self) -> list[Option | None]:
        options: list[Option | None] = []
        if playing := self._playing:
            for number, stop in enumerate(playing.tour.stops):
                mark = "●" if number == playing.at else " "
                options.append(self._option(f"{mark} {number + 1:2}  {stop.title}", Choice(stop=number)))
            options.append(None)
        for tour in self._tours:
            words = f"  {tour.title} · {tour.minutes} minutes, {len(tour.stops)} Stops"
            options.append(self._option(words, Choice(tour=tour)))
        return options

    def _option(self, words: str, choice: Choice) -> Option:
        self._choices.append(choice)
        return Option(Text(words, no_wrap=True, overflow="ellipsis"))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._choices[event.option_index])
