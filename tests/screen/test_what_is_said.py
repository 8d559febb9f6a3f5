"""The words beside the numbers: at which temperature, how many, from where, and how many are out of sight."""

import re
from typing import Any

import pytest
from textual.widgets._toast import Toast, ToastRack

from explorer.analysis.difference import Difference
from explorer.edits import Edits, Scale, Set, Zero, edited, where
from explorer.paint.map import map_of, rail
from explorer.paint.number import number_under_cursor
from explorer.paint.pictures import picture
from explorer.paint.predictions import percent
from explorer.paint.spans import Span, clipped, part_of, shortened
from explorer.screen.main.screen import MainScreen
from explorer.terminal.text import short
from explorer.views.sweep.view import SweepView
from explorer.walk.session import Session
from gpt import Sampling
from gpt.ops import softmax_row
from tests.helpers.looking import settle, text_of, without_weights
from tests.helpers.models import Bytes, finish, small_model, start
from tests.helpers.pilot import SIZES, click, computed, opened, press, session, text, tiny, until

MODEL = small_model(seed=2, vocab_size=256, n_positions=24, n_head=6, n_embd=12)
PANES = [(76, 15), (116, 24), (156, 40)]  # of the picture at 80x24, 120x36, 160x48


def at(stage: str, text: str = "kitchens", **settings: Any) -> Session:
    """A session at the last token of that stage."""
    here = start(MODEL, Bytes(), text, **settings)
    here.cursor.go_to_stage(next(i for i, each in enumerate(here.cursor.stages) if each.id == stage))
    here.cursor.go_to_position(len(here.ids) - 1)
    finish(here)
    return here


def lines(here: Session, cells: int, height: int) -> list[str]:
    return text_of(picture(here, cells, height))


# Temperature


@pytest.mark.parametrize("stage", ["probabilities", "draw"])
def test_what_is_drawn_from_says_its_temperature(stage: str) -> None:
    here = at(stage, sampling=Sampling(2.0, 40))
    logits = here.trace.logits(7)
    assert logits
    kept = sorted(logits, reverse=True)[:40]
    shares = softmax_row([logit / 2 for logit in kept])
    for size in PANES:
        shown = "\n".join(lines(here, *size))
        assert "p is drawn from: T 2, top-k 40, top-p 1" in shown
        assert percent(shares[0]) in shown


@pytest.mark.parametrize("size", SIZES)
async def test_the_answer_beside_it_says_that_it_is_at_temperature_1(size: tuple[int, int]) -> None:
    async with opened(session(tiny()), size) as (pilot, screen):
        await press(pilot, "end", "left")
        await computed(pilot)
        here = screen.session
        assert here
        pane = "next" if screen.query_one("#next").display else "rail"
        said = str(screen.query_one("#next").border_title) if pane == "next" else text(screen, pane)[0]
        assert "at T 1" in said
        ranking = here.trace.ranking("logits", here.position)
        assert ranking
        assert percent(ranking.probabilities[ranking.order[0]]) in "\n".join(text(screen, pane))


# How many


def test_the_last_of_eight_tokens_is_the_eighth() -> None:
    here = at("tokens")
    line, code = text_of(number_under_cursor(here, 80, 2))
    assert "token 8 of 8 (position 7), id" in line
    assert code.startswith("gpt/tokenizer.py:")


@pytest.mark.parametrize("size", PANES, ids=str)
def test_every_head_is_listed_with_what_it_wrote(size: tuple[int, int]) -> None:
    here = at("blocks.1.attn_out") if any(s.id == "blocks.1.attn_out" for s in at("tokens").cursor.stages) else None
    here = here or at(next(s.id for s in at("tokens").cursor.stages if s.title.startswith("heads")))
    shown = "\n".join(lines(here, *size))
    writes = here.trace.head_writes(here.stage.layer or 0, here.position)
    assert writes
    for head, write in enumerate(writes):
        assert re.search(rf"head {head} +{sum(value * value for value in write) ** 0.5:.3f}", shown)


def test_heads_that_do_not_fit_are_counted() -> None:
    model = small_model(seed=2, vocab_size=256, n_positions=24, n_head=24, n_embd=24)
    here = start(model, Bytes(), "kitchens")
    here.cursor.go_to_stage(next(i for i, each in enumerate(here.cursor.stages) if each.title.startswith("heads")))
    shown = "\n".join(lines(here, 76, 15))
    count = len(re.findall(r"head \d+ ", shown))
    assert 3 < count < 24
    assert re.search(rf"{24 - count} more [\d.]+  at most", shown)


