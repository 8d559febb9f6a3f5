"""`python -m gpt`: text from a directory with nothing but Python."""

import shutil
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
