"""The walk backwards: doors, the trail, following the largest; and the pane that shows them."""

import random
from itertools import pairwise

import pytest
from rich.cells import cell_len

from explorer.errors import CellError
from explorer.paint.spans import Line
from explorer.paint.why import why
from explorer.provenance.path import follow_biggest
from explorer.provenance.words import brief, in_words, labels
from explorer.runs.cells import Cell, parse
from explorer.stages import Kind
from explorer.walk import trace_file
from explorer.walk.session import Session
from explorer.walk.why import Look, Why
from gpt import Sampling, activation_shapes
from tests.helpers.exhaustive import exhaustive
from tests.helpers.models import HOSTILE, Bytes, Words, embedded, finish, small_model, start
from tests.helpers.styles import check_style

PROMPT = "Tom and Lily went to the park. Tom said to"
SIZES = [(74, 15), (56, 24), (94, 24), (110, 40)]  # of the pane at 80x24, 120x36 with and without its neighbour, 160x48


@pytest.fixture(scope="module")
def story() -> Session:
    model, checkpoint = embedded()
    return start(model, checkpoint.tokenizer, PROMPT, sampling=Sampling(0.8, 40), seed=42)


@pytest.fixture(scope="module")
def hostile() -> Session:
    """Tokens that would break a screen, the last one drawn."""
    model = small_model(seed=5, vocab_size=len(HOSTILE), n_positions=64, n_embd=12, n_layer=2)
    session = start(model, Words(HOSTILE), " ".join(map(str, range(8))), sampling=Sampling(0.9, 15, 0.95))
    assert session.take_token()
    finish(session)
    return session


def answer(session: Session) -> Cell:
    """The logit of the likeliest next token."""
    position = len(session.ids) - 1
    return Cell("logits", (position, session.trace.order(position)[0]))


def every_cell(session: Session, seed: int) -> list[Cell]:
    """A random number of every value that has a name."""
    provenance, dice = session.provenance, random.Random(seed)
    names = [name for name, _ in activation_shapes(session.model.config, head_results=True)]
    names += ["tokens", "drawn", *(name for name in provenance.ledger.nodes), "wte.weight", "wpe.weight", "ln_f.bias"]
    names += ["h.0.attn.c_attn.weight", "blocks.0.attn.hook_pattern.total"]
    return [Cell(name, tuple(dice.randrange(size) for size in provenance.shape(name))) for name in names]


# Doors and the trail


def test_a_door_leads_to_the_number_that_was_chosen_and_back(story: Session) -> None:
    asked = Why(story, answer(story))
    before = asked.here.cell
    door = asked.door
    assert door
    assert door.at
    assert asked.enter()
    assert asked.here.cell == door.at
    assert asked.explanation.value == door.value
    assert story.cursor.part
    assert story.cursor.part.activation == door.at.name, "the cursor goes there too"
    assert story.cell() == door.at
    assert asked.back()
    assert asked.here.cell == before
    assert story.cell() == before
    assert not asked.back(), "before the first there is none"


def test_the_other_factor_is_a_door_as_well(story: Session) -> None:
    asked = Why(story, answer(story))
    asked.move_row(3)
    asked.move_column(1)
    assert asked.chosen == (3, 1)
    factor = asked.explanation.ranked[3].factors[1]
    assert asked.enter()
    assert asked.here.cell == factor.at
    assert asked.here.cell.name == "wte.weight"
    assert not asked.rows
    assert not asked.enter(), "a weight is where the way back ends"
    asked.move_row(1)
    asked.move_column(1)


def test_what_was_chosen_is_remembered_on_the_way_back(story: Session) -> None:
    asked = Why(story, answer(story))
    asked.move_row(5)
    asked.enter()
    asked.move_row(1)
    asked.back()
    assert asked.chosen == (5, 0)


def test_rows_end_at_the_first_and_the_last(story: Session) -> None:
    asked = Why(story, answer(story))
    asked.move_row(-4)
    assert asked.chosen[0] == 0
    asked.move_row(10**6)
    assert asked.chosen[0] == story.model.config.n_embd - 1
    asked.move_column(-9)
    assert asked.chosen[1] == 0
    asked.move_column(9)
    assert asked.chosen[1] == 1


