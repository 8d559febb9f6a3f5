"""The screen as a command and as Python: both are run, and give what the screen shows; and the screen opens again."""

import io
import json
import random
import shlex
from contextlib import redirect_stdout
from functools import partial
from typing import Any

import numpy as np
import pytest

import explorer as gx
from explorer import cli
from explorer.commands import explore
from explorer.commands.words import SCREEN, command_and_words
from explorer.edits import Cut, Mean, Patch, Scale, Set, Zero, where
from explorer.teaching import edit_words, places, spots
from explorer.teaching.spots import EMBEDDED
from explorer.teaching.start import Start
from explorer.views.looks import look, take_look
from explorer.views.patching.choices import SITES
from explorer.views.patching.state import Way
from explorer.views.recipes.copied import copied
from explorer.views.recipes.of_views import RECIPES
from explorer.views.recipes.recipe import Shown
from explorer.views.view import View, next_measure
from explorer.views.views import ALL, make
from explorer.walk import beginning
from explorer.walk.on_screen import value_under_cursor
from explorer.walk.other_prompt import compare_with_prompt
from explorer.walk.session import Session
from gpt import Sampling
from tests.helpers.looking import ask, settle
from tests.helpers.models import embedded
from tests.helpers.pilot import opened, press, tiny
from tests.helpers.pilot import session as small_session

STORY = "Tom and Lily went to the park. Tom said to"
OTHER = "Tom and Lily went to the park. Lily said to"


def story(text: str = STORY) -> Session:
    model, checkpoint = embedded()
    session = Session(model, checkpoint.tokenizer, Sampling(0.8, 40), 42)
    session.submit(text)
    spots.complete(session)
    return session


def seen(session: Session, name: str = "") -> Shown:
    view = make(name, session) if name else None
    if view:
        view.follow(120, 30)
        settle(view)
    return Shown(session, name, view)


def printed(command: str) -> str:
    """The output of a command, which must succeed."""
    words = shlex.split(command)
    assert words[0] == "gpt-explorer"
    out = io.StringIO()
    with redirect_stdout(out):
        assert cli.run(words[1:]) == 0, command
    return out.getvalue()


def executed(lines: str) -> tuple[str, dict[str, Any]]:
    """The output of lines of Python, and the names that they leave."""
    names: dict[str, Any] = {}
    out = io.StringIO()
    with redirect_stdout(out):
        exec(lines, names)
    return out.getvalue(), names


def test_the_number_under_the_cursor() -> None:
    session = story()
    for place in ("block 5 pattern head 2 token 10", "block 3 k head 1 token 4 dimension 7", "logits rank 2"):
        places.go(places.parse(place, session), session)
        value = value_under_cursor(session)
        assert value is not None
        found = copied(seen(session))
        assert float(executed(found.python)[0]) == pytest.approx(value, rel=1e-9)
        assert json.loads(printed(f"{found.command} --json"))["value"] == pytest.approx(value, rel=1e-12)


def test_a_probability_by_the_settings() -> None:
    session = story()
    session.draws.sampling, session.draws.seed = Sampling(1.3, 7, 0.9), 5
    for place in ("probabilities rank 1", "draw"):
        places.go(places.parse(place, session), session)
        value = value_under_cursor(session)
        assert value is not None
        found = copied(seen(session))
        assert float(executed(found.python)[0]) == pytest.approx(value, rel=1e-9)
        assert json.loads(printed(f"{found.command} --json"))["value"] == pytest.approx(value, rel=1e-12)


def test_tokens_where_there_are_no_numbers() -> None:
    session = story()
    session.cursor.go_to_stage(0)
    found = copied(seen(session))
    assert str(session.ids) in executed(found.python)[0]
    assert json.loads(printed(found.command))["prompt_ids"] == session.ids


