"""The line at the top: which model runs, what it is doing, and how the next token is drawn."""

from explorer.paint.header import header
from explorer.paint.spans import Line
from explorer.screen.panes.pane import Host, Pane


class HeaderPane(Pane):
    """The line at the top. It is there before the model is."""

    ID = "header"

    def __init__(self, host: Host, model_name: str) -> None:
        super().__init__(host)
        self.model_name = model_name
        self.status = "loading the model …"

    def paint(self, cells: int, height: int) -> list[Line]:
        return header(self.host.session, self.model_name, self.status, cells)
