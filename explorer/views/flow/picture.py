"""The kept edges as a picture: tokens across, blocks from the embeddings at the top down to the answer."""

from collections.abc import Sequence

from explorer.analysis.edge_attribution import AttributedEdge
from explorer.analysis.flow import EdgeKind, Node
from explorer.paint.spans import Action, Line, Span, clipped
from explorer.terminal.text import counted, fit, width
from explorer.views.flow.state import DrawnEdge
from explorer.views.parts import ROW, Scene, fitting

STRONG, MEDIUM = 0.1, 0.03
_STRENGTHS = (
    f"{{}}: ┃━ ≥{STRONG:.0%}  │─ ≥{MEDIUM:.0%}  ┆╌ below",
    f"┃━ ≥{STRONG:.0%}  │─ ≥{MEDIUM:.0%}  ┆╌ below",
)
_MARGIN = 8
_LEAST_STEP, _MOST_STEP = 6, 12
_DOWN, _ACROSS = "┆│┃║", "╌─━═"  # weak, medium, strong, chosen
# with the line from above: turning right, going on down as well, coming from the left as well, all four
_JOINTS = {"╰": "╰╰┗╚", "├": "├├┣╠", "┴": "┴┴┻╩", "┼": "┼┼╋╬"}
_STYLES = ("dim", "", "accent", "here-text")
_CHOSEN = 3


