"""Where keys are pressed on the main screen: which pane hears them, and what is going on."""

from typing import TYPE_CHECKING

from explorer.screen.main.background import OPENING
from explorer.screen.main.offers import Here, Mode
from explorer.screen.panes.code import CodePane
from explorer.screen.panes.picture import PicturePane
from explorer.screen.panes.prompt import Prompt
from explorer.screen.panes.settings import SettingsPane
from explorer.screen.panes.talk import TalkPane
from explorer.screen.panes.view import ViewPane
from explorer.screen.panes.why import WhyPane
from explorer.screen.widgets.field import Field

if TYPE_CHECKING:
    from explorer.screen.main.screen import MainScreen

_MODES: dict[type, Mode] = {
    PicturePane: Mode.CURSOR,
    WhyPane: Mode.WHY,
    CodePane: Mode.CODE,
    ViewPane: Mode.VIEW,
    Prompt: Mode.PROMPT,
    SettingsPane: Mode.SETTINGS,
    Field: Mode.GO_TO,
    TalkPane: Mode.TALK,
}


def here_on(screen: "MainScreen") -> Here:
    """Where keys are pressed now."""
    session = screen.ready
    computing = bool(session and session.what_if.missing) and screen.background.computing
    player = screen.playback.player
    busy = computing or player.playing or bool(player.left_to_draw) or _opening(screen)
    lesson = screen.has_class("-lesson")  # also before anything is composed
    return Here(
        _MODES.get(type(screen.focused), Mode.LESSON if lesson else Mode.WALK),
        session,
        screen.view,
        busy=busy,
        lesson=lesson,
        stopped=bool(session and session.computing and not computing),
        adjusting=screen.settings.moved is not None,
        changed=screen.settings.moved is not None and screen.settings.moved.changed,
        typed=screen.settings.moved is not None and bool(screen.settings.moved.typed),
    )


def _opening(screen: "MainScreen") -> bool:
    """Whether another model is being opened."""
    return any(worker.group == OPENING and worker.is_running for worker in screen.app.workers)
