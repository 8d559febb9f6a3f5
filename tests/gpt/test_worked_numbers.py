"""The worked numbers in the docstrings of `gpt/` are what its functions compute."""

import doctest
import pkgutil
from importlib import import_module

import pytest

import gpt

MODULES = [f"gpt.{module.name}" for module in pkgutil.iter_modules(gpt.__path__) if module.name != "__main__"]


@pytest.mark.parametrize("name", MODULES)
def test_the_worked_numbers_of_a_module(name: str) -> None:
    assert doctest.testmod(import_module(name)).failed == 0


def test_there_are_worked_numbers() -> None:
    """For every function of the arithmetic that computes, and for the parts of the model that can be worked by hand."""
    found = doctest.DocTestFinder(exclude_empty=True).find
    worked = {test.name for name in MODULES for test in found(import_module(name)) if test.examples}
    assert {
        *("gpt.ops.softmax_row", "gpt.ops.causal_mask", "gpt.ops.gelu_new", "gpt.ops.linear", "gpt.ops.variance"),
        *("gpt.attention.mix", "gpt.attention.raw_scores", "gpt.layer_norm.layer_norm", "gpt.mlp.mlp"),
        *("gpt.sampling._top_p", "gpt.sampling.draw", "gpt.config.GPTConfig.multiplications", "gpt.model.GPT"),
    } <= worked
