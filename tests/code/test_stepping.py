"""Stepping through the code: where it stops, how it moves, and the merges of a piece."""

import inspect
import math
import re
import sys
import threading
from types import FrameType
from typing import Any

import pytest

from explorer.code.source import calculating_line
from explorer.code.stepping import Stepper, step_through
from explorer.walk.opening import step_into_code
from explorer.walk.session import Session
from gpt import (
    GPTConfig,
    Sampling,
    attention,
    distribution,
    layer_norm,
    ops,
)
from gpt import block as block_module
from gpt.hooks import Run
from tests.helpers.models import embedded, small_model, traced
from tests.helpers.stepped import run_of, stepper

# Stops


def test_the_lines_of_softmax_pass_by_pass() -> None:
    steps = step_through(lambda hook: ops.softmax([[[1.0, 2.0]]]))
    last = calculating_line(ops.softmax_row)
    first = last - 8
    row, exps = [1.0, 2.0], [math.exp(-1.0), 1.0]
    outer, inner = {"scores": [[row]]}, {"scores": row, "largest": 2.0}
    after = inner | {"exps": exps, "total": sum(exps)}
    assert [(stop.function, stop.line, stop.depth, stop.passes, stop.scope) for stop in steps.stops] == [
        ("softmax", calculating_line(ops.softmax), 0, (), outer),
        ("softmax", calculating_line(ops.softmax), 0, (1,), outer | {"head": [row]}),
        ("softmax", calculating_line(ops.softmax), 0, (1, 1), outer | {"head": [row], "row": row}),
        ("softmax_row", first + 5, 1, (), {"scores": row}),
        ("softmax_row", first + 6, 1, (), inner),
        ("softmax_row", first + 6, 1, (1,), inner | {"score": 1.0}),
        ("softmax_row", first + 6, 1, (2,), inner | {"score": 2.0}),
        ("softmax_row", first + 7, 1, (), inner | {"exps": exps}),
        ("softmax_row", last, 1, (), after),
        ("softmax_row", last, 1, (1,), after | {"value": exps[0]}),
        ("softmax_row", last, 1, (2,), after | {"value": exps[1]}),
        ("softmax", calculating_line(ops.softmax), 0, (), outer),
    ]
    results = [go(steps, index).result for index in range(len(steps.stops))]
    whole = ops.softmax([[row]])
    assert results == [
        *(whole, whole[0], whole[0][0], 2.0, exps, *exps, sum(exps), whole[0][0], *whole[0][0], whole),
    ]
    assert steps.stops[-1].returned


def go(steps: Stepper, index: int) -> Stepper:
    steps.index = index
    return steps


def test_every_pass_binds_its_own_variables() -> None:
    x, weight, bias = [[1.0, 2.0], [3.0, 4.0]], [[0.5, 1.0], [1.5, 2.0], [2.5, 3.0]], [0.1, 0.2, 0.3]
    steps = step_through(lambda hook: ops.linear(x, weight, bias))
    inner = [index for index, stop in enumerate(steps.stops) if len(stop.passes) == 2]
    assert [steps.stops[i].passes for i in inner] == [(row, output) for row in (1, 2) for output in (1, 2, 3)]
    for index in inner:
        row, output = (count - 1 for count in steps.stops[index].passes)
        scope = steps.stops[index].scope
        assert (scope["row"], scope["w"], scope["b"]) == (x[row], weight[output], bias[output])
        assert go(steps, index).result == steps.value[row][output]


def test_nested_loops_hide_what_an_earlier_pass_left() -> None:
    steps = step_through(lambda hook: ops.merge_heads([[[1.0], [2.0]], [[3.0], [4.0]]]))
    passes = [stop.passes for stop in steps.stops]
    assert passes == [
        (),
        *((1,), (1, 1), (1, 1, 1), (1, 2), (1, 2, 1)),
        *((2,), (2, 1), (2, 1, 1), (2, 2), (2, 2, 1)),
        (),
    ]
    for stop in steps.stops:
        assert set(stop.scope) == {"x", *("heads", "head", "value")[: len(stop.passes)]}


