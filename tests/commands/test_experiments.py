"""The experiments on the command line print what the library computes; and the story in docs/what-if.md is true."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import explorer as gx
from explorer.api.model import Model
from explorer.api.run import Run
from explorer.cli import main

A, B = "Tom and Lily went to the park. Tom said to", "Tom and Lily went to the park. Lily said to"
STORY = " ".join((Path(__file__).parents[2] / "docs/what-if.md").read_text(encoding="utf-8").split())


@pytest.fixture(scope="module")
def model() -> Model:
    return gx.load()


@pytest.fixture(scope="module")
def run(model: Model) -> Run:
    return model.run(A)


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_patch(run: Run, model: Model, capsys: pytest.CaptureFixture[str]) -> None:
    lead = gx.logit_difference(" Lily", " Tom")
    found = as_json(capsys, "patch", A, B, "--over", "mlp_out", "--by-position", "--at", "-1")
    expected = run.patching(model.run(B), "mlp_out", lead, by_position=True, at=-1)
    np.testing.assert_allclose(found["values"], expected.values, atol=1e-9)
    assert main(["patch", A, B]) == 0
    text = capsys.readouterr().out
    assert "8         ·Tom   8             ·Lily      *" in text
    assert "clean 4.7863, corrupted −3.6417" in text.replace("-3", "−3")
    assert main(["patch", A, "Once"]) == 2
    assert "same length" in capsys.readouterr().err
    assert main(["patch", A, A]) == 2
    assert "both runs say the same" in capsys.readouterr().err


def test_path(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    found = as_json(capsys, "path", A, "--head", "3.3", "--to", "5.2.q", "--to", "5.2.k")
    expected = run.path(gx.head(3, 3).zero(), ["5.2.q", "5.2.k"]).changes[0]
    assert found["rows"][0]["after"] == pytest.approx(expected[2])
    assert main(["path", A, "--head", "3.3", "--to", "2.1.q"]) == 2
    assert "choose a later receiver" in capsys.readouterr().err
    for wrong, said in (("5.9.q", "there is no head 5.9"), ("mlp9", "there is no MLP 9")):
        assert main(["path", A, "--head", "3.3", "--to", wrong]) == 2
        assert said in capsys.readouterr().err
    assert main(["path", A, "--head", "3.3", "--to", "5.2"]) == 2
    assert "no receiver" in capsys.readouterr().err


def test_score(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    found = as_json(capsys, "score", A, "--head", "5.2", "--key", "2")
    values = run.score(5, 2, -1, 2).values
    assert sum(row["value"] for row in found["rows"]) == pytest.approx(values.sum())
    cell = next(row["query's cell"] for row in found["rows"] if row["query's side"] == "head 3.3")
    assert cell == "blocks.3.attn.hook_result[10,3,0]"
    assert main(["explain", A, "--at", cell]) == 0, "the cell is a door"


def test_circuit(model: Model, capsys: pytest.CaptureFixture[str]) -> None:
    found = as_json(capsys, "circuit", "--head", "5.2", "--token", " Lily")
    assert [row["token"] for row in found["rows"]] == [row[0] for row in model.promoted(5, 2, " Lily")]
    np.testing.assert_allclose(as_json(capsys, "circuit")["values"], model.copying().values)
    positions = as_json(capsys, "circuit", "--head", "5.2", "--positions", "7")["values"]
    np.testing.assert_allclose(positions, model.circuits.matched_positions(5, 2, 7))
    assert main(["circuit", "--positions", "7"]) == 2
    assert "say which with --head" in capsys.readouterr().err
    assert main(["circuit", "--head", "5.2", "--positions", "9999"]) == 2
    assert "there are no 9999 positions" in capsys.readouterr().err
    shape = np.shape(as_json(capsys, "circuit", "--composition", "k")["values"])
    assert shape == (6, 6, 6, 6)
    assert main(["circuit", "--token", " Lily"]) == 2
    assert main(["circuit", "--head", "9.9"]) == 2
    assert "there is no head 9.9" in capsys.readouterr().err


def test_csv_has_all_rows_unless_fewer_are_asked_for(model: Model, capsys: pytest.CaptureFixture[str]) -> None:
    config = model.config
    for call, all_rows in (
        (["circuit", "--head", "5.2"], config.head_width),
        (["circuit", "--head", "5.2", "--token", " Lily"], config.vocab_size),
        (["neurons", "Once"], config.n_layer * config.mlp_width),
    ):
        for more, rows in (([], all_rows), (["--top", "3"], 3)):
            assert main([*call, "--csv", *more]) == 0
            assert len(list(csv.reader(io.StringIO(capsys.readouterr().out)))) == 1 + rows


def test_tables(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    heads = as_json(capsys, "heads", A)["rows"]
    assert [row["head"] for row in heads] == [row[0] for row in run.heads()]
    flow = as_json(capsys, "flow", A, "--by", "logit", "--token", " Lily", "--versus", " Tom")["rows"]
    assert flow[0]["logit"] == pytest.approx(max((row[2] for row in run.flow(" Lily", " Tom")), key=abs))
    assert main(["neurons", A, "--csv", "--layer", "4"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    best = int(run["blocks.4.mlp.hook_post"][-1].argmax())
    assert rows[0]["neuron"] == f"4.{best}"
    assert main(["compare", A, B, "--top", "3"]) == 0
    assert "KL = 4.2707 bits" in capsys.readouterr().out
    assert main(["heads", "--definitions"]) == 0
    assert "Olsson et al. 2022" in capsys.readouterr().out


def test_sweeps_beyond_the_three_maps(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    found = as_json(capsys, "sweep", A, "--over", "q", "--mean", "--at", "-1", "--metric", "kl")
    np.testing.assert_allclose(found["values"], run.sweep("q", gx.kl(), what="mean", at=-1).values, atol=1e-9)
    patched = ["sweep", A, "--over", "z", "--patch-from", "Ben and Mia went", "--at", "1"]
    found = as_json(capsys, *patched, "--align", "beginning")["values"]
    metric, other = gx.probability(" Lily"), run.model.run("Ben and Mia went")
    np.testing.assert_allclose(found, run.sweep("z", metric, what=other, at=1, align_at="beginning").values, atol=1e-9)
    assert main([*patched, "--align", "end"]) == 2
    assert "none of these positions has a counterpart" in capsys.readouterr().err
    assert main(["sweep", A, "--over", "neurons"]) == 2
    assert "say of which block" in capsys.readouterr().err


def test_the_beginning(capsys: pytest.CaptureFixture[str]) -> None:
    found = as_json(capsys, "ablate", A, "--head", "3.3", "--bos")
    assert found["ids"][0] == 4095
    assert found["before"][0]["probability"] == pytest.approx(0.527, abs=5e-4)
    assert as_json(capsys, "ablate", A, "--head", "3.3", "--no-bos")["ids"] == found["ids"][1:]
    text = as_json(capsys, "generate", "Once upon a time", "--bos", "--greedy", "--max-new-tokens", "3")
    assert text["text"].startswith("Once upon a time")
    assert text["prompt_ids"][0] == 4095


@pytest.mark.parametrize(("option", "begins"), [("--bos", True), ("--no-bos", False)])
def test_the_screen_opens_with_the_beginning(option: str, begins: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer.commands import explore

    shown: list[str] = []
    monkeypatch.setattr(explore, "require_terminal", lambda: None)
    monkeypatch.setattr(explore, "show", lambda session, prompt, *others: shown.append(prompt) or 0)
    for prompt in (A, explore.BEGINNING + A):
        assert main([prompt, option]) == 0
    assert shown == ([explore.BEGINNING + A] * 2 if begins else [A, explore.BEGINNING + A])


def test_a_trace_in_their_convention(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    path = tmp_path / "run.safetensors"
    assert main(["trace", A, "-o", str(path), "--convention", "transformer-lens", "--only", "logits"]) == 0
    expected = gx.load(convention="transformer-lens").run(A)["logits"]
    np.testing.assert_allclose(load_file(path)["logits"], expected, atol=1e-10)


def test_a_steering_vector_and_a_mean_over_a_file(
    run: Run, model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "happy.txt").write_text("Lily was happy\n", encoding="utf-8")
    (tmp_path / "sad.txt").write_text("Lily was sad\n", encoding="utf-8")
    files = ["--prompts", str(tmp_path / "happy.txt"), "--versus", str(tmp_path / "sad.txt")]
    assert main(["steering", "blocks.2.hook_resid_pre", *files, "-o", str(tmp_path / "v.safetensors")]) == 0
    assert "over 1 prompt, length" in capsys.readouterr().out
    happy, sad = (model.run(f"Lily was {word}") for word in ("happy", "sad"))
    vector = gx.steering("blocks.2.hook_resid_pre", [happy], [sad])
    assert gx.load_steering(tmp_path / "v.safetensors") == vector
    at = ["--at", "blocks.2.hook_resid_pre[4,*]"]
    found = as_json(capsys, "ablate", A, *at, "--steer", str(tmp_path / "v.safetensors"), "--strength", "2")
    assert found["kl"] == pytest.approx(run.edit(gx.activation("blocks.2.hook_resid_pre", 4).add(vector, 2)).kl)
    (tmp_path / "p.txt").write_text(f"{B}\nOnce upon a time\n", encoding="utf-8")
    found = as_json(capsys, "ablate", A, "--head", "3.3", "--mean-over", str(tmp_path / "p.txt"))
    others = model.run_all([B, "Once upon a time"])
    assert found["kl"] == pytest.approx(run.edit(gx.head(3, 3).mean(over=others)).kl)
    assert found["edits"] == ["head 3.3: its mean over 2 prompts"]


def test_the_story_of_head_3_3_in_the_readme(run: Run, model: Model) -> None:
    """By which way it acts, and the same numbers with the beginning."""
    sender, zero = gx.head(3, 3).patch(model.run(B)), gx.head(3, 3).zero()
    by_mlps = run.path(sender, "5.2.q", mlps_follow=True).probability(" Lily")
    alone = run.path(sender, "5.2.q").probability(" Lily")
    held = run.edit(zero, gx.head(5, 2).patch(run)).probability(" Lily")
    whole, all_of_it = run.probability(" Lily"), run.edit(zero).probability(" Lily")
    with_beginning = model.run(A, bos=True)
    swept = with_beginning.sweep("heads", gx.probability(" Lily"))
    said = [
        f"falls from {100 * whole:.1f} % to {100 * by_mlps:.1f} %",
        f"with the MLPs held, to {100 * alone:.1f} %",
        f"still loses {100 * (whole - held):.1f} of the {100 * (whole - all_of_it):.1f} points",
        f'" Lily" has {100 * with_beginning.probability(" Lily"):.1f} %, and '
        f"{100 * with_beginning.edit(zero).probability(' Lily'):.1f} % without head 3.3",
        f"(−{-100 * swept[1, 0]:.1f} against −{-100 * swept[5, 2]:.1f} points)",
    ]
    assert [each for each in said if each not in STORY] == []
