"""What W saves of the sweep, patching, scores and circuits: the numbers of the view, and those of the commands."""

import csv
import io
import json
from typing import Any

import numpy as np
import pytest

from explorer.api.results import Numbers, Table
from explorer.cli import main
from explorer.edits import Zero, where
from explorer.errors import CellError
from explorer.runs import running
from explorer.saving.formats import as_csv, as_json
from explorer.saving.views import of_view
from explorer.views.circuits.state import Show
from explorer.views.circuits.view import CircuitsView
from explorer.views.patching.view import PatchingView
from explorer.views.scores.view import ScoresView
from explorer.views.sweep.layout import OFFERED
from explorer.views.sweep.view import SweepView
from explorer.views.view import View
from explorer.walk.session import Session
from explorer.walk.what_if import OtherRun
from tests.helpers.looking import ask, overflowed, settle, without_weights
from tests.helpers.models import Bytes, embedded, never, small_model, start

A, B = "Tom and Lily went to the park. Tom said to", "Tom and Lily went to the park. Lily said to"
NEAR: Any = {"rtol": 1e-3, "atol": 2e-5}  # views compute a sweep and patching in float32


def story() -> Session:
    model, checkpoint = embedded()
    return start(model, checkpoint.tokenizer, A)


def asked(view: View, **chosen: Any) -> View:
    ask(view, **chosen)
    return settle(view)


def saved(view: View) -> tuple[Any, list[list[str]]]:
    """The numbers, and the rows of the CSV, which hold the same."""
    found = of_view(view)
    rows = list(csv.reader(io.StringIO(as_csv(found))))
    again = json.loads(as_json(found, {}))
    if isinstance(found, Numbers):
        assert again["values"] == found.values.tolist()
        return found, rows
    assert rows[0] == list(found.columns) == again["columns"]
    assert len({len(row) for row in rows}) == 1
    for row, exact, parsed in zip(rows[1:], found.rows, again["rows"], strict=True):
        for text, value, read in zip(row, exact, parsed, strict=True):
            assert (float(text) == value == read) if isinstance(value, float) else (text == str(value) == str(read))
    return found, rows


