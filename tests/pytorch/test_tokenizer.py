"""The tokenizer against Hugging Face's tokenizers, on the same files: ones it trained, and ones made to be odd."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")
tokenizers = pytest.importorskip("tokenizers")
transformers = pytest.importorskip("transformers")

from tokenizers import decoders, pre_tokenizers, trainers  # noqa: E402
from tokenizers.models import BPE  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402

from explorer.errors import TokenizerError  # noqa: E402
from explorer.loading.places import embedded  # noqa: E402
from explorer.tokenizer.tokenizer import Tokenizer  # noqa: E402
from gpt.tokenizer import Tokenizer as PlainTokenizer  # noqa: E402
from tests.helpers.checkpoint_builder import LETTERS, write_tokenizer  # noqa: E402
from tests.helpers.hostile import texts  # noqa: E402
from tests.helpers.tiktokens import TEXTS  # noqa: E402

CORPUS = [
    *TEXTS * 3,
    (embedded() / "README.md").read_text(encoding="utf-8"),
    Path(__file__).read_text(encoding="utf-8"),
]


def theirs(directory: Path) -> tokenizers.Tokenizer:
    """Byte-level BPE on vocab.json and merges.txt."""
    found = tokenizers.Tokenizer(BPE.from_file(str(directory / "vocab.json"), str(directory / "merges.txt")))
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    found.decoder = decoders.ByteLevel()
    return found


def trained(size: int, alphabet: Iterable[str], special: list[str]) -> tokenizers.Tokenizer:
    found = tokenizers.Tokenizer(BPE())
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    found.decoder = decoders.ByteLevel()
    alphabet = list(alphabet)
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=alphabet, special_tokens=special, show_progress=False, min_frequency=1
    )
    found.train_from_iterator(CORPUS, trainer)
    return found


def leave_as_it_is(directory: Path) -> None:
    """Name a class that adds nothing: GPT-2's own adds <|endoftext|> where it is missing."""
    (directory / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')


def same(ours: Tokenizer, reference: tokenizers.Tokenizer, text: str) -> None:
    ids = reference.encode(text, add_special_tokens=False).ids
    assert ours.encode(text) == ids
    assert [id for piece in ours.pieces(text) for id in piece.ids] == ids
    assert ours.decode(ids) == reference.decode(ids, skip_special_tokens=False)


def test_letters_of_bytes() -> None:
    assert sorted(LETTERS) == sorted(pre_tokenizers.ByteLevel.alphabet())


@settings(max_examples=300)
@given(st.text() | st.text("<|endoftext|> the's\n\t'’\u3000\u00a0a1½²é日") | st.sampled_from(TEXTS))
def test_embedded_model(text: str) -> None:
    assert STORIES[0].encode(text) == STORIES[1](text)["input_ids"]
    ids = STORIES[0].encode(text)[:3]
    assert STORIES[0].decode(ids) == STORIES[1].decode(ids, clean_up_tokenization_spaces=False)


@settings(max_examples=300)
@given(st.text() | st.text(" the's\n\t'’\x1c\u3000\u00a0a1½²é日") | st.sampled_from(TEXTS[:-1]))
def test_where_a_text_is_cut(text: str) -> None:
    splitter = pre_tokenizers.ByteLevel(add_prefix_space=False)
    cuts = [(piece.start, piece.start + len(piece.text)) for piece in STORIES[0].pieces(text)]
    assert cuts == [place for _, place in splitter.pre_tokenize_str(text)]


STORIES = Tokenizer.from_directory(embedded()), AutoTokenizer.from_pretrained(embedded())


def test_single_ids_of_the_embedded_model() -> None:
    for id in range(4096):
        assert STORIES[0].decode([id]) == STORIES[1].decode([id], clean_up_tokenization_spaces=False)


@pytest.mark.parametrize("form", ["vocab.json", "tokenizer.json", "transformers"])
@pytest.mark.parametrize("special", [["<|endoftext|>"], ["<pad>", "<|endoftext|>", "<|end"], []])
@pytest.mark.parametrize("size", [260, 300, 900])
def test_trained(tmp_path: Path, form: str, special: list[str], size: int) -> None:
    """As tokenizers and transformers write them; special tokens come first there, so no id follows the merges."""
    reference = trained(size, pre_tokenizers.ByteLevel.alphabet(), special)
    leave_as_it_is(tmp_path)
    if form == "vocab.json":
        reference.model.save(str(tmp_path))
        added = {token: id for id, token in enumerate(special)}
        (tmp_path / "added_tokens.json").write_text(json.dumps(added))
    elif form == "tokenizer.json":
        reference.save(str(tmp_path / "tokenizer.json"))
    else:
        transformers.PreTrainedTokenizerFast(tokenizer_object=reference).save_pretrained(tmp_path)
    ours = Tokenizer.from_directory(tmp_path)
    assert ours.n_vocab == reference.get_vocab_size()
    assert set(ours.special) == set(special)
    for text in CORPUS:
        same(ours, reference, text)


@pytest.mark.parametrize("content", ["<new>", "日本", " ", "\n\n", "the"])
def test_tokens_added_by_transformers(tmp_path: Path, content: str) -> None:
    theirs = AutoTokenizer.from_pretrained(embedded())
    theirs.add_tokens([content])
    theirs.add_special_tokens({"pad_token": "[PAD]"})
    theirs.save_pretrained(tmp_path)
    ours = Tokenizer.from_directory(tmp_path)
    assert ours.n_vocab == len(theirs)
    for text in [*CORPUS, f"Once{content}upon [PAD] {content}{content}a\n\n  time [PAD]"]:
        assert ours.encode(text) == theirs(text)["input_ids"]


def test_bytes_that_the_vocabulary_lacks(tmp_path: Path) -> None:
    """Where we refuse, they leave something out; where we do not, we agree."""
    reference = trained(300, [], [])
    reference.model.save(str(tmp_path))
    leave_as_it_is(tmp_path)
    ours = Tokenizer.from_directory(tmp_path)
    for text in [*CORPUS, "\x02", "a\x03b", "ÿ"]:
        ids = reference.encode(text).ids
        if reference.decode(ids) == text:
            assert ours.encode(text) == ids
        else:
            with pytest.raises(TokenizerError, match="cannot be spelled"):
                ours.encode(text)
    with pytest.raises(TokenizerError, match="'\\\\x03', character 2 of the text"):
        ours.encode("a\x03b")


@settings(max_examples=400)
@given(st.data())
def test_any_list_of_merges(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Also lists that no training gives: tokens that are never made, or in two ways, or before their parts."""
    names, merges = list("abc"), []
    for _ in range(data.draw(st.integers(1, 12), "merges")):
        left, right = data.draw(st.sampled_from(names)), data.draw(st.sampled_from(names))
        if f"{left} {right}" not in merges and len(left + right) < 9:
            merges.append(f"{left} {right}")
            names.append(left + right)
    assume(merges)
    merges = data.draw(st.permutations(merges) | st.just(merges))
    directory = tmp_path_factory.mktemp("merges")
    vocabulary = {name: id for id, name in enumerate(dict.fromkeys([*names, *LETTERS]))}
    write_tokenizer(directory, vocabulary, merges)
    ours, reference = Tokenizer.from_directory(directory), theirs(directory)
    for text in data.draw(st.lists(st.text("abc", min_size=1, max_size=40), min_size=5, max_size=5), "texts"):
        same(ours, reference, text)
    for name in names:
        same(ours, reference, name)


def test_the_tokenizer_of_plain_python() -> None:
    """On thousands of hostile texts: Hugging Face's ids."""
    ours, reference = PlainTokenizer.from_directory(embedded()), theirs(embedded())
    reference.add_special_tokens(["<|endoftext|>"])
    for text in [*TEXTS, *texts(seed=2, count=10_000)]:
        ids = reference.encode(text, add_special_tokens=False).ids
        assert ours.encode(text) == ids, ascii(text)
        assert ours.decode(ids) == text
