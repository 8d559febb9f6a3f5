"""Text that came from a token or a prompt, made safe and visible: nothing in it can move the cursor or colour a line.

A space shows as `·`, a line break as `⏎`, other control characters as their pictures (`␛`), and what has no glyph of
its own, half a UTF-8 character for instance, as its number: `‹e2›`.
"""

import math
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size

_GLYPHS = {" ": "·", "\n": "⏎", "\t": "⇥", "\r": "␍", "\x7f": "␡", "\xa0": "⍽"}
# control and format characters, surrogates, private and unassigned ones, line separators, and marks that would
# attach themselves to whatever is drawn to their left
_WITHOUT_A_GLYPH = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs", "Mn", "Me", "Mc"}


def visible(token: bytes | str) -> str:
    """The visible text of a token: visible(b" it\\n") = "·it⏎"."""
    text = token if isinstance(token, str) else token.decode("utf-8", "surrogateescape")
    return "".join(map(_glyph, text))


def _glyph(character: str) -> str:
    if character in _GLYPHS:
        return _GLYPHS[character]
    if character < " ":
        return chr(0x2400 + ord(character))
    if 0xDC80 <= ord(character) <= 0xDCFF:  # a byte that is no character by itself
        return f"‹{ord(character) - 0xDC00:02x}›"
    if unicodedata.category(character) in _WITHOUT_A_GLYPH:
        return f"‹{ord(character):x}›"
    return character


def printable(text: str) -> str:
    """The same for running text on a terminal: spaces stay as they are, and marks stay on their letters."""
    return "".join(character if _runs_on(character) else _glyph(character) for character in text)


def _runs_on(character: str) -> bool:
    return character in " \n\t\u200d" or unicodedata.category(character) in ("Mn", "Mc", "Me")


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
