"""A run, for scripts and notebooks: every activation as an array, edits, measurements, experiments."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.analysis.compare import END, align, kl, next_tokens
from explorer.analysis.flow import THRESHOLD
from explorer.api import asked, experiments
from explorer.api.metrics import Token, TokenMetric
from explorer.api.places import PlannedEdit
from explorer.api.results import Numbers, Table
from explorer.edits import Edits, edited
from explorer.edits.path_patching import PathPatch, Receiver, receiver
from explorer.engine.threads import few_threads
from explorer.errors import CellError
from explorer.provenance.names import similar
from explorer.runs import running
from explorer.runs.ranking import rank
from explorer.runs.trace import LiveRun
from gpt.attention import results_by_head
from gpt.hooks import HEAD_RESULTS

if TYPE_CHECKING:
    from explorer.api.model import Model
    from explorer.api.show import Picture
    from explorer.api.why import Why

_TOP = 10


class Answer:
    """The logits after the last token, of a run or of an experiment, and how they differ from those without edits."""

    def __init__(self, model: "Model", logits: np.ndarray, before: np.ndarray, title: str) -> None:
        self.model, self.logits, self.before, self.title = model, logits, before, title  # logits, before: [V]

    @cached_property
    def probabilities(self) -> np.ndarray:  # [V]
        """Of the next token, at temperature 1."""
        return np.asarray(rank(self.logits.tolist()).probabilities)

    def probability(self, token: Token) -> float:
        """The probability that a token comes next."""
        return float(self.probabilities[self.model.token(token)])

    def measure(self, metric: TokenMetric) -> float:
        """The metric of this answer."""
        return metric.of(self.model).of(self.logits.tolist(), self.before.tolist())

    @property
    def kl(self) -> float:
        """KL(without edits ‖ with them), in bits; 0 for a run without edits."""
        return kl(self.before.tolist(), self.logits.tolist())

    @property
    def changes(self) -> Table:
        """Every token's probability without edits and with them, the largest change first."""
        found = next_tokens(self.before.tolist(), self.logits.tolist()).changes
        rows = tuple((self.model.label(change.token), change.before, change.after, change.points) for change in found)
        return Table(f"next token: {self.title}", ("token", "before", "after", "points"), rows)

    def top(self, count: int = _TOP) -> Table:
        """The likeliest next tokens."""
        order = np.argsort(-self.logits, kind="stable")[:count]
        rows = tuple((self.model.label(int(i)), float(self.probabilities[i]), float(self.logits[i])) for i in order)
        return Table(f"next token: {self.title}", ("token", "probability", "logit"), rows)

    def __repr__(self) -> str:
        best = int(self.logits.argmax())
        return f"<{self.title}: {self.model.label(best)} {self.probabilities[best]:.1%}>"


