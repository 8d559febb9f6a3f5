"""A session as the screen asks for it: how far it is, the number and the shape shown, the lenses that are missing."""

from explorer.analysis import lens
from explorer.edits.where import first_position
from explorer.engine.axes import axis_sizes
from explorer.engine.engines import PYTHON, engine_of
from explorer.runs.trace import LiveRun, Trace
from explorer.walk.cursor import stage_of
from explorer.walk.session import Session

_PRODUCTS = 50_000_000
"""In plain Python, the way through the layers is followed by itself only where it takes no more multiplications."""


def progress(session: Session) -> float:
    """The share of the activations that are known for all tokens, from 0 to 1."""
    trace, names = session.trace, session.trace.axes
    return sum(trace.positions(name) >= len(trace.ids) for name in names) / len(names)


def value_under_cursor(session: Session) -> float | None:
    """The number under the cursor; None where there is none, or none yet."""
    cell, apart = session.cell(), session.what_if.difference
    if cell and apart:
        return apart.at(cell.name, cell.index) if apart.positions(cell.name) else None
    return session.provenance.value(cell) if cell else None


def shape_in_words(session: Session) -> str:
    """The name and the shape of what is shown: "blocks.2.attn.hook_pattern [6, 8, 8]"."""
    cursor = session.cursor
    if not cursor.part:
        return ""
    sizes = axis_sizes(session.config, len(session.ids))
    return f"{cursor.part.activation} {[sizes[axis] for axis in cursor.axes]}"


def edit_mark(session: Session) -> str:
    """ "edited here", or "changed by the edit", of the picture that is shown; "" where no edit has reached it."""
    what_if, cursor = session.what_if, session.cursor
    places = what_if.places_edited()
    shown = {part.activation for part in session.stage.parts}
    if any(place.name in shown for place in places):
        return "edited here"
    if not places or session.position < min(
        first_position(edit.where, session.config) for edit in what_if.edits.active
    ):
        return ""
    first = min(stage_of(place.name, cursor) for place in places)
    return "changed by the edit" if cursor.stage_index > first else ""


def effect_in_words(session: Session) -> str:
    """How the edits in force changed the answer: "·the 44.0% (was 15.4%), ·Lily 21.7% (was 73.0%)"; "" if unknown."""
    last = len(session.ids) - 1
    now, before = session.what_if.answer(last), session.what_if.answer_before(last)
    if now is None or before is None:
        return ""
    tokens = dict.fromkeys((now.order[0], before.order[0]))
    told = [
        f"{session.label(token)} {now.probabilities[token]:.1%} (was {before.probabilities[token]:.1%})"
        for token in tokens
    ]
    return f"after {session.label(session.ids[last])}: {', '.join(told)}"


def wanted_lenses(session: Session) -> list[tuple[str, int]]:
    """The lenses that this stage asks for and that can be computed, but have not been."""
    trace, position = session.trace, session.position
    if session.recorded or session.what_if.difference:
        return []
    return [
        (name, position)
        for name in (session.stage.residual, session.cursor.residual_before)
        if name
        and name != trace.last_residual
        and trace.positions(name) > position
        and trace.ranking(name, position) is None
    ]


def way_of_the_answer(session: Session) -> list[float | None]:  # 2L + 1
    """The probability of the answer after every part of every block, as far as the lens has been there."""
    trace, position = session.trace, session.position
    if not isinstance(trace, Trace):
        return []
    order = trace.order(position)
    rows = lens.rows(trace.config.n_layer)
    found = [lens.known(trace, row.name, position, order[0]) if order else None for row in rows]
    return [cell.answer_probability if cell else None for cell in found]


def wanted_way(session: Session) -> list[tuple[str, int]]:
    """The lenses that are missing on the way of the answer through the layers, where they can be computed quickly."""
    trace, position = session.run, session.position
    if session.trace is not trace or not isinstance(trace, LiveRun) or trace.complete < len(trace.ids):
        return []
    config, rows = trace.config, lens.rows(trace.config.n_layer)
    if engine_of(trace.model) == PYTHON and len(rows) * config.vocab_size * config.n_embd > _PRODUCTS:
        return []
    if not (order := trace.order(position)):
        return []
    return [(row.name, position) for row in rows if lens.known(trace, row.name, position, order[0]) is None]
