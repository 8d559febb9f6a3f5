"""Tokenizers that are not of GPT-2's kind, against the tokenizers library on steps that are put together here."""

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers, processors

from explorer.errors import TokenizerError
from explorer.tokenizer.byte_level import ByteLevelTokenizer
from explorer.tokenizer.library import LibraryTokenizer
from explorer.tokenizer.tokenizer import NoTokenizer, Tokenizer
from tests.helpers.checkpoint_builder import MERGES, VOCABULARY, write_tokenizer
from tests.helpers.exhaustive import exhaustive
from tests.helpers.library_tokenizers import BYTE_LEVEL, END, PAIRS, library
from tests.helpers.modules import modules_after
from tests.helpers.random_tokenizers import sample_texts, write_tokenizer_json


def opened(directory: Path, found: Any, **config: Any) -> Tokenizer:
    """The same tokenizer from its file, as transformers writes it, with tokenizer_config.json beside it."""
    found.save(str(directory / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast"} | config
    (directory / "tokenizer_config.json").write_text(json.dumps(config))
    return Tokenizer.from_directory(directory)


def same(ours: Tokenizer, theirs: Any, text: str) -> None:
    expected = theirs.encode(text).ids
    assert ours.encode(text) == expected
    assert [id for piece in ours.pieces(text) for id in piece.ids] == expected
    assert ours.decode(expected) == theirs.decode(expected, skip_special_tokens=False)


def with_template(found: Any) -> Any:
    found.post_processor = processors.TemplateProcessing(
        single=f"{END} $A", pair=f"{END} $A $B", special_tokens=[(END, found.token_to_id(END))]
    )
    return found


def with_roberta(found: Any) -> Any:
    found.post_processor = processors.RobertaProcessing((END, 260), (END, 260))
    return found


def with_digits(found: Any) -> Any:
    digits = pre_tokenizers.Digits(individual_digits=True)
    found.pre_tokenizer = pre_tokenizers.Sequence([digits, BYTE_LEVEL])
    return found


def with_lowercase(found: Any) -> Any:
    found.normalizer = normalizers.Lowercase()
    return found


def with_prefix(found: Any) -> Any:
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    return found


@pytest.mark.parametrize("change", [with_template, with_roberta, with_digits, with_lowercase, with_prefix])
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside vocab.json"])
def test_each_step(tmp_path: Path, change: Callable[[Any], Any], beside: bool) -> None:
    """tokenizer.json is in force, whatever stands beside it."""
    if beside:
        write_tokenizer(tmp_path)
    theirs = change(library())
    ours = opened(tmp_path, theirs)
    assert isinstance(ours, LibraryTokenizer)
    for text in ("in the", "In 2024 THE", "", f"the{END}in", " x", "日本 the"):
        same(ours, theirs, text)


def test_what_the_steps_give(tmp_path: Path) -> None:
    """In ids that are worked out by hand, as the library might be wrong with us."""
    the, end = VOCABULARY["Ġthe"], VOCABULARY[END]
    assert opened(tmp_path, with_template(library())).encode(" the") == [end, the]
    assert opened(tmp_path, with_roberta(library())).encode(" the") == [end, the, end]
    assert opened(tmp_path, with_lowercase(library())).encode(" THE") == [the]
    assert opened(tmp_path, with_prefix(library())).encode("the") == [the]
    twelve = [VOCABULARY[letter] for letter in "12"]
    assert opened(tmp_path, with_digits(library())).encode("12") == twelve


def test_a_list_of_byte_level_alone_is_gpt2s_kind(tmp_path: Path) -> None:
    theirs = library()
    theirs.pre_tokenizer = pre_tokenizers.Sequence([BYTE_LEVEL])
    theirs.normalizer = normalizers.Sequence([])
    ours = opened(tmp_path, theirs)
    assert isinstance(ours, ByteLevelTokenizer)
    same(ours, theirs, "in the\n\n 12")


@pytest.mark.parametrize(
    "added",
    [
        [AddedToken("<a>", lstrip=True)],
        [AddedToken("<a>", rstrip=True)],
        [AddedToken("in", single_word=True)],
        [AddedToken("<A>", normalized=True), AddedToken("<A>b", normalized=False)],
        [AddedToken("<a>"), AddedToken("<a><b>"), AddedToken("<b>x")],
        [AddedToken(" ", rstrip=True), AddedToken("the", single_word=True, lstrip=True)],
    ],
    ids=["lstrip", "rstrip", "single_word", "normalized or not", "overlapping", "white space"],
)
def test_added_tokens(tmp_path: Path, added: list[AddedToken]) -> None:
    theirs = library(*added)
    ours = opened(tmp_path, theirs)
    for text in ("in <a> in", "inin in.", "<a><b>x<A>b <A>", "  the   the  in\n<a>\n", f" {END} ", "bathe the"):
        same(ours, theirs, text)


@pytest.mark.parametrize("seed", [*range(40), *exhaustive(*range(40, 400))])
def test_random_tokenizers(tmp_path: Path, seed: int) -> None:
    """Normaliser x pre-tokenizer x model x post-processor x added tokens, as the library runs the file itself."""
    write_tokenizer_json(tmp_path, seed)
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "TokenizersBackend"}')
    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    ours = Tokenizer.from_directory(tmp_path)
    for text in sample_texts(seed):
        same(ours, theirs, text)


# What is shown


def test_merges_are_shown_where_they_are_ours_to_show(tmp_path: Path) -> None:
    ours = opened(tmp_path, with_template(with_lowercase(library())))
    added, word = ours.pieces("THE")
    assert (added.text, added.spelling, added.ids, added.merges) == ("", END.encode(), (260,), ())
    assert (word.start, word.text, word.spelling) == (0, "THE", b"the")
    assert [(merge.left, merge.right, merge.rank) for merge in word.merges] == [(b"h", b"e", 0), (b"t", b"he", 1)]


def test_pieces_of_a_wordpiece_have_no_merges(tmp_path: Path) -> None:
    theirs = tokenizers.Tokenizer(models.WordPiece({"[UNK]": 0, "walk": 1, "##ing": 2}, unk_token="[UNK]"))
    theirs.pre_tokenizer, theirs.decoder = pre_tokenizers.Whitespace(), decoders.WordPiece()
    ours = opened(tmp_path, theirs)
    assert [(piece.text, piece.ids, piece.merges) for piece in ours.pieces("walking on")] == [
        ("walking", (1, 2), ()),
        ("on", (0,), ()),
    ]
    assert not ours.in_bytes
    assert ours.decode([1, 2, 7]) == "walking<id 7>"


def test_gpt2s_kind_does_without_the_library(tmp_path: Path) -> None:
    """It takes a moment to import, and the embedded model opens at once."""
    code = "from explorer.loading.checkpoints import open_checkpoint; open_checkpoint().tokenizer.encode('Once')"
    assert "tokenizers" not in modules_after(code)
    code = f"from explorer.tokenizer.tokenizer import Tokenizer; Tokenizer.from_directory({str(tmp_path)!r})"
    write_tokenizer(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text('{"add_prefix_space": true}')
    assert "tokenizers" in modules_after(code)


# Names without ids, and switches


def test_tokens_that_are_named_without_an_id(tmp_path: Path) -> None:
    """They get the next ids, in the order of their roles: <bos>, <eos>, <pad>, and then those without a role."""
    write_tokenizer(tmp_path)
    roles = {
        "additional_special_tokens": ["<speaker1>"],
        "pad_token": "<pad>",
        "eos_token": "<eos>",
        "bos_token": "<bos>",
    }
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        (tmp_path / name).write_text(json.dumps(roles))
        ours = Tokenizer.from_directory(tmp_path)
        size = len(VOCABULARY)
        assert ours.encode("<bos><eos><pad><speaker1>in") == [size, size + 1, size + 2, size + 3, VOCABULARY["in"]]
        (tmp_path / name).unlink()


def test_the_switches_that_add_tokens_to_every_text(tmp_path: Path) -> None:
    write_tokenizer(tmp_path)
    the, end = VOCABULARY["the"], VOCABULARY[END]
    for bos, eos, expected in ((True, False, [end, the]), (False, True, [the, end]), (True, True, [end, the, end])):
        switches = {"add_bos_token": bos, "add_eos_token": eos}
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(switches))
        assert Tokenizer.from_directory(tmp_path).encode("the") == expected


def test_dropout_is_left_out_and_said(tmp_path: Path) -> None:
    theirs = with_lowercase(library())
    theirs.model = models.BPE(VOCABULARY, PAIRS, dropout=0.9)  # type: ignore[arg-type]
    ours = opened(tmp_path, theirs)
    assert "dropout is left out" in ours.notes[0]
    assert all(ours.encode(" the") == [VOCABULARY["Ġthe"]] for _ in range(20))


# Vocabularies and lists of merges that do not fit each other


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_line_ends_of_merges(tmp_path: Path, end: str) -> None:
    write_tokenizer(tmp_path)
    text = (tmp_path / "merges.txt").read_text(encoding="utf-8")
    (tmp_path / "merges.txt").write_bytes(text.replace("\n", end).encode())
    assert Tokenizer.from_directory(tmp_path).encode("in the") == [VOCABULARY["in"], VOCABULARY["Ġthe"]]


def test_no_merges(tmp_path: Path) -> None:
    write_tokenizer(tmp_path, merges=[])
    with pytest.raises(TokenizerError, match=r"merges.txt: no merges make 4 of 4 tokens \(he, the, Ġthe, \.\.\.\)"):
        Tokenizer.from_directory(tmp_path)


def test_merges_that_are_cut_short(tmp_path: Path) -> None:
    words = ["".join(pair) for pair in product("abcdgj", "klmopq")]
    merges = [" ".join(word) for word in words]
    merges += [f"{left} {right}" for left in words[:20] for right in words[20:30]]
    vocabulary = {name: id for id, name in enumerate([*VOCABULARY, *(merge.replace(" ", "") for merge in merges)])}
    assert len(vocabulary) == len(VOCABULARY) + len(merges)
    write_tokenizer(tmp_path, vocabulary, [*MERGES, *merges])
    assert Tokenizer.from_directory(tmp_path).notes == ()
    write_tokenizer(tmp_path, vocabulary, [*MERGES, *merges[:-101]])
    with pytest.raises(TokenizerError, match=r"no merges make 101 of .* cut short\. Download"):
        Tokenizer.from_directory(tmp_path)


@pytest.mark.parametrize("kind", ["vocab.json", "tokenizer.json"])
def test_tokens_that_no_text_becomes_are_said(tmp_path: Path, kind: str) -> None:
    theirs = tokenizers.Tokenizer(models.BPE({**VOCABULARY, "abc": 261}, PAIRS))  # type: ignore[arg-type]
    if kind == "vocab.json":
        write_tokenizer(tmp_path, {**VOCABULARY, "abc": 261})
        ours = Tokenizer.from_directory(tmp_path)
    else:
        theirs.pre_tokenizer, theirs.decoder = pre_tokenizers.ByteLevel(add_prefix_space=True), decoders.ByteLevel()
        theirs.add_special_tokens([END])
        ours = opened(tmp_path, theirs)
    assert ours.notes == ("1 token of the vocabulary can come from no text, as no merges lead there: abc (261).",)


# What is refused, by what it is


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("vocab.txt", "vocab.txt is a WordPiece tokenizer"),
        ("spiece.model", "spiece.model is a SentencePiece tokenizer"),
        ("tokenizer.model", "tokenizer.model is a SentencePiece tokenizer"),
        ("encoder.json", "encoder.json is OpenAI's name for it: rename the file"),
    ],
)
def test_other_files_are_named(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / name).write_text("")
    with pytest.raises(TokenizerError) as caught:
        Tokenizer.from_directory(tmp_path)
    assert said in str(caught.value)