def test_of_a_single_operation_its_numbers_are_the_rows(story: Session) -> None:
    asked = Why(story, Cell("blocks.2.attn.hook_pattern", (3, 7, 5)))
    assert [row.factors for row in asked.rows] == [(0,), (1,), (2,)]
    asked.move_row(2)
    asked.enter()
    assert asked.here.cell == Cell("blocks.2.attn.hook_pattern.total", (3, 7))
    assert len(asked.rows) == len(story.ids)


def test_a_new_door_replaces_what_came_after(story: Session) -> None:
    asked = Why(story, answer(story))
    asked.follow()
    assert len(asked.visits) > 5
    asked.look = Look.TERMS
    asked.move_row(7)
    asked.enter()
    assert len(asked.visits) == 2


def test_settings_are_no_doors(story: Session) -> None:
    position, token = answer(story).index
    asked = Why(story, Cell("tempered", (position, token)))
    asked.move_row(1)
    assert asked.door
    assert asked.door.label == "temperature"
    assert asked.door.value == 0.8
    assert not asked.enter()
    assert len(asked.visits) == 1


def test_a_sum_can_be_unrolled_or_not(story: Session) -> None:
    asked = Why(story, Cell("blocks.1.hook_resid_post", (4, 9)))
    config = story.model.config
    assert len(asked.rows) == 2 + 2 * (config.n_head + 2), "two embeddings; heads, a bias and an MLP for each block"
    asked.toggle_unrolled()
    assert [row.term.at and row.term.at.name for row in asked.rows] in (
        ["blocks.1.hook_resid_mid", "blocks.1.hook_mlp_out"],
        ["blocks.1.hook_mlp_out", "blocks.1.hook_resid_mid"],
    )
    asked.toggle_unrolled()
    assert asked.explanation.unrolled


# Following the largest


def test_the_path_takes_the_largest_term_at_every_step(story: Session) -> None:
    path = follow_biggest(story.provenance, answer(story))
    assert path[-1].name == "tokens"
    for here, following in pairwise(path):
        terms = story.provenance.explain(here, unrolled=True).terms
        doors = [term for term in terms if term.at]
        assert max(doors, key=lambda term: term.size).at == following


def test_the_answer_lily_is_copied_from_the_token_lily(story: Session) -> None:
    """The head that the model's README names reads it at that token, and so the path ends there."""
    path = follow_biggest(story.provenance, answer(story))
    assert any(cell.name == "blocks.5.attn.hook_result" and cell.index[1] == 2 for cell in path)
    assert story.label(story.ids[path[-1].index[0]]) == "·Lily"


def test_followed_the_path_is_the_trail(story: Session) -> None:
    asked = Why(story, answer(story))
    asked.follow()
    assert asked.look is Look.PATH
    assert [visit.cell for visit in asked.visits] == follow_biggest(story.provenance, answer(story))
    assert asked.at == 0
    asked.move_row(3)
    assert asked.at == 3
    asked.move_row(10**6)
    assert asked.at == len(asked.visits) - 1
    assert story.stage.kind is Kind.MERGES
    assert story.position == asked.here.cell.index[0]
    asked.move_row(-1)
    assert asked.enter(), "opens the number of the path that is chosen"
    assert asked.look is Look.TERMS
    assert asked.at == len(asked.visits) - 2


def test_every_path_ends(hostile: Session) -> None:
    for cell in every_cell(hostile, 3):
        path = follow_biggest(hostile.provenance, cell)
        assert len(path) == len(set(path)) < 100
        end = hostile.provenance.explain(path[-1], unrolled=True)
        assert end.cell.name == "tokens" or not any(term.at for term in end.terms)


