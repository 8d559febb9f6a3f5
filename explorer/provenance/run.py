"""The part of a session that explanations need."""

from collections.abc import Callable
from typing import Protocol

from explorer.runs.activations import Activations
from gpt import Distribution, Sampling, Step


class Draws(Protocol):
    """How tokens were or will be drawn."""

    sampling: Sampling
    seed: int

    def chances_shown(self, position: int) -> Distribution | None: ...
    def settings_shown(self, position: int) -> tuple[Sampling, int]: ...
    def step_after(self, position: int) -> Step | None: ...


class Run(Protocol):
    """A sequence of tokens, what was recorded of it, and how its tokens were or will be drawn."""

    label: Callable[[int], str]

    @property
    def draws(self) -> Draws: ...
    @property
    def trace(self) -> Activations: ...
    @property
    def prompt_length(self) -> int: ...
    @property
    def ids(self) -> list[int]: ...
