"""Numbers in words: "pattern of head 2.3 · ·little ← ·there", and a list of them by what sets each apart."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from explorer.provenance.names import DRAWN, TOTAL, axes_of
from explorer.provenance.run import Run
from explorer.runs.cells import Cell
from explorer.terminal.text import token_at

_OF_MODEL = {
    "tokens": "token",
    "hook_embed": "token embedding",
    "hook_pos_embed": "position embedding",
    "ln_final.hook_out": "final norm",
    "ln_final.hook_normalized": "normalised, final norm",
    "ln_final.hook_mean": "mean, final norm",
    "ln_final.hook_var": "variance, final norm",
    "ln_final.hook_scale": "scale, final norm",
    "logits": "logit",
    "tempered": "logit / temperature",
    "tempered_probabilities": "softmax at this temperature",
    "top_k_logits": "left by top-k",
    "top_p_logits": "left by top-p",
    "probabilities": "probability",
    "cumulative": "running sum",
    DRAWN: "drawn token",
    "wte.weight": "wte",
    "wpe.weight": "wpe",
    "lm_head.weight": "lm_head",
    "ln_f.weight": "γ of the final norm",
    "ln_f.bias": "β of the final norm",
}
_OF_BLOCK = {
    "hook_resid_pre": "residual into block {}",
    "hook_attn_out": "attention of block {}",
    "hook_resid_mid": "residual within block {}",
    "hook_mlp_out": "MLP of block {}",
    "hook_resid_post": "residual after block {}",
    **{
        f"ln{number}.{name}": f"{word}ln {number} of block {{}}"
        for number in (1, 2)
        for name, word in {
            "hook_mean": "mean, ",
            "hook_var": "variance, ",
            "hook_scale": "scale, ",
            "hook_normalized": "normalised, ",
            "hook_out": "",
        }.items()
    },
    "mlp.hook_pre": "neuron {}.{} before its activation",
    "mlp.hook_post": "neuron {}.{}",
    "attn.hook_q": "q of head {}.{}",
    "attn.hook_k": "k of head {}.{}",
    "attn.hook_v": "v of head {}.{}",
    "attn.hook_attn_scores_raw": "q·k of head {}.{}",
    "attn.hook_attn_scores_scaled": "scaled score of head {}.{}",
    "attn.hook_attn_scores": "score of head {}.{}",
    "attn.hook_pattern": "pattern of head {}.{}",
    "attn.hook_z": "z of head {}.{}",
    "attn.hook_result": "head {}.{}",
    "ln_1.weight": "γ of ln 1, block {}",
    "ln_1.bias": "β of ln 1, block {}",
    "attn.c_attn.weight": "W_QKV of block {}",
    "attn.c_attn.bias": "b_QKV of block {}",
    "attn.c_proj.weight": "W_O of block {}",
    "attn.c_proj.bias": "b_O of block {}",
    "ln_2.weight": "γ of ln 2, block {}",
    "ln_2.bias": "β of ln 2, block {}",
    "mlp.c_fc.weight": "W_in of block {}",
    "mlp.c_fc.bias": "b_in of block {}",
    "mlp.c_proj.weight": "W_out of block {}",
    "mlp.c_proj.bias": "b_out of block {}",
}


class _Words(NamedTuple):
    """A number in its three parts: what it is, at which token, and which of the numbers there."""

    what: str
    token: str
    column: str

    def joined(self) -> str:
        where = " · ".join(part for part in (self.what, self.token) if part)
        close = self.column.startswith("[") and not self.token
        return f"{where}{'' if close else ' '}{self.column}".strip()


def in_words(cell: Cell, run: Run) -> str:
    """The whole name: "pattern of head 2.3 · ·little ← ·there"."""
    return _words(cell, run).joined()


def brief(cell: Cell, run: Run) -> str:
    """Without the token it is at: "pattern of head 2.3 ← ·there", "final norm[17]"; a token by its text."""
    words = _words(cell, run)
    return words.token if cell.name == "tokens" else words._replace(token="").joined()


def what(cell: Cell, run: Run) -> str:
    """Without its index as well: "pattern of head 2.3"."""
    return _words(cell, run).what


def together(cells: Sequence[Cell], run: Run) -> str:
    """One name for cells that are alike: "final norm", "neurons of block 2"."""
    names = [_words(cell, run).what for cell in (cells[0], cells[-1])]
    if names[0] == names[1]:
        return names[0]
    return f"{names[0].rpartition(' ')[0]}s of block {cells[0].name.split('.')[1]}"  # without the head, the neuron


def labels(cells: Sequence[Cell], run: Run) -> list[str]:
    """Each of the cells by what sets it apart from the others: "[17]", "·there", "MLP of block 4".

    Where most of them are of one activation, the others, a bias perhaps, are called by their name.
    """
    words = [_words(cell, run) for cell in cells]
    common, count = Counter(cell.name for cell in cells).most_common(1)[0] if cells else ("", 0)
    if count <= max(1, len(cells) // 2):
        return [each.what for each in words]
    alike = [each for cell, each in zip(cells, words) if cell.name == common]
    varies = [len(set(values)) > 1 for values in zip(*alike)]
    return [_apart(each, varies) if cell.name == common else each.what for cell, each in zip(cells, words)]


def _apart(words: _Words, varies: list[bool]) -> str:
    parts = _Words(*(part if differs else "" for part, differs in zip(words, varies)))
    return parts.joined() or words.what


def _words(cell: Cell, run: Run) -> _Words:
    name = cell.name.removesuffix(TOTAL)
    indices = dict(zip(axes_of(cell.name, run.trace.axes), cell.index))
    prefix, _, rest = name.partition(".")
    if prefix in ("blocks", "h"):
        layer, _, rest = rest.partition(".")
        inner = indices.get("H", indices.get("m", ""))
        what = _OF_BLOCK.get(rest, rest).format(layer, inner)
    else:
        what = _OF_MODEL.get(name, name)
    if name != cell.name:
        what = f"sum of exponentials, {what}"
    if not indices:
        return _Words(what, *_of_weight(name, cell.index, run))
    return _Words(what, token_at(indices["T"], run.ids, run.label), _column(indices, run))


def _column(indices: dict[str, int], run: Run) -> str:
    if "S" in indices:
        return f"← {token_at(indices['S'], run.ids, run.label)}"
    if "V" in indices:
        return f"→ {run.label(indices['V'])}"
    inner = indices.get("d", indices.get("e"))
    return "" if inner is None else f"[{inner}]"


def _of_weight(name: str, index: tuple[int, ...], run: Run) -> tuple[str, str]:
    """Of which token or position a row is, and the rest of the index."""
    if name in ("wte.weight", "lm_head.weight"):
        return run.label(index[0]), f"[{index[1]}]"
    if name == "wpe.weight":
        return f"position {index[0]}", f"[{index[1]}]"
    return "", f"[{','.join(map(str, index))}]"