def test_another_class_without_its_steps(tmp_path: Path) -> None:
    write_tokenizer(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "RobertaTokenizer"}')
    with pytest.raises(TokenizerError, match=r"tokenizer_class is RobertaTokenizer.*save_pretrained"):
        Tokenizer.from_directory(tmp_path)


def test_what_the_library_refuses(tmp_path: Path) -> None:
    library().save(str(tmp_path / "tokenizer.json"))
    given = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))
    (tmp_path / "tokenizer.json").write_text(json.dumps(given | {"normalizer": {"type": "Unheard"}}))
    with pytest.raises(TokenizerError, match=r"tokenizer.json: this tokenizer cannot be run: .*--ids"):
        Tokenizer.from_directory(tmp_path)


def test_without_a_tokenizer_ids_are_enough() -> None:
    none = NoTokenizer("there is none.")
    assert none.decode([3, 4]) == "<id 3><id 4>"
    for read in (none.encode, none.pieces):
        with pytest.raises(TokenizerError, match="there is none"):
            read("the")


def test_half_a_character(tmp_path: Path) -> None:
    ours = opened(tmp_path, with_lowercase(library()))
    with pytest.raises(TokenizerError, match=r"character 3 of the text is half of one, the surrogate U.D83D"):
        ours.encode("ab\ud83d")
