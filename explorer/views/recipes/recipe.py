"""A recipe, the screen that it is for, and the words that commands share: prompt, model, edits, sampling, tokens."""

from typing import NamedTuple

from explorer.runs.beginning import with_beginning
from explorer.teaching import edit_words
from explorer.teaching.spots import EMBEDDED, SAMPLING, SEED
from explorer.views.view import View
from explorer.walk.draws import Draws
from explorer.walk.session import Session
from gpt import GPTError

PROGRAM = "gpt-explorer"


class Recipe(NamedTuple):
    """A command with the options of its own, before or after the prompt; and lines of Python, with `run` at hand."""

    command: str
    options: tuple[str, ...]
    python: tuple[str, ...]
    prompt: bool = True  # the command takes the prompt
    note: str = ""


class Shown(NamedTuple):
    """A screen: the session, the view that is open, by its name, and the model's name."""

    session: Session
    name: str = ""
    view: View | None = None
    model: str = EMBEDDED


def without_beginning(session: Session, text: str) -> tuple[bool, str]:
    """Whether the token that stands before a text is there, and the text after it."""
    ids, config, tokenizer = session.tokenizer.encode(text), session.config, session.tokenizer
    if not ids or ids[0] not in config.end_tokens:
        return False, text
    rest = text.removeprefix(tokenizer.decode(ids[:1]))
    return (True, rest) if rest and with_beginning(tokenizer.encode(rest), config) == ids else (False, text)


def prompt_options(session: Session) -> list[str]:
    """The prompt, or its tokens where the text alone would give others."""
    bos, text = without_beginning(session, session.text)
    ids = session.tokenizer.encode(text)
    ids = with_beginning(ids, session.config) if bos else ids
    if ids != session.ids or text.startswith(("-", "@")):
        return ["--ids", ",".join(map(str, session.ids))]
    return [text, *(["--bos"] if bos else [])]


def edits_in_words(session: Session) -> tuple[list[str], list[str]]:
    """The edits in force that have words, and the others for people."""
    named, others = list[str](), list[str]()
    for edit in session.what_if.edits.active:
        words = edit_words.in_words(edit)
        (others if words is None else named).append(words or edit.words(session.labels()))
    return named, others


def model_options(shown: Shown) -> list[str]:
    return [] if shown.model == EMBEDDED else ["--model", shown.model]


def sampling_options(draws: Draws) -> list[str]:
    """The options of settings that are not the default."""
    chosen, words = draws.sampling, list[str]()
    if chosen.temperature != SAMPLING.temperature:
        words += ["--temperature", repr(chosen.temperature)]
    if chosen.top_k != SAMPLING.top_k:
        words += ["--top-k", str(chosen.top_k or 0)]
    if chosen.top_p != SAMPLING.top_p:
        words += ["--top-p", repr(chosen.top_p)]
    return words + (["--seed", str(draws.seed)] if draws.seed != SEED else [])


def token_word(session: Session, token: int) -> str:
    """A token as the commands read it: its text where that names it, else its id."""
    from explorer.walk.one_token import token_id

    text = session.tokenizer.decode([token])
    try:
        named = token_id(text, session.tokenizer, session.config)
    except GPTError:
        named = -1
    return text if named == token and not text.startswith(("id:", "-")) else f"id:{token}"


def token_name(session: Session, token: int) -> str | int:
    """A token as the library takes it."""
    text = token_word(session, token)
    return token if text == f"id:{token}" else text
