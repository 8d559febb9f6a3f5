"""The line at the bottom: what the arrows move now, and the keys that do something here."""

from collections.abc import Sequence

from explorer.paint.spans import Line, Span
from explorer.terminal.text import fit, width

_GAP = 2


def footer(mode: str, offers: Sequence[tuple[str, str]], last: tuple[str, str] | None, cells: int) -> Line:
    """As many offers (keys, words) as fit, and one that is always there; a click on one is ("offer", number).

    The last one has the number of offers.
    """
    chip = f" {mode} "
    line, room = [Span(chip, "mode"), Span(" ")], cells - width(chip) - 1 - (_size(last) if last else 0)
    for number, offer in enumerate(offers):
        if _size(offer) + _GAP > room:
            continue
        line += [*_offer(offer, number), Span(" " * _GAP)]
        room -= _size(offer) + _GAP
    if last:
        line += _offer(last, len(offers))
    return line if sum(width(span.text) for span in line) <= cells else [Span(fit(chip, cells), "mode")]


def _size(offer: tuple[str, str]) -> int:
    return width(offer[0]) + 1 + width(offer[1])


def _offer(offer: tuple[str, str], number: int) -> Line:
    keys, words = offer
    action = ("offer", number)
    return [Span(keys, "key", action), Span(f" {words}", "offer", action)]
