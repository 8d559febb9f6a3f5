"""Random hostile things: texts, numbers, JSON values, damaged bytes; and what no terminal may be sent."""

import json
import random
import unicodedata
from typing import Any

SNIPPETS = [
    *(
        "",
        " ",
        "\n",
        "\r\n",
        "\t",
        "\x00",
        "\x07",
        "\x1b[2J",
        "\x1b]0;title\x07",
        "\x9b31m",
        "\x1bP$q\x1b\\",
        "\x1b[6n",
    ),
    *("\u202egnp", "\u2066", "\ufeff", "\u200d", "\u0301" * 30, "\ud800", "\udcff", "\U0010ffff", "\ue000", "\u2028"),
    *(
        "[bold]",
        "[/]",
        "[link=x]",
        "\\[",
        "%s",
        "{0}",
        "{x}",
        "$(id)",
        "`id`",
        "'",
        '"',
        "../..",
        "~",
        "@",
        "-",
        "--",
        "/",
    ),
    *(
        "漢字",
        "👩\u200d👩",
        "🇩🇪",
        "e\u0301",
        "ﷺ",
        "½",
        "²",
        "１２",
        "Once upon a time",
        "<|endoftext|>",
        " Lily",
        "·Lily",
    ),
    *(
        "nan",
        "inf",
        "-inf",
        "1e999",
        "-0",
        "0x10",
        "1_000",
        "+3",
        "1.5.2",
        "null",
        "true",
        "gpt2",
        "stories",
        "gpt2@main",
    ),
    *("blocks.0.hook_resid_post", "logits", "tokens", "wte.weight", "hook_embed", "probabilities", "a" * 300, "b/c/d"),
]
NUMBERS = [0, 1, -1, 2, 3, 7, 255, 256, 2**31, 2**63, 2**64, -(2**63), 10**30, 10**400, 0.5, -0.0, 1e-320, 1e308, 1e999]


def text(dice: random.Random, most: int = 5) -> str:
    """A few snippets and random characters."""
    parts = []
    for _ in range(dice.randint(0, most)):
        parts.append(
            dice.choice(SNIPPETS)
            if dice.random() < 0.7
            else chr(dice.choice((128, 0x3000, 0x110000)) and dice.randrange(dice.choice((128, 0x3000, 0x110000))))
        )
    return "".join(parts)


def digits(dice: random.Random) -> str:
    """A number as it may be typed: sometimes of thousands of digits."""
    kind = dice.random()
    if kind < 0.6:
        return str(dice.randint(0, 12))
    if kind < 0.8:
        return str(dice.choice(NUMBERS))
    return dice.choice(("-", "", "+")) + str(dice.randint(1, 9)) * dice.choice((5, 30, 4300, 4301, 5000))


def value(dice: random.Random, depth: int = 2) -> Any:
    """A JSON value."""
    kind = dice.randrange(8 if depth else 6)
    if kind == 0:
        return None
    if kind == 1:
        return dice.random() < 0.5
    if kind in (2, 3):
        return dice.choice(NUMBERS) if dice.random() < 0.7 else dice.randint(-5, 300)
    if kind in (4, 5):
        return text(dice, 2)
    if kind == 6:
        return [value(dice, depth - 1) for _ in range(dice.randrange(4))]
    return {text(dice, 1): value(dice, depth - 1) for _ in range(dice.randrange(4))}


def as_json(dice: random.Random, given: Any) -> str:
    """The text of a JSON value, which is sometimes damaged."""
    written = json.dumps(given, ensure_ascii=dice.random() < 0.5)
    kind = dice.random()
    if kind < 0.03:
        return "[" * 100_000
    if kind < 0.06:
        return '{"a":' * 50_000
    if kind < 0.1:
        place = dice.randrange(len(written) + 1)
        return (
            written[:place]
            + dice.choice(("", ",", "}", '"', "\x00", "1" * 5000, "NaN"))
            + written[place + dice.randrange(3) :]
        )
    return written


def damaged(dice: random.Random, data: bytes) -> bytes:
    """The bytes with a few of them changed, left out, put in, or the rest cut off."""
    found = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        place = dice.randrange(len(found) + 1)
        kind = dice.randrange(5)
        if kind == 0:
            del found[place:]
        elif kind == 1:
            del found[place : place + dice.randint(1, 9)]
        elif kind == 2:
            found[place:place] = dice.randbytes(dice.randint(1, 9))
        elif place < len(found):
            found[place] = dice.randrange(256)
    return bytes(found)


def check_printable(said: str) -> None:
    """AssertionError if a terminal could be commanded by this."""
    for character in said:
        kind = unicodedata.category(character)
        assert kind not in ("Cc", "Cf", "Cs", "Zl", "Zp") or character in "\n\t\u200d", (character, said[:500])
