"""The tokenizer's work: the text cut into pieces, and the merges that glue each piece's bytes into tokens."""

from explorer.paint.spans import Line, Span, length, wrapped
from explorer.text import fit, visible, width
from explorer.walk.session import Session
from gpt.tokenizer import Piece


def merges(session: Session, cells: int, height: int, halves: bool) -> list[Line]:
    """The pieces of the prompt, and for the one you stand on every merge in order."""
    token = session.ids[session.position]
    piece = session.written.piece_at(session.position)
    everything = [[], [Span("all tokens of the text", "dim")], *_ids(session, tuple(session.ids), cells)]
    if piece is None:
        why = "This token was drawn by the model, not spelled from text: there is nothing to merge."
        drawn = [Span(fit("drawn", 8), "dim"), Span(session.label(token), "here"), Span(f"  id {token}", "dim")]
        return [drawn, [], *wrapped(why, cells, "dim"), *everything]
    values = " ".join(f"{byte:02x}" for byte in piece.spelling)
    lines: list[Line] = [
        [Span(fit("piece", 8), "dim"), Span(f" {visible(piece.text)} ", "here")],
        [Span(fit("bytes", 8), "dim"), Span(fit(values, min(width(values), cells - 8)))],
        [],
    ]
    if not piece.merges:
        lines.append([Span("A single token: there is nothing to merge.", "dim")])
    else:
        lines += _steps(piece, height - 6)
    return [*lines, [], *_ids(session, piece.ids, cells), *everything]


def _steps(piece: Piece, room: int) -> list[Line]:
    """A line for each merge; the last ones of a long word."""
    lines: list[Line] = [[Span(fit("", 8)), *_parts(piece.parts(0))]]
    for number, merge in enumerate(piece.merges, start=1):
        label, rule = Span(fit(f"merge {number}", 8), "dim"), Span(f"  rule {merge.rank + 1}", "dim")
        lines.append([label, *_parts(piece.parts(number)), rule])
    if len(lines) <= room:
        return lines
    kept = lines[max(1, len(lines) - room + 2) :]
    return [lines[0], [Span(f"… {len(lines) - 1 - len(kept)} more", "dim")], *kept]


def _parts(parts: tuple[bytes, ...]) -> Line:
    return [span for part in parts for span in (Span(f" {visible(part)} ", "chip"), Span(" "))]


def _ids(session: Session, ids: tuple[int, ...], cells: int) -> list[Line]:
    """Tokens with their ids, in as many lines as it takes."""
    lines: list[Line] = [[Span(fit("ids", 8), "dim")]]
    for token in ids:
        entry = [Span(session.label(token), "token"), Span(f" {token}  ", "dim")]
        if length([*lines[-1], *entry]) > cells and len(lines[-1]) > 1:
            lines.append([Span(" " * 8)])
        lines[-1] += entry
    return lines
