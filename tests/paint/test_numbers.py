"""Every number on the screen is the one that was computed: the pictures are read back and held against NumPy."""

import re
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from explorer.paint.number import number_under_cursor
from explorer.paint.pictures import picture
from explorer.paint.pictures.vectors.shown import Shown
from explorer.paint.pictures.vectors.strip import strip
from explorer.paint.pictures.vocabulary import _ranks, drawing
from explorer.paint.predictions import predictions
from explorer.paint.spans import SIGNED_LEVELS, Line, Span, spread_of
from explorer.paint.terms import operation
from explorer.paint.tokens import TokenRow, tokens
from explorer.runs.cells import Cell
from explorer.walk.session import Session
from gpt import Sampling
from tests.helpers.models import Words, finish, small_model, start
from tests.helpers.numpy_gpt2 import Array, softmax

LETTERS = [bytes([letter]) for letter in b"abcdefghijklmnopqrstuvwxyz"]
MODEL = small_model(seed=5, vocab_size=26, n_positions=64, n_embd=12, n_layer=2)
SAMPLING = Sampling(0.9, 15, 0.8)
WIDE = (110, 40)


@cache
def session() -> Session:
    """Five letters and one that was drawn after them."""
    built = start(MODEL, Words(LETTERS), "7 4 11 11 14", sampling=SAMPLING, seed=3)
    assert built.take_token()
    finish(built)
    return built


def at(id: str, position: int = 4, part: int | None = None, column: int = 0) -> Session:
    """The session with its cursor there, and the lenses that are wanted there."""
    here = session()
    here.cursor.overview = False
    here.cursor.go_to_head(1)
    here.cursor.go_to_position(position)
    here.cursor.go_to_stage([stage.id for stage in here.cursor.stages].index(id))
    here.cursor.go_to_part(len(here.stage.parts) - 1 if part is None else part)
    here.cursor.go_to_column(column)
    finish(here)
    return here


def read(text: str) -> float:
    return float(text.strip(" []").replace("−", "-").replace("-∞", "-inf"))


def text_of(line: Line) -> str:
    return "".join(span.text for span in line)


def cells(lines: list[Line]) -> dict[tuple[int, ...], Span]:
    """The spans of a grid by (position, column); the list below it, which leads there too, is left out."""
    spans = [span for line in lines for span in line if span.action and span.action[0] == "cell"]
    return {span.action[1:]: span for span in reversed(spans) if span.action}


def recorded(name: str) -> Array:
    return np.array(session().trace.values[name])


@pytest.mark.parametrize("head", [0, 1, 2])
def test_the_grid_of_a_pattern(head: int) -> None:
    here = at("blocks.1.pattern")
    here.cursor.go_to_head(head)
    shown = cells(picture(here, *WIDE))
    pattern = recorded("blocks.1.attn.hook_pattern")[head]
    assert set(shown) == set(np.ndindex(6, 6))
    for (query, key), span in shown.items():
        if key > query:
            assert span.text.strip() == "·"
            assert span.style == "masked"
        else:
            assert read(span.text) == pytest.approx(pattern[query, key], abs=0.005001)
            root = round(16 * pattern[query, key] ** 0.5)
            assert span.style == f"share:{root}" + ("!" if (query, key) == (4, 0) else "")


@pytest.mark.parametrize("stage", ["raw", "scaled", "masked"])
def test_the_grid_of_scores(stage: str) -> None:
    here = at(f"blocks.0.{stage}")
    assert here.cursor.part
    scores = recorded(here.cursor.part.activation)[1]
    shown = cells(picture(here, *WIDE))
    assert set(shown) == set(np.ndindex(6, 6))
    for place, span in shown.items():
        digits = len(span.text.strip("[] ").partition(".")[2])
        assert read(span.text) == pytest.approx(scores[place], abs=0.5001 * 10.0**-digits)
        if np.isfinite(scores[place]):
            assert span.style.endswith("!") == (place == (4, 0)), "the cursor marks and never paints"
            assert int(span.style.removeprefix("signed:").removesuffix("!")) * scores[place] >= 0


