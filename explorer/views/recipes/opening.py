"""The command that opens the screen again."""

import shlex

from explorer.analysis.compare import BEGINNING
from explorer.teaching import places
from explorer.views.looks import look
from explorer.views.recipes.recipe import (
    PROGRAM,
    Shown,
    edits_in_words,
    model_options,
    sampling_options,
    without_beginning,
)
from explorer.walk.session import Session
from gpt import draw


def opens(shown: Shown) -> str:
    """The command that opens the screen in this state: the prompt, what was drawn, the edits, the place, the view."""
    session, options = shown.session, list[str]()
    drawn, other = drawn_again(session), session.what_if.other
    bos, text = without_beginning(session, (drawn and session.written.typed) or session.text)
    options += ["--bos"] if bos else []
    options += ["--draw", str(drawn)] if drawn else []
    cursor = session.cursor
    head = f" head {cursor.head}" if cursor.head and "H" not in cursor.axes else ""  # it is chosen there, unseen
    options += ["--at", places.in_words(session) + head]
    options += ["--view", shown.name] if shown.name else []
    if shown.view and (state := look(shown.view)):
        options += ["--look", state]
    if other and not other.model:
        options += ["--other", other.text, *(["--align", BEGINNING] if session.what_if.aligned == BEGINNING else [])]
    options += [part for each in edits_in_words(session)[0] for part in ("--edit", each)]
    options += [*model_options(shown), *sampling_options(session.draws)]
    plain = any(letter.isspace() for letter in text) and not text.startswith("-")
    return shlex.join([PROGRAM, text, *options] if plain else [PROGRAM, *options, "--", text])


def drawn_again(session: Session) -> int:
    """How many tokens these settings draw again, as they stand there; 0 where they would draw others."""
    made, draws = session.draws.made, session.draws
    for position, token in made.items():
        chances = draws.chances(position - 1)
        alike = (token.sampling, token.seed) == (draws.sampling, draws.seed) and not token.chosen
        if chances is None or not alike or draw(chances, token.step.number) != token.step.token:
            return 0
    return len(made)
