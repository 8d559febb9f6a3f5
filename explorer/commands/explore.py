"""`gpt-explorer [PROMPT]`: the screen."""

import argparse
import codecs
import sys
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from explorer import __version__
from explorer.commands import COMMANDS
from explorer.commands.options import (
    add_beginning,
    add_edits,
    add_model,
    add_sampling,
    count,
    sampling,
    tell_notes,
)
from explorer.commands.parser import Parser
from explorer.commands.words import text_of
from explorer.errors import TerminalError, UsageError
from explorer.teaching.start import Start
from explorer.terminal import output

if TYPE_CHECKING:
    from explorer.screen.opening import Opening, OpenModel, OpenOther, Tell
    from explorer.teaching.recording import Recorder, Recording
    from explorer.teaching.tours import Tour
    from explorer.walk.session import Session
    from gpt import Sampling

PROMPT = "Once upon a time there was a little"
BEGINNING = "<|endoftext|>"

_EXAMPLES = """\
examples:
  gpt-explorer                                    open the explorer on the embedded model
  gpt-explorer "Tom and Lily went to the park."   with a prompt of your own
  gpt-explorer --model gpt2                       with OpenAI's GPT-2, from the Hugging Face hub
"""


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer",
        description="Look inside GPT-2 while it runs: type a prompt, walk its forward pass, see every number.",
        epilog=_epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("prompt", nargs="?", default=PROMPT, help=f"the prompt to begin with (default: {PROMPT!r})")
    parser.add_argument("--version", action="version", version=f"GPT Explorer {__version__}")
    add_beginning(parser)
    add_model(parser)
    add_sampling(parser)
    add_state(parser)
    add_stage(parser)
    return parser


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
        help="with this open: heads, lens, attribution, neurons, flow, compare, sweep, why, path or code",
    )
    add("--look", default="", metavar="KEY=N,...", help="the view as it was copied, such as mode=1,row=3")
    add("--other", default="", metavar="PROMPT", help="another prompt, which --view compare holds this one against")
    add("--align", choices=("end", "beginning"), default="end", help="where the two are aligned (default: end)")
    add("--draw", type=count, default=0, metavar="N", help="draw N tokens first")
    add_edits(parser)


def add_stage(parser: argparse.ArgumentParser) -> None:
    """--prepare, --bookmarks, --record."""
    add = parser.add_argument
    add(
        "--prepare",
        type=Path,
        metavar="FILE",
        help="compute all Stops and bookmarks of this file before the screen answers; its bookmarks are on b 1 to b 9",
    )
    add("--bookmarks", type=Path, metavar="FILE", help="the bookmarks of this file, in place of those that were kept")
    add("--record", type=Path, metavar="FILE", help="write keys and clicks to this file, for `gpt-explorer play`")


def _epilog() -> str:
    """The other commands, a line for each, and the examples."""
    calls = {f"gpt-explorer {name} {words}": meaning for name, (words, meaning) in COMMANDS.items()}
    width = max(map(len, calls))
    lines = [f"  {call:<{width}}  {meaning}" for call, meaning in calls.items()]
    return "\n".join(["other commands (each with --help):", *lines, "", _EXAMPLES])


def run(options: argparse.Namespace) -> int:
    chosen = sampling(options)
    if options.prompt == "-":
        raise UsageError("the screen reads its keys from standard input: use `gpt-explorer generate -`, or @FILE here.")
    start = start_of(options)
    start.check()
    wishes = Wishes(
        prepare=options.prepare,
        bookmarks=options.bookmarks or options.prepare,
        record=options.record,
        offer=True,
        start=start,
    )
    return open_screen(prompt_of(options), options.model, options.engine, chosen, options.seed, wishes)


def prompt_of(options: argparse.Namespace) -> str:
    """The prompt to begin with."""
    prompt = text_of(options.prompt)
    if options.bos and not prompt.startswith(BEGINNING):
        prompt = BEGINNING + prompt  # a special token that is written out becomes its own id
    return prompt


def start_of(options: argparse.Namespace) -> Start:
    """The state that the screen opens in, besides its prompt."""
    edits, other = tuple(options.edit), options.other and text_of(options.other)
    return Start(options.at, options.view, options.look, edits, options.draw, other, options.align)


@dataclass
class Wishes:
    """The wishes for the screen besides a prompt."""

    tour: "Tour | None" = None
    at: int = 0  # the Stop that it begins with
    prepare: Path | None = None  # a file of Stops that is computed before the screen answers
    prepared: "Tour | None" = None  # the same, read already
    bookmarks: Path | None = None  # the file that they are in; None: those that were kept
    record: Path | None = None
    replay: "Recording | None" = None
    speed: float = 1.0
    offer: bool = False  # a tour, at the very first start
    start: Start = field(default_factory=Start)  # the state that it opens in


