"""`gpt-explorer save [PROMPT] -o FILE`: a session as a file, without the screen."""

import argparse

from explorer.commands.explore import BEGINNING
from explorer.commands.options import add_beginning, add_edits, add_model, add_sampling, count, open_model, sampling
from explorer.commands.parser import Parser
from explorer.commands.trace import file_name
from explorer.commands.words import text_of
from explorer.errors import SessionError
from explorer.files import check, replacing
from explorer.terminal import output


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer save",
        description="Save a session for `gpt-explorer open`: the one that was on the screen last, or that of a prompt.",
    )
    add = parser.add_argument
    add("prompt", nargs="?", help="the prompt; - reads it from standard input, @FILE from a file (default: the last)")
    add("-o", "--output", type=file_name, required=True, metavar="FILE", help="the file to write, such as tom.toml")
    add_edits(parser, "edit the run: 'head 3.3: zero', 'mlp 2: scale 0.5'")
    add("--draw", type=count, default=0, metavar="N", help="draw N tokens (default: 0)")
    add_beginning(parser)
    add_model(parser)
    add_sampling(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    check(options.output)  # before the work, not after it
    text, words = _last() if options.prompt is None else _of_prompt(options)
    with replacing(options.output) as part:
        part.write_text(text, encoding="utf-8")
    output.say(f"{options.output}: {words}")
    return 0


def _last() -> tuple[str, str]:
    """The session that was kept last, as it was written, and a line about it."""
    from explorer.sessions import store

    found = store.latest()
    if found is None:
        raise SessionError(
            "no session was kept: there is none, they are switched off, or it is still open (ctrl+s saves it there). "
            "Give a prompt to make one."
        )
    return found.path.read_text(encoding="utf-8"), found.words


def _of_prompt(options: argparse.Namespace) -> tuple[str, str]:
    """The session of a prompt, its edits, and tokens drawn with them."""
    from explorer.loading.catalogue import lasting_name, resolve
    from explorer.loading.origins import Origin, remember
    from explorer.sessions import store
    from explorer.sessions.snapshot import saved
    from explorer.sessions.writing import written
    from explorer.teaching import edit_words
    from explorer.teaching.spots import complete
    from explorer.walk.session import Session

    prompt = text_of(options.prompt)
    if options.bos and not prompt.startswith(BEGINNING):
        prompt = BEGINNING + prompt
    checkpoint, model = open_model(options)
    name = lasting_name(options.model)
    remember(model, Origin(name, resolve(options.model), checkpoint.config))
    session = Session(model, checkpoint.tokenizer, sampling(options), options.seed)
    session.submit(prompt)
    complete(session)
    if options.edit:
        session.edit(lambda edits: edit_words.add_all(options.edit, edits, len(session.ids)))
        complete(session)
    for _ in range(options.draw):
        if session.draws.ended or not session.take_token():
            break
        complete(session)
    session.cursor.go_to_position(len(session.ids) - 1)
    found = saved(session, name)
    return written(found), store.in_words(found)
