"""`gpt-explorer attribute`: bars that add up, JSON at full precision, and tokens on the command line."""

import json
import os
import re
from typing import Any

import pytest

from explorer.analysis.attribution import IN_WORDS, Convention, Level, attribute
from explorer.commands import attribute as command
from explorer.commands.token_option import token_id
from explorer.errors import TokenizerError
from gpt import GPTError
from tests.helpers.models import Bytes, embedded, small_model, traced

PROMPT = "Once upon a time there was a little"


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert command.run(command.parser().parse_args(list(arguments))) == 0
    return capsys.readouterr().out


def test_a_table_that_adds_up(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    lines = printed(capsys, PROMPT, "--token", "girl", "--versus", "boy", "--top", "3").splitlines()
    assert lines[0] == "After ·little at position 7: the logit of ·girl (458) less that of ·boy (492)"
    rows = [re.fullmatch(r"(\S.*?) {2,}(█*)│?(█*) *([+-]\S+)", line) for line in lines[2:]]
    values = {row[1]: float(row[4]) for row in rows if row}
    *parts, smaller, total, recorded, gap = values
    assert len(parts) == 3
    assert smaller == "30 smaller ones"
    sizes = [abs(values[part]) for part in parts]
    assert sizes == sorted(sizes, reverse=True)
    assert sum(values[part] for part in [*parts, smaller]) == pytest.approx(values[total], abs=3e-4)
    assert (total, recorded, gap) == ("sum", "recorded difference", "gap")
    assert values[total] == values[recorded]
    assert abs(values[gap]) < 1e-12
    assert " ".join(lines).endswith(IN_WORDS[Convention.PLAIN])
    bars = [(row[2], row[3]) for row in rows[:3] if row]
    assert len(bars[0][0] + bars[0][1]) == 14, "the largest fills its side"
    assert max(map(len, lines)) <= 120


def test_the_table_by_position_names_the_tokens(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, "Once upon a time", "--by", "position", "--convention", "transformer-lens", "--top", "30")
    assert re.search(r"head \d\.\d from position 3 ·time", out)
    assert "recorded logit - mean" in out


def test_negative_bars_go_to_the_left(capsys: pytest.CaptureFixture[str]) -> None:
    for line in printed(capsys, PROMPT, "--versus", "boy").splitlines():
        if "│" in line:
            left, right = line.split("│")
            assert ("█" in left) <= (" -" in right)
            assert ("█" in right) <= ("+" in right)


@pytest.mark.parametrize("convention", Convention)
@pytest.mark.parametrize("level", Level)
def test_json_is_the_attribution(level: Level, convention: Convention, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(
        printed(capsys, "Once upon a", "--json", "--by", level, "--convention", convention, "--position", "1")
    )
    model, checkpoint = embedded()
    ids = checkpoint.tokenizer.encode("Once upon a")
    run = traced(model, ids)
    token = max(range(4096), key=lambda token: run.values["logits"][1][token])
    expected = attribute(run, 1, token, None, level, convention)
    assert [(part["label"], part["value"]) for part in found["contributions"]] == [
        (part.label, part.value) for part in expected.ranked()
    ]
    assert (found["sum"], found["logit"], found["gap"]) == (expected.sum, expected.logit, expected.gap)
    assert found["token"] == {"id": token, "token": checkpoint.tokenizer.decode([token])}
    assert (found["versus"], found["by"], found["convention"]) == (None, level.value, convention.value)
    assert (found["prompt"], found["ids"], found["position"]) == ("Once upon a", ids, 1)


def test_json_of_heads_says_which(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(printed(capsys, "--ids", "416,424", "--json", "--by", "head", "--top", "4", "--engine", "numpy"))
    assert len(found["contributions"]) == 4
    for part in found["contributions"]:
        assert set(part) - {"layer", "head"} == {"label", "value", "kind"}
        if part["kind"] == "head":
            assert part["label"] == f"head {part['layer']}.{part['head']}"
    assert found["prompt"] == "Once upon"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["Once", "--position", "1"], "there is no position 1: this prompt has 0 to 0"),
        (["Once", "--position", "-2"], "there is no position -2"),
        (["Once", "--token", "id:4096"], "there is no token 4096: ids go from 0 to 4095"),
        (["Once", "--token", "id:x"], "id:x is not a token id: write it as id:123"),
        (["Once", "--token", ""], "the token is empty"),
        (["Once", "--token", "little girl"], "little·girl is 3 tokens, not one (l | ittle | ·girl)"),
        (["Once", "--token", "boy", "--versus", " boy"], "are the same token, 492"),
        (["Once", "--versus", "\ud800"], "half of one"),
        ([], "there is no prompt"),
        (["", "--token", "girl"], "the prompt is empty"),
        (["a " * 300], "too many"),
    ],
)
def test_refusals(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(GPTError, match=re.escape(said)):
        command.run(command.parser().parse_args(arguments))
    assert not capsys.readouterr().out


def test_hostile_tokens_are_made_visible(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, "Once\x1b[31m\n", "--token", "id:10", "--by", "position", "--top", "400")
    assert "\x1b" not in out


def test_the_words_of_the_convention_fit_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "COLUMNS", "80")
    assert max(map(len, printed(capsys, "Once", "--top", "2").splitlines())) <= 80


# Tokens


def test_a_token_is_found_with_and_without_its_space() -> None:
    tokenizer, config = embedded()[1].tokenizer, embedded()[0].config
    for text in (" girl", "girl", "id:458"):
        assert token_id(text, tokenizer, config) == 458
    assert token_id("Once", tokenizer, config) == 416, "as it is given, where that is a token"
    assert token_id("<|endoftext|>", tokenizer, config) == 4095


def test_several_tokens_are_named() -> None:
    tokenizer, config = embedded()[1].tokenizer, embedded()[0].config
    with pytest.raises(GPTError) as refused:
        token_id("little girl", tokenizer, config)
    pieces = " | ".join(tokenizer.decode([token]).replace(" ", "·") for token in tokenizer.encode("little girl"))
    assert f"({pieces})" in str(refused.value)
    assert "id:NUMBER" in str(refused.value)


def test_a_token_that_the_model_does_not_have() -> None:
    """A tokenizer may know more tokens than the model has rows."""
    tokenizer: Any = Bytes()
    with pytest.raises(GPTError, match="no token 97: ids go from 0 to 10"):
        token_id("a", tokenizer, small_model().config)


def test_a_text_that_cannot_be_spelled_says_so() -> None:
    with pytest.raises(TokenizerError):
        token_id("\ud800", embedded()[1].tokenizer, embedded()[0].config)
