"""`gpt-explorer explain`: golden text, JSON that can be computed with, and refusals in words."""

import argparse
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from explorer.commands import explain, headless
from explorer.engine.engines import AUTO
from explorer.errors import CellError, UsageError
from explorer.loading.checkpoints import Checkpoint
from explorer.runs import running
from explorer.runs.trace import LiveRun, Trace
from gpt import GPT, GPTError, InputError
from tests.helpers.checkpoint_builder import write_checkpoint
from tests.helpers.models import embedded, full_run

PROMPT = "Once upon a time there was a little"


def run(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert explain.run(explain.parser().parse_args(words)) == 0
    return capsys.readouterr().out


def in_json(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    return json.loads(run(capsys, *words, "--json"), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    model, checkpoint = embedded()
    return full_run(model, checkpoint.tokenizer.encode(PROMPT))


def number(recorded: dict[str, Any], cell: str) -> float:
    """The number of that name in a run of its own."""
    name, index = cell.removesuffix("]").split("[")
    value = recorded[name]
    for i in map(int, index.split(",")):
        value = value[i]
    return float(value)


RUNS: dict[tuple[int, ...], Trace] = {}


@pytest.fixture(autouse=True)
def _once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded model is loaded once, and runs once on each prompt."""
    load = headless.open_model

    def open_model(options: argparse.Namespace) -> tuple[Checkpoint, GPT]:
        model, checkpoint = embedded()
        return load(options) if options.model or options.engine != AUTO else (checkpoint, model)

    def complete(trace: Trace, cancelled: Callable[[], bool]) -> bool:
        if trace.model is not embedded()[0]:
            return compute(trace, cancelled)
        if tuple(trace.ids) not in RUNS:
            RUNS[tuple(trace.ids)] = LiveRun(trace.model, trace.ids)
            assert compute(RUNS[tuple(trace.ids)], cancelled)
        trace.values, trace.complete = RUNS[tuple(trace.ids)].values, len(trace.ids)
        return True

    compute = running.complete
    monkeypatch.setattr(headless, "open_model", open_model)
    monkeypatch.setattr(running, "complete", complete)
    monkeypatch.setenv("COLUMNS", "120")


# Text


def test_a_sum(capsys: pytest.CaptureFixture[str]) -> None:
    printed = run(capsys, PROMPT, "--at", "blocks.0.hook_resid_pre[3,2]")
    assert re.sub(r"(?<=ops.py:)\d+", "N", printed) == (
        "residual into block 0 · ·time [2] = −0.015255451202392578\n"
        "blocks.0.hook_resid_pre[3,2]\n"
        "= −0.01434 − 0.0009198\n"
        "gpt/ops.py:N add\n"
        "\n"
        "  token embedding     −0.014336  ← hook_embed[3,2]\n"
        "  position embedding  −0.000920  ← hook_pos_embed[3,2]\n"
        "\n"
        "✓ equal to the recorded number, to the last bit\n"
    )


def test_a_single_operation_shows_its_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    printed = run(capsys, PROMPT, "--at", "blocks.2.attn.hook_pattern[3,7,5]")
    lines = printed.splitlines()
    assert re.fullmatch(r"= exp\(−[\d.]+ \+ [\d.]+\) / [\d.]+", lines[2])
    assert [line.rpartition("← ")[2] for line in lines[5:8]] == [
        "blocks.2.attn.hook_attn_scores[3,7,5]",
        "blocks.2.attn.hook_attn_scores[3,7,5]",
        "blocks.2.attn.hook_pattern.total[3,7]",
    ]


def test_so_many_terms_and_the_rest_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    at = "logits[7,354]"
    for words, shown, more in (([], 8, 184), (["--terms", "3"], 3, 189), (["--terms", "0"], 192, 0)):
        table = run(capsys, PROMPT, "--at", at, *words).split("\n\n")[1].splitlines()
        rows = [line for line in table if "←" in line]
        assert len(rows) == shown
        assert any(f"{more} more, together" in line for line in table) == bool(more)
        assert len({line.index("←") for line in rows}) == 1, "the doors stand below each other"


def test_what_is_behind_the_doors(capsys: pytest.CaptureFixture[str]) -> None:
    printed = run(capsys, PROMPT, "--at", "blocks.2.hook_resid_post[7,17]", "--depth", "2")
    lines = printed.splitlines()
    assert lines[5].startswith("  residual within block 2")
    assert lines[6].startswith("    residual within block 2 · ·little [17] = −")
    assert lines[8].startswith("      residual into block 2")
    assert lines[9].startswith("        residual into block 2 · ·little [17] = −")
    assert printed.count("to the last bit") == 1
    assert run(capsys, "--ids", "5", "--at", "hook_embed[0,0]", "--depth", "9").count("typed") == 1


def test_where_the_way_back_ends(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, PROMPT, "--at", "wte.weight[2,3]").endswith("\n\n  learned: a number of the checkpoint\n")
    assert run(capsys, PROMPT, "--at", "tokens[2]").endswith("= 258\ntokens[2]\n\n  typed: a token of the prompt\n")


def test_numpy_says_why_it_is_apart(capsys: pytest.CaptureFixture[str]) -> None:
    printed = run(capsys, PROMPT, "--at", "blocks.0.attn.hook_k[3,2,1]", "--engine", "numpy")
    assert "rounded while adding" in printed
    assert printed.endswith(" apart: NumPy adds in another order, in float32\n")


def test_narrow_terminals_leave_out_how_it_is_made(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (PROMPT, "--at", "blocks.1.attn.hook_k[3,2,1]")
    wide = run(capsys, *words)
    monkeypatch.setenv("COLUMNS", "72")
    narrow = run(capsys, *words)
    assert max(map(len, narrow.split("\n\n")[1].splitlines())) < max(map(len, wide.split("\n\n")[1].splitlines()))
    assert " · 0." in wide.split("\n\n")[1]
    assert " · " not in narrow.split("\n\n")[1]
    assert "…" not in narrow


def test_hostile_tokens_are_made_visible(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(write_checkpoint(tmp_path / "tiny"))
    printed = run(capsys, "a\x1b[31m", "--model", model, "--at", "blocks.0.attn.hook_pattern[0,2,1]")
    assert "\x1b" not in printed
    assert "␛" in printed


# JSON


def test_json_has_what_the_documentation_says(capsys: pytest.CaptureFixture[str], recorded: dict[str, Any]) -> None:
    found = in_json(capsys, PROMPT, "--at", "blocks.2.attn.hook_pattern[3,7,5]")
    assert (found["name"], found["index"], found["operation"]) == (
        "blocks.2.attn.hook_pattern",
        [3, 7, 5],
        "softmax_row",
    )
    assert found["value"] == found["computed"] == recorded["blocks.2.attn.hook_pattern"][3][7][5]
    assert set(found["source"]) == {"file", "line", "function"}
    assert (found["source"]["file"], found["source"]["function"]) == ("gpt/ops.py", "softmax_row")
    line = (
        (Path(__file__).parents[2] / "gpt/ops.py").read_text(encoding="utf-8").splitlines()[found["source"]["line"] - 1]
    )
    assert line == "    return [value / total for value in exps]"
    (term,) = found["terms"]
    assert term["at"] == term["doors"][0] == "blocks.2.attn.hook_attn_scores[3,7,5]"
    score, largest, total = term["factors"]
    assert math.exp(score - largest) / total == term["value"] == found["value"]


@pytest.mark.parametrize(
    "cell", ["logits[7,354]", "blocks.3.mlp.hook_pre[6,11]", "blocks.5.hook_mlp_out[7,0]", "ln_final.hook_var[2,0]"]
)
def test_terms_remainder_and_rounding_give_the_value(
    cell: str, capsys: pytest.CaptureFixture[str], recorded: dict[str, Any]
) -> None:
    for terms in ("1", "5", "0"):
        found = in_json(capsys, PROMPT, "--at", cell, "--terms", terms)
        parts = [term["value"] for term in found["terms"]]
        assert math.fsum([*parts, found["remainder"], found["rounding"]]) == pytest.approx(found["value"], rel=1e-15)
        assert found["value"] == number(recorded, cell)
        assert sorted(map(abs, parts), reverse=True) == list(map(abs, parts))
        assert (
            len(parts) + found["more"]
            == {"l": 192, "b": 193}[cell[0]] + ("mlp_out" in cell) * 576 - ("_var" in cell) * 0
        )
        for term in found["terms"]:
            doors = zip(term["doors"], term["factors"])
            assert all(
                number(recorded, door) == factor for door, factor in doors if door and door.split("[")[0] in recorded
            )


def test_doors_that_were_opened_show_the_factor(capsys: pytest.CaptureFixture[str]) -> None:
    found = in_json(capsys, PROMPT, "--at", "drawn[7]", "--depth", "6", "--terms", "2")
    depths: set[int] = set()

    def walk(explanation: dict[str, Any], depth: int) -> None:
        depths.add(depth)
        for term in explanation["terms"]:
            inner = term.get("explanation")
            if inner:
                assert f"{inner['name']}[{','.join(map(str, inner['index']))}]" == term["at"]
                assert inner["value"] == term["factors"][term["doors"].index(term["at"])]
                assert inner["computed"] == inner["value"] or inner["operation"] in ("learned", "typed")
                walk(inner, depth + 1)
            else:
                assert term["at"] is None or depth == 6

    walk(found, 0)
    assert depths == set(range(7))


@pytest.mark.parametrize(
    ("cell", "options", "operation"),
    [
        ("hook_embed[2,3]", [], "lookup"),
        ("wte.weight[2,3]", [], "learned"),
        ("tokens[2]", [], "typed"),
        ("blocks.2.hook_resid_post[7,17]", ["--unroll"], "unrolled"),
        ("blocks.2.hook_resid_post[7,17]", [], "add"),
        ("logits[7,17]", ["--unroll"], "matmul_transposed"),
        ("blocks.0.mlp.hook_post[1,2]", [], "gelu_new"),
        ("probabilities[7,458]", [], "softmax_row"),
        ("top_k_logits[7,3]", [], "distribution"),
        ("drawn[7]", [], "draw"),
    ],
)
def test_operations(cell: str, options: list[str], operation: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = in_json(capsys, PROMPT, "--at", cell, *options)
    assert found["operation"] == operation
    assert (found["source"] is None) == (operation in ("learned", "typed"))


def test_infinity_is_a_string(capsys: pytest.CaptureFixture[str]) -> None:
    found = in_json(capsys, PROMPT, "--at", "blocks.0.attn.hook_attn_scores[0,1,3]")
    assert (found["value"], found["computed"], found["rounding"]) == ("-inf", "-inf", 0.0)
    assert [(term["value"], term["at"], term["doors"]) for term in found["terms"]] == [("-inf", None, [])]


def test_sampling_options_count(capsys: pytest.CaptureFixture[str]) -> None:
    cell = ("--at", "probabilities[7,458]")
    values = [
        in_json(capsys, PROMPT, *cell, *options)["value"]
        for options in ([], ["--temperature", "2"], ["--top-k", "1"], ["--top-p", "0.1"])
    ]
    assert len(set(values)) == 3
    assert values[2:] == [1.0, 1.0]
    tokens = {
        in_json(capsys, PROMPT, "--at", "drawn[7]", "--seed", seed, "--temperature", "9")["value"] for seed in "1234"
    }
    assert len(tokens) > 1


def test_ids_in_place_of_a_prompt(capsys: pytest.CaptureFixture[str]) -> None:
    ids = ",".join(map(str, embedded()[1].tokenizer.encode(PROMPT)))
    cell = ("--at", "blocks.1.hook_mlp_out[5,3]")
    assert run(capsys, "--ids", ids, *cell) == run(capsys, PROMPT, *cell)


# Refusals


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("logits", "'logits' names no number: give a name and an index, such as"),
        ("logits[1,-1]", "names no number"),
        ("logits[1,]", "names no number"),
        ("", "'' names no number"),
        ("blocks.2.atn.hook_patern[0,0,0]", "did you mean blocks.2.attn.hook_pattern or"),
        ("blocks.9.hook_resid_post[0,0]", "there is no 'blocks.9.hook_resid_post' in this model: did you mean blocks."),
        ("lm_head.weight[0,0]", "there is no 'lm_head.weight' in this model"),
        ("logits[1]", "logits takes 2 numbers: the token's position (0 to 7) and the token's id (0 to 4095)."),
        ("logits[8,0]", "there is no logits[8,0]: the token's position is 0 to 7 here, not 8."),
        ("logits[0,4096]", "the token's id is 0 to 4095 here, not 4096."),
        (
            "drawn[3]",
            "there is no drawn[3]: the token after position 3 was typed, not drawn. Ask for the last position.",
        ),
        ("cumulative[7,354]", "top-k or top-p dropped this token"),
    ],
)
def test_a_cell_that_is_not_there(cell: str, said: str) -> None:
    with pytest.raises(CellError) as refused:
        explain.run(explain.parser().parse_args([PROMPT, "--at", cell]))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_other_refusals(capsys: pytest.CaptureFixture[str]) -> None:
    for words, said in (
        ([PROMPT], "--at"),
        ([PROMPT, "--at", "logits[0,0]", "--depth", "-1"], "-1 is below zero"),
        ([PROMPT, "--at", "logits[0,0]", "--terms", "few"], "'few' is not a whole number"),
    ):
        with pytest.raises(SystemExit) as ended:
            explain.parser().parse_args(words)
        assert ended.value.code == 2
        assert said in capsys.readouterr().err
    for words, error in (
        (["", "--at", "logits[0,0]"], UsageError),
        (["--at", "logits[0,0]"], UsageError),
        ([PROMPT, "--at", "logits[0,0]", "--temperature", "-1"], GPTError),
        (["a " * 300, "--at", "logits[0,0]"], InputError),
    ):
        with pytest.raises(error):
            explain.run(explain.parser().parse_args(words))
