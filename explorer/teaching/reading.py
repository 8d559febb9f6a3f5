"""The walk in sentences: no columns, no colours, no signs that a screen reader would stumble over."""

from collections.abc import Iterable, Iterator

from explorer.stages import Kind
from explorer.teaching.lessons import filled, glossary, lesson_of_stage
from explorer.terminal.text import counted, number
from explorer.walk.session import Session

_LARGEST = 5  # numbers of a row that are read
_SPOKEN = {"in": "Goes in", "out": "Comes out", "why": "Why", "here": "In this run", "try": "Try", "but": "But"}


def read(session: Session, stages: Iterable[int]) -> Iterator[str]:
    """Lines of text for these stages, at the position and the head where the cursor stands."""
    yield f"The prompt: {session.text}"
    yield f"{counted(len(session.ids), 'token')}: {', '.join(session.labels())}."
    yield "A dot before a token stands for a space."
    yield f"This is read at token {session.position + 1}, {session.label(session.ids[session.position])}."
    for index in stages:
        session.cursor.go_to_stage(index)
        yield ""
        yield from _stage(session)


def glossary_in_sentences() -> Iterator[str]:
    """Every word of the glossary, a line each."""
    yield ""
    yield "Glossary"
    for word, meaning in glossary().items():
        yield f"{word[:1].upper()}{word[1:]}: {meaning}"


def spoken(text: str) -> str:
    """Signs as words: spoken("2 · −3") = "2 times minus 3"."""
    for sign, word in ((" · ", " times "), (" − ", " minus "), ("−", "minus "), ("+ … ", "plus "), (" + ", " plus ")):
        text = text.replace(sign, word)
    return text


def _stage(session: Session) -> Iterator[str]:
    stage = session.stage
    found = filled(lesson_of_stage(stage), session)
    place = stage.title if stage.layer is None else f"Block {stage.layer}, {stage.title}"
    yield f"{place[:1].upper()}{place[1:]}. {found.title}"
    for heading, text in found.parts:
        yield f"{_SPOKEN[heading]}: {spoken(text)}"
    if words := _numbers(session):
        yield words


def _numbers(session: Session) -> str:
    """The largest numbers of the row that the cursor is in."""
    cursor, kind, position = session.cursor, session.stage.kind, session.position
    if kind in (Kind.LOGITS, Kind.LEDGER, Kind.DRAW):
        ranking = session.trace.ranking("logits", position)
        if ranking is None:
            return ""
        told = [
            f"{session.label(token)}, logit {ranking.logits[token]:.2f}, probability {ranking.probabilities[token]:.1%}"
            for token in ranking.order[:_LARGEST]
        ]
        return f"The first {len(told)} of {len(ranking.order)}: {'; '.join(told)}."
    if cursor.part is None or session.trace.positions(cursor.part.activation) <= position:
        return ""
    row = session.trace.matrix(cursor.part.activation, cursor.head)[position]
    row = row[: position + 1] if cursor.axes == "HTS" else row
    order = sorted(range(len(row)), key=lambda index: -(row[index] if cursor.axes == "HTS" else abs(row[index])))
    told = [f"{_name(session, index)}, {spoken(number(row[index], plus=''))}" for index in order[:_LARGEST]]
    head = f"Head {cursor.head}. " if "H" in cursor.axes else ""
    return f"{head}The largest {len(told)} of {len(row)}: {'; '.join(told)}."


def _name(session: Session, index: int) -> str:
    if session.cursor.axes == "HTS":
        return f"{session.label(session.ids[index])} at position {index}"
    return f"{'neuron' if session.cursor.axes[-1:] == 'm' else 'dimension'} {index}"
