"""`python -m gpt`: text from a directory with nothing but Python."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from explorer.loading.checkpoints import open_checkpoint
from explorer.loading.places import embedded
from gpt.__main__ import continuation, load, main
from gpt.sampling import Sampling, generate
from tests.helpers.alone import PROMPT, alone
from tests.helpers.checkpoint_builder import write_checkpoint


def test_it_continues_a_text_with_nothing_but_python(capsys: pytest.CaptureFixture[str]) -> None:
    """With the reader, the tokenizer and the sampling of `gpt/` the text is the one that the libraries lead to."""
    checkpoint = open_checkpoint()
    ids = checkpoint.tokenizer.encode(PROMPT)
    drawn = [step.token for step in generate(checkpoint.load(engine="numpy"), ids, 12, Sampling(0.8, 40), 42)]
    assert (
        alone(str(embedded()), PROMPT, "--max-new-tokens", "12") == checkpoint.tokenizer.decode([*ids, *drawn]) + "\n"
    )
    assert main([str(embedded()), PROMPT, "--max-new-tokens", "0"]) == 0
    assert capsys.readouterr().out == PROMPT + "\n"


def test_a_character_of_several_tokens_comes_when_it_is_whole() -> None:
    model, tokenizer = load(embedded())
    ids = tokenizer.encode("é")
    assert len(ids) == 2
    model.forward = lambda fed, cache, **options: script(fed, cache)  # type: ignore[method-assign, assignment]
    spoken = iter([*ids, *ids[:1]])

    def script(fed: object, cache: object) -> object:
        from gpt import Output

        token = next(spoken)
        return Output([[float(index == token) for index in range(model.config.vocab_size)]], None)

    assert list(continuation(model, tokenizer, "a", 3, Sampling(0.0), 0)) == ["", "é", "", "\ufffd"]


def test_what_is_no_model_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def said(directory: Path, *words: str) -> str:
        assert main([str(directory), "a", *words]) == 1
        found = capsys.readouterr()
        return found.err

    assert f"error: {tmp_path}: there is no model here: config.json cannot be read" in said(tmp_path)
    write_checkpoint(tmp_path)
    assert "the temperature is -1.0" in said(tmp_path, "--temperature", "-1")
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert "this is no complete safetensors file (0 bytes)" in said(tmp_path)
    shutil.copy(embedded() / "model.safetensors", tmp_path)
    assert "has shape" in said(tmp_path) or "not part of a GPT-2" in said(tmp_path)


EVIL = "a\x1b]0;title\x07\u202e"


def test_what_it_says_cannot_command_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main([str(embedded()), EVIL, "--max-new-tokens", "0"]) == 0
    assert main([str(tmp_path / EVIL), "x"]) == 1
    with pytest.raises(SystemExit):
        main(["a", "b", EVIL])
    said = capsys.readouterr()
    assert said.out == "a‹1b›]0;title‹7›‹202e›\n"
    assert "unrecognized arguments: a‹1b›" in said.err
    assert not set(said.out + said.err) & {"\x1b", "\x07", "\u202e"}


def test_far_more_blocks_than_there_are_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They are refused at once: their tensors are not looked for one by one."""
    write_checkpoint(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"n_layer": 10**12}))
    assert main([str(tmp_path), "the"]) == 1
    assert "asks for 1000000000000 blocks" in capsys.readouterr().err
