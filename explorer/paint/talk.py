"""The picture for a talk: large and quiet, one row of numbers, the prediction hidden until it is revealed."""

from collections.abc import Callable
from math import floor, log10

from explorer.paint.bars import bar_of, signed_bar
from explorer.paint.number import exactly
from explorer.paint.predictions import percent
from explorer.paint.row import Entry
from explorer.paint.spans import Line, Span, clipped, length, wrapped
from explorer.stages import Kind
from explorer.terminal.text import fit, number, short, visible, width
from explorer.walk.beginning import begins_with_it
from explorer.walk.session import Session
from explorer.walk.talk import Talk

_PREDICTS = (Kind.LOGITS, Kind.LEDGER, Kind.DRAW)
_HIDDEN = "?????"
_MARGIN = 4
_WIDEST_BAR = 60


def talk_picture(session: Session, talk: Talk, cells: int, height: int) -> list[Line]:
    """All of the screen during a talk."""
    room = max(1, cells - 2 * _MARGIN)
    above = [[], _text(session, talk, room), [], *_title(session, room), []]
    below = [[], *_sentence(session, talk, room), [], *_guesses(session, talk, room), [], _status(session, talk, room)]
    body = _body(session, talk, room, height - len(above) - len(below))
    filling: list[Line] = [[]] * (height - len(above) - len(body) - len(below))
    lines = (*above, *body, *filling, *below)
    return [[Span(" " * _MARGIN), *clipped(line, room)] if line else [] for line in lines[:height]]


def _text(session: Session, talk: Talk, cells: int) -> Line:
    """The prompt, or its end, and what follows it."""
    answer = _HIDDEN if talk.hidden else _answer(session) or "…"
    after = f"  after {_last(session)}"
    room = cells - width(answer) - width(after) - 4
    text = visible(session.text).replace("·", " ")
    shown = text if width(text) <= room else "…" + text[-max(1, room - 1) :]
    return [Span(shown, "bold"), Span("  "), Span(f" {answer} ", "here"), Span(after, "dim")]


def _last(session: Session) -> str:
    """The token after which the hidden word comes."""
    return session.label(session.ids[-1])


def _answer(session: Session) -> str:
    order = session.trace.order(len(session.ids) - 1)
    return session.label(order[0]) if order else ""


def _title(session: Session, cells: int) -> list[Line]:
    cursor, kind = session.cursor, session.stage.kind
    place = session.stage.place + (f" · head {cursor.head}" if "H" in cursor.axes else "")
    here = session.label(session.ids[session.position])
    words = {Kind.PATTERN: "where", Kind.SCORES: "how well the offers fit"}.get(kind, "at")
    line = [Span(place, "accent"), Span(f"   {words} ", ""), Span(here, "here-text")]
    line.append(Span(" looks" if kind is Kind.PATTERN else ""))
    line.append(Span(f"   with {session.label(session.ids[0])} first" if begins_with_it(session) else "", "dim"))
    edited = session.what_if.in_words(session.labels())
    lines = [line, [Span(f"✎ {edited}", "down")]] if edited else [line]
    return [clipped(line, cells) for line in lines]


def _body(session: Session, talk: Talk, cells: int, height: int) -> list[Line]:
    kind = session.stage.kind
    if kind is Kind.MERGES:
        tokens = [Span(f" {label} ", "chip") for label in session.labels()]
        return _flowing(tokens, cells)[:height]
    if not session.trace.computed(session.stage, session.position):
        return [[Span("Not computed yet.", "dim")]]
    if kind in _PREDICTS and talk.hidden:
        return [[Span("What would you say?", "here-text")]]
    return _bars(session, talk, _entries(session), cells, height)


def _flowing(spans: list[Span], cells: int) -> list[Line]:
    """Spans in lines, with a blank line between them."""
    lines: list[Line] = [[]]
    for span in spans:
        if sum(width(one.text) for one in lines[-1]) + width(span.text) + 1 > cells:
            lines += [[], []]
        lines[-1] += [span, Span(" ")]
    return lines


def _entries(session: Session) -> list[Entry]:
    """The numbers of the row that the cursor is in, with their names."""
    cursor, position = session.cursor, session.position
    if session.stage.kind in _PREDICTS:
        ranking = session.trace.ranking("logits", position)
        order = ranking.order[:50] if ranking else []
        return [Entry(session.label(token), ranking.probabilities[token]) for token in order] if ranking else []
    assert cursor.part
    row = session.trace.matrix(cursor.part.activation, cursor.head)[position]
    if cursor.axes == "HTS":
        return [Entry(session.label(session.ids[key]), row[key]) for key in range(min(position + 1, len(row)))]
    noun = "neuron" if cursor.axes[-1:] == "m" else "dimension"
    return [Entry(f"{noun} {index}", value) for index, value in enumerate(row)]


