"""Prompts that are computed together: each run is the one that the model gives it alone."""

from pathlib import Path

import numpy as np
import pytest

from explorer.analysis.lens import AT_ONCE
from explorer.edits import Edit, Zero, edited, where
from explorer.edits.batch import ROWS_AT_ONCE
from explorer.runs import packing, running
from explorer.runs.packing import run_together
from gpt import GPT, GPTConfig, InputError
from tests.helpers.models import CONFIGS, counting, full_run, never, on_arrays, small_model, traced

ROOT = Path(__file__).resolve().parents[2]
PROMPTS = [[3, 1, 4, 1, 5], [9], [2, 6, 5], [3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4, 6], [1, 2]]  # 12 is the whole context


@pytest.mark.parametrize("config", CONFIGS)
def test_each_run_is_its_own(config: str) -> None:
    plain, model = small_model(**CONFIGS[config]), on_arrays(**CONFIGS[config])
    runs = list(run_together(model, PROMPTS))
    assert [run.ids for run in runs] == PROMPTS
    for run in runs:
        assert run.complete == len(run.ids)
        for name, value in full_run(plain, run.ids).items():
            np.testing.assert_allclose(run.values[name], value, rtol=1e-9, atol=1e-10, err_msg=name)


def test_a_run_goes_on_and_can_be_edited() -> None:
    model = on_arrays()
    run = list(run_together(model, PROMPTS))[2]
    cut = edited(run, [Edit(where.head(1, 1), Zero())])
    alone = edited(traced(model, PROMPTS[2]), [Edit(where.head(1, 1), Zero())])
    longer = run.first(3)
    longer.ids = [*run.ids, 7]
    for trace in (cut, alone, longer):
        assert running.complete(trace, never)
    np.testing.assert_allclose(cut.values["logits"], alone.values["logits"], atol=1e-12)
    np.testing.assert_allclose(longer.values["logits"], traced(model, [*PROMPTS[2], 7]).values["logits"], atol=1e-12)


def test_as_many_at_once_as_memory_is_meant_for(monkeypatch: pytest.MonkeyPatch) -> None:
    model, asked = on_arrays(), list[int]()
    monkeypatch.setattr(GPT, "read_out", counting(GPT.read_out, asked))
    assert len(list(run_together(model, PROMPTS))) == 5
    assert asked == [5 + 1 + 3 + 12 + 2], "more than the model has positions: each prompt begins at the first"
    asked.clear()
    monkeypatch.setattr(packing, "AT_MOST", 4 * 13 * (2 * (16 * 6 + 2 * 24) + 11))
    assert packing.at_once(model.config) == 13
    assert len(list(run_together(model, PROMPTS))) == 5
    assert asked == [5 + 1 + 3, 12, 2]
    assert len(list(run_together(small_model(), PROMPTS))) == 5, "plain Python: one by one"
    with pytest.raises(InputError, match="too many"):
        list(run_together(on_arrays(), [[1] * 13]))
    with pytest.raises(InputError, match="no tokens"):
        list(run_together(on_arrays(), [[1], []]))


def test_the_figures_of_the_docs_are_those_of_the_code() -> None:
    text = " ".join((ROOT / "docs/arrays.md").read_text(encoding="utf-8").split())
    small, extra_large = GPTConfig(), GPTConfig(n_embd=1600, n_layer=48, n_head=25)
    passes = f"{packing.at_once(small)} of GPT-2 small, {packing.at_once(extra_large)} of GPT-2 XL"
    assert f"recorded in {packing.AT_MOST >> 20} MiB: {passes}" in text
    neurons = [round(ROWS_AT_ONCE * config.mlp_width * 4 / 1e6) for config in (small, extra_large)]
    assert f"at most {ROWS_AT_ONCE} rows (runs times positions)" in text
    assert f"{neurons[0]} MB in GPT-2 small, {neurons[1]} MB in GPT-2 XL" in text
    assert f"{AT_ONCE} at a time; the logits of such a batch fill {AT_ONCE * small.vocab_size * 4 / 1e6:.0f} MB" in text
