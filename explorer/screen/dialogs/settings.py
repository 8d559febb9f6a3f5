"""The settings: a small form for temperature, top-k, top-p and the seed."""

from collections.abc import Callable
from typing import Any

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Grid, Vertical
from textual.screen import ModalScreen
from textual.widgets import Label

from explorer.glyphs import quoted
from explorer.screen.dialogs.problem import Problem
from explorer.screen.widgets.field import Field
from explorer.walk.session import Session
from gpt import Sampling, SamplingError

_HINTS = {
    "temperature": "below 1 sharper, above 1 flatter, 0 greedy",
    "top-k": "only the k most probable; empty: all",
    "top-p": "only the fewest that add up to p; 1: all",
    "seed": "the same seed draws the same tokens",
}


class SettingsDialog(ModalScreen[bool]):
    """The settings that the next token is drawn with. Enter takes them, Escape leaves them as they were."""

    BINDINGS = [Binding("escape", "dismiss(False)", "Leave", id="settings.leave")]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def compose(self) -> ComposeResult:
        sampling = self._session.draws.sampling
        values = {
            "temperature": f"{sampling.temperature:g}",
            "top-k": "" if sampling.top_k is None else str(sampling.top_k),
            "top-p": f"{sampling.top_p:g}",
            "seed": str(self._session.draws.seed),
        }
        with Vertical(id="settings", classes="dialog") as dialog:
            dialog.border_title = "How the next token is drawn"
            dialog.border_subtitle = "enter takes it · tab next · esc leaves"
            with Grid():
                for name, value in values.items():
                    yield Label(name, markup=False)
                    yield Field(value, id=name)
                    yield Label(_HINTS[name], classes="hint", markup=False)
            yield Problem()

    def on_input_submitted(self) -> None:
        values = {name: self.query_one(f"#{name}", Field).typed.strip() for name in _HINTS}
        try:
            sampling, seed = read_settings(values)
        except SamplingError as error:
            self.query_one(Problem).show(error)
            return
        self._session.draws.sampling, self._session.draws.seed = sampling, seed
        self.dismiss(True)


def read_settings(values: dict[str, str]) -> tuple[Sampling, int]:
    """Sampling and seed from the typed texts; SamplingError says which one is not a number, or out of range."""
    sampling = Sampling(
        temperature=_number("temperature", values["temperature"], float),
        top_k=_number("top-k", values["top-k"], int, "a whole number") if values["top-k"] else None,
        top_p=_number("top-p", values["top-p"], float),
    )
    return sampling, _number("seed", values["seed"], int, "a whole number")


def _number(name: str, text: str, kind: Callable[[str], Any], wanted: str = "a number") -> Any:
    try:
        return kind(text)
    except ValueError:
        raise SamplingError(f"{name} is {quoted(text)}: it must be {wanted}.") from None
