"""The next token: the logit lens at the stage, and the model's answer."""

from explorer.paint.predictions import predictions
from explorer.paint.spans import Line
from explorer.screen.panes.pane import Pane
from explorer.walk.session import Session


class NextTokenPane(Pane):
    """The likeliest next tokens, here and at the end."""

    ID = "next"
    TITLE = "Next token · at T 1"

    def draw(self, session: Session, cells: int, height: int) -> list[Line]:
        return predictions(session, cells, height)
