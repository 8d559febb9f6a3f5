"""`gpt-explorer tour [NAME|FILE]`: a guided walk on the screen; list, check, make one of a recording."""

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.commands.options import add_model, engine_of_call
from explorer.commands.parser import Parser
from explorer.commands.tables import add_json_and_csv, write_csv
from explorer.errors import UsageError
from explorer.terminal import output
from explorer.terminal.glyphs import quoted

if TYPE_CHECKING:
    from explorer.teaching.tours import Tour
    from explorer.walk.session import Session


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer tour",
        description="A guided walk on the screen. docs/tours.md says how to write one.",
    )
    parser.add_argument(
        "tour", nargs="?", metavar="NAME|FILE", help="a tour by its name, or a file (default: newcomer)"
    )
    parser.add_argument("--stop", type=int, default=1, metavar="N", help="begin at Stop N, counted from 1 (default: 1)")
    parser.add_argument("--prepare", action="store_true", help="compute all of it before it begins")
    parser.add_argument("--list", action="store_true", help="list the tours that come with the program")
    add_json_and_csv(parser, "with --list: a list of objects", "with --list: a row for each")
    parser.add_argument("--check", action="store_true", help="compute every Stop and claim, and say what is wrong")
    parser.add_argument("--from", dest="recording", type=Path, metavar="RECORDING", help="print a tour made of one")
    parser.add_argument("--record", type=Path, metavar="FILE", help="write keys and clicks to this file")
    add_model(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    if options.list:
        return _list(options)
    if options.json or options.csv:
        raise UsageError("--json and --csv are for --list: a tour itself is shown on the screen.")
    if options.recording:
        return _from(options.recording)
    tour = find(options.tour or "newcomer")
    if options.check:
        return _check(tour, options)
    if not 1 <= options.stop <= len(tour.stops):
        raise UsageError(f"there is no Stop {options.stop}: this tour has {len(tour.stops)}.")
    from explorer.commands.explore import Wishes, open_screen
    from explorer.loading.catalogue import locate, short_name
    from explorer.teaching.tours import on_model

    if options.model:
        tour = on_model(tour, short_name(locate(options.model)))
    first = tour.stops[options.stop - 1].spot
    model = options.model or first.model
    wishes = Wishes(tour=tour, at=options.stop - 1, prepared=tour if options.prepare else None, record=options.record)
    return open_screen(first.prompt, model, engine_of_call(options), first.sampling, first.seed, wishes)


def find(name: str) -> "Tour":
    """The tour of that name, or in that file; UsageError where there is none, TourError where it is wrong."""
    from explorer.teaching import tour_file
    from explorer.teaching.tours import SHIPPED, shipped

    if name in SHIPPED:
        return shipped()[SHIPPED.index(name)]
    path = Path(os.path.expanduser(name))
    if not os.path.isfile(path) and path.suffix != ".toml":  # of a name that no file can have, it is False
        raise UsageError(
            f"there is no tour {quoted(name)}: there are {', '.join(SHIPPED)}. A file's name ends in .toml."
        )
    return tour_file.read(path)


def _list(options: argparse.Namespace) -> int:
    from explorer.teaching.tours import shipped

    names = ("name", "title", "stops", "minutes", "about")
    rows = [(tour.name, tour.title, len(tour.stops), tour.minutes, tour.about) for tour in shipped()]
    if options.json:
        output.data(json.dumps([dict(zip(names, row)) for row in rows]))
        return 0
    if options.csv:
        write_csv([names, *rows])
        return 0
    width = max(len(tour.name) for tour in shipped())
    for tour in shipped():
        output.say(f"{tour.name:<{width}}  {tour.title}")
        output.say(f"{'':<{width}}  {len(tour.stops)} Stops, about {tour.minutes} minutes. {tour.about}")
    return 0


def _from(path: Path) -> int:
    from explorer.teaching import recording, tour_file

    stops = recording.stops(recording.read(path))
    if not stops:
        raise UsageError(f"nobody stood still in this recording: a Stop is a place of {recording.PAUSE:g} seconds.")
    output.data(tour_file.written(path.stem, "Made of a recording.", stops).rstrip("\n"))
    return 0


def _check(tour: "Tour", options: argparse.Namespace) -> int:
    from explorer.teaching.checking import problems
    from explorer.terminal.text import counted

    found = list(problems(tour, opener(options)))
    for problem in found:
        output.tell(str(problem))
    claims = sum(len(stop.claims) for stop in tour.stops)
    if not found:
        output.say(f"{tour.title}: {counted(len(tour.stops), 'Stop')}, {counted(claims, 'claim')}, all of them hold.")
    return 1 if found else 0


def opener(options: argparse.Namespace) -> "Opener":
    """Opens sessions on models by name, each model once. --model takes the place of the embedded one."""
    return Opener(options.model, engine_of_call(options))


class Opener:
    """Models that are open, by name."""

    def __init__(self, model: str | None, engine: str) -> None:
        self._instead = model
        self._engine = engine
        self._models: dict[str, Session] = {}

    def __call__(self, name: str) -> "Session":
        from explorer.loading.catalogue import EMBEDDED, resolve
        from explorer.loading.checkpoints import open_checkpoint
        from explorer.walk.session import Session

        if name == EMBEDDED and self._instead:
            name = self._instead
        if name not in self._models:
            checkpoint = open_checkpoint(resolve(name))
            self._models[name] = Session(checkpoint.load(engine=self._engine), checkpoint.tokenizer)
        opened = self._models[name]
        assert opened.model
        return Session(opened.model, opened.tokenizer)
