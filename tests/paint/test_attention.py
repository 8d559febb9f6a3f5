"""The thumbnail's window, the steps of one row, and what stands beside the picture on a wide screen."""

import re

import numpy as np
import pytest

from explorer.paint.pictures import _accompanied, picture
from explorer.paint.pictures.score_cells import HeadScores
from explorer.paint.pictures.score_steps import score_steps
from explorer.paint.pictures.scores import scores as attention
from explorer.paint.pictures.thumbnail import _window, part_shown, thumbnail
from explorer.paint.pictures.wide import beside_it
from explorer.paint.spans import share_level
from explorer.runs.trace import RecordedRun
from explorer.walk.session import Session
from tests.helpers.looking import text_of
from tests.helpers.models import Bytes, small_model, start

MODEL = small_model(seed=2, vocab_size=256, n_positions=64, n_head=3, n_embd=12)
NAMES = ("hook_attn_scores_raw", "hook_attn_scores_scaled", "hook_attn_scores", "hook_pattern")


def at(text: str, stage: str = "pattern", position: int | None = None) -> Session:
    here = start(MODEL, Bytes(), text)
    here.cursor.go_to_stage(next(i for i, each in enumerate(here.cursor.stages) if each.id == f"blocks.1.{stage}"))
    here.cursor.go_to_position(len(text) - 1 if position is None else position)
    return here


@pytest.mark.parametrize("columns", [5, 12, 40])
@pytest.mark.parametrize("rows", [4, 11, 30])
def test_the_window_holds_the_diagonal_and_the_largest(columns: int, rows: int) -> None:
    here = at("a story that is long enough for a window, and then some more.")
    for position in range(0, len(here.ids), 7):
        for head in range(3):
            here.cursor.go_to_position(position)
            here.cursor.go_to_head(head)
            scores = HeadScores(here, head)
            part = _window(scores, columns, rows)
            assert len(part.columns) <= columns
            assert len(part.rows) <= rows
            assert position // part.step in part.rows
            for needed in (position, scores.largest):
                assert needed // part.step in part.columns
            counts = {arrow: int(count) for arrow, count in re.findall(r"([↑↓←→]) (\d+)", part.outside(len(here.ids)))}
            shown = len(part.rows) * part.step
            assert 0 <= shown + counts.get("↑", 0) + counts.get("↓", 0) - len(here.ids) < part.step


@pytest.mark.parametrize("halves", [True, False])
@pytest.mark.parametrize("height", range(2, 20))
def test_a_thumbnail_fits_its_room(height: int, halves: bool) -> None:
    here = at("a story that is long enough")
    for position in (0, 13, 26):
        here.cursor.go_to_position(position)
        lines = thumbnail(HeadScores(here, 1), 30, height, halves)
        assert len(lines) <= height
        assert any(
            span.style == "here-text" and span.action == ("position", position) for line in lines for span in line
        )
        assert len(lines) == height or height > 14, "a line for more rows is free"
        assert height < 3 or any(line.split() == ["0", "1"] or line.endswith(" columns") for line in text_of(lines))


@pytest.mark.parametrize("halves", [True, False])
def test_a_dot_is_the_largest_of_its_numbers(halves: bool) -> None:
    scores = HeadScores(at("a story that is long enough for a window, and then some more."), 1)
    pattern = np.array(scores.session.trace.matrix("blocks.1.attn.hook_pattern", 1))
    part = part_shown(scores, 30, 12, halves)
    step, count = part.step, len(pattern)
    assert step > 1

    def level(row: int, dot: int) -> str:
        last = min((row + 1) * step, count)  # keys after the last of its queries are masked
        block = pattern[row * step : last, dot * step : min((dot + 1) * step, last)]
        return str(share_level(block.max())) if block.size and row in part.rows else ""

    deep = 2 if halves else 1
    lines = thumbnail(scores, 30, 12, halves)
    cells = [[span for span in line if span.action and span.action[0] == "cell"] for line in lines]
    drawn = [line for line in cells if line]
    assert len(drawn) == len(part.rows[::deep])
    for row, line in zip(part.rows[::deep], drawn):
        for dot, span in zip(part.columns, line, strict=True):
            levels = [level(row + below, dot) for below in range(deep)]
            expected = "/".join(levels) if any(levels) else "masked"
            assert span.style.removeprefix("share:").removesuffix("!") == expected


