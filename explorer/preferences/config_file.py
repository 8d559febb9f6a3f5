"""The file of a person's settings: where it is, and what it says, with the line of everything in it.

A line that is no TOML is reported and left out, and the rest is read.
"""

import os
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from explorer.preferences.problem import Place, Problem
from explorer.terminal.glyphs import one_line

VARIABLE = "GPT_EXPLORER_CONFIG"
"""Names another file; if it is empty, none is read."""

_LARGEST = 100_000  # bytes: far more than anybody writes by hand
_MOST_WRONG = 20  # lines that are left out before the file is given up
_DOTTED = re.compile(r"\s*\w+\.[\w.]+\s*=")  # it is a table in TOML, and cannot stand beside a value of its first part
_LINE = re.compile(r" \(at line (\d+), column (\d+)\)$")


@dataclass
class ConfigFile:
    """The content of the file: its tables, and what is wrong with it."""

    path: Path | None  # None: no file is read
    exists: bool = False
    tables: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)  # without those that were left out

    def place(self, *keys: str) -> Place:
        """The place at which something is said; of a table its first line."""
        return Place(str(self.path), line_of(self.lines, keys))


def find() -> Path | None:
    """The path of the file, which need not be there; None where none is to be read."""
    named = os.environ.get(VARIABLE)
    if named == "":
        return None
    if named:
        try:
            return Path(named).expanduser()
        except RuntimeError:  # there is no such user
            return Path(named)
    from platformdirs import user_config_path  # only now: it is not needed to start

    return user_config_path("gpt-explorer") / "config.toml"


def read(path: Path | None) -> ConfigFile:
    """Read the file; what is wrong with it is in its `problems`."""
    found = ConfigFile(path)
    if path is None:
        return found
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        found.exists = True
        if len(content) > _LARGEST:
            return _given_up(found, f"it has more than {_LARGEST:,} bytes: these are no settings. Nothing of it holds.")
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        if os.environ.get(VARIABLE):
            return _given_up(
                found, f"there is no such file, and {VARIABLE} names it. `gpt-explorer config --example` prints one."
            )
        return found
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return _given_up(found, "this is not UTF-8: save the file as UTF-8. Nothing of it holds.", line)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return _given_up(found, f"this file cannot be read: {reason}. Nothing of it holds.")
    found.lines = text.splitlines()
    _parse(found)
    return found


def _given_up(found: ConfigFile, words: str, line: int | None = None) -> ConfigFile:
    found.problems.append(Problem(Place(str(found.path), line), words))
    return found


def _parse(found: ConfigFile) -> None:
    """Read the tables. A line that is wrong is left out, a table whose head is wrong as a whole."""
    for _ in range(_MOST_WRONG):
        try:
            found.tables = tomllib.loads("\n".join(found.lines) + "\n")
            return
        except RecursionError:
            _given_up(found, "it is nested too deeply: these are no settings. Nothing of it holds.")
            return
        except tomllib.TOMLDecodeError as error:
            at = _LINE.search(str(error))
            line = int(at[1]) if at else _last_whole(found.lines) + 1
            reason = one_line(_LINE.sub("", str(error)).removesuffix(" (at end of document)")).rstrip(".")
        last = _end_of_table(found.lines, line) if found.lines[line - 1].lstrip().startswith("[") else line
        last = last if at else len(found.lines)
        hint = ' Put a name with a dot in quotation marks: "draw.many".' if _DOTTED.match(found.lines[line - 1]) else ""
        left = "this line is" if last == line else f"lines {line} to {last} are"
        _given_up(found, f"this is not TOML: {reason}. Mend it; {left} left out.{hint}", line)
        found.lines[line - 1 : last] = [""] * (last - line + 1)
    _given_up(found, f"more than {_MOST_WRONG} lines are no TOML. Nothing of it holds.")


def _end_of_table(lines: Sequence[str], head: int) -> int:
    """The last line of the table that begins at a line."""
    following = (number for number in range(head, len(lines)) if lines[number].lstrip().startswith("["))
    return next(following, len(lines))


def _last_whole(lines: Sequence[str]) -> int:
    """The most lines from the beginning that are TOML."""
    return next((count for count in range(len(lines) - 1, -1, -1) if _read_in_part(lines, count) is not None), 0)


def _read_in_part(lines: Sequence[str], count: int) -> dict[str, Any] | None:
    try:
        return tomllib.loads("\n".join(lines[:count]) + "\n")
    except tomllib.TOMLDecodeError:
        return None


def line_of(lines: Sequence[str], keys: Sequence[str]) -> int | None:
    """The line at which a key is said, counted from 1: line_of(["[keys]", "draw = 'd'"], ["keys", "draw"]) = 2

    It is the line without which the file does not have the key. None where no line says it.
    """
    for number, line in enumerate(lines):
        if keys[-1] not in line and "\\" not in line:  # a key may be written with escapes
            continue
        before = _read_in_part(lines, number)
        if before is None or _has(before, keys):  # None: in the middle of a value
            continue
        wholes = (_read_in_part(lines, count) for count in range(number + 1, len(lines) + 1))
        if _has(next((whole for whole in wholes if whole is not None), None), keys):
            return number + 1
    return None


def _has(tables: Any, keys: Sequence[str]) -> bool:
    for key in keys:
        if not isinstance(tables, dict) or key not in tables:
            return False
        tables = tables[key]
    return True
