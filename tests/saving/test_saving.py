"""Saving and copying: the files are what they say, the numbers are those of the run, nothing is written over."""

import csv
import io
import json
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from rich.color_triplet import ColorTriplet
from rich.segment import Segment
from rich.style import Style
from textual.widgets._toast import Toast

from explorer.errors import WriteError
from explorer.files import write_new
from explorer.saving import drawn
from explorer.saving import views as of_views
from explorer.saving.formats import as_csv
from explorer.screen.dialogs.problem import Problem
from explorer.screen.dialogs.save import Choice, SaveDialog
from explorer.screen.keeping import clipboard
from explorer.screen.keeping.capture import What, capture
from explorer.screen.widgets.field import Field
from explorer.stages import Kind
from explorer.teaching import state_folder
from explorer.views import views
from explorer.views.views import make
from tests.helpers.pilot import computed, opened, press, session, text, tiny, until

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("TMUX", "STY", "TERM_PROGRAM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


async def save(pilot: Any, *keys: str) -> None:
    """Press W, these keys in the dialog, and enter."""
    await press(pilot, "W")
    await until(pilot, lambda: isinstance(pilot.app.screen, SaveDialog))
    await press(pilot, *keys, "enter")


def cells_of(svg: str) -> list[str]:
    """The lines of text of an SVG, by the places of its elements."""
    lines: dict[float, dict[float, str]] = {}
    for element in ElementTree.fromstring(svg).iter(f"{SVG}text"):
        lines.setdefault(float(element.attrib["y"]), {})[float(element.attrib["x"])] = element.text or ""
    found = []
    for y in sorted(lines):
        line = ""
        for x, piece in sorted(lines[y].items()):
            line = line.ljust(round(x / 12.04)) + piece
        found.append(line.rstrip())
    return [line for line in found if line]


async def test_w_and_enter_save_the_picture_as_it_is_drawn(here: Path) -> None:
    async with opened() as (pilot, screen):
        await press(pilot, *["right"] * 9)
        await save(pilot)
        (file,) = here.iterdir()
        assert file.name == "block-0-pattern-head-0.svg"
        content = file.read_text(encoding="utf-8")
        assert cells_of(content) == [line for line in text(screen, "picture") if line.strip()]
        assert content.count("http") == content.count('xmlns="http://www.w3.org/2000/svg"') == 1, "nothing is fetched"


async def test_the_frame_and_the_screen_have_more_and_notices_are_in_neither(here: Path) -> None:
    async with opened(notices=True) as (pilot, screen):
        await press(pilot, "right")
        pilot.app.notify("hereiam")
        await until(pilot, lambda: pilot.app.screen.query(Toast))
        await pilot.pause()
        rendered = "\n".join(strip.text for strip in screen._compositor.render_strips())
        assert "hereiam" in rendered
        await save(pilot, "down", "down")
        assert isinstance(pilot.app.screen, type(screen))
        whole = (here / "screen-embed.svg").read_text(encoding="utf-8")
        assert "hereiam" not in whole
        assert "GPT Explorer" in whole
        await save(pilot, "up")
        assert "Token embedding" in (here / "embed.svg").read_text(encoding="utf-8")


async def test_the_whole_screen_is_what_the_terminal_shows() -> None:
    for size in ((80, 24), (120, 36)):
        async with opened(size=size) as (pilot, screen):
            for keys in ("right", "2", "l"):
                await press(pilot, keys)
                await pilot.pause()
                shown = [strip.text.rstrip() for strip in screen._compositor.render_strips()]
                assert capture(screen).text[What.SCREEN].splitlines() == "\n".join(shown).splitlines()


async def test_the_last_choice_is_remembered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, here: Path) -> None:
    monkeypatch.setenv(state_folder.VARIABLE, str(tmp_path / "state"))
    async with opened() as (pilot, _):
        await press(pilot, "right")
        await save(pilot, "down", "left", "left")  # from SVG back round to CSV
    async with opened() as (pilot, _):
        await press(pilot, "right")
        await save(pilot)
    assert sorted(os.listdir(here)) == ["embed-2.csv", "embed.csv"]
    assert (here / "embed.csv").read_bytes() == (here / "embed-2.csv").read_bytes()