def test_what_a_row_of_the_pattern_says() -> None:
    for position in range(6):
        text = text_of(picture(at("blocks.0.pattern", position), *WIDE)[-1])
        row = recorded("blocks.0.attn.hook_pattern")[1, position]
        there = session().label(session().ids[int(row.argmax())])
        assert text == f"{session().label(session().ids[position])} in head 1 looks most at {there} ({row.max():.2f})."


def test_small_pictures_of_all_heads_show_the_same_levels() -> None:
    here = at("blocks.1.pattern")
    here.cursor.overview = True
    pattern = recorded("blocks.1.attn.hook_pattern")
    rows = [line for line in picture(here, *WIDE, False) if any(span.style.startswith("share") for span in line)]
    rows = [line for line in rows if any(span.action and span.action[0] == "head" for span in line)]  # not the legend
    for head in range(3):
        mine = [[span.style for span in line if span.action == ("head", head)] for line in rows]
        expected = [
            ["masked" if key > query else f"share:{round(16 * value**0.5)}" for key, value in enumerate(row)]
            for query, row in enumerate(pattern[head])
        ]
        assert mine == expected


@pytest.mark.parametrize(
    ("stage", "name"), [("embed", "hook_embed"), ("blocks.1.resid_post", None), ("ln_final", None)]
)
def test_the_grid_of_vectors(stage: str, name: str | None) -> None:
    here = at(stage, column=3)
    assert here.cursor.part
    values = recorded(name or here.cursor.part.activation)
    lines = picture(here, *WIDE)
    shown = cells(lines)
    assert set(shown) == set(np.ndindex(6, 12))
    ends = [
        found
        for line in lines
        if (found := re.match(r"[a-z ≤]*−(\S+) +0 +[≥ ]*\+(\S+)(?: above zero)?$", text_of(line)))
    ]
    (spread,) = {float(end) for found in ends for end in found.groups()}
    for place, span in shown.items():
        assert read(span.text) == pytest.approx(values[place], abs=0.0005001)
        level = SIGNED_LEVELS * np.clip(values[place] / spread, -1, 1)
        assert int(span.style.removeprefix("signed:").removesuffix("!")) == pytest.approx(level, abs=0.55)
        assert span.style.endswith("!") == (place == (4, 3)), "the cursor marks its cell, and no other"


@pytest.mark.parametrize("letter", [0, 1, 2])
def test_the_grid_of_a_head(letter: int) -> None:
    values = recorded(f"blocks.1.attn.hook_{'qkv'[letter]}")[:, 1]
    shown = cells(picture(at("blocks.1.qkv", part=letter), *WIDE))
    for place in np.ndindex(6, 4):
        assert read(shown[place].text) == pytest.approx(values[place], abs=0.0005001)


def test_both_ways_to_draw_a_whole_vector_show_every_number_once() -> None:
    values = recorded("blocks.0.mlp.hook_pre")
    here = at("blocks.0.pre", column=7)
    spread = spread_of(values.tolist())
    expected = [str(round(SIGNED_LEVELS * float(np.clip(value / spread, -1, 1)))) for value in values[4]]
    size, levels = 32, {}
    title, above, *lines = strip(Shown(here, True), 40, 24)
    assert text_of(title).startswith("all 48 neurons")
    assert text_of(above).index("▾7") == text_of(lines[0]).index("▀") + 7
    for span in (span for line in lines for span in line if span.action):
        top, bottom = span.style.removeprefix("signed:").split("/")
        levels[span.action[2]] = top
        if bottom:
            levels[span.action[2] + size] = bottom
    assert [levels.get(place) for place in range(48)] == expected
    spans = [span for line in strip(Shown(here, False), 40, 24)[2:] for span in line if span.action]
    assert [span.action[2] for span in spans] == list(range(48))
    assert [span.style.removeprefix("signed:") for span in spans] == [
        level + "!" * (place == 7) for place, level in enumerate(expected)
    ]


