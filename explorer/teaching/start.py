"""The state that the screen opens in, as the command line names it: edits, drawn tokens, a place, a view."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from explorer.analysis.compare import END
from explorer.errors import UsageError
from explorer.teaching import edit_words, spots
from explorer.teaching.spots import LOOKS, Spot
from explorer.walk.other_prompt import compare_with_prompt
from explorer.walk.session import Session


class Tell(Protocol):
    """Called with progress: parts done, parts in all, and a word for the work."""

    def __call__(self, done: int, parts: int, word: str = "loading", /) -> None: ...


@dataclass(frozen=True)
class Start:
    """Where a walk begins, besides its prompt."""

    at: str = ""  # in plain words, as `places` reads them
    view: str = ""
    look: str = ""  # the view's own state, as `views.looks` reads it
    edits: tuple[str, ...] = ()  # in plain words, as `edit_words` reads them
    draw: int = 0  # tokens
    other: str = ""  # a prompt to compare with
    align: str = END  # where the two are aligned

    def check(self) -> None:
        """UsageError for what is wrong whatever the model."""
        if self.view not in LOOKS:
            raise UsageError(f"there is no view {self.view!r}: there are {', '.join(LOOKS[1:])}.")
        if self.look and not self.view:
            raise UsageError("--look is about a view: say which with --view.")

    def prepare(self, session: Session, prompt: str, tell: Tell, cancelled: Callable[[], bool]) -> None:
        """Take the prompt, make the edits and draw the tokens; the errors of the three."""
        session.what_if.aligned = self.align
        if not (self.edits or self.draw or self.other):
            return
        session.submit(prompt)
        if self.other:
            compare_with_prompt(session, self.other)
        if self.edits:
            session.edit(lambda edits: edit_words.add_all(self.edits, edits, len(session.ids)))
        for done in range(self.draw):
            tell(done, self.draw, "drawing")
            spots.complete(session, cancelled)
            if cancelled() or session.draws.ended or not session.take_token():
                break

    def spot(self, session: Session, model: str) -> Spot | None:
        """The place on the screen, once the prompt is there; None where none is named."""
        if not (self.at or self.view):
            return None
        here = spots.here(session, self.view, model)
        return Spot(here.prompt, self.at or here.at, self.view, here.edits, model, here.sampling, here.seed)