async def test_a_name_can_be_typed_and_its_ending_says_the_kind(here: Path) -> None:
    async with opened() as (pilot, _):
        await press(pilot, "right", "W")
        await until(pilot, lambda: isinstance(pilot.app.screen, SaveDialog))
        await press(pilot, "tab")
        pilot.app.screen.query_one(Field).value = "mine.json"
        await press(pilot, "enter")
        assert json.loads((here / "mine.json").read_text(encoding="utf-8"))["model"] == "tiny"
        await press(pilot, "W")
        await until(pilot, lambda: isinstance(pilot.app.screen, SaveDialog))
        pilot.app.screen.query_one(Field).value = "mine.json"
        await press(pilot, "tab", "enter")
    assert sorted(os.listdir(here)) == ["mine-2.json", "mine.json"], "nothing is written over"


async def test_another_kind_is_another_ending_of_a_name_that_was_typed(here: Path) -> None:
    async with opened() as (pilot, _):
        await press(pilot, "right", "W")
        await until(pilot, lambda: isinstance(pilot.app.screen, SaveDialog))
        pilot.app.screen.query_one(Field).value = "mine.json"
        await pilot.pause()
        await press(pilot, "left")
        name = pilot.app.screen.query_one(Field).typed
        assert name.startswith("mine.")
        assert name != "mine.json"
        await press(pilot, "enter")
    assert os.listdir(here) == [name]


async def test_from_the_dialog_y_copies_what_would_be_saved_but_no_png(here: Path) -> None:
    async with opened() as (pilot, screen):
        await press(pilot, "right", "W")
        await until(pilot, lambda: isinstance(pilot.app.screen, SaveDialog))
        dialog = pilot.app.screen
        assert isinstance(dialog, SaveDialog)
        await press(pilot, "right", "y")
        assert dialog.choice.kind == "png"
        assert "only text can be copied" in str(dialog.query_one(Problem).render())
        assert pilot.app.clipboard == ""
        await press(pilot, "right", "right", "y")
        assert screen.is_current
        copied = pilot.app.clipboard
        await save(pilot, "left", "left")
    (file,) = here.iterdir()
    assert copied.splitlines() == file.read_text(encoding="utf-8").splitlines()


async def test_what_cannot_be_written_is_said_in_the_dialog(here: Path) -> None:
    async with opened() as (pilot, screen):
        await press(pilot, "right", "W")
        await until(pilot, lambda: isinstance(pilot.app.screen, SaveDialog))
        pilot.app.screen.query_one(Field).value = "none/such.svg"
        await press(pilot, "enter")
        assert "there is no folder" in str(pilot.app.screen.query_one("#problem").render())
        await press(pilot, "escape")
        assert pilot.app.screen is screen
    assert list(here.iterdir()) == []


async def test_a_name_that_no_file_can_have_is_refused(here: Path) -> None:
    async with opened() as (pilot, screen):
        await press(pilot, "right")
        for name in ("", " ", ".", "..", "a\0b", "x" * 300, "~nobodyatall/x", "\ud800"):
            for keys in (("enter",), ("right", "left", "enter")):
                await press(pilot, "W")
                await until(pilot, lambda: isinstance(pilot.app.screen, SaveDialog))
                pilot.app.screen.query_one(Field).value = name
                await pilot.pause()
                await press(pilot, *keys)
                assert isinstance(pilot.app.screen, SaveDialog)
                assert str(pilot.app.screen.query_one("#problem").render()), name
                await press(pilot, "escape")
                assert pilot.app.screen is screen
    assert list(here.iterdir()) == []


async def test_every_stage_gives_its_numbers() -> None:
    async with opened(session(tiny(n_layer=1))) as (pilot, screen):
        here = screen.session
        assert here
        for index, stage in enumerate(here.cursor.stages):
            here.cursor.go_to_stage(index)
            screen.repaint()
            await pilot.pause()
            found = capture(screen).numbers()
            assert found.title
            if stage.kind in (Kind.MERGES, Kind.LOGITS, Kind.LEDGER, Kind.DRAW):
                assert len(found.rows) == (len(here.ids) if stage.kind is Kind.MERGES else here.config.vocab_size)  # type: ignore[union-attr]
                continue
            assert here.cursor.part
            value = np.asarray(here.trace.value(here.cursor.part.activation))
            if here.cursor.axes == "HTS":
                value = value[here.cursor.head]
            elif here.cursor.axes == "THe":
                value = value[:, here.cursor.head]
            assert np.array_equal(np.asarray(found), value, equal_nan=True)
            assert [len(axis.labels) for axis in found.axes] == list(value.shape)  # type: ignore[union-attr]


