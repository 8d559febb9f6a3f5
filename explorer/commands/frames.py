"""How many frames a second the screen draws: fewer where each has a long way to go."""

import argparse
import os
from collections.abc import Mapping

FRAMES, FRAMES_FAR = 30, 12
_MOST = 60
_VARIABLE = "TEXTUAL_FPS"  # Textual reads it when it is imported
_FAR = ("SSH_CONNECTION", "SSH_TTY", "TMUX", "STY")


def frames(text: str) -> int:
    """A number of frames a second, 1 to 60."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= _MOST:
        raise argparse.ArgumentTypeError(f"give a whole number from 1 to {_MOST}")
    return int(text)


def usual(environment: Mapping[str, str]) -> int:
    """The frames a second where nobody asks for a number: fewer over ssh, in tmux and in screen."""
    return FRAMES_FAR if any(environment.get(name) for name in _FAR) else FRAMES


def limit_frames(asked: int | None) -> None:
    """Let Textual draw so many frames a second at most. A user's own TEXTUAL_FPS counts more than the usual number."""
    if asked is not None:
        os.environ[_VARIABLE] = str(asked)
    else:
        os.environ.setdefault(_VARIABLE, str(usual(os.environ)))
