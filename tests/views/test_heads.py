"""The view of all heads: what it says of each, what it draws where, and its keys."""

import re

import pytest

from explorer.analysis.heads import Behaviour, head_scores, value_weighted
from explorer.paint.spans import Line
from explorer.runs.trace import RecordedRun
from explorer.stages import Kind
from explorer.terminal.text import width
from explorer.views.heads.picture import blocks_shown
from explorer.views.heads.small_patterns import Extent, drawn, extent, levels
from explorer.views.heads.state import Head
from explorer.views.heads.view import HeadsView
from explorer.walk.session import Session
from gpt import Sampling
from tests.helpers.looking import SIZES
from tests.helpers.models import HOSTILE, Bytes, Words, embedded, finish, small_model, start
from tests.helpers.pilot import click, computed, opened, press, text, until
from tests.helpers.styles import check_style

PROMPT = "Tom and Lily went to the park. Tom said to"


@pytest.fixture(scope="module")
def story() -> Session:
    model, checkpoint = embedded()
    return start(model, checkpoint.tokenizer, PROMPT)


def worked(session: Session, mode: int = 0, size: tuple[int, int] = (56, 24)) -> HeadsView:
    """The view with all its work done, as the screen does it: draw, work, draw."""
    view = HeadsView(session)
    view.mode = mode
    for _ in range(2):
        view.follow(*size)
        for _ in view.work():
            pass
    return view


def written(view: HeadsView, size: tuple[int, int] = (56, 24)) -> list[str]:
    return ["".join(span.text for span in line) for line in view.lines(*size)]


def check(view: HeadsView, cells: int, height: int) -> None:
    """Within its cells but for what the screen clips, in styles that there are, with clicks that lead somewhere."""
    lines = view.lines(cells, height)
    assert 0 < len(lines) <= height
    config = view.session.model.config
    for line in lines:
        assert sum(width(span.text) for span in line) <= cells, "".join(span.text for span in line)
        for span in line:
            check_style(span.style)
            assert not span.style.startswith(("share", "signed")) or "/" not in span.style or span.text.strip()
            if span.action and span.action[0] != "position":
                name, layer, head = span.action
                assert name == "view"
                assert 0 <= layer < config.n_layer
                assert 0 <= head < config.n_head


# Its layout


@pytest.mark.parametrize("cells", range(110, 130))
def test_blocks_are_named_where_that_takes_no_head_away(cells: int) -> None:
    """Twelve heads take seven cells each, the chosen one 25 and two beside them, the name of a block nine."""
    model = small_model(vocab_size=256, n_positions=64, n_layer=2, n_head=12, n_embd=12)
    lines = written(worked(start(model, Bytes(), "a test"), 0, (cells, 24)), (cells, 24))
    assert any(line.startswith("block 0 ") for line in lines) == (cells >= 12 * 7 + 25 + 2 + 9)
    assert any(re.search(r"\bh(ead )?0 .*\bh(ead )?11\b", line) for line in lines), "all heads are there"


@pytest.mark.parametrize("height", [45, 46, 47, 60])
def test_the_chosen_head_takes_at_most_fourteen_lines_below(height: int) -> None:
    """Three lines say what is shown, the heads' numbers and what is left out; each block takes two."""
    model = small_model(vocab_size=256, n_positions=64, n_layer=40, n_head=2, n_embd=8)
    state = worked(start(model, Bytes(), "ab"), 0, (32, height)).state()
    assert len(blocks_shown(state, 32, height)) == (height - 14 - 3) // 2


# Small patterns


def test_every_token_has_its_dot_where_there_is_room() -> None:
    assert extent(5, 4, 8) == Extent(0, 5, 1)
    assert extent(5, 4, 8).in_words(5) == ""


def test_where_there_is_less_room_several_tokens_share_a_dot() -> None:
    part = extent(11, 10, 6)
    assert part == Extent(0, 11, 2)
    assert part.dots == 6
    assert part.in_words(11) == "one dot stands for 2 × 2 weights: their largest"


