"""The source that is shown: what Python says, its colours, and the lines that compute."""

import inspect
import io
import keyword
import sys
import tokenize
from typing import Any

import pytest

from explorer.code.source import calculating_line, coloured, source_of, where_computed
from gpt import (
    GPT,
    GPTConfig,
    activation_shapes,
    attention,
    embeddings,
    layer_norm,
    mlp,
    ops,
    sampling,
)
from gpt import block as block_module
from tests.helpers.stepped import run_of, stepper

FUNCTIONS = [
    *(function for _, function in inspect.getmembers(ops, inspect.isfunction)),
    *(attention.attention, layer_norm.layer_norm, mlp.mlp, block_module.block, embeddings.embed),
    *(sampling.distribution, sampling.draw, GPT.read_out, GPT.forward),
]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__qualname__)
def test_the_source_is_what_python_says(function: Any) -> None:
    source = source_of(function)
    lines, first = inspect.getsourcelines(function)
    assert source.first == first
    assert [("".join(text for text, _ in line)) for line in source.lines] == [line.rstrip("\n") for line in lines]
    assert source.function == function.__qualname__
    assert source.file == "gpt/" + inspect.getsourcefile(function).rpartition("/")[2]  # type: ignore[union-attr]
    styles = {style for line in source.lines for _, style in line}
    assert styles <= {"", "keyword", "string", "comment", "number-literal"}
    last = calculating_line(function)
    assert lines[last - first].strip().startswith("return")
    assert not any(line.strip().startswith("return ") for line in lines[last - first + 1 :])


def test_the_colours_are_those_of_pythons_own_tokens() -> None:
    text = inspect.getsource(ops.causal_mask) + inspect.getsource(ops._mask) + inspect.getsource(sampling.draw)
    styles: dict[tuple[int, int], str] = {}
    for row, line in enumerate(coloured(text), 1):
        column = 0
        for piece, style in line:
            styles |= {(row, column + index): style for index in range(len(piece))}
            column += len(piece)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        style = styles.get(token.start, "")
        if token.type == tokenize.NAME:
            assert style == ("keyword" if keyword.iskeyword(token.string) else ""), token
        elif token.type in (tokenize.STRING, tokenize.COMMENT, tokenize.NUMBER):
            assert style == {tokenize.STRING: "string", tokenize.COMMENT: "comment"}.get(token.type, "number-literal")


@pytest.mark.parametrize("config", [GPTConfig(), GPTConfig(n_layer=3, activation_function="relu", n_inner=5)], ids=str)
def test_every_activation_has_the_line_that_names_it(config: GPTConfig) -> None:
    places = where_computed(config)
    assert list(places) == [name for name, _ in activation_shapes(config, True)]
    for name, place in places.items():
        module = sys.modules[place.file.removesuffix(".py").replace("/", ".")]
        line = inspect.getsource(module).splitlines()[place.line - 1]
        assert f'"{name.rpartition(".")[2]}"' in line or (name.endswith("hook_result") and "HEAD_RESULTS" in line)
        function = place.function.rpartition(".")[2]
        assert any(function == found.__name__ for found in FUNCTIONS)


def test_where_a_value_is_computed_is_where_stepping_finds_it() -> None:
    trace = run_of("small")
    places = where_computed(trace.config)
    for id in ("embed", "blocks.1.ln1", "blocks.1.pattern", "blocks.1.resid_post", "blocks.1.pre", "logits"):
        for stop in stepper(trace, id).stops:
            for name in stop.activations:
                assert (stop.file, stop.function, stop.line) == places[name]