def column(found: Table, name: str) -> list[float]:
    return [row[found.columns.index(name)] for row in found.rows]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command; its CSV as rows without their heading, or its JSON."""

    def run(*words: str) -> Any:
        assert main([*words, "--engine", "numpy"]) == 0
        out = capsys.readouterr().out
        return json.loads(out) if "--json" in words else list(csv.reader(io.StringIO(out)))[1:]

    return run


# Sweep


@pytest.mark.parametrize(
    ("chosen", "words", "edits"),
    [
        ({}, (), True),
        ({"site": OFFERED.index("mlp_out"), "done": 1}, ("--over", "mlp_out", "--mean"), False),
        (
            {"site": OFFERED.index("resid_pre"), "positions": 1, "done": 2, "factor": "0.5"},
            ("--over", "resid_pre", "--by-position", "--scale", "0.5"),
            False,
        ),
    ],
    ids=["heads of an edited run", "mean", "positions"],
)
def test_a_sweep(said: Any, chosen: dict[str, Any], words: tuple[str, ...], edits: bool) -> None:
    session = story()
    if edits:
        session.edit(lambda entries: entries.add(where.head(2, 5), Zero(), len(session.ids)))
        assert running.complete(session.run, never)
        words = (*words, "--edit", "head 2.5: zero")
    view = asked(SweepView(session), token=" Lily", versus=" Tom", **chosen)
    assert isinstance(view, SweepView)
    found, _ = saved(view)
    state = view.state()
    assert state
    for mode, (name, metric) in enumerate(
        [
            ("probability of ·Lily", ("probability",)),
            ("logit of ·Lily less that of ·Tom", ("logit-diff", "--versus", " Tom")),
            ("KL in bits", ("kl",)),
        ]
    ):
        token = () if metric[0] == "kl" else ("--token", " Lily")
        given = said("sweep", A, *words, "--metric", *metric, *token, "--json")
        effects = given["effects"] if "effects" in given else given["values"]
        np.testing.assert_allclose(column(found, name), np.ravel(effects), **NEAR)
        view.mode = mode
        shown = view.state()
        assert shown
        cells = sorted(shown.measured)
        assert column(found, name) == [shown.value(*shown.layout.at(cell)) for cell in cells]
        assert [row[0] for row in found.rows] == [shown.in_words(cell) for cell in cells]
    baseline = said("sweep", A, *words, "--metric", "probability", "--token", " Lily", "--json")["baseline"]
    assert found.note.startswith("before: probability of ·Lily ")
    assert float(found.note.split()[4].rstrip(",")) == pytest.approx(baseline, abs=1e-5)


def test_a_sweep_between_two_runs_has_the_normalised_measure_where_it_is_shown(said: Any) -> None:
    session = story()
    assert session.model
    session.what_if.other = OtherRun(B, start(session.model, session.tokenizer, B).run)
    view = asked(SweepView(session), done=3, token=" Lily", versus=" Tom", measure=3)
    found, _ = saved(view)
    given = said("patch", A, B, "--noising", "--token", " Lily", "--versus", " Tom", "--json")
    np.testing.assert_allclose(column(found, "normalised"), np.ravel(given["values"]), rtol=1e-3, atol=1e-4)
    view.mode = 0
    assert "normalised" not in of_view(view).columns  # type: ignore[union-attr]


# Patching


@pytest.mark.parametrize(("way", "noising"), [(0, ()), (1, ("--noising",))])
def test_patching(said: Any, way: int, noising: tuple[str, ...]) -> None:
    view = asked(PatchingView(story()), prompt=B, way=way)
    assert isinstance(view, PatchingView)
    found, _ = saved(view)
    given = said("patch", A, B, *noising, "--json")
    np.testing.assert_allclose(column(found, "normalised"), np.ravel(given["values"]), rtol=1e-3, atol=1e-4)
    state = view.state()
    assert state
    assert column(found, "normalised") == [state.value(*state.layout.at(cell)) for cell in sorted(state.leads)]
    low, high = (said("sweep", text, "--over", "mlps", *metric)["baseline"] for text, metric in zip((B, A), [LEAD] * 2))
    normalised = (np.array(column(found, "lead")) - low) / (high - low)
    np.testing.assert_allclose(normalised, column(found, "normalised"), rtol=1e-3, atol=1e-4)
    assert found.title.endswith("lead of ·Lily over ·Tom")


LEAD = ("--metric", "logit-diff", "--token", " Lily", "--versus", " Tom", "--json")


# Scores


def test_the_table_of_a_score(said: Any) -> None:
    session = story()
    session.cursor.go_to_position(len(session.ids) - 1)
    view = asked(ScoresView(session), head="5.2", key=3)  # the third choice is the token at 2
    found, _ = saved(view)
    assert found.title == "score of head 5.2, ·to (10) → ·Lily"
    given = {(row[0], row[1]): float(row[2]) for row in said("score", A, "--head", "5.2", "--key", "2", "--csv")}
    table = np.array([row[1:] for row in found.rows], dtype=float)
    inner = table[1:, 1:]
    np.testing.assert_allclose(sorted(inner.ravel()), sorted(given.values()), atol=1e-4)
    names = [row[0] for row in found.rows[1:]]
    known = 0
    for i, query in enumerate(names):
        for j, key in enumerate(found.columns[2:]):
            if (query, key) in given:
                known += 1
                assert inner[i, j] == pytest.approx(given[query, key], abs=1e-4)
    assert known > len(given) / 2
    np.testing.assert_allclose(table[0, 1:], inner.sum(axis=0), atol=1e-9)
    np.testing.assert_allclose(table[1:, 0], inner.sum(axis=1), atol=1e-9)
    raw = np.asarray(session.run.values["blocks.5.attn.hook_attn_scores"][2][10][2])
    assert table[0, 0] == pytest.approx(float(raw), abs=1e-4), "all of it is the score"


# Circuits


def test_what_a_head_promotes(said: Any) -> None:
    found, rows = saved(asked(CircuitsView(story()), head="5.2", token=" Lily", show=int(Show.PROMOTES)))
    given = [
        (name, float(value))
        for name, value in said("circuit", "--head", "5.2", "--token", " Lily", "--top", "4096", "--csv")
    ]
    ours = [(name, float(value)) for name, value in rows[1:]]
    assert [name for name, _ in ours] == [name for name, _ in (*given[:40], *given[-40:])]
    np.testing.assert_allclose([value for _, value in ours], [value for _, value in (*given[:40], *given[-40:])])
    assert found.title.startswith("head 5.2 attending to ·Lily")


def test_what_a_head_matches(said: Any) -> None:
    session = story()
    token = session.tokenizer.encode(" Lily")[0]
    _, rows = saved(asked(CircuitsView(session), head="5.2", token=" Lily", show=int(Show.MATCHES)))
    given = said("circuit", "--head", "5.2", "--circuit", "qk", "--token", " Lily", "--top", "4096", "--csv")
    by_query = [(name, float(value)) for side, name, value in rows[1:] if side == "query"]
    expected = [(name, float(value)) for name, value in (*given[:40], *given[-40:])]
    assert [name for name, _ in by_query] == [name for name, _ in expected]
    np.testing.assert_allclose([value for _, value in by_query], [value for _, value in expected])
    by_key = {name: float(value) for side, name, value in rows[1:] if side == "key"}
    name = next(iter(by_key))
    (id,) = session.tokenizer.encode(name.replace("·", " "))
    of_it = said("circuit", "--head", "5.2", "--circuit", "qk", "--token", f"id:{id}", "--top", "4096", "--csv")
    assert by_key[name] == pytest.approx(float(dict(of_it)[session.label(token)])), "from the other side"


@pytest.mark.parametrize("circuit", ["ov", "qk"])
def test_singular_vectors(said: Any, circuit: str) -> None:
    view = asked(CircuitsView(story()), head="5.2", show=int(Show.DIRECTIONS), circuit=("ov", "qk").index(circuit))
    _, rows = saved(view)
    given = said("circuit", "--head", "5.2", "--circuit", circuit, "--top", "12", "--csv")
    np.testing.assert_allclose([float(row[0]) for row in rows[1:]], [float(row[0]) for row in given[: len(rows) - 1]])
    for row, other in zip(rows[1:], given):
        assert row[1].split()[: len(other[1].split())] == other[1].split()
        assert row[2].split()[: len(other[2].split())] == other[2].split()


def test_positions(said: Any) -> None:
    session = story()
    found, rows = saved(asked(CircuitsView(session), head="5.2", show=int(Show.POSITIONS)))
    given = said("circuit", "--head", "5.2", "--positions", str(len(session.ids)), "--json")
    np.testing.assert_allclose(np.asarray(found), given["values"])
    assert rows[0][1] == rows[1][0] == "0 Tom"
    assert rows[0][0] == "query"


@pytest.mark.parametrize("kind", ["q", "k", "v"])
def test_composition(said: Any, kind: str) -> None:
    view = asked(CircuitsView(story()), head="4.1", show=int(Show.COMPOSITION), kind="qkv".index(kind))
    found, _ = saved(view)
    given = np.array(said("circuit", "--composition", kind, "--json")["values"])
    np.testing.assert_allclose(np.asarray(found), given[:4, :, 4, 1])
    assert [axis.name for axis in found.axes] == ["block", "head"]
    with pytest.raises(CellError, match="no earlier heads"):
        of_view(asked(view, head="0.1"))


def test_a_small_vocabulary_has_each_token_once() -> None:
    session = start(small_model(vocab_size=50, n_positions=24), Bytes(), "\x01\x02\x03")
    for show, count in ((Show.PROMOTES, 50), (Show.MATCHES, 100)):
        _, rows = saved(asked(CircuitsView(session), show=int(show)))
        assert len(rows) == 1 + count
        assert len(set(map(tuple, rows))) == len(rows)


# Where there are none


@pytest.mark.parametrize("kind", [SweepView, PatchingView, ScoresView, CircuitsView])
def test_without_the_model_the_reason_is_said(kind: type[View]) -> None:
    with pytest.raises(CellError, match="recorded run"):
        of_view(settle(kind(without_weights())))


@pytest.mark.parametrize("kind", [SweepView, ScoresView, CircuitsView])
def test_before_they_are_computed_one_is_told_to_wait(kind: type[View]) -> None:
    with pytest.raises(CellError, match="wait"):
        of_view(kind(story()))


def test_without_another_run_it_is_said_how_to_come_by_one() -> None:
    with pytest.raises(CellError, match="corrupted one"):
        of_view(settle(PatchingView(story())))
    session = story()
    session.what_if.other = OtherRun(B, session.run)
    view = asked(SweepView(session), done=3)
    session.what_if.other = None
    with pytest.raises(CellError, match="no other run"):
        of_view(settle(view))


def test_infinite_numbers_are_null_in_json() -> None:
    for kind in (SweepView, ScoresView):
        view = settle(kind(overflowed()))
        try:
            found = of_view(view)
        except CellError:
            continue
        assert "Infinity" not in as_json(found, {})
        assert "NaN" not in as_json(found, {})
