"""The bar of a tour, above the picture: as high as its text."""

from collections.abc import Callable

from explorer.paint.spans import Line
from explorer.paint.tour import HEIGHT, LOW_HEIGHT, tour
from explorer.screen.panes.pane import Host, Pane
from explorer.teaching.playing import Playing
from explorer.walk.session import Session

_TALL = 24  # lines
_MARGIN = 4  # cells beside the text


class TourBar(Pane):
    """The text of the tour here. It takes no focus: all keys of the walk work on."""

    ID = "tour"
    WHEEL = "stage"

    def __init__(self, host: Host, shown: Callable[[], Playing | None]) -> None:
        """`shown` gives the tour that is on the screen; None while there is none."""
        super().__init__(host)
        self._shown = shown

    def draw(self, session: Session, cells: int, height: int) -> list[Line]:
        playing = self._shown()
        return tour(playing, cells, HEIGHT if self.app.size.height >= _TALL else LOW_HEIGHT) if playing else []

    def fit(self) -> None:
        """Show the bar, as high as its text; or not, without a tour."""
        playing, session = self._shown(), self.host.ready
        self.screen.set_class(playing is not None, "-touring")
        if playing and session:
            self.styles.height = len(self.paint(self.app.size.width - _MARGIN, 0))
