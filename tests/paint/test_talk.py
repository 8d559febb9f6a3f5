"""The picture for a stage: the largest number of the row is in it, and the prediction is not before it is revealed."""

import re

import pytest

from explorer.paint.pictures import picture
from explorer.paint.spotlight import spotlit
from explorer.paint.talk import talk_picture
from explorer.walk.session import Session
from explorer.walk.talk import Talk
from gpt.ops import softmax_row
from tests.helpers.looking import hostile, many, story, text_of
from tests.helpers.models import Bytes, small_model, start
from tests.helpers.styles import check_style

SIZES = [(60, 18), (80, 24), (120, 36), (200, 60)]


@pytest.fixture
def here() -> Session:
    walked = story()
    walked.cursor.go_to_position(len(walked.ids) - 1)
    return walked


def painted(here: Session, talk: Talk, size: tuple[int, int] = (80, 24)) -> str:
    return "\n".join(text_of(talk_picture(here, talk, *size)))


@pytest.mark.parametrize("size", SIZES)
def test_every_stage_fits_and_shows_the_largest_of_its_row(here: Session, size: tuple[int, int]) -> None:
    for index, place in enumerate(here.cursor.stages):
        here.cursor.go_to_stage(index)
        lines = text_of(talk_picture(here, Talk(), *size))
        assert len(lines) <= size[1]
        assert all(len(line) <= size[0] for line in lines)
        if (part := here.cursor.part) and here.cursor.axes[-1:] in ("d", "m", "e"):
            row = here.trace.matrix(part.activation, here.cursor.head)[here.position]
            largest = max(range(len(row)), key=lambda column: abs(row[column]))
            assert any(line.split()[1:2] == [str(largest)] for line in lines), place.id


def test_the_prediction_stands_nowhere_before_it_is_revealed(here: Session) -> None:
    talk, answer = Talk(), here.label(here.trace.order(len(here.ids) - 1)[0])
    for name in ("logits", "blocks.0.hook_resid_pre"):
        here.cursor.go_to_value(name)
        words = painted(here, talk)
        assert "?????" in words
        assert answer not in words
        talk.hidden = False
        assert answer in painted(here, talk)
        talk.hidden = True


def test_guesses_stand_beside_the_truth(here: Session) -> None:
    talk = Talk()
    for guess in ("Lily", " ball ", "Lily", ""):
        talk.guess(guess)
    assert talk.texts == ["Lily", "ball"]
    logits = here.trace.logits(len(here.ids) - 1)
    assert logits
    (lily,) = here.tokenizer.encode(" Lily")
    assert talk.guesses(here)[0].probability == pytest.approx(softmax_row(logits)[lily], rel=1e-12)
    assert talk.guesses(here)[0].rank == 1 + sum(value > logits[lily] for value in logits)
    assert "Lily · ball" in painted(here, talk)


def test_numbers_in_full_on_request(here: Session) -> None:
    here.cursor.go_to_value("blocks.2.hook_resid_post")
    row = here.trace.matrix("blocks.2.hook_resid_post")[here.position]
    largest = max(row, key=abs)
    talk = Talk()
    assert repr(abs(largest)) not in painted(here, talk, (120, 36))
    talk.in_full = True
    assert repr(abs(largest)) in painted(here, talk, (120, 36))


def test_beginning_again_forgets_the_talk() -> None:
    talk = Talk()
    talk.guess("x")
    talk.press("→")
    talk.hidden = False
    talk.begin_again()
    assert (talk.hidden, talk.texts, talk.keys) == (True, [], [])


def test_strange_models_and_sizes() -> None:
    for here in (*many(), hostile(40)):
        for index in range(0, len(here.cursor.stages), 3):
            here.cursor.go_to_stage(index)
            for size in (*SIZES, (8, 3)):
                lines = talk_picture(here, Talk(), *size)
                assert len(lines) <= size[1]
                for line in lines:
                    for span in line:
                        check_style(span.style)


def test_the_spotlight_dims_all_rows_but_one(here: Session) -> None:
    here.cursor.go_to_value("blocks.5.attn.hook_pattern")
    lines = picture(here, 116, 26)
    lit = spotlit(lines, here.position, here.cursor.head)
    assert text_of(lit) == text_of(lines)
    for before, after in zip(lines, lit):
        for old, new in zip(before, after):
            match old.action:
                case ("cell", row, _):
                    assert new.style == (old.style if row == here.position else "masked")
                case None:
                    assert new == old


