"""`--prompts FILE`: means, spread and each; what is kept, and what is refused."""

import io
import json
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytest

import explorer as gx
from explorer.cli import main
from explorer.commands import many
from explorer.errors import UsageError

TOM, BEN = "Tom and Lily went to the park. Tom said to", "Ben and Mia went to the park. Ben said to"


def call(*arguments: str) -> int:
    return main(list(arguments))


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert call(*arguments, "--json") == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def prompts(tmp_path: Path) -> str:
    path = tmp_path / "prompts.txt"
    path.write_text(f"{TOM}\n\n{BEN}\n", encoding="utf-8")
    return str(path)


def test_the_mean_is_that_of_single_calls(prompts: str, capsys: pytest.CaptureFixture[str]) -> None:
    one_by_one = []
    for prompt in (TOM, BEN):
        single = printed(capsys, "attribute", prompt, "--by", "head", "--engine", "numpy")
        one_by_one.append(next(part["value"] for part in single["contributions"] if part["label"] == "head 5.2"))
    found = printed(capsys, "attribute", "--prompts", prompts, "--by", "head", "--engine", "numpy")
    assert (found["prompts"], found["of"]) == (2, 2)
    head = found["measures"]["head 5.2"]
    assert head["mean"] == pytest.approx(fmean(one_by_one))
    assert head["deviation"] == pytest.approx(stdev(one_by_one))
    assert (head["least"], head["most"]) == pytest.approx((min(one_by_one), max(one_by_one)))
    assert [each["prompt"] for each in found["each"]] == [TOM, BEN]


def test_a_line_of_json_has_its_own_tokens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "prompts.jsonl"
    rows = [{"prompt": TOM, "token": " Lily", "versus": " Tom"}, {"prompt": BEN, "token": " Mia", "versus": " Ben"}]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    found = printed(capsys, "ablate", "--head", "3.3", "--prompts", str(path))
    assert [each["token"]["token"] for each in found["each"]] == [" Lily", " Mia"]
    before = printed(capsys, "sweep", TOM, "--token", " Lily", "--versus", " Tom")["baseline"]
    assert found["each"][0]["measures"]["logit difference before"] == pytest.approx(before)


@pytest.mark.parametrize(
    "arguments",
    [
        ["lens"],
        ["heads"],
        ["sweep", "--over", "mlps"],
        ["neurons", "--neuron", "3.120"],
        ["generate", "--max-new-tokens", "3", "--greedy"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_every_command_takes_a_file(arguments: list[str], prompts: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(*arguments, "--prompts", prompts) == 0
    text = capsys.readouterr().out
    assert "over 2 prompts" in text
    assert "deviation" in text


def test_a_neurons_strongest_places_over_a_file(prompts: str, capsys: pytest.CaptureFixture[str]) -> None:
    model = gx.load()
    places = [
        (float(value), line, position)
        for line, prompt in enumerate(Path(prompts).read_text(encoding="utf-8").splitlines(), 1)
        if prompt
        for position, value in enumerate(model.run(prompt)["blocks.3.mlp.hook_post"][:, 120])
    ]
    assert call("neurons", "--neuron", "3.120", "--prompts", prompts, "--top", "5") == 0
    shown = capsys.readouterr().out.split("its strongest places\n")[1].splitlines()[1:]
    assert len(shown) == 5
    for row, (value, line, position) in zip(shown, sorted(places, key=lambda place: -place[0])):
        found, _, at, number, *_ = row.replace("−", "-").split()
        assert (float(found), int(at), int(number)) == (pytest.approx(value, abs=1e-3), position, line)


def test_a_trace_for_each_prompt(prompts: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = ["trace", "--only", "logits", "--prompts", prompts]
    assert call(*wanted, "-o", str(tmp_path / "run-{}.safetensors")) == 0
    assert {path.name for path in tmp_path.glob("*.safetensors")} == {"run-1.safetensors", "run-3.safetensors"}
    capsys.readouterr()
    assert printed(capsys, *wanted, "-o", str(tmp_path / "run-{}.safetensors"))["prompts"] == 2, "one object"
    assert call(*wanted, "-o", str(tmp_path / "run.safetensors")) == 2
    assert "put {} into its name" in capsys.readouterr().err


def test_it_goes_on_where_it_was_interrupted(
    prompts: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    results = tmp_path / "results.jsonl"
    wanted = ["lens", "--prompts", prompts, "--results", str(results), "--json"]
    measured: list[str] = []
    from explorer.commands import lens

    whole = lens._measures

    def until_the_second(given: Any, options: Any) -> Any:
        measured.append(given.prompt)
        if len(measured) == 2:
            raise KeyboardInterrupt
        return whole(given, options)

    monkeypatch.setattr(lens, "_measures", until_the_second)
    assert call(*wanted) == 130
    first = capsys.readouterr()
    assert "interrupted after 1 of 2" in first.err
    assert json.loads(first.out)["prompts"] == 1
    with results.open("a", encoding="utf-8") as file:
        file.write('{"line": 3, "pro')  # cut off in the middle of a line
    assert call(*wanted) == 0
    found = json.loads(capsys.readouterr().out)
    assert (measured, found["prompts"]) == ([TOM, BEN, BEN], 2)
    assert call("heads", *wanted[1:]) == 2
    assert "results of another call" in capsys.readouterr().err
    assert call("lens", "--prompts", prompts, "--results", str(tmp_path)) == 1
    assert "it is a folder" in capsys.readouterr().err
    (tmp_path / "others.txt").write_text("Once upon a time\n", encoding="utf-8")
    assert call("lens", "--prompts", str(tmp_path / "others.txt"), "--results", str(results)) == 2
    assert "results of other prompts" in capsys.readouterr().err


def test_prompts_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("Once\nTwice\n"))
    assert [row.given["prompt"] for row in many.rows("-")] == ["Once", "Twice"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no prompts"),
        ('{"prompt": "Once"}\nno json', "line 2: this is not JSON"),
        ('{"text": "Once"}', 'an object with "prompt"'),
        ('{"prompt": "Once", "colour": "red"}', "no 'colour'"),
        ('{"prompt": 3}', "prompt must be a text"),
        ('{"ids": ["a"]}', "whole numbers"),
    ],
)
def test_damaged_files_are_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "prompts"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        many.rows(str(path))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lens", TOM, "--prompts", "x"], "give one of them"),
        (["lens", TOM, "--results", "x"], "give a file of prompts too"),
        (["lens", "--prompts", "there is none"], "cannot be read"),
        (["ablate", TOM, "--head", "3.3", "--token", "Lily"], "over --prompts"),
        (["neurons", "--prompts", "x"], "one neuron"),
    ],
)
def test_calls_that_contradict_themselves(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(*arguments) == 2
    assert said in capsys.readouterr().err
