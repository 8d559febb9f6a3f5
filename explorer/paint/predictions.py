"""The next token: what the model would say if it stopped here, and what it says at the end."""

from explorer.analysis.lens import rows
from explorer.paint.curve import sparkline
from explorer.paint.spans import Line, Span, bar, length
from explorer.runs.ranking import Ranking
from explorer.terminal.pressed import key as pressed
from explorer.terminal.text import fit, width
from explorer.walk.on_screen import way_of_the_answer
from explorer.walk.session import Session

_BRIEFLY = 3  # tokens in a line
_NOTICEABLE = 0.0005  # a smaller change would read 0.0


def predictions(session: Session, cells: int, height: int) -> list[Line]:
    """Two lists of the most probable tokens, sharing the height, and the answer's way to where it is."""
    room = max(1, (height - 5) // 2)
    lines = [*_here(session, cells, room), [], *_end(session, cells, room)]
    return [*lines, way(session, cells)] if len(lines) < height else lines


def way(session: Session, cells: int) -> Line:
    """The answer's probability after every part of every block as one line, with where we are in brackets.

    Empty where nothing of it is known, or where there is no one run.
    """
    if session.what_if.difference or not (order := session.trace.order(session.position)):
        return []
    shares = way_of_the_answer(session)
    if shares.count(None) >= len(shares) - 1:
        return []
    cursor, names = session.cursor, [row.name for row in rows(session.config.n_layer)]
    passed = [stage.residual for stage in cursor.stages[: cursor.stage_index + 1] if stage.residual in names]
    here = names.index(passed[-1]) if passed and passed[-1] else None
    label = session.label(order[0])
    label = fit(label, min(width(label), 12, max(4, cells - len(shares) - 3)))
    words = " by layer" if cells >= width(label) + len(shares) + 13 else ""
    line = sparkline(shares, here, cells - width(label) - 1 - len(words))
    return [Span(label + " ", "token"), *line, Span(words, "dim")]


def next_in_brief(session: Session, cells: int) -> Line:
    """The answer in one line: the likeliest tokens, as many of them as fit; of an edited run with what has changed."""
    now, before, _ = _answers(session)
    line: Line = [Span("next at T 1 ", "dim")]
    if now is None:
        return [*line, Span("needs the model" if session.recorded else "…", "dim")]
    for place, token in enumerate(now.order[:_BRIEFLY]):
        share = now.probabilities[token]
        name = Span(session.label(token), "answer" if place == 0 else "token")
        entry = [Span(" "), name, Span(f" {percent(share)}", "bold" if place == 0 else "")]
        if before and abs(change := share - before.probabilities[token]) >= _NOTICEABLE:
            entry += [Span(" "), _change(change)]
        if length(line) + length(entry) > cells:
            break
        line += entry
    if len(line) == 1:  # a very long token
        cut = fit(session.label(now.order[0]), max(6, cells - 19))
        line += [Span(cut, "answer"), Span(f" {percent(now.probabilities[now.order[0]])}", "bold")]
    return line


def _end(session: Session, cells: int, room: int) -> list[Line]:
    """The answer; of an edited run with what the edits changed, and what is left of the answer without them."""
    now, before, title = _answers(session)
    lines: list[Line] = [[Span("at the end", "bold"), Span(f"  {title}" if cells > 28 or before else "", "dim")]]
    if now and before and room > 2 and (lost := before.order[0]) not in now.order[:room]:
        shown = [*now.order[: room - 1], lost]
        return [*lines, *_list(session, now, before, cells, room, "answer", shown)]
    return [*lines, *_list(session, now, before, cells, room, "answer")]


def _answers(session: Session) -> tuple[Ranking | None, Ranking | None, str]:
    """The answer, the one it is compared with, and what is said of that."""
    position, what_if = session.position, session.what_if
    if apart := what_if.difference:
        runs, starts = apart.pair, apart.alignment
        now, before = (
            run.ranking("logits", position + start)
            for run, start in ((runs.b, starts.start_b), (runs.a, starts.start_a))
        )
        return now, before, "▲▼ B vs A"
    if what_if.shown:
        return what_if.shown.ranking("logits", position), None, f"of {what_if.showing[:1]}"
    now, before = what_if.answer(position), what_if.answer_before(position)
    if what_if.edited:
        return now, before, "▲▼ by edits" if before else "edited"
    return now, None, "the model's answer"


def _here(session: Session, cells: int, room: int) -> list[Line]:
    residual, before = session.stage.residual, session.cursor.residual_before
    lines: list[Line] = [[Span("if it stopped here", "bold")]]
    if residual is None or session.what_if.difference:
        words = (
            f"nothing yet: press {pressed('stage.forward', '→')}"
            if residual is None
            else "no prediction: this is B − A"
        )
        nothing: list[Line] = [[Span(words, "dim")], *([[]] * room)]
        return [*lines, *nothing]
    then = session.trace.ranking(before, session.position) if before else None
    now = session.trace.ranking(residual, session.position)
    versus = f"▲▼ vs {_moment(before)}" if before else "of the token alone"
    return [*lines, [Span(fit(versus, cells), "dim")], *_list(session, now, then, cells, room, "lens")]


def _moment(residual: str) -> str:
    """A residual stream's name in words."""
    if residual == "hook_embed":
        return "the token alone"
    _, layer, name = residual.split(".")
    if name == "hook_resid_pre":
        return "the embeddings"
    return f"block {layer} {'attention' if name == 'hook_resid_mid' else 'MLP'}"


def _list(
    session: Session,
    now: Ranking | None,
    then: Ranking | None,
    cells: int,
    room: int,
    style: str,
    shown: list[int] | None = None,
) -> list[Line]:
    """The likeliest tokens, or those that are to be shown, and by how much each has changed."""
    if now is None:
        why = "needs the model" if session.recorded else "computing …" if session.computing else "…"
        return [[Span(why, "dim")], *([[]] * (room - 1))]
    changes = 7 if style == "lens" or then else 0
    names = min(12, max(6, (cells - 7 - changes) // 2))
    bars = max(0, cells - names - 8 - changes)
    largest = now.probabilities[now.order[0]]
    lines: list[Line] = []
    for token in shown or now.order[:room]:
        share = now.probabilities[token]
        line = [
            Span(fit(session.label(token), names) + " ", "token"),
            Span(fit(bar(share / largest, bars), bars), style),
            Span(f"{percent(share):>6} "),
        ]
        if changes:
            line.append(_change(share - then.probabilities[token] if then else 0.0))
        lines.append([span._replace(action=("predicted", token)) for span in line])
    return lines


def percent(share: float) -> str:
    """A share of 1 for a narrow column: "62.8%", and "<0.1%" for one that would read as zero."""
    return "<0.1%" if 0 < share < _NOTICEABLE else f"{share:.1%}"


def _change(change: float) -> Span:
    """By how many percentage points a probability rose or fell."""
    if abs(change) < _NOTICEABLE:
        return Span(" " * 6)
    return Span(f"{'▲' if change > 0 else '▼'}{abs(change) * 100:4.1f}", "up" if change > 0 else "down")