def test_home_to_a_token_in_eight(story: Session) -> None:
    """From the probability of the answer; the first Enter opens it."""
    position, token = answer(story).index
    asked = Why(story, Cell("probabilities", (position, token)))
    presses = 1
    while asked.here.cell.name != "tokens":
        embedding = [i for i, row in enumerate(asked.rows) if row.term.at and row.term.at.name == "hook_embed"]
        asked.choose(embedding[0] if embedding else 0)
        assert asked.enter()
        presses += 1
    assert presses <= 8
    assert asked.here.cell == Cell("tokens", (position,))
    while asked.back():
        pass
    assert asked.here.cell.name == "probabilities"


def test_a_drawn_token_leads_to_its_draw(hostile: Session) -> None:
    last = len(hostile.ids) - 1
    asked = Why(hostile, Cell("tokens", (last,)))
    assert asked.enter()
    assert asked.here.cell == Cell("drawn", (last - 1,))
    assert asked.explanation.value == hostile.ids[-1]
    assert asked.enter()
    assert asked.here.cell == Cell("cumulative", (last - 1, hostile.ids[-1]))


# The pane


def text_of(lines: list[Line]) -> list[str]:
    return ["".join(span.text for span in line) for line in lines]


@pytest.mark.parametrize("size", [SIZES[0], *exhaustive(*SIZES[1:])], ids=str)
def test_every_number_fits_its_pane(hostile: Session, size: tuple[int, int]) -> None:
    cells, height = size
    for cell in every_cell(hostile, 1):
        for unrolled in (True, False):
            asked = hostile.why = Why(hostile, cell)
            asked.unrolled = unrolled
            for by in (0, 4, None, 9):
                asked.follow() if by is None else asked.move_row(by)
                lines = why(hostile, cells, height)
                assert len(lines) <= height
                for line in lines:
                    assert sum(cell_len(span.text) for span in line) <= cells, line
                    for span in line:
                        check_style(span.style)
                        if span.action and span.action[0] == "term":
                            assert span.action[1] < len(asked.rows)
                        elif span.action:
                            assert span.action[0] == "trail"
                            assert span.action[1] < len(asked.visits)
    hostile.why = None


def test_listed_terms_and_the_remainder_add_up_to_the_value(story: Session) -> None:
    for cell in (answer(story), Cell("blocks.3.hook_mlp_out", (6, 11)), Cell("blocks.0.mlp.hook_pre", (2, 70))):
        asked = story.why = Why(story, cell)
        lines = [[word for word in line.split() if _signed(word)] for line in text_of(why(story, 70, 20))]
        figures = [float(words[-1].replace("−", "-")) for words in lines if words]
        assert len(figures) > 5
        assert sum(figures) == pytest.approx(asked.explanation.value, abs=2e-4)
    story.why = None


def _signed(word: str) -> bool:
    """A term's value: a sign and five decimals."""
    sign, _, decimals = word[:1], *word[1:].partition(".")[1:]
    return sign in "+−" and len(decimals) == 5 and word[1:].replace(".", "").isdigit()


def test_the_pane_says_whether_the_terms_give_the_number_again(story: Session) -> None:
    story.why = Why(story, answer(story))
    assert any("equal to the recorded number, to the last bit" in line for line in text_of(why(story, 74, 15)))
    story.why = Why(story, Cell("blocks.5.hook_resid_post", (10, 95)))
    assert any("apart: added in another order" in line for line in text_of(why(story, 94, 24)))
    story.why = None


def test_a_recorded_run_says_that_its_weights_are_missing(tmp_path) -> None:  # type: ignore[no-untyped-def]
    model = small_model(vocab_size=256)
    values, _ = trace_file.record(model, list(b"Once"))
    trace_file.write(tmp_path / "run", values, model, "small", "Once", list(b"Once"), Bytes())
    session, _ = trace_file.read(tmp_path / "run")
    session.why = Why(session, Cell("blocks.0.mlp.hook_pre", (2, 3)))
    shown = "\n".join(text_of(why(session, 74, 15)))
    assert "The weights are not in this file" in shown
    session.why = Why(session, Cell("blocks.0.attn.hook_pattern", (0, 2, 1)))
    assert any("to the last bit" in line for line in text_of(why(session, 74, 15)))


# Cells and words


