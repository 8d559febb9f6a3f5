"""The speaker's notes, from the program on the stage to `gpt-explorer notes` in a second terminal.

They go through one file in the state folder, which nobody else can read.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

from explorer.teaching import state_folder
from explorer.teaching.playing import Playing


@dataclass(frozen=True)
class Notes:
    """Everything that the second terminal shows."""

    tour: str
    count: str  # "3 of 14"
    title: str
    notes: str
    press: str
    pace: int  # seconds for this Stop
    following: str  # the title of the next Stop; "" at the end
    began: float  # when the tour did, in seconds since 1970
    arrived: float  # the same for this Stop


def of(playing: Playing, began: float, now: float) -> Notes:
    """The notes for the Stop that is shown now; times are in seconds since 1970."""
    told, following = playing.told, playing.following
    return Notes(
        playing.tour.title,
        playing.count,
        told["title"],
        told["notes"],
        told["press"],
        playing.stop.pace,
        following.title if following else "",
        began,
        now,
    )


def send(notes: Notes) -> bool:
    """Write them for the second terminal; False where there is no folder for it."""
    return state_folder.keep(state_folder.NOTES, json.dumps(asdict(notes)))


def received() -> Notes | None:
    """The latest notes; None if there are none, or what is there is something else."""
    content = state_folder.remembered(state_folder.NOTES)
    if content is None:
        return None
    try:
        given: dict[str, Any] = json.loads(content)
        kinds = {name: (int, float) if kind in (int, float) else str for name, kind in Notes.__annotations__.items()}
        return Notes(**given) if all(isinstance(given[name], kind) for name, kind in kinds.items()) else None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def clock(seconds: float) -> str:
    """Minutes and seconds: clock(452) = "7:32"."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    return f"{minutes}:{rest:02}"
