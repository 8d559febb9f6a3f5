"""The map of the model: where you are, what has been computed for this token, what is still to come."""

from explorer.paint.spans import Line, Span, clipped, length, window
from explorer.stages import Stage
from explorer.terminal.text import fit, width
from explorer.walk.session import Session


def map_of(session: Session, cells: int, height: int) -> list[Line]:
    """The stages from top to bottom, the block you are in unfolded, the others on a line each."""
    rows: list[Line] = []
    here = 0
    for group in session.cursor.groups:
        stages = [session.cursor.stages[i] for i in group]
        layer = stages[0].layer
        inside = session.cursor.stage_index in group
        if layer is not None:
            rows.append(_block(session, layer, group[0], stages, inside))
        if layer is None or inside:
            for index, stage in zip(group, stages):
                if index == session.cursor.stage_index:
                    here = len(rows)
                rows.append(_stage(session, index, stage, cells))
    first, last = window(here, len(rows), height)
    return _with_ends(rows[first:last], first, len(rows) - last) if height > 4 else rows[first:last]


def _with_ends(rows: list[Line], above: int, below: int) -> list[Line]:
    """In place of the first and the last row, how many are out of sight there."""
    first: list[Line] = [[Span(f"↑ {above + 1} more", "dim")]] if above else []
    last: list[Line] = [[Span(f"↓ {below + 1} more", "dim")]] if below else []
    return [*first, *rows[len(first) : len(rows) - len(last)], *last]


def _block(session: Session, layer: int, first: int, stages: list[Stage], inside: bool) -> Line:
    done = [session.trace.computed(stage, session.position) for stage in stages]
    mark, style = ("●", "done") if all(done) else ("◐", "done") if any(done) else ("○", "dim")
    name = Span(f"block {layer}", "bold" if inside else "", ("stage", first))
    return [Span(f"{mark} ", style), name, *_edited(session, f"blocks.{layer}.")]


def _edited(session: Session, *names: str) -> Line:
    """A mark where something is edited in activations whose names begin like that."""
    edited = any(place.name.startswith(names) for place in session.what_if.places_edited())
    return [Span(" ✎", "down")] if edited else []


def _stage(session: Session, index: int, stage: Stage, cells: int) -> Line:
    indent = "" if stage.layer is None else "│ "
    edited = _edited(session, *(part.activation for part in stage.parts))
    room = cells - width(indent) - length(edited)
    title = stage.title if width(stage.title) <= room - 2 else briefly(stage.title)
    if index == session.cursor.stage_index:
        return [Span(indent, "dim"), Span(fit(f"▶ {title}", room), "here", ("stage", index)), *edited]
    done = session.trace.computed(stage, session.position)
    return [
        Span(indent, "dim"),
        Span("● " if done else "○ ", "done" if done else "dim"),
        Span(fit(title, room - 2), "" if done else "dim", ("stage", index)),
        *edited,
    ]


def briefly(title: str) -> str:
    """A title in fewer cells: "+ resid. (attn)"."""
    return title.replace("residual", "resid.").replace("attention", "attn")


def rail(session: Session, cells: int) -> list[Line]:
    """The map in one line, for narrow screens: the entrance, the blocks, the exit, and the stage you are at."""
    stages, here = session.cursor.stages, session.cursor.stage_index
    line: Line = []
    for group in session.cursor.groups:
        layer = stages[group[0]].layer
        inside = here in group
        name = "in" if layer is None and not group[0] else "out" if layer is None else str(layer)
        done = all(session.trace.computed(stages[i], session.position) for i in group)
        style = "here" if inside else "done" if done else "dim"
        line.append(Span(f" {name} " if inside else name, style, ("stage", group[0])))
        if layer is not None and _edited(session, f"blocks.{layer}."):
            line.append(Span("✎", "down"))
        line.append(Span(" "))
        if inside:
            dots = [Span("◆" if i == here else "•", "here-text" if i == here else "dim", ("stage", i)) for i in group]
            line += [*dots, Span(" ")]
    return [_cut(line, cells)]


def _cut(line: Line, cells: int) -> Line:
    """The part of a line, around its lit part, that fits."""
    lit = next((i for i, span in enumerate(line) if span.style == "here"), 0)
    cut: Line = []
    while length(line) > cells - length(cut) and lit:
        line, lit, cut = line[1:], lit - 1, [Span("… ", "dim")]
    return clipped([*cut, *line], cells)