def test_the_spread_is_numpys_percentile() -> None:
    values = np.random.default_rng(0).normal(0, 1, (40, 50))
    values[3, 4] = 1e9
    assert spread_of(values.tolist()) == pytest.approx(np.percentile(np.abs(values), 98), rel=0.02)
    assert spread_of([[0.0, float("-inf"), float("nan")]]) == 0
    assert spread_of([]) == 0


@pytest.mark.parametrize(
    ("stage", "residual"),
    [
        ("blocks.0.ln1", "blocks.0.hook_resid_pre"),
        ("blocks.1.ln2", "blocks.1.hook_resid_mid"),
        ("ln_final", "blocks.1.hook_resid_post"),
    ],
)
@pytest.mark.parametrize("width", [49, 110])
def test_the_statistics_of_a_norm(stage: str, residual: str, width: int) -> None:
    x = recorded(residual)[4]
    (line,) = [text_of(line) for line in picture(at(stage), width, 24) if text_of(line).startswith("mean")]
    shown = [read(found) for found in re.findall(r"[+−]?\d+\.\d+", line)]
    assert not re.search(r"(variance|var|ε\)) [+−]\d", line), "what is never below zero has no sign"
    assert shown == pytest.approx([x.mean(), x.var(), np.sqrt(x.var() + 1e-5)], abs=0.00005001)


def listed(lines: list[Line], name: str) -> list[tuple[int, float]]:
    """The entries of a list with bars, such as "neuron 17  +0.123  ███"."""
    found = (re.search(rf"{name} (\d+) +([+−]?\d*\.\d+)", text_of(line)) for line in lines)
    return [(int(match[1]), read(match[2])) for match in found if match]


def test_how_long_a_vector_each_head_wrote() -> None:
    weight = np.array(MODEL.weights.blocks[1].attn_out.weight)  # [d, H * e]
    z = recorded("blocks.1.attn.hook_z")[4]
    lengths = [np.linalg.norm(weight[:, head * 4 : head * 4 + 4] @ z[head]) for head in range(3)]
    shown = listed(picture(at("blocks.1.out"), *WIDE), "head")
    assert [head for head, _ in shown] == np.argsort(lengths)[::-1].tolist(), "the longest first"
    assert [length for _, length in shown] == pytest.approx(sorted(lengths, reverse=True), abs=0.0005001)


@pytest.mark.parametrize(("stage", "name"), [("blocks.0.activation", "neuron"), ("blocks.0.resid_mid", "dimension")])
def test_the_numbers_that_stand_out(stage: str, name: str) -> None:
    here = at(stage)
    assert here.cursor.part
    vector = recorded(here.cursor.part.activation)[4]
    shown = listed(picture(here, *WIDE), name)
    assert len(shown) >= 8
    order = np.argsort(-np.abs(vector), kind="stable")[: len(shown)]
    assert [place for place, _ in shown] == order.tolist()
    assert [value for _, value in shown] == pytest.approx(vector[order].tolist(), abs=0.0005001)


def percentage(text: str) -> float:
    """A share as it is shown; what is less than 0.05 reads <0.1."""
    return 0.025 if text.startswith("<") else read(text.removesuffix("%"))


def shares(lines: list[Line]) -> list[tuple[str, float, float]]:
    """Token, percentage and change of each line of a list of predictions."""
    entries = []
    for line in lines:
        found = re.match(r"(\S+) .*?(<?[\d.]+)% +(?:([▲▼]) *([\d.]+))?", text_of(line))
        if found:
            sign = {"▲": 1, "▼": -1, None: 0}[found[3]]
            entries.append((found[1], percentage(found[2]), sign * float(found[4] or 0)))
    return entries


def probabilities(logits: Array) -> Array:
    return 100 * softmax(np.array(logits))


