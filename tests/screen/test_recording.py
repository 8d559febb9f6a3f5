"""A recording plays again, in the same app, and ends where it ended; recordings become tours."""

import io
import json
from pathlib import Path

import pytest
from textual import events

from explorer.errors import WriteError
from explorer.screen import replay
from explorer.screen.app import ExplorerApp
from explorer.screen.main.screen import MainScreen
from explorer.screen.opening import Opening
from explorer.screen.widgets.canvas import Canvas
from explorer.teaching import recording, spots, tour_file
from explorer.teaching.errors import TourError
from explorer.teaching.recording import Event, Recorder, Recording
from explorer.teaching.spots import Spot
from explorer.walk.session import Session
from tests.helpers.models import embedded
from tests.helpers.pilot import PROMPT, press, tiny, until

KEYS = ["right", "right", "right", "right", "down", "h", "2", "down", "escape", "n", "slash", *" cat", "enter", "end"]


def app_with(opening: Opening) -> ExplorerApp:
    session = Session(tiny(), embedded()[1].tokenizer)
    return ExplorerApp(lambda progress: session, PROMPT, "tiny", None, opening)


def where(app: ExplorerApp) -> tuple[Spot, str]:
    screen = app.get_default_screen()
    assert isinstance(screen, MainScreen)
    assert screen.session
    return spots.here(screen.session), screen.tours.visiting.opened_now()


async def record(file: Path) -> tuple[Spot, str]:
    """Walk a while, by keys and by the mouse; where that ended."""
    recorder = Recorder(file, Recording(PROMPT, "tiny"))
    app = app_with(Opening(recorder=recorder))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.get_default_screen()
        assert isinstance(screen, MainScreen)
        await until(pilot, lambda: screen.ready and not screen.ready.computing)
        for key in KEYS:
            await press(pilot, key)
            await replay.quiet(app)
        canvas = screen.query_one("#tokens", Canvas)
        line = next(line for line in canvas.lines if any(span.action == ("position", 2) for span in line))
        left = sum(len(span.text) for span in line[: [span.action for span in line].index(("position", 2))])
        x, y = canvas.content_region.x + left + 1, canvas.content_region.y + canvas.lines.index(line)
        for kind in (events.MouseDown, events.MouseUp):  # as a terminal sends them
            app.post_message(kind(None, x, y, 0, 0, 1, False, False, False, x, y))
        await replay.quiet(app)
        assert screen.session
        assert screen.session.position == 2
        recorder.end()
        return where(app)


async def test_what_was_recorded_plays_again_and_ends_where_it_ended(tmp_path: Path) -> None:
    file = tmp_path / "walk.jsonl"
    ended = await record(file)
    played = recording.read(file)
    assert played.size == (120, 36)
    assert [event.key for event in played.inputs() if event.key] == ["space" if key == " " else key for key in KEYS]
    app = app_with(Opening(replay=played, speed=1e9))
    async with app.run_test(size=played.size) as pilot:
        await until(pilot, lambda: any(worker.group == replay.GROUP for worker in app.workers))
        await until(pilot, lambda: all(worker.is_finished for worker in app.workers))
        assert where(app) == ended
    assert ended[0].prompt.endswith(" cat")


def lines(*events: dict[str, object]) -> str:
    head = {"recording": recording.FORMAT, "prompt": "Once", "model": "stories", "seed": 1, "size": [80, 24]}
    head["sampling"] = {"temperature": 0.8, "top_k": 40, "top_p": 1.0}
    return "\n".join(json.dumps(line) for line in (head, *events))


def test_a_recording_becomes_a_tour_of_the_places_where_one_stood_still() -> None:
    first, second, third = (
        Spot("Once", "tokens token 0"),
        Spot("Once", "logits", "lens"),
        Spot("Twice", edits=("head 1.1: zero",)),
    )
    happened = (
        Event(5.0, here=first),
        Event(5.0, key="right"),
        Event(5.5, here=second),
        Event(5.5, key="question_mark"),
        Event(9.0, key="escape"),
        Event(9.1, here=third),
        Event(9.1, key="right"),
    )
    stops = recording.stops(Recording("Once", events=happened))
    assert [(stop.spot, stop.pace) for stop in stops] == [(first, 5), (second, 4)]
    tour = tour_file.parse(tour_file.written("Mine", "", stops), "mine", "mine.toml")
    assert [stop.spot for stop in tour.stops] == [first, second]


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ("", 1, "no recording"),
        ("{}", 1, "no recording of GPT Explorer"),
        ("[1]", 1, "a line is an object"),
        (lines({"at": 1}), 2, "an event has a time"),
        (lines({"key": "right"}), 2, "an event has a time"),
        (lines({"at": 1.0, "key": 4}), 2, "key is of another kind"),
        (lines({"at": 1.0, "key": "a"}, {"at": 2.0, "colour": "red"}), 3, "has no 'colour'"),
        (lines({"at": 1.0, "here": {}}), 2, "the place is damaged"),
        (lines() + "\nnonsense", 2, "not JSON"),
        (lines().replace('"temperature": 0.8', '"temperature": -1'), 1, "the first line"),
        (lines().replace("[80, 24]", "80"), 1, "the first line"),
        (lines().replace('"size"', '"bookmarks": {"1": 5}, "size"'), 1, "the first line"),
    ],
)  # fmt: skip
def test_what_is_no_recording_is_refused_with_its_line(tmp_path: Path, content: str, line: int, words: str) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(TourError) as caught:
        recording.read(file)
    assert str(caught.value).startswith(f"{file}:{line}: ")
    assert words in str(caught.value)


def test_bookmarks_are_recorded_too(tmp_path: Path) -> None:
    marks = {2: Spot("Once", "logits", "lens"), 9: Spot("Twice", "5.2", edits=("head 3.3: zero",), seed=9)}
    recorder = Recorder(tmp_path / "walk.jsonl", Recording("Once", "other", tour="heads", at=3, bookmarks=marks))
    recorder.begin(80, 24)
    recorder.end()
    again = recording.read(tmp_path / "walk.jsonl")
    assert again == Recording("Once", "other", tour="heads", at=3, size=(80, 24), bookmarks=marks)


def test_a_recording_that_cannot_go_on_ends_early_and_says_so(tmp_path: Path) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    recorder = Recorder(tmp_path / "walk.jsonl", Recording("Once"))
    recorder.begin(80, 24)
    recorder.note({"key": "right"}, None)
    recorder._file = Full()
    recorder.note({"key": "left"}, None)
    recorder.note({"key": "left"}, None)
    assert recorder.problem.endswith("walk.jsonl ended early: No space left on device.")
    assert [event.key for event in recording.read(tmp_path / "walk.jsonl").events] == ["right"]


def test_a_recording_that_cannot_be_written_is_said_before_the_screen_opens(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="there is no folder"):
        Recorder(tmp_path / "none" / "walk.jsonl", Recording("Once"))
