"""Holding the run that is walked against that of another prompt."""

from explorer.runs.trace import LiveRun
from explorer.walk.session import NO_OTHER_PROMPT, Session
from explorer.walk.what_if import OtherRun
from gpt import InputError


def compare_with_prompt(session: Session, text: str) -> None:
    """Hold the session's run against that of a prompt, or without any against none; InputError if it cannot be run."""
    if session.model is None:
        raise InputError(NO_OTHER_PROMPT)
    session.show(None)
    if not text:
        session.what_if.other = None
        return
    ids = session.tokenizer.encode(text)
    session.model.check(ids)
    session.what_if.other = OtherRun(text, LiveRun(session.model, ids))
