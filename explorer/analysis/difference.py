"""Two runs held against each other: which they are, and a run whose every value is the difference of theirs."""

from typing import Any, NamedTuple

from explorer.analysis.compare import END, Alignment, align, difference
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


class Difference(Trace):
    """B − A: the same activations, worked out as they are asked for, for the positions that have a partner."""

    def __init__(self, pair: Pair) -> None:
        self.alignment = alignment = pair.alignment
        super().__init__(pair.b.model, pair.b.ids[alignment.start_b : alignment.start_b + alignment.length])
        self.pair = pair
        self.complete = self.alignment.length
        self.values = _Differences(self)

    def positions(self, name: str) -> int:
        """As many as are known in both; none of what is not whole in one of them."""
        runs = (self.pair.a, self.pair.b)
        return self.complete if all(run.positions(name) == len(run.ids) for run in runs) else 0

    def difference(self, name: str) -> Any:
        """The values of an activation in its own order of axes."""
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
        places = [[i + start * (axis in "TS") for axis, i in zip(axes, index)] for start in starts]
        return self.pair.a.at(name, tuple(places[0])), self.pair.b.at(name, tuple(places[1]))


class _Differences(dict[str, Any]):
    """Each worked out when it is first asked for."""

    def __init__(self, of: Difference) -> None:
        super().__init__()
        self._of = of

    def __missing__(self, name: str) -> Any:
        self[name] = self._of.difference(name)
        return self[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if self._of.positions(name) else default