def open_screen(prompt: str, model: str | None, engine: str, sampling: "Sampling", seed: int, wishes: Wishes) -> int:
    """Open the screen on a model; what is wrong with a name or a file is said before."""
    require_terminal()
    from explorer.loading.catalogue import locate, namesake, short_name

    name = short_name(locate(model))  # a wrong name is said before the screen opens
    notes = dict.fromkeys(namesake(model))
    opening, prepared = opening_of(wishes, prompt, name, sampling, seed, model or "")

    def open_named(name: str | None, progress: "Tell") -> "Session":
        from explorer.loading.catalogue import resolve
        from explorer.loading.checkpoints import open_checkpoint
        from explorer.screen.turns import cancellation
        from explorer.walk.session import Session

        # cancelled when the screen closes: nobody waits for the network then
        directory = resolve(name, lambda done, of: progress(done, of, "downloading"), cancellation())
        checkpoint = open_checkpoint(directory)
        notes.update(dict.fromkeys(checkpoint.notes))
        loaded = checkpoint.load(progress, engine)
        return Session(loaded, checkpoint.tokenizer, sampling, seed)

    def open_first(progress: "Tell") -> "Session":
        from explorer.screen.turns import cancellation
        from explorer.views.prepared import prepare

        session = open_named(model, progress)
        opening.start.prepare(session, prompt, progress, cancellation())
        if prepared:
            names = {name, model or name}
            others = partial(open_named, progress=progress)
            opening.prepared = prepare(prepared, names, session, others, progress, cancellation())
        return session

    try:
        return show(open_first, prompt, name, open_named, opening)
    finally:
        tell_notes(notes)  # before that the screen was in their place


def opening_of(
    wishes: Wishes, prompt: str, model: str, sampling: "Sampling", seed: int, named: str = ""
) -> "tuple[Opening, Tour | None]":
    """The opening of the screen, and the tour that is computed before; TourError, WriteError."""
    from explorer.screen.opening import Opening
    from explorer.teaching import bookmarks, state_folder
    from explorer.teaching.recording import Recording

    prepared = wishes.prepared
    if wishes.prepare:
        from explorer.teaching import tour_file

        prepared = tour_file.read(wishes.prepare)
    file = wishes.bookmarks or state_folder.find(state_folder.BOOKMARKS)
    if wishes.replay:  # with the bookmarks of that time, and leaving the others as they are
        marks, file = dict(wishes.replay.bookmarks), None
    elif wishes.bookmarks:  # a file that somebody wrote is not written over
        marks, file = bookmarks.read(wishes.bookmarks), None
    else:
        marks = bookmarks.remembered(file)
    opening = Opening(
        tour=wishes.tour,
        at=wishes.at,
        offer=wishes.offer and state_folder.greet(),
        bookmarks=marks,
        bookmarks_file=file,
        recorder=recorder_of(wishes, Recording(prompt, model, sampling, seed, bookmarks=marks)),
        replay=wishes.replay,
        speed=wishes.speed,
        start=wishes.start,
        model=named,
    )
    return opening, prepared


def recorder_of(wishes: Wishes, opened: "Recording") -> "Recorder | None":
    """The writer of the recording, if one is wanted; WriteError."""
    from explorer.teaching.recording import Recorder
    from explorer.teaching.tours import SHIPPED

    if wishes.record is None:
        return None
    tour = wishes.tour
    named = "" if tour is None else tour.name if tour.name in SHIPPED else str(Path(tour.file).resolve())
    return Recorder(wishes.record, replace(opened, tour=named, at=wishes.at))


def require_terminal() -> None:
    """TerminalError unless there is a terminal to draw on."""
    if not (output.is_terminal(sys.stdin) and output.is_terminal(sys.stdout)):
        raise TerminalError(
            "the explorer draws on a terminal, and this is not one (a pipe or a file?). "
            "Run it in a terminal, or use `gpt-explorer generate PROMPT` for plain text."
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
    from explorer.screen.turns import new_event_loop

    app = ExplorerApp(open_model, prompt, name, open_other, opening)
    reason = ending.run(app.run_async, new_event_loop)
    if opening and opening.recorder:
        opening.recorder.end()
        if opening.recorder.problem:
            output.complain(opening.recorder.problem)
    if app.crash:
        output.tell(app.crash)
        return 1
    if reason:
        output.complain(reason)
        return 1
    return app.return_code or 0
