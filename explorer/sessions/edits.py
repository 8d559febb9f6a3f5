"""Edits in a saved session: their text is that of tours, and what no text can hold stands beside it."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from explorer.edits import Add, Edit, Patch, What
from explorer.edits.edit import check
from explorer.errors import EditError, SessionError
from explorer.runs.trace import Trace
from explorer.sessions.saved import SavedEdit
from explorer.teaching import edit_words
from gpt import GPTConfig


def saved_edit(edit: Edit, on: bool | None, config: GPTConfig, source_of: Callable[[Trace], int]) -> SavedEdit:
    """An edit as it is saved; `source_of` numbers the run that it takes from.

    SessionError for one of a script's own.
    """
    text = edit_words.in_words_with_given(edit)
    if text is None:
        raise SessionError(f"the edit {edit.words()} cannot be saved: it was made of a script's own numbers.")
    found, what = SavedEdit(text, on), edit.what
    if isinstance(what, Add):
        found = replace(found, direction=what.direction, label=what.title)
    if isinstance(what, Patch):
        found = replace(found, label=what.title, source=source_of(what.source), shift=what.shift)
    sources = {found.source: what.source} if isinstance(what, Patch) else {}
    plain = _read(found, config, sources)
    if plain != edit:
        found = replace(found, title=edit.where.title, at=edit.where.at or ())
        if _read(found, config, sources) != edit:
            raise SessionError(f"the edit {edit.words()} cannot be saved: its place has no text.")
    return found


def edit_of(saved: SavedEdit, config: GPTConfig, sources: Mapping[int, Trace]) -> Edit:
    """The edit of this model; EditError where it has no such place, or it cannot be done there."""
    return check(_read(saved, config, sources), config)


def _read(saved: SavedEdit, config: GPTConfig, sources: Mapping[int, Trace]) -> Edit:
    def given(word: str, strength: float | None) -> What:
        if strength is not None:
            return Add(saved.direction, strength, saved.label)
        if saved.source not in sources:
            raise EditError("the other run that this edit takes from is not there.")
        return Patch(sources[saved.source], saved.label, saved.shift)

    place, what = edit_words.read(saved.text, config, given)
    if saved.title:
        place = replace(place, title=saved.title, at=saved.at or None)
    return check(Edit(place, what), config)
