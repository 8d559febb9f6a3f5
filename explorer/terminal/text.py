"""Text that is laid out in the cells of a terminal: how wide it is, cut to fit, numbers in a few characters."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size

from explorer.terminal.glyphs import printable, visible

__all__ = ["counted", "fit", "number", "printable", "short", "token_at", "visible", "width"]


def width(text: str) -> int:
    """How many terminal cells a text takes: two for 猫, one for c."""
    return len(text) if text.isascii() and text.isprintable() else cell_len(text)


def fit(text: str, cells: int, align: str = "<", mark: str = "…") -> str:
    """The text in exactly that many cells: cut, which the mark shows, or filled up on the right or (">") the left.

    fit("little", 4) = "lit…"
    """
    if cells <= 0:
        return ""
    size = width(text)
    if size > cells:
        return set_cell_size(text, cells - len(mark)) + mark
    filling = " " * (cells - size)
    return filling + text if align == ">" else text + filling


def token_at(position: int, tokens: Sequence[Any], label: Callable[[Any], str] = str) -> str:
    """A token by its text, with its position where it is not the only one: token_at(2, ["a", "b", "a"]) = "a (2)".

    The tokens are given as texts, or as ids with `label` for their texts. Past the last one: "position 3".
    """
    if position >= len(tokens):
        return f"position {position}"
    text = label(tokens[position])
    return f"{text} ({position})" if tokens.count(tokens[position]) > 1 else text


def counted(count: int, noun: str) -> str:
    """A number and its noun: counted(1, "token") = "1 token", counted(2, "token") = "2 tokens"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def number(value: float, digits: int = 3, plus: str = "+") -> str:
    """A signed number in a few characters: number(-0.01234) = "−0.012"."""
    if not math.isfinite(value):
        return {"inf": "∞", "-inf": "−∞"}.get(str(value), "NaN")
    magnitude = abs(value)
    text = f"{magnitude:.1e}" if magnitude >= 1e5 else f"{magnitude:.{digits}f}"
    return ("−" if value < 0 else plus) + text


def short(value: float | None, digits: int = 4) -> str:
    """A number as it stands in a formula, to so many digits: short(-0.012345) = "−0.01235"; "?" is not known."""
    if value is None:
        return "?"
    return f"{value:.{digits}g}".replace("-", "−").replace("inf", "∞").replace("e−0", "e−").replace("e+0", "e+")
