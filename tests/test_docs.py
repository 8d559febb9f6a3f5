"""README.md, CONTRIBUTING.md and docs/: commands run and print what is shown, links lead somewhere, keys are keys."""

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest
from textual.keys import _character_to_key

from assets import moving, pictures
from explorer.cli import main
from explorer.commands.words import command_and_words
from explorer.screen.main.keys import SECTIONS
from tests.helpers.any_python import on_any_python

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SCREEN = {"explore", "tour", "open", "play", "notes"}  # these open the screen, or wait for one
SLOW = {"verify"}  # tests/verify runs it
OWN = {"configuration.md", "sessions.md"}  # their outputs depend on a person's files: tests beside those rooms run them
_BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(!?)\[[^\]]*\]\(([^)\s]+)\)")

page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, kind: str) -> list[str]:
    return [block for name, block in _BLOCK.findall(text(page)) if name == kind]


def anchors(page: Path) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", _BLOCK.sub("", text(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@page
def test_links_lead_somewhere(page: Path) -> None:
    for _, target in _LINK.findall(_BLOCK.sub("", text(page))):
        if target.startswith(("http://", "https://")):
            continue
        file, _, anchor = target.partition("#")
        there = (page.parent / file).resolve() if file else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


def test_every_picture_is_drawn_by_a_command_and_shown() -> None:
    shown = {Path(target).name for page in PAGES for mark, target in _LINK.findall(text(page)) if mark}
    drawn = {f"{name}.svg" for name in pictures.PICTURES} | {moving.PICTURE.name}
    assert shown == drawn == {file.name for file in (ROOT / "assets").glob("*.svg")}


def calls(page: Path) -> list[list[str]]:
    """Every call of `gpt-explorer` in a block of commands or within a line, as words."""
    inline = re.findall(r"(?<!`)`(gpt-explorer(?: [^`]+)?)`", _BLOCK.sub("", text(page)))
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    found = (re.split(r" [|>] ", line)[0] for line in (*inline, *lines) if line.startswith("gpt-explorer"))
    return [shlex.split(line, comments=True)[1:] for line in found]


@page
def test_every_call_is_one(page: Path) -> None:
    """Its command exists, and where words follow, they are understood."""
    for call in calls(page):
        name, words = command_and_words(call)
        if words or call[:1] != [name]:
            try:
                import_module(f"explorer.commands.{name}").parser().parse_args(words)
            except SystemExit as ended:  # help, or the version
                if ended.code:
                    pytest.fail(shlex.join(call))


@page
def test_commands_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of commands, one line after the other in a folder of their own; not those that open the screen."""
    monkeypatch.chdir(tmp_path)
    for block in blocks(page, "sh"):
        named = dict(re.findall(r'\b([A-Z])="([^"]*)"', block))
        for written in block.splitlines():
            line = written
            for name, value in named.items():
                line = line.replace(f"${name}", value)
            words = shlex.split(line, comments=True)
            if words[:1] != ["gpt-explorer"] or "gpt2" in words:
                continue
            if command_and_words(words[1:])[0] not in SCREEN | SLOW:
                assert main(words[1:]) == 0, line


@page
def test_outputs_are_what_the_commands_print(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for block in blocks(page, ""):
        for example in re.split(r"^\$ gpt-explorer ", block, flags=re.MULTILINE)[1:]:
            call, _, shown = example.partition("\n")
            words = shlex.split(call)
            if words[0] in SCREEN or page.name in OWN:
                continue
            assert main(words) == 0
            assert on_any_python(capsys.readouterr().out) == on_any_python(shown)


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "ioi.md"], ids=lambda page: page.name)
def test_programs_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page's programs in Python, each with the names of those before it. (tests/test_ioi.py runs that of ioi.md.)"""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "assets").symlink_to(ROOT / "assets")
    names: dict[str, object] = {}
    for program in blocks(page, "python"):
        exec(compile(program, page.name, "exec"), names)


_SHOWN = {"←": "left", "→": "right", "↑": "up", "↓": "down"}


def test_keys_in_the_tables_are_keys() -> None:
    """Every key in the first column of a table of keys in docs/screen.md is bound to something."""
    bindings = [binding for section in SECTIONS.values() for binding in section]
    bound = {key for binding in bindings for key in binding.key.split(",")} | {"ctrl+z", "f", "u", "backspace"}
    tables = re.findall(r"^\| key \|.*\n((?:\|.*\n)+)", text(ROOT / "docs/screen.md"), re.MULTILINE)
    rows = re.findall(r"^\| (`.*?) \|", "".join(tables), re.MULTILINE)
    named = {key for row in rows for key in re.findall(r"`([^`]+)`", row)}
    known = {key for key in named if (_SHOWN.get(key) or (_character_to_key(key) if len(key) == 1 else key)) in bound}
    assert len(named) > 40
    assert named - known == {"esc"}  # Textual calls it escape


def test_the_readme_is_read_in_a_few_minutes() -> None:
    """Links and pictures left out, four minutes at 230 words a minute."""
    prose = _LINK.sub(
        lambda link: "" if link[1] else link[0].partition("](")[0], _BLOCK.sub("", text(ROOT / "README.md"))
    )
    assert len(re.findall(r"[\w'’-]+", prose)) < 920