async def test_csv_and_json_hold_the_same_numbers_to_the_last_bit(here: Path) -> None:
    async with opened() as (pilot, screen):
        await press(pilot, *["right"] * 9, "o")
        session = screen.session
        assert session
        pattern = np.asarray(session.trace.value("blocks.0.attn.hook_pattern"))
        await save(pilot, "left", "left")
        await save(pilot, "right")
        rows = list(csv.reader(io.StringIO((here / "block-0-pattern.csv").read_text(encoding="utf-8"))))
        labels = [f"{i} {label}" for i, label in enumerate(session.labels())]
        assert rows[0] == ["head", "query", *labels]
        assert np.array_equal([[float(cell) for cell in row[2:]] for row in rows[1:]], pattern.reshape(-1, len(labels)))
        found = json.loads((here / "block-0-pattern.json").read_text(encoding="utf-8"))
        assert [axis["name"] for axis in found["axes"]] == ["head", "query", "key"]
        assert np.array_equal(found["values"], pattern)
        assert found["prompt"] == session.text


async def test_one_row_of_attention_has_its_steps() -> None:
    async with opened() as (pilot, screen):
        await press(pilot, *["right"] * 9, "v")
        found = capture(screen).numbers()
        session = screen.session
        assert session
        assert found.columns[0] == "key"  # type: ignore[union-attr]
        shares = [row[-1] for row in found.rows]  # type: ignore[union-attr]
        assert shares == session.trace.matrix("blocks.0.attn.hook_pattern", 0)[-1]


@pytest.mark.parametrize("key", [*"1234578", "w", "enter"])
async def test_views_give_their_numbers(key: str) -> None:
    async with opened(session(tiny(n_layer=1, n_head=2))) as (pilot, screen):
        await press(pilot, *["right"] * 9, key)
        await until(pilot, lambda: screen.view is None or screen.view.wanted() is None)
        await computed(pilot)
        found = capture(screen).numbers()
        rows = list(csv.reader(io.StringIO(as_csv(found))))
        assert len({len(row) for row in rows}) == 1
        assert len(rows) > 1


def test_every_view_says_what_its_numbers_are() -> None:
    assert {type(make(name, session())) for name in views._HOMES} == set(of_views._OF)


async def test_without_numbers_it_is_said() -> None:
    async with opened() as (pilot, _):
        await press(pilot, *["right"] * 9, "i")
        await save(pilot, "left", "left")
        assert "no numbers" in str(pilot.app.screen.query_one("#problem").render())
        await press(pilot, "escape")


async def test_y_copies_numbers_with_tabs_and_anything_else_as_text() -> None:
    async with opened() as (pilot, screen):
        await press(pilot, "Y")
        assert pilot.app.clipboard == "\n".join(text(screen, "picture")).strip("\n")
        await press(pilot, *["right"] * 9, "Y")
        session = screen.session
        assert session
        rows = [line.split("\t") for line in pilot.app.clipboard.splitlines()]
        assert rows[0][1] == f"0 {session.labels()[0]}"
        pattern = session.trace.matrix("blocks.0.attn.hook_pattern", 0)
        assert [[float(cell) for cell in row[1:]] for row in rows[1:]] == [list(row) for row in pattern]
        await press(pilot, "y")
        assert float(pilot.app.clipboard) in pattern[-1]


async def test_colours_are_shades_in_text() -> None:
    async with opened() as (pilot, screen):
        await press(pilot, *["right"] * 9)
        blank = "\n".join(text(screen, "picture"))
        shaded = capture(screen).text[What.PICTURE]
        assert "▒" in shaded
        assert "▒" not in blank
        assert screen.middle.picture.looks.palette.colourful, "the screen stays as it was"


def test_wide_letters_take_two_cells() -> None:
    lines = [[Segment("a<b", Style()), Segment("猫猫", Style()), Segment(" c")]]
    svg = drawn.as_svg(lines, "a < b & 猫", ColorTriplet(0, 0, 0), ColorTriplet(255, 255, 255))
    root = ElementTree.fromstring(svg)
    placed = {each.text: (each.attrib["x"], each.attrib["textLength"]) for each in root.iter(f"{SVG}text")}
    assert placed == {"a<b": ("0", "36.12"), "猫猫": ("36.12", "48.16"), " c": ("84.28", "24.08")}
    assert root.findtext(f"{SVG}title") == "a < b & 猫"


