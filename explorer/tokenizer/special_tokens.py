"""Added tokens, such as GPT-2's `<|endoftext|>`: text that becomes one id as it stands, before any merge.

Hugging Face writes them down in up to four files. Some give a token and its id (`added_tokens.json`, the `added_tokens`
of `tokenizer.json`, the `added_tokens_decoder` of `tokenizer_config.json`); others a role and a token
(`"eos_token": "<|endoftext|>"`): its id is in the vocabulary, or else the next one that is free. Which file is read
where several are there, and in which order ids are given, is as in transformers (`_from_pretrained`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from explorer.errors import TokenizerError
from explorer.json_file import read_json
from explorer.terminal.text import printable
from gpt.tokenizer import END_OF_TEXT

_ROLES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
_FLAGS = ("lstrip", "rstrip", "single_word", "normalized", "special")


@dataclass(frozen=True)
class AddedToken:
    """A token that is found in a text as it stands."""

    content: str
    id: int = -1  # below 0 where no file gives it
    lstrip: bool = False  # takes the white space on its left with it
    rstrip: bool = False
    single_word: bool = False  # only where no letter stands beside it
    normalized: bool = True  # looked for in the text after the normalizer
    special: bool = False
    bare: bool = False  # written as its text alone, which counts as another one than an object of the same text

    @property
    def plain(self) -> bool:
        """Found wherever it is written, and nothing but itself."""
        return not (self.lstrip or self.rstrip or self.single_word)


def read_config(directory: Path) -> dict[str, Any]:
    """The content of `tokenizer_config.json`, empty where there is none."""
    return _read(directory / "tokenizer_config.json")[1]


def is_gpt2s(config: Mapping[str, Any]) -> bool:
    """Whether transformers opens this tokenizer as a GPT-2's: it does where tokenizer_config.json names no class."""
    return str(config.get("tokenizer_class") or "GPT2Tokenizer").removesuffix("Fast") == "GPT2Tokenizer"


def roles(directory: Path) -> dict[str, str]:
    """The token of each role that has one: {"eos_token": "<|endoftext|>", ...}."""
    return {role: token.content for role, token in _named(directory)[0].items()}


def read_added_tokens(directory: Path, ids: Mapping[str, int], whole: dict[str, Any]) -> list[AddedToken]:
    """Every added token of the directory with its id, in the order of their ids.

    `ids` is the vocabulary, `whole` the content of tokenizer.json, empty where there is none.
    """
    known = dict(ids)
    owners = {number: token for token, number in ids.items()}
    added: dict[str, AddedToken] = {}
    for path, token in _numbered(directory, whole):
        name = token.content
        if known.setdefault(name, token.id) != token.id:
            raise TokenizerError(
                f"{path}: {name!r} has the id {token.id} here, and {known[name]} in a file beside it. "
                "Use the files of one tokenizer."
            )
        if owners.setdefault(token.id, name) != name:
            raise TokenizerError(
                f"{path}: {name!r} has the id {token.id}, which is already that of {owners[token.id]!r}. "
                "Use the files of one tokenizer."
            )
        added[name] = token  # the last word on its rules
    numbered = frozenset(added)
    by_role, others = _named(directory)
    for token in dict.fromkeys((*by_role.values(), *others)):  # each once; of several, the last has the last word
        if token.content not in numbered:
            number = known.get(token.content)
            number = _next_id(len(ids), added.values(), owners) if number is None else number
            known[token.content], owners[number] = number, token.content
            added[token.content] = replace(token, id=number)
    added.pop("", None)  # would be found everywhere
    return sorted(added.values(), key=lambda token: token.id)


def _next_id(size: int, added: Iterable[AddedToken], owners: Mapping[int, str]) -> int:
    """The id that the tokenizers library gives to a new token: after the vocabulary, and after all that were added."""
    number = max([size, *(token.id + 1 for token in added)])
    return number if number not in owners else max(owners) + 1


def _numbered(directory: Path, whole: dict[str, Any]) -> Iterator[tuple[Path, AddedToken]]:
    """The tokens that are written down with their ids, each with the file; what comes later overrules."""
    config_path, config = _read(directory / "tokenizer_config.json")
    if "added_tokens_decoder" not in config:
        names = _special_names(directory, config)
        path, given = _read(directory / "added_tokens.json")
        for name, number in given.items():
            special = name in names
            yield path, AddedToken(name, _checked_id(path, name, number), normalized=not special, special=special)

    path = directory / "tokenizer.json"
    for entry in _member(path, whole, "added_tokens", []):
        yield path, _token(path, entry, entry.get("id") if isinstance(entry, dict) else None)

    for number, entry in _member(config_path, config, "added_tokens_decoder", {}).items():
        # Ten digits are more than any vocabulary needs; Python refuses to read thousands of them.
        whole_number = int(number) if number.isascii() and number.isdecimal() and len(number) <= 10 else number
        yield config_path, _token(config_path, entry, whole_number)


