"""The same session seen from another stage: for pictures that show the stage before beside this one."""

from copy import copy

from explorer.walk.largest import LargestInRow
from explorer.walk.session import Session


def elsewhere(session: Session, stage: int, part: int | None = None) -> Session:
    """A session that shares everything with this one but its cursor, which is at that stage and part of it."""
    there = copy(session)
    there.cursor = session.cursor.at(stage, part, LargestInRow(there))
    return there
