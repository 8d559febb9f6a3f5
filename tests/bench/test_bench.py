"""The benchmark's structure, and that what it compares computes the same; no time is looked at."""

import itertools
import json
from typing import Any

import numpy as np
import pytest

from explorer.bench import growth, peers, plain, shapes, table, textbook, timing
from explorer.bench.arrays import Arrays
from explorer.bench.products import bare, dots, products
from explorer.bench.timing import Growth, Part, Timing, in_turn
from explorer.cli import main
from explorer.loading.checkpoints import open_checkpoint
from gpt import GPT
from tests.helpers.models import CONFIGS, embedded, full_run, on_arrays, small_model

IDS = [3, 1, 4, 1, 5, 9]


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_the_textbooks_loops_compute_the_same(config: dict[str, Any]) -> None:
    model = small_model(**config)
    loops = GPT(model.config, model.weights, ops=textbook.arithmetic())
    for name, value in full_run(loops, IDS).items():
        np.testing.assert_allclose(np.array(value), np.array(full_run(model, IDS)[name]), rtol=0, atol=1e-12)


def test_the_products_alone_are_all_that_a_run_multiplies() -> None:
    """By hand: four matrices in each block, the scores and the mix of each head, and the read-out."""
    model = small_model()
    config, count = model.config, len(IDS)
    d, e = config.n_embd, config.head_width
    expected = config.n_layer * (count * (3 * d * d + d * d + 8 * d * d) + 2 * config.n_head * count * count * e)
    expected += count * d * config.vocab_size
    pairs = products(model, IDS)
    assert sum(len(a) * len(b) * len(b[0]) for a, b in pairs) == expected
    assert all(len(row) == len(other) for a, b in pairs for row in a for other in b)
    dots(pairs)
    bare(products(on_arrays(), IDS))


def test_times_are_taken_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count()
    monkeypatch.setattr(timing.time, "perf_counter", lambda: float(next(clock)))
    done: list[str] = []
    first, second = in_turn({"bound": lambda: done.append("a"), "other": lambda: (done.append("b"), next(clock))}, 3)
    assert done == ["a", "b"] * 4, "a first round is not counted"
    assert (first.ratio, second.ratio) == (1.0, 2.0)
    assert second.as_json() == {"name": "other", "ratio": 2.0, "median": 2.0, "least": 2.0, "most": 2.0, "rounds": 3}


def test_a_ratio_is_the_median_over_the_rounds() -> None:
    found = Timing("x", (2.0, 100.0, 3.0), (1.0, 10.0, 1.0))
    assert found.ratio == 3.0
    assert found.median == 3.0


@pytest.mark.parametrize("cores", ["1", "2"])
def test_plain_python_is_held_against_the_loops(cores: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPT_EXPLORER_CORES", cores)
    model = small_model()
    whole, step = plain.parts(model, IDS, 1)
    assert whole.equal
    assert step.equal
    names = [timing.name for timing in whole.timings]
    assert names[:3] == ["the dot products alone, one core", "the textbook's nested loops", "forward pass, one core"]
    assert any("processes" in name for name in names) == (cores == "2")


def test_a_difference_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textbook, "linear", lambda x, weight, bias: [[1.0] * len(weight) for _ in x])
    assert not any(part.equal for part in plain.parts(small_model(), IDS, 1))
    assert main(["bench", "--quick", "--only", "plain", "--tokens", "2", "--against", "none"]) == 1


def test_arrays_without_peers() -> None:
    parts = list(Arrays(on_arrays(), open_checkpoint().path, []).parts(IDS, 2, 1))
    assert [part.timings[0].name.partition(",")[0] for part in parts] == [
        "the same products",
        "the same products",
        "one forward pass",
        "one after the other",
    ]
    assert all(part.equal for part in parts)


def test_arrays_beside_transformers_have_equal_logits() -> None:
    pytest.importorskip("transformers")
    from explorer.engine.engines import NUMPY, on_engine

    model, checkpoint = embedded()
    found = Arrays(on_engine(model, NUMPY), checkpoint.path, ["transformers"]).parts(IDS, 2, 1)
    forward, step, _, prompts = found
    assert forward.equal
    assert all(part.timings[-1].name.startswith("transformers") for part in (forward, step, prompts))


def test_growth_has_a_row_and_a_bar_for_every_size() -> None:
    tokens, layers, prompts = growth.growths(on_arrays(n_layer=3), IDS, 10, 1)
    assert tokens.sizes == (8,)
    assert layers.sizes == (1, 2, 3)
    assert prompts.sizes == growth.PROMPTS
    drawn = list(table.growth(Growth("t", (1, 2), (Timing("1", (1.0,), (1.0,)), Timing("2", (4.0,), (1.0,))))))
    assert [line.count("█") for line in drawn] == [0, 8, 32, 0]
    assert drawn[2].split()[:3] == ["2", "4000.00", "ms"]


@pytest.mark.parametrize("layers", [1, 2])
def test_a_model_cut_off_computes_what_its_first_blocks_do(layers: int) -> None:
    model = small_model(n_layer=3)
    cut, whole = full_run(growth.first_layers(model, layers), IDS), full_run(model, IDS)
    assert cut["blocks.0.hook_resid_post"] == whole["blocks.0.hook_resid_post"]
    name = f"blocks.{layers - 1}.hook_resid_post"
    assert cut[name] == whole[name]
    assert cut["logits"] == model.read_out(whole[name])


def test_the_table_begins_with_ratios() -> None:
    part = Part("title", (Timing("bound", (0.5,), (0.5,)), Timing("slow", (200.0,), (0.5,))), ("a note",))
    assert list(table.part(part)) == [
        "title",
        "      1.00 x  bound    500.00 ms  (  500.00 ms to   500.00 ms)",
        "    400.00 x  slow        200 s   (     200 s  to      200 s )",
        "  a note",
        "",
    ]


# The command


def test_the_command_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["bench", "--quick", "--json", "--only", "plain,growth", "--tokens", "3", "--against", "none"]
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["machine", "model", "parameters", "parts", "growth"]
    assert (found["model"], found["parameters"]) == ("stories", embedded()[0].config.parameters)
    assert found["parts"][0]["title"] == "plain Python, 3 tokens"
    assert all(part["timings"][0]["ratio"] == 1 and part["timings"][0]["rounds"] == 1 for part in found["parts"])
    assert [point["size"] for point in found["growth"][0]["points"]] == [8, 16, 32, 64]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--only", "loops"], "there is no part 'loops'"),
        (["--against", "keras"], "there is no 'keras' to compare with"),
        (["--tokens", "1"], "at least 2 tokens"),
        (["--tokens", "5000"], "256 tokens at most"),
        (["--model", "stories", "--shape", "gpt2"], "give one of them"),
    ],
)
def test_a_wrong_call_is_told_what_to_do(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_peer_that_is_not_there_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "find_spec", lambda name: None)
    assert peers.asked(None) == ([], [f"{name} is not installed: it is left out." for name in peers.NAMES])


def test_a_shape_is_a_checkpoint_with_random_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(shapes.SHAPES, "tiny", (2, 3, 12))
    with shapes.directory("tiny") as place:
        model = open_checkpoint(place, ids_alone=True).load()
        assert (model.config.n_layer, model.config.n_head, model.config.n_embd) == (2, 3, 12)
        weights = np.array(model.weights.blocks[1].mlp_in.weight)
        assert 0.015 < weights.std() < 0.025
        assert np.mean(model.weights.ln_final.gamma) == pytest.approx(1, abs=0.05)
    assert not place.exists()
