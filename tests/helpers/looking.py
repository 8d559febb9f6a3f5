"""Views without a terminal: sessions to look at, their work done, and whether what they draw fits its pane."""

import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import TypeVar

from rich.cells import cell_len

from explorer.paint.spans import Line
from explorer.views.view import View
from explorer.walk.session import Session
from gpt import Sampling
from tests.helpers.models import HOSTILE, Words, embedded, recorded, small_model, start
from tests.helpers.styles import check_style

V = TypeVar("V", bound=View)
PROMPT = "Tom and Lily went to the park. Tom said to"
SIZES = [(49, 15), (58, 11), (78, 16), (116, 26), (196, 50)]  # a narrow pane; all of the width at 60x18 to 200x60


@cache
def story() -> Session:
    """The embedded model with a story whose answer is a name."""
    model, checkpoint = embedded()
    return start(model, checkpoint.tokenizer, PROMPT, sampling=Sampling(0.8, 40), seed=42)


def hostile(tokens: int, **config: int) -> Session:
    """A sequence of tokens that would break a screen."""
    model = small_model(seed=5, **{"vocab_size": len(HOSTILE), "n_positions": 64, "n_embd": 12, "n_layer": 2} | config)
    ids = [(7 * place + 3) % len(HOSTILE) for place in range(tokens)]
    return start(model, Words(HOSTILE), " ".join(map(str, ids)))


def many() -> Iterator[Session]:
    """One token, sixty, one layer with one head, a dozen of both."""
    yield hostile(1)
    yield hostile(60)
    yield hostile(5, n_layer=1, n_head=1)
    yield hostile(9, n_layer=12, n_head=12)


def without_weights() -> Session:
    """A run that was recorded, without its model."""
    run = recorded(small_model(vocab_size=len(HOSTILE)), [3, 1, 4, 1, 5])
    session = Session(run, Words(HOSTILE))
    session.begin(run, "recorded")
    return session


def overflowed() -> Session:
    """A run whose residual stream, and all that follows, is infinite."""
    session = hostile(3)
    for name in ("blocks.1.hook_resid_post", "ln_final.hook_out", "logits", "blocks.1.hook_mlp_out"):
        session.run.values[name] = [[float("inf")] * len(row) for row in session.run.values[name]]
    session.run.derived.clear()
    return session


def at_the_last_token(kind: type[V], here: Session) -> V:
    """That view, its work done, from the beginning of the walk at the last token."""
    here.cursor.go_to_stage(0)
    here.cursor.go_to_position(len(here.ids) - 1)
    view = kind(here)
    settle(view)
    return view


def settle(view: View) -> View:
    """Work out all that the view wants, as the screen's thread does."""
    view.follow(*SIZES[3])
    for _ in range(20):
        if view.wanted() is None:
            return view
        for _ in view.work():
            pass
    raise AssertionError("it wants more and more")


def ask(view: View, **chosen: int | str) -> None:
    """Choose in the view's dialog: an option by its number, or a text."""
    dialog = view.dialog(view)
    known = {line.id: line.current if line.options else line.text for line in dialog.lines()}
    assert set(chosen) <= set(known)
    dialog.take(known | chosen)


def text_of(lines: list[Line]) -> list[str]:
    return ["".join(span.text for span in line).rstrip() for line in lines]


def shown(view: View, cells: int = 94, height: int = 24) -> str:
    """The text that a view draws when its work is done, and what it says of its cursor."""
    settle(view).follow(cells, height)
    return "\n".join(text_of([*view.lines(cells, height), *view.about(cells)]))


def check_fits(view: View, cells: int, height: int) -> None:
    """Within its lines and cells, nothing that commands a terminal, known styles; and every click is understood."""
    view.follow(cells, height)
    lines, about = view.lines(cells, height), view.about(cells)
    assert len(lines) <= height
    assert len(about) <= 2
    for line in (*lines, *about):
        text = "".join(span.text for span in line)
        assert cell_len(text) <= cells, text
        bad = {unicodedata.category(character) for character in text} & {"Cc", "Cf", "Cs", "Zl", "Zp", "Mn", "Me"}
        assert not bad, text
        for span in line:
            check_style(span.style)
            if span.action is None:
                continue
            name, *numbers = span.action
            assert name in ("view", "position")
            assert name == "view" or numbers[0] < len(view.session.ids)


def clicks(view: View, cells: int = 94, height: int = 24) -> list[tuple[int, ...]]:
    """All that can be clicked on."""
    spans = [span for line in view.lines(cells, height) for span in line]
    return [span.action[1:] for span in spans if span.action and span.action[0] == "view"]


def check_everywhere(view: View) -> None:
    """Drawn in every mode and size before its work is done, after it, and wherever its cursor goes."""
    for size in SIZES:
        check_fits(view, *size)
    for _ in range(max(1, len(view.modes))):
        for by in ((0, 0), (1, 0), (1, 3), (-9, -9), (99, 99), (0, -99)):
            view.move(*by)
            settle(view)
            for size in SIZES:
                check_fits(view, *size)
        view.next_mode()
    for numbers in clicks(settle(view)):
        view.click(*numbers)
        check_fits(view, *SIZES[0])
