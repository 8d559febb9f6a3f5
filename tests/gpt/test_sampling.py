"""Logits become the next token: the ledger of steps against NumPy, the draw, and generation."""

import math
import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gpt import (
    GPT,
    Distribution,
    GPTConfig,
    InputError,
    Sampling,
    SamplingError,
    StopRun,
    distribution,
    draw,
    generate,
    load_weights,
)
from gpt.sampling import random_number
from tests.helpers.numpy_gpt2 import Run, Source, random_tensors, softmax


def logits_of(size: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 3, size)


def keep(scores: np.ndarray, kept: np.ndarray) -> np.ndarray:
    return np.where(kept, scores, -np.inf)


# The ledger


@given(
    size=st.integers(1, 60),
    seed=st.integers(0, 2**32 - 1),
    temperature=st.floats(0.05, 20),
    top_k=st.none() | st.integers(1, 70),
    top_p=st.just(1.0) | st.floats(0.01, 1.0),
)
@settings(max_examples=200)
def test_every_step_equals_numpys(size: int, seed: int, temperature: float, top_k: int | None, top_p: float) -> None:
    logits = logits_of(size, seed)
    found = distribution(logits.tolist(), Sampling(temperature, top_k, top_p))
    tempered = logits / temperature
    order = np.argsort(-tempered)
    rank = np.argsort(order)
    top_k_logits = keep(tempered, rank < (top_k or size))
    before = np.concatenate([[0.0], np.cumsum(softmax(top_k_logits)[order])[:-1]])[rank]  # the sum of those ahead
    assume(top_p == 1 or abs(before - top_p).min() > 1e-12)  # nearer than that, rounding decides
    kept = np.isfinite(top_k_logits) & ((before < top_p) | (top_p == 1))
    top_p_logits = keep(top_k_logits, kept)
    np.testing.assert_array_equal(found.logits, logits)
    np.testing.assert_allclose(found.tempered, tempered, rtol=1e-14)
    np.testing.assert_allclose(found.tempered_probabilities, softmax(tempered), rtol=1e-12)
    np.testing.assert_allclose(found.top_k_logits, top_k_logits, rtol=1e-14)
    np.testing.assert_allclose(found.top_p_logits, top_p_logits, rtol=1e-14)
    np.testing.assert_allclose(found.probabilities, softmax(top_p_logits), rtol=1e-12)
    assert found.order == order[: kept.sum()].tolist()
    np.testing.assert_allclose(found.cumulative, np.cumsum(softmax(top_p_logits)[found.order]), rtol=1e-12)


@pytest.mark.parametrize(
    "sampling", [Sampling(0), Sampling(0, 5, 0.5), Sampling(1, 1), Sampling(1, None, 1e-9)], ids=str
)
@pytest.mark.parametrize("number", [0.0, 0.5, 1 - 2**-53])
def test_greedy_takes_the_largest_always(sampling: Sampling, number: float) -> None:
    for seed in range(5):
        logits = logits_of(30, seed)
        chances = distribution(logits.tolist(), sampling)
        assert draw(chances, number) == logits.argmax()
        assert chances.probabilities == [float(token == logits.argmax()) for token in range(30)]


def test_greedy_takes_the_lower_id_of_two_that_tie() -> None:
    assert distribution([1.0, 3.0, 3.0], Sampling(0)).order == [1]


def test_a_tie_at_the_kth_place_keeps_all_who_share_it() -> None:
    chances = distribution([1.0, 2.0, 0.0, 1.0, 1.0], Sampling(top_k=2))
    assert chances.order == [1, 0, 3, 4]
    assert chances.top_k_logits == [1.0, 2.0, -math.inf, 1.0, 1.0]


def test_of_a_tie_top_p_keeps_the_lower_ids() -> None:
    assert distribution([0.0] * 4, Sampling(top_p=0.6)).order == [0, 1, 2]
    assert distribution([0.0] * 4, Sampling(top_p=0.5)).order == [0, 1]