def test_cells_are_read_as_they_are_written() -> None:
    cell = Cell("blocks.2.attn.hook_pattern", (3, 7, 5))
    assert str(cell) == "blocks.2.attn.hook_pattern[3,7,5]"
    assert parse(" blocks.2.attn.hook_pattern[3, 7,5] ") == cell
    for wrong in ("", "logits", "logits[]", "logits[-1,3]", "logits[1;2]", "[1]", "logits[1,2", "logits[1,]"):
        with pytest.raises(CellError, match="give a name and an index"):
            parse(wrong)


def test_numbers_that_are_not_there_are_refused(story: Session) -> None:
    for cell, words in {
        Cell("blocks.9.hook_resid_pre", (0, 0)): "there is no 'blocks.9.hook_resid_pre'",
        Cell("logits", (0,)): r"takes 2 numbers: the token's position \(0 to 10\) and the token's id \(0 to 4095\)",
        Cell("logits", (11, 0)): "the token's position is 0 to 10 here, not 11",
        Cell("probabilities", (11, 0)): "the token's position is 0 to 10 here, not 11",
        Cell("wte.weight", (4096, 0)): "the row is 0 to 4095 here, not 4096",
        Cell("tokens", (0, 1)): r"takes 1 number: the token's position \(0 to 10\)",
    }.items():
        with pytest.raises(CellError, match=words):
            story.provenance.explain(cell)


def test_words(story: Session) -> None:
    assert in_words(parse("blocks.2.attn.hook_pattern[3,7,5]"), story) == "pattern of head 2.3 · . ← ·the"
    assert in_words(parse("logits[10,396]"), story) == "logit · ·to (10) → ·Lily"
    assert brief(parse("ln_final.hook_out[10,17]"), story) == "final norm[17]"
    assert brief(parse("tokens[2]"), story) == "·Lily"
    assert in_words(parse("wte.weight[396,17]"), story) == "wte · ·Lily [17]"


def test_labels_say_what_sets_numbers_apart(story: Session) -> None:
    def labelled(*cells: str) -> list[str]:
        return labels([parse(cell) for cell in cells], story)

    neurons = labelled("blocks.1.mlp.hook_post[3,5]", "blocks.1.mlp.hook_post[3,700]", "h.1.mlp.c_proj.bias[8]")
    assert neurons == ["neuron 1.5", "neuron 1.700", "b_out of block 1"]
    assert labelled("ln_final.hook_out[3,5]", "ln_final.hook_out[3,6]") == ["[5]", "[6]"]
    values = labelled("blocks.0.attn.hook_v[2,0,9]", "blocks.0.attn.hook_v[4,0,9]", "blocks.0.attn.hook_v[6,0,9]")
    assert values == ["·Lily", "·to (4)", "·park"]
    assert labelled("hook_embed[2,1]", "blocks.3.hook_mlp_out[2,1]") == ["token embedding", "MLP of block 3"]
    assert labels([], story) == []


def test_the_factor_is_one_of_the_chosen_row(hostile: Session) -> None:
    """Rows with more factors than others: the cursor goes as far as its own row does."""
    found = 0
    for cell in every_cell(hostile, 3):
        asked = Why(hostile, cell)
        counts = [len(row.factors) for row in asked.rows]
        if len(set(counts)) < 2:
            continue
        found += 1
        for row in (counts.index(min(counts)), counts.index(max(counts))):
            asked.choose(row, 0)
            asked.move_column(99)
            assert asked.chosen == (row, max(0, counts[row] - 1))
    assert found


def test_a_weight_of_zero_has_no_colour_among_its_neighbours() -> None:
    model = small_model(vocab_size=256, n_positions=16, n_layer=1)
    bias = model.weights.blocks[0].mlp_in.bias
    bias[:] = [0.0, 0.5, *[0.0] * (len(bias) - 2)]
    session = start(model, Bytes(), "ab")
    session.why = Why(session, Cell("h.0.mlp.c_fc.bias", (0,)))
    levels = [span.style for line in why(session, 74, 15) for span in line if span.style.startswith("signed")]
    assert {style.removesuffix("!") for style in levels} == {"signed:0", "signed:8"}
    assert sum("8" in style for style in levels) == 1
