"""The tables and plots of a benchmark, as lines for a terminal."""

from collections.abc import Iterable, Iterator

from explorer.bench.timing import Growth, Part, Timing
from explorer.paint.spans import bar
from explorer.terminal.text import fit, width

_BAR = 32


def part(found: Part) -> Iterator[str]:
    """A title, then the ratio, the median and the spread of each; the notes."""
    yield found.title
    names = max((width(timing.name) for timing in found.timings), default=0)
    for timing in found.timings:
        yield f"  {timing.ratio:>8.2f} x  {fit(timing.name, names)}  {_times(timing)}"
    for note in found.notes:
        yield f"  {note}"
    yield ""


def growth(found: Growth) -> Iterator[str]:
    """A row for each size: the median, its share of each piece, and a bar."""
    yield found.title
    most = max(timing.median for timing in found.timings)
    for size, timing in zip(found.sizes, found.timings):
        each = milliseconds(timing.median / size)
        yield f"  {size:>6}  {milliseconds(timing.median)}  {each} each  {bar(timing.median / most, _BAR)}"
    yield ""


def _times(timing: Timing) -> str:
    return (
        f"{milliseconds(timing.median)}  ({milliseconds(min(timing.seconds))} to {milliseconds(max(timing.seconds))})"
    )


def milliseconds(seconds: float) -> str:
    """Ten cells: "  12.34 ms", from a hundred seconds on "    123 s "."""
    return f"{seconds * 1000:>8.2f} ms" if seconds < 99.99 else f"{seconds:>8.0f} s "


def rows(found: Iterable[Part | Growth]) -> Iterator[tuple[object, ...]]:
    """The same for programs: the names of the columns, then a row for each timing."""
    names = ("ratio", "median", "least", "most", "rounds")
    yield ("table", "size", "name", *names)
    for one in found:
        sizes: Iterable[int | None] = one.sizes if isinstance(one, Growth) else (None for _ in one.timings)
        for size, timing in zip(sizes, one.timings):
            told = timing.as_json()
            yield (one.title, size, timing.name, *(told[name] for name in names))
