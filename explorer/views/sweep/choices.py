"""The dialog of a sweep: what is swept, what is done, what is measured, and how that is read."""

from dataclasses import replace

from explorer.errors import EditError
from explorer.terminal.glyphs import quoted
from explorer.views.choices import Choice, Chosen, Dialog
from explorer.views.sweep.layout import OFFERED, SHORT
from explorer.views.sweep.state import DONE, MEAN, SCALE, Asked
from explorer.walk.edit_choices import finite, token_of
from explorer.walk.session import Session

_DONE_WORDS = ("zero", "mean over the prompt", "scale", "patch from the other run")
_MEASURE_WORDS = ("probability", "logit difference", "KL", "normalised 0 to 1")
AT_ONCE = ("all at once", "one by one")


class SweepDialog(Dialog):
    """The site, the edit and the measure of a sweep."""

    def lines(self) -> list[Choice]:
        return choices(self.view.session, self.view.asked, self.view.mode)

    def take(self, chosen: Chosen) -> None:
        view = self.view
        view.asked, view.placed = read(view.session, view.asked, chosen), False
        view.mode = min(int(chosen["measure"]), len(view.modes) - 1)


def choices(session: Session, asked: Asked, measure: int) -> list[Choice]:
    """The lines of the dialog, as things are now."""
    with_token, with_two = (0, 1, 3), (1, 3)
    return [
        Choice("site", "sweep", tuple(SHORT.values()), OFFERED.index(asked.site)),
        Choice("block", "of block", text=str(asked.block), where=("site", (OFFERED.index("neurons"),))),
        Choice("positions", "positions", AT_ONCE, int(asked.by_position)),
        Choice("done", "edit", _DONE_WORDS, DONE.index(asked.done)),
        Choice("factor", "times", text=f"{asked.factor:g}", where=("done", (DONE.index(SCALE),))),
        Choice("measure", "measure", _MEASURE_WORDS, measure),
        Choice(
            "token",
            "of token",
            text=token_text(session, asked.token),
            hint="the likeliest",
            where=("measure", with_token),
        ),
        Choice(
            "versus",
            "less token",
            text=token_text(session, asked.versus),
            hint="the likeliest other",
            where=("measure", with_two),
        ),
    ]


def token_text(session: Session, token: int | None) -> str:
    """A chosen token in writing; "" for the likeliest."""
    return "" if token is None else session.label(token)


def read_token(session: Session, text: str) -> int | None:
    """The token that was typed; None for none, which is the likeliest. EditError where it is no single token."""
    return token_of(session, text) if text.strip() else None


def read(session: Session, asked: Asked, chosen: Chosen) -> Asked:
    """The choices as they were taken; EditError says which cannot be read, or do not go together."""
    site, done, measure = OFFERED[int(chosen["site"])], DONE[int(chosen["done"])], int(chosen["measure"])
    if done == MEAN and site == "pattern":
        raise EditError("a pattern has a row for each pair of positions: no mean is meant there. Zero or patch it.")
    if done == "patch" and session.what_if.other is None:
        raise EditError("there is no other run to patch from: leave, press 6 and enter, and type its prompt.")
    if measure == len(_MEASURE_WORDS) - 1 and done != "patch":
        raise EditError("normalised is between two runs: choose the edit “patch from the other run”.")
    token, versus = (read_token(session, str(chosen[name])) for name in ("token", "versus"))
    if token is not None and token == versus:
        raise EditError("the two tokens are the same: choose another to compare with.")
    return replace(
        asked,
        site=site,
        by_position=bool(chosen["positions"]),
        block=_block(session, str(chosen["block"])) if site == "neurons" else asked.block,
        done=done,
        factor=finite(str(chosen["factor"]), "the factor") if done == SCALE else asked.factor,
        token=token,
        versus=versus,
    )


def _block(session: Session, text: str) -> int:
    text, layers = text.strip(), session.config.n_layer
    if not (text.isascii() and text.isdigit()) or len(text) > 4 or int(text) >= layers:
        raise EditError(f"there is no block {quoted(text)}: they go from 0 to {layers - 1}.")
    return int(text)
