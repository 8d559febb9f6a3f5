"""The pictures of vectors at every size: what stands in them, and that they do without weights and with any numbers."""

import math
import re
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest

from explorer.analysis.difference import Difference, Pair
from explorer.analysis.directions import angle
from explorer.edits import Scale, Zero, where
from explorer.paint.pictures import picture
from explorer.paint.pictures.vectors import vectors
from explorer.paint.pictures.vectors.curve import curve
from explorer.paint.pictures.vectors.facts import facts
from explorer.paint.pictures.vectors.layout import Part, beside, stacked
from explorer.paint.pictures.vectors.mix import mix
from explorer.paint.pictures.vectors.shown import Shown
from explorer.paint.row import text_for
from explorer.paint.spans import Line, Span, length
from explorer.stages import Kind
from explorer.walk.session import Session
from tests.helpers.exhaustive import exhaustive
from tests.helpers.legible import LENGTHS, VECTORS, largest_of, numbers_of, prompt_of
from tests.helpers.looking import hostile, overflowed, text_of, without_weights
from tests.helpers.models import Words, embedded, embedded_on_arrays, finish, small_model, start
from tests.helpers.styles import check_style

SIZES = [(58, 10), (76, 15), (62, 24), (116, 24), (190, 48)]  # at 60x18, 80x24, 120x36, 200x60


@cache
def story(tokens: int) -> Session:
    """The embedded model, on so many tokens."""
    return start(embedded_on_arrays(), embedded()[1].tokenizer, prompt_of(tokens))


def stages(session: Session) -> Iterator[None]:
    """The stages that show vectors, with each of their parts."""
    for index, stage in enumerate(session.cursor.stages):
        session.cursor.go_to_stage(index)
        if stage.kind in VECTORS:
            for part in range(len(stage.parts)):
                session.cursor.go_to_part(part)
                yield