def test_the_change_where_there_are_no_numbers() -> None:
    session = story()
    session.edit(lambda edits: edits.add(where.head(3, 3), Zero(), len(session.ids)))
    spots.complete(session)
    session.cursor.go_to_stage(0)
    found = copied(seen(session))
    by_hand = printed(shlex.join(["gpt-explorer", "ablate", STORY, "--head", "3.3"]))
    assert printed(found.command) == by_hand
    assert repr(gx.load().run(STORY).edit(gx.head(3, 3).zero()).kl) in executed(found.python)[0]


def test_edits_and_the_token_before_the_text() -> None:
    """Every kind of edit that has words, at every kind of place: the numbers are those of the screen's run."""
    session = story()
    beginning.toggle(session)
    spots.complete(session)
    config = session.config
    for place, what in (
        (where.head(3, 3), Zero()),
        (where.head(1, 2, 4), Mean()),
        (where.neuron(2, 17), Set(1.5)),
        (where.mlp(4, 9), Scale(0.25)),
        (where.block(0, 3), Scale(2.0)),
        (where.edge(config, 11, 3, 5, 2), Cut()),
        (where.edge(config, 9, 2, 4), Cut()),
        (where.edge(config, 8, 1), Cut()),
        (where.activation("blocks.2.hook_resid_post", 7, 5), Set(-1.0)),
        (where.activation("blocks.2.attn.hook_q", None, 3), Zero()),
        (where.activation("blocks.2.attn.hook_k", (5, 6), 4), Scale(0.5)),  # of a head whose query is not zero
    ):
        session.edit(lambda edits, place=place, what=what: edits.add(place, what, len(session.ids)))  # type: ignore[misc]
    spots.complete(session)
    places.go(places.parse("logits", session), session)
    value = value_under_cursor(session)
    assert value is not None
    found = copied(seen(session))
    assert not found.notes
    assert "--bos" in found.command
    assert float(executed(found.python)[0]) == pytest.approx(value, abs=1e-9)
    assert json.loads(printed(f"{found.command} --json"))["value"] == pytest.approx(value, abs=1e-9)


def test_what_has_no_words_is_said() -> None:
    session = story()
    source = story(OTHER).run
    session.edit(lambda edits: edits.add(where.head(3, 3), Patch(source, "“another”"), len(session.ids)))
    spots.complete(session)
    (note,) = copied(seen(session)).notes
    assert "head 3.3: from “another”" in note


def test_every_view_has_a_recipe() -> None:
    assert set(RECIPES) >= set(ALL)


def test_heads_and_lens() -> None:
    session = story()
    session.edit(lambda edits: edits.add(where.head(3, 3), Zero(), len(session.ids)))
    spots.complete(session)
    shown = seen(session, "heads")
    assert shown.view
    found = copied(shown)
    state = shown.view.state()  # type: ignore[attr-defined]
    rows = json.loads(printed(f"{found.command} --json"))["rows"]
    assert [row["label"] for row in rows] == [
        score.label.words if score.label else "none" for _, score in sorted(state.scores.items())
    ]
    assert executed(found.python)[0].startswith("heads\n")
    found = copied(seen(session, "lens"))
    answer = session.run.ranking("logits", len(session.ids) - 1)
    assert answer
    cells = json.loads(printed(f"{found.command} --json"))["rows"]
    assert cells[-1]["answer_probability"] == pytest.approx(max(answer.probabilities))
    grid = executed(found.python.replace("print(", "grid = ("))[1]["grid"]
    assert grid[-1, -1] == pytest.approx(max(answer.probabilities))


@pytest.mark.parametrize("mode", range(5))
def test_attribution(mode: int) -> None:
    session = story()
    shown = seen(session, "attribution")
    view: Any = shown.view
    for measure, against in ((mode % 3, 0), (2 - mode % 3, 3)):
        view.mode, view.measure, view.against = mode, measure, against
        settle(view)
        found, copy = view.found(), copied(shown)
        theirs = json.loads(printed(f"{copy.command} --json"))
        assert theirs["logit"] == pytest.approx(found.logit)
        mine = executed(copy.python.replace("print(", "found = ("))[1]["found"]
        assert mine.logit == pytest.approx(found.logit)
        if view.modes[mode] != "by token":  # there the parts are added up
            values = [part.value for part in found.ranked]
            assert [part["value"] for part in theirs["contributions"]] == pytest.approx(values)
            assert sorted(mine.column("value")) == pytest.approx(sorted(values), abs=1e-8)


