"""The state of a talk: what is hidden, what the audience guessed, how long it takes."""

from dataclasses import dataclass, field
from time import monotonic

from explorer.runs.ranking import Ranking
from explorer.walk.session import Session
from explorer.walk.text import Tokens, single_token

_KEYS_SHOWN = 8


@dataclass(frozen=True)
class Guess:
    """A guess of the audience: its text, and where the model has it once that is known."""

    text: str
    rank: int | None  # None: it is not one token of this model
    probability: float  # of its only token, or of the first one


@dataclass
class Talk:
    """The state of one talk. It knows no screen."""

    hidden: bool = True  # the prediction
    in_full: bool = False  # numbers with all their digits
    shows_keys: bool = False
    texts: list[str] = field(default_factory=list)  # the guesses
    keys: list[str] = field(default_factory=list)  # the last ones pressed
    began: float | None = None  # when it was opened first, in seconds of the monotonic clock

    def begin(self) -> None:
        """Start the clock, unless it runs."""
        if self.began is None:
            self.began = monotonic()

    def guess(self, text: str) -> None:
        """Keep a guess beside the truth; the same one only once."""
        if (text := text.strip()) and text not in self.texts:
            self.texts.append(text)

    def press(self, key: str) -> None:
        """Remember a key for those who watch."""
        self.keys = [*self.keys, key][-_KEYS_SHOWN:]

    def begin_again(self) -> None:
        """Hide the prediction, forget the guesses, set the clock to zero."""
        self.hidden, self.in_full, self.texts, self.keys, self.began = True, False, [], [], monotonic()

    @property
    def clock(self) -> str:
        """The time since it began: "7:32"."""
        minutes, seconds = divmod(int(monotonic() - self.began) if self.began is not None else 0, 60)
        return f"{minutes}:{seconds:02}"

    def guesses(self, session: Session) -> list[Guess]:
        """The guesses with their places in the model's own prediction; none in a recorded run, or before it is known.

        A guess stands for the token with a space before it, if there is one. Of a longer one the first token counts.
        """
        ranking = None if session.recorded else session.trace.ranking("logits", len(session.ids) - 1)
        return [_guess(text, ranking, session.tokenizer) for text in self.texts] if ranking else []


def _guess(text: str, ranking: Ranking, tokenizer: Tokens) -> Guess:
    token = single_token(f" {text}", tokenizer) or single_token(text, tokenizer)
    first = token if token is not None else tokenizer.encode(f" {text}")[0]
    return Guess(text, None if token is None else ranking.order.index(token) + 1, ranking.probabilities[first])
