"""Special tokens, such as GPT-2's `<|endoftext|>`: text that becomes one id as it stands, before any merge.

Hugging Face writes them down in up to four files. Some give a token and its id (`added_tokens.json`, the `added_tokens`
of `tokenizer.json`, the `added_tokens_decoder` of `tokenizer_config.json`); others a role and a token
(`"eos_token": "<|endoftext|>"`), and its id is in the vocabulary.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from explorer.errors import TokenizerError
from explorer.json_file import read_json
from gpt.tokenizer import END_OF_TEXT


def read_special_tokens(directory: Path, ids: Mapping[str, int]) -> dict[str, int]:
    """Every special token of the directory with its id; `ids` is the vocabulary."""
    known = dict(ids)
    owners = {number: token for token, number in ids.items()}
    special = {}
    for path, token, number in _numbered(directory):
        if known.setdefault(token, number) != number:
            raise TokenizerError(f"{path}: {token!r} has the id {number} here, and {known[token]} in a file beside it.")
        if owners.setdefault(number, token) != token:
            raise TokenizerError(f"{path}: {token!r} has the id {number}, which is already that of {owners[number]!r}.")
        special[token] = number
    for token in (END_OF_TEXT, *_named(directory)):
        if token in known:
            special[token] = known[token]
    special.pop("", None)  # would be found everywhere
    return special


def _numbered(directory: Path) -> Iterator[tuple[Path, str, int]]:
    """The tokens that are written down with their ids: (file, token, id)."""
    path, given = _read(directory / "added_tokens.json")
    for token, number in given.items():
        yield path, token, _checked_id(path, token, number)

    path, given = _read(directory / "tokenizer.json")
    for entry in _member(path, given, "added_tokens", []):
        token = _checked_token(path, entry)
        yield path, token, _checked_id(path, token, entry.get("id"))

    path, given = _read(directory / "tokenizer_config.json")
    for number, entry in _member(path, given, "added_tokens_decoder", {}).items():
        token = _checked_token(path, entry)
        yield path, token, _checked_id(path, token, int(number) if number.isdecimal() else number)


def _named(directory: Path) -> Iterator[str]:
    """The tokens that are written down with a role."""
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        path, given = _read(directory / name)
        for role, value in given.items():
            if role.endswith(("_token", "special_tokens")):
                yield from _tokens_in(path, value)


def _tokens_in(path: Path, value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict) and "content" in value:
        yield _checked_token(path, value)
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _tokens_in(path, inner)


def _read(path: Path) -> tuple[Path, dict[str, Any]]:
    """The file's JSON object, an empty one where there is no file."""
    given = read_json(path, TokenizerError) if path.is_file() else {}
    if not isinstance(given, dict):
        raise TokenizerError(f"{path}: this must be a JSON object.")
    return path, given


def _member(path: Path, given: dict[str, Any], key: str, none: Any) -> Any:
    """The value of the key, of the same type as `none`; `none` where there is no such key."""
    found = given.get(key)
    if found is None:
        return none
    if not isinstance(found, type(none)):
        raise TokenizerError(f"{path}: {key} must be {'a list' if none == [] else 'an object'}.")
    return found


def _checked_token(path: Path, entry: Any) -> str:
    """The text of an added token, one that is found in a text without regard to what stands around it."""
    token = entry.get("content") if isinstance(entry, dict) else None
    if not isinstance(token, str):
        raise TokenizerError(f"{path}: an added token must be an object with its content; this is {entry!r}.")
    for rule in ("lstrip", "rstrip", "single_word"):
        if entry.get(rule):
            raise TokenizerError(f"{path}: {token!r} has {rule} set, which is not supported: set it to false.")
    return token


def _checked_id(path: Path, token: str, number: object) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise TokenizerError(f"{path}: the id of {token!r} is {number!r}: it must be a whole number, zero or more.")
    return number
