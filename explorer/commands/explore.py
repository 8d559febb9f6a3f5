"""`gpt-explorer [PROMPT]`: the screen."""

import argparse
import codecs
import gc
import os
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from explorer import __version__
from explorer.commands import COMMANDS
from explorer.commands.frames import FRAMES, FRAMES_FAR, frames, limit_frames
from explorer.commands.options import (
    add_beginning,
    add_edits,
    add_model,
    add_sampling,
    count,
    engine_of_call,
    sampling,
    tell_notes,
)
from explorer.commands.parser import Parser
from explorer.commands.personal import for_screen
from explorer.commands.words import text_of
from explorer.errors import TerminalError, UsageError
from explorer.terminal import colour, native, output
from explorer.terminal.glyphs import quoted

if TYPE_CHECKING:
    from explorer.screen.opening import Opening, OpenModel, OpenOther, Tell
    from explorer.sessions.saved import Saved, SavedModel
    from explorer.teaching.recording import Recorder, Recording
    from explorer.teaching.start import Start
    from explorer.teaching.tours import Tour
    from explorer.walk.session import Session
    from gpt import Sampling

PROMPT = "Once upon a time there was a little"
BEGINNING = "<|endoftext|>"

STATUS = {
    0: "it was done",
    1: "it could not be done: a file, the network, the terminal, a check that failed",
    2: "the call was wrong: the message says how",
    130: "control-C ended it",
}
"""The exit statuses; 128 and its number for another signal."""


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer",
        description="Look inside GPT-2 while it runs: type a prompt, walk its forward pass, see every number.",
        epilog=_epilog(),
    )
    parser.add_argument("prompt", nargs="?", default=PROMPT, help=f"the prompt to begin with (default: {PROMPT!r})")
    add_options(parser)
    return parser


def add_options(parser: argparse.ArgumentParser) -> None:
    """Everything but the prompt."""
    version = f"GPT Explorer {__version__}"
    parser.add_argument("-V", "--version", action="version", version=version, help="print the version and exit")
    add_beginning(parser)
    add_model(parser)
    add_sampling(parser)
    add_state(parser)
    add_looks(parser)
    add_stage(parser)
    add_private(parser)


def add_looks(parser: argparse.ArgumentParser) -> None:
    """--theme and --colours."""
    from explorer.preferences.settings import COLOURS

    parser.add_argument(
        "--theme", metavar="NAME", help="dark, light, contrast, ansi-dark, ansi-light, or another theme of Textual's"
    )
    parser.add_argument("--colours", choices=COLOURS, help="the colours of heat")


def add_private(parser: argparse.ArgumentParser) -> None:
    """--autosave and --no-autosave."""
    parser.add_argument(
        "--autosave",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="keep this session for the next start; --no-autosave: in private (default: --autosave)",
    )


def add_state(parser: argparse.ArgumentParser) -> None:
    """--at, --view, --look, --edit, --draw: the state that C copies as a command."""
    add = parser.add_argument
    add(
        "--at",
        default="",
        metavar="PLACE",
        help="begin at a place, in words: 'block 5 pattern head 2 token 10', 'logits', '3.2'",
    )
    add(
        "--view",
        default="",
        metavar="NAME",
        help="with this open: heads, lens, attribution, neurons, flow, compare, circuits, scores, patching, sweep, "
        "why, path or code",
    )
    add("--look", default="", metavar="KEY=N,...", help="the view as it was copied, such as mode=1,row=3")
    add("--other", default="", metavar="PROMPT", help="another prompt, which --view compare holds this one against")
    add("--align", choices=("end", "beginning"), default="end", help="where the two are aligned (default: end)")
    add("--draw", type=count, default=0, metavar="N", help="draw N tokens first")
    add_edits(parser)


def add_stage(parser: argparse.ArgumentParser) -> None:
    """--prepare, --bookmarks, --record, --fps."""
    add = parser.add_argument
    add(
        "--prepare",
        type=Path,
        metavar="FILE",
        help="compute all Stops and bookmarks of this file before the screen answers; its bookmarks are on b 1 to b 9",
    )
    add("--bookmarks", type=Path, metavar="FILE", help="the bookmarks of this file, in place of those that were kept")
    add("--record", type=Path, metavar="FILE", help="write keys and clicks to this file, for `gpt-explorer play`")
    add(
        "--fps",
        type=frames,
        metavar="N",
        help=f"draw at most so many frames a second (default: {FRAMES}; over ssh, in tmux and in screen {FRAMES_FAR})",
    )


def _epilog() -> str:
    """The other commands, a line for each, and the exit status."""
    calls = {f"gpt-explorer {name} {words}": meaning for name, (words, meaning) in COMMANDS.items()}
    width = max(map(len, calls))
    lines = [f"  {call:<{width}}  {meaning}" for call, meaning in calls.items()]
    statuses = [f"  {status:<4} {meaning}" for status, meaning in STATUS.items()]
    return "\n".join(["other commands (each with --help):", *lines, "", "exit status:", *statuses])


