"""Vectors: one row of colour a token, then the whole vector of the token you stand on, then its largest numbers."""

from explorer.paint.spans import Action, Line, Span, bar, length, page, part_of, signed_level, spread_of, window
from explorer.stages import Kind
from explorer.text import fit, number, width
from explorer.walk.session import Session
from gpt.ops import Matrix, Vector

_LABEL = 12  # cells for a token's text at the most
_NUMBERED = 8  # cells for a number with its space
_STANDING_OUT = 12  # numbers that are listed at the most
_ENTRY = 22  # cells for a head with its number, and a bar of a few cells


def vectors(session: Session, cells: int, height: int, halves: bool) -> list[Line]:
    """The picture of any activation with a vector for each position."""
    cursor = session.cursor
    assert cursor.part
    rows = session.trace.matrix(cursor.part.activation, cursor.head)
    spread = spread_of(rows)
    head = _statistics(session, cells) if session.stage.kind is Kind.NORM else []
    vector = rows[session.position]
    whole = len(vector) > _columns(session, len(vector), cells)[0]  # the grid cannot show the whole vector
    small, lists = height < 18, session.stage.kind in (Kind.NEURONS, Kind.HEADS_OUT)
    strip = _strip(session, vector, spread, cells, halves) if whole and not (small and lists) else []
    room = height - len(head)
    # a small screen has room for the strip or the list, not for both
    others = (len(strip) + 1 if strip else 0) + (6 if lists or not small else 0)
    grid_room = max(4, min(len(rows) + 1, room - others))
    grid = _grid(session, rows, spread, cells, min(grid_room, room))
    if strip and len(grid) + len(strip) + 1 <= room:
        grid += [[], *strip]
    left = room - len(grid) - 1
    if left >= 2:
        grid += [[], *_largest(session, vector, cells, left)]
    return [*head, *grid]


def _grid(session: Session, rows: Matrix, spread: float, cells: int, height: int) -> list[Line]:
    """All tokens, and as many columns as fit."""
    labels, count, cursor = session.labels(), len(rows[0]), session.cursor
    fitting, size, margin = _columns(session, count, cells)
    left, right = page(cursor.column, count, fitting)
    top, bottom = window(session.position, len(session.ids), height - 1)
    columns = part_of(left, right, count, f"{_axis(session)}s") or f"{count} {_axis(session)}s"
    tokens = f"{bottom - top} of {len(labels)} tokens" if bottom - top < len(labels) else ""
    lines: list[Line] = [_title(columns, tokens, f"±{spread:.3g}", margin, cells)]
    for position in range(top, bottom):
        lit = position == session.position
        style = "here-text" if lit else "dim"
        line = [Span(fit(labels[position], margin - 1, ">") + " ", style, ("position", position))]
        if position >= len(rows):
            line.append(Span("…", "dim"))
        else:
            values = rows[position]
            for column in range(left, right):
                here = lit and column == cursor.column
                level = "here" if here else f"signed:{signed_level(values[column], spread)}"
                text = fit(number(values[column]), size - 1, ">") + " " if size == _NUMBERED else " " * size
                line.append(Span(text, level, ("cell", position, column)))
        lines.append(line)
    return lines


def _title(columns: str, tokens: str, scale: str, margin: int, cells: int) -> Line:
    """The part of the activation that is shown, and its scale; a long line begins further to the left."""
    middle = [tokens] if tokens else []
    text = "   ".join([columns, *middle, f"colour: {scale}"])
    if width(text) > cells:
        columns = columns.replace(" dimensions:", ":").replace(" neurons:", ":")
        text = " · ".join([columns, *middle, scale])
    return [Span(" " * max(0, min(margin, cells - width(text)))), Span(text, "dim")]