def go_to(session: Session, stage: str, part: int | None = None) -> Session:
    """To the last token in that stage; what is asked there is answered."""
    session.cursor.go_to_position(len(session.ids) - 1)
    session.cursor.go_to_stage([each.id for each in session.cursor.stages].index(stage))
    session.cursor.go_to_part(len(session.stage.parts) - 1 if part is None else part)
    finish(session)
    return session


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("tokens", [1, 11, *exhaustive(8, 27, 60, 250)])
def test_the_largest_number_stands_in_the_picture(tokens: int, size: tuple[int, int]) -> None:
    assert tokens in LENGTHS
    session = story(tokens)
    for position in {0, tokens // 2, tokens - 1}:
        session.cursor.go_to_position(position)
        for _ in stages(session):
            text = "\n".join(text_of(picture(session, *size)))
            noun, column, value = largest_of(session)
            found = numbers_of(text, f"{noun} {column}")
            assert found, f"{session.stage.id}: {noun} {column} = {value} is not in\n{text}"
            assert found[0] == pytest.approx(value, abs=0.00051)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_all_numbers_that_are_not_shown_are_counted_and_added_up(size: tuple[int, int]) -> None:
    session = story(11)
    for stage in ("embed", "blocks.2.resid_mid", "blocks.3.qkv", "blocks.1.mlp_out", "ln_final", "blocks.0.activation"):
        shown = Shown(go_to(session, stage), True)
        text = "\n".join(text_of(picture(session, *size)))
        listed = {int(place) for place in re.findall(rf"{shown.axis} (\d+) +[+−]\d", text)}
        more = [(int(count), float(total.replace("−", "-"))) for count, total in MORE.findall(text)]
        rest = [value for place, value in enumerate(shown.vector) if place not in listed]
        if shown.axis == "neuron":  # of neurons a sum means nothing: how far the rest goes
            most = [(int(count), float(total.replace("−", "-"))) for count, total in MOST.findall(text)]
            highest = max(rest, key=abs)
            assert any(count == len(rest) and value == pytest.approx(highest, abs=0.00051) for count, value in most)
            continue
        assert not rest or any(
            count == len(rest) and total == pytest.approx(math.fsum(rest), abs=0.00051) for count, total in more
        ), text


MORE = re.compile(r"(\d+) more +([+−]\d+\.\d+)  (?:added up|sum)")
MOST = re.compile(r"(\d+) more +([+−]\d+\.\d+)  at most")


def test_the_cursor_never_paints() -> None:
    """Wherever it stands, only its mark is another: the styles of all cells are those of their numbers."""
    session = story(11)

    def grounds(column: int) -> dict[tuple[int, ...], str]:
        session.cursor.go_to_column(column)
        spans = [span for line in picture(session, 116, 24) for span in line]
        return {
            span.action[1:]: span.style.removesuffix("!")
            for span in spans
            if span.action and span.style.startswith("signed:") and span.action[0] == "cell"
        }

    for stage in ("embed", "blocks.2.resid_mid", "blocks.1.activation", "blocks.1.z", "ln_final"):
        go_to(session, stage)
        one, other = grounds(0), grounds(1)
        assert one == other
        assert not any("*" in style for style in one.values())


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_an_addition_says_its_lengths_and_its_angle(size: tuple[int, int]) -> None:
    session = go_to(story(11), "blocks.2.resid_mid")
    before, written, after = (
        np.asarray(session.trace.value(f"blocks.2.hook_{name}"), dtype=float)[session.position]
        for name in ("resid_pre", "attn_out", "resid_mid")
    )
    text = "\n".join(text_of(picture(session, *size)))
    for vector in (before, written, after):
        assert f"{np.linalg.norm(vector):.4g}" in text
    turned = math.degrees(math.acos(before @ after / np.linalg.norm(before) / np.linalg.norm(after)))
    assert f"{turned:.0f}° from before" in text
    assert size[0] < 62 or f"turned by {turned:.0f}°" in text
    assert turned == pytest.approx(angle(before.tolist(), after.tolist()))


@pytest.mark.parametrize("size", SIZES[1:], ids=str)
def test_a_norm_says_the_length_before_and_after(size: tuple[int, int]) -> None:
    session = go_to(story(11), "blocks.3.ln2")
    text = "\n".join(text_of(picture(session, *size)))
    for name in ("hook_resid_mid", "ln2.hook_normalized", "ln2.hook_out"):
        row = np.asarray(session.trace.value(f"blocks.3.{name}"), dtype=float)[session.position]
        assert f"{np.linalg.norm(row):.4g}" in text


def test_z_is_drawn_as_the_weighted_mean_that_it_is() -> None:
    session = go_to(story(11), "blocks.2.z")
    for head in range(6):
        session.cursor.go_to_head(head)
        shown = Shown(session, True)
        lines = text_of(mix(shown, 60, 20))
        weights = np.asarray(session.trace.value("blocks.2.attn.hook_pattern"))[head, session.position]
        values = np.asarray(session.trace.value("blocks.2.attn.hook_v"))[:, head, session.cursor.column]
        table = [(float(n[0]), *(float(x.replace("−", "-")) for x in n[1:])) for n in ROW.findall("\n".join(lines))]
        order = np.argsort(-weights, kind="stable")
        assert [row[0] for row in table] == pytest.approx(weights[order].tolist(), abs=0.00051)
        assert [row[2] for row in table] == pytest.approx((weights * values)[order].tolist(), abs=0.00051)
        total = float(lines[-1].rpartition("=")[2].replace("−", "-"))
        assert total == pytest.approx(float(weights @ values), abs=0.00051)
        assert sum(row[2] for row in table) == pytest.approx(total, abs=0.01)


def test_z_keeps_its_numbers_in_few_cells() -> None:
    """A weight takes six cells, the longest name ten, two numbers eight each; three blanks between them."""
    session = go_to(story(27), "blocks.2.z")
    weights = np.asarray(session.trace.value("blocks.2.attn.hook_pattern"))[0, session.position]
    values = np.asarray(session.trace.value("blocks.2.attn.hook_v"))[:, 0, session.cursor.column]
    weighted = (weights * values)[np.argsort(-weights, kind="stable")]
    for cells in range(6 + 10 + 8 + 8 + 3, 60):
        lines = mix(Shown(session, True), cells, 40)
        assert all(length(line) <= cells for line in lines), cells
        found = [float(line.split()[-1].replace("−", "-")) for line in text_of(lines[2:-1])]
        assert found == pytest.approx(weighted.tolist(), abs=0.00051)


ROW = re.compile(r"^(0\.\d+|1\.000) +\S+ .*?([+−][\d.]+) +([+−][\d.]+)$", re.MULTILINE)


def test_a_small_models_numbers_can_all_be_read_where_the_list_has_six_lines_below_them() -> None:
    """Two lines of facts, a title, the cursor's column, six tokens, the scale of colours, and the six."""
    model = small_model(vocab_size=26)
    session = start(model, Words([bytes([letter]) for letter in b"abcdefghijklmnopqrstuvwxyz"]), "3 1 4 7 9 2")
    go_to(session, "blocks.1.resid_mid")
    numbers = [f"{abs(value):.3f}" for row in session.trace.matrix("blocks.1.hook_resid_mid") for value in row]
    for height in range(16, 20):
        lines = text_of(vectors(session, 80, height, True))
        assert all(number in "\n".join(lines) for number in numbers) == (height >= 2 + 3 + 6 + 6), height
        assert len(lines) == height or height < 17, "a line for more of the list is free"


@pytest.mark.parametrize(
    ("stage", "full", "brief", "cells"),
    [
        ("blocks.1.ln1", "→ normalised ", "lengths: before ", 76),
        ("blocks.1.ln1", "  variance ", "  var ", 60),
        ("blocks.1.qkv", "what it looks for, to be compared with keys", "its query: what it looks for", 76),
    ],
)
def test_facts_are_told_in_full_from_so_many_cells_on(stage: str, full: str, brief: str, cells: int) -> None:
    session = go_to(story(11), stage, 0)
    for room in range(50, 90):
        lines = facts(Shown(session, True), room)
        assert all(length(line) <= room for line in lines)
        text = "\n".join(text_of(lines))
        assert (full in text) == (room >= cells), room
        assert full in text or brief in text


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ("blocks.1.z", "sum of weight"),
        ("blocks.1.activation", "before →"),
        ("blocks.1.pre", "largest inputs"),
        ("blocks.1.resid_mid", "= before + written"),
    ],
)
def test_what_is_edited_is_not_said_to_be_computed(stage: str, words: str) -> None:
    session = start(embedded_on_arrays(), embedded()[1].tokenizer, prompt_of(8))
    assert words in "\n".join(text_of(picture(go_to(session, stage), 156, 24)))
    assert session.cursor.part
    place = where.activation(session.cursor.part.activation, 7)
    session.edit(lambda edits: edits.add(place, Scale(2), None))
    finish(session)
    assert words not in "\n".join(text_of(picture(go_to(session, stage), 156, 24)))


