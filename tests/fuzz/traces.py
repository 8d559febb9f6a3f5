"""A campaign on recorded runs: a file is refused with words, or every stage and every view of it can be drawn."""

import json
import random
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from explorer.errors import TraceError
from explorer.paint.header import header
from explorer.paint.number import number_under_cursor
from explorer.paint.pictures import picture
from explorer.paint.predictions import predictions
from explorer.paint.spans import Line
from explorer.terminal.glyphs import printable
from explorer.views.views import NAMES, make
from explorer.walk import trace_file
from explorer.walk.opening import ask_why
from explorer.walk.session import Session
from gpt import GPTError
from tests.fuzz import hostile
from tests.helpers.models import HOSTILE, Words, small_model

_SIZES = (0, 1, 2, 3, 6, 255, 10**4, 2**31, 2**63, 10**30, 10**400)
_NUMBERS = (np.nan, np.inf, -np.inf, 0.0, -1.0, 1e308, -1e308, 1e-320, 7.0)
_IDS = [3, 1, 4, 1, 5]


@cache
def _recorded() -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays and the metadata of a sound file."""
    model = small_model(vocab_size=len(HOSTILE))
    values, _ = trace_file.record(model, _IDS, head_results=True)
    metadata = trace_file.metadata_of(model, "small", "3 1 4 1 5", _IDS, Words(HOSTILE))
    metadata[trace_file.EDITS] = json.dumps(["head 0.0: zeroed"])
    return {name: np.asarray(value, dtype=np.float64) for name, value in values.items()}, metadata


def traces(dice: random.Random, folder: Path) -> int:
    """A file with some of its metadata and of its numbers changed."""
    arrays, metadata = (dict(part) for part in _recorded())
    for _ in range(dice.choice((0, 1, 1, 2))):
        _change_metadata(dice, metadata)
    if dice.random() < 0.3:
        kept = dice.sample(list(arrays), dice.choice((0, 1, 5, len(arrays) // 2)))
        arrays = {name: arrays[name] for name in kept}
    with np.errstate(all="ignore"):
        for _ in range(dice.choice((0, 0, 1, 3))):
            _change_numbers(dice, arrays)
    file = folder / "run.safetensors"
    arrays = {name: np.ascontiguousarray(value) for name, value in arrays.items()}
    save_file(arrays, file, {name: value.encode("utf-8", "replace").decode() for name, value in metadata.items()})
    if dice.random() < 0.15:
        file.write_bytes(hostile.damaged(dice, file.read_bytes()))
    try:
        session, name = trace_file.read(file)
    except TraceError as error:
        hostile.check_printable(printable(str(error)))
        return 1
    assert name.isprintable()
    with np.errstate(all="ignore"):
        _walk(dice, session)
    return 1


def _change_metadata(dice: random.Random, metadata: dict[str, str]) -> None:
    key = dice.choice(list(metadata) or ["prompt"])
    kind = dice.random()
    if kind < 0.1:
        metadata.pop(key, None)
    elif kind < 0.3:
        metadata[key] = hostile.as_json(dice, hostile.value(dice))
    elif key in ("ids", "tokens", "vocabulary", "edits") and metadata[key].startswith("["):
        try:
            given: list[Any] = json.loads(metadata[key])
        except (ValueError, RecursionError):
            return
        for _ in range(dice.randint(1, 2)):
            place = dice.randrange(len(given) + 1)
            if dice.random() < 0.3:
                del given[place : place + 1]
            else:
                given[place : place + dice.randrange(2)] = [hostile.value(dice)]
        metadata[key] = hostile.as_json(dice, given)
    elif key == "config":
        try:
            config = json.loads(metadata[key])
        except (ValueError, RecursionError):
            return
        if isinstance(config, dict):
            config[dice.choice(list(config) or ["n_layer"])] = dice.choice((hostile.value(dice), 10**6, *_SIZES))
            metadata[key] = hostile.as_json(dice, config)
    else:
        metadata[key] = hostile.text(dice)


def _change_numbers(dice: random.Random, arrays: dict[str, np.ndarray]) -> None:
    if not arrays:
        return
    name = dice.choice(list(arrays))
    value = np.atleast_1d(np.real(arrays[name]).astype(np.float64))
    kind = dice.randrange(6)
    if kind == 0:
        arrays[name] = value.astype(dice.choice((np.float32, np.float16, np.int32, np.complex64, np.bool_, np.uint8)))
    elif kind == 1:
        arrays[name] = dice.choice((value.T, value[:1], value[..., :0], value.reshape(-1), np.zeros(())))
    elif kind == 2:
        arrays[dice.choice(("blocks.9.hook_mlp_out", "nothing", "blocks.0.hook_q", "x" * 300))] = arrays.pop(name)
    elif value.size:
        flat = value.reshape(-1)
        for _ in range(dice.choice((1, 3, len(flat)))):
            flat[dice.randrange(len(flat))] = dice.choice(_NUMBERS)
        arrays[name] = value


def _walk(dice: random.Random, session: Session) -> None:
    """Draw the run as the screen does: a few stages, with what is at their sides, and a few views."""
    size = dice.choice(((49, 15), (74, 15), (94, 24), (110, 40)))
    for _ in range(4):
        session.cursor.go_to_stage(dice.randrange(len(session.cursor.stages)))
        session.cursor.go_to_position(dice.randrange(len(session.ids)))
        _check(picture(session, *size))
        _check(number_under_cursor(session, size[0], 2))
        _check(predictions(session, 30, 20))
        _check(header(session, "small", "", 120))
        if ask_why(session) and session.why:
            session.why = None
    for name in dice.sample(NAMES, 2):
        view = make(name, session)
        for _ in range(3):
            view.follow(*size)
            for _ in view.work():
                pass
            _check(view.lines(*size))
            try:
                view.move(dice.choice((-1, 1, 0)), dice.choice((-1, 1)))
                view.next_mode()
            except GPTError as error:
                hostile.check_printable(printable(str(error)))


def _check(lines: list[Line]) -> None:
    for line in lines:
        for span in line:
            assert span.text.isprintable(), span.text
