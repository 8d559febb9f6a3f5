"""A tokenizer's files, as Hugging Face writes them -> `Vocabulary`, checked.

`vocab.json` and `merges.txt`, or `tokenizer.json` where those are missing. Both spell a token with one letter for each
byte: a printable byte is its own letter, the others borrow letters from U+0100 on (a space is "Ġ").
Source: `bytes_to_unicode` in OpenAI's GPT-2, src/encoder.py.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.errors import TokenizerError
from explorer.json_file import read_json
from explorer.tokenizer.special_tokens import read_special_tokens
from gpt.tokenizer import Pair, byte_letters

DOWNLOAD = "Download the tokenizer's files again, or use another copy of the model."


@dataclass(frozen=True)
class Vocabulary:
    """The content of the files."""

    ids: dict[bytes, int]  # the tokens that merges can make, and the single bytes they begin with
    merges: list[Pair]
    special: dict[str, int]  # tokens that are found in a text as they stand, before any merge
    tokens: dict[int, bytes]  # every token by its id


# For str.translate: a letter becomes the character of Latin-1 that is its byte, any other one that Latin-1 lacks.
_TO_LATIN_1 = dict.fromkeys(range(256), 65535) | {ord(letter): byte for byte, letter in byte_letters().items()}


def spelled(name: str) -> bytes | None:
    """The bytes that a token's letters stand for, None where one is no such letter: spelled("Ġa") = b" a"."""
    try:
        return name.translate(_TO_LATIN_1).encode("latin-1")
    except UnicodeEncodeError:
        return None


def read_vocabulary(directory: Path) -> Vocabulary:
    """The vocabulary, merges and special tokens of a model's directory; TokenizerError says what is wrong with them."""
    if (directory / "vocab.json").is_file() and (directory / "merges.txt").is_file():
        source = directory / "vocab.json"
        given, merges = read_json(source, TokenizerError), _lines_of(directory / "merges.txt")
    elif (directory / "tokenizer.json").is_file():
        source = directory / "tokenizer.json"
        model = _bpe_model(source)
        given, merges = model.get("vocab"), _merges_of(source, model.get("merges"))
    else:
        raise TokenizerError(
            f"{directory}: there is no tokenizer. A GPT-2's is in vocab.json and merges.txt, or in tokenizer.json: "
            "download these files too."
        )
    _refuse_prefix_space(directory / "tokenizer_config.json")
    numbers = _checked_ids(source, given)
    letters = {name: token for name in numbers if (token := spelled(name)) is not None}
    special = read_special_tokens(directory, numbers)
    # Special tokens, and the few others that are not in letters, stand for themselves.
    tokens = {number: letters.get(name) or name.encode("utf-8", "replace") for name, number in numbers.items()}
    tokens |= {number: content.encode("utf-8", "replace") for content, number in special.items()}
    ids = {token: numbers[name] for name, token in letters.items()}
    return Vocabulary(ids, _checked_merges(merges, letters, source), special, tokens)


def _refuse_prefix_space(path: Path) -> None:
    given = read_json(path, TokenizerError) if path.is_file() else {}
    if isinstance(given, dict) and given.get("add_prefix_space"):
        raise TokenizerError(
            f"{path}: add_prefix_space is true: the model would be shown a space that is not in the text. "
            "Set it to false, and begin the text with a space yourself."
        )


def _checked_ids(path: Path, given: Any) -> dict[str, int]:
    if not isinstance(given, dict) or not given:
        raise TokenizerError(f"{path}: the vocabulary must be a JSON object with a whole number for each token.")
    owners: dict[int, str] = {}
    for name, number in given.items():
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise TokenizerError(f"{path}: the id of {name!r} is {number!r}: it must be a whole number, zero or more.")
        if number in owners:
            raise TokenizerError(f"{path}: {owners[number]!r} and {name!r} both have the id {number}. {DOWNLOAD}")
        owners[number] = name
    return given


# Merges, each with the place where it is written: (place, left, right)


def _lines_of(path: Path) -> Iterator[tuple[str, str, str]]:
    try:
        lines = path.read_bytes().decode("utf-8").split("\n")
    except OSError as error:
        raise TokenizerError(f"{path}: this file cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise TokenizerError(f"{path}: this is not UTF-8 text: {error}. {DOWNLOAD}") from error
    for number, line in enumerate(lines, 1):
        line = line.removesuffix("\r")
        if line and not line.startswith("#version"):
            yield _two(f"{path}, line {number}", line.split(" "))


def _merges_of(path: Path, given: Any) -> Iterator[tuple[str, str, str]]:
    if not isinstance(given, list):
        raise TokenizerError(f"{path}: model.merges must be a list. {DOWNLOAD}")
    for number, merge in enumerate(given):
        yield _two(f"{path}, model.merges[{number}]", merge.split(" ") if isinstance(merge, str) else merge)


def _two(place: str, parts: Any) -> tuple[str, str, str]:
    if not isinstance(parts, list) or len(parts) != 2 or not all(isinstance(part, str) and part for part in parts):
        raise TokenizerError(f"{place}: a merge must be two tokens with one space between them. {DOWNLOAD}")
    return place, parts[0], parts[1]


def _checked_merges(
    given: Iterable[tuple[str, str, str]], letters: Mapping[str, bytes], vocabulary: Path
) -> list[Pair]:
    """The merges as bytes: none twice, and each of two tokens into a third."""
    places: dict[Pair, str] = {}
    for place, left, right in given:
        for name in (left, right, left + right):
            if name not in letters:
                raise TokenizerError(f"{place}: {name!r} is not in the vocabulary of {vocabulary.name}. {DOWNLOAD}")
        pair = letters[left], letters[right]
        if pair in places:
            raise TokenizerError(f"{place}: this merge is there already ({places[pair]}). {DOWNLOAD}")
        places[pair] = place
    return list(places)


# tokenizer.json


def _bpe_model(path: Path) -> dict[str, Any]:
    """The `model` of a tokenizer.json that does what GPT-2's does; anything else is refused by name."""
    given = read_json(path, TokenizerError)
    model, splitter = _object(path, given, "model"), _object(path, given, "pre_tokenizer")
    for what, found, *wanted in (
        ("model.type", model.get("type"), "BPE"),
        ("pre_tokenizer.type", splitter.get("type"), "ByteLevel"),
        ("pre_tokenizer.use_regex", splitter.get("use_regex", True), True),
        ("pre_tokenizer.add_prefix_space", splitter.get("add_prefix_space", False), False),
        ("normalizer", given.get("normalizer"), None),
        ("model.dropout", model.get("dropout"), None, 0),
        ("model.continuing_subword_prefix", model.get("continuing_subword_prefix"), None, ""),
        ("model.end_of_word_suffix", model.get("end_of_word_suffix"), None, ""),
        ("model.byte_fallback", model.get("byte_fallback", False), False),
        ("model.ignore_merges", model.get("ignore_merges", False), False),
    ):
        if found not in wanted:
            raise TokenizerError(
                f"{path}: {what} is {_brief(found)}, not {_brief(wanted[0])}: GPT Explorer runs tokenizers of GPT-2's "
                "kind only, a byte-level BPE."
            )
    return model


def _object(path: Path, given: Any, key: str) -> dict[str, Any]:
    found = given.get(key) if isinstance(given, dict) else None
    if not isinstance(found, dict):
        raise TokenizerError(f"{path}: {key} is {_brief(found)}: a byte-level BPE like GPT-2's has an object there.")
    return found


def _brief(value: Any) -> str:
    return json.dumps(value.get("type", "an object") if isinstance(value, dict) else value)[:60]
