"""Special tokens wherever they are written down, tokenizer.json, and every file in every way malformed."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import TokenizerError
from explorer.tokenizer.tokenizer import Tokenizer
from tests.helpers.checkpoint_builder import MERGES, VOCABULARY, write_tokenizer


def refusal(directory: Path, *parts: str) -> None:
    """Reading the files is refused, and the message has all the parts."""
    with pytest.raises(TokenizerError) as caught:
        Tokenizer.from_directory(directory)
    for part in parts:
        assert part in str(caught.value)


def build(directory: Path, **files: Any) -> Tokenizer:
    write_tokenizer(directory, **files)
    return Tokenizer.from_directory(directory)


# Special tokens


SPECIAL_FILES = {
    "added_tokens.json": {"<new>": 300},
    "tokenizer.json": {"added_tokens": [{"id": 300, "content": "<new>"}]},
    "tokenizer_config.json": {"added_tokens_decoder": {"300": {"content": "<new>", "lstrip": False}}},
}


@pytest.mark.parametrize("name", SPECIAL_FILES)
def test_special_tokens_with_ids(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(json.dumps(SPECIAL_FILES[name]))
    found = build(tmp_path)
    assert found.special == {"<new>": 300, "<|endoftext|>": 260}
    assert found.n_vocab == 301
    assert found.encode("in<new>the<|endoftext|>") == [259, 300, 257, 260]
    assert found.decode([259, 300, 257, 260]) == "in<new>the<|endoftext|>"
    assert found.token_bytes(300) == b"<new>"
    assert found.token_bytes(299) == b"<id 299>"


@pytest.mark.parametrize("name", ["special_tokens_map.json", "tokenizer_config.json"])
def test_special_tokens_with_roles(tmp_path: Path, name: str) -> None:
    roles = {
        "eos_token": "he",
        "pad_token": {"content": "in", "lstrip": False, "__type": "AddedToken"},
        "additional_special_tokens": ["Ġthe", {"content": "x"}],
        "extra_special_tokens": {"image_token": "y"},
        "bos_token": "not in the vocabulary",
        "unk_token": None,
        "add_bos_token": False,
        "model_max_length": 1024,
    }
    (tmp_path / name).write_text(json.dumps(roles))
    found = build(tmp_path)
    assert set(found.special) == {"he", "in", "Ġthe", "x", "y", "not in the vocabulary"}, "<|endoftext|> has no role"
    assert found.special["not in the vocabulary"] == 261, "the next that is free"
    assert [piece.text for piece in found.pieces("atheinaxa")] == ["at", "he", "in", "a", "x", "a"]
    assert found.pieces("the")[1].merges == ()


def test_longest_special_token_first(tmp_path: Path) -> None:
    (tmp_path / "added_tokens.json").write_text(
        json.dumps({"<a": 300, "<a>": 301, "<a><b>": 302, ".*": 303, "日": 304})
    )
    found = build(tmp_path)
    assert found.encode("<a><b><a><a.*日") == [302, 301, 300, 303, 304]
    assert found.decode([302, 301, 300, 303, 304]) == "<a><b><a><a.*日"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("added_tokens.json", [], "this must be a JSON object"),
        ("added_tokens.json", {"<new>": "300"}, "the id of '<new>' is '300'"),
        ("added_tokens.json", {"<new>": -1}, "the id of '<new>' is -1"),
        ("added_tokens.json", {"<new>": 5}, "'<new>' has the id 5, which is already that of '&'"),
        ("added_tokens.json", {"<|endoftext|>": 7}, "'<|endoftext|>' has the id 7 here, and 260 in a file beside it"),
        ("tokenizer_config.json", {"added_tokens_decoder": {"x": {"content": "<new>"}}}, "the id of '<new>' is 'x'"),
        ("tokenizer_config.json", {"added_tokens_decoder": {"300": {}}}, "an added token must be an object with its"),
        (
            "tokenizer_config.json",
            {"added_tokens_decoder": {"300": "<new>"}},
            "an added token must be an object with its",
        ),
        ("tokenizer_config.json", {"added_tokens_decoder": []}, "added_tokens_decoder must be an object"),
        ("tokenizer_config.json", {"eos_token": {"content": 1}}, "an added token must be an object with its"),
        ("tokenizer.json", {"added_tokens": {"a": 1}}, "added_tokens must be a list"),
        (
            "tokenizer.json",
            {"added_tokens": [{"id": 300, "content": "<new>", "lstrip": 1}]},
            "lstrip of '<new>' must be true or false",
        ),
        ("tokenizer.json", {"added_tokens": [{"content": "<new>"}]}, "the id of '<new>' is None"),
    ],
)
def test_special_tokens_that_are_refused(tmp_path: Path, name: str, content: object, said: str) -> None:
    write_tokenizer(tmp_path)
    (tmp_path / name).write_text(json.dumps(content))
    refusal(tmp_path, f"{tmp_path}/{name}: {said}")


# Files that are malformed


def test_no_files(tmp_path: Path) -> None:
    refusal(tmp_path, f"{tmp_path}: there is no tokenizer", "vocab.json and merges.txt, or in tokenizer.json")
    write_tokenizer(tmp_path)
    (tmp_path / "merges.txt").unlink()
    refusal(tmp_path, f"{tmp_path}: there is no tokenizer")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "this is not JSON"),
        (b"\xff", "this is not JSON"),
        (b"[" * 100_000, "this is not JSON"),
        (b"[]", "the vocabulary must be a JSON object"),
        (b"{}", "the vocabulary must be a JSON object"),
        (b'{"a": "0"}', "the id of 'a' is '0'"),
        (b'{"a": 1.0}', "the id of 'a' is 1.0"),
        (b'{"a": true}', "the id of 'a' is True"),
        (b'{"a": -1}', "the id of 'a' is -1"),
        (b'{"a": 0, "b": 0}', "'a' and 'b' both have the id 0"),
        (b'{"a": 0, "a": 1}', "'a' is in it twice"),
    ],
)
def test_vocabulary_that_is_malformed(tmp_path: Path, text: bytes, said: str) -> None:
    write_tokenizer(tmp_path)
    (tmp_path / "vocab.json").write_bytes(text)
    refusal(tmp_path, f"{tmp_path}/vocab.json: {said}")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("he", "line 6: a merge must be two tokens with one space between them"),
        ("h e l", "line 6: a merge must be two tokens with one space between them"),
        ("h  e", "line 6: a merge must be two tokens with one space between them"),
        (" he", "line 6: a merge must be two tokens with one space between them"),
        ("h\te", "line 6: a merge must be two tokens with one space between them"),
        ("h e", "line 6: this merge is there already"),
        ("x y", "line 6: 'xy' is not in the vocabulary of vocab.json"),
        ("xx y", "line 6: 'xx' is not in the vocabulary of vocab.json"),
        ("日 本", "line 6: '日' is not in the vocabulary of vocab.json"),
    ],
)
def test_merges_that_are_malformed(tmp_path: Path, line: str, said: str) -> None:
    write_tokenizer(tmp_path, merges=[*MERGES, line])
    refusal(tmp_path, f"{tmp_path}/merges.txt, {said}")


def test_merges_that_are_not_text(tmp_path: Path) -> None:
    write_tokenizer(tmp_path)
    (tmp_path / "merges.txt").write_bytes(b"\xff\xfe")
    refusal(tmp_path, f"{tmp_path}/merges.txt: this is not UTF-8 text")


# tokenizer.json


def tokenizer_json(**changes: Any) -> dict[str, Any]:
    """As transformers writes it for GPT-2; a change to a.b goes by the name a__b."""
    written: dict[str, Any] = {
        "version": "1.0",
        "added_tokens": [{"id": 260, "content": "<|endoftext|>", "lstrip": False, "rstrip": False, "special": True}],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "vocab": VOCABULARY, "merges": MERGES, "ignore_merges": False},
    }
    for name, value in changes.items():
        *outer, last = name.split("__")
        target = written[outer[0]] if outer else written
        target[last] = value
    return written


@pytest.mark.parametrize("merges", [MERGES, [merge.split() for merge in MERGES]])
def test_tokenizer_json(tmp_path: Path, merges: list[Any]) -> None:
    (tmp_path / "tokenizer.json").write_text(json.dumps(tokenizer_json(model__merges=merges)))
    found = Tokenizer.from_directory(tmp_path)
    assert found.encode("in the<|endoftext|>") == [259, 258, 260]
    assert [merge.rank for merge in found.pieces(" the")[0].merges] == [0, 1, 2]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": {"type": "WordPiece", "vocab": {}}}, "the vocabulary must be a JSON object"),
        ({"model": None}, "this must be a JSON object with the tokenizer's model in it"),
        ({"model__type": "Unheard", "pre_tokenizer": None}, "this tokenizer cannot be run: "),
        ({"pre_tokenizer": {"type": "Unheard"}}, "this tokenizer cannot be run: "),
        ({"normalizer": 5}, "this tokenizer cannot be run: "),
        ({"model__vocab": []}, "the vocabulary must be a JSON object"),
        ({"model__merges": None}, "model.merges must be a list"),
        ({"model__merges": ["h e", "he"]}, "model.merges[1]: a merge must be two tokens"),
        ({"model__merges": ["h e", ["h", "e"]]}, "model.merges[1]: this merge is there already"),
        ({"model__merges": [["h", 1]]}, "model.merges[0]: a merge must be two tokens"),
        ({"model__merges": [["x", "y"]]}, "model.merges[0]: 'xy' is not in the vocabulary"),
    ],
)
def test_tokenizer_json_that_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    (tmp_path / "tokenizer.json").write_text(json.dumps(tokenizer_json(**changes)))
    refusal(tmp_path, f"{tmp_path}/tokenizer.json", said)


@pytest.mark.parametrize("text", ["", "[]", "null", '"text"'])
def test_tokenizer_json_that_is_no_object(tmp_path: Path, text: str) -> None:
    (tmp_path / "tokenizer.json").write_text(text)
    refusal(tmp_path, f"{tmp_path}/tokenizer.json: ")


@settings(max_examples=200)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-1, 300) | st.sampled_from(["h e", "<new>", "BPE"]),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["content", "id", "h", "he"]), inner),
    ),
    st.sampled_from(
        ["added_tokens.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.json", "tokenizer.json"]
    ),
    st.sampled_from(["added_tokens", "added_tokens_decoder", "eos_token", "model", "pre_tokenizer", None]),
)
def test_any_json_gives_a_tokenizer_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, value: Any, name: str, key: str | None
) -> None:
    directory = tmp_path_factory.mktemp("fuzz")
    write_tokenizer(directory)
    if name == "tokenizer.json":
        (directory / "vocab.json").unlink()
        value = value if key is None else tokenizer_json(**{key: value})
    elif key:
        value = {key: value}
    (directory / name).write_text(json.dumps(value))
    try:
        found = Tokenizer.from_directory(directory).decode([0])
    except TokenizerError as error:
        found = str(error)
    assert found
