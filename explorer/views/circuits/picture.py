"""The picture of circuits: how far every head copies, and of the chosen one what is asked."""

from collections.abc import Sequence

from explorer.analysis.circuits import Circuit
from explorer.paint.legend import legend_of_signed
from explorer.paint.row import text_for
from explorer.paint.spans import Line, Span, clipped
from explorer.terminal.text import fit, number, token_at, width
from explorer.views.circuits.state import CircuitState, Ends, Matches, Ranked, Show
from explorer.views.heatmap import Heatmap, heatmap
from explorer.views.parts import fitting, side_by_side

_BESIDE = 100  # cells from which the heads stand beside what is shown of one
_LEAST = 6  # lines for what is shown of one
_NUMBER = 8
_READ = {"q": "queries", "k": "keys", "v": "values"}


def picture(state: CircuitState, cells: int, height: int) -> list[Line]:
    """The whole picture."""
    heads = _heads(state)
    if cells >= _BESIDE:
        left = min(cells // 2, 11 + 7 * len(heads.columns))
        legend = [Span("copying ", "dim"), *legend_of_signed(1.0)]
        beside = _shown(state, cells - left - 3, height)
        return side_by_side([*heatmap(heads, left, height - 2), [], legend], beside, left + 3)
    rows = min(len(heads.rows) + 1, height - _LEAST)
    above = heatmap(heads, cells, rows)[:rows] if rows > 1 else []
    return [*above, *_shown(state, cells, height - len(above))]


def _heads(state: CircuitState) -> Heatmap:
    config = state.scene.config
    return Heatmap(
        [f"block {layer}" for layer in range(config.n_layer)],
        [str(head) for head in range(config.n_head)],
        lambda layer, head: state.copying.get((layer, head)),
        _text,
        state.layer,
        state.head,
        corner="copying",
        unit="copying",
        word="head ",
    )


def _text(value: float) -> str:
    text = number(value, 2)
    return text if text.strip("+−0.") else text.lstrip("+−")  # a zero has no sign


def _shown(state: CircuitState, cells: int, height: int) -> list[Line]:
    """The question to the chosen head, in words."""
    asked = title(state)
    if waiting := state.scene.waiting(state.found, cells):
        lines = [asked, *waiting]
    elif state.show is Show.PROMOTES:
        lines = [asked, *_columns([("promotes", state.found.most), ("suppresses", state.found.least)], state, cells)]
    elif state.show is Show.MATCHES:
        lines = [asked, *_matches(state.found, state, cells)]
    elif state.show is Show.DIRECTIONS:
        lines = [asked, *_directions(state, cells)]
    else:
        table = _positions(state) if state.show is Show.POSITIONS else _composition(state)
        lines = [asked, *heatmap(table, cells, height - 1)]
    return [clipped(line, cells) for line in lines[:height]]


def title(state: CircuitState) -> Line:
    """The question in words."""
    head, token = f"head {state.layer}.{state.head}", state.scene.label(state.token)
    name = Span(head, "bold")
    match state.show:
        case Show.PROMOTES:
            return [name, Span(" attending to "), Span(token, "here-text"), Span(" (OV): logits for each unit of it")]
        case Show.MATCHES:
            return [name, Span(", "), Span(token, "here-text"), Span(" (QK): score of query and key")]
        case Show.POSITIONS:
            return [name, Span(": positions alone (QK): rows are queries, columns keys")]
        case Show.DIRECTIONS:
            return [name, Span(f": singular vectors of its {state.asked.circuit.upper()} circuit")]
        case _:
            return [name, Span(f": how far its {_READ[state.asked.kind]} read what earlier heads write")]


def _matches(found: Matches, state: CircuitState, cells: int) -> list[Line]:
    """The tokens that its query looks for, and those whose queries look for its key."""
    columns = [("query looks for", found.by_query.most), ("key is found by", found.by_key.most)]
    if cells >= 2 * _BESIDE // 3:
        columns += [("least for", found.by_query.least), ("least by", found.by_key.least)]
    return _columns(columns, state, cells)


def _columns(columns: Sequence[tuple[str, Ranked]], state: CircuitState, cells: int) -> list[Line]:
    """Tokens with their numbers, in columns side by side."""
    size = cells // len(columns)
    lines: list[Line] = [[Span(fit(title, size - 1) + " ", "dim") for title, _ in columns]]
    for row in range(max(len(ranked) for _, ranked in columns)):
        line: Line = []
        for _, ranked in columns:
            if row >= len(ranked):
                line.append(Span(" " * size))
                continue
            token, value = ranked[row]
            same = "here-text" if token == state.token else "token"
            line += [
                Span(fit(number(value, 2), _NUMBER - 1, ">") + " ", "positive" if value >= 0 else "negative"),
                Span(fit(state.scene.label(token), size - _NUMBER), same),
            ]
        lines.append(line)
    return lines


def _directions(state: CircuitState, cells: int) -> list[Line]:
    """The strongest singular vectors: what is read, and what is written or matched."""
    reads, writes = ("attended to", "promoted") if state.asked.circuit is Circuit.OV else ("query", "key")
    size = (cells - _NUMBER) // 2
    lines: list[Line] = [[Span(fit("", _NUMBER)), Span(fit(reads, size), "dim"), Span(fit(writes, size), "dim")]]
    for direction in state.directions:
        ends = (_tokens(end, state, size - 1) for end in (direction.read, direction.written))
        strength = Span(fit(number(direction.strength, 2, plus=""), _NUMBER - 1, ">") + " ", "value")
        lines.append([strength, *(Span(fit(words, size - 1) + " ", "token") for words in ends)])
    return lines


def _tokens(ranked: Ranked, state: CircuitState, cells: int) -> str:
    """As many of the tokens as fit whole, the first always."""
    words = ""
    for token, _ in ranked:
        more = f"{words} {state.scene.label(token)}".strip()
        if words and width(more) > cells:
            break
        words = more
    return words


def _positions(state: CircuitState) -> Heatmap:
    """The scores of position embeddings alone; a mask hides the later keys."""
    labels = state.scene.labels()
    names = [token_at(place, labels) for place in range(len(labels))]
    table = state.found
    return Heatmap(
        names,
        labels,
        lambda query, key: table[query][key] if key <= query else None,
        text_for(max((abs(value) for row in table for value in row), default=0.0)),
        min(state.scene.position, len(table) - 1),
        min(state.scene.position, len(table) - 1),
        corner="query",
        unit="score",
        missing=" ",
        chosen_by_click=False,
    )


def _composition(state: CircuitState) -> Heatmap:
    """How far the head reads each earlier one."""
    config, table = state.scene.config, state.found
    best = max(
        ((layer, head) for layer in range(state.layer) for head in range(config.n_head)),
        key=lambda place: table[place[0]][place[1]],
        default=(0, 0),
    )
    return Heatmap(
        [f"block {layer}" for layer in range(max(1, state.layer))],
        [str(head) for head in range(config.n_head)],
        lambda layer, head: table[layer][head] if layer < state.layer else None,
        lambda value: number(value, 3, plus=""),
        *best,
        corner="from head",
        unit="composition",
        word="head ",
        missing=" ",
    )


def in_words(state: CircuitState, cells: int) -> list[Line]:
    """The chosen head: its two copying scores."""
    copying = state.copying.get((state.layer, state.head))
    head = [Span(f"head {state.layer}.{state.head}: ", "bold")]
    if copying is None:
        return [clipped([*head, Span("not computed yet", "dim")], cells)]
    head.append(Span(f"copying {number(copying, 3)}", "value"))
    first = fitting(head, ["by the eigenvalues of OV: 1 copies, −1 suppresses"], cells)
    if not state.copy_scores:
        return [clipped(line, cells) for line in (first, [Span("its copy score in this run: not computed yet", "dim")])]
    position = state.scene.position
    here = state.copy_scores[position]
    mean = sum(state.copy_scores) / len(state.copy_scores)
    words = f"copy score at {state.scene.token_at(position)} {here:.0f}, over this prompt {mean:.2f}"
    second = fitting([Span(words)], ["among the 5 most promoted (Wang et al. 2022)", "d: choose"], cells)
    return [clipped(first, cells), clipped(second, cells)]


def ends(values: Sequence[float], count: int) -> Ends:
    """Both ends of a ranking: of numbers by token."""
    order = sorted(range(len(values)), key=lambda token: -values[token])
    return Ends(
        tuple((token, values[token]) for token in order[:count]),
        tuple((token, values[token]) for token in order[: -count - 1 : -1]),
    )