def _bars(session: Session, talk: Talk, entries: list[Entry], cells: int, height: int) -> list[Line]:
    """The largest numbers as bars, apart from each other; all but the largest are dimmed."""
    step = 2 if height < 24 else 3
    signed = session.stage.kind is Kind.SCORES  # the worst fit must not look best
    order = sorted(entries, key=lambda entry: -entry.value if signed else -abs(entry.value))
    shown = order[: max(1, (height + 1) // step)]
    text = _number(session, talk, shown)
    names = min(max((width(entry.label) for entry in shown), default=0), cells // 3)
    figures = max((width(text(entry.value)) for entry in shown), default=0)
    room = max(0, min(_WIDEST_BAR, cells - names - figures - 4))
    ends = [entry.value for entry in shown]
    lines: list[Line] = []
    for index, entry in enumerate(shown):
        first = index == 0
        bar = _bar(entry.value, min(ends), max(ends), room, signed, first)
        name, figure = fit(entry.label, names, ">"), fit(text(entry.value), figures, ">")
        lines.append([Span(name, "here-text" if first else "dim"), Span("  "), *bar, Span("  ")])
        lines[-1].append(Span(figure, "value" if first else "dim"))
        lines += [[Span(" " * (names + 2)), *bar], []] if step == 3 else [[]]
    return lines[:height]


def _bar(value: float, least: float, most: float, cells: int, signed: bool, lit: bool) -> Line:
    """A bar in all of the cells: from zero, or on both sides of an axis where some numbers are below it."""
    line = signed_bar(value, least, most, cells) if signed and least < 0 else []
    if not line:
        largest = max(abs(least), abs(most))
        line = [Span(bar_of(value, largest, cells), "positive" if value >= 0 else "negative")]
    if not lit:
        line = [span if span.text == "│" else span._replace(style="masked") for span in line]
    return [*line, Span(" " * (cells - length(line)))]


def _number(session: Session, talk: Talk, shown: list[Entry]) -> Callable[[float], str]:
    """How the numbers of one column are written: all with the same number of decimals."""
    if talk.in_full:
        return exactly
    if session.stage.kind in _PREDICTS:
        return percent
    if session.stage.kind is Kind.PATTERN:
        return lambda value: f"{value:.2f}" if value >= 0.005 or not value else "<0.01"
    largest = max((abs(entry.value) for entry in shown), default=0.0)
    if not 1e-3 <= largest < 1e5:
        return lambda value: short(value, 3)
    decimals = max(0, 2 - floor(log10(largest)))
    return lambda value: number(value, decimals, plus="")


def _sentence(session: Session, talk: Talk, cells: int) -> list[Line]:
    cursor, kind = session.cursor, session.stage.kind
    if kind is Kind.PATTERN and session.trace.computed(session.stage, session.position):
        entries = _entries(session)
        most = max(entries, key=lambda entry: entry.value)
        here = session.label(session.ids[session.position])
        return [
            [
                Span(here, "here-text"),
                Span(" takes "),
                Span(f"{most.value:.0%}", "value"),
                Span(f" of what head {cursor.head} reads from "),
                Span(most.label, "value"),
                Span("."),
            ]
        ]
    return wrapped(session.stage.sentence, cells)


def _guesses(session: Session, talk: Talk, cells: int) -> list[Line]:
    """The question to the audience, and its answers: beside the truth once that is revealed."""
    if talk.hidden:
        asked = f"what would you say after {_last(session)}?  "
        return [[Span(asked, "here-text"), Span(" · ".join(map(visible, talk.texts)))]]
    truth = session.trace.ranking("logits", len(session.ids) - 1)
    if truth is None:
        return [[]]
    first = percent(truth.probabilities[truth.order[0]])
    lines = [[Span(f"the model, after {_last(session)}: ", "dim"), Span(f"{_answer(session)} {first}", "value")]]
    for guess in talk.guesses(session):
        place = f"rank {guess.rank}" if guess.rank else "not one token"
        told = [Span(visible(guess.text), "bold"), Span(f" {percent(guess.probability)}, {place}", "dim")]
        if length([*lines[-1], *told]) + 3 > cells:
            lines.append([])
        lines[-1] += [Span("   "), *told]
    return [clipped(line, cells) for line in lines]


def _status(session: Session, talk: Talk, cells: int) -> Line:
    """How far the walk is, the keys that were pressed, the clock."""
    stages = session.cursor.stages
    left = f"stage {session.cursor.stage_index + 1} of {len(stages)}"
    keys = "  ".join(talk.keys) if talk.shows_keys else ""
    right = f"{'space reveals   ' if talk.hidden else ''}{talk.clock} in the talk"
    while keys and width(left) + width(keys) + width(right) + 4 > cells:  # the last ones stay
        keys = keys.partition("  ")[2]
    gap = cells - width(left) - width(keys) - width(right) - 3
    return [Span(left, "dim"), Span("   "), Span(keys, "lens"), Span(" " * max(1, gap)), Span(right, "dim")]
