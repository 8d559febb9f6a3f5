"""Stepping through the code: what an excerpt computes is what was recorded, and its lines are those of the source."""

import inspect
import io
import keyword
import math
import re
import sys
import threading
import tokenize
from functools import cache
from types import FrameType
from typing import Any

import pytest

from explorer.code import excerpts
from explorer.code.excerpts import CodeError, excerpt
from explorer.code.source import calculating_line, coloured, source_of, where_computed
from explorer.code.stepping import Stepper, step_through
from explorer.engine.engines import NUMPY, on_engine
from explorer.runs.trace import LiveRun, Trace
from explorer.stages import Stage, walk
from explorer.walk.opening import step_into_code
from explorer.walk.session import Session
from gpt import (
    GPT,
    GPTConfig,
    Sampling,
    activation_shapes,
    attention,
    distribution,
    embeddings,
    layer_norm,
    mlp,
    ops,
    sampling,
)
from gpt import block as block_module
from gpt.hooks import Run
from tests.helpers.models import CONFIGS, embedded, small_model, traced

IDS = [3, 1, 4, 1, 5, 9]
POSITIONS = [0, 3, 5]


@cache
def run_of(config: str) -> Trace:
    return traced(small_model(**CONFIGS[config]), IDS)


def stage(trace: Trace, id: str) -> Stage:
    return next(stage for stage in walk(trace.config) if stage.id == id)


def stepper(trace: Trace, id: str, position: int = 3, head: int = 0, column: int = 0, **settings: Any) -> Stepper:
    found = excerpt(stage(trace, id), trace, position, head, column, **settings)
    assert found
    return found.step()


# What is computed


def recorded(trace: Trace, name: str, position: int, head: int | None, column: int | None) -> Any:
    """An activation as an excerpt has it: one position, and where given one head, and one neuron or token."""
    value, axes = trace.values[name], trace.axes[name]
    if axes == "HTS":
        rows = [scores[position][: position + 1] for scores in value]
        return [[row] for row in (rows if head is None else [rows[head]])]
    if axes == "THe":
        return [value[position] if head is None else [value[position][head]]]
    row = value[position]
    return [row if column is None or axes not in ("Tm", "TV") else [row[column]]]


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("config", CONFIGS)
def test_an_excerpt_computes_what_was_recorded(config: str, position: int) -> None:
    trace = run_of(config)
    head, column = trace.config.n_head - 1, 4
    for stage in walk(trace.config):
        found = excerpt(stage, trace, position, head, column, number=0.5)
        if found is None:
            assert not stage.parts
            continue
        seen: dict[str, Any] = {}
        found.run(seen.__setitem__)
        kind = stage.id.rpartition(".")[2]
        whole = kind in ("out", "mlp_out", "resid_mid", "resid_post", "ln_final")
        names = list(seen)
        for name in names[: names.index(found.until) + 1] if found.until else names:
            place = (None, None) if whole else (head, column)
            assert seen[name] == recorded(trace, name, position, *place), (stage.id, name)


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("config", CONFIGS)
def test_stepping_begins_at_the_line_that_computes_what_is_shown(config: str, position: int) -> None:
    trace = run_of(config)
    for stage in walk(trace.config):
        kind = stage.id.rpartition(".")[2]
        for part in stage.parts:
            found = excerpt(stage, trace, position, 1 % trace.config.n_head, 2, activation=part.activation, number=0.5)
            assert found
            steps = found.step()
            assert steps.known
            if kind in ("probabilities", "draw"):
                chances = distribution(trace.logits(position), Sampling())
                assert steps.result == (chances if kind == "probabilities" else sampling.draw(chances, 0.5))
                continue
            if kind.startswith("resid"):
                expected = recorded(trace, stage.parts[-1].activation, position, None, None)
            else:
                expected = recorded(trace, part.activation, position, 1 % trace.config.n_head, 2)
                assert steps.stop.activation in (part.activation, None)
            assert steps.result == ([[expected[0][2]]] if kind in ("out", "mlp_out") else expected), (stage.id, part)


def test_what_a_block_adds_is_in_scope_as_it_was_recorded() -> None:
    trace = run_of("small")
    for id, written in (("resid_mid", "hook_attn_out"), ("resid_post", "hook_mlp_out")):
        steps = stepper(trace, f"blocks.1.{id}")
        assert steps.stop.function == "block"
        assert steps.stop.scope[written.removeprefix("hook_")] == [trace.values[f"blocks.1.{written}"][3]]
        assert steps.stop.activations == (f"blocks.1.hook_{id}",)


