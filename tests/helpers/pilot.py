"""The app under test: opened at a size, waited for, read from its screen."""

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.binding import Binding
from textual.pilot import Pilot
from textual.screen import Screen

from explorer.paint.spans import Action
from explorer.screen.app import ExplorerApp
from explorer.screen.main.keys import SECTIONS
from explorer.screen.main.screen import MainScreen
from explorer.screen.panes.code import CodePane
from explorer.screen.panes.go_to import GoTo
from explorer.screen.panes.picture import PicturePane
from explorer.screen.panes.prompt import Prompt
from explorer.screen.panes.settings import SettingsPane
from explorer.screen.panes.talk import TalkPane
from explorer.screen.panes.view import ViewPane
from explorer.screen.panes.why import WhyPane
from explorer.screen.widgets.canvas import Canvas
from explorer.walk.on_screen import wanted_lenses
from explorer.walk.session import Session
from explorer.walk.vector_questions import questions
from gpt import GPT, Sampling, ops
from tests.helpers.exhaustive import exhaustive
from tests.helpers.models import embedded, small_model

SIZES: Any = [(80, 24), *exhaustive((120, 36), (160, 48))]
PANES = (PicturePane, WhyPane, CodePane, ViewPane, SettingsPane, GoTo, Prompt, TalkPane)
"""Those with keys of their own."""
PROMPT = "Once upon a time there was"
SAMPLING = Sampling(0.8, 40)


def tiny(**config: Any) -> GPT:
    """A model of the embedded vocabulary that takes no time."""
    sizes: dict[str, Any] = {"vocab_size": 4096, "n_embd": 6, "n_layer": 2, "n_head": 3, "n_positions": 64} | config
    return small_model(**sizes)


def session(model: GPT | None = None, seed: int = 42, tokenizer: Any = None) -> Session:
    """A session on a tiny model, with the embedded tokenizer."""
    return Session(model or tiny(), tokenizer or embedded()[1].tokenizer, SAMPLING, seed)


@asynccontextmanager
async def opened(
    opening: Session | None = None,
    size: tuple[int, int] = (120, 36),
    prompt: str = PROMPT,
    wait: bool = True,
    notices: bool = False,
) -> AsyncIterator[tuple[Pilot[str], MainScreen]]:
    """The app with a session; by default its prompt has been computed, and notices are not drawn."""
    opening = opening or session()
    app = ExplorerApp(lambda progress: opening, prompt, "tiny")
    async with running(app, size, wait, notices) as (pilot, screen):
        try:
            yield pilot, screen
        finally:  # a test that fails must not wait for a gate that it would have opened
            for gate in _gates:
                gate.set()


@asynccontextmanager
async def running(
    app: ExplorerApp, size: tuple[int, int] = (80, 24), wait: bool = True, notices: bool = False
) -> AsyncIterator[tuple[Pilot[str], MainScreen]]:
    """This app with its model open; by default its prompt has been computed, and notices are not drawn."""
    async with app.run_test(size=size, notifications=notices) as pilot:
        screen = app.get_default_screen()
        assert isinstance(screen, MainScreen)
        await until(pilot, lambda: screen.session)
        if wait:
            await computed(pilot)
        yield pilot, screen


_gates: list[threading.Event] = []


def gate() -> threading.Event:
    """An event to wait for; it is set, at the latest, when `opened` ends."""
    _gates.append(threading.Event())
    return _gates[-1]


async def until(pilot: Pilot[str], happened: Callable[[], object]) -> None:
    """Wait until something happens, however long it takes. It fails after 1500 checks with no work in the background;
    while there is work, a check counts a twentieth."""
    looks = 0.0
    while looks < 1500:
        await pilot.pause(0.01)
        if happened():
            return
        looks += 0.05 if any(worker.is_running for worker in pilot.app.workers) else 1
    raise AssertionError("it never happened")


async def computed(pilot: Pilot[str]) -> None:
    """Wait until the prompt is computed, the lenses of the view too, and both are shown."""
    screen = pilot.app.screen_stack[0]
    assert isinstance(screen, MainScreen)
    here = screen.session
    assert here
    await until(pilot, lambda: here.ids and not here.computing and not wanted_lenses(here) and not questions(here))
    await pilot.pause()


def all_keys() -> dict[str, list[Binding]]:
    """All keys of the main screen: those that work anywhere, by section, and those of each pane, by its id."""
    return SECTIONS | {pane.ID: [key for key in pane.BINDINGS if isinstance(key, Binding)] for pane in PANES}


async def press(pilot: Pilot[str], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause()


def text(screen: MainScreen, name: str) -> list[str]:
    """The lines of text that a canvas shows."""
    canvas = screen.query_one(f"#{name}", Canvas)
    return [canvas.render_line(y).text.rstrip() for y in range(canvas.size.height)]


async def click(pilot: Pilot[str], name: str, action: Action) -> None:
    """Click on the span of a canvas that asks for this."""
    canvas = pilot.app.screen.query_one(f"#{name}", Canvas)
    left, top = canvas.content_region.x - canvas.region.x, canvas.content_region.y - canvas.region.y
    for y, line in enumerate(canvas.lines):
        x = 0
        for span in line:
            if span.action == action:
                await pilot.click(f"#{name}", offset=(left + x, top + y))
                await pilot.pause()
                return
            x += len(span.text)
    raise AssertionError(f"nothing in #{name} asks for {action}")


class Gate:
    """An arithmetic that stops at every activation function until it is let through."""

    def __init__(self, model: GPT) -> None:
        self.open, self.reached = gate(), threading.Event()
        self.model = GPT(model.config, model.weights, ops=self)

    def __getattr__(self, name: str) -> Any:
        return getattr(ops, name)

    def activate(self, x: Any, activation: str) -> Any:
        self.reached.set()
        self.open.wait()
        return ops.activate(x, activation)


def texts(screen: Screen[object], canvas: Canvas) -> list[str]:
    """The rows of a canvas as the compositor holds them."""
    region = canvas.content_region
    rows = screen._compositor.render_strips()[region.y : region.bottom]
    return [row.crop(region.x, region.right).text for row in rows]
