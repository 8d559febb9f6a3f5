"""The first keys: none asks for a file or a module on the screen's thread, and what is typed stays."""

import asyncio
import builtins
import os
import subprocess
import sys
import threading
from typing import Any

import pytest

from explorer.screen import turns
from explorer.screen.ahead import prepare
from explorer.screen.app import ExplorerApp
from explorer.screen.main.screen import MainScreen
from explorer.screen.panes.prompt import Prompt
from tests.helpers.pilot import PROMPT, Gate, computed, opened, press, session, text, tiny, until

WATCHED = ("open", "stat", "lstat", "listdir", "scandir")


async def test_keys_ask_the_file_system_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def watch(module: Any, name: str) -> None:
        real = getattr(module, name)

        def noting(*arguments: Any, **options: Any) -> Any:
            if threading.current_thread() is threading.main_thread():
                asked.append(f"{name} {arguments}")
            return real(*arguments, **options)

        monkeypatch.setattr(module, name, noting)

    async with opened() as (pilot, _):
        for name in WATCHED:
            watch(os, name)
        watch(builtins, "open")
        await press(pilot, *["right"] * 26, "enter", "f", "escape", "i", "right", "escape")
        monkeypatch.undo()
    assert asked == []


def test_keys_import_nothing() -> None:
    """In a program of its own, since what a test before this one imported stays imported."""
    keys = ["right"] * 26 + [key for view in "123456" for key in (view, "escape")]
    keys += ["enter", "escape", "i", "right", "escape", "question_mark", "escape", "s", "escape", "x", "escape"]
    keys += ["j", "b", "tab", "escape", "right_square_bracket", "R", "escape"]
    program = (
        "import asyncio, sys\n"
        "from tests.helpers.pilot import opened, press\n"
        "async def main():\n"
        "    async with opened() as (pilot, screen):\n"
        "        known = set(sys.modules)\n"
        f"        await press(pilot, *{keys!r}, 'ctrl+p', 'escape')\n"
        "        print(*sorted(set(sys.modules) - known))\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_preparing_needs_no_screen() -> None:
    prepare()


async def test_what_is_typed_while_the_model_loads_stays() -> None:
    loaded, opening = threading.Event(), session()

    def load(progress: object) -> Any:
        assert loaded.wait(60)
        return opening

    app = ExplorerApp(load, PROMPT, "tiny")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.get_default_screen()
        assert isinstance(screen, MainScreen)
        prompt = screen.query_one(Prompt)
        await press(pilot, "slash", *" cat")
        loaded.set()
        await until(pilot, lambda: opening.ids)
        await computed(pilot)
        assert prompt.has_focus
        assert prompt.value == f"{PROMPT} cat"
        assert opening.text == PROMPT
        await press(pilot, *"s")
        assert "·cats" in " ".join(text(screen, "tokens")).replace("   ", "")
        await press(pilot, "enter")
        await computed(pilot)
        assert opening.text == f"{PROMPT} cats"


def test_a_computing_thread_waits_while_the_screen_is_busy_and_goes_on_when_it_rests() -> None:
    loop = turns.new_event_loop()
    if sys.platform == "win32":
        return
    passed, busy = threading.Event(), threading.Event()

    def compute() -> None:
        assert busy.wait(60)
        turns.give_way(60)
        passed.set()

    async def work() -> bool:
        busy.set()
        early = passed.wait(0.2)  # the loop is at work: no turn for others
        while not passed.is_set():
            await asyncio.sleep(0.01)
        return early

    thread = threading.Thread(target=compute)
    thread.start()
    try:
        assert loop.run_until_complete(work()) is False
    finally:
        thread.join()
        loop.close()
    turns.give_way(60)  # no loop, nobody to wait for


async def test_a_run_goes_on_however_busy_the_screen_is() -> None:
    gate = Gate(tiny())
    gate.open.set()
    turns._resting.clear()
    try:
        async with opened(session(gate.model), wait=False) as (pilot, _):
            await computed(pilot)
    finally:
        turns._resting.set()
