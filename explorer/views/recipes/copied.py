"""The screen in three texts, to be run elsewhere.

A recipe says which command prints this, with which options of its own, and which expression of the library gives it;
prompt, model, `<|endoftext|>`, edits and sampling are added here, the same for all.
"""

import shlex
from typing import NamedTuple

from explorer.edits import Mean
from explorer.views.recipes.in_python import python
from explorer.views.recipes.of_views import RECIPES, walk
from explorer.views.recipes.opening import drawn_again, opens
from explorer.views.recipes.recipe import PROGRAM, Shown, edits_in_words, model_options, prompt_options


class Copied(NamedTuple):
    """The screen in three ways, and what is on it that they leave out."""

    opens: str  # the command that opens the screen in this state
    command: str  # the one that prints it
    python: str
    notes: tuple[str, ...] = ()


def copied(shown: Shown) -> Copied:
    """The screen in three texts, to be run elsewhere."""
    session, recipe = shown.session, RECIPES.get(shown.name, walk)(shown)
    words, rest = edits_in_words(session)
    notes = [recipe.note] if recipe.note else []
    if session.what_if.showing:
        notes.append(f"The screen shows {session.what_if.showing}; this is about the run with the edits.")
    if session.text.startswith("@") or session.text == "-":
        notes.append("To the first command such a prompt names a file: put it into one, and give @FILE.")
    if rest:
        notes.append(f"Not in it, for they have no words: {'; '.join(rest)}.")
    if any(isinstance(edit.what, Mean) for edit in session.what_if.edits.active) and drawn_again(session):
        notes.append("A mean is over the prompt; there, what was drawn counts as typed.")
    prompt = prompt_options(session)
    command = [PROGRAM, recipe.command]
    command += [*(prompt if recipe.prompt else []), *recipe.options]
    command += [part for each in words for part in ("--edit", each)] if recipe.prompt else []
    command += model_options(shown)
    return Copied(opens(shown), shlex.join(command), python(shown, recipe), tuple(notes))
