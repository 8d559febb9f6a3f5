"""A sequence of tokens: the prompt, what was drawn after it, and how the next one is drawn."""

from dataclasses import replace
from typing import Protocol

from explorer.runs.trace import Trace
from explorer.text import visible
from explorer.walk.what_if import WhatIf
from gpt import GPT, Distribution, Sampling, Step, distribution, draw
from gpt.sampling import random_number
from gpt.tokenizer import Piece


class Tokens(Protocol):
    """What the session asks of a tokenizer."""

    def encode(self, text: str) -> list[int]: ...
    def decode(self, ids: list[int]) -> str: ...
    def token_bytes(self, id: int) -> bytes: ...
    def pieces(self, text: str) -> list[Piece]: ...


class TokenSequence:
    """The tokens of one text, what was recorded of them, and the draws, made or due."""

    def __init__(self, model: GPT, tokenizer: Tokens, sampling: Sampling, seed: int) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.sampling = sampling
        self.seed = seed
        self.what_if = WhatIf(model)
        self.text = ""  # the prompt and what was drawn after it
        self.pieces: list[Piece] = []  # how the tokenizer cut the prompt and glued it together
        self.prompt_length = 0  # how many of the tokens were typed; the others were drawn
        self.steps: dict[int, Step] = {}  # position of a drawn token -> how it was drawn
        self._settings: dict[int, tuple[Sampling, int]] = {}  # and with which settings and seed
        self._labels: dict[int, str] = {}
        self._chances: tuple[object, Distribution] | None = None

    @property
    def trace(self) -> Trace:
        """The run that is walked: with the edits in force, or what Compare shows in its place."""
        return self.what_if.shown or self.what_if.run

    @trace.setter
    def trace(self, trace: Trace) -> None:
        self.what_if.begin(trace)

    @property
    def ids(self) -> list[int]:
        return self.trace.ids

    @property
    def computing(self) -> bool:
        """Whether some of the tokens have not been through the whole model, or edits have not taken hold."""
        run = self.what_if.run
        return run.complete < len(run.ids) or self.what_if.waiting

    @property
    def recorded(self) -> bool:
        """Whether this is a recorded run, without its model."""
        return self.model.weights is None

    def label(self, token: int) -> str:
        """A token's text, made visible."""
        if token not in self._labels:
            self._labels[token] = visible(self.tokenizer.token_bytes(token))
        return self._labels[token]

    def labels(self) -> list[str]:
        """The texts of all tokens of the sequence."""
        return [self.label(token) for token in self.ids]

    def piece_at(self, position: int) -> Piece | None:
        """The piece of the prompt that a token came from; None for a token that was drawn."""
        end = 0
        for piece in self.pieces if position < self.prompt_length else ():
            end += len(piece.ids)
            if position < end:
                return piece
        return None

    # How the next token is drawn

    def chances(self, position: int) -> Distribution | None:
        """The distribution from which the token after `position` is drawn; None while it is not computed."""
        key = (self.trace, position, self.sampling)
        if self._chances is None or self._chances[0] != key:
            logits = self.trace.logits(position)
            if logits is None:
                return None
            self._chances = (key, distribution(logits, self.sampling))
        return self._chances[1]

    def number(self, position: int) -> float | None:
        """The random number that draws the token after `position`; None within the prompt, where nothing is drawn."""
        step = position + 1 - self.prompt_length
        return random_number(self.seed, step) if step >= 0 else None

    def step_after(self, position: int) -> Step | None:
        """The draw of the token after `position`: as it was made, or as it is due; None within the prompt."""
        if position + 1 in self.steps:
            return self.steps[position + 1]
        chances, number = self.chances(position), self.number(position)
        if chances is None or number is None:
            return None
        return Step(draw(chances, number), chances, number)

    def chances_shown(self, position: int) -> Distribution | None:
        """The distribution that the token after `position` was drawn from, or is to be drawn from."""
        drawn = self.steps.get(position + 1)
        return drawn.distribution if drawn else self.chances(position)

    def settings_shown(self, position: int) -> tuple[Sampling, int]:
        """The settings and the seed that the token after `position` was drawn with, or is to be drawn with."""
        return self._settings.get(position + 1, (self.sampling, self.seed))

    @property
    def ended(self) -> bool:
        """Whether the last token was drawn and says that the text is over."""
        return len(self.ids) > self.prompt_length and self.ids[-1] == self.model.config.eos_token_id

    def set_sampling(self, **changes: float | int | None) -> None:
        """Change temperature, top_k or top_p; SamplingError if it is out of range."""
        self.sampling = replace(self.sampling, **changes)  # type: ignore[arg-type]
