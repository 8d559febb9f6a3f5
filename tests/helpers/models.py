"""Models and tokenizers for the tests of the explorer: small, random, scripted; and the embedded one, read once."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from explorer.engine import array_ops
from explorer.engine.engines import NUMPY, on_engine
from explorer.engine.weights import map_weights
from explorer.loading.checkpoints import Checkpoint, open_checkpoint
from explorer.runs import running
from explorer.runs.trace import LiveRun, RecordedRun
from explorer.tokenizer.merging import merges_of
from explorer.walk.on_screen import wanted_lenses
from explorer.walk.session import Session
from explorer.walk.vector_questions import answer, questions
from gpt import GPT, GPTConfig, Output, RandomTensors, load_weights
from gpt.tokenizer import Piece

SMALL: dict[str, Any] = {"vocab_size": 11, "n_positions": 12, "n_embd": 6, "n_layer": 2, "n_head": 3}
CONFIGS: dict[str, dict[str, Any]] = {
    "small": SMALL,
    "one layer, one head": SMALL | {"n_layer": 1, "n_head": 1},
    "heads of width 1": SMALL | {"n_head": 6},
    "unscaled": SMALL | {"scale_attn_weights": False},
    "by inverse layer": SMALL | {"scale_attn_by_inverse_layer_idx": True, "n_layer": 3},
    "unscaled, by inverse layer": SMALL | {"scale_attn_weights": False, "scale_attn_by_inverse_layer_idx": True},
    "untied, relu, n_inner": SMALL | {"tie_word_embeddings": False, "activation_function": "relu", "n_inner": 5},
    "exact gelu": SMALL | {"activation_function": "gelu"},
    "silu": SMALL | {"activation_function": "silu"},
    "tanh": SMALL | {"activation_function": "tanh"},
}


def never() -> bool:
    """False: the work is never cancelled."""
    return False


def small_model(spread: float = 0.4, seed: int = 0, **config: Any) -> GPT:
    """Random weights wide enough that nothing is nearly zero or nearly equal."""
    parsed = GPTConfig.from_dict(SMALL | config)
    return GPT(parsed, load_weights(parsed, RandomTensors(parsed, seed, spread)))


def on_arrays(**config: Any) -> GPT:
    """The same on arrays of float64."""
    model = small_model(**config)
    weights = map_weights(model.weights, lambda values: np.asarray(values, dtype=np.float64))
    return GPT(model.config, weights, ops=array_ops)


@cache
def embedded() -> tuple[GPT, Checkpoint]:
    """The model that comes with the program, and its checkpoint with the tokenizer."""
    checkpoint = open_checkpoint()
    return checkpoint.load(), checkpoint


@cache
def embedded_on_arrays() -> GPT:
    """The embedded model on NumPy: long prompts, and many of them, take no time."""
    return on_engine(embedded()[0], NUMPY)


def full_run(model: GPT, ids: Sequence[int]) -> dict[str, Any]:
    """Every activation of one run over all ids, without a cache: to compare traces with."""
    seen: dict[str, Any] = {}
    model.forward(ids, hook=seen.__setitem__)
    return seen


def traced(model: GPT, ids: list[int]) -> LiveRun:
    """A complete trace."""
    trace = LiveRun(model, ids)
    assert running.complete(trace, never)
    return trace


def recorded(model: GPT, ids: Sequence[int]) -> RecordedRun:
    """A run without its model, its values in arrays, as a file gives it back."""
    run = traced(model, list(ids))
    return RecordedRun(model.config, list(ids), {name: np.asarray(value) for name, value in run.values.items()})


def recorded_session() -> Session:
    """A session on a run of five tokens without its model: "dbebf"."""
    words = [bytes([letter]) for letter in b"abcdefgh"]
    run = recorded(small_model(vocab_size=len(words)), [3, 1, 4, 1, 5])
    session = Session(run, Words(words))
    session.begin(run, "dbebf")
    return session


def finish(session: Session) -> None:
    """Compute what is missing, and the lenses that the view asks for: what the screen does in its threads."""
    assert running.complete(session.run, never)
    for residual, position in wanted_lenses(session):
        assert running.look_through_lens(session.trace, residual, position, never)
    for question in questions(session):
        assert answer(session.trace, question, never)


class Bytes:
    """A tokenizer whose ids are the bytes of UTF-8; its pieces end with a space each."""

    def encode(self, text: str) -> list[int]:
        return list(text.encode())

    def decode(self, ids: list[int]) -> str:
        return bytes(ids).decode(errors="replace")

    def token_bytes(self, id: int) -> bytes:
        return bytes([id])

    def pieces(self, text: str) -> list[Piece]:
        pieces: list[Piece] = []
        for word in text.split(" "):
            last = len(pieces) == text.count(" ")
            start = pieces[-1].start + len(pieces[-1].text) if pieces else 0
            part = word if last else word + " "
            if part:
                pieces.append(Piece(start, part, part.encode(), (), tuple(part.encode())))
        return pieces


class Words:
    """A tokenizer with the tokens it is given; a text is their ids, such as "3 1 4"."""

    def __init__(self, tokens: Sequence[bytes]) -> None:
        self.tokens = tokens

    def encode(self, text: str) -> list[int]:
        return [int(word) % len(self.tokens) for word in text.split()]

    def decode(self, ids: list[int]) -> str:
        return " ".join(map(str, ids))

    def token_bytes(self, id: int) -> bytes:
        return self.tokens[id]

    def pieces(self, text: str) -> list[Piece]:
        """Two tokens a piece, each of whose bytes are merged one by one from the left."""
        ids = self.encode(text)
        return [self._piece(tuple(ids[start : start + 2])) for start in range(0, len(ids), 2)]

    def _piece(self, ids: tuple[int, ...]) -> Piece:
        spelled = b"".join(map(self.token_bytes, ids))
        ranks = {(spelled[:end], spelled[end : end + 1]): end for end in range(1, len(spelled))}
        return Piece(0, spelled.decode(errors="replace"), spelled, tuple(merges_of(spelled, ranks)), ids)


HOSTILE = (
    *(b"[bold]", b"\x1b[31m", b"\n", b"\xff", "漢".encode(), b"", b"\x9b2J", "\u202egnp".encode(), b" the"),
    *(b"\xe2\x80", "e\u0301".encode(), "👩\u200d👩".encode(), b"a token of more than twenty letters", b"\t", b"\x00"),
    *("漢字仮名交じり文の長いトークン".encode(), b"[/]", "\ufeff\u2028".encode(), b"\\", b"x"),
)
"""Tokens that would break a screen if they were printed as they are."""


class Scripted(GPT):
    """A model that, whatever it is given, says the scripted tokens one after the other."""

    def __init__(self, config: GPTConfig, script: Sequence[int]) -> None:
        super().__init__(config, weights=None)  # type: ignore[arg-type]
        self.script = list(script)

    def forward(self, ids: Sequence[int], *args: Any, **kwargs: Any) -> Output:
        token = self.script.pop(0)
        return Output([[30.0 * (id == token) for id in range(self.config.vocab_size)]], ())


def start(model: GPT, tokenizer: Any, text: str, **settings: Any) -> Session:
    """A session with a prompt that is computed."""
    session = Session(model, tokenizer, **settings)
    session.submit(text)
    finish(session)
    return session


def counting(forward: Callable[..., Output], asked: list[int]) -> Callable[..., Output]:
    """`GPT.forward`, which notes for how many positions it is asked."""

    def counted(model: GPT, ids: Sequence[int], *args: Any, **kwargs: Any) -> Output:
        asked.append(len(ids))
        return forward(model, ids, *args, **kwargs)

    return counted
