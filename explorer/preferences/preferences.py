"""A person's settings together: the file, the variables of the environment over it, and where each comes from."""

import argparse
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from explorer.preferences import config_file
from explorer.preferences.config_file import ConfigFile
from explorer.preferences.problem import Place, Problem, meant
from explorer.preferences.settings import BY_NAME, KEYS, PREFIX, SETTINGS, Setting
from explorer.teaching import state_folder
from explorer.terminal.glyphs import quoted

_OTHERS = (config_file.VARIABLE, state_folder.VARIABLE, "GPT_EXPLORER_CORES")


class Held(NamedTuple):
    """A value that somebody set, and where."""

    value: Any
    place: Place

    @property
    def from_file(self) -> bool:
        """Whether the person's file says it, not a variable or an option."""
        return self.place.line is not None


class Moved(NamedTuple):
    """The keys that a person wants for an action, and where that is said."""

    keys: tuple[str, ...]
    place: Place


@dataclass
class Preferences:
    """The settings of a person; a wrong one is left out and is in `problems`."""

    file: ConfigFile = field(default_factory=lambda: ConfigFile(None))
    held: dict[str, Held] = field(default_factory=dict)  # by the setting's name
    keys: dict[str, Moved] = field(default_factory=dict)  # by the action's id
    problems: list[Problem] = field(default_factory=list)

    def value(self, name: str) -> Any:
        """The value of a setting; None where nobody set it."""
        return self.held[name].value if name in self.held else None

    def leave_out(self, name: str, words: str) -> None:
        """A value turned out to be wrong: it does not hold, and that is reported."""
        self.problems.append(Problem(self.held.pop(name).place, words))

    def give(self, parser: argparse.ArgumentParser, without: Iterable[str] = ()) -> list[str]:
        """Make the settings the defaults of a parser that has options for them; the names of those it has."""
        given = []
        options = {option: action.dest for action in parser._actions for option in action.option_strings}
        for setting in SETTINGS:
            if setting.option in options and setting.name not in without:
                given.append(setting.name)
                if setting.name in self.held:
                    parser.set_defaults(**{options[setting.option]: self.held[setting.name].value})
        return given


def read(environment: Mapping[str, str] | None = None) -> Preferences:
    """The settings of the person's file, and those of the environment over them."""
    file = config_file.read(config_file.find())
    found = Preferences(file, problems=list(file.problems))
    _read_file(found)
    _read_environment(found, os.environ if environment is None else environment)
    return found


def _read_file(found: Preferences) -> None:
    tables = {setting.table for setting in SETTINGS if setting.table}
    for key, value in found.file.tables.items():
        if key == KEYS and isinstance(value, dict):
            _read_keys(found, value, [KEYS])
        elif key in tables and isinstance(value, dict):
            for inner, said in value.items():
                _read_one(found, key, inner, said)
        elif key in tables or key == KEYS:
            _complain(found, [key], f"`{key}` is a table: its settings come after a line [{key}].")
        else:
            _read_one(found, "", key, value)


def _read_one(found: Preferences, table: str, key: str, value: Any) -> None:
    """A setting of the file."""
    name, keys = (f"{table}.{key}" if table else key), ([table, key] if table else [key])
    if name not in BY_NAME:
        _complain(found, keys, _unknown(table, key))
        return
    setting = BY_NAME[name]
    try:
        found.held[name] = Held(setting.read(value), found.file.place(*keys))
    except ValueError as error:
        _complain(found, keys, f"`{key}` is left out: {error}. For instance: {key} = {setting.example}")


def _unknown(table: str, key: str) -> str:
    """The complaint about a name that no setting has; what was probably meant."""
    for setting in SETTINGS:
        if setting.key == key:  # in another table
            where = f"comes after a line [{setting.table}]" if setting.table else "comes before the first table"
            return f"`{key}` {where}. Here it is left out."
    here = [setting.key for setting in SETTINGS if setting.table == table]
    tables = [] if table else [*{setting.table for setting in SETTINGS if setting.table}, KEYS]
    guess = meant(key, [*here, *tables]) or meant(key, [setting.key for setting in SETTINGS])
    return f"there is no setting {quoted(key)}{f' in [{table}]' if table else ''}.{guess} There are {', '.join(here)}."


def _read_keys(found: Preferences, table: dict[str, Any], path: list[str]) -> None:
    """The keys of the file: an id with a dot in it may be written as a table of tables."""
    for key, value in table.items():
        here = [*path, key]
        if isinstance(value, dict):
            _read_keys(found, value, here)
            continue
        id = ".".join(here[1:])
        keys = _keys_of(value)
        if keys is None:
            _complain(
                found, here, f'the key of `{id}` is left out: it must be a text or a list of them, such as "ctrl+g".'
            )
        else:
            found.keys[id] = Moved(keys, found.file.place(*here))


def _keys_of(value: Any) -> tuple[str, ...] | None:
    """The keys that a value names: "d, n" and ["d", "n"] are two; None where it names none."""
    if value == ",":
        return ("comma",)
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list) or not all(isinstance(part, str) and part.strip() for part in parts):
        return None
    return tuple("comma" if part == "," else part.strip() for part in parts) or None


def _complain(found: Preferences, keys: list[str], words: str) -> None:
    found.problems.append(Problem(found.file.place(*keys), words))


def _read_environment(found: Preferences, environment: Mapping[str, str]) -> None:
    """The variables: they are over the file."""
    for setting in SETTINGS:
        if value := environment.get(setting.variable):
            _read_variable(found, setting, value)
    known = [*(setting.variable for setting in SETTINGS), *_OTHERS]
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            guess = meant(name.removeprefix(PREFIX), [each.removeprefix(PREFIX) for each in known])
            if guess:
                guess = guess.replace("`", f"`{PREFIX}", 1)
                found.problems.append(Problem(Place(name), f"there is no such variable.{guess}"))


def _read_variable(found: Preferences, setting: Setting, value: str) -> None:
    try:
        found.held[setting.name] = Held(setting.read(value), Place(setting.variable))
    except ValueError as error:
        example = setting.example.strip('"')
        words = f"this variable is left out: {error}. For instance: {setting.variable}={example}"
        found.problems.append(Problem(Place(setting.variable), words))
