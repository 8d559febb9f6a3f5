"""The commands tour, play and notes, and what the program remembers from one start to the next."""

import json
import os
import re
import stat
import sys
from pathlib import Path

import pytest

from explorer.cli import main
from explorer.commands.notes import in_lines
from explorer.teaching import bookmarks, notes, state_folder, tour_file
from explorer.teaching.notes import Notes
from explorer.teaching.playing import Playing
from explorer.teaching.recording import FORMAT
from explorer.teaching.spots import Spot
from explorer.teaching.tours import SHIPPED, on_model, shipped

TOUR = """title = "Mine"
prompt = "Once upon a time"
[[stop]]
title = "One"
text = "There are {tokens} tokens."
claims = ["tokens == 4"]
"""


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(state_folder.VARIABLE, str(tmp_path / "state" / "explorer"))
    return tmp_path / "state" / "explorer"


def test_the_list_names_every_tour(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tour", "--list"]) == 0
    printed = capsys.readouterr().out
    for tour in shipped():
        assert re.search(f"^{tour.name} +{re.escape(tour.title)}$", printed, re.MULTILINE)
        assert f"{len(tour.stops)} Stops" in printed


def test_a_tour_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(TOUR, encoding="utf-8")
    assert main(["tour", str(file), "--check"]) == 0
    assert capsys.readouterr().out == "Mine: 1 Stop, 1 claim, all of them hold.\n"
    file.write_text(TOUR.replace("tokens == 4", "tokens > 4"), encoding="utf-8")
    assert main(["tour", str(file), "--check"]) == 1
    assert capsys.readouterr().err == f"{file}:6: this does not hold: tokens > 4 (tokens is 4).\n"


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["tour", "nowhere", "--check"], 2, "there is no tour 'nowhere': there are newcomer"),
        (["tour", "6" * 5000], 2, "(5,000 characters): there are newcomer"),
        (["tour", "~nobodyatall/x"], 2, "there is no tour '~nobodyatall/x': there are newcomer"),
        (["tour", "~nobodyatall/x.toml"], 1, "~nobodyatall/x.toml"),
        (["tour", "b" * 300 + ".toml"], 1, "ame too long"),
        (["tour", "nowhere.toml"], 1, "nowhere.toml cannot be read"),
        (["tour", "newcomer", "--stop", "99"], 2, "there is no Stop 99: this tour has"),
        (["tour", "--from", "nowhere.jsonl"], 1, "nowhere.jsonl cannot be read"),
        (["play", "nowhere.jsonl"], 1, "nowhere.jsonl cannot be read"),
        (["notes"], 2, "there is no folder for the notes"),
    ],
)
def test_what_cannot_be_done_is_said(
    arguments: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == status
    assert said in capsys.readouterr().err


def test_a_recording_becomes_a_tour(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = {"prompt": "Once upon a time", "at": "logits token 3 rank 0", "view": "", "edits": [], "model": "stories"}
    here |= {"sampling": {"temperature": 1.0, "top_k": None, "top_p": 1.0}, "seed": 3}
    head = {"recording": FORMAT, "prompt": "Once", "model": "stories", "seed": 3, "sampling": here["sampling"]}
    lines = [{**head, "size": [80, 24]}, {"at": 9.0, "here": here}, {"at": 9.0, "key": "q"}]
    file = tmp_path / "walk.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    assert main(["tour", "--from", str(file)]) == 0
    printed = capsys.readouterr().out
    (stop,) = tour_file.parse(printed, "walk", "walk").stops
    assert (stop.spot.prompt, stop.spot.at, stop.spot.seed, stop.pace) == (here["prompt"], here["at"], 3, 9)
    (tmp_path / "walk.toml").write_text(printed, encoding="utf-8")
    assert main(["tour", str(tmp_path / "walk.toml"), "--check"]) == 0


def test_a_tour_goes_to_another_model_in_place_of_the_embedded_one() -> None:
    assert {stop.spot.model for stop in on_model(shipped()[0], "other").stops} == {"other"}


# What is remembered


def test_the_tour_is_offered_once(state: Path) -> None:
    assert state_folder.greet()
    assert not state_folder.greet()


def test_nothing_is_offered_where_nothing_can_be_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not state_folder.greet(), "the variable is empty in all tests"
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(state_folder.VARIABLE, str(tmp_path / "file" / "explorer"))
    assert not state_folder.greet()


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
def test_nobody_else_can_read_it(state: Path) -> None:
    assert state_folder.keep("some", "words")
    assert stat.S_IMODE(os.stat(state).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(state / "some").st_mode) == 0o600
    assert [path.name for path in state.iterdir()] == ["some"]


def test_notes_come_through(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notes", "--once"]) == 0
    assert "No tour is shown yet" in capsys.readouterr().out
    playing = Playing(shipped()[SHIPPED.index("names")], 3)
    told = notes.of(playing, 1000.0, 1060.0)
    assert notes.send(told)
    assert notes.received() == told
    assert main(["notes", "--once"]) == 0
    printed = capsys.readouterr().out
    assert playing.stop.notes in printed
    assert playing.following
    assert f"Next: {playing.following.title}" in printed


@pytest.mark.parametrize("content", ["", "[]", "{}", "nonsense", '{"tour": 4}', "[" * 100_000])
def test_notes_that_are_damaged_are_none(state: Path, content: str) -> None:
    assert state_folder.keep(state_folder.NOTES, content)
    assert notes.received() is None


def test_the_time_is_told() -> None:
    told = Notes("Mine", "2 of 3", "Two", "Say it.", "N goes on.", 60, "Three", began=1000.0, arrived=1100.0)
    assert in_lines(told, 1190.0)[1] == "3:10 in all · 1:30 of 1:00 here · 0:30 over"
    assert in_lines(told, 1130.0)[1] == "2:10 in all · 0:30 of 1:00 here"


def test_bookmarks_are_kept_in_a_file_that_is_a_tour(tmp_path: Path) -> None:
    file = tmp_path / "bookmarks.toml"
    kept = {2: Spot("Once", "logits", "lens"), 7: Spot("Twice", "5.2", edits=("head 3.3: zero",), seed=9)}
    bookmarks.write(file, kept)
    assert bookmarks.read(file) == kept
    assert len(tour_file.read(file).stops) == 2
    file.write_text("damaged")
    assert bookmarks.remembered(file) == {}
    assert bookmarks.remembered(tmp_path / "none.toml") == {}


def test_the_stops_of_a_tour_without_numbers_are_its_first_bookmarks() -> None:
    found = bookmarks.of(shipped()[0])
    assert list(found) == list(range(1, 10))
    assert found[9] == shipped()[0].stops[8].spot
