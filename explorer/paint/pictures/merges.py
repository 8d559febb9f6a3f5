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
    if not piece.text:
        why = "This token was added by the tokenizer, as it does with every text: there is nothing to merge."
        added = [Span(fit("added", 8), "dim"), Span(session.label(token), "here"), Span(f"  id {token}", "dim")]
        return [added, [], *wrapped(why, cells, "dim"), *everything]
    lines = [*_spelling(piece, cells), []]
    if piece.merges:
        lines += _steps(piece, height - 3 - len(lines))
    elif len(piece.ids) == 1:
        lines.append([Span("A single token: there is nothing to merge.", "dim")])
    else:
        why = f"This model's tokenizer cuts the piece into {len(piece.ids)} tokens by steps of its own, not by merges."
        lines += wrapped(why, cells, "dim")
    return [*lines, [], *_ids(session, piece.ids, cells), *everything]


def _spelling(piece: Piece, cells: int) -> list[Line]:
    """The piece as it was typed, as the tokenizer changed it where it did, and its bytes."""
    lines: list[Line] = [[Span(fit("piece", 8), "dim"), Span(f" {visible(piece.text)} ", "here")]]
    if piece.spelling != piece.text.encode("utf-8", "replace"):
        lines.append([Span(fit("becomes", 8), "dim"), Span(f" {visible(piece.spelling)} ", "chip")])
    values = " ".join(f"{byte:02x}" for byte in piece.spelling)
    return [*lines, [Span(fit("bytes", 8), "dim"), Span(fit(values, min(width(values), cells - 8)))]]


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
