"""Texts that are hard on a tokenizer, drawn at random."""

import random
import unicodedata
from collections.abc import Iterator

ODD = [
    *("'s", "'S", "'ll", "''ve", "'", "’s", "don't", "\u212a's", "İ'm"),
    *(
        " ",
        "  ",
        "\t",
        "\n",
        "\r\n",
        "\x0b\x0c",
        "\x1c\x1d\x1e\x1f",
        "\x85",
        "\xa0",
        "\u1680",
        "\u2003\u2028",
        "\u3000",
    ),
    *("<|endoftext|>", "<|endoftext", "|>", "<|endoftext|><|endoftext|>"),
    *("½", "²", "①", "𝟛", "٣", "Ⅷ", "四", "3.14e-10", "0x1F", "1,000"),
    *(
        "e\u0301",
        "n\u0303",
        "\u200b",
        "\u200d",
        "\ufeff",
        "\ufffd",
        "\u202e",
        "👩\u200d👩",
        "🇩🇪",
        "👍🏽",
        "\U0010ffff",
        "\x00",
    ),
    *("Once upon a time", "ﬁ", "ß", "ǅ", "ʰ", "ª", "東京", "здравствуй", "مرحبا", "हिन्दी", "한국어", "ไทย"),
    *("aaaaaaaaaaaaaaaa", "ababababab", "!!!!!!!!", "________", "--", "\\n", "[bold]", "\x1b[31m"),
]


def texts(seed: int, count: int) -> Iterator[str]:
    """So many texts of up to a dozen odd strings and random characters, of those that this Python's Unicode knows."""
    numbers = random.Random(seed)

    def character() -> str:
        while True:
            found = chr(
                numbers.choice((numbers.randrange(0x80), numbers.randrange(0x3100), numbers.randrange(0x110000)))
            )
            if unicodedata.category(found) not in ("Cn", "Cs"):
                return found

    for _ in range(count):
        parts = (numbers.choice(ODD) if numbers.random() < 0.5 else character() for _ in range(numbers.randrange(12)))
        yield "".join(parts)
