"""Bindings of keys: each has an id, so that a keymap can move it, and words for the help and the footer."""

from textual.binding import Binding


def key(
    id: str,
    keys: str,
    action: str,
    description: str,
    *,
    footer: str | None = None,
    display: str | None = None,
    group: Binding.Group | None = None,
) -> Binding:
    """A binding with a description for the help and, if it stands in the footer, a word or a group there."""
    shown = footer is not None or group is not None
    return Binding(
        keys, action, footer or description, show=shown, key_display=display, id=id, group=group, tooltip=description
    )


def to(part: str, action: str) -> str:
    """The action of a key that works anywhere: it is sent to a pane, or to another part of the main screen."""
    return f"screen.send({part!r}, {action!r})"
