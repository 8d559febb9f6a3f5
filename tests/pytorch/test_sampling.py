"""Temperature, top-k and top-p against transformers' own, applied in the order in which it applies them."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from transformers.generation.logits_process import (  # noqa: E402
    LogitsProcessorList,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from gpt import Sampling, distribution  # noqa: E402


def warped(logits, sampling: Sampling):
    """The scores that transformers would draw from."""
    warpers = LogitsProcessorList([TemperatureLogitsWarper(sampling.temperature)])
    if sampling.top_k is not None:
        warpers.append(TopKLogitsWarper(sampling.top_k))
    if sampling.top_p < 1:
        warpers.append(TopPLogitsWarper(sampling.top_p))
    return warpers(None, logits[None])[0]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("top_k", [None, 1, 5, 40, 100, 1000])
@pytest.mark.parametrize("top_p", [1.0, 0.95, 0.5, 0.01])
def test_the_same_tokens_with_the_same_probabilities(
    seed: int, temperature: float, top_k: int | None, top_p: float
) -> None:
    sampling = Sampling(temperature, top_k, top_p)
    logits = 3 * torch.randn(100, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    found = distribution(logits.tolist(), sampling)
    expected = warped(logits, sampling)
    torch.testing.assert_close(torch.tensor(found.top_p_logits, dtype=torch.float64), expected, rtol=1e-13, atol=1e-13)
    probabilities = torch.tensor(found.probabilities, dtype=torch.float64)
    torch.testing.assert_close(probabilities, expected.softmax(-1), rtol=1e-12, atol=1e-14)


def test_ties_at_the_kth_place_are_all_kept_by_both() -> None:
    logits = torch.tensor([1.0, 2.0, 0.0, 1.0, 1.0], dtype=torch.float64)
    sampling = Sampling(top_k=2)
    expected = warped(logits, sampling)
    assert distribution(logits.tolist(), sampling).top_p_logits == expected.tolist()
    assert expected.isfinite().sum() == 4
