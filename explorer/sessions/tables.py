"""Tables of a TOML file that somebody else may have written: every value is checked as it is taken."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from explorer.errors import SessionError
from explorer.terminal.glyphs import one_line, quoted, shortened

LONGEST = 1_000_000
"""Characters of a text, and entries of a list: more is no session."""

_MOST_BITS = 14_000  # of a number that Python can write in digits


class Table:
    """A table: it knows its name in the file, and which of its keys were asked for."""

    def __init__(self, file: str, name: str, given: Mapping[str, Any]) -> None:
        self._file = file
        self._name = name
        self._given = given
        self._known: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self._given

    def wrong(self, message: str) -> SessionError:
        """The error that says what is wrong in this table."""
        where = f" [{self._name}]" if self._name else ""
        return SessionError(f"{self._file}:{where} {one_line(message)} {AGAIN}")

    def end(self) -> None:
        """SessionError where there are keys that nobody asked for: a misspelt one would be ignored."""
        if unknown := [key for key in self._given if key not in self._known]:
            raise self.wrong(f"there is no {quoted(str(unknown[0]))} here: there are {', '.join(sorted(self._known))}.")

    def _take(self, key: str, default: Any) -> Any:
        self._known.add(key)
        if key in self._given:
            return self._given[key]
        if default is None:
            raise self.wrong(f"{key} is missing.")
        return default

    def text(self, key: str, default: str | None = None, among: Sequence[str] = ()) -> str:
        """A text; one of several where they are named."""
        value = self._take(key, default)
        if not isinstance(value, str) or len(value) > LONGEST:
            raise self.wrong(f"{key} must be a text.")
        if among and value not in among:
            raise self.wrong(f"{key} is {quoted(value)}: it must be {' or '.join(filter(None, among))}.")
        return value

    def whole(self, key: str, least: int, most: int | None, default: int | None = None) -> int:
        """A whole number in that range."""
        return self._whole(key, self._take(key, default), least, most)

    def _whole(self, key: str, value: Any, least: int, most: int | None) -> int:
        if type(value) is not int:
            raise self.wrong(f"{key} must be a whole number.")
        if value.bit_length() > _MOST_BITS:
            raise self.wrong(f"{key} is far too large.")
        if value < least or (most is not None and value > most):
            up_to = "" if most is None else f", at most {shortened(most)}"
            raise self.wrong(f"{key} is {shortened(value)}: it must be at least {shortened(least)}{up_to}.")
        return value

    def real(self, key: str, default: float | None = None) -> float:
        """A finite number."""
        return self._real(key, self._take(key, default))

    def _real(self, key: str, value: Any) -> float:
        if type(value) not in (int, float):
            raise self.wrong(f"{key} must be a number.")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self.wrong(f"{key} must be a finite number.")
        return number

    def flag(self, key: str, default: bool | None = None) -> bool:
        """True or false."""
        value = self._take(key, default)
        if not isinstance(value, bool):
            raise self.wrong(f"{key} must be true or false.")
        return value

    def entries(self, key: str, default: Sequence[Any] | None = ()) -> Sequence[Any]:
        """A list of anything."""
        value = self._take(key, default)
        if not isinstance(value, list | tuple) or len(value) > LONGEST:
            raise self.wrong(f"{key} must be a list.")
        return value

    def wholes(self, key: str, least: int, most: int | None, default: Sequence[int] | None = ()) -> tuple[int, ...]:
        """A list of whole numbers in that range."""
        return tuple(self._whole(f"{key}[{i}]", each, least, most) for i, each in enumerate(self.entries(key, default)))

    def reals(self, key: str) -> tuple[float, ...]:
        """A list of finite numbers."""
        return tuple(self._real(f"{key}[{i}]", each) for i, each in enumerate(self.entries(key)))

    def table(self, key: str) -> "Table":
        """A table; an empty one where it is not there."""
        return self._table(key, self._take(key, {}))

    def tables(self, key: str) -> Iterator["Table"]:
        """A list of tables."""
        for number, each in enumerate(self.entries(key)):
            yield self._table(f"{key}[{number}]", each)

    def _table(self, key: str, value: Any) -> "Table":
        if not isinstance(value, dict):
            raise self.wrong(f"{key} must be a table.")
        return Table(self._file, f"{self._name}.{key}" if self._name else key, value)

    def numbers_by_name(self, key: str, most: int, names: Sequence[str] = ()) -> dict[str, int]:
        """A table of whole numbers up to that one, with any keys, or with these."""
        inner = self.table(key)
        if len(inner._given) > 100:
            raise inner.wrong("this table has too many keys.")
        found = {str(name): inner.whole(name, -1, most) for name in inner._given}
        if unknown := [name for name in found if names and name not in names]:
            raise inner.wrong(f"there is no {quoted(unknown[0])} here: there are {', '.join(names)}.")
        return found

    def names(self) -> list[str]:
        """All keys that there are."""
        self._known.update(self._given)
        return list(self._given)


AGAIN = "Mend it, or save the session again: ctrl+s on the screen, or `gpt-explorer save`."
