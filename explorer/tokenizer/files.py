"""A tokenizer's files, as Hugging Face writes them -> `Vocabulary` where it is GPT-2's kind, else `Pipeline`; checked.

`tokenizer.json`, or `vocab.json` and `merges.txt` where it is missing. Both spell a token with one letter for each
byte: a printable byte is its own letter, the others borrow letters from U+0100 on (a space is "Ġ").
Source: `bytes_to_unicode` in OpenAI's GPT-2, src/encoder.py.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from explorer.errors import TokenizerError
from explorer.json_file import read_json
from explorer.terminal.text import printable
from explorer.tokenizer.merging import unused
from explorer.tokenizer.pipeline import Pipeline, described
from explorer.tokenizer.special_tokens import read_added_tokens, read_config
from gpt.tokenizer import Pair, byte_letters

DOWNLOAD = "Download the tokenizer's files again, or use another copy of the model."
CONVERT = (
    "convert it, where transformers is: AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR) writes a "
    "tokenizer.json, which can be used. With --ids no tokenizer is needed."
)


@dataclass(frozen=True)
class Vocabulary:
    """The content of the files of a GPT-2's tokenizer."""

    ids: dict[bytes, int]  # the tokens that merges can make, and the single bytes they begin with
    merges: list[Pair]
    special: dict[str, int]  # tokens that are found in a text as they stand, before any merge
    tokens: dict[int, bytes]  # every token by its id
    unused: tuple[int, ...]  # the places of merges whose token is not merged into itself by them


# For str.translate: a letter becomes the character of Latin-1 that is its byte, any other one that Latin-1 lacks.
_TO_LATIN_1 = dict.fromkeys(range(256), 65535) | {ord(letter): byte for byte, letter in byte_letters().items()}


def spelled(name: str) -> bytes | None:
    """The bytes that a token's letters stand for, None where one is no such letter: spelled("Ġa") = b" a"."""
    try:
        return name.translate(_TO_LATIN_1).encode("latin-1")
    except UnicodeEncodeError:
        return None


def _all_spelled(names: list[str]) -> dict[str, bytes]:
    """The bytes of every name that is in letters; in one go where all of them are."""
    whole = spelled("".join(names))  # a byte for each letter
    if whole is None:
        return {name: token for name in names if (token := spelled(name)) is not None}
    ends = list(accumulate(map(len, names), initial=0))
    return {name: whole[start:end] for name, start, end in zip(names, ends, ends[1:])}


def read_files(directory: Path) -> Vocabulary | Pipeline:
    """The tokenizer of a model's directory, read and checked; TokenizerError says what is wrong with its files."""
    path = directory / "tokenizer.json"
    whole = _tokenizer_json(path)
    model: dict[str, Any] = whole.get("model", {})
    if "model" not in whole:
        _refuse_other_class(directory)
        path = directory / "vocab.json"
        given, merges = read_json(path, TokenizerError), _lines_of(directory / "merges.txt")
        model = {"type": "BPE", "vocab": given}
    else:
        given, merges = model.get("vocab"), _merges_of(path, model.get("merges"))
    numbers = _checked_ids(path, given)
    added = read_added_tokens(directory, numbers, whole)
    pipeline = described(directory, path, whole, model, added)
    if "model" in whole and not pipeline.is_gpt2s:
        return pipeline  # its own model, which the library reads
    letters = _all_spelled(list(numbers))
    special = {token.content: token.id for token in added}
    found = list(merges)
    pairs = _checked_merges(found, letters, path)
    source = path if "model" in whole else directory / "merges.txt"
    own = {name: number for name, number in numbers.items() if name in letters and name not in special}
    _refuse_cut_short(source, own, letters, pairs)
    if not pipeline.is_gpt2s:
        model["merges"] = [[left, right] for _, left, right in found]
        return pipeline
    # Added tokens, and the few others that are not in letters, stand for themselves.
    tokens = {number: letters.get(name) or name.encode("utf-8", "replace") for name, number in numbers.items()}
    tokens |= {token.id: token.content.encode("utf-8", "replace") for token in added}
    ids = {token: numbers[name] for name, token in letters.items()}
    return Vocabulary(ids, pairs, special, tokens, unused(pairs))


def _tokenizer_json(path: Path) -> dict[str, Any]:
    """The content of tokenizer.json, which is in force where it has a model; without one where the other files are."""
    others = all(path.with_name(name).is_file() for name in ("vocab.json", "merges.txt"))
    if not path.is_file():
        if others:
            return {}
        raise TokenizerError(no_tokenizer(str(path.parent), {file.name for file in path.parent.iterdir()}))
    whole = read_json(path, TokenizerError)
    if not isinstance(whole, dict) or not (others or isinstance(whole.get("model"), dict)):
        raise TokenizerError(f"{path}: this must be a JSON object with the tokenizer's model in it. {DOWNLOAD}")
    if not isinstance(whole.get("model"), dict):
        whole.pop("model", None)
    return whole