def run(options: argparse.Namespace) -> int:
    chosen = sampling(options)
    if options.prompt == "-":
        raise UsageError("the screen reads its keys from standard input: use `gpt-explorer generate -`, or @FILE here.")
    start = start_of(options)
    wishes = Wishes(
        prepare=options.prepare,
        bookmarks=options.bookmarks or options.prepare,
        record=options.record,
        fps=options.fps,
        offer=True,
        autosave=options.autosave,
        start=start,
    )
    wishes.theme, wishes.colours = options.theme, options.colours
    return open_screen(prompt_of(options), options.model, engine_of_call(options), chosen, options.seed, wishes)


def prompt_of(options: argparse.Namespace) -> str:
    """The prompt to begin with."""
    prompt = text_of(options.prompt)
    if options.bos and not prompt.startswith(BEGINNING):
        prompt = BEGINNING + prompt  # a special token that is written out becomes its own id
    return prompt


def start_of(options: argparse.Namespace) -> "Start | None":
    """The state that the screen opens in, besides its prompt; None: at the beginning. UsageError."""
    asked = (options.at, options.view, options.look, options.edit, options.draw, options.other)
    if not any(asked) and options.align == "end":
        return None
    from explorer.teaching.start import Start

    edits, other = tuple(options.edit), options.other and text_of(options.other)
    start = Start(options.at, options.view, options.look, edits, options.draw, other, options.align)
    start.check()
    return start


@dataclass
class Wishes:
    """The wishes for the screen besides a prompt."""

    tour: "Tour | None" = None
    at: int = 0  # the Stop that it begins with
    prepare: Path | None = None  # a file of Stops that is computed before the screen answers
    prepared: "Tour | None" = None  # the same, read already
    bookmarks: Path | None = None  # the file that they are in; None: those that were kept
    record: Path | None = None
    fps: int | None = None
    replay: "Recording | None" = None
    speed: float = 1.0
    offer: bool = False  # a tour, at the very first start
    theme: str | None = None  # None: as the person has set it
    colours: str | None = None
    autosave: bool = False  # the session is kept by itself, where that is wanted at all
    session: "Saved | None" = None  # that is opened again
    session_file: Path | None = None  # the file that it is in
    start: "Start | None" = None  # the state that it opens in; None: at the beginning


def open_screen(prompt: str, model: str | None, engine: str, sampling: "Sampling", seed: int, wishes: Wishes) -> int:
    """Open the screen on a model; what is wrong with a name or a file is said before."""
    require_terminal()
    limit_frames(wishes.fps)
    gc.disable()  # until the first frame: what is imported stays, and searching it for garbage takes a tenth of a start
    try:
        return _open_screen(prompt, model, engine, sampling, seed, wishes)
    finally:
        gc.enable()


def _open_screen(prompt: str, model: str | None, engine: str, sampling: "Sampling", seed: int, wishes: Wishes) -> int:
    from explorer.loading.catalogue import lasting_name, locate, namesake, short_name

    name = short_name(locate(model))  # a wrong name is said before the screen opens
    opening = opening_of(wishes, prompt, name, sampling, seed, model or "")
    notes = opening.notes
    notes.update(dict.fromkeys(namesake(model)))

    def open_named(name: str | None, progress: "Tell") -> "Session":
        from explorer.engine.engines import engine_of
        from explorer.engine.threads import settle
        from explorer.loading.catalogue import resolve
        from explorer.loading.checkpoints import open_checkpoint
        from explorer.loading.origins import Origin, remember
        from explorer.screen.turns import cancellation
        from explorer.walk.session import Session

        # cancelled when the screen closes: nobody waits for the network then
        directory = resolve(name, lambda done, of: progress(done, of, "downloading"), cancellation())
        checkpoint = open_checkpoint(directory)
        notes.update(dict.fromkeys(checkpoint.notes))
        loaded = checkpoint.load(progress, engine)
        settle(loaded.config, engine_of(loaded))
        remember(loaded, Origin(lasting_name(name), directory, checkpoint.config))
        return Session(loaded, checkpoint.tokenizer, sampling, seed)

    def open_first(progress: "Tell") -> "Session":
        from explorer.screen.turns import cancellation
        from explorer.views.prepared import prepare

        session = open_named(model, progress)
        if opening.start:
            opening.start.prepare(session, prompt, progress, cancellation())
        if opening.to_prepare:
            names = {name, model or name}
            others = partial(open_named, progress=progress)
            opening.prepared = prepare(opening.to_prepare, names, session, others, progress, cancellation())
        if wishes.session:
            from explorer.errors import SessionError
            from explorer.sessions.restore import restore
            from gpt import StopRun

            def load(saved: "SavedModel") -> "Session":
                return open_named(saved.name, progress)

            try:
                opening.restored = restore(wishes.session, session, name, load, cancellation(), progress)
            except StopRun as stopped:
                raise SessionError("the screen was closed before the session was computed again.") from stopped
            return opening.restored.session
        return session

    try:
        return show(open_first, prompt, name, open_named, opening)
    finally:
        tell_notes(notes)  # before that the screen was in their place


