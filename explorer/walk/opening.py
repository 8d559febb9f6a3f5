"""Opening what the cursor is on: why the number there has its value, and the code that computed it."""

from explorer.runs.trace import Trace
from explorer.stages import Kind
from explorer.walk.session import Session
from explorer.walk.why import Why


def ask_why(session: Session) -> bool:
    """Open the number under the cursor. False where there is none."""
    cell = None if session.what_if.difference else session.cell()
    session.why = Why(session, cell) if cell else None
    return cell is not None


def step_into_code(session: Session) -> bool:
    """Open the code that computes this stage. False where there is none, or nothing computed; CodeError."""
    from explorer.code.excerpts import excerpt, merging  # only now: it reads the source

    cursor, cell = session.cursor, session.cell()
    if session.stage.kind is Kind.MERGES:
        piece = session.written.piece_at(session.position)
        session.code = merging(piece).step() if piece else None
        return piece is not None
    if cell is None or cursor.part is None or not isinstance(session.trace, Trace):
        return False
    settings, _ = session.draws.settings_shown(session.position)
    part = excerpt(
        session.stage,
        session.trace,
        session.position,
        cursor.head,
        cell.index[-1],
        activation=cursor.part.activation,
        sampling=settings,
        number=session.draws.number(session.position),
    )
    session.code = part.step() if part else None
    return part is not None
