"""Tokenizer directories drawn at random: normaliser x pre-tokenizer x model x post-processor x added tokens x files.

Written by the tokenizers library and by hand, with nothing of the code that reads them.
"""

import json
import random
from functools import cache
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from explorer.loading.places import embedded
from tests.helpers.hostile import texts

END = "<|endoftext|>"
ADDED = [
    "<pad>",
    "<a>",
    "<a>b",
    "<a><b>",
    "b>",
    "the",
    " ",
    "  ",
    "\n",
    "12",
    "日本",
    "<|end",
    "e",
    "Lily",
    "[X]",
    "a b",
]
ROLES = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token", "speaker_token"]
CORPUS = [
    (embedded() / "README.md").read_text(encoding="utf-8"),
    "Once upon a time, in 2024, naïve Café 12345 日本語 don't!\n\tTHE END.",
]


@cache
def merges() -> list[tuple[str, str]]:
    """The embedded model's merges."""
    lines = (embedded() / "merges.txt").read_text(encoding="utf-8").split("\n")[1:-1]
    return [(left, right) for left, right in (line.split(" ") for line in lines)]


def sample_texts(seed: int, count: int = 8) -> list[str]:
    """Texts that have something for every step to do."""
    chance = random.Random(seed)
    words = [
        *ADDED,
        END,
        "Hello",
        " world",
        "It's",
        " 3.5",
        "THE",
        "Ⅷ",
        "ﬁ",
        "e\u0301",
        " ",
        "\n\n",
        "...",
        "\u3000",
        "x",
    ]
    mixed = ["".join(chance.choices(words, k=chance.randint(1, 12))) for _ in range(count)]
    return ["", "Hello world", "In 2024 it's 12345", *mixed, *texts(seed=seed, count=2)]


def _normalizer(chance: random.Random) -> Any:
    simple = [
        normalizers.Lowercase(),
        normalizers.NFC(),
        normalizers.NFD(),
        normalizers.NFKC(),
        normalizers.Strip(),
        normalizers.StripAccents(),
        normalizers.Replace("a", "bb"),
        normalizers.Replace(Regex(r"\s+"), " "),
        normalizers.Prepend("_"),
        normalizers.BertNormalizer(lowercase=chance.random() < 0.5),
    ]
    several = normalizers.Sequence(chance.sample(simple, chance.randint(0, 3)))
    return chance.choice([None, None, None, several, chance.choice(simple)])


def _byte_level(chance: random.Random) -> Any:
    plain = pre_tokenizers.ByteLevel(add_prefix_space=False)
    before = chance.choice(
        [
            pre_tokenizers.Digits(individual_digits=chance.random() < 0.5),
            pre_tokenizers.Punctuation(),
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.UnicodeScripts(),
            pre_tokenizers.Split(Regex(r"\d{1,3}| ?\w+|\s+"), "isolated"),
            pre_tokenizers.CharDelimiterSplit("e"),
        ]
    )
    return chance.choice(
        [
            plain,
            plain,
            pre_tokenizers.Sequence([plain]),
            pre_tokenizers.ByteLevel(add_prefix_space=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            pre_tokenizers.Sequence([before, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]),
            pre_tokenizers.Sequence([before, plain]),
        ]
    )


def _library(chance: random.Random) -> Tokenizer:
    """A model with a pre-tokenizer and a decoder that fit it; three of four are byte-level BPE."""
    kind = chance.choice(["BPE"] * 6 + ["WordPiece", "Unigram", "WordLevel"])
    if kind == "BPE":
        pairs = merges()[: chance.choice([0, 20, 300, 3839])]
        names = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *dict.fromkeys(left + right for left, right in pairs)]
        if chance.random() < 0.5:
            names.insert(chance.randrange(len(names)), END)
        vocabulary = {name: number for number, name in enumerate(names)}
        found = Tokenizer(models.BPE(vocabulary, pairs, ignore_merges=chance.random() < 0.1))
        found.pre_tokenizer, found.decoder = _byte_level(chance), decoders.ByteLevel()
        return found
    if kind == "WordPiece":
        found = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        found.pre_tokenizer, found.decoder = pre_tokenizers.BertPreTokenizer(), decoders.WordPiece()
        trainer: Any = trainers.WordPieceTrainer(vocab_size=300, special_tokens=["[UNK]"], show_progress=False)
    elif kind == "Unigram":
        found = Tokenizer(models.Unigram())
        found.pre_tokenizer, found.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
        trainer = trainers.UnigramTrainer(
            vocab_size=200, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False
        )
    else:
        found = Tokenizer(models.WordLevel(unk_token="[UNK]"))
        found.pre_tokenizer = pre_tokenizers.Whitespace()
        trainer = trainers.WordLevelTrainer(vocab_size=200, special_tokens=["[UNK]"], show_progress=False)
    found.train_from_iterator(CORPUS, trainer)
    return found


