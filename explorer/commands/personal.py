"""A person's own settings on the command line: the defaults of the options that they are for."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from explorer.commands.options import tell_notes
from explorer.errors import UsageError

if TYPE_CHECKING:
    from explorer.preferences.preferences import Preferences

_LOOKS = ("theme", "colours")
_WITHOUT = {"tour": ("model",), "open": ("model",)}
"""Settings that a command does not take up: a tour and a session are about the model that they were made with."""


def parsed(parser: argparse.ArgumentParser, name: str, words: Sequence[str]) -> argparse.Namespace:
    """The options of a call. What it does not say is as the person has set it; what is wrong there is said once."""
    without = (*_LOOKS, *_WITHOUT.get(name, ()))  # the screen asks for its looks itself
    if not any(option in parser._option_string_actions for option in ("--model", "--seed")):
        return parser.parse_args(words)
    from explorer.preferences import preferences

    own = preferences.read()
    own.give(parser, without)
    options = parser.parse_args(words)
    _check_model(options, own)
    _fit_engine(options, own)
    tell_notes(map(str, own.problems))
    return options


def _fit_engine(options: argparse.Namespace, own: "Preferences") -> None:
    """Leave out the device and the precision that the person has set, where the engine of this call has none such."""
    from explorer.engine.engines import asked

    for name in ("device", "dtype"):
        value = getattr(options, name, None)
        if value is None or value is not own.value(name):  # the call says it
            continue
        try:
            asked(options.engine, **{name: value})
        except UsageError:
            setattr(options, name, None)


def explain(options: argparse.Namespace) -> None:
    """Say of a call that failed that its model is the one that the person has set, if it is."""
    place = getattr(options, "model_set_at", None)
    if place:
        tell_notes([f"the model is the one that {place} names. --model stories opens the embedded one."])


def _check_model(options: argparse.Namespace, own: "Preferences") -> None:
    """Go on with the embedded model where the name that the person has set cannot be one of a model."""
    held = own.held.get("model")
    if held is None or getattr(options, "model", None) is not held.value:  # the call names another one, or the same
        return
    from explorer.loading.catalogue import locate
    from gpt import GPTError

    try:
        locate(held.value)
        options.model_set_at = held.place
    except GPTError as error:
        own.leave_out("model", f"{error} The embedded model is taken in its place.")
        options.model = None


def for_screen(theme: str | None = None, colours: str | None = None) -> "Preferences":
    """The settings for the screen, with the looks that the call asks for over them; UsageError for an unknown theme."""
    from explorer.preferences import preferences
    from explorer.preferences.preferences import Held
    from explorer.preferences.problem import Place

    own = preferences.read()
    if theme is not None:
        from explorer.screen.themes import theme_named

        try:
            own.held["theme"] = Held(theme_named(theme), Place("--theme"))
        except ValueError as error:
            raise UsageError(str(error)) from error
    if colours is not None:
        own.held["colours"] = Held(colours, Place("--colours"))
    return own
