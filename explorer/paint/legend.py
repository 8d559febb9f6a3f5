"""The scale of colours: both of its ends with their numbers, and the levels between them."""

from explorer.paint.spans import SHARE_LEVELS, SIGNED_LEVELS, Line, Span
from explorer.terminal.text import short, width


def legend_of_shares(most: str = "1", unit: str = "") -> Line:
    """From 0 to 1: "0 ▒▒▒▒▒▒▒▒▒ 1"."""
    steps = [Span(" ", f"share:{level}") for level in range(0, SHARE_LEVELS + 1, 2)]
    return [Span("0 ", "dim"), *steps, Span(f" {most}{unit and ' '}{unit}", "dim")]


def legend_of_signed(spread: float, unit: str = "", ends: tuple[float, float] = (0.0, 0.0), cells: int = 30) -> Line:
    """From `−spread` to `spread`, where the colours end, in the unit of the numbers: "−1.2 ▒▒▒▒0▒▒▒▒ +1.2".

    `ends`: the least and the largest number; where one lies beyond, the legend says that its colour stands for more.
    """
    end = short(spread, 3)
    below, above = ends[0] < -spread, ends[1] > spread
    low, high = f"{'≤ ' * below}−{end}", f"{'≥ ' * above}+{end}{unit and ' '}{unit}"
    forms = [(low, high)]
    if below or above:
        forms.append((f"−{end}{' and below' * below}", f"+{end}{unit and ' '}{unit}{' and above' * above}"))
    forms.append((f"below zero {low}", f"{high} above zero"))
    size = SIGNED_LEVELS + 3
    fitting = [form for form in forms if sum(map(width, form)) + size <= cells]
    left, right = fitting[-1] if fitting else forms[0]
    levels = range(-SIGNED_LEVELS, SIGNED_LEVELS + 1, 2 if fitting else 4)
    steps = [Span(" " if level else "0", f"signed:{level}") for level in levels]
    return [Span(f"{left} ", "dim"), *steps, Span(f" {right}", "dim")]
