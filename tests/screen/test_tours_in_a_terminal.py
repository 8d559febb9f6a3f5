"""Tours and recordings in a real pseudo-terminal, from the command line to the end of the program."""

import sys

import pytest

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)

import json
import os
from pathlib import Path

from explorer.cli import main
from explorer.teaching import recording, state_folder
from explorer.teaching.recording import FORMAT
from explorer.teaching.tours import SHIPPED, shipped
from tests.helpers.pseudo_terminal import Program, restored

FIRST = ("sampling", (80, 24))
OTHERS = [(name, size) for name in SHIPPED for size in ((80, 24), (120, 36)) if (name, size) != FIRST]
TOURS = [FIRST, *(pytest.param(*each, marks=pytest.mark.exhaustive) for each in OTHERS)]


def quit_from(program: Program) -> int:
    """Press q; the exit status."""
    os.write(program.screen, b"q")
    program.until(lambda: False)
    return os.waitstatus_to_exitcode(os.waitpid(program.process, 0)[1])


@pytest.mark.parametrize(("name", "size"), TOURS)
def test_a_tour_plays_to_its_end(
    name: str,
    size: tuple[int, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(state_folder.VARIABLE, str(tmp_path / "state"))
    tour = shipped()[SHIPPED.index(name)]
    program = Program("tour", name, size=size)
    titles = [stop.title.split("{")[0].strip().encode() for stop in tour.stops]
    program.until(lambda: titles[0] in program.seen)
    for title in titles[1:]:
        program.press(b"N", title)
    notes = tmp_path / "state" / state_folder.NOTES
    program.until(lambda: notes.exists() and tour.stops[-1].title in notes.read_text(encoding="utf-8"))
    assert quit_from(program) == 0
    assert restored(program.seen)
    assert b"Traceback" not in program.seen
    assert main(["notes", "--once"]) == 0
    assert f"{len(tour.stops)} of {len(tour.stops)} · {tour.stops[-1].title}" in capsys.readouterr().out


def test_a_walk_is_recorded_and_played_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "walk.jsonl"
    program = Program("Once", "--record", str(file))
    program.until(lambda: b"computed in" in program.seen)
    program.press(b"\x1b[C", b"Token embedding")
    assert quit_from(program) == 0
    played = recording.read(file)
    assert [event.key for event in played.events if event.key] == ["right", "q"]
    again = Program("play", str(file), "--speed", "1000")
    again.until(lambda: False)
    assert os.waitstatus_to_exitcode(os.waitpid(again.process, 0)[1]) == 0
    assert b"Token embedding" in again.seen
    assert restored(again.seen)


def test_the_tour_is_offered_at_the_very_first_start_and_never_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(state_folder.VARIABLE, str(tmp_path / "state"))
    assert [offered(), offered()] == [True, False]


def offered() -> bool:
    """Start the program; whether it offers the tour."""
    program = Program("Once")
    program.until(lambda: b"computed in" in program.seen or b"last session" in program.seen)
    program.press(b"\x1b[C", b"Token embedding")
    assert quit_from(program) == 0
    return b"New here?" in program.seen


def test_the_recording_of_the_moving_picture_can_be_read() -> None:
    file = Path(__file__).parents[2] / "assets" / "walk.jsonl"
    assert json.loads(file.read_text(encoding="utf-8").splitlines()[0])["recording"] == FORMAT
    assert len(list(recording.read(file).inputs())) > 20
