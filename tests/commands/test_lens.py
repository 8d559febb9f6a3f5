"""`gpt-explorer lens`: the table, the lists of next tokens, the surprise and the loss."""

import json
import re

import pytest

from explorer.analysis import lens
from explorer.commands import lens as command
from explorer.runs.ranking import rank
from gpt import GPTError
from tests.helpers.models import embedded, never, traced

PROMPT = "Once upon a time"


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert command.run(command.parser().parse_args(list(arguments))) == 0
    return capsys.readouterr().out


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, PROMPT).splitlines()
    run = traced(embedded()[0], embedded()[1].tokenizer.encode(PROMPT))
    assert lines[0].split() == ["0", "Once", "1", "·upon", "2", "·a", "3", "·time"]
    titles = [line[:12].strip() for line in lines[1:14]]
    assert titles == ["embeddings", *(f"{layer} {half}" for layer in range(6) for half in ("attention", "MLP"))]
    for row, line in zip(lens.rows(6), lines[1:14]):
        cells = [lens.compute(run, row.name, position, never) for position in range(4)]
        shares = [int(share) for share in re.findall(r"(\d+)%", line)]
        assert shares == [round(100 * cell.probability) for cell in cells if cell]
    assert lines[14].startswith("stays from ")
    bits = [float(found) for found in re.findall(r"([\d.]+) bits", lines[15])]
    assert bits == pytest.approx([found for found in lens.surprises(run) if found is not None], abs=0.005)
    loss = lens.loss(run)
    assert loss
    assert lines[-1] == (
        f"loss         {loss.nats:.4f} nats = {loss.bits:.4f} bits a token, over 3 tokens; "
        f"perplexity {loss.perplexity:.2f}"
    )


def test_a_narrow_terminal_gets_the_positions_below_each_other(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    lines = printed(capsys, "--ids", "416,424,258", "--engine", "numpy").splitlines()
    assert max(map(len, lines[:-1])) <= 40
    assert [line for line in lines if line.startswith("embeddings")][1:], "a second table"
    assert lines[17].split() == ["2", "·a"]


def test_one_token_has_no_loss(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        printed(capsys, "Once").splitlines()[-1]
        == "loss         none: nothing comes before the first token to predict it from"
    )
    assert json.loads(printed(capsys, "Once", "--json", "--top", "1"))["loss"] is None


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(printed(capsys, "Once upon", "--json", "--top", "3"))
    model, checkpoint = embedded()
    ids = checkpoint.tokenizer.encode("Once upon")
    run = traced(model, ids)
    assert (found["prompt"], found["ids"], found["tokens"]) == ("Once upon", ids, ["Once", " upon"])
    rows = {(row["name"], row["position"]): row for row in found["rows"]}
    assert list(rows) == [(row.name, position) for row in lens.rows(6) for position in range(2)]
    for (name, position), row in rows.items():
        (logits,) = model.read_out([run.values[name][position]])
        expected = rank(logits)
        assert row["layer"] == (None if name == "blocks.0.hook_resid_pre" else int(name.split(".")[1]))
        assert row["next"] == [
            {
                "id": token,
                "token": checkpoint.tokenizer.decode([token]),
                "logit": expected.logits[token],
                "probability": expected.probabilities[token],
            }
            for token in expected.order[:3]
        ]
        cell = lens.compute(run, name, position, never)
        assert cell
        assert row["entropy"] == cell.entropy
        assert (row["answer"], row["answer_rank"]) == (cell.answer, cell.answer_rank)
        assert row["answer_probability"] == cell.answer_probability
    assert found["surprise"] == lens.surprises(run)
    loss = lens.loss(run)
    assert loss
    assert found["loss"] == {"tokens": 1, "nats": loss.nats, "bits": loss.bits, "perplexity": loss.perplexity}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [([], "there is no prompt"), ([""], "the prompt is empty"), (["--ids", "9999"], "no token 9999")],
)
def test_refusals(arguments: list[str], said: str) -> None:
    with pytest.raises(GPTError, match=said):
        command.run(command.parser().parse_args(arguments))
