"""An edit: where, and what; and a stack of them, in which each can be switched off and on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from explorer.edits.what import Add, Cut, What
from explorer.edits.where import Where, checked
from explorer.errors import EditError
from explorer.terminal.text import token_at
from gpt import GPTConfig


@dataclass(frozen=True)
class Edit:
    """One change of a run. Without a position it also holds for tokens that come later."""

    where: Where
    what: What

    def words(self, labels: Sequence[str] = ()) -> str:
        """For people: "head 3.2: zeroed", "·park → ·Tom cut in head 2.1"; `labels` are the texts of the tokens."""
        where = self.where
        if where.edge:
            query, key = (token_at(position, labels) for position in where.edge)
            done = "cut" if isinstance(self.what, Cut) else self.what.words
            return f"{query} → {key} {done} in {where.title}"
        at = f" at {', '.join(token_at(position, labels) for position in where.at)}" if where.at else ""
        return f"{where.title}{at}: {self.what.words}"


def check(edit: Edit, config: GPTConfig, length: int | None = None) -> Edit:
    """The edit as it can be run; EditError unless this model, and a run of `length` tokens, has that place for it."""
    if isinstance(edit.what, Add) and len(edit.where.places) > 1:
        raise EditError(f"a direction is added at one place, and {edit.where.title} is several: name an activation.")
    edit = replace(edit, where=checked(edit.where, config, length))
    for place in edit.where.places:
        edit.what.check(place, config)
    return edit


def check_together(edits: Sequence[Edit], config: GPTConfig) -> None:
    """EditError where a position is cut off from all it could read: its attention has to go somewhere."""
    left: dict[tuple[str, int, int], set[int]] = {}
    for edit in edits:
        for place in edit.where.places if isinstance(edit.what, Cut) else ():
            heads, queries, keys = place.index
            for query in queries or range(config.n_positions):
                for head in heads or range(config.n_head):
                    rest = left.setdefault((place.name, head, query), set(range(query + 1)))
                    rest.difference_update(rest if keys is None else keys)
                    if not rest:
                        raise EditError(f"position {query} would read nothing in head {head}: leave it one edge.")


@dataclass(frozen=True)
class Entry:
    """An edit of the stack."""

    edit: Edit
    on: bool = True


class Edits:
    """A stack of edits. Its moves check what they are given, and change nothing where they raise EditError."""

    def __init__(self, config: GPTConfig) -> None:
        self.config = config
        self.entries: tuple[Entry, ...] = ()

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    @property
    def active(self) -> tuple[Edit, ...]:
        """The edits in force, in their order."""
        return tuple(entry.edit for entry in self.entries if entry.on)

    def add(self, where: Where, what: What, length: int | None = None) -> Edit:
        """Put an edit on the stack; `length` is how many tokens there are."""
        edit = check(Edit(where, what), self.config, length)
        self._take((*self.entries, Entry(edit)))
        return edit

    def toggle(self, number: int) -> None:
        """Switch the edit of that number, counted from 0, off or on."""
        entry = self._entry(number)
        self._take((*self.entries[:number], replace(entry, on=not entry.on), *self.entries[number + 1 :]))

    def remove(self, number: int) -> Edit:
        """Take the edit of that number from the stack."""
        entry = self._entry(number)
        self.entries = (*self.entries[:number], *self.entries[number + 1 :])
        return entry.edit

    def undo(self) -> Edit | None:
        """Take the last edit from the stack; None if there is none."""
        return self.remove(len(self) - 1) if self.entries else None

    def clear(self) -> None:
        """Remove all edits."""
        self.entries = ()

    def words(self, labels: Sequence[str] = ()) -> list[str]:
        """A line for each edit."""
        return [entry.edit.words(labels) + ("" if entry.on else " (off)") for entry in self.entries]

    def _entry(self, number: int) -> Entry:
        if not 0 <= number < len(self):
            raise EditError(f"there is no edit {number}: there are {len(self)}.")
        return self.entries[number]

    def _take(self, entries: tuple[Entry, ...]) -> None:
        check_together([entry.edit for entry in entries if entry.on], self.config)
        self.entries = entries
