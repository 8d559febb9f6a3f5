"""Reading a saved session: everything in the file is another's word, and may be wrong or hostile."""

import re
import tomllib
from pathlib import Path
from typing import Any

from explorer.analysis.compare import ALIGNED
from explorer.engine.engines import AUTO, PYTHON, Engine, parsed
from explorer.errors import SessionError
from explorer.runs.passes import Pass
from explorer.sessions.saved import (
    FORMAT,
    Saved,
    SavedCursor,
    SavedDraw,
    SavedEdit,
    SavedModel,
    SavedNumber,
    SavedOther,
    SavedProgram,
    SavedRun,
    SavedView,
    SavedWhy,
)
from explorer.sessions.tables import AGAIN, Table
from explorer.teaching.spots import LOOKS, Spot
from explorer.terminal.glyphs import one_line, quoted, shortened
from explorer.views.views import ALL
from gpt import GPTError, Sampling

MOST_BYTES = 32 * 2**20
MOST_TOKENS = 100_000
SHOWING = ("", "a", "b", "difference")
_MOST = 2**31  # of any number that counts something
_SEED = 10**4000
_PASS = re.compile(r"(\d{1,9})(?:/(\d{1,9}))?(?:@(\d{1,9}))?", re.ASCII)


def read(path: Path) -> Saved:
    """The session in a file; SessionError if it is none, or anything in it is wrong."""
    name = one_line(str(path))
    try:
        if path.stat().st_size > MOST_BYTES:
            raise SessionError(f"{name}: this is no saved session: it is larger than {MOST_BYTES // 2**20} MB.")
        if not path.is_file():
            raise SessionError(f"{name} cannot be read as a session: it is no regular file.")
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SessionError(f"{name} cannot be read: {one_line(str(reason))}.") from error
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SessionError(f"{name}: this is no saved session: it is not text in UTF-8. {AGAIN}") from error
    return parse(text, name)


def parse(text: str, file: str) -> Saved:
    """The session that a text of TOML is; `file` is named in the errors."""
    try:
        given = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise SessionError(f"{file}: this is not TOML: {one_line(str(error))}. {AGAIN}") from error
    table = Table(file, "", given)
    if "session" not in table:
        raise SessionError(f"{file}: this is no session of GPT Explorer: it does not begin with session = {FORMAT}.")
    version = table.whole("session", 1, None)
    if version > FORMAT:
        raise SessionError(
            f"{file}: this session is of format {shortened(version)}, and this program reads up to {FORMAT}. "
            "Use a newer version of GPT Explorer."
        )
    return _saved(table)


def _saved(table: Table) -> Saved:
    edits = tuple(map(_edit, table.tables("edit")))
    prompt = table.text("prompt")
    ids = table.wholes("ids", 0, _MOST, None)
    drawn = tuple(_draw(each, len(edits)) for each in table.tables("drawn"))
    length = len(ids) + len(drawn)
    if not ids or not prompt or length > MOST_TOKENS:
        raise table.wrong(f"ids must be the tokens of a prompt, and of drawn ones up to {MOST_TOKENS:,} in all.")
    others = tuple(map(_other, table.tables("other")))
    engine = _engine(table)
    settings = table.table("sampling")
    sampling, seed = _sampling(settings)
    settings.end()
    saved = Saved(
        _model(table.table("model")),
        engine,
        prompt,
        ids,
        sampling,
        seed,
        _run(table.table("run"), engine, length, len(edits)),
        drawn,
        edits,
        others,
        _cursor(table.table("cursor")),
        _view(table.table("view"), len(others)),
        _why(table.table("why")) if "why" in table else None,
        dict(map(_bookmark, table.tables("bookmark"))),
        _program(table.table("program")),
        table.text("saved", ""),
    )
    for edit in edits:
        if edit.source >= len(others):
            raise table.wrong(f"there is no other run {edit.source} for an edit to take from.")
    table.end()
    return saved


def _engine(table: Table, default: str | None = None) -> str:
    """An engine in one line: "numpy", "torch cuda bfloat16"."""
    line = table.text("engine", default)
    try:
        found = parsed(line[:100])
    except GPTError:
        found = Engine(AUTO)
    if found.name == AUTO:
        raise table.wrong(f"engine is {quoted(line)}: it must be python or numpy, or torch with a device and a dtype.")
    return str(found)


def _model(table: Table) -> SavedModel:
    counts = (table.whole(key, 1, _MOST) for key in ("layers", "heads", "width", "vocabulary", "positions"))
    found = SavedModel(table.text("name"), table.text("revision", ""), table.text("weights", ""), *counts)
    table.end()
    return found


def _sampling(table: Table) -> tuple[Sampling, int]:
    """The settings of a draw, and its seed; 0 is no top-k."""
    temperature, top_k, top_p = table.real("temperature"), table.whole("top_k", 0, _MOST), table.real("top_p")
    try:
        sampling = Sampling(temperature, top_k or None, top_p)
    except GPTError as error:
        raise table.wrong(str(error)) from error
    return sampling, table.whole("seed", -_SEED, _SEED)


