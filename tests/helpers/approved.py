"""Everything that is painted, as text: each pane, picture and view of one run, with its styles and what a click does.

The files in tests/approved/ hold what somebody has looked at and found right. After a change of what is drawn:

    python -m tests.helpers.approved          writes them anew; then look at the difference, line by line
"""

import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

from explorer.analysis import lens
from explorer.analysis.difference import Difference
from explorer.edits import Cut, Scale, Set, Zero, where
from explorer.paint import explained
from explorer.paint.code import code
from explorer.paint.footer import footer
from explorer.paint.header import header
from explorer.paint.lesson import lesson
from explorer.paint.map import map_of, rail
from explorer.paint.number import number_under_cursor
from explorer.paint.pictures import picture
from explorer.paint.pointed import pointed
from explorer.paint.predictions import next_in_brief, predictions
from explorer.paint.settings import settings
from explorer.paint.spans import Line, Span
from explorer.paint.spotlight import spotlit
from explorer.paint.talk import talk_picture
from explorer.paint.tokens import TokenRow, tokens
from explorer.paint.why import why
from explorer.runs.trace import LiveRun
from explorer.screen.main.offers import WORKS, Here, Mode, name_of, offered, works
from explorer.stages import Kind
from explorer.teaching.lessons import every_lesson, filled
from explorer.views import views
from explorer.views.choices import Choice
from explorer.views.recipes.copied import copied
from explorer.views.recipes.recipe import Shown
from explorer.views.view import View, next_measure
from explorer.walk.on_screen import wanted_way
from explorer.walk.opening import ask_why, step_into_code
from explorer.walk.session import Session
from explorer.walk.settings import Settings
from explorer.walk.talk import Talk
from gpt import Sampling
from tests.helpers.looking import PROMPT, ask, settle
from tests.helpers.models import embedded, finish, never, start

FOLDER = Path(__file__).parents[1] / "approved"
SMALL, LARGE = (48, 12), (110, 30)
BLOCKS = (None, 5)  # what stands in no block, and the last block

OTHER = "Tom and Lily went to the park. Lily said to"
LONGER = "One day, Tom and Lily went to the park. Lily said to"

_ROUNDING = re.compile(r"\d\.\d{7}|apart: |\bgap |rounded while|to the last bit")
"""Lines about rounding, and numbers to their last digit, are others on every machine: they are left out."""

_LAST_DIGITS = re.compile(r"(\d\.\d{4})\d{3,}(?:e-\d+)?")

Drawn = Iterator[tuple[str, list[Line]]]


def session() -> Session:
    """The embedded model with a story, at its last token; nothing else is known of the run."""
    model, checkpoint = embedded()
    here = Session(model, checkpoint.tokenizer, sampling=Sampling(0.8, 40), seed=42)
    here.submit(PROMPT)
    here.what_if.begin(_run().first(len(here.ids)))
    finish(here)
    return here


@cache
def _run() -> LiveRun:
    model, checkpoint = embedded()
    run = start(model, checkpoint.tokenizer, PROMPT).run
    assert isinstance(run, LiveRun)
    return run


def pictures(here: Session) -> Drawn:
    """The picture of every stage: small and large, each of its parts, the number under the cursor below."""
    for index, stage in enumerate(here.cursor.stages):
        if stage.layer not in BLOCKS:
            continue
        here.cursor.go_to_stage(index)
        here.cursor.go_to_position(len(here.ids) - 1)
        here.cursor.go_to_head(2)
        finish(here)
        yield f"{stage.id}, small", picture(here, *SMALL, halves=False)
        for part in range(max(1, len(stage.parts))):
            here.cursor.go_to_part(part)
            here.cursor.go_to_column(7 + part)
            finish(here)
            yield f"{stage.id}, part {part}", picture(here, *LARGE, accompanied=True)
            yield f"{stage.id}, number", number_under_cursor(here, 96, 4)


