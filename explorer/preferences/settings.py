"""Every setting: its name in the file, the variable that is over it, how a value is read, and what it does."""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.engine.engines import DEVICES, DTYPES
from explorer.engine.engines import NAMES as ENGINES
from explorer.terminal.glyphs import quoted
from gpt import Sampling, SamplingError

PREFIX = "GPT_EXPLORER_"

COLOURS = ("safe", "hue", "none")
"""The colours of heat, by their names."""

_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@dataclass(frozen=True)
class Setting:
    """A setting. `read` makes a value of what a file or a variable says; ValueError says what is wrong with it."""

    name: str  # "sampling.top_k"
    read: Callable[[Any], Any]
    about: str
    example: str  # a value as TOML
    option: str = ""  # the option of the command line that is over it

    @property
    def key(self) -> str:
        """Its name without the table that it stands in."""
        return self.name.rpartition(".")[2]

    @property
    def table(self) -> str:
        """The table that it stands in; "" at the beginning of the file."""
        return self.name.rpartition(".")[0]

    @property
    def variable(self) -> str:
        """The variable of the environment that is over the file."""
        return PREFIX + self.key.upper()


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"this must be a text in quotation marks, and it is {_said(value)}")
    return value


def _one_of(names: tuple[str, ...]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        from explorer.preferences.problem import meant

        text = _text(value)
        if text not in names:
            raise ValueError(f"{quoted(text)} is none of {', '.join(names)}.{meant(text, names)}")
        return text

    return read


def _yes_or_no(value: Any) -> bool:
    if isinstance(value, str) and (word := value.strip().lower()) in (*_YES, *_NO):
        return word in _YES
    if not isinstance(value, bool):
        raise ValueError(f"this must be true or false, and it is {_said(value)}")
    return value


def _whole(value: Any) -> int:
    if isinstance(value, str):  # of a variable
        with suppress(ValueError):
            value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"this must be a whole number, and it is {_said(value)}")
    return value


def _real(value: Any) -> float:
    if isinstance(value, str):
        with suppress(ValueError):
            value = float(value)
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError(f"this must be a number, and it is {_said(value)}")
    return float(value)


def _temperature(value: Any) -> float:
    return _checked(_real(value), lambda number: Sampling(temperature=number))


def _top_k(value: Any) -> int:
    return _checked(_whole(value), lambda number: Sampling(top_k=number or None))


def _top_p(value: Any) -> float:
    return _checked(_real(value), lambda number: Sampling(top_p=number))


def _checked(number: Any, check: Callable[[Any], object]) -> Any:
    try:
        check(number)
    except SamplingError as error:
        raise ValueError(str(error).rstrip(".")) from error
    return number


def _folder(value: Any) -> Path:
    """A folder, which need not be there yet; ~ is the person's own, and what is relative begins where one is."""
    try:
        return Path(_text(value)).expanduser()
    except RuntimeError as error:
        raise ValueError(f"{quoted(str(value))}: {error}") from error


def _said(value: Any) -> str:
    """A value of a file, for a message."""
    if isinstance(value, dict):
        return "a table"
    return quoted(value) if isinstance(value, str) else quoted(str(value)).strip("'")


SETTINGS = (
    Setting(
        "theme",
        _text,
        "dark, light, contrast, ansi-dark, ansi-light, or another theme of Textual's",
        '"light"',
        "--theme",
    ),
    Setting(
        "colours",
        _one_of(COLOURS),
        "the colours of heat: safe for colour-blind eyes, one hue, none",
        '"hue"',
        "--colours",
    ),
    Setting("pictures", _folder, "the folder that W saves to (default: the working directory)", '"~/Pictures"'),
    Setting("model", _text, "the model that is opened, as with --model", '"stories"', "--model"),
    Setting("engine", _one_of(ENGINES), "python, numpy, torch, or auto", '"auto"', "--engine"),
    Setting("device", _one_of(DEVICES), "where torch computes: cpu, cuda, mps, or auto", '"auto"', "--device"),
    Setting("dtype", _one_of(DTYPES), "the precision of torch, and of numpy", '"float32"', "--dtype"),
    Setting("bos", _yes_or_no, "put <|endoftext|> before a prompt", "false", "--bos"),
    Setting("autosave", _yes_or_no, "keep sessions by themselves, for the next start", "true", "--autosave"),
    Setting("sampling.temperature", _temperature, "0 is greedy", "0.8", "--temperature"),
    Setting("sampling.top_k", _top_k, "keep the likeliest tokens; 0 keeps all", "40", "--top-k"),
    Setting("sampling.top_p", _top_p, "keep the fewest tokens whose probabilities reach it", "1.0", "--top-p"),
    Setting("sampling.seed", _whole, "seed of the random numbers", "42", "--seed"),
)

BY_NAME = {setting.name: setting for setting in SETTINGS}

KEYS = "keys"
"""The table of the file that moves keys."""
