"""The keys that a text tells a person to press: their own, where they have moved them."""

from collections.abc import Mapping

_NONE = "(no key)"
_moved: dict[str, str] = {}  # by the action's id, as they are displayed


def use(moved: Mapping[str, str]) -> None:
    """Take up the keys of the program that begins; those that are not named are the usual ones."""
    _moved.clear()
    _moved.update(moved)


def key(id: str, usual: str) -> str:
    """The key of an action in a text: key("again", "r") = "r"."""
    return _moved.get(id, usual) or _NONE
