"""The messages from the mouse, from threads that load or compute, and from the screen to the app."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:  # the first frame waits for none of these
    from explorer.paint.spans import Action
    from explorer.runs.trace import Trace
    from explorer.walk.session import Session
    from gpt import GPT
    from gpt.ops import Vector


@dataclass
class Clicked(Message):
    """A span with an action was clicked."""

    action: "Action"
    twice: bool = False  # it was the second click of a double one


@dataclass
class Pointed(Message):
    """The mouse moved to another span, or away."""

    action: "Action | None"  # None: there is nothing to click on
    canvas: str | None  # its id


@dataclass
class Scrolled(Message):
    """The mouse wheel was turned over a canvas."""

    by: int  # 1 is down, -1 up


@dataclass
class Opened(Message):
    """The model is loaded."""

    session: "Session"


@dataclass
class OpenFailed(Message):
    """The model cannot be loaded."""

    reason: str


@dataclass
class Loading(Message):
    """This much of the model is loaded, or downloaded."""

    done: int
    parts: int
    word: str


@dataclass
class RunEnded(Message):
    """A run is complete, or was cancelled."""

    trace: "Trace"
    finished: bool
    seconds: float


@dataclass
class RunFailed(Message):
    """The edits in force, or the model itself, make the numbers of a run infinite or undefined."""

    trace: "Trace"
    reason: str


@dataclass
class NoNumbers(Message):
    """A picture could not be computed: the model's numbers are infinite or undefined there."""

    reason: str


@dataclass
class AnswerReady(Message):
    """The logits at the end of an edited run, before the rest of it is recorded."""

    trace: "Trace"
    logits: "Vector"


@dataclass
class EngineReady(Message):
    """The model runs on the other engine."""

    before: "GPT"
    model: "GPT"


class LensReady(Message):
    """A lens that the view asked for has been computed."""


class ViewFilled(Message):
    """More of what the open view asked for has been computed."""
