"""`gpt-explorer open FILE`: a saved session, or a run that was recorded without its model, on the screen."""

import argparse
from pathlib import Path

from explorer.commands.explore import Wishes, add_private, open_screen, require_terminal, show
from explorer.commands.parser import Parser
from explorer.errors import UsageError


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer open",
        description="Open a session that was saved (ctrl+s, or `gpt-explorer save`), or walk through a run that "
        "`gpt-explorer trace` recorded, for which no model is needed.",
    )
    parser.add_argument("file", type=Path, help="the session or the recorded run: what it is, its content says")
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help="open a session with another model, and say what differs (default: the one it was saved with)",
    )
    add_private(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    from explorer.sessions.reading import is_session

    if is_session(options.file):
        return _open_session(options)
    if options.model:
        raise UsageError("--model is for sessions: a recorded run is walked without a model.")
    from explorer.walk import trace_file

    session, name = trace_file.read(options.file)
    require_terminal()
    return show(lambda progress: session, session.text, name)


def _open_session(options: argparse.Namespace) -> int:
    from explorer.engine.engines import nearest
    from explorer.sessions import reading, store

    saved = reading.read(options.file)
    kept = options.file.absolute().parent == store.folder()
    wishes = Wishes(autosave=options.autosave, session=saved, session_file=None if kept else options.file)
    model = options.model or saved.model.name
    return open_screen(saved.prompt, model, nearest(saved.engine), saved.sampling, saved.seed, wishes)
