"""The steps that a tokenizer.json describes, and whether they are GPT-2's own.

    normalizer     text -> text: lower case, accents taken off, ...
    pre_tokenizer  text -> pieces
    model          piece -> tokens
    post_processor tokens -> tokens: one added in front, for instance
    decoder        tokens -> text

tokenizer_config.json changes some of them, as it does in transformers. One thing is otherwise: transformers 5 leaves
out the first two of a file whose class is GPT2Tokenizer. Here they are in force, as in transformers 4 and in the
library: a model was trained on what they give.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.tokenizer.special_tokens import AddedToken, is_gpt2s, read_config, roles
from gpt.tokenizer import byte_letters

_PARTS = ("normalizer", "pre_tokenizer", "post_processor", "decoder")


@dataclass(frozen=True)
class Pipeline:
    """A tokenizer of any kind."""

    path: Path
    model: dict[str, Any]
    parts: dict[str, Any]
    added: list[AddedToken]
    split_special: bool  # special tokens written out in a text are spelled, not found
    notes: tuple[str, ...] = ()

    @property
    def is_gpt2s(self) -> bool:
        """Byte-level BPE behind GPT-2's pattern and nothing else, for which `byte_level` gives the same ids."""
        splitter, after = self.parts["pre_tokenizer"], self.parts["post_processor"]
        return (
            self.parts["normalizer"] is None
            and _type(splitter) == "ByteLevel"
            and splitter.get("use_regex", True) is True
            and not splitter.get("add_prefix_space", False)
            and _type(after) in (None, "ByteLevel")  # it moves offsets only
            and _type(self.parts["decoder"]) in (None, "ByteLevel")
            and _is_plain_bpe(self.model)
            and all(token.plain for token in self.added)
            # Tokens that are not normalized are looked for first: with both kinds it matters which is which.
            and len({token.normalized for token in self.added}) < 2
            and not self.split_special
        )

    def as_json(self) -> str:
        """The text of a tokenizer.json of these steps, without its added tokens."""
        whole: dict[str, Any] = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": []}
        return json.dumps(whole | self.parts | {"model": self.model})


def described(
    directory: Path, path: Path, whole: dict[str, Any], model: dict[str, Any], added: list[AddedToken]
) -> Pipeline:
    """The steps of a directory's tokenizer; `whole` is its tokenizer.json, without a model where that is elsewhere."""
    config = read_config(directory)
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    given = {"pre_tokenizer": byte_level, "decoder": byte_level} if "model" not in whole else whole
    parts = {part: _unwrapped(given.get(part)) for part in _PARTS}
    if is_gpt2s(config) and _type(parts["pre_tokenizer"]) == "ByteLevel":
        prefix = bool(config.get("add_prefix_space"))
        parts["pre_tokenizer"] = parts["pre_tokenizer"] | {"add_prefix_space": prefix}
    if "model" not in whole:  # otherwise transformers leaves the switches of the configuration alone
        parts["post_processor"] = _template(directory, config, {token.content: token.id for token in added})
    for part in ("pre_tokenizer", "post_processor", "decoder"):
        if _type(parts[part]) == "ByteLevel":  # files of older versions say less
            parts[part] = byte_level | parts[part]
    notes: tuple[str, ...] = ()
    if model.get("dropout"):
        model["dropout"] = None
        notes = (f"{path}: model.dropout is left out: it is for training, and would cut a text at random.",)
    return Pipeline(path, model, parts, added, config.get("split_special_tokens") is True, notes)


def _template(directory: Path, config: dict[str, Any], ids: dict[str, int]) -> dict[str, Any] | None:
    """A post-processor that adds the tokens of add_bos_token and add_eos_token; None if there are none."""
    named = roles(directory)
    text, steps, tokens = {"Sequence": {"id": "A", "type_id": 0}}, [], {}
    for role, last in (("bos", False), ("eos", True)):
        name = named.get(f"{role}_token")
        if last:
            steps.append(text)
        if config.get(f"add_{role}_token") is True and name is not None and name in ids:
            steps.append({"SpecialToken": {"id": name, "type_id": 0}})
            tokens[name] = {"id": name, "ids": [ids[name]], "tokens": [name]}
    if not tokens:
        return None
    pair = [*steps, {"Sequence": {"id": "B", "type_id": 1}}]
    return {"type": "TemplateProcessing", "single": steps, "pair": pair, "special_tokens": tokens}


def _is_plain_bpe(model: dict[str, Any]) -> bool:
    vocabulary = model.get("vocab")
    unknown = model.get("unk_token")
    return (
        model.get("type") == "BPE"
        and not model.get("continuing_subword_prefix")
        and not model.get("end_of_word_suffix")
        and not model.get("byte_fallback")
        and not model.get("ignore_merges")
        and (unknown is None or (isinstance(vocabulary, dict) and set(byte_letters().values()) <= vocabulary.keys()))
    )


_LISTS = ("normalizers", "pretokenizers", "processors", "decoders")


def _unwrapped(part: Any) -> Any:
    """A step that is a list of one, without the list; an empty list is no step."""
    while isinstance(part, dict) and part.get("type") == "Sequence":
        steps = next((part[name] for name in _LISTS if isinstance(part.get(name), list)), None)
        if steps is None or len(steps) > 1:
            return part
        part = steps[0] if steps else None
    return part


def _type(part: Any) -> Any:
    return part.get("type") if isinstance(part, dict) else None