def test_of_a_long_prompt_a_stretch_with_the_position_is_shown() -> None:
    for position in (0, 77, 999):
        part = extent(1000, position, 4)
        assert part.first <= position < part.last
        assert part.dots == 4
        shown, dot = f"positions {part.first}–{part.last - 1}", "one dot stands for 16 × 16 weights: their largest"
        assert part.in_words(1000) == f"64 of 1000 tokens: {shown}, {dot}"


def test_a_dot_is_the_most_of_what_it_stands_for() -> None:
    pattern = [[1.0, 0, 0, 0], [0.0, 1.0, 0, 0], [0.25, 0.0, 0.75, 0], [0.0, 0.0625, 0.0, 0.9375]]
    assert levels(pattern, Extent(0, 4, 1)) == [
        [16, None, None, None],
        [0, 16, None, None],
        [8, 0, 14, None],
        [0, 4, 0, 15],
    ]
    assert levels(pattern, Extent(0, 4, 2)) == [[16, None], [8, 15]]


def test_what_is_not_computed_yet_is_empty() -> None:
    assert levels([[1.0]], Extent(0, 2, 1)) == [[16, None], [None, None]]


def lit(line: Line) -> list[tuple[str, str]]:
    return [(span.text, span.style) for span in line]


def test_the_stronger_half_of_a_cell_is_drawn_so_that_it_shows_without_colours() -> None:
    assert lit(drawn([[0, None], [9, 16]])[0]) == [("▄", "share:9/0"), ("▄", "share:16/")]
    assert lit(drawn([[16, None], [9, 16]])[0])[0] == ("▀", "share:16/9")
    assert lit(drawn([[3, None], [1, 16]])[0])[0] == (" ", "share:3"), "both are faint"
    assert lit(drawn([[12, None], [11, 16]])[0])[0] == (" ", "share:12"), "both are alike"


def test_the_first_of_an_odd_number_of_rows_stands_alone() -> None:
    lines = drawn([[16]])
    assert [lit(line) for line in lines] == [[("▄", "share:16/")]]


# What it says


def test_the_scores_are_those_of_the_analysis(story: Session) -> None:
    view = worked(story)
    for layer in range(6):
        for found in head_scores(story.trace, layer):
            assert view.state().scores.get(Head(found.layer, found.head)) == found


def test_the_answer_comes_first(story: Session) -> None:
    labels = [found.label for layer in range(6) for found in head_scores(story.trace, layer) if found.label]
    assert (labels.count(Behaviour.PREVIOUS_TOKEN), labels.count(Behaviour.FIRST_TOKEN), len(labels)) == (1, 4, 5)
    assert written(worked(story))[0] == "5 of 36 heads: previous token 1 · first token 4"
    assert written(worked(story), (94, 24))[0].startswith("5 of 36 heads match a known pattern: previous token 1")


def test_all_heads_are_there_at_once_and_those_with_a_name_have_it(story: Session) -> None:
    view = worked(story)
    for size in SIZES[2:]:
        spans = [span for line in view.lines(*size) for span in line]
        shown = {span.action[1:] for span in spans if span.action and span.action[0] == "view"}
        assert shown == {(layer, head) for layer in range(6) for head in range(6)}, size
        text = "\n".join(written(view, size))
        assert text.count("prev") >= 1
        assert text.count("1st") + text.count("first") >= 4


def test_a_small_picture_is_the_pattern(story: Session) -> None:
    view = worked(story)
    lines = view.lines(110, 40)
    pattern = story.trace.matrix("blocks.3.attn.hook_pattern", 1)
    part = extent(11, 10, 11)
    dots = drawn(levels(pattern, part), ("view", 3, 1))
    for line in dots[1:]:
        assert any(all(span in drawn_line for span in line) for drawn_line in lines)


def test_the_chosen_head_is_measured_in_words(story: Session) -> None:
    view = worked(story)
    view.click(3, 1)
    found = next(head_scores(story.trace, 3, [1]))
    shown = "\n".join(written(view, (78, 16)))
    assert "head 3.1  previous token" in shown
    for behaviour, score in found.scores.items():
        assert re.search(rf"{behaviour.words} +{score.value:.2f}".replace(" +0.", r" +\."), shown)
    view.mode = 2
    shown = " ".join(written(view, (94, 60)))
    assert f"previous token  {found.scores[Behaviour.PREVIOUS_TOKEN].value:.4f}, by chance" in shown
    assert "The mean attention from a token to the one before it" in shown
    assert "is labelled by a behaviour whose score is 0.4 or more" in shown


