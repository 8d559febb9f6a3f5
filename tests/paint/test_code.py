"""The code pane: within its lines and cells, the running line lit as it is written, the names with their values."""

import inspect
import math
import re
import sys
import unicodedata
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from explorer.code.excerpts import excerpt
from explorer.code.stepping import Stepper, step_through
from explorer.paint.code import code, source_lines, value
from explorer.paint.spans import Line
from explorer.runs.trace import Trace
from explorer.stages import walk
from gpt import Sampling, attention, ops
from gpt.attention import KeysValues
from tests.helpers.exhaustive import exhaustive
from tests.helpers.models import embedded, small_model, traced

SIZES = [(49, 15), (56, 24), (110, 26)]
STYLES = {"", "dim", "bold", "lit", "keyword", "string", "comment", "number-literal", "here-text", "value"}


@cache
def run_of(which: str) -> Trace:
    model = small_model(n_layer=2) if which == "small" else embedded()[0]
    return traced(model, [1, 2, 3, 4, 5])


def at(which: str, id: str, **place: int) -> Stepper:
    trace = run_of(which)
    stage = next(stage for stage in walk(trace.config) if stage.id == id)
    found = excerpt(stage, trace, place.get("position", 3), place.get("head", 0), place.get("column", 0), number=0.5)
    assert found
    return found.step()


def texts(lines: list[Line]) -> list[str]:
    return ["".join(span.text for span in line) for line in lines]


def check(stepper: Stepper, cells: int, height: int) -> list[str]:
    lines = code(stepper, cells, height)
    assert len(lines) <= height
    for line in lines:
        text = "".join(span.text for span in line)
        assert sum(cell_len(span.text) for span in line) <= cells, text
        bad = {unicodedata.category(character) for character in text} & {"Cc", "Cf", "Cs", "Zl", "Zp", "Mn", "Me"}
        assert not bad, text
        assert {span.style for span in line} <= STYLES
    return texts(lines)


def lit(stepper: Stepper, cells: int, height: int) -> str:
    """The lit text, without spaces at its ends and at line breaks."""
    lines = [line for line in code(stepper, cells, height) if any(span.style == "lit" for span in line)]
    assert all(cell_len("".join(span.text for span in line)) == cells for line in lines)  # to the edge
    text = "".join("".join(span.text for span in line) for line in lines)
    return "".join(text.split())


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("which", ["small", *exhaustive("embedded")])
def test_every_stage_fits_and_lights_the_running_line(which: str, size: tuple[int, int]) -> None:
    trace = run_of(which)
    for stage in walk(trace.config)[1:18] + walk(trace.config)[-4:]:
        stepper = at(which, stage.id)
        for _ in range(25):
            check(stepper, *size)
            stop = stepper.stop
            module = sys.modules[stop.file.removesuffix(".py").replace("/", ".")]
            statement = inspect.getsource(module).splitlines()[stop.line - 1]
            written = "".join(f"▸{stop.line} {statement}".split())
            assert lit(stepper, *size).startswith(written), stage.id
            if not stepper.into():
                break


@given(st.integers(30, 130), st.integers(5, 40), st.data())
@settings(max_examples=100)
def test_any_size_and_any_stop_do(cells: int, height: int, data: st.DataObject) -> None:
    stepper = at("small", data.draw(st.sampled_from(["blocks.1.z", "blocks.0.resid_post", "logits", "draw"])))
    stepper.index = data.draw(st.integers(0, len(stepper.stops) - 1))
    check(stepper, cells, height)
    assert lit(stepper, cells, height)


def test_the_source_is_shown_whole_where_there_is_room() -> None:
    stepper = step_through(lambda hook: ops.causal_mask([[[1.0, 2.0]]]))
    lines, first = inspect.getsourcelines(ops.causal_mask)
    shown = check(stepper, 130, 40)
    assert shown[0] == "gpt/ops.py  causal_mask"
    source = [text for text in shown if re.match(r"[▸ ]\d+ ?", text)]
    assert [text[1:].strip() for text in source] == [
        f"{number} {line.rstrip()}".strip() for number, line in enumerate(lines, first)
    ]


