"""Bindings of keys: each has an id, so that a keymap can move it, and words for the help and the palette."""

from textual.binding import Binding


def key(
    id: str, keys: str, action: str, description: str, *, display: str | None = None, first: bool = False
) -> Binding:
    """A binding with a description for the help; `first`: it comes before what the widget itself does with the key."""
    return Binding(
        keys, action, description, show=False, key_display=display, id=id, tooltip=description, priority=first
    )


def to(part: str, action: str) -> str:
    """The action of a key that works anywhere: it is sent to a pane, or to another part of the main screen."""
    return f"screen.send({part!r}, {action!r})"
