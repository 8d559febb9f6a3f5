"""The tokens below the prompt: those of the run, or those that the text being typed would become."""

from explorer.paint.spans import Line
from explorer.paint.tokens import TokenRow, tokens
from explorer.screen.panes.pane import Host, Pane


class TokensPane(Pane):
    """The tokens with their ids. A click goes to one."""

    ID = "tokens"

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self.typed: list[int] | None = None  # the ids of the text being typed; None: show those of the run

    def paint(self, cells: int, height: int) -> list[Line]:
        session = self.host.session
        if session is None:
            return []
        if self.typed is None:
            row = TokenRow(session.ids, session.labels(), session.position, session.prompt_length)
        else:
            row = TokenRow(self.typed, [session.label(token) for token in self.typed], None, len(self.typed))
        return tokens(row, cells, height)
