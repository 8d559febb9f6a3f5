"""The tokenizer's work: the text cut into pieces, and the merges that glue each piece's bytes into tokens."""

from explorer.paint.spans import Line, Span, clipped, length, wrapped
from explorer.terminal.text import fit, visible, width
from explorer.walk.session import Session
from gpt.tokenizer import Piece

_NAME = 8  # cells for what a line is
_TALL = 9  # lines from which on there are blank ones in between


def merges(session: Session, cells: int, height: int, halves: bool) -> list[Line]:
    """The piece of the prompt that you stand in, its bytes, every merge in order, and the tokens with their ids."""
    piece = session.written.piece_at(session.position)
    if piece is None:
        why = "This token was drawn by the model, not spelled from text: there is nothing to merge."
        return _not_spelled(session, "drawn", why, cells, height)
    if not piece.text:
        why = "This token was added by the tokenizer, as it does with every text: there is nothing to merge."
        return _not_spelled(session, "added", why, cells, height)
    pieces = list(session.written.pieces)
    number = next(index for index, each in enumerate(pieces, start=1) if each is piece)
    which = f"  piece {number} of {len(pieces)} of the text"
    values = " ".join(f"{byte:02x}" for byte in piece.spelling)
    becomes: list[Line] = []
    if piece.spelling != piece.text.encode("utf-8", "replace"):
        becomes = [clipped([_name("becomes"), Span(f" {visible(piece.spelling)} ", "chip")], cells)]
    top: list[Line] = [
        clipped([_name("piece"), Span(f" {visible(piece.text)} ", "here"), Span(which, "dim")], cells),
        *becomes,
        clipped([_name("bytes"), Span(values), Span("  in hexadecimal", "dim")], cells),
        *_gap(height),
    ]
    end = [*_gap(height), *_ids(session, piece.ids, cells)]
    steps = _steps(piece, cells, max(1, height - len(top) - len(end)))
    lines = [*top, *steps, *end]
    return [*lines, *_whole_text(session, cells, height - len(lines))]


def _not_spelled(session: Session, name: str, why: str, cells: int, height: int) -> list[Line]:
    """A token that did not come from the text, and why there is nothing to merge."""
    token = session.ids[session.position]
    first: Line = [_name(name), Span(session.label(token), "here"), Span(f"  id {token}", "dim")]
    lines = [first, *_gap(height), *wrapped(why, cells, "dim")]
    return [*lines, *_whole_text(session, cells, height - len(lines))]


def _name(text: str) -> Span:
    """The name of a line, before it."""
    return Span(fit(text, _NAME), "dim")


def _gap(height: int) -> list[Line]:
    return [[]] if height >= _TALL else []


def _steps(piece: Piece, cells: int, room: int) -> list[Line]:
    """A line for each merge with the rule that it follows; the last ones of a long word."""
    if not piece.merges:
        why = "A single token: there is nothing to merge."
        if len(piece.ids) > 1:
            count = len(piece.ids)
            why = f"This model's tokenizer cuts the piece into {count} tokens by steps of its own, not by merges."
        return wrapped(why, cells, "dim")
    most = max(merge.rank for merge in piece.merges) + 1
    lines: list[Line] = [[_name("start"), *_parts(piece.parts(0)), Span("  every byte by itself", "dim")]]
    for number, merge in enumerate(piece.merges, start=1):
        joined = f"{visible(merge.left)} + {visible(merge.right)}"
        rule = f"  rule {merge.rank + 1:>{len(str(most))}}: {joined}"
        lines.append([_name(f"merge {number}"), *_parts(piece.parts(number)), Span(rule, "dim")])
    lines = [_with_its_end(line, cells) for line in lines]
    if len(lines) <= room:
        return lines
    first = lines[:1] if room > 2 else []
    kept = lines[len(lines) - max(1, room - len(first) - 1) :]
    hidden = len(lines) - len(first) - len(kept)
    return [*first, [Span(f"… {hidden} more merges", "dim")], *kept][-room:]


def _with_its_end(line: Line, cells: int) -> Line:
    """The line; where it is too long, its parts are cut and the rule behind them stays."""
    *parts, rule = line
    return [*clipped(parts, max(_NAME + 4, cells - width(rule.text))), rule] if length(line) > cells else line


def _parts(parts: tuple[bytes, ...]) -> Line:
    return [span for part in parts for span in (Span(f" {visible(part)} ", "chip"), Span(" "))]


def _whole_text(session: Session, cells: int, room: int) -> list[Line]:
    """The tokens of the text with their ids: all, or those up to the chosen one; nothing without room."""
    if room < 2:
        return []
    lines = _ids(session, tuple(session.ids), cells, f"all {len(session.ids)}")
    if len(lines) >= room:
        first, last = session.position, session.position + 1
        while first and len(_ids(session, tuple(session.ids[first - 1 : last]), cells)) < room:
            first -= 1
        lines = _ids(session, tuple(session.ids[first:last]), cells, f"{first + 1}–{last}")
    return [[], *lines]


def _ids(session: Session, ids: tuple[int, ...], cells: int, name: str = "ids") -> list[Line]:
    """Tokens with their ids, in as many lines as it takes."""
    lines: list[Line] = [[_name(name)]]
    for token in ids:
        entry = [Span(session.label(token), "token"), Span(f" {token}  ", "dim")]
        if length([*lines[-1], *entry]) > cells and len(lines[-1]) > 1:
            lines.append([Span(" " * _NAME)])
        lines[-1] += entry
    return lines
