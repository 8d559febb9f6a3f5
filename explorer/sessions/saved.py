"""A saved session: plain data, as it stands in the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from explorer.analysis.compare import END
from explorer.runs.passes import Pass
from explorer.teaching.spots import Spot
from gpt import Sampling

FORMAT = 1
"""The version of the format; a newer one is refused."""


@dataclass(frozen=True)
class SavedModel:
    """A model, by name, and all that tells whether another one is the same."""

    name: str  # as --model takes it
    revision: str = ""
    weights: str = ""  # their fingerprint; "" where it is not known
    layers: int = 0
    heads: int = 0
    width: int = 0
    vocabulary: int = 0
    positions: int = 0


@dataclass(frozen=True)
class SavedProgram:
    """The program that wrote the file, with all that rounding depends on."""

    version: str = ""
    python: str = ""
    numpy: str = ""
    machine: str = ""
    torch: str = ""  # where it was in use


@dataclass(frozen=True)
class SavedEdit:
    """An edit. Its text is that of tours; what no text can hold stands beside it."""

    text: str  # "head 3.3: zero"
    on: bool | None = True  # None: it is not on the stack any more, and a token was drawn with it
    title: str = ""  # of its place, where the text gives it another
    at: tuple[int, ...] = ()  # the positions that are said after the title
    direction: tuple[float, ...] = ()  # [d] of `add`
    label: str = ""  # of the direction, or of the run that `patch` takes from
    source: int = -1  # of `patch`: which of the other runs
    shift: int = 0


@dataclass(frozen=True)
class SavedRun:
    """How a run was computed."""

    engine: str
    edits: tuple[int, ...] = ()  # which of the edits were in force
    base: tuple[Pass, ...] = ()
    run: tuple[Pass, ...] = ()


@dataclass(frozen=True)
class SavedDraw:
    """How one token was drawn."""

    token: int
    number: float
    sampling: Sampling
    seed: int
    chosen: bool = False
    run: SavedRun | None = None  # None: as the session's run
    text: str = ""  # for the reader


@dataclass(frozen=True)
class SavedOther:
    """Another run: B of Compare, or one that an edit takes its values from."""

    prompt: str
    ids: tuple[int, ...]
    engine: str
    model: SavedModel | None = None  # None: the session's own
    passes: tuple[Pass, ...] = ()


@dataclass(frozen=True)
class SavedCursor:
    """Where the walk stands."""

    stage: str = ""
    position: int = 0
    head: int = 0
    overview: bool = False
    steps: bool = False
    columns: Mapping[str, int] = field(default_factory=dict)
    parts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class SavedNumber:
    """A number on the trail of Why, and what was chosen there."""

    name: str
    index: tuple[int, ...]
    row: int = 0
    column: int = 0


@dataclass(frozen=True)
class SavedWhy:
    """The number that is open, and the way to it."""

    trail: tuple[SavedNumber, ...]
    at: int = 0
    unrolled: bool = True
    path: bool = False


@dataclass(frozen=True)
class SavedView:
    """The open view and pane, and how each view shows its numbers."""

    opened: str = ""
    showing: str = ""  # "a", "b" or "difference", where Compare shows it in the place of the run
    aligned: str = END
    other: int = -1  # which of the other runs is B
    code: int = -1  # the stop of the code that is open
    looks: Mapping[str, str] = field(default_factory=dict)  # by view, as `explorer.views.looks` writes them


@dataclass(frozen=True)
class Saved:
    """A session."""

    model: SavedModel
    engine: str
    prompt: str
    ids: tuple[int, ...]  # of the prompt
    sampling: Sampling
    seed: int
    run: SavedRun
    drawn: tuple[SavedDraw, ...] = ()
    edits: tuple[SavedEdit, ...] = ()
    others: tuple[SavedOther, ...] = ()
    cursor: SavedCursor = SavedCursor()
    view: SavedView = SavedView()
    why: SavedWhy | None = None
    bookmarks: Mapping[int, Spot] = field(default_factory=dict)
    program: SavedProgram = SavedProgram()
    time: str = ""  # when it was saved

    @property
    def all_ids(self) -> tuple[int, ...]:
        """The tokens of the prompt, and those that were drawn."""
        return (*self.ids, *(each.token for each in self.drawn))
