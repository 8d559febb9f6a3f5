"""Campaigns on the screen: keys, mouse, resizes and pastes, through Pilot and through a pseudo-terminal."""

import asyncio
import os
import random
import sys
from pathlib import Path
from unittest.mock import patch

from textual import events
from textual.geometry import Offset
from textual.pilot import Pilot

from explorer.screen.main.screen import MainScreen
from tests.fuzz import hostile
from tests.helpers.confined import confined
from tests.helpers.pilot import all_keys, opened, session, tiny

_KEYS_AT_A_TIME = 150
_SENT_AT_A_TIME = 60
_KEYS = [
    key for bindings in all_keys().values() for binding in bindings for key in binding.key.split(",") if key != "q"
]
_TYPED = [
    *(*"abc XYZ019.!", "tab", "shift+tab", "enter", "escape", "delete", "backspace", "ctrl+a", "ctrl+e", "ctrl+k"),
    *("ctrl+w", "shift+enter", "é", "猫", "left_square_bracket", "pageup", "pagedown", "home", "end", "up", "down"),
    *("left", "right", "shift+left", "shift+home", "ctrl+left", "ctrl+c", "ctrl+x", "ctrl+v", "ctrl+z", "ctrl+y"),
]


_SENT = [
    b"\x1b[C",
    b"\x1b[D",
    b"\x1b[A",
    b"\x1b[B",
    b"\r",
    b"\t",
    b"\x1b",
    *(b"%c" % each for each in b"?123456xswnzXiovhcm/"),
]


def keys(dice: random.Random, folder: Path) -> int:
    """A session with random keys, clicks, wheels, pastes and resizes; each of them is a case."""
    with confined(folder):  # it saves under names that are typed
        asyncio.run(_play(dice))
    return _KEYS_AT_A_TIME


async def _play(dice: random.Random) -> None:
    opening = session(tiny(n_positions=24, n_layer=dice.choice((1, 2))))
    size = dice.choice(((80, 24), (120, 36), (160, 48), (60, 20)))
    async with opened(opening, size, notices=dice.random() < 0.5) as (pilot, screen):
        done: list[str] = []
        for number in range(_KEYS_AT_A_TIME):
            done.append(await _event(dice, pilot))
            if number % 4 == 0:
                await pilot.pause()
            _check_session(screen)
        await pilot.pause()
        for strip in pilot.app.screen._compositor.render_strips():
            hostile.check_printable(strip.text)
        await pilot.resize_terminal(120, 36)
        for _ in range(10):
            if pilot.app.screen is screen:
                break
            await pilot.press("escape")
        assert pilot.app.screen is screen, done
        assert pilot.app.is_running


async def _event(dice: random.Random, pilot: "Pilot[str]") -> str:
    """Send one event; returns its name."""
    kind, app = dice.random(), pilot.app
    if kind < 0.04:
        await pilot.resize_terminal(dice.choice((1, 20, 80, 120, 200)), dice.choice((1, 3, 24, 36, 60)))
        return "resize"
    if kind < 0.08:
        app.post_message(events.Paste(hostile.text(dice, 8)))
        return "paste"
    if kind < 0.25:
        return _mouse(dice, pilot)
    key = dice.choice(_TYPED if dice.random() < 0.35 else _KEYS)
    app.simulate_key(key)
    return key


def _mouse(dice: random.Random, pilot: "Pilot[str]") -> str:
    app = pilot.app
    place = Offset(dice.randrange(max(1, app.size.width)), dice.randrange(max(1, app.size.height)))
    kinds: list[type[events.MouseEvent]] = dice.choice(
        (
            [events.MouseDown, events.MouseUp],
            [events.MouseDown, events.MouseUp],
            [events.MouseDown, events.MouseMove, events.MouseUp],
            [events.MouseMove],
            [events.MouseScrollDown],
            [events.MouseScrollUp],
            [events.MouseDown],
        )
    )
    button = dice.choice((1, 1, 1, 2, 3))
    for kind in kinds:
        app.post_message(kind(None, *place, 0, 0, button, False, False, False, *place, None))
    return kinds[0].__name__


def _check_session(screen: MainScreen) -> None:
    here = screen.session
    if here is None or not here.ids:
        return
    cursor = here.cursor
    assert 0 <= cursor.stage_index < len(cursor.stages)
    assert 0 <= cursor.position < len(here.ids) == cursor.length <= 24
    assert 0 <= cursor.column < cursor.columns
    here.cell()


def _confined(folder: Path) -> str:
    """The program's own process is confined too."""
    tests = str(Path(__file__).resolve().parents[2])
    return (
        f"sys.path.append({tests!r}); from pathlib import Path; from tests.helpers.confined import confine; "
        f"confine(Path({str(folder)!r})); import explorer.__main__"
    )


def terminal(dice: random.Random, folder: Path) -> int:
    """The whole program in a pseudo-terminal, sent random bytes and sizes; at the end the terminal is restored."""
    if sys.platform == "win32":
        return 0
    import signal

    from tests.helpers.pseudo_terminal import ALTERNATE, Program, restored

    with confined(folder), patch.dict(os.environ, {"GPT_EXPLORER_STATE": str(folder / "state")}):
        program = Program("Once", code=_confined(folder))
        program.until(lambda: b"computed in" in program.seen or b"last session" in program.seen)
        for _ in range(_SENT_AT_A_TIME):
            kind = dice.random()
            if kind < 0.05:
                program.resize(dice.choice((20, 80, 120)), dice.choice((5, 24, 40)))
            elif kind < 0.2:
                place = f"{dice.randint(1, 130)};{dice.randint(1, 40)}"
                program.send(f"\x1b[<{dice.choice((0, 1, 2, 35, 64, 65))};{place}{dice.choice('Mm')}".encode())
            elif kind < 0.25:
                pasted = hostile.text(dice, 4).encode("utf-8", "surrogatepass" if dice.random() < 0.5 else "replace")
                program.send(b"\x1b[200~" + pasted.replace(b"\x1b", b"") + b"\x1b[201~")
            else:
                program.send(dice.choice(_SENT))
            program.read_some()
        status = program.end(dice.choice((signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)))
    assert status >= 128, (status, program.seen[-1500:])
    assert ALTERNATE in program.seen
    assert restored(program.seen), program.seen[-1500:]
    assert b"Traceback" not in program.seen
    assert b"this is a bug" not in program.seen, program.seen[-3000:]
    return _SENT_AT_A_TIME
