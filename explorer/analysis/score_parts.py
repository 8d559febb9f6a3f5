"""Why a head looks there: a score q·k as a table of who wrote the query's side and who the key's.

Held at the scale it was recorded with, ln1 is linear, so a query is a sum with one term for each part that wrote into
the residual stream at its position (embeddings, heads and MLPs of earlier blocks, the attentions' output biases) and
one for what is there whatever the stream: ln1's beta, and the head's own bias. So is a key. A score is the product of
the two sums over the divisor: a table with a number for each pair, which add up to it.
Source: Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits", section "QK circuits".
"""

from dataclasses import dataclass
from math import fsum

import numpy as np

from explorer.analysis.errors import AnalysisError
from explorer.analysis.recorded import check_position, row_of, value_of, weights_of
from explorer.engine.engines import plain
from explorer.runs.trace import LiveRun
from gpt.ops import Vector

Array = np.ndarray


@dataclass(frozen=True)
class Writer:
    """A part that wrote into the residual stream of a position; `cell` names its number 0, a door for `explain`."""

    label: str
    cell: str = ""  # "" for what is there whatever the stream


@dataclass(frozen=True)
class ScoreParts:
    """A score as a table: a row for each writer of the query's side, a column for each of the key's."""

    layer: int
    head: int
    query: int
    key: int
    rows: tuple[Writer, ...]
    columns: tuple[Writer, ...]
    values: tuple[tuple[float, ...], ...]
    score: float  # recorded: q·k over the divisor, before the mask

    @property
    def sum(self) -> float:
        """The sum of the table."""
        return fsum(value for row in self.values for value in row)

    @property
    def gap(self) -> float:
        """The score less the sum: rounding, or an edit of the run that none of the parts shows."""
        return self.score - self.sum

    def ranked(self) -> list[tuple[Writer, Writer, float]]:
        """The pairs, the largest first, whatever their sign."""
        pairs = [
            (row, column, value)
            for row, values in zip(self.rows, self.values)
            for column, value in zip(self.columns, values)
        ]
        return sorted(pairs, key=lambda pair: -abs(pair[2]))


def score_parts(trace: LiveRun, layer: int, head: int, query: int, key: int) -> ScoreParts:
    """The table of one score; AnalysisError where there is no such head, or the key comes after the query."""
    _check(trace, layer, head, query, key)
    (rows, queries), (columns, keys) = (
        _side(trace, layer, head, position, third) for third, position in enumerate((query, key))
    )
    table = queries @ keys.T / trace.config.score_divisor(layer)  # [n, n]
    scaled = value_of(trace, f"blocks.{layer}.attn.hook_attn_scores_scaled", query + 1)
    values = tuple(map(tuple, table.tolist()))
    return ScoreParts(layer, head, query, key, rows, columns, values, float(scaled[head][query][key]))


def _check(trace: LiveRun, layer: int, head: int, query: int, key: int) -> None:
    config = trace.config
    if not (0 <= layer < config.n_layer and 0 <= head < config.n_head):
        raise AnalysisError(
            f"there is no head {layer}.{head}: there are {config.n_layer} blocks of {config.n_head} heads."
        )
    check_position(trace, query)
    check_position(trace, key)
    if key > query:
        raise AnalysisError(f"position {query} cannot read position {key}: it comes later.")


def _side(
    trace: LiveRun, layer: int, head: int, position: int, third: int
) -> tuple[tuple[Writer, ...], Array]:  # [n, e]
    """The part of each writer in the head's query (third 0) or key (1) at a position."""
    block, d, e = weights_of(trace).blocks[layer], trace.config.n_embd, trace.config.head_width
    rows = slice(third * d + head * e, third * d + (head + 1) * e)
    weight = np.array([plain(row) for row in block.attn_qkv.weight[rows]], dtype=np.float64)  # [e, d]
    bias = np.asarray(plain(block.attn_qkv.bias[rows]), dtype=np.float64)
    gamma, beta = (np.asarray(plain(part), dtype=np.float64) for part in (block.ln_1.gamma, block.ln_1.beta))
    (scale,) = row_of(trace, f"blocks.{layer}.ln1.hook_scale", position)
    writers, vectors = _written(trace, layer, position)
    normalised = (vectors - vectors.mean(axis=1, keepdims=True)) / scale * gamma  # [n, d]
    always = weight @ beta + bias
    return (*writers, Writer("biases of ln1 and the head")), np.vstack([normalised @ weight.T, always])


def _written(trace: LiveRun, layer: int, position: int) -> tuple[list[Writer], Array]:  # [n, d]
    """Everything that was written into the stream of a position before a block."""
    found: list[tuple[Writer, Vector]] = []

    def add(label: str, name: str, vector: Vector, *index: int) -> None:
        cell = f"{name}[{','.join(map(str, (position, *index, 0)))}]" if name else ""
        found.append((Writer(label, cell), plain(vector)))

    add("token embedding", "hook_embed", row_of(trace, "hook_embed", position))
    add("position embedding", "hook_pos_embed", row_of(trace, "hook_pos_embed", position))
    for earlier in range(layer):
        for number, vector in enumerate(trace.head_writes(earlier, position) or []):
            add(f"head {earlier}.{number}", f"blocks.{earlier}.attn.hook_result", vector, number)
        add(f"block {earlier} attention bias", "", weights_of(trace).blocks[earlier].attn_out.bias)
        name = f"blocks.{earlier}.hook_mlp_out"
        add(f"MLP {earlier}", name, row_of(trace, name, position))
    return [writer for writer, _ in found], np.array([vector for _, vector in found], dtype=np.float64)
