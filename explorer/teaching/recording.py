"""Recordings: keys and clicks with their times, as a file of JSON lines; and the tour that one becomes.

The first line says how the screen was opened. Each of the others has `at`, in seconds since the start, and one of:
`key` (and `character`), `mouse` (down, up, scroll_down, scroll_up) with `x` and `y`, `paste`, or `here`: the spot where
the walk stood before what follows.
"""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from explorer.files import check
from explorer.teaching.errors import TourError
from explorer.teaching.spots import SAMPLING, SEED, Spot
from explorer.teaching.tours import Stop
from explorer.terminal.text import printable
from gpt import GPTError, Sampling

FORMAT = "gpt-explorer recording 1"
PAUSE = 2.0  # seconds at one spot that make it a Stop

_KINDS = {
    "key": str,
    "character": str,
    "mouse": str,
    "x": int,
    "y": int,
    "paste": str,
    "here": dict,
    "at": (int, float),
}


@dataclass(frozen=True)
class Event:
    """Something that happened; exactly one of key, mouse, paste and here is there."""

    at: float  # seconds since the start
    key: str = ""
    character: str | None = None
    mouse: str = ""
    x: int = 0
    y: int = 0
    paste: str = ""
    here: Spot | None = None


@dataclass(frozen=True)
class Recording:
    """How the screen was opened, and all that happened then."""

    prompt: str
    model: str = "stories"
    sampling: Sampling = SAMPLING
    seed: int = SEED
    tour: str = ""  # its name or file, where one was begun at the start
    at: int = 0  # the Stop that it began with
    size: tuple[int, int] = (120, 36)
    bookmarks: Mapping[int, Spot] = field(default_factory=dict)
    events: tuple[Event, ...] = ()

    def inputs(self) -> Iterator[Event]:
        """The events but those that only say where one stood."""
        return (event for event in self.events if event.here is None)


@dataclass
class Recorder:
    """Writes a recording as it happens, a line at a time: whatever ends the program, what was done is in the file."""

    path: Path
    opened: Recording
    _file: IO[str] | None = None
    _began: float = 0.0
    _here: Spot | None = field(default=None, repr=False)
    problem: str = ""  # why it ended early; the program goes on without it

    def __post_init__(self) -> None:
        check(self.path)  # before the screen opens

    def begin(self, width: int, height: int) -> None:
        """Write the first line; the clock starts."""
        opened = self.opened
        try:
            self._file = self.path.open("w", encoding="utf-8", buffering=1)
        except OSError as error:
            self._fail(error)
            return
        self._began = time.monotonic()
        head = {"recording": FORMAT, "prompt": opened.prompt, "model": opened.model, "seed": opened.seed}
        head |= {"bookmarks": {number: asdict(spot) for number, spot in opened.bookmarks.items()}}
        head |= {"sampling": asdict(opened.sampling), "tour": opened.tour, "stop": opened.at}
        self._write({**head, "size": [width, height]})

    def note(self, event: dict[str, Any], here: Spot | None) -> None:
        """Write an event, and before it where the walk stands, if that has changed."""
        if self._file is None:
            return
        at = round(time.monotonic() - self._began, 3)
        if here and here != self._here:
            self._here = here
            self._write({"at": at, "here": asdict(here)})
        self._write({"at": at, **event})

    def _write(self, line: dict[str, Any]) -> None:
        try:
            if self._file:
                self._file.write(json.dumps(line, ensure_ascii=True) + "\n")
        except OSError as error:  # no room, perhaps
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        self._file = None
        self.problem = f"the recording {printable(str(self.path))} ended early: {error.strerror or error}."

    def end(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()
            self._file = None


def read(path: Path) -> Recording:
    """The recording in a file; TourError, with the file and the line, if it is none."""
    name = printable(str(path))
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise TourError(f"{name} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise TourError(f"{name}: this is no recording: it is not text.") from error
    head = _object(lines[0] if lines else "", f"{name}:1")
    if head.get("recording") != FORMAT:
        raise TourError(f"{name}:1: this is no recording of GPT Explorer: --record FILE writes one.")
    try:
        events = tuple(_event(line, f"{name}:{number}") for number, line in enumerate(lines[1:], 2) if line.strip())
        width, height = map(int, head["size"])
        return Recording(
            str(head["prompt"]),
            str(head["model"]),
            Sampling(**head["sampling"]),
            int(head["seed"]),
            str(head.get("tour", "")),
            int(head.get("stop", 0)),
            (width, height),
            {int(number): _spot(spot) for number, spot in head.get("bookmarks", {}).items()},
            events,
        )
    except (KeyError, TypeError, ValueError, AttributeError, GPTError) as error:
        if isinstance(error, TourError):
            raise
        raise TourError(f"{name}:1: the first line of this recording is damaged: {error}.") from error


def _object(line: str, where: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise TourError(f"{where}: this is no recording: a line is not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise TourError(f"{where}: this is no recording: a line is an object.")
    return found


def _event(line: str, where: str) -> Event:
    found = _object(line, where)
    for key, value in found.items():
        if key not in _KINDS:
            raise TourError(f"{where}: an event has no {key!r}: there are {', '.join(_KINDS)}.")
        if not isinstance(value, _KINDS[key]) and not (key == "character" and value is None):  # type: ignore[arg-type]
            raise TourError(f"{where}: {key} is of another kind than it should be.")
    if "at" not in found or sum(key in found for key in ("key", "mouse", "paste", "here")) != 1:
        raise TourError(f"{where}: an event has a time (at), and one of key, mouse, paste and here.")
    if "here" in found:
        try:
            found["here"] = _spot(found["here"])
        except (TypeError, KeyError, GPTError) as error:
            raise TourError(f"{where}: the place is damaged: {error}.") from error
    return Event(**found)


def _spot(given: dict[str, Any]) -> Spot:
    """A spot as it is written; one of the usual errors where it is damaged."""
    edits, sampling = tuple(given.get("edits", ())), Sampling(**given["sampling"])
    return Spot(**{**given, "edits": edits, "sampling": sampling})


def stops(recording: Recording, pause: float = PAUSE) -> list[Stop]:
    """A Stop for every spot at which the walk stood for so many seconds."""
    found: list[Stop] = []
    spot: Spot | None = None
    arrived = last = 0.0
    for event in (*recording.events, Event(0.0, here=Spot(""))):
        if event.here is None:
            last = event.at
        elif event.here != spot:
            if spot and last - arrived >= pause:
                found.append(Stop(_title(spot), spot, TEXT, pace=max(1, round(last - arrived))))
            spot, arrived = event.here, last
    return found


TEXT = "{top()} has {top_probability():.0%}. Write here what there is to see."


def _title(spot: Spot) -> str:
    return (spot.view or spot.at) + (f" · {', '.join(spot.edits)}" if spot.edits else "")
