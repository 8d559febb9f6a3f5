"""The edits that can be made where the cursor stands: the places, the kinds of edit, and how they are read."""

import math
from dataclasses import dataclass, replace

from explorer.edits import Cut, Mean, Patch, Scale, Set, What, Zero, between, contrast, towards, where
from explorer.edits.where import SCORES, Where, Z
from explorer.errors import EditError
from explorer.stages import Kind
from explorer.terminal.glyphs import quoted
from explorer.terminal.pressed import key as pressed
from explorer.terminal.text import token_at
from explorer.walk.session import Session
from explorer.walk.text import single_token

ZERO, SCALE, SET, MEAN, CUT = "zero", "scale", "set", "mean", "cut"
TOWARDS, BETWEEN, CONTRAST, OTHER = "towards", "between", "contrast", "other"

_MLP_OUT = "mlp_out"  # the stage at which an MLP writes


@dataclass(frozen=True)
class EditKind:
    """One of the things that can be done with a place."""

    id: str
    label: str
    amount: str = ""  # the number that it needs, as it is suggested
    tokens: int = 0  # how many it needs
    hint: str = ""  # what is to be typed


EDIT_KINDS = {
    kind.id: kind
    for kind in (
        EditKind(CUT, "cut it: no attention"),
        EditKind(ZERO, "zero"),
        EditKind(SCALE, "scale by x", "2"),
        EditKind(SET, "set to x", "1"),
        EditKind(MEAN, "its mean over this prompt"),
        EditKind(TOWARDS, "towards a token: + x times it", "4", tokens=1),
        EditKind(BETWEEN, "towards a token, from another", "4", tokens=2, hint="A / B: adds x × (A − B). A space is ·"),
        EditKind(CONTRAST, "towards the other run", "1", hint="adds x × (the other run − this one)"),
        EditKind(OTHER, "as in the other run"),
    )
}


def places(session: Session) -> list[Where]:
    """The places that the number under the cursor may stand for, the likeliest first; none without numbers."""
    cursor, layer = session.cursor, session.stage.layer
    if cursor.part is None:
        return []
    if cursor.axes == "HTS":
        return _scores(session)
    if cursor.axes == "THe":
        return _of_head(session)
    found = _vector(session)
    if layer is None:
        return found
    position, blocks = session.position, [where.mlp(layer), where.mlp(layer, session.position), where.block(layer)]
    head = [where.head(layer, cursor.head), where.head(layer, cursor.head, position)]
    if session.stage.kind is Kind.HEADS_OUT:
        return [*head, *found, *blocks]
    if session.stage.kind is Kind.NEURONS:
        return [*found[1:2], found[0], *found[2:], *blocks]
    if session.stage.local_id == _MLP_OUT:
        return [*blocks[:2], *found, blocks[2]]
    return [*found, *blocks]


def _noun(session: Session) -> str:
    """The activation that is shown, in words: "block 2 · + residual (MLP), after"."""
    stage, part = session.stage, session.cursor.part
    several = part and len(stage.parts) > 1
    return f"{stage.place}, {part.label}" if part and several else stage.place


def _titled(title: str, at: int | None, name: str, *index: int | None) -> Where:
    return replace(where.activation(name, *index), title=title, at=None if at is None else (at,))


def _vector(session: Session) -> list[Where]:
    """The places in an activation with a vector for each position: a number, a column, a row, all of it."""
    cursor, cell, position = session.cursor, session.cell(), session.position
    assert cell
    assert cursor.part
    name, noun, column = cursor.part.activation, _noun(session), cell.index[-1]
    unit, everywhere = f"{noun}, dimension {column}", "at every position"
    if cursor.axes[-1] == "V":
        name, unit = "logits", f"logit of {session.label(column)}"
    elif cursor.axes[-1] == "m":
        unit = f"{noun}, neuron {column}"
    return [
        _titled(unit, position, name, position, column),
        _titled(f"{unit} {everywhere}", None, name, None, column),
        _titled(noun, position, name, position),
        _titled(f"{noun} {everywhere}", None, name),
    ]


def _of_head(session: Session) -> list[Where]:
    """The places in q, k, v and z: a head, or numbers of it."""
    cursor, layer, position = session.cursor, session.stage.layer, session.position
    assert layer is not None
    assert cursor.part
    name, head, column, noun = cursor.part.activation, cursor.head, cursor.column, _noun(session)
    part = f"{cursor.part.label} of head {layer}.{head}"
    whole = [where.head(layer, head), where.head(layer, head, position)]
    if name != Z.format(layer):
        whole = [_titled(part, None, name, None, head), _titled(part, position, name, position, head), *whole]
    return [
        *whole,
        _titled(f"{part}, dimension {column}", position, name, position, head, column),
        _titled(f"{part}, dimension {column} at every position", None, name, None, head, column),
        _titled(f"{noun}, all heads", position, name, position),
        where.block(layer),
    ]


def _scores(session: Session) -> list[Where]:
    """The places in scores and patterns: the edge between two tokens, here, in the block, everywhere; the head."""
    cursor, layer, config = session.cursor, session.stage.layer, session.config
    query, key, head = session.position, cursor.column, cursor.head
    assert layer is not None
    assert cursor.part
    heads = [where.head(layer, head), where.head(layer, head, query)]
    if key > query:  # it is masked: nobody may look ahead
        return [*heads, where.block(layer)]
    edges = [where.edge(config, query, key, *which) for which in ((layer, head), (layer,), ())]
    number = f"{_noun(session)} of head {layer}.{head}, key {token_at(key, session.labels())}"
    numbers = [_titled(number, query, cursor.part.activation, head, query, key)]
    return [*edges, *heads, *(numbers if cursor.part.activation != SCORES.format(layer) else ()), where.block(layer)]


