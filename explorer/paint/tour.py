"""The bar of a tour: where it is, the text of the Stop, what to press; after an answer whether it holds."""

from explorer.paint.spans import Line, Span, clipped, length, shortened, wrapped
from explorer.teaching.playing import Playing

HEIGHT, LOW_HEIGHT = 9, 8  # lines at most, on a screen of 24 lines and on a lower one: the picture stays visible
_KEYS = (" · N next · P back · T list · E leave", " · N next · P back", "")


def tour(playing: Playing, cells: int, height: int = HEIGHT) -> list[Line]:
    """The lines; the first has the title, the others the text. What to press is always there; a cut text says so."""
    told, reply = playing.told, playing.replies.get(playing.at)
    head: Line = [Span(f" {told['title']} ", "brand")]
    fitting = (f"{playing.count}{keys}" for keys in _KEYS)
    keys = next((keys for keys in fitting if length(head) + len(keys) < cells), playing.count)
    head = clipped(head, max(0, cells - len(keys) - 1))
    gap = cells - length(head) - len(keys)
    lines = [[*head, Span(" " * max(0, gap)), Span(keys, "dim")]]
    if reply:
        lines += wrapped(told["question.ask"], cells, "dim")
        lines += wrapped(f"{'✓' if reply.holds else '✗'} {reply.text}", cells, "up" if reply.holds else "down")
    else:
        lines += wrapped(told["text"], cells)
    press = wrapped(f"→ {told['press']}", cells, "accent") if told["press"] else []
    lines = [*shortened(lines, max(2, height - len(press))), *press]
    return [clipped(line, cells) for line in lines[:height]]
