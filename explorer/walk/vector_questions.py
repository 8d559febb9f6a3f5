"""Questions about the vector that is shown which take a product with the whole vocabulary: answered in a thread.

A question is a tuple that begins with its id. The answers are kept in the trace.
"""

from collections.abc import Callable

from explorer.analysis import nearest, neurons
from explorer.runs.activations import Activations
from explorer.stages import Kind
from explorer.walk.session import Session

Question = tuple[str, str, int]
"""("nearest", activation, position) or ("effects", activation, neuron)."""

_NEAREST, _EFFECTS = "nearest", "effects"


def has_nearest(session: Session) -> bool:
    """Whether the shown vector lies in the space of the embeddings, so that tokens can be near to it."""
    part = session.cursor.part
    return session.stage.kind in (Kind.VECTORS, Kind.HEADS_OUT) and part is not None and session.cursor.axes == "Td"


def has_effects(session: Session) -> bool:
    """Whether the shown numbers are those of neurons."""
    return session.stage.kind is Kind.NEURONS


def questions(session: Session) -> list[Question]:
    """Those of this stage that can be answered, but have not been."""
    trace, position, part, layer = session.trace, session.position, session.cursor.part, session.stage.layer
    if session.recorded or session.what_if.difference or part is None or trace.positions(part.activation) <= position:
        return []
    if has_nearest(session) and nearest.known(trace, part.activation, position) is None:
        return [(_NEAREST, part.activation, position)]
    neuron = session.cursor.column
    if has_effects(session) and layer is not None and neurons.known_effects(trace, layer, neuron) is None:
        return [(_EFFECTS, part.activation, neuron)]
    return []


def answer(trace: Activations, question: Question, cancelled: Callable[[], bool]) -> bool:
    """Find the answer. False if it was cancelled, or cannot be found."""
    kind, name, number = question
    if kind == _NEAREST:
        return nearest.find(trace, name, number, cancelled)
    return neurons.find_effects(trace, int(name.split(".")[1]), number, cancelled)
