"""Which keys do something where one is, and what the footer says of them. Footer, help and palette ask here.

`WORKS` says of the keys that do not always work when they do; `FOOTERS` lists for each mode what the footer offers,
the stage's own keys first. A footer takes as many of them as it has room for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from explorer.stages import Kind
from explorer.views.view import View
from explorer.walk.beginning import begins_with_it
from explorer.walk.on_screen import value_under_cursor
from explorer.walk.session import Session
from explorer.walk.why import Look
from gpt import GPTError


class Mode(StrEnum):
    """The thing that the arrows move now; shown at the left of the footer."""

    WALK = "walk"
    CURSOR = "cursor"
    WHY = "why?"
    CODE = "code"
    VIEW = "view"
    PROMPT = "prompt"
    SETTINGS = "settings"
    GO_TO = "go to"
    TALK = "talk"
    LESSON = "lesson"


@dataclass(frozen=True)
class Here:
    """Where keys are pressed."""

    mode: Mode
    session: Session | None  # None until there are tokens to walk
    view: View | None = None  # the one that is open
    busy: bool = False  # something computes, plays, draws or opens that escape would stop
    lesson: bool = False  # one is open
    stopped: bool = False  # a computation that can go on
    adjusting: bool = False  # the settings are open
    changed: bool = False  # they are others than when they were opened
    typed: bool = False  # a value is typed there

    @property
    def walks_unseen(self) -> bool:
        """Whether a step to another stage could not be seen: a lesson has the place of the view that is open."""
        return self.mode is Mode.LESSON and self.view is not None


_OF_STAGES = ("stage.back", "stage.forward", "block.back", "block.forward", "walk.start", "walk.end")


class Offer(NamedTuple):
    """Keys that stand together in the footer, by their ids, and their words there."""

    ids: str
    words: str | Callable[[Here], str]
    between: str = ""  # the first key and the last, in place of all of them

    def said(self, here: Here) -> str:
        """The words, here."""
        return self.words if isinstance(self.words, str) else self.words(here)


Test = Callable[[Session], bool]


def _heads(session: Session) -> bool:
    return "H" in session.cursor.axes and session.config.n_head > 1


def _number(session: Session) -> bool:
    """Whether there is a number under the cursor that is known."""
    try:
        return value_under_cursor(session) is not None
    except GPTError:
        return False


def _opens(session: Session) -> bool:
    return _number(session) and not session.what_if.difference


def _code(session: Session) -> bool:
    """Whether there is code that computed what is shown."""
    if session.what_if.difference:
        return False
    if session.stage.kind is Kind.MERGES:
        return session.written.piece_at(session.position) is not None
    return session.cell() is not None and session.trace.computed(session.stage, session.position)


def _drawable(session: Session) -> bool:
    return not session.recorded and not session.draws.ended and len(session.ids) < session.config.n_positions


def _edits(session: Session) -> bool:
    return bool(len(session.what_if.edits))


def _door(session: Session) -> bool:
    door = session.why.door if session.why else None
    return door is not None and door.at is not None


def _rows(session: Session) -> int:
    assert session.why
    return len(session.why.visits) if session.why.look is Look.PATH else len(session.why.rows)


def _factors(session: Session) -> int:
    why = session.why
    if why is None or why.look is Look.PATH or not why.rows:
        return 0
    return len(why.rows[why.chosen[0]].factors)


def _steps(session: Session) -> int:
    """How many steps of the code are still to come."""
    return len(session.code.stops) - 1 - session.code.index if session.code else 0


def _leads_out(session: Session) -> bool:
    """Whether the code goes on outside of this function, or loop."""
    code = session.code
    if code is None:
        return False
    here, later = code.stop, code.stops[code.index + 1 :]
    if here.passes:
        return any((stop.call == here.call and not stop.passes) or stop.depth < here.depth for stop in later)
    return any(stop.depth < here.depth or stop.returned for stop in later)


def _unrolls(session: Session) -> bool:
    """Whether the open number is a sum of sums."""
    why = session.why
    if why is None or why.look is Look.PATH:
        return False
    if why.explanation.unrolled:
        return True
    return not why.unrolled and session.provenance.explain(why.here.cell, unrolled=True).unrolled


_ONE_ROW = (Kind.MERGES, Kind.LOGITS, Kind.LEDGER, Kind.DRAW)
"""Pictures of one position only: there is no other row to dim."""

WORKS: dict[str, Test] = {
    "stage.back": lambda s: s.cursor.stage_index > 0,
    "stage.forward": lambda s: s.cursor.stage_index + 1 < len(s.cursor.stages),
    "block.back": lambda s: s.cursor.stage_index > 0,
    "block.forward": lambda s: s.cursor.stage_index + 1 < len(s.cursor.stages),
    "token.back": lambda s: s.position > 0,
    "token.forward": lambda s: s.position + 1 < len(s.ids),
    "token.first": lambda s: s.position > 0,
    "token.last": lambda s: s.position + 1 < len(s.ids),
    "picture": lambda s: s.cursor.part is not None,
    "column.back": lambda s: s.cursor.part is not None,
    "column.forward": lambda s: s.cursor.part is not None,
    "head.forward": _heads,
    "head.back": _heads,
    "part.next": lambda s: len(s.stage.parts) > 1,
    "overview": lambda s: s.cursor.axes == "HTS",
    "spotlight": lambda s: s.stage.kind not in _ONE_ROW and s.trace.computed(s.stage, s.position),
    "why": _opens,
    "code": _code,
    "copy": _number,
    "edit": lambda s: not s.recorded and (s.cursor.part is not None or _edits(s)),
    "edit.undo": _edits,
    "edit.toggle": _edits,
    "draw": _drawable,
    "draw.many": _drawable,
    "draw.back": lambda s: len(s.ids) > s.prompt_length,
    "command": lambda s: not s.recorded,
    "bos": lambda s: not s.recorded and bool(s.config.end_tokens),
    "engine": lambda s: not s.recorded,
    "why.enter": lambda s: s.why is not None and (s.why.look is Look.PATH or _door(s)),
    "why.up": lambda s: s.why is not None and _rows(s) > 1,
    "why.down": lambda s: s.why is not None and _rows(s) > 1,
    "why.left": lambda s: _factors(s) > 1,
    "why.right": lambda s: _factors(s) > 1,
    "why.follow": lambda s: s.why is not None and s.why.look is Look.TERMS and _door(s),
    "why.unroll": lambda s: s.why is not None and _unrolls(s),
    "code.over": lambda s: _steps(s) > 0,
    "code.into": lambda s: _steps(s) > 0,
    "code.out": _leads_out,
    "code.back": lambda s: s.code is not None and s.code.index > 0,
    "why.code": lambda s: _code(s) and s.why is not None and s.why.explanation.function is not None,
}
"""By a key's id, whether pressing it does something. Keys that are not named always work."""