def test_in_z_every_token_is_told_from_its_equals_and_the_columns_are_named() -> None:
    session = go_to(story(27), "blocks.2.z")
    labels = session.labels()
    _, heads, *lines = text_of(mix(Shown(session, True), 60, 40))
    assert heads.split()[-3:] == ["dim", str(session.cursor.column), "weighted"]
    for place, label in enumerate(labels):
        name = f"{label} ({place})" if labels.count(label) > 1 else label
        assert sum(f" {name} " in line for line in lines[:-1]) == 1, name


@pytest.mark.parametrize("height", range(8, 30))
@pytest.mark.parametrize("cells", [58, 62, 76])
def test_a_curve_has_five_lines_or_is_left_out(cells: int, height: int) -> None:
    lines = text_of(picture(go_to(story(11), "blocks.2.activation"), cells, height))
    axes = [row for row, line in enumerate(lines) if re.search(r"^−4\S* +0 ", line)]
    titles = [row for row, line in enumerate(lines) if line.startswith("gelu") and "→" in line]
    assert len(axes) == len(titles)
    assert all(axis - title > 5 for axis, title in zip(axes, titles))
    if height >= 24:
        assert axes


@pytest.mark.parametrize("stage", ["sum", "blocks.2.resid_mid", "blocks.2.activation", "blocks.2.z", "blocks.2.pre"])
def test_a_higher_and_narrower_picture_shows_no_less(stage: str) -> None:
    low, high = ("\n".join(text_of(picture(go_to(story(27), stage), *size))) for size in ((76, 15), (62, 24)))
    for words in ("promotes", "nearest tokens", "columns: dim", "gelu", "its largest inputs", "z = sum of", "(cosine)"):
        assert words in high or words not in low, words
    if stage in ("sum", "blocks.2.resid_mid"):
        assert "▸   ·and " in high, "the row among those of the other tokens"


