"""Path patching: the effect of one part of the model on the answer by way of chosen readers alone.

Two runs. In the first the sender is edited, and everything else that writes is held at its recorded value: the readers
("receivers") see the sender's change by the residual stream alone, and their inputs are noted. In the second run the
receivers get these inputs, and everything after them follows.

By default the other heads and the MLPs are all held (Goldowsky-Dill et al. 2023, arXiv:2304.05969: one path). With
`mlps_follow` only the heads are: the change also reaches the receivers by way of the MLPs between (Wang et al. 2022,
arXiv:2211.00593, section 3 and appendix B).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from explorer.edits import where
from explorer.edits.apply import Editor, edited
from explorer.edits.edit import Edit, check
from explorer.edits.what import Patch
from explorer.edits.where import first_layer
from explorer.errors import EditError
from explorer.runs.running import complete, last_logits
from explorer.runs.trace import LiveRun, Trace
from gpt.ops import Vector

_SENDERS = ("hook_embed", "hook_pos_embed", "attn.hook_z", "hook_attn_out", "hook_mlp_out")
_RECEIVER = re.compile(r"(?:(\d+)\.(\d+)\.([qkv])|mlp(\d+)|(logits))")
_PART = {"q": 0, "k": 0, "v": 0, "mlp": 1, "logits": 2}


@dataclass(frozen=True)
class Receiver:
    """A reader of the residual stream: a head's queries, keys or values, an MLP, or the logits."""

    part: str  # "q", "k", "v", "mlp" or "logits"
    layer: int = 0
    head: int = 0
    at: tuple[int, ...] | None = None  # only at these positions

    @property
    def owner(self) -> str:
        """The part of the model that it belongs to: "head 5.2", "MLP 4"."""
        return f"MLP {self.layer}" if self.part == "mlp" else f"head {self.layer}.{self.head}"

    def __str__(self) -> str:
        if self.part == "logits":
            return "the logits"
        if self.part == "mlp":
            return self.owner
        word = {"q": "queries", "k": "keys", "v": "values"}[self.part]
        return f"the {word} of {self.owner}"


def receiver(text: str) -> Receiver:
    """A receiver by its short name: receiver("5.2.q") is head 5.2's queries; "mlp4" an MLP, "logits" the read-out."""
    found = _RECEIVER.fullmatch(text.strip())
    if not found:
        raise EditError(f"{text!r} is no receiver: give a head with q, k or v (5.2.q), an MLP (mlp4), or logits.")
    layer, head, part, mlp, logits = found.groups()
    if logits:
        return Receiver("logits")
    return Receiver("mlp", int(mlp)) if mlp else Receiver(part, int(layer), int(head))


class PathPatch:
    """A sender's edit, and the receivers by which it may reach the answer."""

    def __init__(self, base: Trace, sender: Edit, receivers: Sequence[Receiver], *, mlps_follow: bool = False) -> None:
        if not isinstance(base, LiveRun):
            raise EditError("this is a recorded run without its model: it cannot be run with edits.")
        if base.complete < len(base.ids):
            raise EditError("the run is not computed yet: wait until it is complete.")
        self.base, self.mlps_follow = base, mlps_follow
        self.sender = check(sender, base.config, len(base.ids))
        self.receivers = tuple(receivers)
        self._check()

    def _check(self) -> None:
        config = self.base.config
        for place in self.sender.where.places:
            if not place.name.endswith(_SENDERS):
                raise EditError(
                    f"{place.name} does not write: a sender is a head's z, an attention, an MLP or embeddings."
                )
        if not self.receivers:
            raise EditError("no receiver is named: give a head with q, k or v, an MLP, or the logits.")
        if len(self.receivers) > 1 and any(receiver.part == "logits" for receiver in self.receivers):
            raise EditError("the logits read everything at the end: name them alone, or other receivers.")
        for receiver in self.receivers:
            if receiver.part == "logits":
                continue
            if not (receiver.layer < config.n_layer and receiver.head < config.n_head):
                raise EditError(
                    f"there is no {receiver.owner}: this model has {config.n_layer} blocks of "
                    f"{config.n_head} heads, counted from 0."
                )
            if (receiver.layer, _PART[receiver.part]) <= self._written():
                raise EditError(
                    f"{self.sender.where.title} writes after {receiver} are computed: choose a later receiver."
                )

    def _written(self) -> tuple[int, int]:
        """After which part of which block the sender has written: 0 its attention, 1 its MLP."""
        name = self.sender.where.places[0].name
        if not name.startswith("blocks."):
            return (-1, 1)
        return int(name.split(".")[1]), 1 if name.endswith("hook_mlp_out") else 0

    def logits(self, cancelled: Callable[[], bool] = lambda: False) -> Vector | None:  # [V]
        """Logits of the last position; None if it was cancelled."""
        seen = self.base.branch(first_layer(self.sender.where, self.base.config), 0, self._held())
        if not complete(seen, cancelled):
            return None
        if self.receivers[0].part == "logits":
            return seen.logits(len(seen.ids) - 1)
        edits = [_taken(receiver, seen) for receiver in self.receivers]
        return last_logits(edited(self.base, edits), cancelled)

    def _held(self) -> Callable[[str, Any, int], Any]:
        """The editor of the first run: what writes keeps its recorded value, except for the sender."""
        base, send = self.base, Editor([self.sender], self.base, len(self.base.ids), alone=True)
        held = ("hook_z",) if self.mlps_follow else ("hook_z", "hook_mlp_out")

        def editor(name: str, value: Any, first: int) -> Any:
            if name.endswith(held):
                value = base.values[name][first:]  # with the base's own edits in it
            elif base.editor:
                value = base.editor(name, value, first)
            return send(name, value, first)

        return editor


def _taken(receiver: Receiver, seen: LiveRun) -> Edit:
    """The edit that gives a receiver what it read in the first run."""
    at = receiver.at
    if receiver.part == "mlp":
        place = where.activation(f"blocks.{receiver.layer}.mlp.hook_pre", at)
    else:
        place = where.activation(f"blocks.{receiver.layer}.attn.hook_{receiver.part}", at, receiver.head)
    return Edit(place, Patch(seen, "the run in which only the sender is edited"))
