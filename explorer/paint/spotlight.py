"""The spotlight: everything but the row and the head that one talks about is dimmed."""

from explorer.paint.spans import Line, Span

_DIMMED = "masked"


def spotlit(lines: list[Line], position: int, head: int) -> list[Line]:
    """The picture with all cells of other rows, and all other heads, dimmed. What leads nowhere stays as it is."""
    return [[_dimmed(span) if _is_elsewhere(span, position, head) else span for span in line] for line in lines]


def _is_elsewhere(span: Span, position: int, head: int) -> bool:
    match span.action:
        case ("cell" | "position", int(row), *_):
            return row != position
        case ("head", int(other)):
            return other != head
    return False


def _dimmed(span: Span) -> Span:
    return span._replace(text=span.text.replace("▀", " "), style=_DIMMED)  # a half of a cell is a level of heat