class FlowPicture:
    """A canvas of characters, onto which the streams, then the edges, then the chosen edge are drawn."""

    def __init__(
        self, scene: Scene, edges: Sequence[DrawnEdge], chosen: DrawnEdge | None, cells: int, halves: bool
    ) -> None:
        self.scene = scene
        self.edges = edges
        self.chosen = chosen
        self.halves = halves  # each block takes two lines: attention, and below it the MLP
        config = scene.config
        self.depth = 2 * config.n_layer
        self.columns, self.step = self._columns(cells - _MARGIN)
        self.cells = _MARGIN + self.step * len(self.columns)
        self._passed = {depth: self._passed_at(depth) for depth in range(1, self.depth + 1, 2)}
        self._rows: list[list[Span]] = [[Span(" ")] * self.cells for _ in range(config.n_layer * (2 if halves else 1))]
        self._number = {id(edge): number for number, edge in enumerate(edges)}
        self._kept = {(edge.kind, edge.source, edge.target): edge for edge in edges if edge.head is None}
        self._draw()

    def _columns(self, room: int) -> tuple[dict[int, int], int]:
        """The cell of each token: of all if they fit, else of the strongest that are passed."""
        shares = dict.fromkeys(self._always(), 1.0)
        for edge in self.edges:
            if edge.source:
                shares[edge.source.position] = max(shares.get(edge.source.position, 0.0), edge.share)
        shown = list(range(max(shares) + 1))
        if len(shown) > room // _LEAST_STEP:
            strongest = sorted(shares, key=lambda position: -shares[position])[: max(1, room // _LEAST_STEP)]
            while len(strongest) > max(len(set(self._always())), room // self._least(strongest)):
                strongest.pop()
            shown = sorted(strongest)
        step = min(_MOST_STEP, room // len(shown))
        return {position: _MARGIN + i * step for i, position in enumerate(shown)}, step

    def _least(self, positions: Sequence[int]) -> int:
        """The cells for a column in which the texts of these tokens have room, as far as they are not too long."""
        longest = max(width(self.scene.label(self.scene.ids[position])) for position in positions)
        return max(_LEAST_STEP, min(longest + 1, _MOST_STEP))

    def _always(self) -> list[int]:
        """The tokens that need a column: the answer's, and those of the chosen edge."""
        ends = [self.chosen.source, self.chosen.target] if self.chosen else []
        return [self.scene.position, *(node.position for node in ends if node)]

    def _passed_at(self, depth: int) -> set[int]:
        """The tokens that a line passes on its way from an earlier to a later one."""
        ends = {
            (edge.source.position, edge.target.position) for edge in self.edges if _moves(edge, depth) and edge.source
        }
        drawn = [(left, right) for left, right in ends if left in self.columns and right in self.columns]
        return {position for position in self.columns if any(left < position < right for left, right in drawn)}

    def legend(self, cells: int, of: str) -> list[Line]:
        """The legend: the kinds of line, the signs, and how many tokens that are passed have no column.

        `of`: the whole that shares are of.
        """
        hidden = len({edge.source.position for edge in self.edges if edge.source} - set(self.columns))
        more = [f"{counted(hidden, 'token')} out of sight"] if hidden else []
        signs = ["├╰ head reads ▶ writes", "┼┴ passes", "↺ self"]
        if any(map(_lowers, self.edges)):
            signs = ["├╰ head reads ▶ raises it ▷ ◇ lower it", *signs[1:]]
        chosen: Line = [Span("═", "here-text"), Span(" chosen  ◆ MLP", "dim")]
        forms = [words.format(of) for words in _STRENGTHS]
        strengths = next((words for words in forms if width(words) + 18 <= cells), forms[-1])
        first = [Span(strengths + "  ", "dim"), *chosen]
        second = [Span((more or signs)[0], "dim")]
        return [clipped(first, cells), clipped(fitting(second, [*more, *signs][1:], cells), cells)]

    def lines(self) -> list[Line]:
        """The blocks, the first one on top."""
        return [_joined(row) for row in self._rows]

    def row_of(self, values: dict[int, Span], title: str) -> Line:
        """A text in the column of each token that has one."""
        line: Line = [Span(fit(title, _MARGIN), "dim")]
        last = max(self.columns)
        for position in self.columns:
            span = values.get(position, Span(""))
            size = max(self.step - 1, width(span.text)) if position == last else self.step - 1
            line.append(span._replace(text=fit(span.text, size) + " "))
        return line

    # Drawing

    def _draw(self) -> None:
        for row, line in enumerate(self._rows):
            block = row // (2 if self.halves else 1)
            title = "  mlp" if self.halves and row % 2 else f"block {block}"
            line[:_MARGIN] = [Span(letter, "dim") for letter in fit(title, _MARGIN)]
        for depth in range(1, self.depth + 1):
            for position, x in self.columns.items():
                self._stream(Node(depth, position), x)
        moves = [edge for edge in self.edges if edge.kind is EdgeKind.HEAD and edge is not self.chosen]
        for edge in sorted(moves, key=lambda edge: edge.share):
            self._head(edge, _level(edge.share))
        for edge in self.edges:
            if edge.kind is EdgeKind.MLP and edge is not self.chosen:
                self._mlp(edge, _level(edge.share))
        if self.chosen and self.chosen.kind is EdgeKind.MLP:
            self._mlp(self.chosen, _CHOSEN)
        elif self.chosen:
            self._head(self.chosen, _CHOSEN)

    def _y(self, depth: int) -> int:
        """The line in which a state comes about."""
        return depth - 1 if self.halves else (depth - 1) // 2

    def _residual(self, depth: int, position: int) -> DrawnEdge | None:
        return self._kept.get((EdgeKind.RESIDUAL, Node(depth - 1, position), Node(depth, position)))

    def _stream(self, target: Node, x: int) -> None:
        """Draw the part that stayed at a token; with one line a block, that of its attention."""
        edge = self._residual(*target)
        if edge is not None and (self.halves or target.depth % 2):
            level = _level(edge.share)
            self._put(self._y(target.depth), x, _DOWN[level], level)

    def _mlp(self, edge: DrawnEdge, level: int) -> None:
        """Beside the stream; in its place where nothing else of it is kept."""
        x, y = self.columns.get(edge.target.position), self._y(edge.target.depth)
        if x is None:
            return
        alone = self.halves and self._residual(*edge.target) is None
        self._put(y, x if alone else x + 1, "◈" if level == _CHOSEN else "◇" if _lowers(edge) else "◆", level, edge)

    def _head(self, edge: DrawnEdge, level: int) -> None:
        """From above, across to another token's stream; a mark beside the stream where it stays at its token."""
        assert edge.source
        left, right = self.columns.get(edge.source.position), self.columns.get(edge.target.position)
        if left is None or right is None:
            return
        y = self._y(edge.target.depth)
        if left == right:
            self._put(y, right + (1 if self.halves else 2), "↺", level, edge)
            return
        self._put(y, left, self._joint(edge.source, level), level, edge)
        for x in range(left + 1, right - 1):
            if self._rows[y][x].text in " " + _ACROSS:  # what stands there stays: the line passes behind it
                self._put(y, x, _ACROSS[level], level, edge)
        self._put(y, right - 1, "▷" if _lowers(edge) else "▶", level, edge)
        if self.halves and right - left > 4:
            for i, letter in enumerate(str(edge.head)):
                self._put(y, left + 1 + i, letter, level, edge)
        if not self._rows[y][right].text.strip():
            self._put(y, right, "╷", level, edge)

    def _joint(self, source: Node, level: int) -> str:
        """How a line leaves a stream: going on down or not, with another line coming from the left or not."""
        goes_on = self._residual(source.depth + 1, source.position) is not None
        passed = source.position in self._passed[source.depth + 1]
        return _JOINTS[("┼" if passed else "├") if goes_on else ("┴" if passed else "╰")][level]

    def _put(self, y: int, x: int, text: str, level: int, edge: DrawnEdge | None = None) -> None:
        if 0 <= x < self.cells:
            action: Action | None = ("view", ROW, self._number[id(edge)]) if edge else None
            self._rows[y][x] = Span(text, _STYLES[level], action)

    def tokens(self, values: dict[int, Span], title: str) -> list[Line]:
        """The prompt above its columns, with a text for each."""
        scene = self.scene
        labels = {
            position: Span(
                scene.label(scene.ids[position]),
                "here-text" if position == scene.position else "token",
                ("position", position),
            )
            for position in self.columns
        }
        return [self.row_of(labels, ""), self.row_of(values, title)]


def _moves(edge: DrawnEdge, depth: int) -> bool:
    return edge.kind is EdgeKind.HEAD and edge.target.depth == depth


def _lowers(edge: DrawnEdge) -> bool:
    """Whether it lowers the answer; a share of a state has no sign."""
    return isinstance(edge, AttributedEdge) and edge.value < 0


def _level(share: float) -> int:
    return 2 if share >= STRONG else 1 if share >= MEDIUM else 0


def _joined(row: list[Span]) -> Line:
    """Neighbours that look alike and lead to the same place, in one span."""
    line: Line = []
    for span in row:
        if line and line[-1][1:] == span[1:]:
            line[-1] = span._replace(text=line[-1].text + span.text)
        else:
            line.append(span)
    return line