def edit_kinds(session: Session, place: Where) -> list[EditKind]:
    """The edits that can be made there, the likeliest first."""
    if place.edge:
        return [EDIT_KINDS[id] for id in (CUT, SCALE, SET)]
    shapes = session.cursor.shapes
    axes = {"".join(shapes[part.name]) for part in place.places}
    found = [ZERO, SCALE, SET]
    if "HTS" not in axes:
        found.append(MEAN)
    if axes == {"Td"} and len(place.places) == 1 and len(place.places[0].index) < 2:
        found += [TOWARDS, BETWEEN]
        if session.what_if.other and place.at:
            found.append(CONTRAST)
    if session.what_if.other:
        found.append(OTHER)
    return [_with_alignment(session, place, EDIT_KINDS[id]) for id in found]


def _with_alignment(session: Session, place: Where, kind: EditKind) -> EditKind:
    """With a hint where it takes from the other run and the lengths differ: which position takes from which."""
    what_if = session.what_if
    other, alignment = what_if.other, what_if.alignment
    if kind.id not in (CONTRAST, OTHER) or other is None or alignment is None:
        return kind
    ours, theirs = len(what_if.run.ids), len(other.trace.ids)
    if ours == theirs:
        return kind
    alone = ours - alignment.length
    if place.at and (partner := alignment.in_b(place.at[0])) is not None:
        there = token_at(partner, [session.label(token) for token in other.trace.ids])
        words = f"{token_at(place.at[0], session.labels())} takes from {there}"
    elif place.at:
        words = f"{token_at(place.at[0], session.labels())} has no counterpart"
    else:
        words = f"{alone} of {ours} positions have no counterpart and stay" if alone else "each has a counterpart"
    compare = pressed("view.compare", "6")
    aligned = (
        f"{ours} and {theirs} tokens, aligned at the {what_if.aligned}: {words}. Compare ({compare}) ←→ changes it"
    )
    return replace(kind, hint=f"{kind.hint} · {aligned}" if kind.hint else aligned)


def read_edit(session: Session, place: Where, id: str, amount: str, token: str) -> What:
    """The edit, from what was typed; EditError says what cannot be read."""
    if EDIT_KINDS[id].amount:
        return _read_amount(session, place, id, finite(amount, "x"), token)
    if id == OTHER and session.what_if.other:
        other, alignment = session.what_if.other, session.what_if.alignment
        return Patch(other.trace, other.title, alignment.shift if alignment else 0)
    return {CUT: Cut, MEAN: Mean}.get(id, Zero)()


def _read_amount(session: Session, place: Where, id: str, number: float, token: str) -> What:
    model = session.model
    if model is None:
        raise EditError("this is a recorded run: there is no model that could run it edited.")
    if id == TOWARDS:
        found = token_of(session, token)
        return towards(model, found, session.label(found), number)
    if id == BETWEEN:
        one, versus = _two_tokens(session, token)
        return between(model, one, versus, (session.label(one), session.label(versus)), number)
    if id == CONTRAST:
        return _towards_other(session, place, number)
    return Scale(number) if id == SCALE else Set(number)


def _towards_other(session: Session, place: Where, strength: float) -> What:
    """The difference to the other run at this position and its partner, so many times."""
    run, other, alignment = session.what_if.run, session.what_if.other, session.what_if.alignment
    if other is None or alignment is None or not place.at:
        raise EditError("the other run has one vector for each position: choose a position.")
    if other.trace.complete < len(other.trace.ids):
        raise EditError(f"{other.title} is not computed yet: wait until it is.")
    name, (position, *_) = place.places[0].name, place.at
    partner = alignment.in_b(position)
    if partner is None:
        raise EditError(f"{other.title} is too short: it has no counterpart of this position.")
    return contrast(name, (other.trace, partner), (run, position), f"({other.title} − this run)", strength)


def finite(text: str, name: str) -> float:
    """A number that was typed; EditError, with the name of what it is for, where it is none."""
    try:
        number = float(text.replace("−", "-"))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise EditError(f"{name} is {quoted(text)}: it must be a number.")
    return number


def _two_tokens(session: Session, text: str) -> tuple[int, int]:
    """Two of them with a stroke between; one of the two may be a stroke itself where spaces are around the other."""
    one, stroke, versus = text.partition(" / " if " / " in text else "/")
    if not stroke:
        raise EditError(f"{quoted(text)} is not two tokens: type them with / between, such as ·Lily / ·Tom.")
    ids = token_of(session, one.strip()), token_of(session, versus.strip())
    if ids[0] == ids[1]:
        raise EditError("the two tokens are the same: there is no direction from one to the other.")
    return ids


def token_of(session: Session, text: str) -> int:
    """The one token that a text is, with a space before it where there is no such token without; · is a space."""
    spelled = text.replace("·", " ")
    found = single_token(spelled, session.tokenizer)
    if found is not None:
        return found
    if not spelled:
        raise EditError("no token is named: type one, such as ·Lily.")
    parts = " ".join(map(session.label, session.tokenizer.encode(spelled)))
    raise EditError(f"{quoted(text)} is several tokens ({parts}): type one of them.")
