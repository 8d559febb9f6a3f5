"""Token ids as tiktoken gives them for the embedded model's files, and texts to compare them on."""

import json
from collections.abc import Callable
from functools import cache

import tiktoken

from explorer.loading.places import embedded
from tests.helpers.checkpoint_builder import LETTERS

# OpenAI's GPT-2, src/encoder.py, written for fancy-regex
GPT2_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
PRINTABLE = [*range(33, 127), *range(161, 173), *range(174, 256)]
NOT_PRINTABLE = [byte for byte in range(256) if byte not in PRINTABLE]

TEXTS = [
    "",
    "Once upon a time, there was a little girl named Lily.",
    "it's we'll I'd they've you're 'tis can't I'm 'S 'LL ''s '",
    " leading,  two spaces,   three\n\nand lines \n \r\n\t tabs  ",
    "def f(x: int) -> list[int]:\n    return [x ** 2 for _ in range(0x1F)]  # 3.14e-10\n",
    "naïve café, Ünïcode; 東京タワー; здравствуй; مرحبا; ½ ² ① 𝟛; a\u0301 e\u200bf \u00a0 \u3000 \u0085 \u2028x",
    "👩‍👩‍👧‍👦 🇩🇪 👍🏽 \U0001f9ff",
    "\x00\x01\x1c\x1d\x1e\x1f\x7f\ufeff\ufffd\U0010ffff\ufdd0",
    "<|endoftext|>Once<|endoftext|><|endoftext|> upon <|endoftext| > |>",
]


@cache
def reference() -> Callable[[str], list[int]]:
    """tiktoken on the embedded model's files; their ids follow its ranks, but for the order of the single bytes."""
    merges = (embedded() / "merges.txt").read_text(encoding="utf-8").split("\n")[1:-1]
    vocabulary = json.loads((embedded() / "vocab.json").read_text(encoding="utf-8"))
    byte_of = {letter: bytes([byte]) for letter, byte in zip(LETTERS, [*PRINTABLE, *NOT_PRINTABLE])}

    def spell(name: str) -> bytes:
        return b"".join(byte_of[letter] for letter in name)

    ranks = {spell(letter): vocabulary[letter] for letter in LETTERS}
    ranks |= {spell(merge.replace(" ", "")): vocabulary[merge.replace(" ", "")] for merge in merges}
    special = {"<|endoftext|>": vocabulary["<|endoftext|>"]}
    encoding = tiktoken.Encoding("stories", pat_str=GPT2_PATTERN, mergeable_ranks=ranks, special_tokens=special)
    return lambda text: encoding.encode(text, allowed_special="all")
