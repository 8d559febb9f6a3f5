"""The model picker: what it lists, and that switching keeps the prompt."""

import re
import threading
from pathlib import Path

import numpy as np
import pytest
from textual.widgets import DataTable

from explorer.errors import CheckpointError, HubError
from explorer.loading import catalogue
from explorer.loading.catalogue import ModelEntry, listing, locate
from explorer.loading.hub_names import KNOWN, Reference
from explorer.screen.app import ExplorerApp
from explorer.screen.dialogs.models import ModelPicker
from explorer.screen.opening import Tell
from explorer.walk.on_screen import value_under_cursor
from explorer.walk.session import Session
from tests.helpers.models import small_model
from tests.helpers.pilot import PROMPT, computed, opened, press, running, session, text, tiny, until


def test_names_and_directories(tmp_path: Path) -> None:
    here = tmp_path / "gpt2"
    here.mkdir()
    assert locate(None) == locate("stories")
    assert locate(str(here)) == here
    for name, known in KNOWN.items():
        place = locate(name)
        assert isinstance(place, Reference)
        assert place.repo == known.repo
    assert isinstance(locate("owner/model@v1"), Reference)
    for name in ("./nowhere", "/no/where", "a/b/c", "~/no-such-model"):
        with pytest.raises(CheckpointError, match="no such directory"):
            locate(name)
    for name in ("gpt9", "owner/", "a b/c"):
        with pytest.raises(HubError):
            locate(name)


def test_the_list_has_the_embedded_model_first_and_every_known_one() -> None:
    entries = listing()
    assert entries[0].name == "stories"
    assert entries[0].state == "embedded"
    assert (entries[0].layers, entries[0].heads, entries[0].width, entries[0].parameters) == (6, 6, 192, 3_505_152)
    assert set(KNOWN) <= {entry.name for entry in entries}
    assert len({entry.name for entry in entries}) == len(entries)


ENTRIES = [
    ModelEntry("stories", "embedded", 7_000_000, 6, 6, 192, 3_505_152, Path()),
    ModelEntry("other", "cached", 1_000_000, 3, 2, 8, 40_000, Path()),
    ModelEntry("[broken]", "can be fetched", 0, 1, 1, 8, 10_000, None),
]


def other(name: str, tell: Tell) -> Session:
    tell(1, 2, "downloading")
    if name == "[broken]":
        raise HubError("[broken] is gated: ask for it.")
    return session(tiny(n_layer=3, n_head=2), seed=1)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_switching_keeps_the_prompt(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "listing", lambda: ENTRIES)
    first = session()
    app = ExplorerApp(lambda tell: first, PROMPT, "stories", other)
    async with running(app, size) as (pilot, screen):
        await press(pilot, "slash", *" big", "enter")
        await computed(pilot)
        await press(pilot, "m")
        await until(pilot, lambda: isinstance(app.screen, ModelPicker))
        table = app.screen.query_one(DataTable)
        assert [str(cell) for cell in table.get_row("other")] == ["other", "cached", "1 MB", "3", "2", "8", "0.0M"]
        await press(pilot, "down", "enter")
        await until(pilot, lambda: screen.session is not first)
        await computed(pilot)
        assert screen.session
        assert screen.session.text == PROMPT + " big"
        assert screen.session.draws.seed == 42, "how tokens are drawn stays too"
        assert len(screen.session.cursor.stages) > len(first.cursor.stages)
        assert "other" in text(screen, "header")[0]


async def test_a_model_that_cannot_be_opened_leaves_the_one_that_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "listing", lambda: ENTRIES)
    first = session()
    app = ExplorerApp(lambda tell: first, PROMPT, "stories", other)
    async with running(app) as (pilot, screen):
        await press(pilot, "m")
        await until(pilot, lambda: isinstance(app.screen, ModelPicker))
        await press(pilot, "down", "down", "enter")
        await until(pilot, lambda: app._notifications)
        assert any("[broken] is gated" in notice.message for notice in app._notifications)
        assert screen.session is first
        await press(pilot, "m")
        await until(pilot, lambda: isinstance(app.screen, ModelPicker))
        await press(pilot, "escape", "right")
        assert first.cursor.stage_index == 1


async def test_escape_stops_opening_another_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "listing", lambda: ENTRIES)
    first, asked = session(), threading.Event()

    def endlessly(name: str, tell: Tell) -> Session:
        while True:
            tell(1, 2, "downloading")
            asked.set()
            threading.Event().wait(0.01)  # a network takes its time

    app = ExplorerApp(lambda tell: first, PROMPT, "stories", endlessly)
    async with running(app) as (pilot, screen):
        await press(pilot, "m")
        await until(pilot, lambda: isinstance(app.screen, ModelPicker))
        await press(pilot, "down", "enter")
        await until(pilot, asked.is_set)
        await press(pilot, "escape")
        await until(pilot, lambda: not any(worker.is_running for worker in app.workers))
        assert "stopped opening it" in text(screen, "header")[0]
        screen.show_status("")
        await press(pilot, "escape")
        assert "stopped" not in text(screen, "header")[0], "nothing is being opened any more"
        assert screen.session is first
        assert not app._notifications


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_comparing_with_another_model(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the same shape: what it says, and every activation. KL against the definition."""
    monkeypatch.setattr(catalogue, "listing", lambda: ENTRIES)
    first, second = session(), session(tiny(seed=9))
    app = ExplorerApp(lambda tell: first, PROMPT, "stories", lambda name, tell: second)
    async with running(app, size) as (pilot, screen):
        await press(pilot, "right", "m")
        await until(pilot, lambda: isinstance(app.screen, ModelPicker))
        await press(pilot, "down", "b")
        await until(pilot, lambda: re.search(r"KL.* = [\d.]+ bits", "".join(text(screen, "view"))))
        assert screen.session is first, "what is open stays open"
        assert any("other, the same prompt" in line for line in text(screen, "view"))
        answers = [np.array(each.forward(first.ids).logits[-1]) for each in (first.model, second.model)]
        before, after = (np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum() for logits in answers)
        bits = float((before * np.log2(before / after)).sum())
        assert f"= {bits:.3f} bits" in "".join(text(screen, "view"))
        await press(pilot, "v", "escape")  # every picture shows B
        cell, row = first.cell(), second.model.weights.token_embedding[first.ids[-1]]
        assert cell
        assert value_under_cursor(first) == row[cell.index[-1]]
        assert first.provenance.explain(cell).exact, "explained by its own weights"


async def test_models_of_other_shapes_are_compared_by_what_they_say_and_other_tokenizers_not_at_all() -> None:
    async with opened(session()) as (pilot, screen):
        await computed(pilot)
        screen.middle.view.compare_with(session(tiny(n_layer=3, n_head=2), seed=1), "deeper")
        await until(pilot, lambda: re.search(r"KL.* = [\d.]+ bits", "".join(text(screen, "view"))))
        await press(pilot, "v")
        assert "different shapes" in str([*pilot.app._notifications][-1].message)
        screen.middle.view.compare_with(session(small_model(vocab_size=255)), "other words")
        await pilot.pause()
        assert "another tokenizer" in str([*pilot.app._notifications][-1].message)