@pytest.mark.parametrize("size", PANES, ids=str)
def test_a_grid_says_how_many_of_its_tokens_are_there(size: tuple[int, int]) -> None:
    here = start(MODEL, Bytes(), "a long line of letters")
    for index, stage in enumerate(here.cursor.stages):
        here.cursor.go_to_stage(index)
        if "attn.hook_pattern" not in str(here.cursor.part):
            continue
        shown = lines(here, *size)
        if here.cursor.axes == "HTS":  # of a thumbnail those outside are counted: of the rest two share a line, or more
            outside = sum(int(count) for line in shown for count in re.findall(r"[↑↓] (\d+) row", line))
            in_a_dot = next((int(found[1]) for line in shown if (found := re.search(r"largest of (\d+) x", line))), 1)
            grid = shown[: next((y for y, line in enumerate(shown) if "heads of this block" in line), len(shown))]
            if dots := sum(line.lstrip(" ·abcdefghijklmnopqrstuvwxyz").startswith("▀") for line in grid):
                assert 2 * in_a_dot * (dots - 1) < 22 - outside <= 2 * in_a_dot * dots, stage.id
            else:
                assert sum(line.split()[:1] == [label] for label in here.labels() for line in grid) >= 22
            continue
        numbered = [re.search(r"(\d+) of 22 (tokens|rows)", line) for line in shown]
        count = next((int(found[1]) for found in numbered if found), 22)
        labels = [label for label in here.labels() if any(line.split(" ")[0:1] == [label] for line in shown)]
        assert labels or count, stage.id
        assert count < 22 or size[1] > 22 + 2, stage.id


def test_only_what_is_missing_is_marked() -> None:
    assert clipped([Span("head 5  ")], 6) == [Span("head 5")]
    assert clipped([Span("head 5"), Span("   ")], 6) == [Span("head 5")]
    assert clipped([Span("head 5!")], 6) == [Span("head …")]
    assert clipped([Span("head 5 "), Span("6")], 6) == [Span("head …")]


def test_what_is_out_of_sight_is_counted() -> None:
    assert part_of(0, 8, 8, "tokens") == ""
    assert part_of(4, 8, 8, "tokens", "positions") == "4 of 8 tokens: positions 4–7"
    assert text_of(shortened([[Span(str(i))] for i in range(9)], 4)) == ["0", "1", "2", "… 6 more lines"]
    assert len(shortened([[Span("a")]] * 4, 4)) == 4


def test_the_map_says_how_many_stages_are_out_of_sight() -> None:
    here = at("blocks.1.ln2")
    everything = text_of(map_of(here, 22, 100))
    for height in (5, 12, 20):
        shown = text_of(map_of(here, 22, height))
        hidden = sum(int(found[1]) for line in shown if (found := re.match(r"[↑↓] (\d+) more", line)))
        assert len(shown) == height
        assert sum(not re.match(r"[↑↓]", line) for line in shown) + hidden == len(everything)


# Bars


def test_bars_of_logits_begin_at_zero() -> None:
    here = at("logits")
    ranking = here.trace.ranking("logits", 7)
    assert ranking
    high = ranking.logits[ranking.order[0]]
    for line in lines(here, 110, 40)[1:20]:
        found = re.match(r"▸? +\d+ +\S+ +\d+ +([+−][\d.]+) +│(█*)", line)
        assert found
        value = float(found[1].replace("−", "-"))
        width = len(lines(here, 110, 40)[1].split("│")[1])
        assert len(found[2]) == pytest.approx(width * value / high, abs=1)


def test_before_the_activation_nothing_has_fired() -> None:
    before, after = ("\n".join(lines(at(f"blocks.0.{stage}"), 110, 40)) for stage in ("pre", "activation"))
    assert "fired" not in before
    assert "highest of 48 neurons" in before
    assert "fired most, of 48 neurons" in after


# Edits


