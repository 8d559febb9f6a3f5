"""Bookmarks 1 to 9: spots that are gone to at once. A file of them is a tour whose Stops have a `bookmark`."""

import os
from pathlib import Path

from explorer.files import replacing
from explorer.teaching.errors import TourError
from explorer.teaching.spots import Spot
from explorer.teaching.tours import Stop, Tour

NUMBERS = range(1, 10)


def of(tour: Tour) -> dict[int, Spot]:
    """The bookmarks of a file: where its Stops name none, the first nine Stops."""
    named = {stop.bookmark: stop.spot for stop in tour.stops if stop.bookmark}
    return named or {number: stop.spot for number, stop in zip(NUMBERS, tour.stops)}


def read(path: Path) -> dict[int, Spot]:
    """The bookmarks in a file; TourError if it is wrong."""
    from explorer.teaching import tour_file

    return of(tour_file.read(path))


def remembered(path: Path | None) -> dict[int, Spot]:
    """The bookmarks that were kept at an earlier time; none where there is no such file, or it is damaged."""
    try:
        return read(path) if path and os.path.isfile(path) else {}
    except TourError:
        return {}


def write(path: Path, bookmarks: dict[int, Spot]) -> None:
    """Write them, to be read again or played as a tour. WriteError."""
    from explorer.teaching import tour_file

    stops = [
        Stop(f"Bookmark {number}", spot, "{top()} has {top_probability():.0%}.", bookmark=number)
        for number, spot in sorted(bookmarks.items())
    ]
    with replacing(path) as part:
        part.write_text(tour_file.written("Bookmarks", "", stops), encoding="utf-8")
