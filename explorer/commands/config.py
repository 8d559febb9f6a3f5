"""`gpt-explorer config`: a person's own settings: where they are, what holds and from where, and what is wrong."""

import argparse
import json
from collections.abc import Container, Iterator
from typing import TYPE_CHECKING, Any

from explorer.commands.parser import Parser
from explorer.commands.tables import write_csv
from explorer.terminal import output

if TYPE_CHECKING:
    from explorer.preferences.preferences import Preferences


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer config",
        description="Your own settings: where the file is, what holds and from where. The status is 1 if something "
        "is wrong. docs/configuration.md describes them.",
    )
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help="one object")
    shown.add_argument("--csv", action="store_true", help="a row for each setting, its value, and from where")
    shown.add_argument("--path", action="store_true", help="print where the file is, or would be, and nothing else")
    shown.add_argument("--example", action="store_true", help="print a file to begin with: the settings as they are")
    shown.add_argument("--keys", action="store_true", help="print every action by its id, with the key it has now")
    return parser


def run(options: argparse.Namespace) -> int:
    from explorer.preferences import config_file, preferences

    if options.path:
        path = config_file.find()
        output.data("" if path is None else str(path))
        return 0
    if options.example:
        output.data(example())
        return 0
    own = preferences.read()
    keys = checked(own)
    if options.keys:
        output.say(*_all_keys(keys))
    elif options.json:
        output.data(json.dumps(_as_json(own, keys), indent=1))
    elif options.csv:
        write_csv([("setting", "value", "from"), *_holds(own, keys)])
    else:
        output.say(*_lines(own, keys))
    return 1 if own.problems else 0


def checked(own: "Preferences") -> dict[str, str]:
    """The keys that were moved, by id; and all that only the screen and the models can check is checked."""
    from explorer.loading.catalogue import locate
    from explorer.screen import keymap
    from explorer.screen.appearance import check_theme
    from gpt import GPTError

    check_theme(own)
    if model := own.value("model"):
        try:
            locate(model)
        except GPTError as error:
            own.leave_out("model", str(error))
    found = keymap.resolved(own).moved
    own.problems.sort(key=lambda problem: problem.place.line or 0)
    return found


def example() -> str:
    """A file that says every setting, commented out, with what it does."""
    from explorer.preferences.settings import KEYS, SETTINGS

    lines, table = ["# Settings of GPT Explorer. A line without # holds. `gpt-explorer config` checks them."], ""
    for setting in SETTINGS:
        if setting.table != table:
            table = setting.table
            lines += ["", f"[{table}]"]
        lines.append(f"# {setting.key} = {setting.example}  # {setting.about}")
    lines += ["", f"[{KEYS}]", "# actions by their ids: `gpt-explorer config --keys` lists them"]
    return "\n".join(
        [*lines, '# theme = "ctrl+t"', '# "draw.many" = "G"  # a name with a dot is put in quotation marks']
    )


def _all_keys(moved: dict[str, str]) -> Iterator[str]:
    from explorer.screen.main.all_keys import ALL

    width = max(len(str(binding.id)) for bindings in ALL.values() for binding in bindings) + 2
    for title, bindings in ALL.items():
        yield title
        for binding in bindings:
            id = str(binding.id)
            quoted = f'"{id}"' if "." in id else id
            yield f"  {quoted:<{width}}  {moved.get(id, binding.key) or '(none)':<24}  {binding.description}"
        yield ""


def _holds(own: "Preferences", keys: Container[str]) -> Iterator[tuple[str, Any, str]]:
    """Every setting: its name, its value, and where that comes from."""
    from explorer.commands.options import SEED, TEMPERATURE, TOP_K
    from explorer.preferences import remembered
    from explorer.preferences.settings import COLOURS, SETTINGS
    from explorer.screen.appearance import wanted

    builtin = {
        "theme": "dark",
        "colours": COLOURS[0],
        "pictures": ".",
        "model": "stories",
        "engine": "auto",
        "device": "auto",
        "dtype": "float32",
        "bos": False,
        "autosave": True,
        "sampling.temperature": TEMPERATURE,
        "sampling.top_k": TOP_K,
        "sampling.top_p": 1.0,
        "sampling.seed": SEED,
    }
    for setting in SETTINGS:
        held = own.held.get(setting.name)
        value, origin = (held.value, str(held.place)) if held else (builtin[setting.name], "default")
        if setting.name in ("theme", "colours"):
            looks = wanted(own, setting.name, str(builtin[setting.name]))
            if looks != value:
                value, origin = looks, f"chosen on the screen ({remembered.LOOKS})"
        yield setting.name, value, origin
    for id, moved in own.keys.items():
        if id in keys:
            yield f"keys.{id}", ", ".join(moved.keys), str(moved.place)


def _lines(own: "Preferences", keys: Container[str]) -> Iterator[str]:
    from explorer.preferences.config_file import VARIABLE
    from explorer.teaching import state_folder

    path, state = own.file.path, state_folder.find("")
    there = "" if own.file.exists else "  (there is none: `gpt-explorer config --example` prints one to begin with)"
    yield f"file   {path}{there}" if path else f"file   none: {VARIABLE} is empty"
    yield f"state  {state}" if state else f"state  none: {state_folder.VARIABLE} is empty, nothing is remembered"
    yield ""
    rows = [(name, _short(value), origin) for name, value, origin in _holds(own, keys)]
    widths = [max(map(len, column)) for column in list(zip(*rows))[:2]]
    for name, value, origin in rows:
        yield f"{name:<{widths[0]}}  {value:<{widths[1]}}  {origin}"
    yield ""
    yield from (str(problem) for problem in own.problems)
    yield "nothing is wrong" if not own.problems else f"{len(own.problems)} to mend; all else holds"


def _short(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _as_json(own: "Preferences", keys: Container[str]) -> dict[str, Any]:
    from explorer.teaching import state_folder

    state = state_folder.find("")
    return {
        "file": str(own.file.path) if own.file.path else None,
        "exists": own.file.exists,
        "state": str(state) if state else None,
        "settings": [
            {"name": name, "value": value if isinstance(value, bool | int | float) else str(value), "from": origin}
            for name, value, origin in _holds(own, keys)
        ],
        "problems": [
            {"source": problem.place.source, "line": problem.place.line, "problem": problem.words}
            for problem in own.problems
        ],
    }
