"""Recording keys and clicks, and playing them again in the same app."""

import asyncio
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import App

from explorer.teaching.recording import Event, Recorder, Recording
from explorer.teaching.spots import Spot
from gpt import GPTError

if TYPE_CHECKING:
    from explorer.screen.main.screen import MainScreen

GROUP = "replay"
_MICE: dict[str, type[events.MouseEvent]] = {
    "down": events.MouseDown,
    "up": events.MouseUp,
    "scroll_down": events.MouseScrollDown,
    "scroll_up": events.MouseScrollUp,
}
_A_MOMENT = 0.02  # seconds


def record(recorder: Recorder, event: events.Event, screen: "MainScreen") -> None:
    """Write an event of the terminal, and where the walk stands."""
    if not isinstance(event, (events.InputEvent, events.Paste)) or event.is_forwarded:
        return
    if isinstance(event, events.Key):
        recorder.note({"key": event.key, "character": event.character}, _here(screen))
    elif isinstance(event, events.Paste):
        recorder.note({"paste": event.text}, _here(screen))
    elif isinstance(event, events.MouseEvent):
        name = next((name for name, kind in _MICE.items() if type(event) is kind), None)
        if name:
            recorder.note({"mouse": name, "x": int(event.x), "y": int(event.y)}, _here(screen))


def _here(screen: "MainScreen") -> Spot | None:
    session = screen.ready
    if session is None or session.recorded:
        return None
    with suppress(GPTError):
        return screen.tours.visiting.here(session)
    return None


async def play(app: App[Any], recording: Recording, speed: float) -> None:
    """Send the events of a recording at their times, but none before what the ones before it asked for is computed."""
    began = monotonic()
    await quiet(app)
    for event in recording.inputs():
        await asyncio.sleep(max(0.0, event.at / speed - (monotonic() - began)))
        await quiet(app)
        app.post_message(as_input(event))
    await quiet(app)


async def quiet(app: App[Any]) -> None:
    """Wait until everything is computed and drawn."""
    while True:
        drawn = asyncio.Event()
        app.screen.call_after_refresh(drawn.set)
        with suppress(TimeoutError):  # a screen that was closed meanwhile calls nobody
            await asyncio.wait_for(drawn.wait(), 1)
        if all(worker.is_finished or worker.group == GROUP for worker in app.workers):
            return
        await asyncio.sleep(_A_MOMENT)


def as_input(event: Event) -> events.Event:
    """The event that a terminal would have sent."""
    if event.key:
        return events.Key(event.key, event.character)
    if event.paste:
        return events.Paste(event.paste)
    delta = {"scroll_down": 1, "scroll_up": -1}.get(event.mouse, 0)
    button = 1 if event.mouse in ("down", "up") else 0
    kind = _MICE.get(event.mouse, events.MouseUp)
    return kind(None, event.x, event.y, 0, delta, button, False, False, False, event.x, event.y)
