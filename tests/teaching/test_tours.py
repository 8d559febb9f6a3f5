"""The tours that come with the program: every claim holds, every text fits; and what is wrong in a file is found."""

import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from explorer.teaching import tour_file
from explorer.teaching.checking import Runs, problems
from explorer.teaching.errors import FactError, TourError
from explorer.teaching.expressions import UNKNOWN, fill
from explorer.teaching.here import Here
from explorer.teaching.playing import Playing, read_answer, reply
from explorer.teaching.spots import CODE, LOOKS, PATH, WHY, Spot, complete
from explorer.teaching.tours import SHIPPED, Stop, Tour, folder, shipped
from explorer.views.views import ALL
from explorer.walk.session import Session
from tests.helpers.looking import story
from tests.helpers.models import embedded

CELLS, LINES = 76, 6  # of the bar at 80x24, below its title


def open_session(name: str) -> Session:
    assert name == "stories"
    model, checkpoint = embedded()
    return Session(model, checkpoint.tokenizer)


@cache
def runs() -> Runs:
    return Runs(open_session)


def parsed(content: str) -> Tour:
    return tour_file.parse(content, "mine", "mine.toml")


STOP = '[[stop]]\ntitle = "One"\ntext = "Some words."\n'
TOUR = f'title = "Mine"\nprompt = "Once upon a time"\n\n{STOP}'


def test_every_file_in_the_folder_is_a_tour_that_is_offered() -> None:
    assert sorted(path.stem for path in folder().glob("*.toml")) == sorted(SHIPPED)
    assert [tour.name for tour in shipped()] == list(SHIPPED)


@pytest.mark.parametrize("tour", shipped(), ids=SHIPPED)
def test_every_claim_holds_and_every_text_fits_a_small_screen(tour: Tour) -> None:
    assert [str(problem) for problem in problems(tour, open_session)] == []
    for stop in tour.stops:
        here = Here(runs().at(stop))
        text = fill(stop.text, here)
        assert UNKNOWN not in text, stop.title
        lines = textwrap.wrap(text, CELLS) + textwrap.wrap(f"→ {fill(stop.press, here)}", CELLS)
        assert len(lines) <= LINES, stop.title
        assert stop.notes, f"a speaker has nothing to say at {stop.title}"
        assert stop.claims, f"{stop.title} claims nothing"


def test_the_first_tour_takes_about_twenty_minutes() -> None:
    assert 15 <= shipped()[0].minutes <= 25


def test_what_can_be_open_at_a_stop_is_what_the_screen_can_open() -> None:
    assert set(LOOKS) == {"", *ALL, WHY, PATH, CODE}


# Exercises


def questions() -> Iterator[tuple[str, str, str, bool]]:
    yield from (
        ("newcomer", "What comes next? One word.", "Lily", True),
        ("newcomer", "What comes next? One word.", "Tom", False),
        ("newcomer", "Which head of block 3 looks at the token before?", "3.1", True),
        ("newcomer", "Which head of block 3 looks at the token before?", "block 3 head 1", True),
        ("newcomer", "Which head of block 3 looks at the token before?", "3.3", False),
        ("heads", "Which head of block 5 looks at Lily from the last token?", "5.2", True),
        ("names", "Without which head does Lily lose most?", "3.3", True),
        ("names", "Without which head does Lily lose most?", "5.2", False),
        ("sampling", "How many tokens does top-p keep here?", "1", False),
    )


@pytest.mark.parametrize(("name", "ask", "answer", "holds"), list(questions()))
def test_an_answer_is_computed(name: str, ask: str, answer: str, holds: bool) -> None:
    tour = shipped()[SHIPPED.index(name)]
    stop = next(stop for stop in tour.stops if stop.question and stop.question.ask == ask)
    assert stop.question
    said = reply(stop.question, answer, runs().at(stop))
    assert said.holds is holds
    assert UNKNOWN not in said.text


def test_how_many_stay_is_counted_in_another_way() -> None:
    stop = next(stop for stop in shipped()[SHIPPED.index("sampling")].stops if stop.question)
    assert stop.question
    here = runs().at(stop)
    shares = here.trace.ranking("logits", here.position)
    assert shares
    total, count = 0.0, 0
    for token in shares.order:
        if total >= 0.9:
            break
        total, count = total + shares.probabilities[token], count + 1
    assert reply(stop.question, str(count), here).holds
    assert not reply(stop.question, str(count + 1), here).holds


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("head", "five"),
        ("head", "9.9"),
        ("head", ""),
        ("number", "many"),
        ("token", "99"),
        ("neuron", "x.y"),
        ("text", " "),
    ],
)
def test_what_is_no_answer_is_said(kind: str, text: str) -> None:
    with pytest.raises(FactError):
        read_answer(kind, text, story())


def test_answers_give_names_to_expressions() -> None:
    here = story()
    assert read_answer("neuron", "2.10", here) == {"layer": 2, "neuron": 10, "answer": "2.10"}
    assert read_answer("token", "Lily", here) == {"here": 2, "answer": "·Lily"}
    assert read_answer("number", "−1.5", here) == {"answer": -1.5}


# Playing