@pytest.mark.parametrize("function", ["gelu_new", "relu", "tanh"])
def test_the_point_lies_on_the_curve(function: str) -> None:
    model = small_model(vocab_size=26, activation_function=function)
    session = start(model, Words([bytes([letter]) for letter in b"abcdefghijklmnopqrstuvwxyz"]), "3 1 4")
    go_to(session, "blocks.1.activation")
    for neuron in range(24):
        session.cursor.go_to_column(neuron)
        title, *lines, axis = curve(Shown(session, True), 41, 12)
        x = session.trace.matrix("blocks.1.mlp.hook_pre")[2][neuron]
        assert f"{abs(x):.3f}" in "".join(span.text for span in title)
        ((row, line),) = [(y, text) for y, text in enumerate(text_of(lines)) if "●" in text]
        reach = float("".join(span.text for span in axis).rpartition("+")[2])
        assert line.index("●") == pytest.approx((x / reach + 1) / 2 * 40, abs=0.6)
        assert "".join(span.text for span in axis).index("0 before") == 20, "zero stands in the middle"
        near = slice(max(0, line.index("●") - 1), line.index("●") + 2)
        beside_it = [text[near] for text in text_of(lines)[max(0, row - 1) : row + 2]]
        assert set("".join(beside_it)) & set("▀▄█"), "the curve passes there"


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_any_numbers_and_runs_without_weights_can_be_drawn(size: tuple[int, int]) -> None:
    broken = hostile(3)
    for name in ("hook_embed", "blocks.0.attn.hook_v", "blocks.0.mlp.hook_pre", "blocks.0.mlp.hook_post"):
        broken.run.values[name] = np.full(np.shape(broken.run.values[name]), math.nan).tolist()
    endless = hostile(9)
    for name in ("blocks.0.attn.hook_v", "blocks.0.attn.hook_z", "blocks.1.hook_resid_mid", "blocks.1.mlp.hook_pre"):
        values = np.full(np.shape(endless.run.values[name]), math.inf)
        values[::2] = -math.inf
        endless.run.values[name] = values.tolist()
    for session in (without_weights(), overflowed(), broken, endless, hostile(1), hostile(60, n_head=12, n_layer=1)):
        for _ in stages(session):
            lines = picture(session, *size)
            assert len(lines) <= size[1]
            for line in lines:
                assert length(line) <= size[0]
                for span in line:
                    check_style(span.style)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_difference_of_two_runs_says_so_and_names_no_tokens(size: tuple[int, int]) -> None:
    session = start(embedded_on_arrays(), embedded()[1].tokenizer, prompt_of(8))
    session.edit(lambda edits: edits.add(where.head(1, 4), Zero(), None))
    finish(session)
    session.show(Difference(Pair(session.what_if.base, session.run, "without", "with")))
    for _ in stages(session):
        text = "\n".join(text_of(picture(session, *size)))
        assert "B − A" in text or "difference" in text
        assert "nearest" not in text
        assert "promotes" not in text
    go_to(session, "blocks.1.resid_mid")
    noun, column, value = largest_of(session)
    assert numbers_of("\n".join(text_of(picture(session, *size))), f"{noun} {column}")[0] == pytest.approx(
        value, abs=5e-4
    )


def test_small_numbers_keep_their_digits() -> None:
    assert text_for(2.5)(0.1234) == "+0.123"
    assert text_for(0.0312)(-0.0312) == "−0.0312"
    assert text_for(0.0004)(0.0004) == "+0.000400"
    assert text_for(3e-9)(-3e-9) == "−3.00e−09"


def test_parts_share_the_room() -> None:
    def part(name: str, least: int, most: int) -> Part:
        return Part(lambda cells, height: [[Span(name * cells)]] * height, least, most)

    def names(lines: list[Line]) -> str:
        return "".join(span.text[:1] if line else "-" for line in lines for span in line[:1] or [Span(" ")])

    assert names(stacked([part("a", 2, 9), part("b", 2, 3)], 4, 4)) == "aaaa", "b finds no room"
    assert names(stacked([part("a", 2, 4), part("b", 2, 3)], 4, 8)) == "aaaa-bbb"
    assert names(stacked([part("a", 5, 9)], 4, 3)) == "aaa"
    lines = text_of(beside([(4, [part("a", 1, 2)]), (5, [part("b", 1, 1)])], 2))
    assert lines == ["aaaa   bbbbb", "aaaa"]


def test_kinds_of_vectors_are_all_that_have_a_vector_painter() -> None:
    assert {*VECTORS} == {*Kind} - {Kind.MERGES, Kind.SCORES, Kind.PATTERN, Kind.LOGITS, Kind.LEDGER, Kind.DRAW}


def test_a_recorded_run_may_lack_any_activation() -> None:
    names = list(without_weights().run.values)
    for missing in names:
        here = without_weights()
        del here.run.values[missing]
        for index in range(len(here.cursor.stages)):
            here.cursor.go_to_stage(index)
            for position in (0, len(here.ids) - 1):
                here.cursor.go_to_position(position)
                assert len(picture(here, 76, 15)) <= 15


def test_in_the_grid_the_longest_token_stands_at_the_edge_and_a_blank_behind_it() -> None:
    model = small_model(vocab_size=2)
    session = go_to(start(model, Words([b"abcdefghij", b"x"]), "0 1 0"), "blocks.1.resid_mid")
    lines = text_of(picture(session, 100, 20))
    assert sum(line[1:12] == "abcdefghij " for line in lines) == 2
    assert any(line.startswith("          x ") for line in lines)