def test_top_k_comes_before_top_p() -> None:
    logits = np.log([0.4, 0.3, 0.2, 0.1]).tolist()
    # of the two that are left the first has 4/7 = 0.57; of all four it has 0.4
    assert distribution(logits, Sampling(top_k=2, top_p=0.5)).order == [0]
    assert distribution(logits, Sampling(top_p=0.5)).order == [0, 1]


def test_logits_of_any_size_make_a_distribution() -> None:
    chances = distribution([1e308, -1e308, 1e308], Sampling())
    assert chances.probabilities == [0.5, 0.0, 0.5]


@pytest.mark.parametrize("temperature", [-0.1, math.inf, math.nan])
def test_temperatures_out_of_range_are_refused(temperature: float) -> None:
    with pytest.raises(SamplingError, match=f"temperature is {temperature}"):
        Sampling(temperature=temperature)


@pytest.mark.parametrize("top_k", [0, -3])
def test_a_top_k_out_of_range_is_refused(top_k: int) -> None:
    with pytest.raises(SamplingError, match=f"top-k is {top_k}"):
        Sampling(top_k=top_k)


@pytest.mark.parametrize("top_p", [0, -0.5, 1.01, math.nan])
def test_a_top_p_out_of_range_is_refused(top_p: float) -> None:
    with pytest.raises(SamplingError, match=f"top-p is {top_p}"):
        Sampling(top_p=top_p)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("temperature", [0, 1])
def test_logits_that_are_no_numbers_are_refused(bad: float, temperature: float) -> None:
    with pytest.raises(SamplingError, match="not all finite"):
        distribution([0.0, bad, 1.0], Sampling(temperature))


def test_a_temperature_too_small_to_divide_by_is_refused() -> None:
    with pytest.raises(SamplingError, match="1e-310"):
        distribution([10.0, 0.0], Sampling(temperature=1e-310))


# The draw


@given(size=st.integers(1, 20), seed=st.integers(0, 1000), number=st.floats(0, 1, exclude_max=True))
@settings(max_examples=100)
def test_a_number_falls_on_the_token_that_covers_it(size: int, seed: int, number: float) -> None:
    chances = distribution(logits_of(size, seed).tolist(), Sampling())
    place = np.searchsorted(np.array(chances.cumulative), number, side="right")
    assert draw(chances, number) == chances.order[min(place, size - 1)]


def test_the_ends_of_the_line() -> None:
    logits = [0.0, 5.0, -5.0, 1.0]
    chances = distribution(logits, Sampling(top_k=3))
    assert draw(chances, 0.0) == 1
    assert draw(chances, math.nextafter(1, 0)) == 0


def test_where_two_tokens_meet_the_second_begins() -> None:
    chances = distribution(logits_of(8, 0).tolist(), Sampling())
    assert [draw(chances, reached) for reached in chances.cumulative[:-1]] == chances.order[1:]


def test_a_line_that_ends_a_rounding_error_early_still_has_a_last_token() -> None:
    seventh = [0.0, 1.0]
    chances = Distribution(seventh, seventh, seventh, seventh, seventh, [0.5, 0.5], [1, 0], [0.5, 1 - 1e-9])
    assert draw(chances, 1 - 1e-12) == 0


def test_a_zero_probability_is_never_drawn() -> None:
    chances = distribution([0.0, -10_000.0, -10_000.0], Sampling())
    assert draw(chances, math.nextafter(1, 0)) == 0


def test_tokens_are_drawn_as_often_as_they_should_be() -> None:
    chances = distribution(np.log([0.5, 0.05, 0.3, 0.15]).tolist(), Sampling())
    numbers, count = random.Random(1), 20_000
    drawn = Counter(draw(chances, numbers.random()) for _ in range(count))
    for token, probability in enumerate([0.5, 0.05, 0.3, 0.15]):
        deviation = math.sqrt(probability * (1 - probability) / count)
        assert drawn[token] / count == pytest.approx(probability, abs=4 * deviation)


