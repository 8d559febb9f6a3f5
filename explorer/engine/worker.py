"""A worker process: it multiplies with its share of the rows of a model's matrices, for as long as its parent lives.

It is run as a file, in isolation (no site-packages), so that it starts in a few hundredths of a second: it may import
the standard library only. `processes.py` is its other end and says how the two talk.
"""

import gc
import importlib.util
import json
import mmap
import os
import select
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

JOB = struct.Struct("<5q")
"""The number of the job; the matrix, or ACTIVATE; the positions, or how many numbers; whether there is a bias, or which
activation; and the byte where the outputs begin."""

ACTIVATE = -1
"""In place of a matrix: the job is an activation of numbers."""

DONE = b"!"
"""The answer to a job that is done or given up."""

NUMBER = 8  # bytes of a float64
AT_ONCE = 16_384  # multiplications between two looks whether the job is still wanted: a fraction of a millisecond
_ASLEEP = 5_000  # milliseconds between two looks whether the parent is there

Dot = Callable[[Any, Any], float]


def share(rows: int, index: int, workers: int) -> range:
    """The rows that belong to worker `index`: share(10, 1, 3) = range(3, 6)."""
    return range(rows * index // workers, rows * (index + 1) // workers)


def products(
    xs: Sequence[Any], rows: Sequence[Any], bias: Sequence[float] | None, dot: Dot
) -> Iterator[list[float] | None]:
    """The products of some rows with every x, row after row; None between two pieces, where the caller may stop."""
    step = max(1, AT_ONCE // (len(xs) * len(xs[0])))
    for start in range(0, len(rows), step):
        piece = rows[start : start + step]
        if len(xs) > 1:  # a row that is read several times is read as a list
            piece = [row if isinstance(row, list) else row.tolist() for row in piece]
        if bias is None:
            yield [dot(x, row) for row in piece for x in xs]
        else:
            yield [dot(x, row) + b for row, b in zip(piece, bias[start:]) for x in xs]
        yield None


class Worker:
    """The worker's end: its rows, the shared memory, and the two pipes."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._parent = given["parent"]
        ops = _module(given["ops"])
        self._dot: Dot = ops.dot
        self._activations = list(ops.ACTIVATIONS.values())
        self._index, self._workers = given["index"], given["workers"]
        self._scratch = memoryview(mmap.mmap(given["scratch"], 0))
        self._wanted = self._scratch[:NUMBER].cast("q")  # the number of the job that the parent waits for
        numbers = memoryview(mmap.mmap(given["numbers"], 0, prot=mmap.PROT_READ))
        os.close(given["numbers"])
        self._matrices = [self._rows(numbers, place, given["lists"]) for place in given["matrices"]]

    def work(self) -> None:
        """Do one job after the other until the parent closes the pipe, or is gone."""
        asked = select.poll()
        asked.register(0, select.POLLIN)
        self._answer()
        while True:
            while not asked.poll(_ASLEEP):
                if os.getppid() != self._parent:
                    return
            words = os.read(0, JOB.size)
            if len(words) < JOB.size:
                return
            job, matrix, positions, which, outputs = JOB.unpack(words)
            if matrix == ACTIVATE:
                self._activate(positions, which, outputs)
            elif not self._multiply(job, matrix, positions, bool(which), outputs):
                return
            self._answer()

    def _rows(self, numbers: memoryview, place: Sequence[Any], lists: bool) -> tuple[list[Any], int, range]:
        """A matrix's rows, as lists (quick) or as they lie (compact); the number of its columns, and which they are."""
        typecode, start, rows, columns = place
        mine = share(rows, self._index, self._workers)
        size = struct.calcsize(typecode)
        values = numbers[start : start + rows * columns * size].cast(typecode)
        views = [values[row * columns : (row + 1) * columns] for row in mine]
        return [view.tolist() for view in views] if lists else views, columns, mine

    def _multiply(self, job: int, matrix: int, positions: int, biased: bool, outputs: int) -> bool:
        """Put the products of a job where the parent reads them; False where the parent is gone."""
        rows, columns, mine = self._matrices[matrix]
        x_end = NUMBER * (1 + positions * columns)
        numbers = self._scratch[NUMBER:x_end].cast("d").tolist()
        xs = [numbers[start : start + columns] for start in range(0, len(numbers), columns)]
        bias = None
        if biased:
            bias = self._scratch[x_end + NUMBER * mine.start : x_end + NUMBER * mine.stop].cast("d").tolist()
        at = outputs + NUMBER * mine.start * positions
        for found in products(xs, rows, bias, self._dot):
            if found is not None:
                at = self._put(found, at)
            elif self._wanted[0] != job:
                return True
            elif os.getppid() != self._parent:
                return False
        return True

    def _activate(self, count: int, which: int, outputs: int) -> None:
        """Put the activation of this worker's share of the numbers where the parent reads them."""
        mine, function = share(count, self._index, self._workers), self._activations[which]
        numbers = self._scratch[NUMBER * (1 + mine.start) : NUMBER * (1 + mine.stop)].cast("d").tolist()
        self._put([function(number) for number in numbers], outputs + NUMBER * mine.start)

    def _put(self, numbers: list[float], at: int) -> int:
        """Write numbers into the shared memory from that byte on; the first byte behind them."""
        struct.pack_into(f"{len(numbers)}d", self._scratch, at, *numbers)
        return at + NUMBER * len(numbers)

    def _answer(self) -> None:
        os.write(1, DONE)


def _module(path: str) -> Any:
    """The model's own arithmetic, from its file: the package around it is not needed."""
    found = importlib.util.spec_from_file_location("ops", path)
    assert found
    assert found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def main() -> None:
    """Read the description, a line of JSON, and work."""
    gc.disable()  # nothing here refers to itself, and searching the rows takes long
    line = b""
    while not line.endswith(b"\n"):
        word = os.read(0, 1)
        if not word:
            return
        line += word
    try:
        Worker(json.loads(line)).work()
    except BrokenPipeError:  # the parent is gone
        sys.exit(1)


if __name__ == "__main__":
    main()