def test_what_does_not_fit_of_the_definitions_is_said(story: Session) -> None:
    view = worked(story, mode=2)
    assert written(view, (49, 15))[-1] == "… a larger terminal shows the rest"


def test_value_weighted_attention_stands_beside_the_plain_one(story: Session) -> None:
    view = worked(story, mode=1)
    weighted = value_weighted(story.trace, 3, 1)
    assert view.state().weighted_patterns.get(Head(3, 1)) == weighted
    view.click(3, 1)
    for size in [(116, 26), (196, 50)]:
        shown = "\n".join(written(view, size))
        assert "attention" in shown
        assert f"× length, to {max(map(max, weighted)):.3g}" in shown
    largest = max(max(map(max, value_weighted(story.trace, layer, head))) for layer in range(6) for head in range(6))
    legend = next(line for line in written(view) if line.startswith("attention × length moved 0 "))
    assert f" {largest:.3g}" in legend, "the legend ends at the largest of all"
    assert not any("…" in line for line in written(view)[-2:])


def test_before_it_is_measured_it_says_so(story: Session) -> None:
    view = HeadsView(story)
    assert written(view)[0] == "measuring …"
    steps = view.work()
    next(steps)
    assert "measuring 3%" in written(view)[0]
    view.mode = 1
    assert "…" in "".join(written(view))


def test_before_it_is_computed_it_says_so() -> None:
    session = Session(small_model(vocab_size=256, n_positions=64), Bytes())
    session.submit("ab")
    view = HeadsView(session)
    assert written(view) == ["computing …"]
    assert view.wanted() is None
    session.stopped = True
    assert written(view) == ["stopped · r goes on"]
    finish(session)
    assert view.wanted() is not None
    for _ in view.work():
        pass
    assert "of 6 heads" in written(view)[0]


def test_a_longer_run_is_measured_again() -> None:
    session = start(small_model(vocab_size=256, n_positions=64), Bytes(), "abcabc", sampling=Sampling(1.0))
    view = worked(session)
    before = view.wanted()
    assert session.take_token()
    finish(session)
    assert view.wanted() != before
    assert view.state().scores.get(Head(0, 0)) is None
    for _ in view.work():
        pass
    assert view.state().scores.get(Head(1, 2)) == next(head_scores(session.trace, 1, [2]))


def test_what_was_begun_for_another_prompt_is_not_shown_for_this_one() -> None:
    session = start(small_model(vocab_size=256, n_positions=64), Bytes(), "abcabc")
    view = HeadsView(session)
    steps = view.work()
    next(steps)
    session.submit("aaaa")
    finish(session)
    view.lines(56, 24)
    list(steps)
    assert view.state().scores.get(Head(0, 0)) is None
    for _ in view.work():
        pass
    assert view.state().scores.get(Head(0, 0)) == next(head_scores(session.trace, 0, [0]))


# Choosing


def test_the_chosen_head_follows_the_walk(story: Session) -> None:
    view = worked(story)
    story.cursor.go_to_value("blocks.4.attn.hook_z")
    story.cursor.go_to_head(2)
    view.follow(56, 24)
    assert view.chosen == (4, 2)
    view.move(1, -1)
    view.follow(56, 24)
    assert view.chosen == (3, 3), "until the walk moves it stays"
    story.cursor.go_to_stage(0)
    view.follow(56, 24)
    assert view.chosen == (3, 2), "outside the blocks the block stays"


def test_arrows_end_at_the_edges(story: Session) -> None:
    view = worked(story)
    view.move(-1_000_000, -10)
    assert view.chosen == (0, 0)
    view.move(1_000_000, 10)
    assert view.chosen == (5, 5)


def test_enter_opens_the_head_large(story: Session) -> None:
    view = worked(story)
    view.click(3, 1)
    story.cursor.overview = True
    assert view.enter()
    assert story.stage.kind is Kind.PATTERN
    assert (story.stage.layer, story.cursor.head, story.cursor.overview) == (3, 1, False)


