"""A tour as a part of the page: its Stops with their numbers, each at a place of a run that the page holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from explorer.page.contents import Contents, Place, contents
from explorer.page.texts import Texts
from explorer.paint.spans import Line
from explorer.runs import running
from explorer.teaching import spots
from explorer.teaching.expressions import fill
from explorer.teaching.here import Here
from explorer.teaching.spots import Spot
from explorer.teaching.tours import Stop, Tour
from explorer.views.prepared import Prepared
from explorer.views.views import ALL
from explorer.walk.on_screen import wanted_lenses
from explorer.walk.session import Session

RunName = tuple[Any, ...]
"""All that decides the numbers of a run."""

_CELLS, _HEIGHT = 94, 26  # of the pictures of views


@dataclass(frozen=True)
class _Seen:
    """All that the page holds of a Stop, before it is known which stages its run has."""

    run: RunName
    spot: Spot
    place: Place  # its stage is one of the whole walk
    data: dict[str, Any]


class Guided:
    """The Stops of a tour and the runs they go to. `first` names the first run of the page, and `kept` its stages."""

    def __init__(self, tour: Tour, prepared: Prepared, texts: Texts, first: RunName, kept: list[int]) -> None:
        self._first = first
        self._texts = texts
        self._kept = kept
        self._prepared = prepared
        self._seen = [self._look(stop) for stop in tour.stops]
        self.title, self.about = tour.title, tour.about

    def runs(self) -> Iterator[Contents]:
        """The runs beside the first, each with the stages that Stops are at."""
        for run in self._others():
            seen = next(seen for seen in self._seen if seen.run == run)
            session = self._session(seen.spot)
            yield contents(session, seen.spot.model, self._stages(run), self._texts)

    def data(self) -> dict[str, Any]:
        """The tour as the page reads it."""
        others = self._others()
        stops = []
        for seen in self._seen:
            number = others.index(seen.run) + 1 if seen.run in others else 0
            held = self._stages(seen.run) if number else self._kept
            place = {**seen.place.data(), "run": number, "stage": held.index(seen.place.stage)}
            stops.append({**seen.data, "place": place})
        return {"title": self.title, "about": self.about, "stops": stops}

    def _others(self) -> list[RunName]:
        """The runs beside the first, in the order of the tour; the first itself where a Stop is at a stage it lacks."""
        missing = (seen.run for seen in self._seen if seen.run != self._first or seen.place.stage not in self._kept)
        return list(dict.fromkeys(missing))

    def _stages(self, run: RunName) -> list[int]:
        return sorted({seen.place.stage for seen in self._seen if seen.run == run})

    def _look(self, stop: Stop) -> _Seen:
        session = self._session(stop.spot)
        spots.go(stop.spot, session)
        cursor, here = session.cursor, Here(session)
        parts = len(cursor.stage.parts)
        part = cursor.stage.parts.index(cursor.part) if cursor.part else 0
        place = Place(
            cursor.stage_index,
            cursor.position,
            cursor.head,
            cursor.column if cursor.part else None,
            part if parts and part != parts - 1 else None,
        )
        data: dict[str, Any] = {"title": fill(stop.title, here), "text": fill(stop.text, here).strip()}
        if stop.spot.view in ALL:
            view = self._prepared.views[stop.spot.run][stop.spot.view]
            view.follow(_CELLS, _HEIGHT)
            data["picture"] = _spans(view.lines(_CELLS, _HEIGHT))
        return _Seen(run_of(stop.spot), stop.spot, place, data)

    def _session(self, spot: Spot) -> Session:
        """The session at the spot's run and settings, complete."""
        session = self._prepared.sessions[spot.run]
        spots.take_run(spot, session)
        spots.complete(session)
        for residual, position in wanted_lenses(session):
            running.look_through_lens(session.trace, residual, position, lambda: False)
        return session


def run_of(spot: Spot) -> RunName:
    """The run that a spot is a place of, with its sampling."""
    return (*spot.run, spot.sampling, spot.seed)


def _spans(lines: list[Line]) -> list[list[list[str]]]:
    """Painted lines as data: each span a text and its style."""
    return [[[span.text, span.style] for span in line] for line in lines]