def test_the_map_and_the_head_show_what_is_edited() -> None:
    here = at("blocks.1.pattern")
    assert "✎" not in "".join(lines(here, 49, 15) + text_of(map_of(here, 22, 40)) + text_of(rail(here, 78)))
    here.edit(lambda edits: edits.add(where.head(1, 4), Zero(), 8))
    finish(here)
    assert re.search(r"3 +4✎ +5", lines(here, 58, 24)[0])
    marked = [line for line in text_of(map_of(here, 22, 40)) if "✎" in line]
    assert [line.strip("●│▶ ✎") for line in marked] == ["block 1", "z"]
    assert re.search(r"0  1 ✎", text_of(rail(here, 78))[0])
    here.show(here.what_if.base)
    assert not here.what_if.places_edited(), "the run without the edits is looked at"


def test_an_edit_that_changes_nothing_is_known() -> None:
    here = at("blocks.1.pattern")
    for what, idle in ((Scale(1), True), (Zero(), False), (Zero(), True), (Set(0), True), (Scale(2), True)):
        here.edit(lambda edits: edits.add(where.head(1, 4), what, 8))  # noqa: B023
        finish(here)
        assert (len(here.what_if.edits) - 1 in here.what_if.idle) is idle
    assert [line.endswith("(changes nothing)") for line in here.what_if.lines(here.labels())] == [True, False] + [
        True
    ] * 3


def test_an_edit_that_was_made_anew_is_measured_by_the_run_it_is_in() -> None:
    here = at("tokens")
    edits = Edits(MODEL.config)
    edits.add(where.mlp(0), Scale(1), 8)
    edits.add(where.mlp(0), Zero(), 8)
    changed = edited(here.trace, edits.active)
    assert changed.editor is not None
    here.what_if.begin(changed)
    finish(here)
    assert changed.editor.effective == {1}  # type: ignore[attr-defined]


def shown(screen: MainScreen) -> list[Toast]:
    """The notices on the screen."""
    return list(screen.get_child_by_type(ToastRack).query(Toast))


@pytest.mark.parametrize("size", SIZES)
async def test_it_is_said_and_the_notice_covers_no_number_and_goes_with_its_pane(size: tuple[int, int]) -> None:
    async with opened(session(tiny()), size, notices=True) as (pilot, screen):
        pilot.app.NOTIFICATION_TIMEOUT = 3600  # they go with their pane, and not because time has passed
        await press(pilot, "right")
        screen.editing.edit(lambda edits: edits.add(where.mlp(0), Scale(1), None))
        await computed(pilot)
        assert any("changes nothing" in notice.title for notice in pilot.app._notifications)
        await press(pilot, "y")
        await until(pilot, lambda: all(toast.region.area for toast in shown(screen)) and len(shown(screen)) == 2)
        toasts = shown(screen)
        for toast in toasts:
            assert not toast.region.overlaps(screen.query_one("#number").region)
            assert not toast.region.overlaps(screen.query_one("#header").region)
        await press(pilot, "1")
        assert not list(pilot.app._notifications)
        await press(pilot, "escape", "y")
        assert list(pilot.app._notifications)
        await press(pilot, "question_mark")
        assert not list(pilot.app._notifications)


async def test_the_dialog_says_what_enter_does() -> None:
    async with opened(session(tiny())) as (pilot, screen):
        await press(pilot, "right", "x")
        dialog = pilot.app.screen.query_one("#what-if")
        assert str(dialog.border_subtitle).startswith("enter: what to do with it")
        await press(pilot, "enter")
        assert str(dialog.border_subtitle).startswith("enter makes it")
        await press(pilot, "down")
        assert str(dialog.border_subtitle).startswith("enter: how much"), "to scale it takes a number"
        await press(pilot, "enter")
        assert str(dialog.border_subtitle).startswith("enter makes it")
        await press(pilot, "enter")
        assert pilot.app.screen is screen


# The sweep


def test_the_most_is_that_of_all_that_shares_the_map_in_the_colour_of_its_sign() -> None:
    here = at("tokens", "cat")
    view = SweepView(here)
    settle(view)
    found = view.state()
    assert found
    for mode in range(3):
        effects = {cell: values[mode] - found.baseline[mode] for cell, values in found.measured.items()}
        most = max(effects, key=lambda cell: abs(effects[cell]))
        (line,) = [line for line in view.lines(110, 40) if line and line[0].text == "most: "]
        assert line[1].text == found.in_words(most) + " "
        assert line[2].style == ("positive" if effects[most] >= 0 else "negative")
        spread = abs(effects[most]) * (100 if mode == 0 else 1)
        shown = "\n".join(text_of(view.lines(110, 40)))
        assert f"−{short(spread, 3)} " in shown
        assert f" +{short(spread, 3)}" in shown
        view.next_mode()


