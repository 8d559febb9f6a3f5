"""The activations of one sequence of tokens by their names, as pictures and questions read them."""

from collections.abc import Callable
from typing import Any

from explorer.engine.axes import letters
from explorer.engine.engines import plain
from explorer.runs.ranking import Ranking, rank
from explorer.stages import Stage
from gpt.config import GPTConfig
from gpt.ops import Matrix, Vector
from gpt.weights import Weights

Editor = Callable[[str, Any, int], Any]
"""A change of a run: (name, value, the position of its first row) -> the value to go on with."""


class Activations:
    """Values that were recorded in a run, or worked out from two runs. A subclass says where they come from."""

    version = 0  # goes up where values are added
    complete = 0  # for how many positions everything is known
    editor: Editor | None = None  # changes the values of the run
    weights: Weights | None = None  # of the model that was run; None where it is not there

    def __init__(self, config: GPTConfig, ids: list[int]) -> None:
        self.config = config
        self.ids = ids
        self.axes = letters(config)
        # what was worked out on request, by name and position: lenses (under the residual stream's name), head results
        self.derived: dict[tuple[str, int], Any] = {}

    def positions(self, name: str) -> int:
        """For how many positions that activation is known."""
        raise NotImplementedError

    def computed(self, stage: Stage, position: int) -> bool:
        """Whether all that a stage shows is known at a position."""
        return all(self.positions(part.activation) > position for part in stage.parts)

    def value(self, name: str) -> Any:
        """The whole activation, in its own order of axes; KeyError where it is not known."""
        raise NotImplementedError

    def matrix(self, name: str, head: int = 0) -> Matrix:
        """The activation as one row a position: for those that have heads, the rows of that head."""
        value, axes = self.value(name), self.axes[name]
        if axes == "HTS":
            return plain(value[head])
        return [plain(row[head]) for row in value] if axes == "THe" else plain(value)

    def heads(self, name: str) -> list[Matrix]:  # [H, T, S]
        """Scores or a pattern, for all heads."""
        return plain(self.value(name))

    def at(self, name: str, index: tuple[int, ...]) -> float:
        """One number."""
        value = self.value(name)
        for i in index:
            value = value[i]
        return float(value)

    def logits(self, position: int) -> Vector | None:  # [V]
        """The logits of the token after a position; None while they are not computed."""
        return plain(self.value("logits")[position]) if self.positions("logits") > position else None

    @property
    def last_residual(self) -> str:
        return f"blocks.{self.config.n_layer - 1}.hook_resid_post"

    def ranking(self, name: str, position: int) -> Ranking | None:
        """The next tokens by the `logits`, or by the lens of a residual stream; None while those are not computed."""
        if name == self.last_residual:  # its lens is what the model says
            name = "logits"
        key = (f"ranking by {name}", position)
        if key not in self.derived:
            logits = self.logits(position) if name == "logits" else self.derived.get((name, position))
            if logits is not None:
                self.derived[key] = rank(logits)
        return self.derived.get(key)

    def order(self, position: int) -> list[int]:
        """All tokens, the likeliest to follow first; none while there are no logits."""
        ranking = self.ranking("logits", position)
        return ranking.order if ranking else []

    def head_writes(self, layer: int, position: int) -> Matrix | None:  # [H, d]
        """The vector that each head of a block wrote at a position; None where that is not known."""
        return self.derived.get((f"blocks.{layer}.attn.hook_result", position))
