"""Labelled bars, the legend, and the mark of the cursor."""

import pytest

from explorer.paint.legend import legend_of_shares, legend_of_signed
from explorer.paint.row import Entry, figure, labelled_bars
from explorer.paint.spans import Span, length, marked, out_of_sight
from tests.helpers.looking import text_of
from tests.helpers.styles import check_style

SHARES = [Entry("Tom", 0.2), Entry("·Lily", 0.7), Entry("·and", 0.04), Entry("·to", 0.02), Entry("·park", 0.04)]


def percent(value: float) -> str:
    return f"{value:.2f}"[1:]


@pytest.mark.parametrize("height", range(1, 8))
@pytest.mark.parametrize("current", [None, 0, 3])
def test_the_largest_stands_first_in_full(height: int, current: int | None) -> None:
    lines = text_of(labelled_bars(SHARES, 40, height, current=current, text=percent))
    assert len(lines) == min(height, len(SHARES))
    assert "·Lily .70" in lines[0]
    assert current is None or height < 3 or any(SHARES[current].label in line for line in lines)


def test_what_is_left_out_is_counted_and_added_up() -> None:
    lines = text_of(labelled_bars(SHARES, 40, 3, text=percent))
    assert lines[-1].split() == ["3", "more", ".10", "added", "up"]


@pytest.mark.parametrize("cells", [8, 14, 24, 60])
def test_bars_stay_within_their_cells(cells: int) -> None:
    for line in labelled_bars(SHARES, cells, 4, current=3, text=percent):
        assert length(line) <= max(cells, 24)


def test_a_mark_keeps_the_number_and_its_colour() -> None:
    for text, expected in ((" .19 ", "[.19]"), ("  ", "[]"), (" ", "•"), ("    ", "[  ]"), ("−1.25 ", "−1.25]")):
        span = marked(Span(text, "share:7", ("cell", 1, 2)))
        assert span == Span(expected, "share:7!", ("cell", 1, 2))
        check_style(span.style)


def test_a_legend_names_both_ends() -> None:
    assert text_of([legend_of_shares()])[0].split() == ["0", "1"]
    assert text_of([legend_of_signed(1.234, "points")])[0].split() == ["−1.23", "0", "+1.23", "points"]
    assert text_of([legend_of_signed(0.5)])[0].split() == ["−0.5", "0", "+0.5"]


@pytest.mark.parametrize(
    ("ends", "cells", "said"),
    [
        ((-1.2, 1.2), 30, ["−1.23", "+1.23"]),
        ((-5.0, 1.2), 30, ["≤ −1.23", "+1.23"]),
        ((-5.0, 9.0), 30, ["≤ −1.23", "≥ +1.23"]),
        ((-5.0, 9.0), 44, ["−1.23 and below", "+1.23 and above"]),
        ((-5.0, 9.0), 60, ["below zero ≤ −1.23", "≥ +1.23 above zero"]),
        ((0.0, 0.0), 60, ["below zero −1.23", "+1.23 above zero"]),
    ],
)
def test_a_legend_says_that_colours_end_only_where_numbers_lie_beyond(
    ends: tuple[float, float], cells: int, said: list[str]
) -> None:
    line = legend_of_signed(1.234, "", ends, cells)
    assert [part.strip() for part in text_of([line])[0].split("    0    ")] == said
    assert length(line) <= cells
    assert length(legend_of_signed(1.234, "", ends, 22)) <= 22


def test_what_is_out_of_sight_is_said_in_words() -> None:
    assert out_of_sight(0, 0, 0, 0) == ""
    assert out_of_sight(5, 0, 0, 0) == "↑ 5 rows"
    assert out_of_sight(0, 1, 46, 3) == "↓ 1 row, ← 46 → 3 columns"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0.000"),
        (-0.0, "0.000"),
        (-0.0002, "−0.0002"),
        (0.000031, "+0.00003"),
        (-1e-9, "0.000"),
        (-0.0012, "−0.001"),
        (2.0, "+2.000"),
        (float("inf"), "∞"),
        (float("nan"), "NaN"),
    ],
)
def test_no_zero_has_a_sign(value: float, shown: str) -> None:
    assert figure(value) == shown


def test_the_cursor_stands_apart_below_what_is_left_out() -> None:
    *_, rest, last = text_of(labelled_bars(SHARES, 60, 4, current=3, text=percent))
    assert rest.split()[:2] == ["2", "more"]
    assert last.split() == ["▸", "·to", ".02", "the", "cursor"]


def test_scores_come_by_value_and_their_rest_is_a_range_not_a_sum() -> None:
    scores = [Entry("a", -9.0), Entry("b", 2.0), Entry("c", -1.0), Entry("d", 0.5)]
    rest = lambda values: (f"{max(values):g}", ("and less",))  # noqa: E731
    lines = text_of(labelled_bars(scores, 50, 3, signed=True, of_rest=rest))
    assert [line.split()[0] for line in lines[:2]] == ["b", "d"]
    assert lines[-1].split() == ["2", "more", "-1", "and", "less"]
    assert all("│" in line for line in lines[:2]), "bars stand on an axis where some are below zero"