@pytest.mark.parametrize(
    ("stage", "now", "before"),
    [
        ("sum", "blocks.0.hook_resid_pre", "hook_embed"),
        ("blocks.0.resid_mid", "blocks.0.hook_resid_mid", "blocks.0.hook_resid_pre"),
        ("blocks.1.resid_mid", "blocks.1.hook_resid_mid", "blocks.0.hook_resid_post"),
        ("blocks.1.resid_post", "blocks.1.hook_resid_post", "blocks.1.hook_resid_mid"),
    ],
)
def test_what_it_would_say_here_and_what_it_says_at_the_end(stage: str, now: str, before: str) -> None:
    lines = predictions(at(stage), 34, 25)
    here, then = (probabilities(MODEL.read_out([recorded(name)[4].tolist()])[0]) for name in (now, before))
    end = probabilities(recorded("logits")[4])
    shown = shares(lines)
    assert len(shown) == 20
    for part, expected in ((shown[:10], here), (shown[10:], end)):
        order = np.argsort(-expected, kind="stable")[:10]
        assert [token for token, _, _ in part] == [LETTERS[token].decode() for token in order]
        assert [share for _, share, _ in part] == pytest.approx(expected[order].tolist(), abs=0.05001)
        changes = here[order] - then[order] if expected is here else np.zeros(10)
        small = np.abs(changes) < 0.05
        assert [change for _, _, change in part] == pytest.approx(np.where(small, 0, changes).tolist(), abs=0.05001)


def test_the_list_of_logits() -> None:
    lines = picture(at("logits", column=2), *WIDE)
    logits = recorded("logits")[4]
    order = np.argsort(-logits, kind="stable")
    found = [re.match(r"([▸ ]) +(\d+) (\S+) +(\d+) +([+−][\d.]+)", text_of(line)) for line in lines]
    rows = [match.groups() for match in found if match]
    assert len(rows) == 26
    for rank, (mark, place, token, id, logit) in enumerate(rows):
        assert (int(place), int(id)) == (rank + 1, order[rank])
        assert token == LETTERS[order[rank]].decode()
        assert read(logit) == pytest.approx(logits[order[rank]], abs=0.0005001)
        assert (mark == "▸") == (rank == 2)


def test_bars_of_logits_take_room_only_for_what_is_shown() -> None:
    """Bars begin beside the numbers where none of those shown is below zero; else on an axis further right."""
    logits = np.sort(recorded("logits")[4])[::-1]
    assert logits[0] > 0 > logits[-1]
    for height in (4, 30):
        head, *rows = [text_of(line) for line in picture(at("logits", column=0), 110, height + 3)][: height + 1]
        rows = [row for row in rows if "│" in row]
        axis = {row.index("│") - len(row[: row.index("│")].rstrip(" █▐")) for row in rows[:1]}
        assert (axis == {1}) == (logits[len(rows) - 1] >= 0), head


def ledger_rows(lines: list[Line]) -> list[list[str]]:
    """The columns of the ledger: rank, token, logit, over T, fate, probability, running sum."""
    rows = [text_of(line).replace("▸", " ").split() for line in lines]
    return [row for row in rows if row and row[0].isdigit() and len(row) >= 7]