def test_of_a_wide_block_the_sum_is_shown_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excerpts, "WIDEST_BLOCK", 5)
    trace = run_of("small")
    for id in ("resid_mid", "resid_post"):
        steps = stepper(trace, f"blocks.1.{id}")
        assert steps.stop.function == "add"
        assert steps.result == [trace.values[f"blocks.1.hook_{id}"][3]]


def test_no_number_of_an_excerpt_is_less_than_the_recorded_one() -> None:
    """The heads' and the neurons' shares are not shown as if they were the sum."""
    trace = run_of("small")
    for id in ("qkv", "raw", "z", "pre", "activation"):
        steps = stepper(trace, f"blocks.0.{id}", head=1, column=2)
        assert not any("out" in stop.scope or stop.returned for stop in steps.stops)
        assert steps.value is None
        last = steps.stops[-1]
        assert (last.depth, last.passes) == (0, ())
        assert ("z" if id in ("qkv", "raw", "z") else "post") in last.scope


def test_the_embedded_model_too() -> None:
    model, _ = embedded()
    trace = traced(model, [10, 20, 30, 40])
    for stage in walk(model.config):
        found = excerpt(stage, trace, 2, 3, 17, number=0.25)
        assert (found is None) == (not stage.parts)
        if found and stage.layer in (None, 4):
            steps = found.step()
            assert steps.known
            assert steps.source.file == steps.stop.file


def test_excerpts_of_arrays_are_lists_and_nearly_the_same() -> None:
    model = on_engine(small_model(), NUMPY)
    trace = traced(model, IDS)
    for stage in walk(model.config):
        found = excerpt(stage, trace, 3, 1, 2, number=0.5)
        if not found:
            continue
        seen: dict[str, Any] = {}
        found.run(seen.__setitem__)
        for name, value in seen.items():
            assert_lists(value)
            if name == found.activation:
                head, column = (None, None) if stage.id.endswith(("out", "mid", "post")) else (1, 2)
                if trace.axes[name] == "HTS":
                    expected = [[trace.matrix(name, 1)[3][:4]]]
                elif trace.axes[name] == "THe":
                    expected = [[trace.matrix(name, 1)[3]]]
                else:
                    row = trace.matrix(name)[3]
                    expected = [row if column is None or trace.axes[name] not in ("Tm", "TV") else [row[column]]]
                assert flat(value) == pytest.approx(flat(expected), rel=1e-4, abs=1e-5), (stage.id, name, head)


def assert_lists(value: Any) -> None:
    assert isinstance(value, list | float)
    for part in value if isinstance(value, list) else ():
        assert_lists(part)


def flat(value: Any) -> list[float]:
    return [number for part in value for number in flat(part)] if isinstance(value, list) else [value]


def test_what_is_not_computed_has_no_code_yet() -> None:
    trace = LiveRun(small_model(), IDS)
    assert all(excerpt(stage, trace, 0, 0, 0) is None for stage in walk(trace.config))
    complete = run_of("small")
    assert excerpt(stage(complete, "logits"), complete, len(IDS), 0, 0) is None
    assert excerpt(stage(complete, "draw"), complete, 0, 0, 0) is None  # within the prompt nothing is drawn


def without_model(trace: Trace) -> Trace:
    copy = LiveRun(GPT(trace.config, None), trace.ids)  # type: ignore[arg-type]
    copy.values, copy.complete = trace.values, trace.complete
    return copy


WITHOUT_WEIGHTS = {
    *("sum", "raw", "scaled", "masked", "pattern", "z", "resid_mid", "activation", "resid_post"),
    *("probabilities", "draw"),
}


@pytest.mark.parametrize("position", POSITIONS)
def test_a_recorded_run_shows_what_needs_no_weights(position: int) -> None:
    trace = run_of("by inverse layer")
    alone = without_model(trace)
    for stage in walk(trace.config)[1:]:
        kind = stage.id.rpartition(".")[2]
        if kind not in WITHOUT_WEIGHTS:
            with pytest.raises(CodeError, match="recorded run without its model"):
                excerpt(stage, alone, position, 1, 2)
            continue
        found = excerpt(stage, alone, position, 1, 2, number=0.5)
        assert found
        if kind not in ("probabilities", "draw"):
            assert found.step().result == recorded(trace, stage.parts[-1].activation, position, 1, 2), stage.id


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


# The source


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


# The tokenizer


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