def test_neurons() -> None:
    session = story()
    places.go(places.parse("block 3 activation token 8", session), session)
    shown = seen(session, "neurons")
    view: Any = shown.view
    for mode, layer in ((0, 3), (1, None), (1, 2)):
        view.mode, view.layer = mode, layer
        settle(view)
        copy = copied(shown)
        first = view.listed()[0]
        assert json.loads(printed(f"{copy.command} --json"))["rows"][0]["neuron"] == f"{first.layer}.{first.index}"
        table = executed(copy.python.replace("print(", "found = ("))[1]["found"]
        assert table[0][:2] == (f"{first.layer}.{first.index}", pytest.approx(first.activation))


def test_flow() -> None:
    session = story()
    places.go(places.parse("logits token 10", session), session)
    shown = seen(session, "flow")
    view: Any = shown.view
    for level in (5, 3):
        view.level, view.measure = level, 0
        settle(view)
        copy = copied(shown)
        rows = json.loads(printed(f"{copy.command} --json"))["rows"]
        edges = view.found().edges[: view.found().count]
        shares = sorted((edge.share for edge in edges), reverse=True)
        assert [row["share"] for row in rows if "bias" not in row["edge"]] == pytest.approx(shares)
        view.measure = 1
        settle(view)
        table = executed(copied(shown).python.replace("print(", "found = ("))[1]["found"]
        named = {edge.head: edge.value for edge in view.found().edges if edge.layer == 5 and edge.kind == "head"}
        mine = {row[0]: row[2] for row in table}
        assert mine["head 5.2: ·Lily → ·to (10)"] == pytest.approx(named[2])


def test_compare() -> None:
    session = story()
    compare_with_prompt(session, OTHER)
    shown = seen(session, "compare")
    assert session.what_if.other
    copy = copied(shown)
    assert "Lily said to" in printed(copy.command) or "·Lily" in printed(copy.command)
    kl = float(printed(copy.command).rsplit("KL = ", 1)[1].split()[0])
    names = executed(copy.python)[1]
    assert names["other"].ids == session.what_if.other.trace.ids
    known = shown.view.state().known[len(session.ids) - 1]  # type: ignore[union-attr]
    assert kl == pytest.approx(known.kl, abs=1e-4)
    compare_with_prompt(session, "")
    session.edit(lambda edits: edits.add(where.head(3, 3), Zero(), len(session.ids)))
    spots.complete(session)
    copy = copied(seen(session, "compare"))
    assert "KL(before ‖ after) = 0.9218 bits" in printed(copy.command)


def test_sweep() -> None:
    session = story()
    shown = seen(session, "sweep")
    view: Any = shown.view
    for mode in range(3):
        view.mode = mode
        copy = copied(shown)
        state = view.state()
        theirs = np.array(json.loads(printed(f"{copy.command} --json"))["values"])
        assert theirs[state.chosen] == pytest.approx(state.value(state.row, state.column), abs=1e-4)
        values = executed(copy.python.replace("print(", "grid = ("))[1]["grid"].values
        np.testing.assert_allclose(values, theirs, atol=1e-6)


