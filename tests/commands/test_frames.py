"""How many frames a second are drawn: asked for, by the place, or as the user's own setting says."""

import argparse
import os
import subprocess
import sys

import pytest

from explorer.commands import frames


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, 30),
        ({"TMUX": "/tmp/x,1,0"}, 12),
        ({"SSH_CONNECTION": "a 1 b 2"}, 12),
        ({"STY": "1.x"}, 12),
        ({"TMUX": ""}, 30),
    ],
)
def test_by_the_place(environment: dict[str, str], expected: int) -> None:
    assert frames.usual(environment) == expected


@pytest.mark.parametrize("text", ["0", "61", "-1", "", "ten", "1.5", "9" * 5000, "²"])
def test_what_is_no_number_of_frames(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="from 1 to 60"):
        frames.frames(text)


@pytest.mark.parametrize(("asked", "own", "expected"), [(24, None, "24"), (24, "50", "24"), (None, "50", "50")])
def test_what_is_asked_for_counts_most(
    asked: int | None, own: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEXTUAL_FPS", raising=False)
    if own:
        monkeypatch.setenv("TEXTUAL_FPS", own)
    frames.limit_frames(asked)
    assert os.environ["TEXTUAL_FPS"] == expected


def test_the_screen_draws_so_many() -> None:
    """Textual reads the number when it is imported, which must not be before."""
    program = (
        "import explorer.commands.explore as c; c.limit_frames(12); "
        "from textual.screen import UPDATE_PERIOD; print(1 / UPDATE_PERIOD)"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert float(shown.stdout) == pytest.approx(12)
