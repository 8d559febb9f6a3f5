"""Tokenizers of every other kind: Hugging Face's library runs what tokenizer.json describes."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

import tokenizers

from explorer.errors import TokenizerError
from explorer.terminal import native
from explorer.terminal.text import printable
from explorer.tokenizer.files import spelled
from explorer.tokenizer.merging import merges_of, unreachable
from explorer.tokenizer.pipeline import Pipeline
from explorer.tokenizer.special_tokens import AddedToken
from explorer.tokenizer.tokenizer import Tokenizer
from gpt.tokenizer import Pair, Piece

AGAIN = "Download the tokenizer's files again, or give token ids with --ids."


class LibraryTokenizer(Tokenizer):
    """A tokenizer that Hugging Face's library runs."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._path = pipeline.path
        self._whole = _built(pipeline, pipeline.as_json())
        self._pipeline = pipeline
        self.special = {token.content: token.id for token in pipeline.added}
        vocabulary = self._whole.get_vocab(with_added_tokens=True)
        self.n_vocab = max(vocabulary.values(), default=-1) + 1
        self.in_bytes = pipeline.parts["decoder"] is not None and pipeline.parts["decoder"].get("type") == "ByteLevel"
        self._names = {number: name for name, number in vocabulary.items()}
        self._ranks = _ranks(pipeline.model) if self.in_bytes else {}
        self.notes = (*pipeline.notes, *self._unreachable())

    @cached_property
    def _inner(self) -> Any:
        """The same without the last step, which adds tokens: it is asked only for what is shown."""
        parts = {**self._pipeline.parts, "post_processor": None}
        without = replace(self._pipeline, parts=parts)
        return _built(without, without.as_json())

    def _unreachable(self) -> tuple[str, ...]:
        if not self._ranks:
            return ()
        spellings = {id: spelled(name) for id, name in self._names.items()}
        ids = {token: id for id, token in spellings.items() if token}
        made = {left + right for left, right in self._ranks}
        return unreachable(ids, made | {bytes([byte]) for byte in range(256)}, self.special.values())

    def ids(self) -> Collection[int]:
        return self._names.keys()

    def encode(self, text: str) -> list[int]:
        return list(self._encoding(self._whole, text).ids)

    def decode(self, ids: Iterable[int]) -> str:
        texts = []
        for known, run in groupby(ids, key=self._names.__contains__):
            if known:
                texts.append(self._decoded(list(run)))
            else:
                texts += [f"<id {id}>" for id in run]
        return "".join(texts)

    def token_bytes(self, id: int) -> bytes:
        name = self._names.get(id)
        if name is None:
            return b"<id %d>" % id
        if name in self.special:
            return name.encode("utf-8", "replace")
        if self.in_bytes:
            return spelled(name) or name.encode("utf-8", "replace")
        return (self._decoded([id]) or name).encode("utf-8", "replace")

    def pieces(self, text: str) -> list[Piece]:
        """The library's pieces, with merges where they are GPT-2's; tokens of the last step have no text."""
        ids, inner = self.encode(text), self._encoding(self._inner, text)
        first = _place(inner.ids, ids)
        if first is None:  # the last step did something else than to add tokens around
            return [Piece(0, text, text.encode(), (), tuple(ids))]
        last = first + len(inner.ids)
        before = [self._added(id, 0) for id in ids[:first]]
        after = [self._added(id, len(text)) for id in ids[last:]]
        return [*before, *self._within(text, inner), *after]

    def _within(self, text: str, encoding: Any) -> Iterable[Piece]:
        """The pieces that the pre-tokenizer and the added tokens cut the text into."""
        places = range(len(encoding.ids))
        for _, group in groupby(places, key=encoding.word_ids.__getitem__):
            tokens = list(group)
            start = min(encoding.offsets[place][0] for place in tokens)
            end = max(encoding.offsets[place][1] for place in tokens)
            yield self._piece(start, text[start:end], tuple(encoding.ids[place] for place in tokens))

    def _piece(self, start: int, text: str, ids: tuple[int, ...]) -> Piece:
        names = [self._names[id] for id in ids]
        spelling = b"".join(map(self.token_bytes, ids)) if self.in_bytes else text.encode()
        if self._ranks and not any(name in self.special for name in names):
            merged = Piece(start, text, spelling, tuple(merges_of(spelling, self._ranks)), ids)
            if merged.parts() == tuple(map(self.token_bytes, ids)):
                return merged
        return Piece(start, text, spelling, (), ids)

    def _added(self, id: int, place: int) -> Piece:
        return Piece(place, "", self.token_bytes(id), (), (id,))

    def _encoding(self, library: Any, text: str) -> Any:
        if half := re.search("[\ud800-\udfff]", text):
            raise TokenizerError(
                f"character {half.start() + 1} of the text is half of one, the surrogate U+{ord(half.group()):04X}: "
                "leave it out."
            )
        with _told(self._path, "this text cannot be cut into tokens", "Change the text."):
            return library.encode(text)

    def _decoded(self, ids: list[int]) -> str:
        with _told(self._path, "these tokens cannot be made a text", AGAIN):
            found: str = self._whole.decode(ids, skip_special_tokens=False)
            return found


