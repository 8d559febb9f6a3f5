"""A sweep as a table: which place stands in which row and column."""

from collections.abc import Sequence
from dataclasses import dataclass

from explorer.edits.sweep import SITES, Site, SweepCell
from gpt import GPTConfig

_IN_A_ROW = 16  # neurons


@dataclass(frozen=True)
class Layout:
    """The places of a site, of one block where they are neurons, at all positions at once or at each."""

    config: GPTConfig
    site_id: str
    by_position: bool
    length: int  # tokens
    block: int = 0  # of the neurons

    @property
    def site(self) -> Site:
        return SITES[self.site_id]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        config, unit = self.config, self.site.unit
        if unit == "neuron":
            count = config.mlp_width
            return (count, self.length) if self.by_position else (-(-count // _IN_A_ROW), min(_IN_A_ROW, count))
        if self.by_position:
            return config.n_layer * (config.n_head if unit else 1), self.length
        return config.n_layer, config.n_head if unit else 1

    def cell(self, row: int, column: int) -> SweepCell | None:
        """The place there; None past the last neuron."""
        config, unit = self.config, self.site.unit
        if unit == "neuron":
            if self.by_position:
                return self.block, row, column
            neuron = row * _IN_A_ROW + column
            return (self.block, neuron) if neuron < config.mlp_width else None
        if unit:
            return (*divmod(row, config.n_head), column) if self.by_position else (row, column)
        return (row, column) if self.by_position else (row,)

    def at(self, cell: SweepCell) -> tuple[int, int]:
        """The row and the column of a place."""
        config, unit = self.config, self.site.unit
        if unit == "neuron":
            return (cell[1], cell[2]) if self.by_position else divmod(cell[1], _IN_A_ROW)
        if unit:
            return (cell[0] * config.n_head + cell[1], cell[2]) if self.by_position else (cell[0], cell[1])
        return cell[0], cell[1] if self.by_position else 0

    def rows(self) -> list[str]:
        """The names of the rows."""
        count, unit = self.shape[0], self.site.unit
        if unit == "neuron":
            if self.by_position:
                return [f"neuron {self.block}.{row}" for row in range(count)]
            last = self.config.mlp_width - 1
            return [f"{row * _IN_A_ROW}–{min((row + 1) * _IN_A_ROW - 1, last)}" for row in range(count)]
        if unit and self.by_position:
            return ["head {}.{}".format(*divmod(row, self.config.n_head)) for row in range(count)]
        return [f"block {row}" for row in range(count)]

    def columns(self, labels: Sequence[str]) -> list[str]:
        """The names of the columns; `labels` are the texts of the tokens."""
        if self.by_position:
            return list(labels)
        if not self.site.unit:
            return [SHORT[self.site_id]]
        return [f"+{column}" if self.site.unit == "neuron" else str(column) for column in range(self.shape[1])]

    @property
    def corner(self) -> str:
        """The word for a column."""
        return "position" if self.by_position else self.site.unit


SHORT = {
    "z": "heads",
    "q": "q",
    "k": "k",
    "v": "v",
    "pattern": "pattern",
    "attn_out": "attention",
    "mlp_out": "MLPs",
    "neurons": "neurons",
    "resid_pre": "residual before",
    "resid_mid": "between",
    "resid_post": "after",
}
"""The sites in a word, in the order in which they are offered."""

OFFERED = tuple(SHORT)