def test_the_list_leaves_the_other_heads_their_room() -> None:
    """Thirty tokens take fifteen lines of dots, one above and two below; the other heads seven, and a blank one."""
    here = at("a story that is long enough fo")
    for height in range(10, 36):
        lines = text_of(attention(here, 76, height, True))
        assert len(lines) <= height
        others = "heads of this block" in "\n".join(lines)
        assert others == (height >= 15 + 3 + 1 + 7), height
        assert len(lines) == height or others or height < 14, "a line for more of the list is free"


def test_the_steps_stand_beside_the_grid_where_they_have_forty_cells_and_else_below_in_eight_lines() -> None:
    """Fourteen tokens: a grid of two cells for the names, five for the column of "1.00", and four for each other one,
    with a line above and one below it.
    """
    here, grid = at("fourteen kinds"), 2 + 5 + 13 * 4
    for cells in range(96, 108):
        for height in range(21, 29):
            lines = text_of(_accompanied(here, cells, height, True))
            assert len(lines) <= height
            beside = "one row, step by step" in lines[0]
            assert beside == (cells >= grid + 3 + 40)
            assert beside or (("one row, step by step" in "\n".join(lines)) == (height >= 16 + 1 + 8)), (cells, height)


@pytest.mark.parametrize("size", [(76, 15), (62, 24)], ids=str)
def test_nothing_moves_sideways_from_row_to_row_nor_from_step_to_step(size: tuple[int, int]) -> None:
    """The dots of all rows, and the lists of all rows and steps, begin in the same columns."""
    dots, lists = set(), set()
    for stage in ("raw", "scaled", "masked"):
        here = at("Ein sehr langes Wort, und dann kurz", stage)
        for position in range(5, len(here.ids), 4):
            here.cursor.go_to_position(position)
            lines = text_of(picture(here, *size))
            dots |= {line.index("▀") for line in lines if "▀" in line}
            lists |= {line.index(" asks: ") for line in lines if " asks: " in line}
            assert any(f" asks: {stage} scores" in line for line in lines)
            later = len(here.ids) - 1 - position
            fate = "−∞" if stage == "masked" else "masked next"
            keys = f"{later} later key{'s' * (later > 1)}: {fate}"
            assert not later or any(line.endswith(keys) for line in lines)
    assert len(dots) == len(lists) == 1


@pytest.mark.parametrize("halves", [True, False])
def test_what_is_masked_looks_like_no_number(halves: bool) -> None:
    scores = HeadScores(at("kitchens and gardens"), 0)
    cells = [span for line in thumbnail(scores, 30, 16, halves) for span in line if span.action]
    masked = [span for span in cells if span.style == "masked"]
    assert masked
    assert {span.text for span in masked} == {"·"}
    assert not any("·" in span.text for span in cells if span.style.startswith("share"))


def test_a_listed_token_whose_column_is_out_of_sight_is_marked() -> None:
    here = at("a story that is long enough for a window, and then some more.")
    seen, told = set[str](), set[bool]()
    for position in range(40, len(here.ids)):
        for head in range(3):
            here.cursor.go_to_position(position)
            here.cursor.go_to_head(head)
            lines = text_of(picture(here, 76, 15))
            outside = next((line for line in lines if "←" in line), "")
            left = int(re.findall(r"← (\d+)", f"{outside}← 0")[0])
            told |= {bool(outside), ", ‹ in the" in outside}
            assert outside or "‹" not in "".join(lines)
            listed = [found for line in lines for found in re.findall(r"(‹?) \S+ \((\d+)\) +\.\d", line)]
            assert all((mark == "‹") == (int(column) < left) for mark, column in listed), outside
            seen |= {mark for mark, _ in listed}
    assert seen == {"", "‹"}
    assert told == {True, False}


@pytest.mark.parametrize("stage", ["raw", "masked", "pattern"])
def test_of_a_key_that_comes_later_the_list_says_so_and_of_no_other(stage: str) -> None:
    here = at("kitchens", stage, 5)
    for column in range(8):
        here.cursor.go_to_column(column)
        lines = [line for line in text_of(picture(here, 76, 24)) if re.search(r"▸\S+ .*  comes later", line)]
        assert len(lines) == (column > 5)
        assert all("kitchens"[column] in line for line in lines)


def test_very_small_weights_are_no_nothing() -> None:
    scores = HeadScores(at("kitchens"), 0)
    assert [scores.text_in_list(value) for value in (0.0, 0.0049, 0.0051, 0.5)] == [".00", "<.01", ".01", ".50"]