# Every size and model


def hostile(tokens: int) -> Session:
    model = small_model(seed=5, vocab_size=len(HOSTILE), n_positions=64, n_embd=12, n_layer=2)
    ids = [(7 * place + 3) % len(HOSTILE) for place in range(tokens)]
    return start(model, Words(HOSTILE), " ".join(map(str, ids)))


def large(layers: int, heads: int) -> Session:
    model = small_model(vocab_size=256, n_positions=64, n_embd=2 * heads, n_layer=layers, n_head=heads)
    return start(model, Bytes(), "what goes up")


SESSIONS = {
    "one token": lambda: hostile(1),
    "hostile": lambda: hostile(8),
    "sixty tokens": lambda: hostile(60),
    "one layer, one head": lambda: start(small_model(vocab_size=256, n_layer=1, n_head=1), Bytes(), "to be"),
    "12 x 12": lambda: large(12, 12),
    "48 x 25": lambda: large(48, 25),
}


@pytest.mark.parametrize("name", SESSIONS)
def test_it_fits_everywhere(name: str) -> None:
    session = SESSIONS[name]()
    view = worked(session)
    config = session.model.config
    for mode in range(3):
        view.mode = mode
        for size in SIZES:
            for place in {(0, 0), (config.n_layer - 1, config.n_head - 1), (config.n_layer // 2, config.n_head // 2)}:
                view.click(*place)
                check(view, *size)
                if mode < 2:
                    shown = {span.action[1:] for line in view.lines(*size) for span in line if span.action}
                    assert place in shown, "the chosen one is on the page"
        for _ in view.work():
            pass


def test_of_a_large_model_it_says_which_part_is_shown() -> None:
    view = worked(SESSIONS["48 x 25"]())
    view.click(20, 11)
    shown = "\n".join(written(view))
    assert re.search(r"\d+ of 48 blocks · \d of 25 heads", shown)
    assert "of 25" in shown


def recorded(session: Session, without: str = "") -> Session:
    values = {name: value for name, value in session.run.values.items() if not without or without not in name}
    trace = RecordedRun(session.config, session.ids, values)
    shown = Session(trace, session.tokenizer)
    shown.begin(trace, session.text)
    return shown


def test_a_recorded_run_shows_attention_and_says_what_is_missing(story: Session) -> None:
    for mode in range(3):
        view = worked(recorded(story), mode)
        assert written(view)[0].startswith("5 of 36 heads")
    view = worked(recorded(story, without="pattern"))
    assert written(view) == ["This run was recorded without its attention patterns."]
    assert view.wanted() is None


# On the screen


def played() -> Session:
    model, checkpoint = embedded()
    return Session(model, checkpoint.tokenizer, Sampling(0.8, 40), 42)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=str)
async def test_from_the_overview_to_the_head_that_looks_back(size: tuple[int, int]) -> None:
    async with opened(played(), size, prompt=PROMPT) as (pilot, screen):
        await computed(pilot)
        await press(pilot, "1")
        await until(pilot, lambda: text(screen, "view")[0].startswith("5 of 36 heads"))
        await press(pilot, "home", "pageup", *["down"] * 3, "right")
        assert any("head 3.1  previous token" in line for line in text(screen, "view"))
        await press(pilot, "enter")
        assert screen.session
        assert screen.view is None
        assert screen.session.stage.kind is Kind.PATTERN
        assert (screen.session.stage.layer, screen.session.cursor.head) == (3, 1)


async def test_a_click_chooses_a_head_and_v_weighs_it() -> None:
    async with opened(played(), (120, 36), prompt=PROMPT) as (pilot, screen):
        await computed(pilot)
        await press(pilot, "1")
        await click(pilot, "view", ("view", 4, 2))
        assert isinstance(screen.view, HeadsView)
        assert screen.view.chosen == (4, 2)
        await press(pilot, "v")
        await until(pilot, lambda: any("× length, to" in line for line in text(screen, "view")))
        assert screen.query_one("#view").border_subtitle == "value-weighted"
