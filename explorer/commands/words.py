"""The words of a call: which command they are for, and words that stand for a text that is elsewhere."""

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from explorer.commands import COMMANDS
from explorer.errors import UsageError
from explorer.terminal.glyphs import quoted

SCREEN = "explore"
_WITH_A_VALUE = (
    *("--model", "--engine", "--device", "--dtype", "--theme", "--colours"),
    *("--seed", "--temperature", "--top-k", "--top-p"),
    *("--at", "--view", "--look", "--edit", "--draw", "--other", "--align"),
)
"""The options that may stand before a command's name: those of the screen."""

_ALIKE = 0.75  # from which share of common letters on a word is nearly a command
_INSTEAD = {"help": "gpt-explorer --help", "version": "gpt-explorer --version", "explore": "gpt-explorer [PROMPT]"}
_LONGEST = 10_000_000  # bytes of a text that is read as a prompt: far more than any model sees


def command_and_words(words: Sequence[str]) -> tuple[str, list[str]]:
    """The command that a call is for, and the words that it reads: options may stand before its name.

    Words that begin with no command are for the screen; so is a command's name after `--`. UsageError for a word that
    is nearly a command, so that it does not become a prompt in silence.
    """
    place = _first_plain(words)
    if place is None:
        return SCREEN, list(words)
    word = words[place]
    if word in COMMANDS:
        return word, [*words[:place], *words[place + 1 :]]
    if word in _INSTEAD or word.lower() in COMMANDS:
        _ask(word, _INSTEAD.get(word) or f"gpt-explorer {word.lower()}")
    if not any(letter.isspace() for letter in word):
        for alike in get_close_matches(word.lower(), COMMANDS, 1, _ALIKE):
            _ask(word, f"gpt-explorer {alike}")
    return SCREEN, list(words)


def _first_plain(words: Sequence[str]) -> int | None:
    """The place of the first word that is neither an option nor an option's value; None where `--` comes first."""
    place = 0
    while place < len(words):
        word = words[place]
        if word == "--":
            return None
        if not word.startswith("-") or word == "-":
            return place
        takes_one = word.startswith("--") and any(option.startswith(word) for option in _WITH_A_VALUE)
        place += 2 if takes_one else 1
    return None


def _ask(word: str, meant: str) -> None:
    raise UsageError(
        f"there is no command {quoted(word)}: is `{meant}` meant? As a prompt, it comes after two dashes: "
        f"gpt-explorer -- {word}"
    )


def text_of(word: str) -> str:
    """The text that a word of the call stands for: `-` is standard input, `@FILE` a file, anything else itself.

    A line break at the very end is left out. UsageError where it cannot be read, or is not UTF-8.
    """
    if word == "-":
        if sys.stdin is None:
            raise UsageError("- stands for standard input, and that is closed: give the text itself, or @FILE.")
        source, name = sys.stdin.buffer, "standard input"
        try:
            return _decoded(source.read(_LONGEST + 1), name)
        except (OSError, ValueError) as error:
            raise UsageError(f"standard input cannot be read: {error}. Give the text itself, or @FILE.") from error
    if word.startswith("@") and len(word) > 1:
        path = Path(word[1:])
        try:
            if path.exists() and not path.is_file():
                raise UsageError(f"{quoted(word)} stands for a file, and {word[1:]} is none: name a file of text.")
            with path.open("rb") as file:
                return _decoded(file.read(_LONGEST + 1), word[1:])
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UsageError(
                f"{quoted(word)} stands for a file, which cannot be read ({reason}). "
                "A text that begins with @ can come on standard input: gpt-explorer generate -"
            ) from error
    return word


def _decoded(text: bytes, name: str) -> str:
    if len(text) > _LONGEST:
        raise UsageError(f"{name} has more than {_LONGEST:,} bytes: that is no prompt. Give a shorter text.")
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{name} is not UTF-8 (byte {error.start} is {text[error.start]:#04x}): save it as UTF-8, or convert it."
        ) from error
    return decoded.removesuffix("\n").removesuffix("\r")