@pytest.mark.parametrize("seed", [0, 42])
def test_random_numbers_are_the_seeds_sequence_in_whatever_order(seed: int) -> None:
    numbers = random.Random(seed)
    sequence = [numbers.random() for _ in range(10)]
    assert [random_number(seed, step) for step in reversed(range(10))] == sequence[::-1]
    assert random_number(seed + 1, 0) != sequence[0]


# Generation

CONFIG = {"vocab_size": 13, "n_positions": 9, "n_embd": 6, "n_layer": 2, "n_head": 3}
TENSORS = random_tensors(CONFIG, 4)


def model(**given: int) -> GPT:
    config = GPTConfig.from_dict(CONFIG | given)
    return GPT(config, load_weights(config, Source(TENSORS)))


def test_each_step_is_the_models_next_token_drawn_with_the_seeds_number() -> None:
    ids, sampling = [3, 1, 4], Sampling(0.8, 7, 0.9)
    for index, step in enumerate(generate(model(), ids, 5, sampling, seed=6)):
        logits = Run(CONFIG, TENSORS, ids).seen["logits"][-1]
        np.testing.assert_allclose(step.distribution.logits, logits, rtol=1e-9, atol=1e-9)
        assert step.distribution == distribution(step.distribution.logits, sampling)
        assert step.number == random_number(6, index)
        assert step.token == draw(step.distribution, step.number)
        ids.append(step.token)
    assert len(ids) == 8


def test_greedy_generation_follows_the_largest_logit() -> None:
    ids = [5]
    for step in generate(model(), [5], 6, Sampling(0)):
        assert step.token == Run(CONFIG, TENSORS, ids).seen["logits"][-1].argmax()
        ids.append(step.token)
    assert len(ids) == 7


def test_the_same_seed_gives_the_same_text_and_another_another() -> None:
    texts = [[step.token for step in generate(model(), [5], 8, Sampling(2.0), seed)] for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_generation_ends_with_the_end_token() -> None:
    free = [step.token for step in generate(model(), [3], 8, Sampling(2.0), seed=1)]
    end = free[3]
    ended = [step.token for step in generate(model(eos_token_id=end), [3], 8, Sampling(2.0), seed=1)]
    assert ended == free[: free.index(end) + 1]
    assert len(ended) < len(free)


@pytest.mark.parametrize(("given", "new"), [(1, 9), (6, 4), (9, 1)])
def test_generation_ends_where_the_context_is_full(given: int, new: int) -> None:
    assert len(list(generate(model(), [2] * given, 100))) == new


@pytest.mark.parametrize("count", [0, -1])
def test_no_tokens_asked_for_none_given(count: int) -> None:
    assert list(generate(model(), [2], count)) == []


@pytest.mark.parametrize("ids", [[], [13], [1] * 10])
def test_a_prompt_that_cannot_be_run_is_refused(ids: list[int]) -> None:
    with pytest.raises(InputError):
        next(generate(model(), ids, 3))


def test_hooks_see_every_step_and_can_change_it() -> None:
    lengths = []

    def only_token_8(name: str, value: list[list[float]]) -> list[list[float]] | None:
        if name in ("hook_embed", "logits"):
            lengths.append(len(value))
        return [[0.0] * 8 + [99.0] + [0.0] * 4] * len(value) if name == "logits" else None

    assert [step.token for step in generate(model(), [1, 2, 3], 3, hook=only_token_8)] == [8, 8, 8]
    assert lengths == [3, 1, 1, 1, 1, 1]  # all of the prompt is run once, and only its last position read out


def test_a_hook_can_stop_a_generation() -> None:
    def stop(name: str, value: object) -> None:
        raise StopRun

    with pytest.raises(StopRun):
        next(generate(model(), [1], 3, hook=stop))
