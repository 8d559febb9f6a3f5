"""Two runs held against each other: which they are, and the difference of all their values."""

from typing import Any, NamedTuple

from explorer.analysis.compare import END, Alignment, align, difference
from explorer.runs.activations import Activations
from explorer.runs.trace import Trace


class Pair(NamedTuple):
    """A and B, and what to call them."""

    a: Trace
    b: Trace
    title_a: str
    title_b: str
    at: str = END  # where they are aligned

    @property
    def alignment(self) -> Alignment:
        return align(self.a, self.b, self.at)


class Difference(Activations):
    """B − A: the same activations, worked out as they are asked for, for the positions that have a partner."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.alignment = alignment = pair.alignment
        super().__init__(pair.b.config, pair.b.ids[alignment.start_b : alignment.start_b + alignment.length])
        self.complete = alignment.length
        self._known: dict[str, Any] = {}

    def positions(self, name: str) -> int:
        """As many as are known in both; none of what is not whole in one of them."""
        runs = (self.pair.a, self.pair.b)
        return self.complete if all(run.positions(name) == len(run.ids) for run in runs) else 0

    def value(self, name: str) -> Any:
        """B − A of an activation, in its own order of axes; AnalysisError where the two do not fit together."""
        if name not in self._known:
            self._known[name] = self._worked_out(name)
        return self._known[name]

    def _worked_out(self, name: str) -> Any:
        a, b, at = self.pair.a, self.pair.b, self.pair.at
        axes = self.axes[name]
        if "H" not in axes:
            return difference(a, b, name, at=at)
        heads = [difference(a, b, name, head, at) for head in range(self.config.n_head)]
        return heads if axes == "HTS" else [list(rows) for rows in zip(*heads)]

    def both(self, name: str, index: tuple[int, ...]) -> tuple[float, float]:
        """One number in A and in B."""
        starts = self.alignment.start_a, self.alignment.start_b
        axes = self.axes[name]
        places = [[i + start if axis in "TS" else i for axis, i in zip(axes, index)] for start in starts]
        return self.pair.a.at(name, tuple(places[0])), self.pair.b.at(name, tuple(places[1]))
