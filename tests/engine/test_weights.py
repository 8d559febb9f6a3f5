"""All weights of a model at once: none is left out, none is converted twice, and a tied head stays tied."""

import pytest

from explorer.engine.axes import axis_sizes
from explorer.engine.weights import leaves, map_weights
from gpt import GPT, activation_shapes
from gpt.weights import tensor_shapes
from tests.helpers.models import full_run, small_model


@pytest.fixture(params=[True, False], ids=["tied", "untied"])
def model(request: pytest.FixtureRequest) -> GPT:
    return small_model(tie_word_embeddings=request.param)


def test_every_tensor_of_a_checkpoint_is_listed(model: GPT) -> None:
    found = leaves(model.weights)
    assert len({id(leaf) for leaf in found}) == len(tensor_shapes(model.config))
    numbers = {id(leaf): sum(len(row) if isinstance(row, list) else 1 for row in leaf) for leaf in found}
    assert sum(numbers.values()) == model.config.parameters


def test_each_is_converted_once_and_a_tied_head_stays_tied(model: GPT) -> None:
    asked: list[int] = []

    def negative(value: list) -> list:
        asked.append(id(value))
        return [[-number for number in row] if isinstance(row, list) else -row for row in value]

    mapped = map_weights(model.weights, negative)
    assert len(asked) == len(set(asked)) == len(tensor_shapes(model.config))
    assert (mapped.unembedding is mapped.token_embedding) is model.config.tie_word_embeddings
    assert mapped.blocks[1].ln_2.beta == [-number for number in model.weights.blocks[1].ln_2.beta]


def test_the_axes_have_the_sizes_of_a_run(model: GPT) -> None:
    ids = [3, 1, 4, 1, 5]
    sizes, seen = axis_sizes(model.config, len(ids)), full_run(model, ids)
    for name, axes in activation_shapes(model.config):
        value = seen[name]
        for axis in axes:
            assert len(value) == sizes[axis], name
            value = value[0]
