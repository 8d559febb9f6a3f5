"""The row of tokens under the prompt: each as a chip with its id below, the one you stand on lit."""

from dataclasses import dataclass

from explorer.paint.spans import Line, Span
from explorer.terminal.text import fit, width

_LONGEST = 20


@dataclass(frozen=True)
class TokenRow:
    """The tokens to show: those of the session, or those that the text being typed would become."""

    ids: list[int]
    labels: list[str]
    position: int | None  # where you stand; nowhere while typing
    drawn_from: int  # the first token that was drawn


def tokens(row: TokenRow, cells: int, height: int) -> list[Line]:
    """The tokens around the position, as many as fit, and (if there are two lines) their ids."""
    chips = [_chip(row, position) for position in range(len(row.ids))]
    current = len(chips) - 1 if row.position is None else row.position
    sizes = [width(chip.text) + 1 for chip in chips]
    margin = 2 if sum(sizes) <= cells - 4 else len(str(len(chips))) + 2  # for how many are out of sight on a side
    first, last = _stretch(sizes, current, cells - 2 * margin)
    texts: Line = [Span(fit(f"←{first}" if first else "", margin), "dim")]
    ids: Line = [Span(" " * margin)]
    for position in range(first, last):
        chip = chips[position]
        number = fit(str(row.ids[position]), width(chip.text) - 1, ">") + "  "
        texts += [chip, Span(" ")]
        ids.append(Span(number, "here-text" if position == row.position else "dim"))
    if last < len(chips):
        texts.append(Span(f"{len(chips) - last}→", "dim"))
    return [texts, ids][:height]


def _chip(row: TokenRow, position: int) -> Span:
    label, id = row.labels[position], str(row.ids[position])
    text = f" {fit(label, min(width(label), _LONGEST))} "
    text = fit(text, max(width(text), len(id) + 1))
    if position == row.position:
        style = "here"
    elif position >= row.drawn_from:
        style = "drawn"
    else:
        style = "chip"
    return Span(text, style, ("position", position))


def _stretch(sizes: list[int], current: int, room: int) -> tuple[int, int]:
    """The neighbours of the current chip that fit beside it, as many on each side as possible."""
    if not sizes:
        return 0, 0
    first, last, used = current, current + 1, sizes[current]
    while True:
        grown = False
        if first and used + sizes[first - 1] <= room:
            first -= 1
            used += sizes[first]
            grown = True
        if last < len(sizes) and used + sizes[last] <= room:
            used += sizes[last]
            last += 1
            grown = True
        if not grown:
            return first, last
