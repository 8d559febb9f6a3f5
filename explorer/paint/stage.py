"""The picture for a stage: large and quiet, one row of numbers, the prediction hidden until it is revealed."""

from collections.abc import Callable

from explorer.paint.bars import bar_of
from explorer.paint.number import exactly
from explorer.paint.predictions import percent
from explorer.paint.row import Entry
from explorer.paint.spans import Line, Span, clipped, wrapped
from explorer.stages import Kind
from explorer.text import fit, short, visible, width
from explorer.walk.on_stage import OnStage
from explorer.walk.session import Session

_PREDICTS = (Kind.LOGITS, Kind.LEDGER, Kind.DRAW)
_HIDDEN = "?????"
_MARGIN = 4
_WIDEST_BAR = 60


def stage(session: Session, talk: OnStage, cells: int, height: int) -> list[Line]:
    """All of the screen while the walk is on a stage."""
    room = max(1, cells - 2 * _MARGIN)
    above = [[], _text(session, talk, room), [], *_title(session, room), []]
    below = [[], *_sentence(session, talk, room), [], *_guesses(session, talk, room), [], _status(session, talk, room)]
    body = _body(session, talk, room, height - len(above) - len(below))
    filling: list[Line] = [[]] * (height - len(above) - len(body) - len(below))
    lines = (*above, *body, *filling, *below)
    return [[Span(" " * _MARGIN), *clipped(line, room)] if line else [] for line in lines[:height]]


def _text(session: Session, talk: OnStage, cells: int) -> Line:
    """The prompt, or its end, and what follows it."""
    answer = _HIDDEN if talk.hidden else _answer(session) or "…"
    room = cells - width(answer) - 3
    text = visible(session.text).replace("·", " ")
    shown = text if width(text) <= room else "…" + text[-max(1, room - 1) :]
    return [Span(shown, "bold"), Span("  "), Span(f" {answer} ", "here")]


def _answer(session: Session) -> str:
    order = session.trace.order(len(session.ids) - 1)
    return session.label(order[0]) if order else ""


def _title(session: Session, cells: int) -> list[Line]:
    cursor, kind = session.cursor, session.stage.kind
    place = session.stage.place + (f" · head {cursor.head}" if "H" in cursor.axes else "")
    here = session.label(session.ids[session.position])
    words = {Kind.PATTERN: "where", Kind.SCORES: "how well the offers fit"}.get(kind, "at")
    line = [Span(place, "accent"), Span(f"   {words} ", ""), Span(here, "here-text")]
    return [clipped([*line, Span(" looks" if kind is Kind.PATTERN else "")], cells)]


def _body(session: Session, talk: OnStage, cells: int, height: int) -> list[Line]:
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


def _bars(session: Session, talk: OnStage, entries: list[Entry], cells: int, height: int) -> list[Line]:
    """The largest numbers as bars, apart from each other; all but the largest are dimmed."""
    step = 2 if height < 24 else 3
    shown = sorted(entries, key=lambda entry: -abs(entry.value))[: max(1, (height + 1) // step)]
    text = _number(session, talk)
    names = min(max((width(entry.label) for entry in shown), default=0), cells // 3)
    figures = max((width(text(entry.value)) for entry in shown), default=0)
    room = max(0, min(_WIDEST_BAR, cells - names - figures - 4))
    largest = abs(shown[0].value) if shown else 0.0
    lines: list[Line] = []
    for index, entry in enumerate(shown):
        first = index == 0
        filled = fit(bar_of(entry.value, largest, room), room)
        tint = "positive" if entry.value >= 0 else "negative"
        bar = Span(filled, tint if first else "masked")
        name, figure = fit(entry.label, names, ">"), fit(text(entry.value), figures, ">")
        lines.append([Span(name, "here-text" if first else "dim"), Span("  "), bar, Span("  ")])
        lines[-1].append(Span(figure, "value" if first else "dim"))
        lines += [[Span(" " * (names + 2)), bar], []] if step == 3 else [[]]
    return lines[:height]


def _number(session: Session, talk: OnStage) -> Callable[[float], str]:
    if talk.in_full:
        return exactly
    if session.stage.kind in _PREDICTS:
        return percent
    if session.stage.kind is Kind.PATTERN:
        return lambda value: f"{value:.2f}" if value >= 0.005 or not value else "<0.01"
    return lambda value: short(value, 3)


def _sentence(session: Session, talk: OnStage, cells: int) -> list[Line]:
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


def _guesses(session: Session, talk: OnStage, cells: int) -> list[Line]:
    """The question to the audience, and its answers: beside the truth once that is revealed."""
    if talk.hidden:
        return [[Span("what would you say?  ", "here-text"), Span(" · ".join(map(visible, talk.texts)))]]
    truth = session.trace.ranking("logits", len(session.ids) - 1)
    if truth is None:
        return [[]]
    first = percent(truth.probabilities[truth.order[0]])
    line = [Span("the model: ", "dim"), Span(f"{_answer(session)} {first}", "value")]
    for guess in talk.guesses(session):
        place = f"rank {guess.rank}" if guess.rank else "not one token"
        line += [Span("   "), Span(visible(guess.text), "bold"), Span(f" {percent(guess.probability)}, {place}", "dim")]
    return [clipped(line, cells)]


def _status(session: Session, talk: OnStage, cells: int) -> Line:
    """How far the walk is, the keys that were pressed, the clock."""
    stages = session.cursor.stages
    left = f"{session.cursor.stage_index + 1} of {len(stages)}"
    keys = "  ".join(talk.keys) if talk.shows_keys else ""
    right = f"{'space reveals   ' if talk.hidden else ''}{talk.clock}"
    gap = cells - width(left) - width(keys) - width(right) - 3
    return [Span(left, "dim"), Span("   "), Span(keys, "lens"), Span(" " * max(1, gap)), Span(right, "dim")]
