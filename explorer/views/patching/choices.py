"""The dialog of patching: the other prompt, what is patched, by which path, and which tokens are measured."""

from explorer.edits.path_patching import Receiver, receiver
from explorer.errors import EditError
from explorer.views.choices import Choice, Chosen, Dialog
from explorer.views.patching.state import Asked, Way
from explorer.views.sweep.choices import AT_ONCE, read_token, token_text
from explorer.views.sweep.layout import OFFERED, SHORT
from explorer.walk.session import Session

SITES = tuple(site for site in OFFERED if site != "neurons")
WAYS = ("clean into corrupted", "corrupted into clean", "along a path")


class PatchingDialog(Dialog):
    """The other prompt, what is patched, by which path, and which tokens are measured."""

    def lines(self) -> list[Choice]:
        session = self.view.session
        return [] if session.recorded else choices(session, self.view.asked, self.view.way)

    def is_asked(self) -> bool:
        return self.view.session.what_if.other is not None

    def take(self, chosen: Chosen) -> None:
        asked = read(self.view.session, chosen)
        other, prompt = self.view.session.what_if.other, str(chosen["prompt"])
        if other is None or prompt != other.text:
            self.view.take(prompt)
        self.view.asked, self.view.mode, self.view.placed = asked, int(chosen["way"]), False


def choices(session: Session, asked: Asked, way: Way) -> list[Choice]:
    """The lines of the dialog, as things are now."""
    other, along, places = session.what_if.other, (int(Way.PATH),), (int(Way.RESTORE), int(Way.CORRUPT))
    return [
        Choice("prompt", "corrupted", text=other.text if other else session.text),
        Choice("way", "patch", WAYS, int(way)),
        Choice("site", "what", tuple(SHORT[site] for site in SITES), SITES.index(asked.site), where=("way", places)),
        Choice("positions", "positions", AT_ONCE, int(asked.by_position), where=("way", places)),
        Choice("to", "seen by", text=" ".join(map(short, asked.receivers)), hint="logits", where=("way", along)),
        Choice("mlps", "MLPs", ("held", "pass it on"), int(asked.mlps_follow), where=("way", along)),
        Choice("token", "lead of", text=token_text(session, asked.token), hint="the clean run's likeliest"),
        Choice("versus", "over", text=token_text(session, asked.versus), hint="the corrupted run's likeliest"),
    ]


def short(given: Receiver) -> str:
    """A receiver as it is typed: "5.2.q", "mlp4", "logits"."""
    if given.part == "logits":
        return given.part
    return f"mlp{given.layer}" if given.part == "mlp" else f"{given.layer}.{given.head}.{given.part}"


def read(session: Session, chosen: Chosen) -> Asked:
    """The choices as they were taken; EditError says which cannot be read."""
    token, versus = (read_token(session, str(chosen[name])) for name in ("token", "versus"))
    if token is not None and token == versus:
        raise EditError("the two tokens are the same: there is no lead of one over the other.")
    receivers = tuple(map(receiver, str(chosen["to"]).replace(",", " ").split())) or (Receiver("logits"),)
    _check(session, receivers)
    return Asked(SITES[int(chosen["site"])], bool(chosen["positions"]), receivers, bool(chosen["mlps"]), token, versus)


def _check(session: Session, receivers: tuple[Receiver, ...]) -> None:
    config = session.config
    if len(receivers) > 1 and any(each.part == "logits" for each in receivers):
        raise EditError("the logits read everything at the end: name them alone, or other receivers.")
    for each in receivers:
        if each.layer >= config.n_layer or each.head >= config.n_head:
            raise EditError(
                f"there is no {each.owner}: this model has {config.n_layer} blocks of {config.n_head} heads, counted "
                "from 0."
            )
