"""The cursor: every move, and that none leaves the model."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.walk.cursor import Cursor
from gpt import GPTConfig
from tests.helpers.models import SMALL

CONFIG = GPTConfig.from_dict(SMALL | {"n_layer": 3})
SIZES = {"d": 6, "e": 2, "m": 24, "V": 11}


@pytest.fixture
def cursor() -> Cursor:
    cursor = Cursor(CONFIG)
    cursor.length = 5
    return cursor


def to(cursor: Cursor, id: str) -> Cursor:
    cursor.go_to_stage([stage.id for stage in cursor.stages].index(id))
    return cursor


def test_the_walk_ends_at_its_ends(cursor: Cursor) -> None:
    cursor.move_stage(-1)
    assert cursor.stage.id == "tokens"
    cursor.move_stage(+1)
    assert cursor.stage.id == "embed"
    cursor.move_stage(10_000)
    assert cursor.stage.id == "draw"
    cursor.move_stage(+1)
    assert cursor.stage.id == "draw"
    cursor.go_to_stage(-7)
    assert cursor.stage_index == 0


def test_positions_end_at_the_ends_of_the_sequence(cursor: Cursor) -> None:
    cursor.move_position(-1)
    assert cursor.position == 0
    cursor.move_position(+3)
    assert cursor.position == 3
    cursor.move_position(+3)
    assert cursor.position == 4


def test_heads_go_round_and_round(cursor: Cursor) -> None:
    seen = []
    for _ in range(4):
        seen.append(cursor.head)
        cursor.move_head(+1)
    assert seen == [0, 1, 2, 0]
    cursor.go_to_head(0)
    cursor.move_head(-1)
    assert cursor.head == 2
    cursor.go_to_head(9)
    assert cursor.head == 2


@pytest.mark.parametrize("stage", ["ln1", "qkv", "raw", "pattern", "z", "resid_mid", "ln2", "activation", "resid_post"])
def test_another_block_is_entered_at_the_same_stage(cursor: Cursor, stage: str) -> None:
    to(cursor, f"blocks.1.{stage}")
    cursor.move_block(+1)
    assert cursor.stage.id == f"blocks.2.{stage}"
    cursor.move_block(-1)
    cursor.move_block(-1)
    assert cursor.stage.id == f"blocks.0.{stage}"


def test_beyond_the_blocks_are_the_entrance_and_the_exit(cursor: Cursor) -> None:
    to(cursor, "blocks.0.pattern").move_block(-1)
    assert cursor.stage.id == "tokens"
    cursor.move_block(-1)
    assert cursor.stage.id == "tokens"
    cursor.move_block(+1)
    assert cursor.stage.id == "blocks.0.ln1"
    to(cursor, "blocks.2.pattern").move_block(+1)
    assert cursor.stage.id == "ln_final"
    cursor.move_block(+1)
    assert cursor.stage.id == "draw"
    cursor.move_block(-1)
    assert cursor.stage.id == "blocks.2.ln1"


def test_the_groups_are_the_entrance_each_block_and_the_exit(cursor: Cursor) -> None:
    layers = [{cursor.stages[index].layer for index in group} for group in cursor.groups]
    assert layers == [{None}, {0}, {1}, {2}, {None}]
    assert [index for group in cursor.groups for index in group] == list(range(len(cursor.stages)))


def test_parts_go_round_and_begin_with_what_the_stage_is_about(cursor: Cursor) -> None:
    to(cursor, "blocks.0.resid_mid")
    assert cursor.part
    assert cursor.part.label == "after"
    cursor.move_part(+1)
    assert cursor.part.label == "before"
    cursor.move_part(-2)
    assert cursor.part.label == "written"
    cursor.go_to_part(3)
    assert cursor.part.label == "written"
    cursor.move_block(+1)  # the choice goes along to the same stage of another block
    assert cursor.part.activation == "blocks.1.hook_attn_out"


def test_the_tokenizers_stage_has_neither_parts_nor_axes(cursor: Cursor) -> None:
    cursor.move_part(+1)
    cursor.go_to_part(0)
    assert cursor.part is None
    assert cursor.axes == ""


def test_columns_end_where_their_axis_does(cursor: Cursor) -> None:
    seen: Counter[str] = Counter()
    for index, stage in enumerate(cursor.stages):
        cursor.go_to_stage(index)
        for part in range(len(stage.parts)):
            cursor.go_to_part(part)
            cursor.go_to_column(10_000)
            axis = cursor.axes[-1]
            assert cursor.columns == (cursor.length if axis == "S" else SIZES[axis])
            assert cursor.column == cursor.columns - 1
            cursor.move_column(+1)
            assert cursor.column == cursor.columns - 1
            cursor.move_column(-10_000)
            assert cursor.column == 0
            seen[axis] += 1
    assert set(seen) == {*SIZES, "S"}


def test_each_axis_remembers_its_column(cursor: Cursor) -> None:
    to(cursor, "blocks.0.pattern").go_to_column(3)
    to(cursor, "blocks.0.activation").go_to_column(20)
    to(cursor, "blocks.0.resid_post").go_to_column(4)
    assert to(cursor, "blocks.1.pattern").column == 3
    assert to(cursor, "blocks.2.pre").column == 20
    assert to(cursor, "embed").column == 4
    assert to(cursor, "blocks.0.qkv").column == 0


def test_a_shorter_sequence_brings_the_column_back(cursor: Cursor) -> None:
    to(cursor, "blocks.0.pattern").go_to_column(4)
    cursor.length = 2
    assert cursor.column == 1
    cursor.length = 5
    assert cursor.column == 4


def test_the_stream_before_is_the_one_that_the_last_writer_found(cursor: Cursor) -> None:
    assert to(cursor, "embed").residual_before is None
    assert to(cursor, "sum").residual_before == "hook_embed"
    assert to(cursor, "blocks.0.pattern").residual_before == "hook_embed"
    assert to(cursor, "blocks.0.resid_mid").residual_before == "blocks.0.hook_resid_pre"
    assert to(cursor, "blocks.1.ln1").residual_before == "blocks.0.hook_resid_mid"
    assert to(cursor, "draw").residual_before == "blocks.2.hook_resid_mid"


def test_the_overview_goes_on_and_off(cursor: Cursor) -> None:
    cursor.toggle_overview()
    assert cursor.overview
    cursor.toggle_overview()
    assert not cursor.overview


MOVES = ["move_stage", "move_block", "move_position", "move_head", "move_column", "move_part"]
MOVES += [name.replace("move", "go_to") for name in MOVES if name != "move_block"]


@given(st.integers(1, 12), st.lists(st.tuples(st.sampled_from(MOVES), st.integers(-15, 15)), max_size=40))
def test_no_move_leaves_the_model(length: int, moves: list[tuple[str, int]]) -> None:
    cursor = Cursor(CONFIG)
    cursor.length = length
    for name, by in moves:
        getattr(cursor, name)(by)
        assert 0 <= cursor.stage_index < len(cursor.stages)
        assert 0 <= cursor.position < length
        assert 0 <= cursor.head < CONFIG.n_head
        assert 0 <= cursor.column < cursor.columns
        assert cursor.part is None or cursor.part in cursor.stage.parts
