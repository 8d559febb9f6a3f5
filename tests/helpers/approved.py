"""Everything that is painted, as text: each pane, picture and view of one run, with its styles and what a click does.

The files in tests/approved/ hold what somebody has looked at and found right. After a change of what is drawn:

    python -m tests.helpers.approved          writes them anew; then look at the difference, line by line
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from explorer.paint.code import code
from explorer.paint.footer import footer
from explorer.paint.header import header
from explorer.paint.lesson import lesson
from explorer.paint.map import map_of, rail
from explorer.paint.number import number_under_cursor
from explorer.paint.pictures import picture
from explorer.paint.predictions import next_in_brief, predictions
from explorer.paint.spans import Line, Span
from explorer.paint.spotlight import spotlit
from explorer.paint.talk import talk_picture
from explorer.paint.tokens import TokenRow, tokens
from explorer.paint.why import why
from explorer.teaching.lessons import every_lesson, filled
from explorer.views import views
from explorer.walk.opening import ask_why, step_into_code
from explorer.walk.session import Session
from explorer.walk.talk import Talk
from gpt import Sampling
from tests.helpers.looking import PROMPT, settle
from tests.helpers.models import embedded, finish, start

FOLDER = Path(__file__).parents[1] / "approved"
SMALL, LARGE = (48, 12), (110, 30)
BLOCKS = (None, 5)  # what stands in no block, and the last block

OTHER = "Tom and Lily went to the park. Lily said to"

_ROUNDING = re.compile(r"\d\.\d{7}|apart: |\bgap |rounded while|to the last bit")
"""Lines about rounding, and numbers to their last digit, are others on every machine: they are left out."""

Drawn = Iterator[tuple[str, list[Line]]]


def session() -> Session:
    """The embedded model with a story, at its last token."""
    model, checkpoint = embedded()
    here = start(model, checkpoint.tokenizer, PROMPT, sampling=Sampling(0.8, 40), seed=42)
    finish(here)
    return here


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
        for step in range(moves):
            for cells, height in (SMALL, (90, 24)):
                yield f"why {place}, {step} steps, {cells}x{height}", why(here, cells, height)
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


def looks(here: Session) -> Drawn:
    """Every view, in every way to show it."""
    for name in views.ALL:
        here.cursor.go_to_stage(0)
        here.cursor.go_to_position(len(here.ids) - 1)
        view = views.make(name, here)
        if name in ("compare", "patching"):
            view.take(OTHER)
        for mode in range(max(1, len(view.modes))):
            for cells, height in ((58, 12), (110, 26)):
                settle(view)
                view.follow(cells, height)
                settle(view)
                view.follow(cells, height)
                yield f"{name}, way {mode}, {cells}x{height}", [*view.lines(cells, height), *view.about(cells)]
            view.move(1, 1)
            view.next_mode()


GROUPS: dict[str, Callable[[Session], Drawn]] = {
    "pictures": pictures,
    "panes": panes,
    "questions": questions,
    "views": looks,
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
    FOLDER.mkdir(exist_ok=True)
    for group in GROUPS:
        (FOLDER / f"{group}.txt").write_text(drawn(group), encoding="utf-8")


if __name__ == "__main__":
    main()
