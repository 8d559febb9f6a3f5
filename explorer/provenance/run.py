"""The part of a session that explanations need."""

from typing import Protocol

from explorer.runs.trace import Trace
from gpt import GPT, Distribution, Sampling, Step


class Run(Protocol):
    """A sequence of tokens, what was recorded of it, and how its tokens were or will be drawn."""

    model: GPT
    trace: Trace
    prompt_length: int
    sampling: Sampling
    seed: int

    @property
    def ids(self) -> list[int]: ...
    def label(self, token: int) -> str: ...
    def chances_shown(self, position: int) -> Distribution | None: ...
    def settings_shown(self, position: int) -> tuple[Sampling, int]: ...
    def step_after(self, position: int) -> Step | None: ...
