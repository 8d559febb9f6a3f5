"""The settings of the draw while they are moved: which one is chosen, what is typed, and how they were before."""

from collections.abc import Callable
from typing import Any

from explorer.walk.draws import Draws
from gpt import Distribution, Sampling, SamplingError, distribution
from gpt.ops import Vector

NAMES = ("temperature", "top-k", "top-p", "seed")
TEMPERATURE, TOP_K, TOP_P, SEED = range(4)

_TOP_KS = (1, 2, 3, 5, 10, 20, 40, 100, 200, 500, 1000)  # then all of them
_TEMPERATURE_STEP, _TOP_P_STEP = 0.1, 0.05
_ALL = ("", "all", "off", "none")  # what may be typed for no top-k


class Settings:
    """Moves the settings of a session's draws, and remembers how they were when this began."""

    def __init__(self, draws: Draws) -> None:
        self._draws = draws
        self.before = (draws.sampling, draws.seed)
        self.chosen = TEMPERATURE
        self.typed = ""
        self._chances: tuple[object, Distribution] | None = None  # the latest of those before, and of what

    @property
    def values(self) -> tuple[str, ...]:
        """The four settings in words, in the order of their names."""
        return in_words(self._draws.sampling, self._draws.seed)

    @property
    def changed(self) -> bool:
        return (self._draws.sampling, self._draws.seed) != self.before

    def choose(self, by: int) -> None:
        """Another setting, round and round."""
        self.chosen, self.typed = (self.chosen + by) % len(NAMES), ""

    def move(self, which: int, by: int) -> None:
        """One step down or up; at an end it stays."""
        self.chosen, self.typed = which, ""
        sampling, seed = self._draws.sampling, self._draws.seed
        if which == SEED:
            self._draws.seed = max(0, seed + by)
        elif which == TEMPERATURE:
            self._set(temperature=_stepped(sampling.temperature, by, _TEMPERATURE_STEP, 0.0))
        elif which == TOP_P:
            self._set(top_p=min(1.0, _stepped(sampling.top_p, by, _TOP_P_STEP, _TOP_P_STEP)))
        else:
            self._set(top_k=_next_top_k(sampling.top_k, by))

    def _set(self, **changes: Any) -> None:
        sampling = self._draws.sampling
        values = {"temperature": sampling.temperature, "top_k": sampling.top_k, "top_p": sampling.top_p}
        self._draws.sampling = Sampling(**values | changes)

    def take(self, text: str) -> None:
        """The chosen setting as it was typed; SamplingError says why it cannot be that."""
        name, text = NAMES[self.chosen], text.strip().replace("−", "-")
        if self.chosen == SEED:
            self._draws.seed = _number(name, text, int, "a whole number")
        elif self.chosen == TOP_K:
            self._set(top_k=None if text.lower() in _ALL else _number(name, text, int, "a whole number, or all"))
        else:
            self._set(**{name.replace("-", "_"): _number(name, text, float)})
        self.typed = ""

    def reset(self) -> None:
        """As it was when this began."""
        self._draws.sampling, self._draws.seed = self.before
        self.typed = ""

    def chances_before(self, position: int, logits: Vector) -> Distribution:  # [V]
        """The distribution after `position` that the settings before gave."""
        key = (position, id(logits))
        if self._chances is None or self._chances[0] != key:
            self._chances = (key, distribution(logits, self.before[0]))
        return self._chances[1]


def in_words(sampling: Sampling, seed: int) -> tuple[str, ...]:
    """The four settings in words: ("0.8", "40", "1", "42")."""
    top_k = "all" if sampling.top_k is None else str(sampling.top_k)
    return f"{sampling.temperature:g}", top_k, f"{sampling.top_p:g}", str(seed)


def _stepped(value: float, by: int, step: float, least: float) -> float:
    """The next multiple of the step in that direction, in decimal digits."""
    return max(least, round((round(value / step, 6) + by) * step, 10))


def _next_top_k(top_k: int | None, by: int) -> int | None:
    if by > 0:
        return None if top_k is None else next((k for k in _TOP_KS if k > top_k), None)
    if top_k is None:
        return _TOP_KS[-1]
    return next((k for k in reversed(_TOP_KS) if k < top_k), _TOP_KS[0])


def _number(name: str, text: str, kind: Callable[[str], Any], wanted: str = "a number") -> Any:
    try:
        return kind(text)
    except ValueError:
        raise SamplingError(f"{name} is {text!r}: it must be {wanted}.") from None
