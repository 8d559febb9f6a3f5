"""The text that is walked: what was typed, how the tokenizer cut it, and the tokens drawn after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from explorer.edits.computation import Computation
from gpt import Sampling, Step
from gpt.tokenizer import Piece


class Tokens(Protocol):
    """The parts of a tokenizer that the session uses."""

    def encode(self, text: str) -> list[int]: ...
    def decode(self, ids: list[int]) -> str: ...
    def token_bytes(self, id: int) -> bytes: ...
    def pieces(self, text: str) -> list[Piece]: ...


def single_token(text: str, tokenizer: Tokens) -> int | None:
    """The token that a text is, as it is given or else with a space before it: single_token("girl", …) is " girl"'s.

    None where it is several tokens, or empty.
    """
    for spelled in (text, f" {text}") if text else ():
        ids = tokenizer.encode(spelled)
        if len(ids) > 1:  # a tokenizer may add tokens around every text: their pieces are empty
            ids = [token for piece in tokenizer.pieces(spelled) if piece.text for token in piece.ids]
        if len(ids) == 1:
            return ids[0]
    return None


@dataclass(frozen=True)
class DrawnToken:
    """How one token was drawn: the step, and the settings and the seed at that time."""

    step: Step
    sampling: Sampling
    seed: int
    chosen: bool = False  # by the user: the number in the step is not random, but the middle of the token's share
    run: Computation | None = None  # how the run was computed whose logits it was drawn from


@dataclass(frozen=True)
class WalkedText:
    """A prompt, and what was drawn after it."""

    text: str = ""  # all of it
    pieces: Sequence[Piece] = ()  # how the tokenizer cut the prompt and merged it
    prompt_length: int = 0  # how many of the tokens were typed; the others were drawn
    drawn: Mapping[int, DrawnToken] = field(default_factory=dict)  # by position
    typed: str = ""  # the prompt alone, as it was typed: a tokenizer may add tokens to it, or change its letters

    def piece_at(self, position: int) -> Piece | None:
        """The piece of the prompt that a token came from; None for a token that was drawn."""
        end = 0
        for piece in self.pieces if position < self.prompt_length else ():
            end += len(piece.ids)
            if position < end:
                return piece
        return None

    def decoded(self, ids: list[int], tokenizer: Tokens) -> str:
        """The text of the prompt's tokens and others after them, the prompt as it was typed."""
        whole, prompt = tokenizer.decode(ids), tokenizer.decode(ids[: self.prompt_length])
        return self.typed + whole[len(prompt) :] if self.typed and whole.startswith(prompt) else whole

    def with_token(self, position: int, drawn: DrawnToken, text: str) -> "WalkedText":
        """With one drawn token more, which gives that text."""
        return replace(self, text=text, drawn={**self.drawn, position: drawn})

    def without_token(self, position: int, text: str) -> "WalkedText":
        """Without the token at the last position, which gives that text."""
        kept = {place: drawn for place, drawn in self.drawn.items() if place != position}
        return replace(self, text=text, drawn=kept)