def test_scores_and_paths_of_an_edited_run() -> None:
    """Both commands take the edits in force, and what they print is what the screen shows."""
    session = story()
    session.edit(lambda edits: edit_words.add("head 3.3: zero", edits, len(session.ids)))
    compare_with_prompt(session, OTHER)
    places.go(places.parse("block 5 pattern head 2 token 10", session), session)
    spots.complete(session)
    shown = seen(session, "scores")
    state = shown.view.state()  # type: ignore[union-attr]
    copy = copied(shown)
    assert not copy.notes
    rows = json.loads(printed(f"{copy.command} --json"))["rows"]
    parts = sorted(np.ravel(state.parts.values), key=abs)
    assert sorted((row["value"] for row in rows), key=abs) == pytest.approx(parts, abs=1e-9)
    shown = seen(session, "patching")
    view: Any = shown.view
    ask(view, way=2, to="5.2.q", mlps=1)
    settle(view)
    copy = copied(shown)
    rows = json.loads(printed(f"{copy.command} --json"))["rows"]
    made = executed(copy.python.replace("print(", "found = ("))[1]["found"]
    top = made[0]
    text, chance = (top[0], top[1]) if isinstance(top[0], str) else (top[1], top[2])
    assert any(chance == pytest.approx(value) for row in rows for value in row.values() if isinstance(value, float)), (
        text
    )


@pytest.mark.parametrize("way", [Way.RESTORE, Way.CORRUPT])
def test_patching_either_way(way: Way) -> None:
    session = story()
    compare_with_prompt(session, OTHER)
    shown = seen(session, "patching")
    view: Any = shown.view
    ask(view, way=int(way), site=SITES.index("mlp_out"))
    settle(view)
    state = view.state()
    expected = [state.value(row, 0) for row in range(6)]
    copy = copied(shown)
    theirs = np.array(json.loads(printed(f"{copy.command} --json"))["values"], dtype=float)
    assert theirs.ravel() == pytest.approx(expected, abs=1e-4)
    mine = executed(copy.python.replace("print(", "found = ("))[1]["found"]
    assert np.ravel(mine.values) == pytest.approx(expected, abs=1e-4)
    for by_position in (0, 1):
        ask(view, positions=by_position)
        copy = copied(shown)
        assert ("--by-position" in copy.command, "by_position=True" in copy.python) == (by_position, by_position)


def test_patching_of_an_edited_run_says_what_it_leaves_out() -> None:
    session = story()
    session.edit(lambda edits: edit_words.add("head 3.3: zero", edits, len(session.ids)))
    spots.complete(session)
    compare_with_prompt(session, OTHER)
    shown = seen(session, "patching")
    (note,) = copied(shown).notes
    assert "without the edits" in note


def test_without_a_lead_the_number_under_the_cursor_is_copied() -> None:
    session = story(f"{STORY} Lily,")
    compare_with_prompt(session, f"{OTHER} Lily,")
    places.go(places.parse("logits", session), session)
    copy = copied(seen(session, "patching"))
    assert "the same token" in copy.notes[0]
    assert printed(copy.command)


def test_the_help_names_every_view() -> None:
    words = explore.parser().format_help().replace(",", " ").split()
    assert set(filter(None, spots.LOOKS)) <= set(words)


# The screen opens again


def reopened(command: str) -> tuple[Session, View | None, str]:
    """The session and the view that a command opens, as the screen makes them."""
    name, words = command_and_words(shlex.split(command)[1:])
    assert name == SCREEN, command
    options = explore.parser().parse_args(words)
    session = small_session(MODEL, options.seed)
    session.draws.sampling = explore.sampling(options)
    start = explore.start_of(options)
    start.check()
    prompt = explore.prompt_of(options)
    start.prepare(session, prompt, lambda done, parts, word="": None, lambda: False)
    session.submit(session.text or prompt)
    spots.complete(session)
    spot = start.spot(session, EMBEDDED)
    assert spot
    spots.take_run(spot, session)
    spots.complete(session)
    spots.go(spot, session)
    view = make(spot.view, session) if spot.view else None
    if view and start.look:
        take_look(view, start.look)
    return session, view, spot.view