def _parts(here: Here) -> str:
    """The next thing that v shows: the parts of the stage, or the next look of a view."""
    if here.mode is Mode.VIEW:
        assert here.view
        modes = here.view.modes
        return _short(modes[(here.view.mode + 1) % len(modes)].removeprefix("v: the pictures "))
    assert here.session
    return "·".join(part.label for part in here.session.stage.parts)


def _measure(here: Here) -> str:
    """The next measure that k shows."""
    assert here.view
    measures = here.view.measures
    return _short(measures[(here.view.measure + 1) % len(measures)])


_LONGEST = 18


def _short(words: str) -> str:
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1].rstrip() + "…"


def _heads_shown(here: Here) -> str:
    return "one head" if here.session and here.session.cursor.overview else "all heads"


def _back_in_why(here: Here) -> str:
    return "back" if here.session and here.session.why and here.session.why.at else "picture"


def _leaves_why(here: Here) -> str:
    return here.view.title.split(" · ")[0].lower() if here.view else "picture"


def _stops(here: Here) -> str:
    if here.session and here.session.what_if.shown:
        return "this run again"
    return "close" if here.adjusting else "stop"


def _opened_by_enter(here: Here) -> str:
    return here.view.asks_briefly if here.view and here.view.asks else "open"


def _bos(here: Here) -> str:
    return "no bos" if here.session and begins_with_it(here.session) else "bos"


_TOKEN = Offer("token.back token.forward", "token")
_VIEWS = Offer(
    "view.heads view.lens view.attribution view.neurons view.flow view.compare view.circuits view.scores view.patching",
    "views",
    "–",
)
_EDITS = Offer("edit.undo", "undo edit")
_STOP = Offer("stop", _stops)
_LESSON = Offer("lesson", "lesson")
_LESSON_OPEN = (Offer("lesson.leave", "close lesson"), Offer("lesson.word", "explain"))
_LAST = (
    Offer("draw", "draw"),
    _VIEWS,
    Offer("settings", "settings"),
    Offer("go_to", "go to"),
    Offer("draw.back", "take back"),
    Offer("prompt", "prompt"),
    Offer("play", "play"),
    Offer("sweep", "sweep"),
    Offer("save", "save"),
    Offer("bos", _bos),
    Offer("command", "command"),
    Offer("palette", "actions"),
)
_SHOW = (Offer("spotlight", "spotlight"), Offer("zoom", "zoom"), Offer("talk", "talk"))
_STAGE = (Offer("head.forward", "head"), Offer("overview", _heads_shown), Offer("part.next", _parts))
_OF_NUMBER = (Offer("why", "why?"), Offer("edit", "what if"), Offer("code", "code"))
_ARROWS = Offer("look.left look.right look.up look.down", "move")