async def test_after_the_walk_has_stopped_the_footer_offers_no_stop() -> None:
    async with opened() as (pilot, screen):
        await press(pilot, "space")
        assert "esc stop" in text(screen, "footer")[0]
        await press(pilot, "space")
        assert "esc stop" not in text(screen, "footer")[0]
        await press(pilot, "space", "escape")
        assert "esc stop" not in text(screen, "footer")[0]


async def test_how_long_the_run_took_stays_in_the_top_line() -> None:
    async with opened() as (pilot, screen):
        assert "computed in" in text(screen, "header")[0]
        await press(pilot, "slash", "escape")
        assert "computed in" in text(screen, "header")[0]
        screen.show_status("something else")
        assert "computed in" not in text(screen, "header")[0]
        screen.show_status("")
        assert "computed in" in text(screen, "header")[0]


async def test_at_80_columns_the_settings_have_their_names() -> None:
    async with opened(size=(80, 24)) as (_, screen):
        line = text(screen, "header")[0]
        assert "computed in" in line
        assert "top-k 40  top-p 1" in line


async def test_a_prompt_of_several_lines_says_that_there_are_more() -> None:
    async with opened(size=(80, 24), prompt="One.\nTwo.\nThree.") as (pilot, screen):
        rows = [screen.prompt.render_line(y).text for y in range(screen.prompt.size.height)]
        assert len(rows) == 1
        assert "One." in rows[0]
        assert "↓ 2 more lines" in rows[0]
        await press(pilot, "slash")
        line = screen.prompt.render_line(0).text
        assert "Three." in line
        assert "↑ 2 more lines" in line
    async with opened(size=(80, 24)) as (pilot, screen):
        assert "more line" not in screen.prompt.render_line(0).text


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("ctrl+s", "This run is a file already."),
        ("x", "no model that could run it edited"),
        ("m", "walked without a model"),
        ("n", "no model that could go on"),
        ("T enter", "a tour needs a model"),
        ("B", "bookmarks need a model"),
    ],
)
async def test_a_recorded_run_says_what_needs_a_model(key: str, words: str) -> None:
    async with opened(without_weights(), wait=False) as (pilot, screen):
        await until(pilot, lambda: screen.ready)
        await press(pilot, "right", *key.split())
        assert [words in notice.message for notice in pilot.app._notifications] == [True]
        assert pilot.app.screen is screen


async def test_after_the_end_of_the_text_it_is_said_that_it_has_ended() -> None:
    async with opened(session(tiny(eos_token_id=7))) as (pilot, screen):
        for token, said in ((7, True), (8, False)):
            screen.playback.draw_chosen(token)
            await computed(pilot)
            await press(pilot, "n")
            messages = [notice.message for notice in pilot.app._notifications]
            assert any("text has ended here" in message for message in messages) == said
            await computed(pilot)
            await press(pilot, *["backspace"] * 20)
            await computed(pilot)
            pilot.app.clear_notifications()


async def test_a_click_takes_the_token_before_the_prompt_away_and_its_edit_goes_with_it() -> None:
    async with opened(session(tiny(eos_token_id=0))) as (pilot, screen):
        here = screen.session
        assert here
        before = list(here.ids)
        await click(pilot, "header", ("bos",))
        await computed(pilot)
        assert here.ids == [0, *before]
        for at in (0, 2):
            screen.editing.edit(lambda edits, at=at: edits.add(where.mlp(0, at), Zero(), None))  # type: ignore[misc]
        await computed(pilot)
        pilot.app.clear_notifications()
        await click(pilot, "header", ("bos",))
        await computed(pilot)
        assert here.ids == before
        assert [entry.edit.where for entry in here.what_if.edits] == [where.mlp(0, 1)]
        assert "An edit is gone" in [notice.title for notice in pilot.app._notifications]


async def test_in_the_difference_of_two_runs_nothing_opens_and_that_is_said() -> None:
    async with opened() as (pilot, screen):
        here = screen.session
        assert here
        screen.editing.edit(lambda edits: edits.add(where.head(0, 1), Zero(), None))
        await computed(pilot)
        assert here.what_if.pair
        here.show(Difference(here.what_if.pair))
        for key in ("enter", "i"):
            pilot.app.clear_notifications()
            await press(pilot, "down", "right", key)
            assert ["difference of two runs" in notice.message for notice in pilot.app._notifications] == [True]
            assert here.why is None
            assert here.code is None
