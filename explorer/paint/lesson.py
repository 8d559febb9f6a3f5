"""A lesson about the place where the walk stands, and a word of the glossary."""

from explorer.paint.spans import Line, Span, clipped, length, shortened, wrapped
from explorer.teaching.lessons import Filled, glossary

_HEADING = 6  # cells for the word before a part
_NARROW = 44  # fewer cells, and the headings stand above their texts
_STYLES = {"here": "here-text", "try": "accent", "but": "down"}


def lesson(found: Filled, word: str | None, cells: int, height: int) -> list[Line]:
    """The lesson in at most that many lines; below it the meaning of `word`, or the words that can be asked for."""
    below = [*_meaning(word, cells), _goes_on(found, word)] if word else _words(found, cells)
    below = below[:height]
    body = [*wrapped(found.title, cells, "bold"), []]
    for heading, text in found.parts:
        body += _part(heading, text, cells)
    room = height - len(below)
    if len(body) + 1 < room:
        below.insert(0, [])
    body = _shortened(body, height - len(below), bool(word))
    filling: list[Line] = [[]] * (height - len(body) - len(below))
    return [clipped(line, cells) for line in (*body, *filling, *below)]


def _shortened(body: list[Line], height: int, explaining: bool) -> list[Line]:
    """At most that many lines; the last says how many more there are, and how to see what an explanation hides."""
    hidden = len(body) - height + 1
    if not explaining or hidden < 2 or height < 1:
        return shortened(body, height)
    return [*body[: height - 1], [Span(f"… {hidden} more lines: L past the last word shows them", "dim")]]


def _part(heading: str, text: str, cells: int) -> list[Line]:
    style = _STYLES.get(heading, "dim")
    if cells < _NARROW:
        return [[Span(heading, style)], *wrapped(text, cells)]
    lines = wrapped(text, cells - _HEADING)
    return [[Span(f"{heading if not index else '':<{_HEADING}}", style), *line] for index, line in enumerate(lines)]


def _words(found: Filled, cells: int) -> list[Line]:
    """The marked words of the lesson, each to be clicked on."""
    if not found.words:
        return []
    lines: list[Line] = [[Span("L explains ", "dim")]]
    for index, word in enumerate(found.words):
        chip = [Span(f" {word} ", "chip", ("word", index)), Span(" ")]
        if length([*lines[-1], *chip]) > cells and len(lines[-1]) > 1:
            lines.append([])
        lines[-1] += chip
    return lines


def _goes_on(found: Filled, word: str) -> Line:
    """Which word that is, and what L does next."""
    number = found.words.index(word) + 1
    after = f"L explains {found.words[number]}" if number < len(found.words) else "L ends it"
    return [Span(f"word {number} of {len(found.words)} · {after}", "dim")]


def _meaning(word: str, cells: int) -> list[Line]:
    lines = wrapped(f"{word}: {glossary()[word]}", cells)
    first = lines[0][0].text
    lines[0] = (
        [Span(first[: len(word)], "here-text"), Span(first[len(word) :])] if len(word) <= len(first) else lines[0]
    )
    return lines
