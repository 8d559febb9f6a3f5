"""Campaigns on calls of the program: their words, and prompts."""

import io
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from unittest.mock import patch

from explorer import cli
from explorer.commands import COMMANDS
from explorer.commands.headless import generate_text
from explorer.loading import catalogue
from explorer.walk.session import Session
from gpt import GPT, GPTError, Sampling
from tests.fuzz import hostile
from tests.helpers.checkpoint_builder import write_checkpoint
from tests.helpers.confined import confined
from tests.helpers.models import embedded

_OPTIONS = [
    *("--model", "--engine", "--seed", "--temperature", "--top-k", "--top-p", "--ids", "--max-new-tokens", "--greedy"),
    *("--json", "--at", "--depth", "--terms", "--unroll", "--token", "--versus", "--position", "--by", "--convention"),
    *("--top", "--head", "--mlp", "--neuron", "--block", "--edge", "--set", "--scale", "--mean", "--patch-from"),
    *("--align", "--metric", "--over", "--csv", "-o", "--only", "--float32", "--head-results", "--help", "--version"),
    *("--from", "--to", "--tour", "--edit"),
]
_VALUES = [
    *(
        "0.1",
        "1.0",
        "0-0",
        "1.0:1-0",
        "blocks.0.hook_resid_post[1,2]",
        "logits[1,5]",
        "hook_embed[*,1]",
        "id:5",
        "id:-1",
    ),
    *(
        "id:²",
        "logits[0,²]",
        "out.safetensors",
        "./x/y",
        "python",
        "numpy",
        "auto",
        "head",
        "component",
        "neuron",
        "kl",
    ),
    *(
        "logit-diff",
        "probability",
        "heads",
        "mlps",
        "positions",
        "end",
        "beginning",
        "blocks.*",
        "*",
        "[",
        "1,2,3",
        "the",
    ),
    *(
        "@file",
        "@nothing",
        "@.",
        "-",
        "--",
        "tiny",
        "tiny/config.json",
        "model",
        ".",
        "transformer-lens",
        "in",
        "the in",
    ),
]
_COSTLY = ("verify", "notes", "serve")  # where its words are right the first takes half a minute, the others wait


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@contextmanager
def streams(stdin: str = "") -> Iterator[tuple[Terminal, Terminal]]:
    """Standard output and standard error as terminals, and standard input as none."""
    out, err = Terminal(), Terminal()
    given = io.TextIOWrapper(io.BytesIO(stdin.encode("utf-8", "surrogatepass")), encoding="utf-8")
    with patch.multiple(sys, stdout=out, stderr=err, stdin=given):
        yield out, err


def _word(dice: random.Random) -> str:
    kind = dice.random()
    if kind < 0.45:
        return dice.choice(_VALUES)
    if kind < 0.75:
        return hostile.text(dice, 3).replace("\x00", "").replace("\ud800", "\udcff")  # no call has these
    return hostile.digits(dice)


def _words(dice: random.Random) -> list[str]:
    words = [dice.choice(list(COMMANDS))] if dice.random() < 0.9 else []
    if dice.random() < 0.7:
        words.append(dice.choice(("the in", "the", _word(dice))))
    for _ in range(dice.randint(0, 3)):
        option = dice.choice(_OPTIONS)
        words += [f"{option}={_word(dice)}"] if dice.random() < 0.2 else [option, _word(dice)]
    if dice.random() < 0.1:
        dice.shuffle(words)
    return words


def arguments(dice: random.Random, folder: Path) -> int:
    """A call with random words: an exit status and printable words, whatever they are."""
    tiny = write_checkpoint(folder / "tiny")
    (folder / "file").write_bytes(hostile.text(dice).encode("utf-8", "surrogatepass"))
    words = _words(dice)
    if words[:1] and words[0] in _COSTLY:
        words.insert(1, "--nothing")
    with patch.object(catalogue, "embedded", lambda: tiny), confined(folder), streams(hostile.text(dice)) as (out, err):
        try:
            status = cli.run(words)
        except SystemExit as ended:
            status = int(ended.code or 0)
        except Exception as error:
            raise AssertionError(f"the words were {words!r}") from error
    assert status in (0, 1, 2), (words, status)
    told = any(word in err.getvalue() for word in ("escapes", "the context is full", "note:", "writing "))
    assert bool(err.getvalue()) == (status != 0) or told, (words, status, err.getvalue())
    for said in (out.getvalue(), err.getvalue().replace("\r", "")):
        hostile.check_printable(said)
    return 1


@cache
def _small() -> GPT:
    from tests.helpers.pilot import tiny

    return tiny(n_positions=64)


def prompts(dice: random.Random, folder: Path) -> int:
    """A prompt on a small model: exact in a pipe, printable on a terminal, shown and walked."""
    tokenizer, model = embedded()[1].tokenizer, _small()
    prompt = hostile.text(dice, 8)
    pipe, terminal = io.StringIO(), Terminal()
    try:
        found = generate_text(model, tokenizer, prompt, 1, Sampling(0.8, 40), dice.randrange(9), pipe)
        generate_text(model, tokenizer, prompt, 1, Sampling(0.8, 40), 0, terminal)
        session = Session(model, tokenizer)
        session.submit(prompt)
    except GPTError:
        return 1
    assert tokenizer.decode(found["prompt_ids"]) == prompt
    assert pipe.getvalue().startswith(prompt)
    hostile.check_printable(terminal.getvalue())
    for label in session.labels():
        hostile.check_printable(label)
        assert label.isprintable()
    return 1