def test_a_text_speaks_of_its_own_place_wherever_the_walk_goes() -> None:
    playing = Playing(shipped()[0], 7)
    session = open_session("stories")
    session.submit(playing.stop.spot.prompt)
    assert UNKNOWN in playing.told["text"]
    playing.learn(session)
    assert UNKNOWN in playing.told["text"], "not before its run is complete"
    complete(session)
    session.cursor.go_to_value("blocks.1.hook_mlp_out")
    session.cursor.go_to_position(3)
    session.cursor.go_to_column(17)
    cell = session.cell()
    playing.learn(session)
    assert session.cell() == cell, "the cursor stays where it is"
    assert playing.told["text"] == fill(playing.stop.text, Here(runs().at(playing.stop)))
    assert "·to looks at ·Lily" in " ".join(playing.told["text"].split())


def test_a_tour_goes_forwards_backwards_and_no_further() -> None:
    playing = Playing(shipped()[0])
    assert not playing.move(-1)
    assert playing.move(1)
    assert playing.count == f"2 of {len(shipped()[0].stops)}"
    assert playing.go(10_000)
    assert playing.following is None
    assert not playing.move(1)


# Files that are wrong


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ('title = "Mine', 1, "not TOML"),
        (TOUR + 'colour = "red"\n', 7, "a Stop has no 'colour'"),
        (TOUR + "claims = 3\n", 7, "claims is a list"),
        (TOUR + 'claims = ["top() =="]\n', 7, "is no expression"),
        (TOUR + 'claims = [\n  "tokens == 4",\n  "nonsense(1)",\n]\n', 9, "nonsense is no function"),
        (TOUR + 'view = "sky"\n', 7, "there is no view 'sky'"),
        (TOUR + "pace = 0\n", 7, "pace is in seconds"),
        (TOUR + "bookmark = 12\n", 7, "bookmarks have the numbers 1 to 9"),
        (TOUR + "temperature = -1\n", 7, "temperature"),
        (TOUR + 'edits = ["head 3.3: zero", 4]\n', 7, "edits is a list of texts"),
        (TOUR + '[stop.question]\nask = "What?"\nanswer = "colour"\nholds = "true"\n', 9, "no answer 'colour'"),
        (TOUR + '[stop.question]\nask = "What?"\n', 7, "a question needs 'answer'"),
        (TOUR + '\n[[stop]]\ntitle = "Two"\n', 8, "a Stop needs 'text'"),
        (TOUR + 'press = """\n[[stop]]\n{top("""\n', 7, "a brace without its other half"),
        ('title = "Mine"\nprompt = "Once"\n', 1, "a tour needs 'stop'"),
        (f'title = "Mine"\n{STOP}', 2, "there is no prompt"),
        (f'title = "Mine"\nseed = "one"\nprompt = "Once"\n{STOP}', 2, "seed is a whole number"),
        ("", 1, "a tour needs 'title'"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_refused_with_its_line(content: str, line: int, words: str) -> None:
    with pytest.raises(TourError) as caught:
        parsed(content)
    assert str(caught.value).startswith(f"mine.toml:{line}: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("more", "line", "words"),
    [
        ('claims = [\n  "tokens == 4",\n  "tokens == 5",\n]\n', 9, "this does not hold: tokens == 5 (tokens is 4)."),
        ('claims = ["top(1, 99) == 1"]\n', 7, "there is no position 99"),
        ('at = "block 99 pattern"\n', 7, "there is no block 99"),
        ('at = "the moon"\n', 7, "'the' is no place"),
        ('at = "token Lily"\n', 7, "there is no token 'Lily' in this prompt"),
        ('at = "embed dimension 500"\n', 7, "there is no number 500"),
        ('edits = ["head 3.3: paint"]\n', 7, "what is done is zero"),
        ('edits = ["head 99.3: zero"]\n', 7, "there is no block 99"),
        ('press = "{token(99)}"\n', 7, "there is no position 99"),
    ],
)  # fmt: skip
def test_what_a_model_does_not_have_is_found_with_its_line(more: str, line: int, words: str) -> None:
    found = [str(problem) for problem in problems(parsed(TOUR + more), open_session)]
    assert len(found) == 1
    assert found[0].startswith(f"mine.toml:{line}: ")
    assert words in found[0]


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b'title = "caf\xe9"')
    for name, words in (("none.toml", "cannot be read"), ("latin.toml", "UTF-8")):
        with pytest.raises(TourError, match=words):
            tour_file.read(tmp_path / name)


def test_nothing_in_a_file_can_command_the_terminal() -> None:
    tour = parsed(TOUR.replace("Some words.", "Some \\u001b[2J words.").replace("Mine", "M\\u0007ine"))
    assert (tour.title, tour.stops[0].text) == ("M␇ine", "Some ␛[2J words.")


def test_half_a_character_does_not_keep_a_stop_from_being_written() -> None:
    stop = Stop("One", Spot("half \udcff \x7f"), "text")
    assert parsed(tour_file.written("Mine", "", [stop])).stops[0].spot.prompt == "half ? \x7f"


def test_what_is_written_is_read_again() -> None:
    for tour in shipped():
        again = parsed(tour_file.written(tour.title, tour.about, list(tour.stops)))
        assert [(stop.title, stop.spot, stop.text) for stop in again.stops] == [
            (stop.title, stop.spot, stop.text) for stop in tour.stops
        ]