class Run(Answer):
    """A complete run: `run["blocks.5.attn.hook_pattern"]` is an array, under TransformerLens' name, without a batch."""

    def __init__(self, model: "Model", trace: LiveRun, base: "Run | None" = None, edits: tuple[str, ...] = ()) -> None:
        last = np.asarray(trace.logits(len(trace.ids) - 1))
        super().__init__(model, last, base.before if base else last, "; ".join(edits) or "no edits")
        self.trace, self.base, self.edits = trace, base, edits
        self.ids = list(trace.ids)
        self.text = model.tokenizer.decode(self.ids)  # of all tokens
        self.tokens = [model.label(token) for token in self.ids]  # their texts, made visible

    @property
    def names(self) -> list[str]:
        """The names of all activations, in the order in which they are computed."""
        return list(self.trace.axes)

    def __contains__(self, name: object) -> bool:
        return name in self.trace.axes

    def __getitem__(self, name: str) -> np.ndarray:
        """An activation as a read-only array; CellError, with the name that was probably meant, if there is none."""
        if name.endswith(f"attn.{HEAD_RESULTS}") and name.replace(HEAD_RESULTS, "hook_z") in self.trace.axes:
            weights = self.model.model.weights.blocks[int(name.split(".")[1])].attn_out
            z = self.trace.values[name.replace(HEAD_RESULTS, "hook_z")]
            found = np.asarray(results_by_head(z, weights, ops=self.trace.ops))
        elif name not in self.trace.axes:
            raise CellError(f"there is no {name!r} in this model: {similar(name, self.names)}")
        else:
            found = np.asarray(self.trace.values[name]).view()
        found.flags.writeable = False
        return found

    # Edits

    def edit(self, *edits: PlannedEdit) -> "Run":
        """The same tokens with these edits, on top of any that are in force. EditError where one does not fit."""
        stack = Edits(self.trace.config)
        for planned in edits:
            made = planned.of(self.trace)
            stack.add(made.where, made.what, len(self.trace.ids))
        changed = edited(self.trace, stack.active)
        with few_threads(self.trace.model):
            running.complete(changed, lambda: False)
        return Run(self.model, changed, self, (*self.edits, *stack.words(self.tokens)))

    def path(
        self, sender: PlannedEdit, receivers: str | Receiver | Sequence[str | Receiver], *, mlps_follow: bool = False
    ) -> Answer:
        """Path patching: the sender is edited, and only the receivers ("5.2.q", "mlp4", "logits") see that."""
        named = [receivers] if isinstance(receivers, str | Receiver) else receivers
        found = [receiver(each) if isinstance(each, str) else each for each in named]
        patch = PathPatch(self.trace, sender.of(self.trace), found, mlps_follow=mlps_follow)
        with few_threads(self.trace.model):
            logits = np.asarray(patch.logits())
        return Answer(self.model, logits, self.logits, f"{sender}, seen by {', '.join(map(str, found))}")

    # Questions

    def why(self, cell: str) -> "Why":
        """The terms that a number is the sum of, each a door to the next: `run.why("logits[-1, ' Lily']")`."""
        from explorer.api.why import why

        return why(self, cell)

    def attribute(
        self,
        token: Token | None = None,
        versus: Token | None = None,
        *,
        by: str = "component",
        position: int = -1,
        convention: str = "centred",
    ) -> "asked.Attribution":
        """Which parts wrote a token's logit, or its lead over another; by component, head, position or neuron."""
        return asked.attribution(self, token, versus, by, position, convention)

    def lens(self, token: Token | None = None) -> Numbers:
        """The logit lens: a token's probability (the answer's) after every part of every block, at every position."""
        return asked.lens(self, token)

    def heads(self, copying: bool = False) -> Table:
        """Every head with its label, its scores, and how many rows they rest on; `copying` adds the copy score."""
        return asked.heads(self, copying)

    def score(self, layer: int, head: int, query: int, key: int) -> Numbers:
        """An attention score, before the mask, by who wrote the query's side and who the key's: it adds up."""
        return asked.score(self, layer, head, query, key)

    def flow(
        self,
        token: Token | None = None,
        versus: Token | None = None,
        *,
        position: int = -1,
        threshold: float = THRESHOLD,
    ) -> Table:
        """The strongest edges to a position's last residual state, beside how much of a logit came along each."""
        return asked.flow(self, token, versus, position, threshold)

    # Experiments

    def sweep(
        self,
        over: str = "heads",
        metric: TokenMetric | None = None,
        *,
        what: "str | float | Run" = "zero",
        by_position: bool = False,
        at: int | Sequence[int] | None = None,
        layers: Sequence[int] | None = None,
        align_at: str = END,
    ) -> Numbers:
        """An edit at every place in turn, and the change of a metric (default: the answer's probability).

        `over` is heads, mlps, positions or a site (resid_pre, resid_mid, resid_post, attn_out, mlp_out, z, q, k, v,
        pattern, neurons); `what` is "zero", "mean", a factor, or another run to patch from.
        """
        return experiments.sweep(self, over, metric, what, by_position, at, layers, align_at)

    def patching(
        self,
        corrupted: "Run",
        over: str,
        metric: TokenMetric,
        *,
        by_position: bool = False,
        at: int | Sequence[int] | None = None,
        noising: bool = False,
    ) -> Numbers:
        """Activation patching, this run being the clean one: 0 is as corrupted, 1 as clean.

        Clean values are put into the corrupted run, place by place; with `noising` the other way round.
        """
        return experiments.patching(self, corrupted, over, metric, by_position, at, noising)

    def aligned(self, other: "Run", align_at: str = END) -> Table:
        """The tokens of two runs side by side, as patching pairs them; * where they differ."""
        alignment = align(self.trace, other.trace, align_at)
        rows = []
        for position, token in enumerate(self.tokens):
            partner = alignment.in_b(position)
            theirs = "" if partner is None else other.tokens[partner]
            rows.append((position, token, "" if partner is None else partner, theirs, "" if theirs == token else "*"))
        return Table("tokens side by side", ("position", "token", "its position", "its token", ""), tuple(rows))

    # On the outside

    def show(self, stage: str = "pattern", *, layer: int | None = None, head: int = 0, position: int = -1) -> "Picture":
        """The picture of a stage of the walk, as the screen draws it: SVG in a notebook, text in print."""
        from explorer.api.show import show

        return show(self, stage, layer, head, position)

    def save(self, path: str | Path) -> None:
        """Write every activation as safetensors, as `gpt-explorer trace` does; `gpt-explorer open` walks it."""
        from explorer.walk.trace_file import write

        name = self.model.checkpoint.name
        values, model = self.trace.values, self.model
        write(Path(path), values, model.model, name, self.text, self.ids, model.tokenizer, edits=self.edits)

    def to_transformer_lens(self, model: Any = None) -> Any:
        """TransformerLens' ActivationCache of this run, a batch of one; UsageError where that is not installed."""
        from explorer.api.lens_cache import cache

        return cache(self, model)

    def __repr__(self) -> str:
        edits = f", {self.title}" if self.edits else ""
        best = int(self.logits.argmax())
        return f"<run of {len(self.trace.ids)} tokens{edits}: {self.model.label(best)} {self.probabilities[best]:.1%}>"

    def _repr_html_(self) -> str:
        return self.top()._repr_html_()
