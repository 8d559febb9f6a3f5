"""`gpt-explorer export PROMPT -o walk.html`: the whole walk as one page that opens in any browser, offline."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.commands.options import add_edits, add_model, add_prompt, add_sampling, open_model, progress, sampling
from explorer.commands.parser import Parser
from explorer.errors import UsageError
from explorer.terminal import output

if TYPE_CHECKING:
    from explorer.page.contents import Place
    from explorer.page.guided import Guided, RunName
    from explorer.page.texts import Texts
    from explorer.teaching.tours import Tour
    from explorer.tokenizer.tokenizer import Tokenizer
    from explorer.walk.session import Session
    from gpt import GPT


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer export",
        description="Write the walk as one HTML file: every stage and token, every number with its value and its why. "
        "It opens in any browser from the disk, and asks nothing of any network. ",
    )
    add_prompt(parser, "the text to run")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="FILE", help="the page: walk.html")
    parser.add_argument(
        "--from", dest="first", metavar="PLACE", help="begin there: 'block 2', 'block 2 pattern head 1'"
    )
    parser.add_argument("--to", dest="last", metavar="PLACE", help="end there: 'block 3', 'logits'; a block is whole")
    parser.add_argument(
        "--tour", metavar="NAME|FILE", help="begin with the Stops of this tour; without a PROMPT its own is walked"
    )
    add_edits(
        parser,
        "edit the run, in the words of tours: 'head 3.3: zero', 'neuron 4.12: set 3'; can be given more than once",
    )
    add_model(parser)
    add_sampling(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    from explorer.files import check, replacing
    from explorer.page.contents import contents
    from explorer.page.page import page
    from explorer.page.texts import Texts

    check(options.output)  # before the work, not after it
    texts, tour = Texts(), _tour(options)
    session, own = _prompted(options) if tour is None or _has_prompt(options) else _toured(tour, options)
    start, kept = _stages(options, session)
    guided = _guided(tour, options, session, texts, own, kept) if tour else None
    model, title = own[0], session.text
    runs = [contents(session, model, kept, texts, progress("writing"))]
    runs += guided.runs() if guided else ()
    text = page(title, runs, texts, start, guided.data() if guided else None)
    written = text.encode("utf-8", "replace")  # half a character has no place in a page
    with replacing(options.output) as part:
        part.write_bytes(written)
    size = len(written) / 1e6
    stops = f"{len(tour.stops)} Stops, " if tour else ""
    output.say(f"{options.output}: {stops}{len(kept)} steps of {len(session.ids)} tokens, {size:.1f} MB")
    return 0


def _has_prompt(options: argparse.Namespace) -> bool:
    return options.prompt is not None or options.ids is not None


def _tour(options: argparse.Namespace) -> "Tour | None":
    """The tour that is asked for, on the model that is; None without --tour."""
    if options.tour is None:
        return None
    from explorer.commands.tour import find
    from explorer.loading.catalogue import locate, short_name
    from explorer.teaching.tours import on_model

    if not _has_prompt(options) and (options.edit or options.bos):
        raise UsageError("--edit and --bos are about a PROMPT: give one. The Stops of a tour have their own edits.")
    tour = find(options.tour)
    return on_model(tour, short_name(locate(options.model))) if options.model else tour


def _prompted(options: argparse.Namespace) -> "tuple[Session, RunName]":
    """The session on the prompt of a call, all of it computed, and what decides its numbers."""
    from explorer.commands.headless import completed, open_prompt
    from explorer.runs.trace import LiveRun
    from explorer.teaching import edit_words, spots
    from explorer.walk.session import Session

    chosen = sampling(options)
    given = open_prompt(options, arrays=True)
    session = Session(given.model, given.tokenizer, chosen, options.seed)
    run = LiveRun(given.model, list(given.ids))
    session.begin(run, given.prompt, given.tokenizer.pieces(given.prompt) if options.prompt else ())
    completed(run)
    if options.edit:
        session.edit(lambda edits: edit_words.add_all(options.edit, edits, len(session.ids)))
        spots.complete(session)
    _check_finite(session)
    spelled = given.prompt if not options.bos and options.ids is None else tuple(given.ids)
    name = given.checkpoint.name if options.model else spots.EMBEDDED
    return session, (name, spelled, tuple(options.edit), chosen, options.seed)


def _check_finite(session: "Session") -> None:
    """UsageError where an edit made the logits infinite: there is nothing to show."""
    import math

    last = session.trace.logits(len(session.ids) - 1)
    if last is None or not all(map(math.isfinite, last)):
        raise UsageError("with these edits the numbers are infinite or undefined: edit less.")


def _toured(tour: "Tour", options: argparse.Namespace) -> "tuple[Session, RunName]":
    """The session at the first Stop of a tour, and what decides its numbers."""
    from explorer.page.guided import run_of
    from explorer.teaching import spots
    from explorer.walk.session import Session

    spot = tour.stops[0].spot
    model, tokenizer = _opened(spot.model, options)
    session = Session(model, tokenizer, spot.sampling, spot.seed)
    spots.take_run(spot, session)
    spots.complete(session)
    _check_finite(session)
    return session, run_of(spot)


def _guided(
    tour: "Tour", options: argparse.Namespace, session: "Session", texts: "Texts", own: "RunName", kept: list[int]
) -> "Guided":
    from explorer.page.guided import Guided
    from explorer.views.prepared import prepare
    from explorer.walk.session import Session

    def opened(name: str) -> Session:
        return Session(*_opened(name, options))

    tell = progress("preparing")
    prepared = prepare(tour, [own[0]], session, opened, lambda done, stops, word: tell(done + 1, stops))
    return Guided(tour, prepared, texts, own, kept)


def _opened(name: str, options: argparse.Namespace) -> "tuple[GPT, Tokenizer]":
    """A model by its name, on arrays, and its tokenizer."""
    from explorer.teaching.spots import EMBEDDED

    wanted = None if name == EMBEDDED else name
    checkpoint, model = open_model(argparse.Namespace(**{**vars(options), "model": wanted, "ids": None}), arrays=True)
    return model, checkpoint.tokenizer


def _stages(options: argparse.Namespace, session: "Session") -> "tuple[Place, list[int]]":
    """Where the page begins, and the stages it has; UsageError where there are none, or no such place."""
    from explorer.errors import PlaceError
    from explorer.page.contents import Place

    try:
        first, last = _ends(options, session)
    except PlaceError as error:
        raise UsageError(str(error)) from error
    cursor = session.cursor
    if first > last:
        there, end = cursor.stages[first].place, cursor.stages[last].place
        raise UsageError(f"--from is behind --to: {there} comes after {end}.")
    return Place(0, cursor.position, cursor.head), list(range(first, last + 1))


def _ends(options: argparse.Namespace, session: "Session") -> tuple[int, int]:
    """The first stage, where the cursor is put, and the last."""
    from explorer.walk.go_to import go, understand

    cursor = session.cursor
    cursor.go_to_stage(0)
    cursor.go_to_position(len(session.ids) - 1)
    last = len(cursor.stages) - 1
    if options.last is not None:
        place = understand(options.last, session)
        go(place, session)
        last = cursor.stage_index
        if place.layer is not None and place.stage is None and place.head is None:
            last = max(i for i, stage in enumerate(cursor.stages) if stage.layer == place.layer)
        cursor.go_to_stage(0)
        cursor.go_to_position(len(session.ids) - 1)
    if options.first is not None:
        go(understand(options.first, session), session)
    return cursor.stage_index, last
