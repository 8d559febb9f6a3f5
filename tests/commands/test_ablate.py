"""`gpt-explorer ablate` and `gpt-explorer sweep`: what they print, and what they refuse."""

import csv
import io
import json
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from explorer.analysis.compare import kl
from explorer.commands import ablate, sweep
from explorer.edits import Cut, Edit, Mean, Patch, Scale, Set, Zero, edited, where
from explorer.edits.metric import KL, LOGIT_DIFFERENCE, PROBABILITY, Metric
from explorer.edits.sweep import HEADS, MLPS, POSITIONS, Sweep
from explorer.engine.engines import NUMPY, on_engine
from explorer.runs import running
from explorer.runs.ranking import Ranking
from explorer.runs.trace import Trace
from gpt import GPTError
from tests.helpers.models import embedded, never, traced

PROMPT = "Tom and Lily went to the park. Tom said to"
OTHER = "Ben and Mia went to the park. Ben said to"
SHORT = "Tom saw"
MODEL, CHECKPOINT = embedded()
TOKENIZER = CHECKPOINT.tokenizer
IDS = TOKENIZER.encode(PROMPT)
BASE = traced(MODEL, IDS)
QUICK = on_engine(MODEL, NUMPY)  # for sweeps, which are many runs


def call(command: ModuleType, *arguments: str) -> None:
    assert command.run(command.parser().parse_args(arguments)) == 0


def ranking(trace: Trace) -> Ranking:
    found = trace.ranking("logits", len(trace.ids) - 1)
    assert found
    return found


def changed(*edits: Edit, base: Trace = BASE) -> Trace:
    trace = edited(base, edits)
    assert running.complete(trace, never)
    return trace