def test_the_steps_of_a_row_do_not_lose_the_overview() -> None:
    cursor = at("kitchens").cursor
    cursor.toggle_overview()
    cursor.toggle_steps()
    assert cursor.steps
    cursor.toggle_steps()
    assert cursor.overview
    assert not cursor.steps
    cursor.toggle_steps()
    cursor.toggle_overview()
    assert cursor.overview
    assert not cursor.steps
    cursor.toggle_overview()
    assert not cursor.overview


def test_all_heads_name_the_first_and_the_last_token_they_show() -> None:
    here = at("kitchens")
    here.cursor.toggle_overview()
    assert "rows and columns: k (0) … s (7), all 8 tokens" in "\n".join(text_of(picture(here, 116, 20)))


def test_the_steps_of_a_row_are_numpys() -> None:
    here = at("kitchens", position=5)
    here.cursor.toggle_steps()
    lines = text_of(picture(here, 110, 40))
    start_of_rows = next(i for i, line in enumerate(lines) if line.split()[:1] == ["key"]) + 1
    raw, scaled, masked, pattern = (np.array(here.trace.matrix(f"blocks.1.attn.{name}", 0)[5][:6]) for name in NAMES)
    less = masked - masked.max()
    for key, line in enumerate(lines[start_of_rows : start_of_rows + 6]):
        words = line.replace("▸", " ").replace("−", "-").split()
        found = [float(word) for word in words[1:7]]
        expected = [each[key] for each in (raw, scaled, masked, less, np.exp(less), pattern)]
        assert found == pytest.approx(expected, abs=0.00501)
    assert any("2 tokens: the mask makes the score −∞, and exp(−∞) = 0" in line for line in lines)
    (total,) = [line.split() for line in lines if line.split()[:1] == ["sum"]]
    assert [float(word) for word in total[1:]] == pytest.approx([np.exp(less).sum(), 1.0], abs=0.0001)


def test_a_step_has_its_column_as_soon_as_bars_of_eight_cells_are_left() -> None:
    here = at("kitchens", position=5)
    here.cursor.toggle_steps()
    columns, bars = [], []
    for cells in range(30, 90):
        lines = text_of(score_steps(here, cells, 40))
        columns.append(len(lines[0].removesuffix("…").replace("− largest", "less").replace("÷ ", "÷").split()) - 1)
        bars.append(max(line.count("█") for line in lines))
    for wider in range(1, len(columns)):
        assert columns[wider] >= columns[wider - 1]
        assert columns[wider] == columns[wider - 1] or bars[wider] == 8
    assert {*columns} == {2, 3, 4, 5, 6}


def test_a_recorded_run_says_which_steps_it_lacks() -> None:
    here = at("kitchens")
    values = {name: value for name, value in here.run.values.items() if not name.endswith("_raw")}
    run = RecordedRun(MODEL.config, list(here.ids), values)
    session = Session(run, Bytes())
    session.begin(run, "kitchens")
    session.cursor.go_to_stage(here.cursor.stage_index)
    session.cursor.toggle_steps()
    text = "\n".join(text_of(picture(session, 76, 20)))
    assert "q·k: not recorded." in text
    assert "1.0000" in text


@pytest.mark.parametrize("stage", ["resid_mid", "mlp_out", "pattern"])
def test_on_a_wide_screen_the_stage_before_stands_beside_it(stage: str) -> None:
    here = at("kitchens", stage)
    said = "\n".join(text_of(picture(here, 138, 46, accompanied=True)))
    expected = {"resid_mid": ["before", "written"], "mlp_out": ["before: block 1 · "], "pattern": ["step by step"]}
    assert all(words in said for words in expected[stage])
    assert "✓ equal to the recorded number" in said
    assert "step by step" not in "\n".join(text_of(picture(here, 138, 46)))


def test_beside_a_high_picture_the_number_is_worked_out_in_fourteen_lines() -> None:
    lines = text_of(beside_it(at("kitchens", "mlp_out"), 70, 80, lambda *_: []))
    first = next(index for index, line in enumerate(lines) if line.startswith("  neuron"))
    last = next(index for index, line in enumerate(lines) if line.startswith("✓ equal"))
    assert last + 1 - first == 14, (
        "of 48 terms the largest, the rest added up, and whether the sum is the recorded number"
    )
    assert lines[last + 2] == "code"