def no_tokenizer(where: str, there: Collection[str]) -> str:
    """The cause, by the names of the files that are there instead; `where` is a directory or a repository."""
    for name, kind in (
        ("vocab.txt", "a WordPiece tokenizer, as BERT has"),
        ("spiece.model", "a SentencePiece tokenizer"),
        ("sentencepiece.bpe.model", "a SentencePiece tokenizer"),
        ("tokenizer.model", "a SentencePiece tokenizer"),
    ):
        if name in there:
            return f"{where}: {name} is {kind}, which is not read from this file: {CONVERT}"
    for name, purpose in (("encoder.json", "vocab.json"), ("vocab.bpe", "merges.txt")):
        if name in there and purpose not in there:
            return f"{where}: there is no {purpose}. {name} is OpenAI's name for it: rename the file."
    missing = [name for name in ("vocab.json", "merges.txt") if name not in there]
    if len(missing) == 1:
        return (
            f"{where}: there is no tokenizer: of vocab.json and merges.txt, {missing[0]} is missing, and there is no "
            "tokenizer.json in their place. Download it too. With --ids no tokenizer is needed."
        )
    return (
        f"{where}: there is no tokenizer. A GPT-2's is in vocab.json and merges.txt, or in tokenizer.json: "
        "download these files too. With --ids no tokenizer is needed."
    )


_LIKE_GPT2 = ("GPT2Tokenizer", "PreTrainedTokenizer", "TokenizersBackend", "PythonBackend", "AutoTokenizer")


def _refuse_other_class(directory: Path) -> None:
    """vocab.json and merges.txt do not say what is done before and after the merges: that depends on the class."""
    name = str(read_config(directory).get("tokenizer_class") or _LIKE_GPT2[0])
    if name.removesuffix("Fast") not in _LIKE_GPT2:
        raise TokenizerError(
            f"{directory / 'tokenizer_config.json'}: tokenizer_class is {printable(name)}, not GPT-2's, and there is "
            f"no tokenizer.json that says what it does: {CONVERT}"
        )


_MANY = 100  # tokens at the end of the vocabulary: more than anyone adds by hand


def _refuse_cut_short(path: Path, ids: Mapping[str, int], letters: Mapping[str, bytes], merges: Iterable[Pair]) -> None:
    """Tokens that only merges can make must have one, but for a few; those like <pad> or [SEP] need none.

    Ids follow the list of merges: if many of the last tokens have none, its end is missing.
    """
    made = {left + right for left, right in merges}
    needed = [
        name for name in ids if len(letters[name]) > 1 and not (name[0] in "<[" and re.fullmatch(r"<.*>|\[.*\]", name))
    ]
    missing = sorted((name for name in needed if letters[name] not in made), key=ids.__getitem__)
    last = sorted(map(ids.__getitem__, needed))[len(needed) - len(missing) :]
    if 2 * len(missing) > len(needed) or (len(missing) >= _MANY and [ids[name] for name in missing] == last):
        some = ", ".join(map(printable, missing[:3])) + (", ..." if len(missing) > 3 else "")
        raise TokenizerError(
            f"{path}: no merges make {len(missing):,} of {len(needed):,} tokens ({some}): the list of merges is empty "
            f"or cut short. {DOWNLOAD}"
        )


def _checked_ids(path: Path, given: Any) -> dict[str, int]:
    if isinstance(given, list):  # Unigram: a token and its score each; the place is the id
        if not all(isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str) for entry in given):
            raise TokenizerError(f"{path}: a vocabulary that is a list must have a token and its score in each place.")
        given = {entry[0]: number for number, entry in enumerate(given)}
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
        lines = re.split("\r\n|\r|\n", path.read_bytes().decode("utf-8"))  # no token has a line end: bytes are letters
    except OSError as error:
        raise TokenizerError(f"{path}: this file cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise TokenizerError(f"{path}: this is not UTF-8 text: {error}. {DOWNLOAD}") from error
    for number, line in enumerate(lines, 1):
        if line and not line.startswith("#version"):
            yield _two(f"{path}, line {number}", line.split(" "))


def _merges_of(path: Path, given: Any) -> Iterator[tuple[str, str, str]]:
    if not isinstance(given, list):  # asked for only where there must be one
        raise TokenizerError(f"{path}: model.merges must be a list. {DOWNLOAD}")
    for number, merge in enumerate(given):
        yield _two(f"{path}, model.merges[{number}]", merge.split(" ") if isinstance(merge, str) else merge)


def _two(place: str, parts: Any) -> tuple[str, str, str]:
    fits = isinstance(parts, list) and len(parts) == 2
    if not fits or not (isinstance(parts[0], str) and isinstance(parts[1], str) and parts[0] and parts[1]):
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
