"""The same prompt with the token that stood before every text in training, `<|endoftext|>`, and without it."""

from dataclasses import replace

from explorer.edits import Edit, Edits, Entry, Patch
from explorer.edits.where import moved
from explorer.runs.beginning import token_before
from explorer.walk.session import Session
from gpt import InputError


def text_before(session: Session) -> str:
    """The text that the tokenizer reads as that token, "<|endoftext|>"; InputError where there is none."""
    token = token_before(session.config)
    text = session.tokenizer.decode([token])
    if not text or list(session.tokenizer.encode(text + session.text))[:1] != [token]:
        raise InputError("this model's tokenizer has no text for the token that stands before a text.")
    return text


def begins_with_it(session: Session) -> bool:
    """Whether the text that is walked begins with that token."""
    return bool(session.ids) and session.ids[0] in session.config.end_tokens


def state_in_words(session: Session) -> str:
    """ "bos" or "no bos"; "" where the model has no such token."""
    if not session.config.end_tokens:
        return ""
    return "bos" if begins_with_it(session) else "no bos"


def toggle(session: Session) -> list[str]:
    """Put the token before the prompt, or take it away; edits and cursor stay at their tokens.

    Returns the edits that are gone, in words: those of the token itself. InputError, and nothing changes, if that
    cannot be run.
    """
    with_it = begins_with_it(session)
    session.show(None)
    before = text_before(session)
    if with_it and not session.text.startswith(before):
        raise InputError("the token before this text is not one that was typed: it cannot be taken away.")
    text = session.text.removeprefix(before) if with_it else before + session.text
    by = -1 if with_it else 1
    edits, labels, position = session.what_if.edits, session.labels(), session.position
    kept, gone = _moved(edits, by)
    known, edits.entries = edits.entries, kept
    try:
        session.submit(text)
    except InputError:
        edits.entries = known
        raise
    session.cursor.go_to_position(max(0, position + by))
    return [edit.words(labels) for edit in gone]


def _moved(edits: Edits, by: int) -> tuple[tuple[Entry, ...], list[Edit]]:
    """The stack with every position moved, and the edits for whose positions there is no place any more."""
    kept: list[Entry] = []
    gone: list[Edit] = []
    for entry in edits:
        there = moved(entry.edit.where, by, edits.config)
        if there is None:
            gone.append(entry.edit)
            continue
        what = entry.edit.what
        if isinstance(what, Patch):
            what = replace(what, shift=what.shift - by)
        kept.append(replace(entry, edit=Edit(there, what)))
    return tuple(kept), gone
