"""A table of signed numbers, wide and narrow."""

import re

import pytest

from explorer.views.heatmap import Heatmap, heatmap


def _drawn(cells: int, column: int) -> list[str]:
    """The rows of a table of 3 by 40 whose columns get smaller."""
    table = Heatmap(
        ["sum", "MLP 4", "head 1.2"],
        [f"c{number}" for number in range(40)],
        lambda row, column: (row + 1) / (column + 1),
        lambda value: f"{value:+.2f}",
        row=0,
        column=column,
        by_size=True,
    )
    return ["".join(span.text for span in line) for line in heatmap(table, cells, 12)]


@pytest.mark.parametrize("cells", [60, 80, 110, 200])
@pytest.mark.parametrize("column", [0, 20, 39])
def test_columns_by_size_have_figures_at_every_width(cells: int, column: int) -> None:
    drawn = _drawn(cells, column)
    assert all(len(line) <= cells for line in drawn)
    shown = [int(name) for name in re.findall(r"\bc(\d+)\b", drawn[0][:cells])]
    assert column in shown
    for row in range(3):
        assert f"{(row + 1) / (column + 1):+.2f}" in drawn[row + 1]


@pytest.mark.parametrize("column", [0, 20, 39])
def test_arrows_say_on_which_sides_there_are_more_columns(column: int) -> None:
    title = _drawn(80, column)[0]
    assert ("←" in title, "→" in title) == (column > 0, column < 39)
