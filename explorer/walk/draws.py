"""How the next token is drawn: the settings, the random numbers, and the distributions that are drawn from."""

from collections.abc import Mapping
from typing import Protocol

from explorer.runs.activations import Activations
from explorer.walk.text import DrawnToken, WalkedText
from gpt import Distribution, Sampling, Step, distribution, draw
from gpt.sampling import random_number


class Walk(Protocol):
    """A run that is walked, and its text."""

    @property
    def trace(self) -> Activations: ...
    @property
    def written(self) -> WalkedText: ...


class Draws:
    """The draws of one walk, those that were made and those that are due."""

    def __init__(self, walk: Walk, sampling: Sampling, seed: int) -> None:
        self._walk = walk
        self.sampling = sampling
        self.seed = seed
        self._chances: tuple[object, Distribution] | None = None  # the latest, and of what they are

    @property
    def made(self) -> Mapping[int, DrawnToken]:
        """By position, how each drawn token was drawn."""
        return self._walk.written.drawn

    def chances(self, position: int) -> Distribution | None:
        """The distribution from which the token after `position` is drawn; None while it is not computed."""
        trace = self._walk.trace
        key = (trace, position, self.sampling)
        if self._chances is None or self._chances[0] != key:
            logits = trace.logits(position)
            if logits is None:
                return None
            self._chances = (key, distribution(logits, self.sampling))
        return self._chances[1]

    def number(self, position: int) -> float | None:
        """The number that draws the token after `position`; None within the prompt, where nothing is drawn."""
        if position + 1 in self.made:
            return self.made[position + 1].step.number
        step = position + 1 - self._walk.written.prompt_length
        return random_number(self.seed, step) if step >= 0 else None

    def step_after(self, position: int) -> Step | None:
        """The draw of the token after `position`: as it was made, or as it is due; None within the prompt."""
        if position + 1 in self.made:
            return self.made[position + 1].step
        chances, number = self.chances(position), self.number(position)
        if chances is None or number is None:
            return None
        return Step(draw(chances, number), chances, number)

    def next(self, position: int, chosen: int | None = None) -> DrawnToken | None:
        """The token after `position` as it is to be drawn, or one that is chosen; None while it is not known.

        A chosen token that the settings drop is drawn at temperature 1 from all tokens.
        """
        step = self.step_after(position)
        if step is None or chosen is None:
            return DrawnToken(step, self.sampling, self.seed) if step else None
        chances, sampling = step.distribution, self.sampling
        if chosen not in chances.order:
            sampling = Sampling()
            chances = distribution(chances.logits, sampling)
        place = chances.order.index(chosen)
        start = chances.cumulative[place - 1] if place else 0.0
        middle = (start + chances.cumulative[place]) / 2
        return DrawnToken(Step(chosen, chances, middle), sampling, self.seed, chosen=True)

    def chances_shown(self, position: int) -> Distribution | None:
        """The distribution that the token after `position` was drawn from, or is to be drawn from."""
        drawn = self.made.get(position + 1)
        return drawn.step.distribution if drawn else self.chances(position)

    def settings_shown(self, position: int) -> tuple[Sampling, int]:
        """The settings and the seed that the token after `position` was drawn with, or is to be drawn with."""
        drawn = self.made.get(position + 1)
        return (drawn.sampling, drawn.seed) if drawn else (self.sampling, self.seed)

    @property
    def ended(self) -> bool:
        """Whether the last token was drawn and says that the text is over."""
        trace = self._walk.trace
        return len(trace.ids) > self._walk.written.prompt_length and trace.ids[-1] in trace.config.end_tokens