def panes(here: Session) -> Drawn:
    """The panes around the picture, at a few places."""
    for place in ("embed", "blocks.0.scores", "blocks.5.pattern", "logits"):
        index = next((index for index, stage in enumerate(here.cursor.stages) if stage.id == place), 0)
        here.cursor.go_to_stage(index)
        finish(here)
        list(lens.fill(here.run, wanted_way(here), never))
        for cells, height in ((22, 12), (30, 40)):
            yield f"map at {place}, {height} lines", map_of(here, cells, height)
            yield f"next token at {place}, {height} lines", predictions(here, cells + 6, height)
        yield f"rail at {place}", rail(here, 20)
        yield f"in brief at {place}", [next_in_brief(here, 70)]
        for cells in (58, 110):
            yield f"header at {place}, {cells} cells", header(here, "stories", "", cells)
        yield (
            f"tokens at {place}",
            [*tokens(TokenRow(here.ids, here.labels(), here.position, here.prompt_length), 60, 2)],
        )
        yield f"spotlight at {place}", spotlit(picture(here, 78, 20), here.position, here.cursor.head)
        talk = Talk()
        for hidden in (True, False):
            talk.hidden = hidden
            yield f"talk at {place}, hidden {hidden}", talk_picture(here, talk, 80, 24)
    yield "footer", [footer("arrows: walk", [("enter", "why"), ("n", "next token"), ("?", "help")], ("q", "quit"), 60)]
    for _, name, one in every_lesson():
        yield f"lesson {name}", lesson(filled(one, here), None, 76, 18)


def questions(here: Session) -> Drawn:
    """Numbers opened, the way of the largest terms followed to its end, and the code that computed them."""
    for place, moves in (("logits", 3), ("blocks.5.hook_resid_post", 2), ("blocks.3.attn.hook_pattern", 2)):
        here.cursor.go_to_value(place)
        here.cursor.go_to_position(len(here.ids) - 1)
        finish(here)
        assert ask_why(here)
        assert here.why
        for told in (explained.Shown(5, 1), explained.Shown(0, 0, unrolled=True)):
            found = explained.explanation_of(here, here.why.here.cell, told)
            yield f"{place} explained, {told}", [[Span(line)] for line in explained.lines(here, found, told, 90)]
        for step in range(moves):
            for cells, height in (SMALL, (90, 24)):
                shown = why(here, cells, height)
                yield f"why {place}, {step} steps, {cells}x{height}", [*shown, *_pointed(here, shown)]
            here.why.enter()
        here.why.follow()
        yield f"path from {place}", why(here, 90, 24)
        here.why = None
    for index, stage in enumerate(here.cursor.stages):
        if stage.layer in (None, 0):
            here.cursor.go_to_stage(index)
            finish(here)
            if step_into_code(here) and here.code:
                yield f"code of {stage.id}", code(here.code, 90, 24)
                here.code = None


CHOSEN: dict[str, tuple[dict[str, int | str], ...]] = {
    "patching": ({"way": 2, "mlps": 1}, {"way": 2, "to": "5.2.q 5.2.k"}, {"way": 1, "positions": 1}),
    "sweep": ({"done": 2, "factor": "0.5"}, {"site": 7, "block": "2"}),
}
"""Of the views that have a dialog, choices in it."""


def looks(here: Session, name: str) -> Drawn:
    """A view, in every way to show it."""
    here.cursor.go_to_stage(0)
    here.cursor.go_to_position(len(here.ids) - 1)
    view = views.make(name, here)
    if name in ("compare", "patching"):
        view.take(OTHER)
    for mode in range(max(1, len(view.modes))):
        for cells, height in ((58, 12), (110, 26)):
            yield f"{name}, way {mode}, {cells}x{height}", _settled(view, cells, height)
        view.move(1, 1)
        view.next_mode()
    for cells, height in ROOMS[1::2]:
        yield f"{name}, {cells}x{height}", _settled(view, cells, height)
    for chosen in CHOSEN.get(name, ()):
        ask(view, **chosen)
        yield f"{name}, {chosen}", _settled(view, 110, 26)


