"""`gpt-explorer play FILE`: a recording of the screen, played again: a rehearsal, and a fallback."""

import argparse
from pathlib import Path

from explorer.commands.parser import Parser


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer play",
        description="Play the keys and clicks that --record wrote. The model computes again; keys work meanwhile.",
    )
    parser.add_argument("file", type=Path, help="the recording")
    parser.add_argument("--speed", type=_speed, default=1.0, metavar="X", help="so many times as fast (default: 1)")
    return parser


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not 0 < speed < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no speed: give a number above zero, such as 2")
    return speed


def run(options: argparse.Namespace) -> int:
    from explorer.commands.explore import Wishes, open_screen
    from explorer.commands.tour import find
    from explorer.engine.engines import AUTO
    from explorer.teaching import recording

    played = recording.read(options.file)
    wishes = Wishes(find(played.tour) if played.tour else None, played.at, replay=played, speed=options.speed)
    return open_screen(played.prompt, played.model, AUTO, played.sampling, played.seed, wishes)