def test_of_scores_the_best_fit_comes_first_and_bars_begin_at_an_axis(here: Session) -> None:
    for step in ("raw", "scaled", "masked"):
        here.cursor.go_to_stage(next(i for i, s in enumerate(here.cursor.stages) if s.id == f"blocks.3.{step}"))
        for head in range(6):
            here.cursor.go_to_head(head)
            assert here.cursor.part
            row = here.trace.matrix(here.cursor.part.activation, head)[here.position][: here.position + 1]
            best = here.label(here.ids[max(range(len(row)), key=row.__getitem__)])
            lines = [line for line in talk_picture(here, Talk(), 120, 50) if any("│" in span.text for span in line)]
            assert bool(lines) == (min(row) < 0)
            shown = [line for line in lines if line[1].text.strip()]
            if not shown:
                continue
            assert shown[0][1].text.strip() == best
            figures = [float(line[-1].text.replace("−", "-")) for line in shown]
            assert figures == sorted(figures, reverse=True)
            axis = {"".join(span.text for span in line).index("│") for line in lines}
            assert len(axis) == 1
            for line, figure in zip(shown, figures):
                before, _, after = "".join(span.text for span in line[2:-1]).partition("│")
                assert ("█" in after, "█" in before or "▐" in before) == (figure > 0, figure < 0) or abs(figure) < 1


def test_the_figures_of_a_column_have_the_same_number_of_decimals(here: Session) -> None:
    for name in ("blocks.2.hook_resid_post", "blocks.3.attn.hook_attn_scores_raw", "blocks.1.hook_mlp_out"):
        here.cursor.go_to_value(name)
        figures = [line.split()[-1] for line in text_of(talk_picture(here, Talk(), 120, 36)) if "█" in line]
        decimals = {len(figure.partition(".")[2]) for figure in figures if "█" not in figure}
        assert len(decimals) == 1, figures


def test_it_says_after_which_token_the_hidden_word_comes(here: Session) -> None:
    here.cursor.go_to_position(2)
    for hidden in (True, False):
        assert "after ·to" in painted(here, Talk(hidden=hidden)).splitlines()[1]


def test_the_clock_begins_with_the_talk(here: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("explorer.walk.talk.monotonic", lambda: now)
    talk = Talk()
    now = 1000.0
    talk.begin()
    now = 1432.0
    talk.begin()  # opened again
    last = painted(here, talk).splitlines()[-1]
    assert "7:12 in the talk" in last
    assert f"stage {here.cursor.stage_index + 1} of {len(here.cursor.stages)}" in last


@pytest.mark.parametrize("cells", [60, 72, 80, 100, 140])
def test_the_keys_have_the_room_that_the_stage_and_the_clock_leave_them(here: Session, cells: int) -> None:
    talk = Talk(shows_keys=True)
    for key in ("right", "down", "enter", "ctrl+left", "shift+right", "end", "backspace", "home"):
        talk.press(key)
        (line,) = [line for line in text_of(talk_picture(here, talk, cells, 24)) if line.endswith(" in the talk")]
        assert len(line) <= cells
        found = re.search(r"stage \d+ of \d+   (.*?) *(?:space reveals   )?\S+ in the talk$", line)
        assert found, "the stage and the clock are whole"
        shown = found[1].split()
        assert shown == talk.keys[len(talk.keys) - len(shown) :], "the last ones stay"
        assert shown or len(line) + len(key) + 4 > cells


@pytest.mark.parametrize("cells", range(24, 41))
def test_a_line_holds_as_many_tokens_as_it_has_room_for(cells: int) -> None:
    """A letter takes four cells: a blank on both sides, and one to the next; four stay free at both ends of a line."""
    here = start(small_model(vocab_size=256), Bytes(), "ten tokens")
    here.cursor.go_to_stage(0)
    lines = [[span for span in line if span.style == "chip"] for line in talk_picture(here, Talk(), cells, 40)]
    found = [len(line) for line in lines if line]
    whole, rest = divmod(10, (cells - 8) // 4)
    assert found == [(cells - 8) // 4] * whole + [rest] * bool(rest)