def _added(chance: random.Random) -> list[AddedToken]:
    def flag(share: float) -> bool:
        return chance.random() < share

    return [
        AddedToken(
            content,
            lstrip=flag(0.2),
            rstrip=flag(0.2),
            single_word=flag(0.2),
            # Of added tokens that the normalizer makes alike or empty, the library finds any.
            normalized=flag(0.5) and content.isascii() and content == content.strip(),
            special=flag(0.5),
        )
        for content in chance.sample(ADDED, chance.choice([0, 0, 1, 3, 6]))
    ]


def _post_processor(chance: random.Random, found: Tokenizer) -> Any:
    found.add_special_tokens(["<s>", "</s>"])
    first, last = ((name, found.token_to_id(name) or 0) for name in ("<s>", "</s>"))
    template = processors.TemplateProcessing(single="<s> $A", pair="<s> $A $B", special_tokens=[first])
    return chance.choice(
        [
            processors.ByteLevel(trim_offsets=chance.random() < 0.5),
            template,
            processors.TemplateProcessing(single="$A </s> </s>", pair="$A $B </s>", special_tokens=[last]),
            processors.RobertaProcessing(last, first, True, chance.random() < 0.5),
            processors.BertProcessing(last, first),
            processors.Sequence([processors.ByteLevel(), template]),
        ]
    )


def write_tokenizer_json(directory: Path, seed: int) -> None:
    """A tokenizer.json, whatever the library can do, and a tokenizer_config.json that leaves it in force."""
    chance = random.Random(seed)
    found = _library(chance)
    normalizer = _normalizer(chance)
    if normalizer is not None:
        found.normalizer = normalizer
    found.add_tokens(_added(chance))
    if chance.random() < 0.4:
        found.post_processor = _post_processor(chance, found)
    found.save(str(directory / "tokenizer.json"))
    config: dict[str, Any] = {"tokenizer_class": chance.choice(["PreTrainedTokenizerFast", "TokenizersBackend"])}
    _name_roles(chance, config)
    (directory / "tokenizer_config.json").write_text(json.dumps(config))


def write_vocabulary_files(directory: Path, seed: int) -> None:
    """vocab.json and merges.txt, with any of the files that Hugging Face puts beside them."""
    chance = random.Random(seed)
    pairs = merges()[: chance.choice([1, 20, 300, 3839])]
    names = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *dict.fromkeys(left + right for left, right in pairs)]
    if chance.random() < 0.7:
        names.append(END)
    lines = "".join(f"{left} {right}\n" for left, right in pairs)
    (directory / "merges.txt").write_text(f"#version: 0.2\n{lines}", encoding="utf-8")
    vocabulary = {name: number for number, name in enumerate(names)}
    (directory / "vocab.json").write_text(json.dumps(vocabulary))
    config: dict[str, Any] = {} if chance.random() < 0.3 else {"tokenizer_class": "GPT2Tokenizer"}
    tokens = [token for token in _added(chance) if token.content not in names]
    ids = {token.content: len(names) + place for place, token in enumerate(tokens)}
    where = chance.choice(["added_tokens.json", "added_tokens_decoder", "nowhere"])
    if where == "added_tokens.json":
        (directory / where).write_text(json.dumps(ids))
    elif where == "added_tokens_decoder":
        states = {str(ids[token.content]): token.__getstate__() for token in tokens}
        config[where] = states
    if chance.random() < 0.5:
        _name_roles(chance, config)
    if chance.random() < 0.5:
        roles: dict[str, Any] = {}
        _name_roles(chance, roles)
        roles.pop("add_bos_token", None)
        roles.pop("add_eos_token", None)
        if "additional_special_tokens" in roles and chance.random() < 0.3:
            roles["extra_special_tokens"] = roles.pop("additional_special_tokens")
        (directory / "special_tokens_map.json").write_text(json.dumps(roles))
    if chance.random() < 0.3:
        config["add_prefix_space"] = chance.random() < 0.5
    (directory / "tokenizer_config.json").write_text(json.dumps(config))


def _name_roles(chance: random.Random, config: dict[str, Any]) -> None:
    """Roles, of tokens that are there and of new ones; and the switches that add two of them to every text."""
    for role in chance.sample(ROLES, chance.randint(0, 4)):
        content = chance.choice([*ADDED[:4], END, "<speaker1>", "<new>"])
        rule = {"content": content, "lstrip": chance.random() < 0.5, "rstrip": False, "normalized": False}
        config[role] = chance.choice([content, content, rule | {"single_word": False, "__type": "AddedToken"}])
    if chance.random() < 0.3:
        config["additional_special_tokens"] = chance.sample(["<speaker1>", "<speaker2>", "<new>", "<a>"], 2)
    for switch in ("add_bos_token", "add_eos_token"):
        if chance.random() < 0.2:
            config[switch] = chance.random() < 0.7