def test_attention_stops_at_each_of_its_lines_that_computes() -> None:
    trace = run_of("small")
    steps = stepper(trace, "blocks.1.z", head=2)
    lines = [stop.line for stop in steps.stops if not stop.depth and not stop.passes]
    text, first = inspect.getsourcelines(attention.attention)
    end = next(index for index, line in enumerate(text) if "if run.head_results" in line)
    start = next(index for index, line in enumerate(text) if "qkv = " in line)
    code = [index for index in range(start, end + 1) if re.match(r"    [a-z]", text[index])]  # no comment
    within = [index for index in range(start, end) if re.match(r"        [a-z]+ =", text[index])]  # an if's
    expected = [first + index for index in sorted(code + within)]
    assert lines == expected


def test_the_hook_and_what_python_adds_are_no_stops() -> None:
    trace = run_of("small")
    files = set()
    for id in ("embed", "blocks.0.ln1", "blocks.0.out", "blocks.0.resid_post", "logits", "probabilities"):
        for stop in stepper(trace, id).stops:
            files.add(stop.file)
            text = inspect.getsource(sys.modules[stop.file.removesuffix(".py").replace("/", ".")]).splitlines()
            line = text[stop.line - 1].strip()
            assert line
            assert not line.startswith(("#", '"""', "import", "from", "def ", "class ", ")", "@"))
    assert files == {
        *("gpt/embeddings.py", "gpt/layer_norm.py", "gpt/ops.py", "gpt/attention.py", "gpt/mlp.py", "gpt/block.py"),
        *("gpt/config.py", "gpt/model.py", "gpt/sampling.py"),
    }


def test_a_statement_over_several_lines_stops_once() -> None:
    trace = run_of("small")
    steps = stepper(trace, "blocks.0.resid_post")
    lines = [stop.line for stop in steps.stops if not stop.depth and not stop.passes and not stop.returned]
    assert len(lines) == len(set(lines))
    calls = [stop for stop in steps.stops if stop.function == "attention"]
    assert "attn_out, present = attention(" in inspect.getsource(block_module).splitlines()[caller(steps, calls[0]) - 1]


def caller(steps: Stepper, stop: Any) -> int:
    return steps.stops[stop.caller].line


def test_long_loops_stop_no_oftener_than_asked() -> None:
    rows = [[float(i)] for i in range(50)]
    steps = step_through(lambda hook: ops.softmax([rows]), most=3)
    outer = [stop.passes for stop in steps.stops if not stop.depth]
    assert outer == [(), (1,), (1, 1), (1, 2), (1, 3), ()]
    assert len({stop.call for stop in steps.stops}) == 4  # and calls made from the later passes are left out
    assert steps.value == ops.softmax([rows])
    # what is called after a long loop is not
    steps = step_through(lambda hook: distribution([float(i % 7) for i in range(50)], Sampling(0.5, 20, 0.9)), most=3)
    called = [stop.function for stop in steps.stops if stop.depth == 1 and not stop.passes]
    assert called.index("_tempered") < called.index("_top_k") < called.index("_top_p")


def test_the_last_line_is_the_one_after_what_was_asked_for() -> None:
    x = [[1.0, 2.0, 4.0]]
    weights = traced(small_model(), [1]).model.weights.blocks[0]
    norm = type(weights.ln_1)([1.0] * 3, [0.0] * 3)
    steps = step_through(
        lambda hook: layer_norm.layer_norm(x, norm, Run(GPTConfig(), hook=hook).part("ln")), until="ln.hook_var"
    )
    last = steps.stops[-1]
    assert last.activation is None
    assert "scale = " in inspect.getsource(layer_norm).splitlines()[last.line - 1]
    assert set(last.scope) >= {"mean", "variance"}
    assert "scale" not in last.scope


def test_a_hook_of_ones_own_may_put_other_values_in_place() -> None:
    x, weights = [[1.0, 2.0, 4.0]], type(run_of("small").model.weights.ln_final)([1.0] * 3, [0.0] * 3)
    steps = step_through(
        lambda hook: layer_norm.layer_norm(x, weights, Run(GPTConfig(), hook=hook)),
        hook=lambda name, value: [[7.0]] if name == "hook_mean" else None,
    )
    assert steps.to("hook_mean")
    assert steps.result == [[7.0]]


def test_the_tracer_before_is_put_back() -> None:
    def tracer(frame: FrameType, event: str, argument: Any) -> None:
        return None

    before = sys.gettrace()
    try:
        sys.settrace(tracer)
        step_through(lambda hook: ops.mean([[1.0]]))
        assert sys.gettrace() is tracer
        with pytest.raises(ZeroDivisionError):
            step_through(lambda hook: ops.mean([[]]))
        assert sys.gettrace() is tracer
    finally:
        sys.settrace(before)


