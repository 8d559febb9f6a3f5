"""Copying to the clipboard of the terminal, with OSC 52: it works over ssh too. tmux has a word in it."""

import os
import subprocess
from typing import Any

from textual.app import App

_PATIENCE = 2.0  # seconds for tmux to answer
_MANY = 74_994  # bytes: what xterm and others take at once, in base64

ALLOW = "To allow it: tmux set -s set-clipboard on"


def copy(app: App[Any], text: str) -> str:
    """Copy a text; what may keep it from the clipboard, in words, or "" where nothing is known to."""
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")  # half a character is none
    app.copy_to_clipboard(text)
    if app.is_web:
        return ""
    if os.environ.get("TMUX"):
        return _through_tmux(text)
    if os.environ.get("STY"):
        return "GNU screen does not pass it on to the terminal's clipboard: W saves it as a file."
    if os.environ.get("TERM", "").startswith(("tmux", "screen")):  # on the other end of ssh: it cannot be asked
        return f"If it is not there: the tmux around this one does not let programs copy. {ALLOW}"
    if os.environ.get("TERM_PROGRAM") == "Apple_Terminal":
        return "macOS Terminal does not take it: use another terminal, or W, which saves it as a file."
    if len(text.encode("utf-8")) * 4 / 3 > _MANY:
        return "It is long, and some terminals take less: W saves it as a file."
    return ""


def _through_tmux(text: str) -> str:
    """tmux takes what programs copy only where `set-clipboard` is on. Else it is asked to do it itself."""
    allowed = _tmux("show-options", "-sv", "set-clipboard")
    if allowed == "on":
        return ""
    if allowed is None:
        return f"tmux did not say whether it lets programs copy. {ALLOW}"
    if _tmux("load-buffer", "-w", "-", text=text) is None:
        return f"tmux does not let programs copy (set-clipboard is {allowed}). {ALLOW}"
    if allowed == "external":  # then it gives what it has itself to the terminal
        return ""
    return f"tmux does not use the clipboard (set-clipboard is {allowed}): prefix ] pastes it in tmux. {ALLOW}"


def _tmux(*words: str, text: str = "") -> str | None:
    """The answer of tmux; None where it fails."""
    try:
        done = subprocess.run(
            ["tmux", *words], input=text.encode("utf-8"), capture_output=True, timeout=_PATIENCE, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace").strip()