def moved(here: Session, name: str) -> Drawn:
    """A view where its cursor goes: by keys, by a click, by enter; at an early token, in all its measures."""
    here.cursor.go_to_stage(0)
    here.cursor.go_to_position(5)
    view = views.make(name, here)
    if name in ("compare", "patching"):
        view.take(LONGER if name == "compare" else OTHER)  # patching puts token above token
    for way, by in enumerate(((1, 2), (3, 5), (99, 99), (-2, -99))):
        settle(view)
        view.move(*by)
        if way % 2:
            next_measure(view)
        for cells, height in ((40, 9), (76, 16)):
            yield f"{name}, move {way}, {cells}x{height}", _settled(view, cells, height)
        clicks = [each.action for line in view.lines(76, 16) for each in line if each.action]
        told = [view.pointed(action, 76) for action in dict.fromkeys(clicks[:: max(1, len(clicks) // 20)])]
        yield f"{name}, move {way}, pointed at", [line for lines in told for line in lines]
        chosen = [action for action in clicks if action[0] == "view"]
        if chosen:
            view.click(*chosen[(7 * way) % len(chosen)][1:])
            yield f"{name}, clicked after move {way}", _settled(view, 100, 20)
        view.next_mode()
    yield f"{name}, what can be chosen", [_chosen(line) for line in view.dialog(view).lines()]
    if name not in ("compare", "patching") and not view.enter():
        yield f"{name}, entered", _settled(view, 76, 16)


def offers(here: Session) -> Drawn:
    """The footer's offers in every mode, at the stages, the tokens and the moments where they are others."""
    last = len(here.ids) - 1
    for index, stage in enumerate(here.cursor.stages):
        if stage.layer not in BLOCKS:
            continue
        here.cursor.go_to_stage(index)
        here.cursor.go_to_position((0, last, 1)[index % 3])
        finish(here)
        yield f"offers at {stage.id}", [_offered(Here(mode, here)) for mode in (Mode.WALK, Mode.CURSOR)]
    here.cursor.go_to_stage(12)
    here.cursor.go_to_position(3)
    for mode in (Mode.WALK, Mode.LESSON, Mode.SETTINGS, Mode.TALK, Mode.GO_TO, Mode.PROMPT):
        yield f"offers of {mode}", [_offered(Here(mode, None)), _offered(Here(mode, here))]
        yield f"offers of {mode} at a moment", [_offered(each) for each in _moments(mode, here)]
    for name in views.ALL:
        view = views.make(name, here)
        settle(view)
        shown = [Here(Mode.VIEW, here, view), Here(Mode.LESSON, here, view, lesson=True), Here(Mode.WHY, here, view)]
        yield f"offers of the view {name}", [_offered(each) for each in shown]
    for place in ("blocks.5.hook_resid_post", "blocks.3.attn.hook_pattern", "logits"):
        here.cursor.go_to_value(place)
        assert ask_why(here)
        assert here.why
        yield f"offers of why at {place}", [_offered(Here(Mode.WHY, here))]
        for _ in range(3):
            here.why.move_row(2)
            yield f"offers of why from {place}", [_offered(Here(Mode.WHY, here))]
            here.why.enter()
        here.why.follow()
        yield f"offers of the path from {place}", [_offered(Here(Mode.WHY, here))]
        here.why = None
        assert step_into_code(here)
        assert here.code
        for step in range(min(12, len(here.code.stops))):
            here.code.index = step
            yield f"offers of the code of {place}, {step}", [_offered(Here(Mode.CODE, here))]
        here.code = None
    assert here.take_token()
    yield "offers once a token was drawn, before it is computed", [_offered(Here(Mode.WALK, here))]
    finish(here)
    yield "offers once a token was drawn", [_offered(Here(Mode.WALK, here))]
    here.edit(lambda edits: edits.add(where.head(3, 1), Zero(), None))
    finish(here)
    assert here.what_if.pair
    here.show(Difference(here.what_if.pair))
    modes = (Mode.WALK, Mode.CURSOR, Mode.WHY)
    yield "offers at the difference of two runs", [_offered(Here(mode, here)) for mode in modes]


def recipes(here: Session) -> Drawn:
    """The screen as a command and as Python: every view, from its beginning and where its cursor went; with edits."""
    for edited in (False, True):
        if edited:
            for place, what in (
                (where.head(3, 1), Zero()),
                (where.neuron(2, 17, (3, 4)), Set(1.5)),
                (where.activation("blocks.2.attn.hook_q", (5, 6), 3), Scale(0.5)),
                (where.edge(here.config, 9, 2, 4), Cut()),
            ):
                here.edit(lambda edits, place=place, what=what: edits.add(place, what, None))  # type: ignore[misc]
            here.draws.sampling = Sampling(1.5, None, 0.9)
            finish(here)
        for name in ("blocks.3.attn.hook_pattern", "logits", "blocks.2.mlp.hook_post"):
            here.cursor.go_to_value(name)
            here.cursor.go_to_position(6)
            yield f"{name} as a command, edited {edited}", _copied(Shown(here))
        for name in [name for name in views.ALL if name not in ("compare", "patching")]:
            view = views.make(name, here)
            settle(view)
            yield f"{name} as a command, edited {edited}", _copied(Shown(here, name, view, "gpt2"))
            view.move(2, 1)
            next_measure(view)
            view.next_mode()
            settle(view)
            yield f"{name} as a command, moved, edited {edited}", _copied(Shown(here, name, view))


def _copied(shown: Shown) -> list[Line]:
    found = copied(shown)
    return [[Span(line)] for line in (found.command, *found.python.split("\n"), *found.notes)]


def _moments(mode: Mode, here: Session) -> Iterator[Here]:
    yield Here(mode, here, busy=True)
    yield Here(mode, here, lesson=True)
    yield Here(mode, here, stopped=True)
    yield Here(mode, here, adjusting=True)
    yield Here(mode, here, changed=True)
    yield Here(mode, here, typed=True)


def _offered(there: Here) -> Line:
    """The words of the offers, and the ids of the keys that would do nothing."""
    idle = ", ".join(id for id in WORKS if not works(id, there))
    return [Span(f"{name_of(there)}: {', '.join(offer.said(there) for offer in offered(there))}; not {idle}")]


def _chosen(choice: Choice) -> Line:
    return [Span(f"{choice.label}: {choice.text or ' '.join(choice.options)}, {choice.current}")]


def _settled(view: View, cells: int, height: int) -> list[Line]:
    for _ in range(2):
        settle(view)
        view.follow(cells, height)
    return [*view.lines(cells, height), *view.about(cells)]


EDITED = ("blocks.3.qkv", "blocks.3.pattern", "blocks.3.z", "blocks.4.resid_post", "blocks.5.activation", "logits")
NARROW: tuple[tuple[int, int, bool], ...] = ((34, 8, True), (58, 13, True), (78, 16, False))


def elsewhere(here: Session) -> Drawn:
    """Pictures in little room, at another token; of attention all heads too, and a row; and what the mouse is told."""
    for index, stage in enumerate(here.cursor.stages):
        if stage.layer not in (None, 3):
            continue
        here.cursor.go_to_stage(index)
        here.cursor.go_to_position(4)
        here.cursor.go_to_head(1)
        finish(here)
        for cells, height, halves in NARROW:
            yield f"{stage.id}, {cells}x{height}", picture(here, cells, height, halves)
        here.cursor.go_to_column(600)
        for cells, height in ((40, 9), (110, 14)):
            yield f"{stage.id}, far to the right, {cells}x{height}", picture(here, cells, height)
        here.cursor.forget_columns()
        told = picture(here, *LARGE, accompanied=True)
        yield f"{stage.id}, pointed at", list(_pointed(here, told))
        if stage.kind in (Kind.SCORES, Kind.PATTERN):
            for way in ("overview", "steps"):
                setattr(here.cursor, way, True)
                for cells, height, halves in NARROW:
                    yield f"{stage.id}, {way}, {cells}x{height}", picture(here, cells, height, halves)
                setattr(here.cursor, way, False)


def _pointed(here: Session, lines: list[Line]) -> Iterator[Line]:
    """What is told of the first thing of every kind that can be clicked on."""
    actions = {span.action[0]: span.action for line in lines for span in line if span.action}
    for action in actions.values():
        for line in pointed(here, action, 110):
            yield [span._replace(text=_LAST_DIGITS.sub(r"\1…", span.text)) for span in line]


ROOMS = ((44, 10), (64, 11), (70, 14), (90, 18), (100, 23), (130, 26), (160, 44))
SIZED = (
    *("tokens", "sum", "blocks.3.qkv", "blocks.3.pattern", "blocks.3.z", "blocks.3.out", "blocks.3.resid_mid"),
    *("blocks.3.activation", "logits", "probabilities", "draw"),
)


def rooms(here: Session) -> Drawn:
    """A picture of each kind in rooms of many sizes; the patterns of all heads too, and the steps of a row."""
    for index, stage in enumerate(here.cursor.stages):
        if stage.id not in SIZED:
            continue
        here.cursor.go_to_stage(index)
        finish(here)
        for number, (cells, height) in enumerate(ROOMS):
            yield f"{stage.id}, {cells}x{height}", picture(here, cells, height, halves=number % 2 == 0)
            for way in ("overview", "steps") if stage.kind is Kind.PATTERN else ():
                setattr(here.cursor, way, True)
                yield f"{way}, {cells}x{height}", picture(here, cells, height, halves=number % 3 == 0)
                setattr(here.cursor, way, False)


def changed(here: Session) -> Drawn:
    """A run with an edit in force, without it, and the difference of the two; settings while they move; one token."""
    here.edit(lambda edits: edits.add(where.head(3, 1), Zero(), None))
    here.edit(lambda edits: edits.add(where.block(4, 2), Scale(1.5), None))
    finish(here)
    pair = here.what_if.pair
    assert pair
    for title, run in (("edited", None), ("without", pair.a), ("apart", Difference(pair))):
        here.show(run)
        for place in (
            "blocks.3.qkv",
            "blocks.3.pattern",
            "blocks.3.z",
            "blocks.4.resid_post",
            "blocks.5.activation",
            "logits",
        ):
            here.cursor.go_to_stage(next(i for i, stage in enumerate(here.cursor.stages) if stage.id == place))
            here.cursor.go_to_head(1)
            finish(here)
            for cells, height in SMALL, LARGE:
                drawn = picture(here, cells, height, halves=False, accompanied=True)
                yield (
                    f"{place} {title}, {cells}x{height}",
                    [
                        *header(here, "stories", "", cells + 40),
                        *drawn,
                        *number_under_cursor(here, cells + 30, 4),
                        *predictions(here, 30, height),
                        next_in_brief(here, 70),
                        *_pointed(here, drawn),
                    ],
                )
            yield f"map {title} at {place}", map_of(here, 24, 30)
    here.show(None)
    here.edit(lambda edits: edits.clear())
    moved = Settings(here.draws)
    for which, by in ((0, 3), (1, -2), (2, -4), (3, 1)):
        moved.choose(1)
        moved.move(which, by)
        yield f"settings, {which} moved", [*settings(here, moved, 90, 12), *settings(here, moved, 50, 6)]
    moved.reset()


GROUPS: dict[str, Callable[[Session], Drawn]] = {
    "pictures": pictures,
    "panes": panes,
    "questions": questions,
    "elsewhere": elsewhere,
    "rooms": rooms,
    "changed": changed,
    "offers": offers,
    "recipes": recipes,
    **{f"views/{name}": partial(looks, name=name) for name in views.ALL},
    **{f"moved/{name}": partial(moved, name=name) for name in views.ALL},
}


def as_text(name: str, lines: list[Line]) -> str:
    """A drawing in print: every line between bars, below it a letter for each style, and what the letters are."""
    letters: dict[tuple[str, str], str] = {}
    body = []
    for line in lines:
        shown = "".join(span.text for span in line)
        if _ROUNDING.search(shown):
            continue
        marks = "".join(_mark(span, letters) * len(span.text) for span in line)
        body += [f"|{shown}|"] + ([f" {marks.rstrip()}"] if marks.strip() else [])
    legend = [
        f"{letter} {style or 'plain'}{f' {action}' if action else ''}" for (style, action), letter in letters.items()
    ]
    return "\n".join([f"== {name}", *body, *legend])


def _mark(span: Span, letters: dict[tuple[str, str], str]) -> str:
    kind = span.action[0] if span.action else ""
    if not span.style and not kind:
        return " "
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    return letters.setdefault((span.style, kind), alphabet[len(letters) % len(alphabet)])


def drawn(group: str) -> str:
    """All drawings of a group, as they stand in its file."""
    return "\n\n".join(as_text(name, lines) for name, lines in GROUPS[group](session())) + "\n"


def main() -> None:
    for group in GROUPS:
        (FOLDER / group).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / f"{group}.txt").write_text(drawn(group), encoding="utf-8")


if __name__ == "__main__":
    main()