@pytest.mark.parametrize(
    ("arguments", "edits", "words"),
    [
        (["--head", "3.3"], [Edit(where.head(3, 3), Zero())], ["head 3.3: zeroed"]),
        (
            ["--head", "3.3", "--head", "5.2", "--position", "10"],
            [Edit(where.head(3, 3, 10), Zero()), Edit(where.head(5, 2, 10), Zero())],
            ["head 3.3 at ·to (10): zeroed", "head 5.2 at ·to (10): zeroed"],
        ),
        (["--mlp", "2", "--scale", "0.5"], [Edit(where.mlp(2), Scale(0.5))], ["MLP 2: scaled by 0.5"]),
        (["--neuron", "4.17", "--set", "-2"], [Edit(where.neuron(4, 17), Set(-2))], ["neuron 4.17: set to -2"]),
        (["--block", "5", "--mean"], [Edit(where.block(5), Mean())], ["block 5: its mean over this prompt"]),
        (
            ["--edge", "2.1:8-0", "--edge", "5:10-2", "--edge", "10-2"],
            [Edit(where.edge(MODEL.config, *edge), Cut()) for edge in ((8, 0, 2, 1), (10, 2, 5), (10, 2))],
            ["·Tom → Tom cut in head 2.1", "·to (10) → ·Lily cut in block 5", "·to (10) → ·Lily cut in every block"],
        ),
        (
            ["--at", "blocks.5.hook_resid_pre[10,*]", "--patch-from", OTHER],
            [Edit(where.activation("blocks.5.hook_resid_pre", 10), Patch(traced(MODEL, TOKENIZER.encode(OTHER))))],
            [f"blocks.5.hook_resid_pre[10]: from “{OTHER}”"],
        ),
    ],
)
def test_ablate_as_json(
    arguments: list[str], edits: list[Edit], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    call(ablate, PROMPT, *arguments, "--json", "--top", "3")
    printed = json.loads(capsys.readouterr().out)
    before, after = ranking(BASE), ranking(changed(*edits))
    assert set(printed) == {"prompt", "ids", "tokens", "edits", "before", "after", "kl"}
    assert (printed["prompt"], printed["ids"], printed["edits"]) == (PROMPT, IDS, words)
    assert "".join(printed["tokens"]) == PROMPT
    assert printed["kl"] == kl(before.logits, after.logits)
    for name, expected in (("before", before), ("after", after)):
        order = np.argsort(-np.array(expected.logits), kind="stable")[:3].tolist()
        assert printed[name] == [
            {
                "id": token,
                "token": TOKENIZER.decode([token]),
                "logit": expected.logits[token],
                "probability": expected.probabilities[token],
            }
            for token in order
        ]


def test_ablate_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    call(ablate, PROMPT, "--head", "3.3", "--top", "3")
    assert capsys.readouterr().out == (
        "head 3.3: zeroed\n"
        "\n"
        "before                       after                         points     bits\n"
        "·Lily               72.99%   ·the                44.04%    +28.64    +1.52\n"
        "·the                15.40%   ·Lily               21.70%    −51.29    −1.75\n"
        "·each                2.58%   ·Tom                 9.15%     +8.54    +3.91\n"
        "\n"
        "KL(before ‖ after) = 0.9218 bits\n"
    )


def test_a_first_answer_that_has_fallen_out_of_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    call(ablate, PROMPT, "--head", "3.3", "--top", "1")
    assert "·Lily               21.70% is what is left of it\n" in capsys.readouterr().out


def test_ids_in_place_of_a_prompt(capsys: pytest.CaptureFixture[str]) -> None:
    call(ablate, PROMPT, "--mlp", "5", "--json")
    call(ablate, "--ids", ",".join(map(str, IDS)), "--mlp", "5", "--json")
    first, second = capsys.readouterr().out.splitlines()
    assert json.loads(first) == json.loads(second)


def test_on_numpy(capsys: pytest.CaptureFixture[str]) -> None:
    call(ablate, PROMPT, "--head", "3.3", "--json", "--engine", "numpy")
    printed = json.loads(capsys.readouterr().out)
    expected = ranking(changed(Edit(where.head(3, 3), Zero())))
    assert printed["after"][0]["probability"] == pytest.approx(max(expected.probabilities), abs=1e-4)


METRICS = {
    ("--metric", "logit-diff", "--token", "Lily", "--versus", " the"): (LOGIT_DIFFERENCE, "Lily", " the"),
    ("--versus", " the"): (LOGIT_DIFFERENCE, " Lily", " the"),
    (): (PROBABILITY, " Lily", None),
    ("--token", f"id:{TOKENIZER.encode(' Tom')[0]}"): (PROBABILITY, " Tom", None),
    ("--metric", "kl"): (KL, None, None),
}


def id_of(text: str | None) -> int:
    return 0 if text is None else TOKENIZER.encode(text)[0]


@pytest.mark.parametrize("arguments", METRICS, ids=" ".join)
def test_sweep_as_json(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    call(sweep, PROMPT, *arguments, "--over", "mlps", "--json", "--engine", "numpy")
    printed = json.loads(capsys.readouterr().out)
    kind, token, versus = METRICS[arguments]
    expected = Sweep(traced(QUICK, IDS), Metric(kind, id_of(token), id_of(versus)), MLPS)
    assert (printed["metric"], printed["over"], printed["edit"]) == (kind, "mlps", "zeroed")
    assert (printed["prompt"], printed["ids"]) == (PROMPT, IDS)
    assert printed["baseline"] == pytest.approx(expected.baseline, abs=1e-5)
    assert np.array(printed["effects"]) == pytest.approx(
        np.array([[effect] for _, effect in expected.effects()]), abs=1e-5
    )
    for name, text in (("token", token), ("versus", versus)):
        named = printed[name]
        assert named == (None if text is None else {"id": id_of(text), "token": TOKENIZER.decode([id_of(text)])})


@pytest.mark.parametrize(
    ("over", "columns"),
    [(HEADS, ["layer", "head"]), (MLPS, ["layer"]), (POSITIONS, ["layer", "position", "token"])],
)
def test_sweep_as_csv(over: str, columns: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    call(sweep, SHORT, "--metric", "kl", "--over", over, "--csv", "--engine", "numpy")
    header, *rows = csv.reader(io.StringIO(capsys.readouterr().out))
    ids = TOKENIZER.encode(SHORT)
    expected: dict[Any, float] = dict(Sweep(traced(QUICK, ids), Metric(KL), over).effects())
    assert header == [*columns, "effect"]
    assert [float(row[-1]) for row in rows] == pytest.approx(list(expected.values()), abs=1e-5)
    assert [int(row[0]) for row in rows] == [cell[0] for cell in expected]
    if over != MLPS:
        assert [int(row[1]) for row in rows] == [cell[1] for cell in expected]
    if over == POSITIONS:
        assert [row[2] for row in rows] == ["Tom", "·saw"] * 6


def test_sweep_keeps_all_digits(capsys: pytest.CaptureFixture[str]) -> None:
    base = traced(MODEL, TOKENIZER.encode(SHORT))
    expected = [effect for _, effect in Sweep(base, Metric(KL), MLPS).effects()]
    for kind in ("--csv", "--json"):
        call(sweep, SHORT, "--metric", "kl", "--over", "mlps", kind, "--engine", "python")
    *rows, printed = capsys.readouterr().out.splitlines()
    assert [float(row.split(",")[1]) for row in rows[1:]] == expected
    assert json.loads(printed)["effects"] == [[effect] for effect in expected]


def test_sweep_runs_on_arrays_of_full_precision_unless_it_is_told_otherwise(capsys: pytest.CaptureFixture[str]) -> None:
    base = traced(MODEL, TOKENIZER.encode(SHORT))
    expected = [[effect] for _, effect in Sweep(base, Metric(KL), MLPS).effects()]
    call(sweep, SHORT, "--metric", "kl", "--over", "mlps", "--json")
    found = json.loads(capsys.readouterr().out)["effects"]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_sweep_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    call(sweep, SHORT, "--over", "heads", "--metric", "probability", "--engine", "numpy")
    lines = capsys.readouterr().out.splitlines()
    effects = dict(Sweep(traced(QUICK, TOKENIZER.encode(SHORT)), Metric(PROBABILITY, id_of(" a"))).effects())
    assert lines[0].startswith("probability of ·a: 0.")
    assert lines[1] == "heads zeroed, in turn: how much more or less of it"
    assert lines[3].split() == ["layer", *(word for head in "012345" for word in ("head", head))]
    for layer, line in enumerate(lines[4:10]):
        number, *shown = line.replace("−", "-").split()
        assert int(number) == layer
        assert [float(value) for value in shown] == pytest.approx([effects[layer, head] for head in range(6)], abs=6e-4)
    layer, head = max(effects, key=lambda cell: abs(effects[cell]))
    assert lines[12].endswith(f"head {layer}.{head}")
    assert len(lines) == 17


def test_sweep_patched_over_positions(capsys: pytest.CaptureFixture[str]) -> None:
    call(sweep, "Tom saw", "--over", "positions", "--patch-from", "Lily saw", "--engine", "numpy")
    printed = capsys.readouterr().out
    assert "positions from “Lily saw”, in turn" in printed
    assert "residual before block 0 at Tom" in printed
    call(sweep, "Tom saw", "--over", "positions", "--patch-from", "Tom saw", "--engine", "numpy", "--json")
    effects = json.loads(capsys.readouterr().out)["effects"]
    assert max(abs(value) for row in effects for value in row) < 1e-5


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], ["aligned at the end (--align), so that position 2 takes that of its 1", "Position 0 has no counterpart"]),
        (["--align", "beginning"], ["aligned at the beginning", "position 1 takes that of its 1", "Position 2 has no"]),
    ],
)
def test_a_shorter_prompt_to_patch_from_says_what_it_is_aligned_with(
    options: list[str], said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    shorter = ["--patch-from", "Lily saw", "--engine", "numpy", *options]
    call(ablate, "Tom saw Lily", "--head", "0.0", *shorter)
    printed = capsys.readouterr().out
    assert all(words in printed for words in ["“Lily saw” has 2 tokens, this prompt 3", *said])
    call(sweep, "Tom saw Lily", "--over", "positions", *shorter)
    swept = capsys.readouterr().out
    assert all(words in swept for words in said)
    assert "left out" in swept
    call(sweep, "Tom saw Lily", "--over", "positions", *shorter, "--json")
    effects = json.loads(capsys.readouterr().out)["effects"]
    assert [row.index(None) for row in effects] == [2 if options else 0] * 6


@pytest.mark.parametrize(
    ("command", "arguments", "said"),
    [
        (ablate, [], "nothing is edited: say what with --head 2.3"),
        (ablate, ["--position", "1"], "name one of these too"),
        (ablate, ["--edge", "1-0", "--mean"], "edges are always cut"),
        (ablate, ["--head", "6.0"], "there is no block 6: they go from 0 to 5"),
        (ablate, ["--head", "0.6"], "there is no head 6: they go from 0 to 5"),
        (ablate, ["--neuron", "0.768"], "there is no neuron 768"),
        (ablate, ["--mlp", "0", "--position", "2"], "there is no position 2: they go from 0 to 1"),
        (ablate, ["--edge", "0.0:0-1"], "position 0 cannot read position 1"),
        (ablate, ["--edge", "0-0"], "position 0 would read nothing"),
        (ablate, ["--at", "hook_embedding"], "did you mean hook_embed?"),
        (ablate, ["--at", "hook_embed[0"], "names no activation"),
        (ablate, ["--head", "0.0", "--patch-from", ""], "the prompt to patch from is empty"),
        (ablate, ["--mlp", "0", "--position", "0", "--patch-from", "A"], "has no counterpart of position 0"),
        (
            ablate,
            ["--mlp", "0", "--position", "1", "--patch-from", "A", "--align", "beginning"],
            "has no position 1: its 1 go from 0 to 0",
        ),
        (ablate, ["--at", "blocks.0.ln1.hook_var", "--set", "-1"], "undo the last edit, or use smaller numbers"),
        (ablate, ["--head", "0.0", "--ids", "1"], "give one of them"),
        (sweep, ["--token", "xylophone"], "xylophone is"),
        (sweep, ["--token", "id:9999"], "ids go from 0 to 4095"),
        (sweep, ["--metric", "logit-diff", "--versus", "xylophone"], "xylophone is"),
        (sweep, ["--metric", "logit", "--versus", "a"], "use --metric logit-diff"),
        (sweep, ["--token", "a", "--versus", "a"], "choose another to compare it with"),
        (sweep, ["--metric", "kl", "--token", "a"], "KL is about all tokens"),
        (sweep, ["--patch-from", "a " * 300], "tokens are too many"),
    ],
)
def test_refusals(command: ModuleType, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(GPTError) as raised:
        command.run(command.parser().parse_args([SHORT, *arguments]))
    assert said in str(raised.value)
    assert not capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "arguments", "said"),
    [
        (ablate, ["--head", "3"], "'3' is not a head: give the block and its number, such as 3.2"),
        (ablate, ["--neuron", "a.b"], "'a.b' is not a neuron"),
        (ablate, ["--edge", "2.1:9"], "'2.1:9' is not an edge"),
        (ablate, ["--mlp", "-1"], "-1 is below zero"),
        (ablate, ["--top", "0"], "0 is too few"),
        (ablate, ["--mlp", "1", "--set", "x"], "'x' is not a number"),
        (ablate, ["--mlp", "1", "--scale", "nan"], "'nan' is not a finite number"),
        (ablate, ["--mlp", "1", "--set", "1", "--mean"], "not allowed with argument --set"),
        (sweep, ["--metric", "loss"], "invalid choice: 'loss'"),
        (sweep, ["--over", "tokens"], "invalid choice: 'tokens'"),
        (sweep, ["--json", "--csv"], "not allowed with argument --json"),
    ],
)
def test_wrong_calls(command: ModuleType, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.parser().parse_args([SHORT, *arguments])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
