"""The picture of the tokenizer's work where its steps are not those of GPT-2."""

from pathlib import Path

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

from explorer.paint.pictures import picture
from explorer.tokenizer.tokenizer import Tokenizer
from explorer.walk.session import Session
from tests.helpers.checkpoint_builder import MERGES, VOCABULARY
from tests.helpers.models import small_model, start

END = "<|endoftext|>"


def read(directory: Path, found: tokenizers.Tokenizer) -> Tokenizer:
    found.save(str(directory / "tokenizer.json"))
    (directory / "tokenizer_config.json").write_text('{"tokenizer_class": "TokenizersBackend"}')
    return Tokenizer.from_directory(directory)


def lower_case(directory: Path) -> Tokenizer:
    """Byte-level BPE that begins every text with <|endoftext|> and makes all letters small."""
    found = tokenizers.Tokenizer(models.BPE(VOCABULARY, [tuple(merge.split(" ")) for merge in MERGES]))  # type: ignore[misc]
    found.normalizer, found.decoder = normalizers.Lowercase(), decoders.ByteLevel()
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    found.add_special_tokens([END])
    single, pair, tokens = f"{END} $A", f"{END} $A $B", [(END, VOCABULARY[END])]
    found.post_processor = processors.TemplateProcessing(single=single, pair=pair, special_tokens=tokens)
    return read(directory, found)


def word_piece(directory: Path) -> Tokenizer:
    found = tokenizers.Tokenizer(models.WordPiece({"[UNK]": 0, "walk": 1, "##ing": 2}, unk_token="[UNK]"))
    found.pre_tokenizer, found.decoder = pre_tokenizers.Whitespace(), decoders.WordPiece()
    return read(directory, found)


def drawn(session: Session, position: int, cells: int = 60, height: int = 20) -> list[str]:
    session.cursor.go_to_position(position)
    session.cursor.go_to_stage(0)
    return ["".join(span.text for span in line).rstrip() for line in picture(session, cells, height)]


def test_what_is_typed_and_what_becomes_of_it(tmp_path: Path) -> None:
    session = start(small_model(vocab_size=262, n_positions=16), lower_case(tmp_path), "THE the")
    assert session.ids == [VOCABULARY[name] for name in (END, "the", "Ġthe")]
    added, first, second = (drawn(session, position) for position in range(3))
    assert added[0] == "added   <|endoftext|>  id 260"
    assert "as it does with every text" in " ".join(line.strip() for line in added)
    assert [line.split()[:4] for line in first[:3]] == [
        ["piece", "THE", "piece", "2"],
        ["becomes", "the"],
        ["bytes", "74", "68", "65"],
    ]
    assert any(line.split()[:2] == ["merge", "2"] and "rule 2" in line for line in first)
    assert not any(line.startswith("becomes") for line in second)
    assert any(line.split()[:2] == ["merge", "3"] for line in second)


def test_pieces_that_are_not_merged(tmp_path: Path) -> None:
    session = start(small_model(vocab_size=3, n_positions=16), word_piece(tmp_path), "walking on")
    assert session.ids == [1, 2, 0]
    lines = drawn(session, 1)
    assert lines[0].split()[:2] == ["piece", "walking"]
    assert "cuts the piece into 2 tokens by steps of its own" in " ".join(line.strip() for line in lines)
    assert not any(line.startswith("merge") for line in lines)
    assert any("A single token" in line for line in drawn(session, 2))
