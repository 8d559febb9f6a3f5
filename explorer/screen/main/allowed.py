"""Which of the keys that work anywhere are heard now: a lesson that is open has escape, a talk hears what it shows."""

from typing import TYPE_CHECKING

from explorer.screen.main.here import here_on
from explorer.screen.main.offers import Mode

if TYPE_CHECKING:
    from explorer.screen.main.screen import MainScreen

_UNSEEN = {"prompt", "why", "code", "view", "editing", "lesson", "copying"}
"""Parts of the screen that a talk covers."""

_STAGE = ("move('stage'", "move('block'", "go('stage'")
_TEXT = ("draw", "take_back")
"""The keys that change the text: in a talk only once the prediction is revealed."""

_OWN = {Mode.PROMPT, Mode.GO_TO, Mode.SETTINGS, Mode.TALK}
"""Where escape leaves what has the keys, also beside a lesson."""


def allowed(screen: "MainScreen", part: str, action: str) -> bool:
    """Whether a key may run this action of a part now."""
    if (part, action) == ("lesson", "close"):
        return screen.has_class("-lesson") and here_on(screen).mode not in _OWN
    if action.startswith(_STAGE) and here_on(screen).walks_unseen:
        return False
    if not screen.has_class("-talking"):
        return True
    if part == "picture" and not action.startswith(("move", "go")):
        return False
    if part == "settings":  # the strip shows the prediction
        return not screen.talk.talk.hidden
    if part == "playback" and action.startswith(_TEXT):
        return not screen.talk.talk.hidden
    return part not in _UNSEEN
