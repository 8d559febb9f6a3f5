"""Saving a picture of the screen as a file."""

import os
from datetime import datetime
from pathlib import Path

from textual.app import App

from explorer.files import replacing
from gpt import GPTError


def save_picture(app: "App[str]") -> None:
    """Write the screen as SVG into the working directory, or say why that cannot be done."""
    if app.is_web:  # the browser takes it
        app.deliver_screenshot()
        return
    picture = app.export_screenshot()
    path = Path(f"gpt-explorer-{datetime.now():%Y-%m-%d-%H%M%S}.svg")
    try:
        with replacing(path) as part:
            part.write_text(picture, encoding="utf-8")
    except GPTError as error:
        app.notify(str(error), title="No picture", severity="error", timeout=10)
    else:
        app.notify(os.path.abspath(path), title="The picture is in")