# Files


def test_a_new_file_never_takes_the_place_of_another(tmp_path: Path) -> None:
    file = tmp_path / "a.b.svg"
    assert [write_new(file, b"%d" % number).name for number in range(3)] == ["a.b.svg", "a.b-2.svg", "a.b-3.svg"]
    assert [(tmp_path / name).read_bytes() for name in ("a.b.svg", "a.b-2.svg")] == [b"0", b"1"]


def test_where_writing_ends_early_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: Any, *rest: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteError, match="No space left"):
        write_new(tmp_path / "a.svg", b"content")
    assert os.listdir(tmp_path) == ["here"]


def test_without_hard_links_nothing_is_replaced_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*words: Any) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", none)
    assert [write_new(tmp_path / "a", b"%d" % number).name for number in range(2)] == ["a", "a-2"]
    assert (tmp_path / "a").read_bytes() == b"0"


# PNG


async def test_png_is_the_svg_at_twice_its_size(here: Path) -> None:
    pytest.importorskip("resvg_py")
    async with opened() as (pilot, _):
        await press(pilot, *["right"] * 9)
        await save(pilot)
        await save(pilot, "right")
    box = ElementTree.fromstring((here / "block-0-pattern-head-0.svg").read_text(encoding="utf-8")).attrib
    content = (here / "block-0-pattern-head-0.png").read_bytes()
    width, height = struct.unpack(">II", content[16:24])
    assert content.startswith(b"\x89PNG")
    assert abs(width - 2 * float(box["width"])) <= 2
    assert abs(height - 2 * float(box["height"])) <= 2


def test_without_its_package_png_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(WriteError, match=r"pip install 'gpt2-explorer\[png\]'"):
        drawn.as_png("<svg/>")


def test_without_a_font_png_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fontless:
        @staticmethod
        def svg_to_bytes(**words: Any) -> bytes:
            return b"the same picture"

    monkeypatch.setitem(sys.modules, "resvg_py", Fontless)  # type: ignore[arg-type]
    with pytest.raises(WriteError, match="no font"):
        drawn.as_png("<svg/>")


# The clipboard


@pytest.fixture
def tmux(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A tmux of its own."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    call = ["tmux", "-L", f"gpt-explorer-{os.getpid()}-{token_hex(4)}", "-f", os.devnull]
    subprocess.run([*call, "new-session", "-d", "sleep 600"], check=True)
    try:
        shown = subprocess.run([*call, "display", "-p", "#{socket_path},#{pid},0"], capture_output=True, check=True)
        monkeypatch.setenv("TMUX", shown.stdout.decode().strip())
        yield call
    finally:
        subprocess.run([*call, "kill-session"], check=False)


class FakeApp:
    """Takes a text as the terminal would."""

    is_web = False
    copied = ""

    def copy_to_clipboard(self, text: str) -> None:
        self.copied = text


@pytest.mark.parametrize(("mode", "problem"), [("on", ""), ("external", ""), ("off", "tmux set -s set-clipboard on")])
def test_copying_in_tmux(tmux: list[str], mode: str, problem: str) -> None:
    subprocess.run([*tmux, "set", "-s", "set-clipboard", mode], check=True)
    said = clipboard.copy(FakeApp(), "0.25\t·Lily")  # type: ignore[arg-type]
    assert (problem in said) if problem else said == ""
    if mode != "on":  # there tmux reads it from the terminal, which this one does not have
        kept = subprocess.run([*tmux, "show-buffer"], capture_output=True, check=True).stdout
        assert kept.decode() == "0.25\t·Lily"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("STY", "1.pts", "GNU screen"),
        ("TERM_PROGRAM", "Apple_Terminal", "macOS Terminal"),
        ("TERM", "tmux-256color", "set-clipboard"),
    ],
)
def test_what_keeps_it_from_the_clipboard_is_said(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    app = FakeApp()
    assert clipboard.copy(app, "x") == ""  # type: ignore[arg-type]
    monkeypatch.setenv(name, value)
    assert words in clipboard.copy(app, "x")  # type: ignore[arg-type]
    assert app.copied == "x"


def test_a_wrong_choice_of_an_earlier_version_is_the_first_one() -> None:
    dialog = SaveDialog(Choice("none", "gif"), ".", lambda choice: "", lambda *words: None, lambda choice: None)
    assert dialog.choice == ("picture", "svg")