def _special_names(directory: Path, config: Mapping[str, Any]) -> set[str]:
    """The tokens of added_tokens.json that are special in transformers: those it has seen a role of by then."""
    map_ = _read(directory / "special_tokens_map.json")[1]
    plain = {role: value for role, value in config.items() if isinstance(value, str)}
    mapped = {
        role: value["content"] if isinstance(value, dict) and "content" in value else value
        for role, value in map_.items()
    }
    given = plain | mapped
    more = config.get("extra_special_tokens") or config.get("additional_special_tokens")
    lists = [tokens for tokens in (more, map_.get("extra_special_tokens")) if isinstance(tokens, list)]
    extra = {token for tokens in lists for token in tokens if isinstance(token, str)}
    return extra | {name for role in _ROLES if isinstance(name := given.get(role), str)}


def _named(directory: Path) -> tuple[dict[str, AddedToken], list[AddedToken]]:
    """The tokens that are written down with a role, in the order in which they get ids, and those without a role."""
    path, config = _read(directory / "tokenizer_config.json")
    given: dict[str, tuple[Path, Any]] = dict.fromkeys(_ROLES, (path, None))
    if is_gpt2s(config):
        given |= dict.fromkeys(("bos_token", "eos_token", "unk_token"), (path, END_OF_TEXT))
    in_config = {role: (path, value) for role, value in config.items() if role.endswith("_token")}
    last = {role: both for role, both in in_config.items() if role not in _ROLES and isinstance(both[1], str)}
    given |= {role: both for role, both in in_config.items() if role not in last}
    extra, more = config.get("extra_special_tokens"), config.get("additional_special_tokens")
    others = [(path, more if isinstance(extra, dict) or not extra else extra)]
    last |= {role: (path, value) for role, value in extra.items()} if isinstance(extra, dict) else {}
    if "added_tokens_decoder" not in config:  # with it transformers reads nothing else
        path, map_ = _read(directory / "special_tokens_map.json")
        given |= {role: (path, value) for role, value in map_.items() if role.endswith("_token")}
        extra, more = map_.get("extra_special_tokens"), map_.get("additional_special_tokens")
        last |= {role: (path, value) for role, value in extra.items()} if isinstance(extra, dict) else {}
        listed = extra if isinstance(extra, list) else None
        others.append((path, listed or (None if others[0][1] else more)))
    given |= last  # of these transformers has taken the configuration's before it reads the map
    by_role = {
        role: _token(path, value, special=True)
        for role, (path, value) in given.items()
        if isinstance(value, str) or (isinstance(value, dict) and "content" in value)
    }
    return by_role, [token for path, value in others for token in _tokens_in(path, value)]


def _tokens_in(path: Path, value: Any) -> Iterator[AddedToken]:
    """Tokens in a list, or in an object with a name for each."""
    if isinstance(value, str) or (isinstance(value, dict) and "content" in value):
        yield _token(path, value, special=True)
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


_NO_ID = object()


def _token(path: Path, entry: Any, number: Any = _NO_ID, special: bool = False) -> AddedToken:
    """An added token as a file has it: its text alone, or an object with its content and its rules."""
    if isinstance(entry, str) and number is _NO_ID:
        return AddedToken(entry, normalized=not special, special=special, bare=True)
    content = entry.get("content") if isinstance(entry, dict) else None
    if not isinstance(content, str):
        raise TokenizerError(
            f"{path}: an added token must be an object with its content; this is {printable(repr(entry)[:80])}."
        )
    flags = {flag: entry.get(flag) for flag in _FLAGS}
    for flag, value in flags.items():
        if value is not None and not isinstance(value, bool):
            raise TokenizerError(f"{path}: {flag} of {content!r} must be true or false.")
    is_special, normalized = bool(flags.pop("special")) or special, flags.pop("normalized")
    return AddedToken(
        content,
        -1 if number is _NO_ID else _checked_id(path, content, number),
        **{flag: bool(value) for flag, value in flags.items()},
        normalized=not is_special if normalized is None else bool(normalized),
        special=is_special,
    )


def _checked_id(path: Path, token: str, number: object) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 2**32:
        given = printable(repr(number) if not isinstance(number, int) or abs(number) < 2**32 else "too large")[:80]
        raise TokenizerError(f"{path}: the id of {token!r} is {given}: it must be a whole number, zero or more.")
    return number
