"""The cell under the cursor: in words, and all that it would say."""

from explorer.analysis.lens import Half, LensRow
from explorer.paint.predictions import percent
from explorer.paint.spans import Line, Span, bar, clipped, length
from explorer.text import fit
from explorer.views.lens.state import LensState
from explorer.views.parts import side_by_side

_SHORT = {Half.ATTENTION: "attn", Half.MLP: "mlp"}
_ENTRY = 19  # cells for a token and its probability


def short(row: LensRow) -> str:
    """A row's name for a narrow column: "5 mlp"."""
    return "embed" if row.half is None else f"{row.layer} {_SHORT[row.half]}"


def in_words(state: LensState, cells: int) -> Line:
    """The cell under the cursor in words."""
    scene, row = state.scene, state.rows[state.row]
    found = state.cells.get((state.row, scene.position))
    if found is None:
        missing = "needs the model" if scene.recorded else "computing …"
        return clipped([Span(row.title, "here-text"), Span(f": {missing}", "dim")], cells)
    says = [Span(": "), Span(scene.label(found.token), "value"), Span(f" {percent(found.probability)}")]
    bits = f"{found.entropy:.2f} bits"
    answer = f" · {scene.label(found.answer)} rank {found.answer_rank}, {percent(found.answer_probability)}"
    rest = answer if found.token != found.answer else ""
    line = [Span(row.title, "here-text"), *says, Span(f" · entropy {bits}{rest}")]
    return (
        line
        if length(line) <= cells
        else clipped([Span(short(row), "here-text"), *says, Span(f" · {bits}{rest}")], cells)
    )


def in_columns(state: LensState, cells: int, height: int) -> list[Line]:
    """The likeliest tokens of the chosen cell, several a line."""
    entries = [
        [
            Span(f"{rank:>2} ", "dim"),
            Span(fit(state.scene.label(likely.token), _ENTRY - 11), "token"),
            Span(f"{percent(likely.probability):>6}", "lens"),
            Span("  "),
        ]
        for rank, likely in enumerate(state.likely, 1)
    ]
    across = max(1, (cells + 2) // _ENTRY)
    lines = [entries[start : start + across] for start in range(0, len(entries), across)]
    return [clipped([span for entry in line for span in entry], cells) for line in lines[: max(0, height)]]


def below(state: LensState, cells: int, height: int) -> list[Line]:
    """The same, a token a line."""
    return [[], *_bars(state, min(48, cells), height - 1)]


def beside(state: LensState, left: list[Line], used: int, cells: int) -> list[Line]:
    """The table, and to its right what the chosen cell would say."""
    used += 2
    title = [Span("it would say", "bold"), Span(f"  {short(state.rows[state.row])}", "dim")]
    right = [title, *_bars(state, min(40, cells - used), len(left) - 1)]
    return side_by_side(left, [clipped(line, cells - used) for line in right[: len(left)]], used)


def _bars(state: LensState, cells: int, height: int) -> list[Line]:
    found = state.likely
    if not found:
        return [[Span("needs the model" if state.scene.recorded else "computing …", "dim")]]
    names = max(6, min(12, cells // 2 - 4))
    room = max(0, cells - names - 8)
    return [
        [
            Span(fit(state.scene.label(likely.token), names) + " ", "token"),
            Span(fit(bar(likely.probability / (found[0].probability or 1.0), room), room), "lens"),
            Span(f"{percent(likely.probability):>6}"),
        ]
        for likely in found[:height]
    ]