def opening_of(wishes: Wishes, prompt: str, model: str, sampling: "Sampling", seed: int, named: str = "") -> "Opening":
    """The opening of the screen. Files are read for it behind the first frame; TourError and WriteError then."""
    from explorer.screen.opening import Opening

    opening = Opening(
        tour=wishes.tour,
        at=wishes.at,
        replay=wishes.replay,
        speed=wishes.speed,
        preferences=for_screen(wishes.theme, wishes.colours),
        session_file=wishes.session_file,
        start=wishes.start,
        model=named,
    )

    def rest() -> None:
        _read_files(opening, wishes)
        if wishes.record:
            from explorer.teaching.recording import Recording

            opened = Recording(prompt, model, sampling, seed, bookmarks=opening.bookmarks)
            opening.recorder = recorder_of(wishes.record, wishes, opened)

    opening.rest = rest
    return opening


def _read_files(opening: "Opening", wishes: Wishes) -> None:
    """Fill in what files say: a tour to prepare, bookmarks, sessions of an earlier time."""
    from explorer.sessions import store
    from explorer.teaching import bookmarks, state_folder

    opening.to_prepare = wishes.prepared
    if wishes.prepare:
        from explorer.teaching import tour_file

        opening.to_prepare = tour_file.read(wishes.prepare)
    if wishes.replay:  # with the bookmarks of that time, and leaving the others as they are
        opening.bookmarks = dict(wishes.replay.bookmarks)
    elif wishes.bookmarks:  # a file that somebody wrote is not written over
        opening.bookmarks = bookmarks.read(wishes.bookmarks)
    else:
        opening.bookmarks_file = state_folder.find(state_folder.BOOKMARKS)
        opening.bookmarks = bookmarks.remembered(opening.bookmarks_file)
    opening.offer = wishes.offer and state_folder.greet()
    if wishes.autosave:
        opening.autosave = store.folder() is not None
        opening.offer_session = opening.autosave and not wishes.session and store.latest() is not None


def recorder_of(file: Path, wishes: Wishes, opened: "Recording") -> "Recorder":
    """The writer of the recording; WriteError."""
    from explorer.teaching.recording import Recorder
    from explorer.teaching.tours import SHIPPED

    tour = wishes.tour
    named = "" if tour is None else tour.name if tour.name in SHIPPED else str(Path(tour.file).resolve())
    return Recorder(file, replace(opened, tour=named, at=wishes.at))


def require_terminal() -> None:
    """TerminalError unless there is a terminal to draw on."""
    if os.environ.get("TEXTUAL_DRIVER"):  # it draws elsewhere: on a page of `gpt-explorer serve`
        return
    if not (output.is_terminal(sys.stdin) and output.is_terminal(sys.stdout)):
        raise TerminalError(
            "the explorer draws on a terminal, and this is not one (a pipe or a file?). "
            "Run it in a terminal, or use `gpt-explorer generate PROMPT` for plain text."
        )
    if colour.is_dumb() and sys.platform != "win32":
        raise TerminalError(
            "the explorer moves the cursor about the terminal, and this one says that it cannot "
            f"(TERM is {quoted(os.environ.get('TERM', ''))}). Use another terminal, or one of the commands that print "
            "text, such as `gpt-explorer read PROMPT`."
        )
    encoding = getattr(sys.__stderr__, "encoding", None)  # where it is drawn
    if encoding and not codecs.lookup(encoding).name.startswith("utf"):
        raise TerminalError(
            f"the explorer draws with characters that {encoding} does not have. Set the terminal to UTF-8, and "
            "PYTHONIOENCODING=utf-8 or a locale such as LC_ALL=C.UTF-8."
        )


def show(
    open_model: "OpenModel",
    prompt: str,
    name: str,
    open_other: "OpenOther | None" = None,
    opening: "Opening | None" = None,
) -> int:
    """Open the screen; `open_model` opens the session in a thread behind it."""
    from explorer.screen import ending
    from explorer.screen.app import ExplorerApp
    from explorer.screen.opening import Opening
    from explorer.screen.turns import new_event_loop

    opening = opening or Opening(preferences=for_screen())
    with native.apart() as beside:
        app = ExplorerApp(open_model, prompt, name, open_other, opening)
        reason = ending.run(app.run_async, new_event_loop)
        said = beside().strip()
    if said:  # by a compiled library: on the screen it would have been in the way
        output.tell(said)
    if opening.recorder:
        opening.recorder.end()
        if opening.recorder.problem:
            output.complain(opening.recorder.problem)
    if app.failure:
        raise app.failure
    if app.crash:
        output.tell(app.crash)
        return 1
    if reason:
        output.complain(reason)
        return 1
    return app.return_code or 0