FOOTERS: dict[Mode, Sequence[Offer]] = {
    Mode.WALK: (
        _STOP,
        Offer("again", "go on"),
        *_STAGE,
        Offer("picture", "cursor"),
        Offer("why", "why?"),
        Offer("edit", "what if"),
        _LESSON,
        Offer("stage.back stage.forward", "stage"),
        Offer("block.back block.forward", "block"),
        Offer("code", "code"),
        _TOKEN,
        _EDITS,
        *_LAST,
        *_SHOW,
    ),
    Mode.LESSON: (
        *_LESSON_OPEN,
        Offer("stage.back stage.forward", "stage"),
        Offer("block.back block.forward", "block"),
        _TOKEN,
        Offer("draw", "draw"),
        Offer("go_to", "go to"),
        Offer("palette", "actions"),
    ),
    Mode.CURSOR: (
        Offer("cursor.left cursor.right cursor.up cursor.down", "cursor"),
        *_OF_NUMBER,
        *_STAGE,
        Offer("copy", "copy"),
        *_LESSON_OPEN,
        Offer("cursor.leave", "walk"),
        _EDITS,
        *_LAST,
        *_SHOW,
    ),
    Mode.WHY: (
        Offer("why.up why.down", "choose"),
        Offer("why.left why.right", "factor"),
        Offer("why.enter", "open"),
        Offer("why.back", _back_in_why),
        Offer("why.follow", "follow"),
        Offer("why.unroll", "sums"),
        Offer("why.code", "code"),
        *_LESSON_OPEN,
        Offer("why.leave", _leaves_why),
        _LESSON,
        _TOKEN,
        _VIEWS,
        Offer("go_to", "go to"),
    ),
    Mode.CODE: (
        Offer("code.over", "next line"),
        Offer("code.into", "into"),
        Offer("code.out", "out"),
        Offer("code.back", "back"),
        *_LESSON_OPEN,
        Offer("code.leave", "numbers"),
        _LESSON,
    ),
    Mode.VIEW: (
        _ARROWS,
        Offer("look.enter", _opened_by_enter),
        Offer("look.mode", _parts),
        Offer("look.measure", _measure),
        Offer("look.choose", "choose"),
        *_LESSON_OPEN,
        Offer("look.leave", "walk"),
        _LESSON,
        _TOKEN,
        _VIEWS,
        _EDITS,
        *(offer for offer in _LAST if offer is not _VIEWS),
    ),
    Mode.PROMPT: (
        Offer("prompt.run", "run"),
        Offer("prompt.leave", "drop it"),
        Offer("prompt.line", "new line"),
    ),
    Mode.SETTINGS: (
        Offer("settings.left settings.right", "choose"),
        Offer("settings.up settings.down", "change"),
        Offer("settings.take", "take it"),
        Offer("settings.erase", "erase"),
        Offer("settings.reset", "reset"),
        Offer("settings.leave", "close"),
    ),
    Mode.TALK: (
        Offer("talk.reveal", "reveal"),
        Offer("talk.guess", "guess"),
        Offer("talk.digits", "digits"),
        Offer("talk.keys", "keys"),
        Offer("talk.restart", "restart"),
        Offer("talk.leave", "leave"),
    ),
    Mode.GO_TO: (Offer("go.there", "go"), Offer("go.complete", "complete"), Offer("go.leave", "leave")),
}


_HERE: dict[str, Callable[[Here], bool]] = {
    "stop": lambda here: here.busy or here.adjusting or bool(here.session and here.session.what_if.shown),
    "again": lambda here: here.stopped,
    "settings.reset": lambda here: here.changed,
    "settings.take": lambda here: here.typed,
    "settings.erase": lambda here: here.typed,
    "lesson": lambda here: not here.lesson or here.mode is Mode.LESSON,
    "lesson.leave": lambda here: here.lesson,
    "lesson.word": lambda here: here.lesson,
    "spotlight": lambda here: here.mode in (Mode.WALK, Mode.CURSOR),
    "zoom": lambda here: here.mode is not Mode.VIEW,  # a view has all of the width
    **dict.fromkeys(("cursor.leave", "why.leave", "code.leave", "look.leave"), lambda here: not here.lesson),
    **dict.fromkeys(_OF_STAGES, lambda here: not here.walks_unseen),
}
"""The same by where one is."""


def works(id: str, here: Here) -> bool:
    """Whether a key does something here, given that it is heard here."""
    if id in _HERE and not _HERE[id](here):
        return False
    if id.startswith("look.") and (here.view is None or not here.view.works(id)):
        return False
    test = WORKS.get(id)
    if test is None:
        return True
    return here.session is not None and test(here.session)


def offered(here: Here) -> list[Offer]:
    """The keys that the footer offers here, the most important first."""
    if here.session is None and here.mode is Mode.WALK:
        return [Offer("prompt", "prompt"), Offer("models", "models"), Offer("quit", "quit")]
    return [offer for offer in FOOTERS[here.mode] if any(works(id, here) for id in offer.ids.split())]


def name_of(here: Here) -> str:
    """The mode in a word; of a view its name."""
    if here.mode is Mode.VIEW and here.view:
        return here.view.title.split(" · ")[0].lower()
    return here.mode
