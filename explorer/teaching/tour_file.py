"""Reading and writing files of Stops: TOML, checked, with the file and the line in every error."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from explorer.teaching.errors import FactError, TourError
from explorer.teaching.expressions import check_expression, holes
from explorer.teaching.spots import EMBEDDED, LOOKS, SAMPLING, SEED, Spot
from explorer.teaching.tours import ANSWERS, Question, Stop, Tour
from explorer.terminal.text import printable
from gpt import GPTError, Sampling

_TOUR: dict[str, type | tuple[type, ...]] = {"title": str, "about": str, "stop": list}
_SPOT: dict[str, type | tuple[type, ...]] = {
    "model": str,
    "prompt": str,
    "seed": int,
    "temperature": (int, float),
    "top_k": int,
    "top_p": (int, float),
}
_STOP: dict[str, type | tuple[type, ...]] = {
    "title": str,
    "text": str,
    "at": str,
    "view": str,
    "edits": list,
    "press": str,
    "notes": str,
    "pace": int,
    "claims": list,
    "question": dict,
    "bookmark": int,
}
_QUESTION: dict[str, type | tuple[type, ...]] = dict.fromkeys(("ask", "answer", "holds", "right", "wrong"), str)
_KINDS = {str: "a text", int: "a whole number", (int, float): "a number", list: "a list", dict: "a table"}

_HEADER = re.compile(r"\s*\[\[\s*stop\s*\]\]")
_TABLE = re.compile(r"\s*\[\s*stop\s*\.\s*question\s*\]")
_KEY = re.compile(r"""\s*["']?(\w+)["']?\s*(?:\.\s*(\w+)\s*)?=(?!=)""")
_AT_LINE = re.compile(r"\(at line (\d+)")
_EXPRESSIONS = ("claims", "question.holds")
_FENCES = ('"""', "'''")


def read(path: Path) -> Tour:
    """The tour in a file; TourError, with the file and the line, if it is wrong."""
    try:
        content = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise TourError(f"{printable(str(path))} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise TourError(f"{printable(str(path))}: this is not text in UTF-8. Save it so.") from error
    return parse(content, path.stem, printable(str(path)))


def parse(content: str, name: str, file: str) -> Tour:
    """The tour that a text of TOML is."""
    try:
        given = tomllib.loads(content)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        at = _AT_LINE.search(str(error))
        line = at[1] if at else str(content.count("\n") + 1)
        raise TourError(f"{file}:{line}: this is not TOML: {printable(str(error))}.") from error
    return _Reader(file, content).tour(given, name)


class _Reader:
    """One file: it knows on which line every key of every Stop stands."""

    def __init__(self, file: str, content: str) -> None:
        self._file = file
        self._text = content.splitlines()
        self._tour, self._stops = _lines(self._text)

    def tour(self, given: Mapping[str, Any], name: str) -> Tour:
        self._check_keys(given, _TOUR | _SPOT, self._tour, ("title", "stop"), "a tour")
        stops = given["stop"]
        if not stops or not all(isinstance(stop, dict) for stop in stops):
            raise self._wrong(self._tour, "stop", "a tour needs Stops: each begins with [[stop]].")
        defaults = {key: given[key] for key in _SPOT if key in given}
        read = tuple(self._stop(stop, defaults, number) for number, stop in enumerate(stops))
        return Tour(name, printable(given["title"]), printable(given.get("about", "")), read, self._file)

    def _stop(self, given: Mapping[str, Any], defaults: Mapping[str, Any], number: int) -> Stop:
        lines = self._stops[number] if number < len(self._stops) else {"": 1}
        self._check_keys(given, _STOP | _SPOT, lines, ("title", "text"), "a Stop")
        for key in ("edits", "claims"):
            if not all(isinstance(item, str) for item in given.get(key, ())):
                raise self._wrong(lines, key, f"{key} is a list of texts.")
        if given.get("view", "") not in LOOKS:
            raise self._wrong(lines, "view", f"there is no view {given['view']!r}: there are {', '.join(LOOKS[1:])}.")
        if given.get("pace", 1) < 1:
            raise self._wrong(lines, "pace", "pace is in seconds: one or more.")
        if not 1 <= given.get("bookmark", 1) <= 9:
            raise self._wrong(lines, "bookmark", "bookmarks have the numbers 1 to 9.")
        stop = Stop(
            printable(given["title"]),
            self._spot({**defaults, **given}, lines),
            printable(given["text"]),
            printable(given.get("press", "")),
            printable(given.get("notes", "")),
            given.get("pace", 60),
            tuple(given.get("claims", ())),
            self._question(given["question"], lines) if "question" in given else None,
            given.get("bookmark", 0),
            lines,
            tuple(self._text[lines[""] - 1 :]),
        )
        self._check_expressions(stop)
        return stop

    def _spot(self, given: Mapping[str, Any], lines: Mapping[str, int]) -> Spot:
        if not given.get("prompt"):
            raise self._wrong(lines, "prompt", "there is no prompt: give one here, or above the first Stop for all.")
        try:
            sampling = Sampling(
                float(given.get("temperature", SAMPLING.temperature)),
                given.get("top_k", SAMPLING.top_k) or None,
                float(given.get("top_p", SAMPLING.top_p)),
            )
        except GPTError as error:
            key = next((key for key in ("temperature", "top_k", "top_p") if key in lines), "")
            raise self._wrong(lines, key, str(error)) from error
        return Spot(
            given["prompt"],
            given.get("at", ""),
            given.get("view", ""),
            tuple(given.get("edits", ())),
            given.get("model", EMBEDDED),
            sampling,
            given.get("seed", SEED),
        )

    def _question(self, given: Mapping[str, Any], lines: Mapping[str, int]) -> Question:
        own = {key.removeprefix("question."): line for key, line in lines.items() if key.startswith("question")}
        self._check_keys(
            given, _QUESTION, {"": own.get("question", lines[""]), **own}, ("ask", "answer", "holds"), "a question"
        )
        if given["answer"] not in ANSWERS:
            known = ", ".join(ANSWERS)
            raise self._wrong(lines, "question.answer", f"there is no answer {given['answer']!r}: there are {known}.")
        return Question(**{key: printable(text) for key, text in given.items()})

    def _check_keys(
        self,
        given: Mapping[str, Any],
        known: Mapping[str, type | tuple[type, ...]],
        lines: Mapping[str, int],
        needed: tuple[str, ...],
        what: str,
    ) -> None:
        for key, value in given.items():
            if key not in known:
                raise self._wrong(lines, key, f"{what} has no {key!r}: there are {', '.join(known)}.")
            if not isinstance(value, known[key]) or isinstance(value, bool):
                raise self._wrong(lines, key, f"{key} is {_KINDS[known[key]]}.")
        for key in needed:
            if key not in given:
                raise self._wrong(lines, "", f"{what} needs {key!r}.")

    def _check_expressions(self, stop: Stop) -> None:
        for key, text in _with_expressions(stop):
            expression = ""
            try:
                for expression in [text] if key in _EXPRESSIONS else expressions(text):
                    check_expression(expression)
            except FactError as error:
                raise TourError(f"{self._file}:{line_of(stop, key, expression)}: {error}") from error

    def _wrong(self, lines: Mapping[str, int], key: str, message: str) -> TourError:
        return TourError(f"{self._file}:{lines.get(key, lines.get('', 1))}: {message}")


def line_of(stop: Stop, key: str, fragment: str = "") -> int:
    """The line on which a key of a Stop stands; in a text of several lines the one with this fragment of it."""
    first = stop.lines.get(key, stop.lines.get("", 1))
    last = min((line for line in stop.lines.values() if line > first), default=first + len(stop.source))
    within = range(first, last) if fragment else ()
    start = stop.lines.get("", 1)
    return next((line for line in within if fragment in "".join(stop.source[line - start : line - start + 1])), first)


def _with_expressions(stop: Stop) -> Iterator[tuple[str, str]]:
    """Every expression of a Stop, and every text that may hold some, with its key."""
    yield from (("claims", claim) for claim in stop.claims)
    yield from stop.texts().items()
    if question := stop.question:
        yield "question.holds", question.holds
        yield "question.right", question.right
        yield "question.wrong", question.wrong


def expressions(text: str) -> list[str]:
    """The expressions in a text; FactError for a brace without its other half."""
    return [expression for _, expression, _ in holes(text) if expression is not None]


def _lines(text: list[str]) -> tuple[dict[str, int], list[dict[str, int]]]:
    """The line of every key of the tour, and of every Stop; "" is the first line of it."""
    tour: dict[str, int] = {"": 1}
    stops: list[dict[str, int]] = []
    prefix, fence = "", ""
    for number, line in enumerate(text, 1):
        if fence:
            fence = "" if fence in line else fence
            continue
        if _HEADER.match(line):
            stops.append({"": number})
            prefix = ""
        elif _TABLE.match(line) and stops:
            stops[-1]["question"] = number
            prefix = "question."
        elif key := _KEY.match(line):
            known = stops[-1] if stops else tour
            known.setdefault(prefix + ".".join(filter(None, key.groups())), number)
        fence = next((mark for mark in _FENCES if line.count(mark) % 2), "")
    return tour, stops


# Writing


def written(title: str, about: str, stops: list[Stop]) -> str:
    """A file of these Stops, as `parse` reads it."""
    lines = [f"title = {_text(title)}", f"about = {_text(about)}"]
    for stop in stops:
        spot = stop.spot
        lines += ["", "[[stop]]", f"title = {_text(stop.title)}"]
        if spot.model != EMBEDDED:
            lines.append(f"model = {_text(spot.model)}")
        lines += [f"prompt = {_text(spot.prompt)}", f"at = {_text(spot.at)}"]
        if spot.view:
            lines.append(f"view = {_text(spot.view)}")
        if spot.edits:
            lines.append(f"edits = [{', '.join(map(_text, spot.edits))}]")
        sampling = spot.sampling
        if (sampling, spot.seed) != (SAMPLING, SEED):
            lines.append(f"seed = {spot.seed}")
            lines.append(f"temperature = {sampling.temperature!r}")
            lines += [f"top_k = {sampling.top_k or 0}", f"top_p = {sampling.top_p!r}"]
        lines += [f"text = {_text(stop.text)}", f"pace = {stop.pace}"]
        lines += [f"bookmark = {stop.bookmark}"] if stop.bookmark else []
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    """A TOML string: JSON's escapes are also TOML's, but for DEL; half a character has no place in either."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")
