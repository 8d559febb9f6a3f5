"""An excerpt of the code computes what was recorded."""

from typing import Any

import pytest

from explorer.code import excerpts
from explorer.code.excerpts import CodeError, excerpt
from explorer.engine.engines import NUMPY, on_engine
from explorer.runs.trace import LiveRun, Trace
from explorer.stages import walk
from gpt import (
    GPT,
    Sampling,
    distribution,
    sampling,
)
from tests.helpers.models import CONFIGS, embedded, small_model, traced
from tests.helpers.stepped import IDS, POSITIONS, run_of, stage_of, stepper


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
    assert excerpt(stage_of(complete, "logits"), complete, len(IDS), 0, 0) is None
    assert excerpt(stage_of(complete, "draw"), complete, 0, 0, 0) is None  # within the prompt nothing is drawn


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