def _built(pipeline: Pipeline, text: str) -> Any:
    """The library's tokenizer with its added tokens; TokenizerError where the library refuses it."""
    with _told(pipeline.path, "this tokenizer cannot be run", AGAIN):
        found = tokenizers.Tokenizer.from_str(text)
        found.add_tokens([_token(token) for token in pipeline.added])
        found.encode_special_tokens = pipeline.split_special
    wrong = {token.content: token.id for token in pipeline.added if found.token_to_id(token.content) != token.id}
    vocabulary = pipeline.model.get("vocab")
    if wrong and isinstance(vocabulary, dict) and not wrong.keys() & vocabulary.keys():
        model = {**pipeline.model, "vocab": {**vocabulary, **wrong}}  # with the ids that the files say
        again = replace(pipeline, model=model)
        return _built(again, again.as_json())
    if wrong:
        name, number = next(iter(wrong.items()))
        raise TokenizerError(
            f"{pipeline.path}: {name!r} should have the id {number}, and gets {found.token_to_id(name)}: the files "
            f"beside it are of another tokenizer. {AGAIN}"
        )
    return found


def _token(token: AddedToken) -> Any:
    return tokenizers.AddedToken(
        token.content,
        lstrip=token.lstrip,
        rstrip=token.rstrip,
        single_word=token.single_word,
        normalized=token.normalized,
        special=token.special,
    )


@contextmanager
def _told(path: Path, failed: str, advice: str) -> Iterator[None]:
    """Run the library; what it raises becomes a TokenizerError, and what it prints of a panic a part of it."""
    with native.caught() as said:
        try:
            yield
        except BaseException as error:
            panics = type(error).__name__ == "PanicException"  # it is no Exception, and neither is KeyboardInterrupt
            if not panics and not isinstance(error, Exception):
                raise
            cause = printable(str(error))[:300].rstrip(".")
            if panics:
                place = native.panic(said()) or cause
                cause = f"the tokenizers library failed at {printable(place)[:300].rstrip('.')}"
            raise TokenizerError(f"{path}: {failed}: {cause}. {advice}") from error


def _ranks(model: dict[str, Any]) -> dict[Pair, int]:
    """The place of each merge in the list, in bytes; empty where the model is no BPE on bytes."""
    ranks: dict[Pair, int] = {}
    if model.get("type") != "BPE" or model.get("ignore_merges"):
        return ranks
    for rank, merge in enumerate(model.get("merges") or ()):
        left, right = map(spelled, merge.split(" ") if isinstance(merge, str) else merge)
        if left is None or right is None:
            return {}
        ranks[left, right] = rank
    return ranks


def _place(inner: Sequence[int], ids: Sequence[int]) -> int | None:
    """Where the inner ids stand in the others, after as few as possible; None if they do not."""
    for first in range(len(ids) - len(inner) + 1):
        if list(ids[first : first + len(inner)]) == list(inner):
            return first
    return None
