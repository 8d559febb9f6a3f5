"""Saving and copying what is on the screen."""

import os
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import WriteError
from explorer.files import write_new
from explorer.preferences import remembered
from explorer.screen.keeping import clipboard
from explorer.screen.keeping.capture import Captured, What, capture
from gpt import GPTError

if TYPE_CHECKING:
    from explorer.screen.dialogs.save import Choice
    from explorer.screen.main.screen import MainScreen

_FIRST = ("picture", "svg")  # what is chosen the first time


class Keeping:
    """The part of the screen that writes what is seen into files, and copies it."""

    def __init__(self, screen: "MainScreen") -> None:
        self._screen = screen
        self._last: dict[str, str] = {}

    # Saving

    def action_open(self) -> None:
        """Choose what to save, and save it."""
        from explorer.screen.dialogs.save import Choice, SaveDialog

        captured = capture(self._screen)
        last = self._last or remembered.last_saved()
        choice = Choice(last.get("what", _FIRST[0]), last.get("kind", _FIRST[1]))
        names, save, copy = partial(self._name, captured), partial(self._save, captured), partial(self._copy, captured)
        self._screen.app.push_screen(SaveDialog(choice, str(self._folder), names, save, copy))

    @property
    def _folder(self) -> Path:
        """Where files go: where the person wants them, or the working directory."""
        preferences: Any = getattr(self._screen.app, "preferences", None)
        return (preferences and preferences.value("pictures")) or Path()

    def _name(self, captured: Captured, choice: "Choice") -> str:
        """A name that no file has yet."""
        stem = f"screen-{captured.name}" if choice.what == What.SCREEN else captured.name
        number, name = 1, f"{stem}.{choice.kind}"
        while os.path.exists(self._folder / name):  # of a name that no file can have, it is False
            number += 1
            name = f"{stem}-{number}.{choice.kind}"
        return name

    def _save(self, captured: Captured, choice: "Choice", name: str) -> None:
        """Write the file, and name its path; GPTError where that cannot be done."""
        if not name.strip():
            raise WriteError("the file has no name: type one.")
        content = self._made(captured, choice)
        app = self._screen.app
        if app.is_web:  # the browser takes it
            app.deliver_binary(BytesIO(content), save_filename=Path(name).name)
        else:
            path = self._write(Path(name), content)
            app.clear_notifications()  # the last one said the same of another file
            app.notify(str(path), title="Saved", timeout=10)
        self._last = choice._asdict()
        remembered.keep_saved(**self._last)

    def _write(self, name: Path, content: bytes) -> Path:
        folder = self._folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = (folder / name.expanduser()).absolute()
            if path.is_dir():
                raise WriteError(f"{path} is a folder: type the name of a file.")
            return write_new(path, content)
        except (OSError, RuntimeError, ValueError) as error:  # ValueError: no file has such a name
            reason = getattr(error, "strerror", None) or str(error)
            raise WriteError(f"{folder / name} cannot be written: {reason}. Type another name.") from error

    def _made(self, captured: Captured, choice: "Choice") -> bytes:
        """The content of the file."""
        if choice.kind == "png":
            from explorer.saving.drawn import as_png

            return as_png(self._drawn(captured, What(choice.what)))
        return self._as_text(captured, choice).encode("utf-8", "backslashreplace")

    def _as_text(self, captured: Captured, choice: "Choice") -> str:
        from explorer.saving.formats import as_csv, as_json

        match choice.kind:
            case "svg":
                return self._drawn(captured, What(choice.what))
            case "csv":
                return as_csv(captured.numbers())
            case "json":
                return as_json(captured.numbers(), self._about())
        return captured.text[What(choice.what)] + "\n"

    def _drawn(self, captured: Captured, what: What) -> str:
        from explorer.saving.drawn import as_svg

        ground, ink = self._screen.rich_style.bgcolor, self._screen.rich_style.color
        theme = self._screen.app.ansi_theme
        assert ground is not None
        assert ink is not None
        return as_svg(
            captured.cells[what], captured.title, ground.get_truecolor(theme, False), ink.get_truecolor(theme)
        )

    def _about(self) -> dict[str, Any]:
        """The run that the numbers are of."""
        session = self._screen.ready
        assert session
        edits = session.what_if.lines(session.labels()) if session.what_if.edited else []
        return {
            "model": self._screen.header.model_name,
            "prompt": session.text,
            "ids": list(session.ids),
            "tokens": session.labels(),
            "edits": edits,
        }

    # Copying

    def action_copy(self) -> None:
        """Copy the picture: a table of numbers with tabs between them, anything else as it is drawn."""
        from explorer.api.results import Numbers
        from explorer.saving.formats import as_tsv

        captured = capture(self._screen)
        try:
            found = captured.numbers()
            numbers = as_tsv(found) if isinstance(found, Numbers) else ""
        except GPTError:
            numbers = ""
        if numbers:
            self._tell(numbers, f"{captured.title}: {len(numbers.splitlines()) - 1} rows of numbers")
        elif text := captured.text[What.PICTURE]:
            self._tell(text, f"{captured.title}: {len(text.splitlines())} lines of text")

    def _copy(self, captured: Captured, choice: "Choice") -> None:
        """Copy what would be saved; WriteError where that is no text."""
        if choice.kind == "png":
            raise WriteError("a PNG is no text, and only text can be copied: enter saves it, or copy SVG.")
        self._tell(self._as_text(captured, choice), captured.title)

    def _tell(self, text: str, about: str) -> None:
        app = self._screen.app
        problem = clipboard.copy(app, text)
        severity: Any = "warning" if problem else "information"
        title = "Copied" if not problem else "It may not be in the clipboard"
        app.notify(f"{about}. {problem}".rstrip(), title=title, severity=severity, timeout=10 if problem else None)