@pytest.mark.parametrize("height", range(1, 9))
def test_a_statement_that_does_not_fit_is_shown_from_its_beginning(height: int) -> None:
    source = at("small", "blocks.0.z").source
    shown = texts(source_lines(source, range(source.first + 1, source.first + len(source.lines)), 130, height))
    assert [text[:4].strip("▸ ") for text in shown] == [str(source.first + 1 + line) for line in range(height)]
    assert shown[0].startswith("▸")


def test_long_lines_go_on_below_and_nothing_is_lost() -> None:
    stepper = at("embedded", "blocks.0.z")
    shown = "".join("".join(text.split()) for text in check(stepper, 40, 200))
    for line in inspect.getsource(attention.attention).splitlines():
        assert "".join(line.split()) in shown


def test_long_lines_are_broken_between_words() -> None:
    stepper = at("embedded", "blocks.0.z")
    shown = {word for text in check(stepper, 40, 200) for word in text.split()}
    words = {word for line in inspect.getsource(attention.attention).splitlines() for word in line.split()}
    assert {word for word in words if len(word) < 24} <= shown


def test_the_way_here_stands_above() -> None:
    stepper = at("small", "blocks.0.pattern")
    for _ in range(5):
        stepper.into()
    assert check(stepper, 80, 20)[0] == "gpt/ops.py  attention › softmax › softmax_row"
    stepper.into()
    assert check(stepper, 80, 20)[0] == "gpt/ops.py  attention › softmax › softmax_row · pass 1"
    assert check(stepper, 49, 20)[0] == "gpt/ops.py  … › softmax › softmax_row · pass 1"
    assert check(stepper, 40, 20)[0] == "gpt/ops.py  … › softmax_row · pass 1"


def test_the_result_and_the_names_stand_below() -> None:
    stepper = step_through(lambda hook: ops.softmax_row([0.0, math.log(3)]))
    stepper.over()
    shown = check(stepper, 60, 20)
    assert "→ exps = [2] +0.333 +1.000" in shown
    assert shown[-2:] == ["largest 1.09861", "scores  [2] +0.000 +1.099"]
    styles = {line[0].text.strip(): line[0].style for line in code(stepper, 60, 20)[-2:]}
    assert styles == {"largest": "here-text", "scores": "dim"}
    assert not any(re.match("ops|hook|see ", text) for text in check(at("small", "blocks.0.z"), 100, 60))


@pytest.mark.parametrize(
    ("held", "shown"),
    [
        (1.5, "1.5"),
        (-1234.56789, "−1234.57"),
        (-math.inf, "−∞"),
        (math.nan, "NaN"),
        (3, "3"),
        (True, "True"),
        ("blocks.0.", "blocks.0."),
        ("\x1b[31m", "␛[31m"),
        ([1.0, -2.0], "[2] +1.000 −2.000"),
        ((1.0, -2.0), "[2] +1.000 −2.000"),
        (range(3), "[3] 0 1 2"),
        ([], "[0]"),
        ([[]], "[1, 0]"),
        ([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "[2, 3] +1.000 +2.000 …"),
        ([0.5] * 192, "[192] +0.500 +0.500 …"),
        ([[[0.5]]], "[1, 1, 1] +0.500"),
        (KeysValues([[[1.0]]], [[[2.0]]]), "keys [1, 1, 1]  values [1, 1, 1]"),
        (Sampling(0.8, 40), "temperature 0.8  top_k 40  top_p 1"),
        pytest.param(object(), "object", id="an object"),
        ({1, 2}, "2 of them"),
    ],
    ids=repr,
)
def test_values_in_a_few_words(held: Any, shown: str) -> None:
    assert value(held, 24) == shown


def test_bytes_of_a_token_are_shown_as_text() -> None:
    assert value(b" s") == "·s"
    assert value([b" ", b"sa", b"i\n", b"\xff"]) == "[4] · sa i⏎ ‹ff›"
    assert value((b"s", b"aid")) == "[2] s aid"


@pytest.mark.parametrize("cells", range(12))
def test_it_ends_where_no_word_has_room(cells: int) -> None:
    assert len(code(at("small", "blocks.0.pattern"), cells, 10)) <= 10