@pytest.mark.parametrize("sampling", [SAMPLING, Sampling(0.5), Sampling(1.7, 4), Sampling(1.0, None, 0.4), Sampling(0)])
@pytest.mark.parametrize("position", [2, 5])  # within the prompt, and at the end, where nothing was drawn yet
def test_the_ledger(sampling: Sampling, position: int) -> None:
    here = at("probabilities", position)
    here.draws.sampling = sampling
    lines = picture(here, *WIDE)
    here.draws.sampling = SAMPLING
    logits = recorded("logits")[position]
    order = np.argsort(-logits, kind="stable")
    tempered = logits[order] / (sampling.temperature or 1.0)
    in_top_k = np.arange(26) < (1 if sampling.temperature == 0 else sampling.top_k or 26)
    first = np.where(in_top_k, softmax(np.where(in_top_k, tempered, -np.inf)), 0)
    stays = in_top_k & (np.cumsum(first) - first < sampling.top_p)
    final = softmax(np.where(stays, tempered, -np.inf))
    rows = ledger_rows(lines)
    assert len(rows) == 26
    for rank, row in enumerate(rows):
        assert (int(row[0]), row[1]) == (rank + 1, LETTERS[order[rank]].decode())
        assert [read(value) for value in row[2:4]] == pytest.approx([logits[order[rank]], tempered[rank]], abs=0.005001)
        assert row[4] == ("✓" if stays[rank] else "top-p" if in_top_k[rank] else "top-k")
        if stays[rank]:
            assert percentage(row[5]) == pytest.approx(100 * final[rank], abs=0.05001)
            assert read(row[6]) == pytest.approx(np.cumsum(final)[rank], abs=0.0005001)
        else:
            assert row[5:7] == ["·", "·"]
    assert any(f"{stays.sum()} of 26 stay" in text_of(line) for line in lines)


def test_the_ledger_of_a_drawn_token_names_the_settings_it_was_drawn_with() -> None:
    here = at("probabilities", 4)
    before = [text_of(line) for line in picture(here, *WIDE)]
    here.draws.sampling = Sampling(0.1, 2)
    after = [text_of(line) for line in picture(here, *WIDE)]
    here.draws.sampling = SAMPLING
    assert before == after
    assert any(line.startswith("p is drawn from: T 0.9, top-k 15, top-p 0.8 ") for line in after)
    (title,) = [line for line in after if line.split()[:1] == ["rank"]]
    assert "p at T 0.9 running sum" in title
    (drawn,) = [line for line in after if "◂ drawn" in line]
    assert drawn.split()[drawn.startswith("▸") + 1] == LETTERS[here.ids[5]].decode()


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("width", [49, 110])
def test_the_random_number_falls_on_the_drawn_token(seed: int, width: int) -> None:
    here = at("draw", 5)
    here.draws.seed = seed
    step = here.draws.step_after(5)
    lines = drawing(here, width, 30, True)
    here.draws.seed = 3
    assert step
    shown = float(re.search(r"0\.\d{6}", text_of(lines[0]))[0])  # type: ignore[index]
    assert shown == pytest.approx(step.number, abs=5.001e-7)
    found = re.match(r"it falls on (\S) \((0\.\d+) to ([01]\.\d+)\)", text_of(lines[4]))
    assert found
    assert found[1] == LETTERS[step.token].decode()
    assert float(found[2]) - 5.1e-5 <= step.number <= float(found[3]) + 5.1e-5
    size = min(width, 80)
    assert sum(len(span.text) for span in lines[2]) == size
    stripes = [span.action[2] for span in lines[2] for _ in span.text if span.action]
    place = list(step.distribution.order).index(step.token)
    mark = text_of(lines[1]).index("▼")
    assert mark + 0.5 == pytest.approx(step.number * size, abs=1.01)
    if place in stripes:
        assert stripes[mark] == place
    ends = [0.0, *step.distribution.cumulative]
    for rank, (before, reached) in enumerate(pairwise(ends)):
        assert stripes.count(rank) == pytest.approx((reached - before) * size, abs=1.01)


def test_within_the_prompt_it_says_what_the_model_gave_the_next_word() -> None:
    for position in range(4):
        lines = [text_of(line) for line in picture(at("draw", position), *WIDE)]
        shares_ = probabilities(recorded("logits")[position])
        following = session().ids[position + 1]
        rank = int((shares_ > shares_[following]).sum()) + 1
        assert f"The model gave it {shares_[following]:.2f}% (at T 1), rank {rank} of 26." in lines


