"""Files of sessions that are broken, of a newer format, or of another model: said in words, with what to do."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from explorer.cli import main
from explorer.edits import Zero, where
from explorer.errors import SessionError
from explorer.loading import origins
from explorer.loading.origins import Origin
from explorer.sessions.reading import is_session, parse, read
from explorer.sessions.restore import restore
from explorer.sessions.saved import Saved
from explorer.sessions.snapshot import saved
from explorer.sessions.writing import as_tables, written
from explorer.teaching.spots import complete
from explorer.walk.session import Session
from gpt import GPT
from tests.helpers.checkpoint_builder import weights, write_checkpoint
from tests.helpers.pilot import session, tiny

MODEL = tiny()


def walked(model: GPT = MODEL) -> Session:
    """A session with an edit, and a token that was drawn with it."""
    found = session(model)
    found.submit("Tom said to Lily")
    complete(found)
    found.edit(lambda edits: edits.add(where.head(1, 2), Zero(), len(found.ids)))
    complete(found)
    found.take_token()
    complete(found)
    return found


@pytest.fixture(scope="module")
def sound() -> Saved:
    return saved(walked(), "tiny")


Damage = Callable[[dict[str, Any]], Any]
WRONG: list[tuple[Damage, str]] = [
    (lambda t: t.pop("prompt"), "prompt is missing"),
    (lambda t: t.update(prompt=3), "prompt must be a text"),
    (lambda t: t.update(ids=[]), "ids must be the tokens of a prompt"),
    (lambda t: t.update(ids=["x"]), "ids[0] must be a whole number"),
    (lambda t: t.update(ids=[-1]), "ids[0] is -1: it must be at least 0"),
    (lambda t: t.update(ids=[10**40]), "10000000000000000000… (41 digits)"),
    (lambda t: t.update(engine="abacus"), "engine is 'abacus': it must be python or numpy"),
    (lambda t: t.update(session=2), "is of format 2, and this program reads up to 1. Use a newer version"),
    (lambda t: t.update(session=True), "session must be a whole number"),
    (lambda t: t.pop("session"), "this is no session of GPT Explorer"),
    (lambda t: t.update(colour=1), "there is no 'colour' here"),
    (lambda t: t["sampling"].update(temperature=-1.0), "[sampling] the temperature is -1.0"),
    (lambda t: t["sampling"].update(temperature=float("nan")), "temperature must be a finite number"),
    (lambda t: t["sampling"].update(seed=10**4001), "seed is 10000000000000000000… (4,002 digits)"),
    (lambda t: t["run"].update(base="5 4"), "base has '4': that is no pass from position 5 on"),
    (lambda t: t["run"].update(base="x"), "base has 'x'"),
    (lambda t: t["run"].update(edits=[7]), "edits[0] is 7: it must be at least 0, at most 0"),
    (lambda t: t["drawn"][0].update(number=2.0), "[drawn[0]] number must be from 0 to 1"),
    (lambda t: t["cursor"].update(position=-1), "[cursor] position is -1"),
    (lambda t: t["view"].update(opened="\x1b[2Jlens"), "opened is '␛[2Jlens'"),
    (lambda t: t["view"].update(looks={"x": ""}), "there is no view 'x'"),
    (lambda t: t.update(bookmark=[{"number": 0}]), "temperature is missing"),
]


@pytest.mark.parametrize(("damage", "words"), WRONG)
def test_what_is_wrong_is_said_with_its_place(damage: Damage, words: str, sound: Saved) -> None:
    import tomli_w

    tables = as_tables(sound)
    damage(tables)
    with pytest.raises(SessionError) as caught:
        parse(tomli_w.dumps(tables), "mine.toml")
    message = str(caught.value)
    assert message.startswith("mine.toml:")
    assert words.replace("␛", "\\x1b") in message or words in message
    assert "\x1b" not in message
    assert "\n" not in message


def test_a_seed_below_zero_is_one_as_others_are(sound: Saved) -> None:
    saved_with = replace(sound, seed=-1)
    assert parse(written(saved_with), "mine.toml") == saved_with


@pytest.mark.parametrize("text", ["", "x", "a = [" * 2000, "session = 1" + "0" * 5000, "[[[", "\x00"])
def test_what_is_no_session_is_refused(text: str) -> None:
    with pytest.raises(SessionError):
        parse(text, "mine.toml")


def test_open_says_what_a_file_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("session = 99\n")
    assert main(["open", str(file)]) == 1
    assert "Use a newer version of GPT Explorer." in capsys.readouterr().err
    assert main(["open", str(tmp_path / "none.toml")]) == 1
    assert "none.toml cannot be read: No such file or directory." in capsys.readouterr().err


def test_the_content_says_what_a_file_is(tmp_path: Path, sound: Saved) -> None:
    file = tmp_path / "anything"
    file.write_text(written(sound), encoding="utf-8")
    assert is_session(file)
    assert main(["trace", "Once", "-o", str(tmp_path / "run.toml"), "--only", "hook_embed"]) == 0
    assert not is_session(tmp_path / "run.toml")


def test_a_file_that_a_person_has_written_is_enough(sound: Saved) -> None:
    tables = as_tables(sound)
    short = {key: tables[key] for key in ("session", "prompt", "ids", "engine", "model", "sampling")}
    short["edit"] = [{"edit": "head 1.2: zero"}]
    import tomli_w

    back = restore(parse(tomli_w.dumps(short), "short.toml"), session(MODEL), "tiny")
    assert back.notes == []
    assert back.session.what_if.lines([]) == ["head 1.2: zeroed"]
    assert back.session.what_if.edited


def test_a_model_of_another_shape_is_said_and_what_does_not_fit_is_left_out(sound: Saved) -> None:
    back = restore(sound, session(tiny(n_layer=1)), "other")
    assert back.notes[0] == "It was saved with tiny, and other has another shape: layers 1, not 2."
    assert "Left out: 'head 1.2: zero'" in back.notes[1]
    assert back.session.ids == list(sound.all_ids)
    assert not back.session.what_if.edited


def test_a_prompt_too_long_for_the_model_is_an_error(sound: Saved) -> None:
    with pytest.raises(SessionError, match="cannot be walked with this model"):
        restore(sound, session(tiny(n_positions=2)), "short")


def test_other_weights_under_the_same_name_are_said(tmp_path: Path) -> None:
    places = []
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        places.append(write_checkpoint(tmp_path / str(number), weights(seed=number)))
    models = [tiny(), tiny()]
    for model, place in zip(models, places):
        origins.remember(model, Origin("mine", place, model.config))
    found = saved(walked(models[0]), "mine")
    assert found.model.weights.startswith("sha256:")
    assert restore(found, session(models[0]), "mine").notes == []
    (note,) = restore(found, session(models[1]), "mine").notes
    assert note == "The weights of mine are not those it was saved with, of mine: all numbers are others."
    of_the_hub = replace(found, model=replace(found.model, revision="abc"))
    (note,) = restore(of_the_hub, session(models[1]), "mine").notes
    assert note.endswith("`--model mine@abc` opens those.")


def test_another_python_is_said(sound: Saved) -> None:
    old = replace(sound, program=replace(sound.program, python="3.4.0"))
    assert restore(old, session(MODEL), "tiny").notes == [
        "It was saved with Python 3.4.0: the last digits may be others here."
    ]


def test_passes_of_no_such_run_are_computed_in_one(sound: Saved) -> None:
    """A file cannot make the screen show numbers that the model does not give."""
    from explorer.runs.passes import Pass

    wrong = replace(sound, run=replace(sound.run, run=(Pass(2, 2), Pass(5, 5, 1))))
    back = restore(wrong, session(MODEL), "tiny")
    assert any("last digits" in note for note in back.notes)
    right = restore(sound, session(MODEL), "tiny")
    assert back.session.run.values == right.session.run.values


def test_saved_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "tom.toml"
    call = ["save", "Tom said to", "--edit", "head 3.3: zero", "--draw", "2", "-o", str(file)]
    assert main(call) == 0
    assert "“Tom said to” · 1 edit · 2 drawn · stories" in capsys.readouterr().out
    found = read(file)
    assert [edit.text for edit in found.edits] == ["head 3.3: zero"]
    assert len(found.drawn) == 2
    assert main(["save", "x", "--edit", "head 9.9: zero", "-o", str(file)]) == 2
    assert read(file) == found