MODEL = tiny(eos_token_id=embedded()[1].config.eos_token_id)
EDITS = (
    "head 1.2: zero",
    "MLP 0 at 2: mean",
    "neuron 1.3: set -0.5",
    "1.1:4-2: cut",
    "blocks.0.hook_resid_post[3,*]: scale 3.0",
    "block 1: scale 0.5",
)
PROMPTS = (
    "Once upon a time",
    "generate",
    "--view lens",
    'it\'s “quoted” "twice" $HOME `x` \\ and\na line',
    "  spaces  ",
    "<|endoftext|>Once upon a time",
    "-",
)


@pytest.mark.parametrize("seed", range(40))
def test_random_states_open_again(seed: int) -> None:
    chance = random.Random(seed)
    session = small_session(MODEL, chance.choice([42, 7]))
    session.submit(chance.choice(PROMPTS) + chance.choice(["", " there was a cat"]))
    if session.text == "-":
        session.submit("- a list")
    if chance.random() < 0.3 and not beginning.begins_with_it(session):
        beginning.toggle(session)
    for text in chance.sample(EDITS, chance.randrange(3)) if len(session.ids) > 5 else ():
        session.edit(lambda edits, text=text: edit_words.add(text, edits, len(session.ids)))  # type: ignore[misc]
    session.draws.sampling = chance.choice([Sampling(0.8, 40), Sampling(0.0), Sampling(1.5, None, 0.9)])
    for _ in range(chance.randrange(4)):
        spots.complete(session)
        session.take_token()
    spots.complete(session)
    cursor = session.cursor
    cursor.go_to_stage(chance.randrange(len(cursor.stages)))
    cursor.go_to_position(chance.randrange(len(session.ids)))
    cursor.go_to_head(chance.randrange(3))
    cursor.move_part(chance.randrange(3)) if cursor.axes != "HTS" else None
    if cursor.part:
        cursor.go_to_column(chance.randrange(cursor.columns))
    name = chance.choice(["", "heads", "lens", "attribution", "neurons", "flow"])
    shown = seen(session, name)
    if view := shown.view:
        for _ in range(3):
            view.move(chance.randrange(-2, 3), chance.randrange(-2, 3))
            chance.choice([view.next_mode, partial(next_measure, view), lambda: None])()
            view.follow(120, 30)
            settle(view)
    command = copied(shown).opens
    again, other, opened_name = reopened(command)
    assert again.ids == session.ids, command
    assert again.draws.made.keys() == session.draws.made.keys()
    assert places.in_words(again) == places.in_words(session)
    assert spots.here(again) == spots.here(session)
    assert again.cursor.head == session.cursor.head
    assert again.run.logits(len(again.ids) - 1) == pytest.approx(session.run.logits(len(session.ids) - 1))
    assert opened_name == name
    if view:
        assert other
        assert look(other) == look(view)
        settle(other)
        for each in (view, other):
            each.follow(100, 30)
        assert other.lines(100, 30) == settle(view).lines(100, 30)


def test_what_is_not_there_is_said() -> None:
    for text in ("moon", "mode=9", "row", "mode=x", "mode=1,level=99"):
        with pytest.raises(gx.GPTError):
            take_look(make("flow", small_session_with_text()), text)
    with pytest.raises(gx.GPTError, match="there is no view"):
        Start(view="moon").check()
    with pytest.raises(gx.GPTError, match="--view"):
        Start(look="mode=1").check()


def small_session_with_text() -> Session:
    session = small_session(MODEL)
    session.submit("Once upon a time")
    spots.complete(session)
    return session


async def test_a_key_copies_it_and_shows_it() -> None:
    async with opened() as (pilot, screen):
        await press(pilot, "5", "C")
        dialog = pilot.app.screen
        assert dialog is not screen
        assert pilot.app.clipboard.startswith("gpt-explorer flow 'Once upon a time there was'")
        await press(pilot, "3")
        assert pilot.app.clipboard.startswith("import explorer as gx")
        await press(pilot, "1")
        assert pilot.app.clipboard.startswith("gpt-explorer 'Once upon a time there was' --at")
        await press(pilot, "escape")
        assert pilot.app.screen is screen
