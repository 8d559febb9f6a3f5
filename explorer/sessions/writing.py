"""A saved session as text: TOML that a person can read, and mend."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from explorer.runs.passes import Pass
from explorer.sessions.saved import FORMAT, Saved, SavedDraw, SavedEdit, SavedModel, SavedOther, SavedRun
from explorer.teaching.spots import Spot
from gpt import Sampling


def written(saved: Saved) -> str:
    """The text of the file."""
    import tomli_w  # only now: to read takes less

    return _NUMBERS.sub(_in_a_line, tomli_w.dumps(_whole(as_tables(saved))))


_NUMBERS = re.compile(r"\[\n((?: +[-+.\de]+,\n)+) *\]")  # a list of numbers; in a text, a line break is written as \n


def _in_a_line(found: re.Match[str]) -> str:
    return f"[{' '.join(found[1].split()).rstrip(',')}]"


def as_tables(saved: Saved) -> dict[str, Any]:
    """The tables of the file; what is as usual is left out."""
    view = {key: value for key, value in asdict(saved.view).items() if value not in ("", -1, {})}
    tables = {
        "session": FORMAT,
        "saved": saved.time,
        "prompt": saved.prompt,
        "ids": list(saved.ids),
        "engine": saved.engine,
        "model": _model(saved.model),
        "sampling": {**_sampling(saved.sampling), "seed": saved.seed},
        "cursor": asdict(saved.cursor),
        "view": view,
        "run": _run(saved.run, saved.engine),
        "program": {key: value for key, value in asdict(saved.program).items() if value or key != "torch"},
        "edit": list(map(_edit, saved.edits)),
        "drawn": list(map(_draw, saved.drawn)),
        "other": list(map(_other, saved.others)),
        "why": asdict(saved.why) if saved.why else {},
        "bookmark": [_bookmark(number, spot) for number, spot in sorted(saved.bookmarks.items())],
    }
    return {key: value for key, value in tables.items() if value not in ([], {}, "")}


def _model(model: SavedModel) -> dict[str, Any]:
    return {key: value for key, value in asdict(model).items() if value != ""}


def _sampling(sampling: Sampling) -> dict[str, Any]:
    """The settings; 0 stands for no top-k."""
    return {"temperature": sampling.temperature, "top_k": sampling.top_k or 0, "top_p": sampling.top_p}


def _run(run: SavedRun, engine: str) -> dict[str, Any]:
    own = {} if run.engine == engine else {"engine": run.engine}
    if not run.edits:
        return {**own, "base": _passes(run.base)}
    return {**own, "edits": list(run.edits), "base": _passes(run.base), "run": _passes(run.run)}


def _passes(passes: Sequence[Pass]) -> str:
    """Where each forward pass ended; after / how far it went before it was cut, after @ the block it began in."""
    words = (f"{end}{f'/{of}' if of != end else ''}{f'@{layer}' if layer else ''}" for end, of, layer in passes)
    return " ".join(words)


def _edit(edit: SavedEdit) -> dict[str, Any]:
    table: dict[str, Any] = {"edit": edit.text}
    table |= {"past": True} if edit.on is None else {"on": edit.on}
    if edit.title:
        table |= {"title": edit.title, "at": list(edit.at)}
    if edit.direction:
        table |= {"label": edit.label, "direction": list(edit.direction)}
    if edit.source >= 0:
        table |= {"label": edit.label, "source": edit.source, "shift": edit.shift}
    return table


def _draw(draw: SavedDraw) -> dict[str, Any]:
    table: dict[str, Any] = {
        "id": draw.token,
        "text": draw.text,
        "number": draw.number,
        **_sampling(draw.sampling),
        "seed": draw.seed,
    }
    table |= {"chosen": True} if draw.chosen else {}
    return table | ({"run": _run(draw.run, "")} if draw.run else {})


def _other(other: SavedOther) -> dict[str, Any]:
    table: dict[str, Any] = {"prompt": other.prompt, "ids": list(other.ids), "engine": other.engine}
    table |= {"passes": _passes(other.passes)}
    return table | ({"model": _model(other.model)} if other.model else {})


def _bookmark(number: int, spot: Spot) -> dict[str, Any]:
    place = {"number": number, "prompt": spot.prompt, "at": spot.at, "view": spot.view, "edits": list(spot.edits)}
    return {**place, "model": spot.model, **_sampling(spot.sampling), "seed": spot.seed}


def _whole(value: Any) -> Any:
    """The same in what TOML can hold: half a character has no place in a text."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {_whole(key): _whole(each) for key, each in value.items()}
    return list(map(_whole, value)) if isinstance(value, list | tuple) else value
