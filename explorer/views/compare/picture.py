"""The picture of two runs: which they are, how far apart at every position, and how the next token changed."""

from explorer.analysis.compare import ALIGNED, BEGINNING
from explorer.paint.bars import bar_of
from explorer.paint.predictions import percent
from explorer.paint.spans import Line, Span, bar, clipped, window, wrapped
from explorer.terminal.pressed import key as pressed
from explorer.terminal.text import fit, number, token_at, width
from explorer.views.compare.state import Apart, CompareState
from explorer.views.parts import ROW, side_by_side, to_choose

ALIGNMENT = 1
"""The first number of a click on where they are aligned."""

_TOKEN = 12
_BESIDE = 110  # cells from which the positions stand beside the changes


def two_runs(state: CompareState, cells: int, height: int) -> list[Line]:
    """The whole picture."""
    pair = state.pair
    partner, position = state.positions
    apart = state.known.get(position)
    bits = f"{number(apart.kl, 3, plus='')} bits" if apart else "computing …"
    after = [state.scene.label(pair.a.ids[partner]), state.scene.label(pair.b.ids[position])]
    tokens = after[0] if after[0] == after[1] else f"{after[0]} | {after[1]}"
    head = [
        _title("A", pair.title_a, cells),
        _title("B", pair.title_b, cells),
        [Span("KL(A ‖ B) = "), Span(bits, "value"), Span(" after "), Span(tokens, "here-text"), *_most(state)],
        *_alignment(state, cells),
        [],
    ]
    room = height - len(head)
    if cells >= _BESIDE:
        left = cells * 2 // 5
        beside = _positions(state, cells - left - 3, min(state.alignment.length, max(1, room - 1)))
        lines = side_by_side(_changes(state, apart, max(1, room - 1), left), beside, left + 3)
    else:
        room -= 3
        rows = min(state.alignment.length, max(2, room // 2))
        lines = [*_changes(state, apart, max(1, room - rows), cells), [], *_positions(state, cells, rows)]
    return [clipped(line, cells) for line in [*head, *lines]]


def _most(state: CompareState) -> Line:
    """Where the two are furthest apart, if that is elsewhere."""
    known = {position: apart.kl for position, apart in state.known.items() if apart.kl == apart.kl}
    most = max(known, key=lambda position: known[position], default=None)
    if most is None or most == state.positions[1]:
        return []
    words = f"   most: {number(known[most], 3, plus='')} after {token_at(most, state.pair.b.ids, state.scene.label)}"
    return [Span(words, "dim")]


def in_words(state: CompareState, cells: int) -> list[Line]:
    """The chosen position: how far the two runs are apart there, what both say, and what changed most."""
    pair, label, (partner, position) = state.pair, state.scene.label, state.positions
    tokens = label(pair.a.ids[partner]), label(pair.b.ids[position])
    place = [Span(f"position {position}: ", "here-text"), Span(" | ".join(dict.fromkeys(tokens)), "token")]
    apart = state.known.get(position)
    if apart is None:
        return [clipped([*place, Span("  computing …", "dim")], cells)]
    says = " → ".join(dict.fromkeys(map(label, apart.best)))
    line = [*place, Span(f"  KL(A ‖ B) {number(apart.kl, 4, plus='')} bits", "value"), Span(f"  says {says}")]
    most = apart.changes[:1]
    change = [
        Span(f"most changed: {label(each.token)} {percent(each.before)} → {percent(each.after)}, ") for each in most
    ]
    points = [
        Span(f"{number(each.points, 1)} percentage points", "up" if each.points >= 0 else "down") for each in most
    ]
    return [clipped(line, cells), clipped([*change, *points], cells)]


def _alignment(state: CompareState, cells: int) -> list[Line]:
    """Where they are aligned, if they differ in length, and how many positions have no partner."""
    if not state.lengths_differ:
        return []
    pair = state.pair
    letter = "A" if len(pair.a.ids) > len(pair.b.ids) else "B"
    alone = max(len(pair.a.ids), len(pair.b.ids)) - pair.alignment.length
    line = [Span("aligned at the ←→", "dim"), *to_choose(ALIGNMENT, ALIGNED, ALIGNED.index(pair.at), cells)]
    where = "last" if pair.at == BEGINNING else "first"
    return [[*line, Span(f" the {where} {alone} of {letter} alone", "dim")]]


def _changes(state: CompareState, apart: Apart | None, room: int, cells: int) -> list[Line]:
    """How the next token's chances changed at the cursor, the largest change first."""
    if apart is None:
        return [[Span("next token", "bold"), Span("  computing …", "dim")]]
    shown = apart.changes[:room]
    size = max(_TOKEN, *(width(state.scene.label(change.token)) + 1 for change in shown))
    size = min(size, max(_TOKEN, cells - 33))
    head = f"{'A':>7} {'B':>7} {'points':>7} {'bits':>7}"
    lines: list[Line] = [[Span(fit("next at T 1", size), "bold"), Span(head, "dim")]]
    largest, bars = max((abs(change.points) for change in shown), default=0.0), cells - size - 33
    for change in shown:
        style = "up" if change.points >= 0 else "down"
        share = f"{percent(change.before):>7} {percent(change.after):>7} "
        line = [Span(fit(state.scene.label(change.token), size), "token"), Span(share)]
        line += [Span(f"{'▲' if change.points >= 0 else '▼'}{abs(change.points):6.1f}", style)]
        drawn = bar_of(change.points, largest, min(24, bars)) if bars >= 4 else ""
        lines.append([*line, Span(f" {number(change.bits, 2):>7}  "), Span(drawn, style)])
    return lines


def _positions(state: CompareState, cells: int, room: int) -> list[Line]:
    """The aligned positions side by side; at each the divergence and both answers."""
    pair, alignment, label, (_, here) = state.pair, state.alignment, state.scene.label, state.positions
    top, bottom = window(here - alignment.start_b, alignment.length, room)
    largest = max((apart.kl for apart in state.known.values()), default=0.0) or 1.0
    labels = [label(run.ids[at]) for run in (pair.a, pair.b) for at in range(len(run.ids))]
    size = min(max(8, *map(width, labels)) + 1, max(_TOKEN, cells // 4))
    bars = max(0, min(24, cells - 4 * size - 10))
    title = "  " + fit("token A", size) + fit("token B", size) + fit("KL bits", 9) + " " * bars + "says A → says B"
    title += f"   {bottom - top} of {alignment.length} shown" if bottom - top < alignment.length else ""
    lines: list[Line] = [[Span(title, "dim")]]
    for row in range(top, bottom):
        position, partner = alignment.start_b + row, alignment.start_a + row
        lit = "here-text" if position == here else ""
        action = ("view", ROW, row + state.first)
        tokens = pair.a.ids[partner], pair.b.ids[position]
        line = [Span("▶ " if lit else "  ", lit, action), Span(fit(label(tokens[0]), size), lit, action)]
        line.append(Span(fit(label(tokens[1]), size), lit or ("dim" if tokens[0] == tokens[1] else "down"), action))
        if apart := state.known.get(position):
            says = label(apart.best[0]) + (f" → {label(apart.best[1])}" if len(set(apart.best)) > 1 else "")
            line += [
                Span(f"{number(apart.kl, 3, plus=''):>7} "),
                Span(fit(bar(apart.kl / largest, bars), bars), "lens"),
            ]
            line.append(Span(" " + says))
        lines.append(line)
    return lines


def _title(letter: str, words: str, cells: int) -> Line:
    return [Span(f"{letter}  ", "bold"), Span(fit(words, max(1, cells - 3)).rstrip())]


def only_one_run(recorded: bool, cells: int) -> list[Line]:
    """Advice where there is only one run."""
    title = [Span("There is only one run: nothing to compare yet.", "bold")]
    if recorded:
        return [title, [], *wrapped("It is a recorded one: there is no model that could make another.", cells)]
    steps = (
        f"{pressed('look.enter', 'enter')}: type another prompt to compare with.",
        f"Or leave this view and edit a number ({pressed('edit', 'x')}): then the edited run is compared with the "
        "one before.",
    )
    return [clipped(title, cells), [], *(line for step in steps for line in wrapped(step, cells))]
