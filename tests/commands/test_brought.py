"""Models that users bring, in the commands: what is told on standard error, and what ends a generation."""

import json
from pathlib import Path

import pytest
import tokenizers
from tokenizers import decoders, models, pre_tokenizers

from explorer.cli import main
from explorer.commands.headless import generate_text
from explorer.commands.token_option import token_id
from explorer.tokenizer.tokenizer import Tokenizer
from gpt import GPTConfig, Sampling
from tests.helpers.checkpoint_builder import VOCABULARY, weights, write_checkpoint
from tests.helpers.models import Bytes, Scripted, small_model

GREEDY = Sampling(0)


def test_the_end_of_the_context_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Eight positions: after two tokens there is room for six, and the last one drawn needs none."""
    call = ["generate", "in the", "--greedy", "--model", str(write_checkpoint(tmp_path))]
    assert main([*call, "--json"]) == 0
    out, error = capsys.readouterr()
    assert json.loads(out)["ended"] == "context"
    assert len(json.loads(out)["ids"]) == 9
    assert error == ("gpt-explorer: the context is full: this model sees 8 tokens at most. 7 new tokens of 20 came.\n")
    assert main([*call, "--max-new-tokens", "7", "--json"]) == 0
    out, error = capsys.readouterr()
    assert json.loads(out)["ended"] == "max_new_tokens"
    assert error == ""


@pytest.mark.parametrize(
    ("script", "count", "ended"),
    [
        (b"abc", 3, "max_new_tokens"),
        (b"ab\x01c", 9, "end_token"),
        (b"a\x02bc", 9, "end_token"),
        (b"", 0, "max_new_tokens"),
    ],
)
def test_what_ends_a_generation(script: bytes, count: int, ended: str) -> None:
    given = {"vocab_size": 256, "n_positions": 99, "n_embd": 4, "n_head": 1, "eos_token_id": [1, 2]}
    model = Scripted(GPTConfig.from_dict(given), script)
    assert generate_text(model, Bytes(), ">", count, GREEDY, 0)["ended"] == ended


def test_a_full_context_ends_it() -> None:
    model = small_model(vocab_size=256, n_positions=4)
    assert generate_text(model, Bytes(), "abcd", 9, GREEDY, 0)["ended"] == "context"


def test_notes_are_told_on_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = write_checkpoint(tmp_path, {f"_orig_mod.{name}": value for name, value in weights().items()})
    assert main(["generate", "in", "--max-new-tokens", "1", "--model", str(directory)]) == 0
    out, error = capsys.readouterr()
    assert out.startswith("in")
    assert error.startswith(f"gpt-explorer: note: {directory}/model.safetensors: the prefix _orig_mod. is taken off")
    assert error.count("\n") == 1


def test_a_token_that_the_model_has_no_row_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = write_checkpoint(tmp_path, vocab_size=261)
    (directory / "special_tokens_map.json").write_text('{"pad_token": "<pad>"}')
    call = ["--max-new-tokens", "1", "--model", str(directory)]
    assert main(["generate", "in", *call]) == 0
    assert main(["generate", "in<pad>", *call]) == 2
    assert "<pad> is token 261, and this model has none above 260" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["generate", "lens"])
def test_ids_need_no_tokenizer(tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    directory = write_checkpoint(tmp_path)
    (directory / "vocab.json").unlink()
    (directory / "vocab.txt").write_text("[UNK]\n")
    assert main([command, "in", "--model", str(directory)]) == 1
    assert "vocab.txt is a WordPiece tokenizer" in capsys.readouterr().err
    assert main([command, "--ids", "3,4", "--model", str(directory)]) == 0
    out, error = capsys.readouterr()
    assert out.replace("·", " ").count("<id 3>") >= 1
    assert "Tokens are shown by their ids" in error


def test_numbers_that_are_none_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A stream that is the same in every dimension has no variance: with an epsilon of 0 it is divided by zero."""
    stored = weights()
    stored["wte.weight"][:] = stored["wpe.weight"][:] = 1
    directory = write_checkpoint(tmp_path, stored, layer_norm_epsilon=0.0)
    for engine in ("python", "numpy"):
        for command in ("generate", "attribute", "lens"):
            assert main([command, "in", "--engine", engine, "--model", str(directory)]) != 0
            said = capsys.readouterr().err
            assert said.startswith("gpt-explorer: ")
            assert said.count("\n") == 1


# Tokens whose text depends on those before them


def words(directory: Path) -> Tokenizer:
    found = tokenizers.Tokenizer(
        models.WordPiece({"[UNK]": 0, "walk": 1, "##ing": 2, "on": 3, "é": 4}, unk_token="[UNK]")
    )
    found.pre_tokenizer, found.decoder = pre_tokenizers.Whitespace(), decoders.WordPiece()
    found.save(str(directory / "tokenizer.json"))
    return Tokenizer.from_directory(directory)


def test_pieces_of_words_are_written_as_they_are_read(tmp_path: Path) -> None:
    from io import StringIO

    config = GPTConfig.from_dict({"vocab_size": 5, "n_positions": 99, "n_embd": 4, "n_head": 1})
    stream = StringIO()
    result = generate_text(Scripted(config, bytes([2, 3, 4])), words(tmp_path), "walk", 3, GREEDY, 0, stream)
    assert result["text"] == "walking on é"
    assert stream.getvalue() == "walking on é\n"


def test_a_token_by_its_text_where_every_text_gets_one_more(tmp_path: Path) -> None:
    directory = write_checkpoint(tmp_path)
    (directory / "tokenizer_config.json").write_text('{"add_bos_token": true}')
    config = GPTConfig.from_dict({"vocab_size": 262, "n_embd": 8, "n_head": 2})
    tokenizer = Tokenizer.from_directory(directory)
    assert tokenizer.encode("the") == [VOCABULARY["<|endoftext|>"], VOCABULARY["the"]]
    assert token_id("the", tokenizer, config) == VOCABULARY["the"]