def test_the_number_under_the_cursor_is_shown_in_full() -> None:
    for stage, column in (("blocks.1.pattern", 2), ("blocks.0.activation", 30), ("blocks.0.qkv", 3), ("sum", 11)):
        here = at(stage, column=column)
        assert here.cursor.part
        where, code = map(text_of, number_under_cursor(here, 156, 2))
        name, _, index = code.rpartition("  ")[2].rstrip("]").partition("[")
        assert name == here.cursor.part.activation
        assert read(where.rpartition(" = ")[2]) == recorded(name)[tuple(map(int, index.split(",")))]
        assert re.search(r"  gpt/\w+\.py:\d+ \w+  ", code)


@pytest.mark.parametrize("tokens", range(1, 6))
def test_an_operation_has_its_numbers_where_it_adds_up_three_and_else_their_names(tokens: int) -> None:
    here = start(MODEL, Words(LETTERS), " ".join(map(str, range(tokens))))
    weights = np.array(here.trace.values["blocks.1.attn.hook_pattern"])[1, -1]
    values = np.array(here.trace.values["blocks.1.attn.hook_v"])[:, 1, 0]
    told = operation(here, here.provenance.explain(Cell("blocks.1.attn.hook_z", (tokens - 1, 1, 0))))
    if tokens > 3:
        assert told.startswith(f"the sum of {tokens}: ")
        return
    order = np.argsort(-abs(weights * values))
    expected = np.stack([abs(values[order]), weights[order]], axis=1).ravel()
    assert [float(found) for found in re.findall(r"[\d.]+", told)] == pytest.approx(expected.tolist(), rel=1e-3)


@pytest.mark.parametrize("width", range(40, 160, 7))
def test_between_the_formula_and_its_source_is_a_blank(width: int) -> None:
    for stage in ("blocks.1.z", "blocks.0.qkv", "blocks.1.pattern", "blocks.0.pre"):
        _, code = map(text_of, number_under_cursor(at(stage, column=2), width, 2))
        assert re.search(r"^$|\S  gpt/|^gpt/|…$", code), code
        assert not re.search(r"\Sgpt/", code)


def test_the_ids_stand_below_their_tokens() -> None:
    here = session()
    texts, ids = tokens(TokenRow(here.ids, here.labels(), 2, here.prompt_length), 80, 2)
    assert text_of(texts).split() == here.labels()
    assert [int(id) for id in text_of(ids).split()] == here.ids


def test_the_merges_of_a_piece() -> None:
    lines = [text_of(line) for line in picture(at("tokens", 1), *WIDE)]  # h and e are one piece
    assert any(re.match(r"bytes +68 65  in hexadecimal$", line) for line in lines)
    assert any(re.match(r"merge 1 +he +rule 2: h \+ e$", line) for line in lines)
    assert any(re.match(r"ids +h 7 +e 4 *$", line) for line in lines)


@pytest.mark.parametrize("room", range(1, 20))
@pytest.mark.parametrize("here", [0, 3, 4, 5, 6, 17, 18, 19, 40, 99])
def test_of_the_ranks_the_first_are_shown_and_the_one_under_the_cursor(here: int, room: int) -> None:
    shown = _ranks(here, 100, room)
    ranks = [rank for rank in shown if rank is not None]
    assert here in ranks
    assert len(shown) <= room
    assert ranks == sorted(set(ranks))
    assert (None in shown) == any(later - rank > 1 for rank, later in pairwise(ranks)), "a gap is marked"
    if room >= 7:  # for the first five, the gap, and the one under the cursor
        assert ranks[:5] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("stage", "part"), [("blocks.0.qkv", 0), ("blocks.0.qkv", 1), ("blocks.0.qkv", 2), ("embed", 0)]
)
def test_the_number_says_of_which_part_it_is_where_there_are_several(stage: str, part: int) -> None:
    here = at(stage, part=part)
    assert here.cursor.part
    told = " ".join("".join(span.text for span in line) for line in number_under_cursor(here, 110, 4))
    dimension = "head 1 · " if stage != "embed" else ""
    named = f"{here.cursor.part.label} " if stage != "embed" else ""
    assert f"{dimension}{named}o · dimension 0" in told