def _columns(session: Session, count: int, cells: int) -> tuple[int, int, int]:
    """How many of so many columns fit beside the labels, how wide each, and how wide the labels are."""
    margin = min(_LABEL, max(map(width, session.labels()))) + 1
    room = cells - margin
    size = _NUMBERED if count * _NUMBERED <= room else max(1, min(3, room // count))
    return min(count, room // size), size, margin


def _axis(session: Session) -> str:
    return "neuron" if session.cursor.axes[-1] == "m" else "dimension"


def _strip(session: Session, vector: Vector, spread: float, cells: int, halves: bool) -> list[Line]:
    """The whole vector of this token, broken into lines like text; with `halves`, each line holds two."""
    size = min(len(vector), cells if cells < 16 else cells // 16 * 16)
    column, position = session.cursor.column, session.position
    levels = [str(signed_level(value, spread)) for value in vector]
    levels[column] = "*"
    rows = [levels[start : start + size] for start in range(0, len(levels), size)]
    label = session.label(session.ids[position])
    lines: list[Line] = [
        [
            Span(f"all {len(vector)} {_axis(session)}s of ", "dim"),
            Span(label, "here-text"),
            Span(f", {size} a row", "dim"),
        ]
    ]
    if not halves or len(rows) == 1:
        for row, top in enumerate(rows):
            lines.append([_dot(level, ("cell", position, row * size + i)) for i, level in enumerate(top)])
        return lines
    for row in range(0, len(rows), 2):
        top, bottom = rows[row], rows[row + 1] if row + 1 < len(rows) else []
        line = []
        for i, level in enumerate(top):
            action = ("cell", position, row * size + i)
            pair = f"signed:{level}/{bottom[i]}" if i < len(bottom) else f"signed:{level}/"
            line.append(Span("▀", pair, action))
        lines.append(line)
    return lines


def _dot(level: str, action: tuple[str, int, int]) -> Span:
    return Span(" ", "here" if level == "*" else f"signed:{level}", action)


def _statistics(session: Session, cells: int) -> list[Line]:
    """The statistics of the layer norm: mean, variance, and the number that it divides by."""
    assert session.cursor.part
    prefix = session.cursor.part.activation.rpartition(".")[0]

    def at(name: str) -> str:
        if session.trace.positions(f"{prefix}.{name}") <= session.position:
            return "?"  # a recorded run need not have it
        return number(session.trace.at(f"{prefix}.{name}", (session.position, 0)), 4)

    variance = "variance" if cells >= 60 else "var"
    return [
        [
            Span("mean ", "dim"),
            Span(at("hook_mean")),
            Span(f"  {variance} ", "dim"),
            Span(at("hook_var")),
            Span(f"  √({variance} + ε) ", "dim"),
            Span(at("hook_scale")),
        ],
        [],
    ]


def _largest(session: Session, vector: Vector, cells: int, height: int) -> list[Line]:
    """The numbers that stand out: the heads' writes, the neurons that fired most, the largest dimensions."""
    kind, layer, rows = session.stage.kind, session.stage.layer, height - 1
    entries: list[Entry]
    if kind is Kind.HEADS_OUT and layer is not None:
        writes = session.trace.head_writes(layer, session.position)
        lengths = [sum(value * value for value in write) ** 0.5 for write in writes or ()]
        return _of_heads(lengths, cells, rows)
    count = min(len(vector), _STANDING_OUT, rows)
    if kind is Kind.NEURONS:
        order = sorted(range(len(vector)), key=lambda neuron: -vector[neuron])
        title = f"fired most: {count} of {len(vector)} neurons"
        if session.cursor.part and session.cursor.part.activation.endswith("hook_pre"):
            title = f"largest before the activation: {count} of {len(vector)} neurons"
        entries = [(f"neuron {i}", vector[i], ("cell", session.position, i)) for i in order[:count]]
    else:
        order = sorted(range(len(vector)), key=lambda dimension: -abs(vector[dimension]))
        title = f"largest: {count} of {len(vector)} dimensions"
        entries = [(f"dimension {i}", vector[i], ("cell", session.position, i)) for i in order[:count]]
    return [[Span(title, "dim")], *_bars(entries, cells)]


def _of_heads(lengths: list[float], cells: int, rows: int) -> list[Line]:
    """The output of every head, in columns where there are many; where they do not all fit, the longest."""
    heads = list(range(len(lengths)))
    across = max(1, min(-(-len(lengths) // rows), cells // _ENTRY))
    if len(lengths) <= across * rows:
        title = "length of each head's output"
    else:
        heads = sorted(heads, key=lambda head: -lengths[head])[: across * rows]
        title = f"how much the heads wrote: the {len(heads)} longest of {len(lengths)}"
    entries: list[Entry] = [(f"head {head}", lengths[head], ("head", head)) for head in heads]
    size, rows = cells // across, -(-len(entries) // across)
    bars = _bars(entries, size if across > 1 else cells)
    lines: list[Line] = []
    for row in range(rows):
        line: Line = []
        for column, entry in enumerate(bars[row::rows]):
            line += [Span(" " * (column * size - length(line))), *entry]
        lines.append(line)
    return [[Span(title, "dim")], *lines]


Entry = tuple[str, float, Action]
"""A name, its number, and where a click on it leads."""


def _bars(entries: list[Entry], cells: int) -> list[Line]:
    most = max((abs(value) for _, value, _ in entries), default=0.0) or 1.0
    names = max((len(name) for name, _, _ in entries), default=0)
    room = max(0, min(40, cells - names - 13))
    return [
        [
            Span(f"{name:<{names}}  ", "", action),
            Span(f"{number(value):>8}  "),
            Span(bar(abs(value) / most, room), "positive" if value >= 0 else "negative"),
        ]
        for name, value, action in entries
    ]
