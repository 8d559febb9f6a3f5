"""Errors of texts about a run."""

from gpt.errors import GPTError


class FactError(GPTError):
    """A question that cannot be asked of this run: no such token, position or head; an expression that is wrong."""


class NotKnownError(FactError):
    """A number that is not computed yet, or not recorded."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not computed.")


class LessonError(GPTError):
    """A file of lessons or a glossary that is wrong, with its line."""


class TourError(GPTError):
    """A tour that cannot be played: a file that is wrong, with its line, or a claim that does not hold."""