def _passes(table: Table, key: str, length: int) -> tuple[Pass, ...]:
    """Passes one after the other, up to the end of the tokens at most."""
    passes, start = [], 0
    for word in table.text(key, "").split():
        found = _PASS.fullmatch(word)
        if not found:
            raise table.wrong(f"{key} has {quoted(word)}: a pass is written as END, END/OF or END@BLOCK.")
        end, of, layer = (int(part) if part else 0 for part in found.groups())
        if not (start < end <= length and (of or end) >= end and of <= MOST_TOKENS):
            raise table.wrong(
                f"{key} has {quoted(word)}: that is no pass from position {start} on, of {length} tokens."
            )
        passes.append(Pass(end, of or end, layer))
        start = end
    return tuple(passes)


def _run(table: Table, engine: str, length: int, edits: int) -> SavedRun:
    found = SavedRun(
        _engine(table, engine),
        table.wholes("edits", 0, edits - 1),
        _passes(table, "base", length),
        _passes(table, "run", length),
    )
    if any(each.layer for each in found.base) or sum(bool(each.layer) for each in found.run) > 1:
        raise table.wrong("only one pass, of a run with edits, can begin within the model.")
    table.end()
    return found


def _draw(table: Table, edits: int) -> SavedDraw:
    number = table.real("number")
    if not 0 <= number <= 1:
        raise table.wrong("number must be from 0 to 1.")
    token, chosen = table.whole("id", 0, _MOST), table.flag("chosen", False)
    sampling, seed = _sampling(table)
    run = _run(table.table("run"), PYTHON, MOST_TOKENS, edits) if "run" in table else None
    text = table.text("text", "")
    table.end()
    return SavedDraw(token, number, sampling, seed, chosen, run, text)


def _edit(table: Table) -> SavedEdit:
    on = table.flag("on", True)
    found = SavedEdit(
        table.text("edit"),
        None if table.flag("past", False) else on,
        _title(table.text("title", "")),
        table.wholes("at", 0, _MOST),
        table.reals("direction"),
        _title(table.text("label", "")),
        table.whole("source", 0, _MOST, -1) if "source" in table else -1,
        table.whole("shift", -_MOST, _MOST, 0),
    )
    table.end()
    return found


def _title(text: str) -> str:
    """A title as it can stand in a line."""
    return one_line(text)[:300]


def _other(table: Table) -> SavedOther:
    ids = table.wholes("ids", 0, _MOST, None)
    if not 0 < len(ids) <= MOST_TOKENS:
        raise table.wrong("ids must be the tokens of a prompt.")
    found = SavedOther(
        table.text("prompt"),
        ids,
        _engine(table),
        _model(table.table("model")) if "model" in table else None,
        _passes(table, "passes", len(ids)),
    )
    if any(each.layer for each in found.passes):
        raise table.wrong("another run has no edits: each of its passes begins with the first block.")
    table.end()
    return found


def _cursor(table: Table) -> SavedCursor:
    found = SavedCursor(
        table.text("stage", ""),
        table.whole("position", 0, MOST_TOKENS, 0),
        table.whole("head", 0, _MOST, 0),
        table.flag("overview", False),
        table.flag("steps", False),
        table.numbers_by_name("columns", _MOST),
        table.numbers_by_name("parts", _MOST),
    )
    table.end()
    return found


def _view(table: Table, others: int) -> SavedView:
    looks = table.table("looks")
    found = SavedView(
        table.text("opened", "", ("", *ALL)),
        table.text("showing", "", SHOWING),
        table.text("aligned", ALIGNED[-1], ALIGNED),
        table.whole("other", 0, others - 1, -1) if "other" in table else -1,
        table.whole("code", 0, _MOST, -1) if "code" in table else -1,
        {name: looks.text(name) for name in looks.names() if _is_view(looks, name)},
    )
    table.end()
    return found


def _is_view(table: Table, name: str) -> bool:
    if name not in ALL:
        raise table.wrong(f"there is no view {quoted(name)}: there are {', '.join(ALL)}.")
    return True


def _why(table: Table) -> SavedWhy:
    trail = tuple(map(_number, table.tables("trail")))
    if not trail:
        raise table.wrong("the trail must have a number.")
    found = SavedWhy(
        trail, table.whole("at", 0, len(trail) - 1, 0), table.flag("unrolled", True), table.flag("path", False)
    )
    table.end()
    return found


def _number(table: Table) -> SavedNumber:
    found = SavedNumber(
        table.text("name"),
        table.wholes("index", 0, _MOST),
        table.whole("row", 0, _MOST, 0),
        table.whole("column", 0, _MOST, 0),
    )
    table.end()
    return found


def _bookmark(table: Table) -> tuple[int, Spot]:
    edits: Any = table.entries("edits")
    if not all(isinstance(edit, str) for edit in edits):
        raise table.wrong("edits must be a list of texts.")
    sampling, seed = _sampling(table)
    spot = Spot(
        table.text("prompt"),
        table.text("at", ""),
        table.text("view", "", LOOKS),
        tuple(edits),
        table.text("model"),
        sampling,
        seed,
    )
    number = table.whole("number", 1, 9)
    table.end()
    return number, spot


def _program(table: Table) -> SavedProgram:
    keys = ("version", "python", "numpy", "machine", "torch")
    found = SavedProgram(*(one_line(table.text(key, ""))[:100] for key in keys))
    table.end()
    return found


def is_session(path: Path) -> bool:
    """Whether a file looks like a session, and not like the trace of a run: by what stands at its beginning."""
    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except (OSError, ValueError):
        return path.suffix.lower() == ".toml"
    if start[8:9] == b"{":  # a safetensors file: eight bytes of length, then JSON
        return False
    return b"\x00" not in start and (b"session" in start or path.suffix.lower() == ".toml")
