"""Text that came from a token or a prompt, made safe and visible: nothing in it can move the cursor or colour a line.

A space shows as `·`, a line break as `⏎`, other control characters as their pictures (`␛`), and what has no glyph of
its own, half a UTF-8 character for instance, as its number: `‹e2›`.
"""

import unicodedata

LONGEST_NUMBER = 4300
"""The most digits that Python reads as a whole number."""

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


def one_line(text: str) -> str:
    """The same without line breaks, for a message that must not look like several."""
    return printable(text).replace("\n", _GLYPHS["\n"]).replace("\t", _GLYPHS["\t"])


def quoted(text: str, most: int = 60) -> str:
    """A text in quotation marks for a message, cut where it is long: quoted("1" * 50, 3) = "'111…' (50 characters)"."""
    return repr(text) if len(text) <= most else f"{text[:most] + '…'!r} ({len(text):,} characters)"


def _runs_on(character: str) -> bool:
    return character in " \n\t\u200d" or unicodedata.category(character) in ("Mn", "Mc", "Me")


def shortened(number: int, most: int = 20) -> str:
    """A whole number for a message; a very long one by its first digits: shortened(10**99, 3) = "100… (100 digits)"."""
    text = str(number)
    digits = text.lstrip("-")
    return text if len(digits) <= most else f"{text[: most + len(text) - len(digits)]}… ({len(digits):,} digits)"
