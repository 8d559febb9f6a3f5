"""Lessons about stages, views and tools, and the glossary: read from data, filled with the numbers of a run."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from explorer.stages import Stage
from explorer.teaching.errors import FactError, LessonError
from explorer.teaching.expressions import check_expression, fill, holes
from explorer.teaching.here import Here
from explorer.walk.session import Session

KINDS = ("stage", "view", "tool")
HEADINGS = {"in": "in", "out": "out", "why": "why", "here": "here", "try": "try", "limits": "but"}
"""The parts of a lesson in their order: the key in the file, and the word that stands before it."""

_LINK = re.compile(r"\[([^\]|]+)(?:\|([^\]]+))?\]")


@dataclass(frozen=True)
class Lesson:
    """A short text about one place; its parts have holes for the numbers of a run."""

    title: str
    parts: Mapping[str, str]  # by the keys of HEADINGS


@dataclass(frozen=True)
class Filled:
    """A lesson about one run: what stands on the screen."""

    title: str
    parts: tuple[tuple[str, str], ...]  # heading, text without marks
    words: tuple[str, ...]  # of the glossary, in the order of the text


def lesson_of_stage(stage: Stage) -> Lesson:
    """The lesson of a stage, whichever its block."""
    return lesson("stage", stage.local_id)


def lesson(kind: str, name: str) -> Lesson:
    """The lesson of a stage, a view or a tool; KeyError if there is none."""
    return _lessons()[kind][name]


def every_lesson() -> Iterator[tuple[str, str, Lesson]]:
    """All lessons, with their kinds and names."""
    for kind, found in _lessons().items():
        for name, one in found.items():
            yield kind, name, one


def filled(lesson: Lesson, session: Session) -> Filled:
    """The lesson with the numbers of the run; those that are not computed yet are "…"."""
    here = Here(session)
    texts = [(HEADINGS[key], fill(text, here)) for key, text in lesson.parts.items()]
    words = dict.fromkeys(word for _, text in texts for word in links(text))
    return Filled(fill(lesson.title, here), tuple((key, plain(text)) for key, text in texts), tuple(words))


def links(text: str) -> list[str]:
    """The words of the glossary that a text marks: links("two [heads|head]") = ["head"]."""
    return [key_of(found[2] or found[1]) for found in _LINK.finditer(text)]


def plain(text: str) -> str:
    """The text without its marks: plain("two [heads|head]") = "two heads"."""
    return _LINK.sub(lambda found: found[1], text)


@cache
def glossary() -> Mapping[str, str]:
    """Every word with its meaning."""
    return _read("glossary.toml")


def key_of(word: str) -> str:
    """The word as the glossary has it, whatever its capitals."""
    return next((known for known in glossary() if known.lower() == word.lower()), word)


@cache
def _lessons() -> Mapping[str, Mapping[str, Lesson]]:
    given = _read("lessons.toml")
    return {kind: {name: _lesson(kind, name, table) for name, table in given.get(kind, {}).items()} for kind in KINDS}


def _lesson(kind: str, name: str, table: Mapping[str, str]) -> Lesson:
    where = f"lessons.toml, [{kind}.{name}]"
    missing = {"title", *HEADINGS} - set(table)
    unknown = set(table) - {"title", *HEADINGS}
    if missing or unknown:
        wrong = [f"{key} is missing" for key in sorted(missing)] + [f"{key} is unknown" for key in sorted(unknown)]
        raise LessonError(f"{where}: {', '.join(wrong)}.")
    for text in table.values():
        try:
            for _, expression, _ in holes(text):
                if expression is not None:
                    check_expression(expression)
        except FactError as error:
            raise LessonError(f"{where}: {error}") from error
        if strange := [word for word in links(text) if word not in glossary()]:
            raise LessonError(f"{where}: {strange[0]!r} is not in the glossary.")
    return Lesson(table["title"], {key: table[key] for key in HEADINGS})


def _read(name: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(files("explorer.teaching").joinpath(name).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, OSError) as error:
        raise LessonError(f"{name}: {error}") from error
