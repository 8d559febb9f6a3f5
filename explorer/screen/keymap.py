"""A person's own keys: which action each of them runs now, and what is wrong with them."""

import string
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from textual.app import App
from textual.binding import Binding
from textual.keys import Keys

from explorer.preferences.preferences import Moved, Preferences
from explorer.preferences.problem import Problem, meant
from explorer.screen.main.all_keys import ALL, PANES
from explorer.screen.main.keys import SECTIONS
from explorer.terminal.glyphs import quoted

_MODIFIERS = ("ctrl", "alt", "shift", "super", "hyper", "meta")
_ARRIVES_AS = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+h": "backspace", "ctrl+left_square_bracket": "escape"}
"""Keys that most terminals send as another one."""

_SIGNS = Binding.make_bindings([Binding(sign, "", "") for sign in string.punctuation if sign != ","])
_NAMED = {key.value for key in Keys if not key.value.startswith("<")} | {sign.key for sign in _SIGNS} | {"comma"}


@dataclass(frozen=True)
class OwnKeys:
    """The keys as they are now: for Textual, and for whatever tells a person which key to press."""

    keymap: dict[str, str] = field(default_factory=dict)  # for Textual: also keys that would be lost with another's
    moved: dict[str, str] = field(default_factory=dict)  # by id, those that are others than before; "": none is left

    def displayed(self, display: Callable[[Binding], str]) -> dict[str, str]:
        """The keys that are others than before, as a text names them: of several the first."""
        return {id: display(Binding(keys.split(",")[0], "", "")) if keys else "" for id, keys in self.moved.items()}

    def of(self, binding: Binding) -> Binding | None:
        """The binding as it is now; None where no key is left for it."""
        if binding.id not in self.moved:
            return binding
        keys = self.moved[binding.id]
        return replace(binding, key=keys, key_display=None) if keys else None


def ids() -> list[str]:
    """Every action that has a key, by its id."""
    return [str(binding.id) for bindings in ALL.values() for binding in bindings]


def resolved(preferences: Preferences) -> OwnKeys:
    """The keys with a person's own among them. What is wrong is left out, and added to the problems."""
    wanted = {id: keys for id, moved in preferences.keys.items() if (keys := _checked(id, moved, preferences.problems))}
    moved: dict[str, str] = {}
    keymap: dict[str, str] = {}
    for group in _groups():
        _resolve(group, wanted, preferences, moved, keymap)
    return OwnKeys(keymap, moved)


def _groups() -> Iterator[list[Binding]]:
    """Actions that are heard at the same place, where one key can run one of them only."""
    yield [binding for bindings in SECTIONS.values() for binding in bindings]
    yield from PANES.values()


def _resolve(
    group: Sequence[Binding],
    wanted: Mapping[str, tuple[str, ...]],
    preferences: Preferences,
    moved: dict[str, str],
    keymap: dict[str, str],
) -> None:
    """Move the keys of one group."""
    before = {str(binding.id): _keys_of(binding) for binding in group}
    now = dict(before)
    taken: dict[str, str] = {}  # keys, and the actions that have been given them
    for id in sorted(set(wanted) & set(before), key=lambda id: preferences.keys[id].place.line or 0):
        keys = wanted[id]
        rival = next((taken[key] for key in keys if key in taken), None)
        if rival:
            _refuse(
                preferences,
                id,
                f"`{rival}` has that key already, by {preferences.keys[rival].place}. `{id}` keeps its own.",
            )
        else:
            now[id] = keys
            taken |= dict.fromkeys(keys, id)
    for id in taken.values():
        moved[id] = keymap[id] = ",".join(now[id])
    for id in set(before) - set(taken.values()):
        left = tuple(key for key in before[id] if key not in taken)
        if left != before[id]:
            moved[id] = ",".join(left)
            _say_lost(preferences, id, left, taken)
        elif any(set(before[id]) & set(before[other]) for other in taken.values()):
            keymap[id] = ",".join(left)  # Textual takes a key from all that share it


def _say_lost(preferences: Preferences, id: str, left: Sequence[str], taken: Mapping[str, str]) -> None:
    """Say that a key was taken from an action, unless it still has another one."""
    if left:
        return
    before = next(binding for bindings in ALL.values() for binding in bindings if binding.id == id)
    key = next(key for key in _keys_of(before) if key in taken)
    _refuse(
        preferences,
        taken[key],
        f"{key} was the key of `{id}`, which has none now: give it another one, or `{taken[key]}`.",
    )


def _refuse(preferences: Preferences, id: str, words: str) -> None:
    preferences.problems.append(Problem(preferences.keys[id].place, words))


def _keys_of(binding: Binding) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.key for each in binding.make_bindings([binding])))


def _checked(id: str, moved: Moved, problems: list[Problem]) -> tuple[str, ...]:
    """The keys that were wanted, by their long names; none where something is wrong with them."""
    if id not in (known := ids()):
        words = f"there is no action {quoted(id)}.{meant(id, known)} `gpt-explorer config --keys` lists them."
        problems.append(Problem(moved.place, words))
        return ()
    found = []
    for key in moved.keys:
        try:
            found.append(long_name(key))
        except ValueError as error:
            problems.append(Problem(moved.place, f"the key of `{id}` stays as it was: {error}"))
            return ()
    return tuple(dict.fromkeys(found))


def long_name(key: str) -> str:
    """The name that Textual has for a key: long_name("?") = "question_mark"; ValueError where there is none."""
    plus = key.endswith("+")  # it is the key itself
    *modifiers, base = [*filter(None, key.split("+")), *(["+"] if plus else [])]
    for modifier in modifiers:
        if modifier not in _MODIFIERS:
            guess = meant(modifier, _MODIFIERS)
            raise ValueError(f"{quoted(key)} begins with {quoted(modifier)}.{guess} There are {', '.join(_MODIFIERS)}.")
    if len(base) == 1:
        if "shift" in modifiers and base.isalpha():
            raise ValueError(f"a terminal sends {quoted(key)} as {base.upper()!r}: write that.")
        (made,) = Binding.make_bindings([Binding(base, "", "")])
        base = made.key
    base = base.lower() if len(base) > 1 else base
    if len(base) > 1 and base not in _NAMED and not _is_character(base):
        raise ValueError(f"there is no key {quoted(key)}.{meant(base, _NAMED)}")
    name = "+".join([*modifiers, base])
    if name in _ARRIVES_AS:
        raise ValueError(f"terminals send {quoted(key)} as {_ARRIVES_AS[name]}: choose another one.")
    return name


def _is_character(name: str) -> bool:
    """Whether it is the name of a character: "pound_sign"."""
    try:
        unicodedata.lookup(name.replace("_", " "))
    except KeyError:
        return False
    return True


def own_keys(app: App[Any]) -> OwnKeys:
    """The keys of the app as they are now."""
    keys = getattr(app, "keys", None)
    return keys if isinstance(keys, OwnKeys) else OwnKeys()