def test_other_threads_are_not_watched() -> None:
    def both(hook: Any) -> Any:
        thread = threading.Thread(target=ops.variance, args=([[1.0]], [[0.0]]))
        thread.start()
        thread.join()
        return ops.mean([[1.0]])

    assert {stop.function for stop in step_through(both).stops} == {"mean"}


# Moves


def test_moves() -> None:
    trace = run_of("small")
    steps = stepper(trace, "blocks.0.pattern", head=1)
    text = inspect.getsource(attention).splitlines()
    assert "pattern = " in text[steps.stop.line - 1]
    assert steps.over()
    assert "z = " in text[steps.stop.line - 1]
    assert steps.back()
    assert steps.into()
    assert (steps.stop.function, steps.stop.depth, steps.stop.passes) == ("softmax", 1, ())
    assert steps.into()
    assert steps.into()
    assert steps.stop.passes == (1, 1)
    assert steps.into()
    assert [stop.function for stop in steps.chain] == ["attention", "softmax", "softmax_row"]
    assert steps.over()
    assert steps.into()
    assert steps.stop.passes == (1,)
    assert steps.over()
    assert steps.stop.passes == (2,)
    assert steps.out()
    assert (steps.stop.function, steps.stop.passes) == ("softmax_row", ())
    assert steps.targets == ("total",)
    assert steps.out()
    assert "z = " in text[steps.stop.line - 1]
    for _ in range(9):
        assert steps.back()
    assert "pattern = " in text[steps.stop.line - 1]


def test_every_walk_ends_at_the_last_stop_and_goes_back_the_same_way() -> None:
    trace = run_of("small")
    for move in (Stepper.over, Stepper.into, Stepper.out):
        steps = stepper(trace, "blocks.0.ln1")
        steps.index = 0
        visited = [0]
        while move(steps):
            visited.append(steps.index)
        assert visited == sorted(set(visited))
        assert steps.stop.returned
        assert not any([steps.over(), steps.into(), steps.out(), steps.to("nowhere"), steps.to_value(object())])
        for index in reversed(visited[:-1]):
            assert steps.back()
            assert steps.index == index
        assert not steps.back()
    assert [steps.stops[index].depth for index in visited] == [0, 0]
    steps.index = 5
    assert steps.back()  # there was no move: to the stop before
    assert steps.index == 4


def test_over_never_goes_deeper_and_out_always_comes_out() -> None:
    steps = stepper(run_of("small"), "blocks.0.resid_post")
    for index in range(len(steps.stops)):
        here = go(steps, index).stop
        if steps.over():
            after = steps.stop
            assert (after.depth, len(after.passes)) <= (here.depth, len(here.passes)) or after.depth < here.depth
            assert after.call == here.call or after.depth < here.depth
        steps.index = index
        if steps.out():
            after = steps.stop
            assert after.depth < here.depth or (after.call == here.call and not after.passes)


def test_names_that_changed_come_first() -> None:
    steps = stepper(run_of("small"), "blocks.0.pattern")
    assert steps.changed == {"masked"}
    assert steps.names[0] == "masked"
    assert set(steps.names) == set(steps.stop.scope)
    steps.over()
    assert steps.changed == {"pattern"}
    assert steps.names[0] == "pattern"
    used = {"mix", "pattern", "values", "run"} & set(steps.names)
    assert set(steps.names[: len(used)]) == used
    steps.into()
    assert steps.changed == set(steps.stop.scope)  # all is new in a new call


def test_the_merges_of_a_piece_step_by_step() -> None:
    model, checkpoint = embedded()
    session = Session(model, checkpoint.tokenizer)
    session.submit("Lily yesterday")
    assert step_into_code(session)
    piece, steps = session.written.pieces[-1], session.code
    assert steps
    assert (steps.stop.file, steps.stop.function) == ("gpt/tokenizer.py", "merges_of")
    assert steps.index == 0
    assert tuple(steps.value) == piece.merges
    assert len(piece.merges) > 3
    seen = [stop.scope["parts"] for stop in steps.stops if "parts" in stop.scope]
    for count in range(len(piece.merges) + 1):
        assert list(piece.parts(count)) in seen
