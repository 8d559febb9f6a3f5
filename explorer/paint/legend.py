"""The scale of colours: both of its ends with their numbers, and the levels between them."""

from explorer.paint.spans import SHARE_LEVELS, SIGNED_LEVELS, Line, Span
from explorer.text import short


def legend_of_shares(most: str = "1", unit: str = "") -> Line:
    """From 0 to 1: "0 ▒▒▒▒▒▒▒▒▒ 1"."""
    steps = [Span(" ", f"share:{level}") for level in range(0, SHARE_LEVELS + 1, 2)]
    return [Span("0 ", "dim"), *steps, Span(f" {most}{unit and ' '}{unit}", "dim")]


def legend_of_signed(spread: float, unit: str = "") -> Line:
    """From `−spread` to `spread`, where the colours end, in the unit of the numbers: "−1.2 ▒▒▒▒▒ +1.2"."""
    end = short(spread, 3)
    steps = [Span(" ", f"signed:{level}") for level in range(-SIGNED_LEVELS, SIGNED_LEVELS + 1, 2)]
    return [Span(f"−{end} ", "dim"), *steps, Span(f" +{end}{unit and ' '}{unit}", "dim")]
