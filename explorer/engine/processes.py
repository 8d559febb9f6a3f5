"""Worker processes that multiply with the matrices of one model: each has a share of the rows of every matrix.

The weights lie in memory that all of them map, `numbers`; what goes to and fro lies in `scratch`:

    8 bytes     the number of the job that is wanted: a worker that sees another one gives its job up, and says so
    x           the positions' inputs, one after the other, and the bias behind them
    outputs     of every row of the matrix the products with all positions

Through the pipes go only the numbers of jobs (`worker.py`). Both memories are files without a name, handed on by their
descriptors: whoever dies, and however, nothing is left behind. A worker whose parent is gone reads the end of its pipe.
"""

import contextlib
import json
import mmap
import os
import select
import struct
import subprocess
import sys
import tempfile
import threading
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from explorer.engine import worker
from explorer.engine.worker import ACTIVATE, DONE, JOB, NUMBER
from gpt import ops
from gpt.ops import Matrix, Vector

_SCRATCH = 1 << 23  # bytes: so many positions go at once that inputs and outputs fit
_LOOKS_EVERY = 10  # milliseconds between two looks whether the run is cancelled
_TO_START = 60_000  # milliseconds

Check = Callable[[], None]
"""Raises where the run is cancelled."""


class Failed(Exception):
    """The workers cannot be used, or not any more."""


class Processes:
    """Workers that share the rows of these matrices; Failed where they cannot start."""

    def __init__(self, matrices: Sequence[Matrix], workers: int, lists: bool) -> None:
        self._places = {id(matrix): (number, len(matrix), len(matrix[0])) for number, matrix in enumerate(matrices)}
        self._lock = threading.Lock()
        self._job = 0
        self._owed = 0  # answers that are still to come: before, nobody may write where a worker reads or writes
        self._pid = os.getpid()
        self._workers: list[subprocess.Popen[bytes]] = []
        self._opened: list[int] = []
        self._closed = False
        try:
            self._start(matrices, workers, lists)
        except (OSError, ValueError, TypeError, AttributeError, subprocess.SubprocessError) as error:
            self.close()
            raise Failed(str(error)) from error
        except BaseException:
            self.close()
            raise

    def _start(self, matrices: Sequence[Matrix], workers: int, lists: bool) -> None:
        scratch = self._memory(_SCRATCH)
        self._scratch = memoryview(mmap.mmap(scratch, _SCRATCH))
        self._wanted = self._scratch[:NUMBER].cast("q")
        described, size = _described(matrices)
        numbers = self._memory(size)
        command = [sys.executable, "-I", "-S", "-X", "utf8", str(Path(worker.__file__))]
        for _ in range(workers):
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=(scratch, numbers),
                start_new_session=True,  # control-C in the terminal is the parent's to handle
                bufsize=0,
            )
            self._workers.append(process)
        _fill(numbers, matrices)  # while they start
        self._waiting = select.poll()
        for index, process in enumerate(self._workers):
            given = {
                "parent": self._pid,
                "ops": ops.__file__,
                "scratch": scratch,
                "numbers": numbers,
                "matrices": described,
                "index": index,
                "workers": workers,
                "lists": lists,
            }
            _stream(process.stdin).write(json.dumps(given).encode() + b"\n")
            self._waiting.register(_stream(process.stdout), select.POLLIN)
            self._owed += 1
        self._await(_late, _TO_START)
        self._opened.remove(numbers)
        os.close(numbers)  # they have mapped it, or made lists of it

    def _memory(self, size: int) -> int:
        """The descriptor of so much memory that has no name."""
        if hasattr(os, "memfd_create"):
            descriptor = os.memfd_create("gpt-explorer", os.MFD_CLOEXEC)
        else:
            with tempfile.TemporaryFile() as file:
                descriptor = os.dup(file.fileno())
        self._opened.append(descriptor)
        os.truncate(descriptor, size)
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, size)  # where there is no room, it is said here
        return descriptor

    @property
    def pids(self) -> list[int]:
        """The workers' process ids."""
        return [process.pid for process in self._workers]

    def holds(self, matrix: Matrix) -> bool:
        """Whether the workers have that matrix, and can be used here: not in a process that was forked off."""
        return id(matrix) in self._places and not self._closed and os.getpid() == self._pid

    def products(self, x: Matrix, matrix: Matrix, bias: Vector | None, check: Check) -> list[list[float]]:
        """x · Wᵀ + bias, [T, n], [b, n], [b] -> [T, b]. Failed where a worker is lost; what `check` raises ends it."""
        number, rows, columns = self._places[id(matrix)]
        at_once = max(1, (_SCRATCH // NUMBER - 1 - rows) // (rows + columns))
        found: list[list[float]] = []
        with self._turn(check):
            for start in range(0, len(x), at_once):
                check()
                some = x[start : start + at_once]
                end = self._send((*some, bias or ()))
                outputs = self._together(end, number, len(some), bias is not None, rows * len(some), check)
                found += [list(outputs[position :: len(some)]) for position in range(len(some))]
        return found

    def activate(self, x: Matrix, activation: str, check: Check) -> list[list[float]]:
        """The activation of that name on every number, [T, m] -> [T, m]. Failed and `check` as above."""
        which, width = list(ops.ACTIVATIONS).index(activation), len(x[0])
        at_once = max(1, (_SCRATCH // NUMBER - 1) // (2 * width))
        found: list[list[float]] = []
        with self._turn(check):
            for start in range(0, len(x), at_once):
                some = x[start : start + at_once]
                end, count = self._send(some), len(some) * width
                outputs = self._together(end, ACTIVATE, count, which, count, check)
                found += [list(outputs[first : first + width]) for first in range(0, count, width)]
        return found

    @contextlib.contextmanager
    def _turn(self, check: Check) -> Iterator[None]:
        """The workers to oneself; what goes wrong with them is Failed, and their end."""
        while not self._lock.acquire(timeout=_LOOKS_EVERY / 1000):  # another run is computing
            check()
        try:
            self._await(check, _LOOKS_EVERY)  # what was given up before
            yield
        except (OSError, ValueError, struct.error) as error:
            self.close()
            raise Failed(str(error)) from error
        except Exception:  # of `check`: the run is cancelled
            self._wanted[0] = 0  # the workers give up
            raise
        except BaseException:  # it may have come between a job and its being counted
            self.close()
            raise
        finally:
            self._lock.release()

    def _send(self, rows: Iterable[Vector]) -> int:
        """Write rows into the shared memory, one after the other; the first byte behind them."""
        end = NUMBER
        for row in rows:
            struct.pack_into(f"{len(row)}d", self._scratch, end, *row)
            end += NUMBER * len(row)
        return end

    def _together(
        self, end: int, matrix: int, positions: int, which: int, outputs: int, check: Check
    ) -> tuple[float, ...]:
        """So many outputs of a job that all workers have a share in; its inputs reach up to byte `end`."""
        self._job += 1
        self._wanted[0] = self._job
        job = JOB.pack(self._job, matrix, positions, which, end)
        for process in self._workers:
            _stream(process.stdin).write(job)
            self._owed += 1
        self._await(check, _LOOKS_EVERY)
        return struct.unpack_from(f"{outputs}d", self._scratch, end)

    def _await(self, check: Check, looks_every: int) -> None:
        """Wait until every worker has answered for every job that it was given."""
        while self._owed:
            ready = self._waiting.poll(looks_every)
            for descriptor, _ in ready:
                if len(os.read(descriptor, len(DONE))) < len(DONE):
                    raise BrokenPipeError("a worker process ended")
                self._owed -= 1
            if not ready:
                check()

    def close(self) -> None:
        """End the workers; nothing that belongs to them stays. Safe to call twice, and at any time."""
        if self._closed or os.getpid() != self._pid:
            return
        self._closed = True
        for process in self._workers:
            process.kill()
        for process in self._workers:
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream:
                    with contextlib.suppress(OSError):
                        stream.close()
        for descriptor in self._opened:
            os.close(descriptor)
        self._opened = []


def _described(matrices: Sequence[Matrix]) -> tuple[list[tuple[str, int, int, int]], int]:
    """Of every matrix its type, first byte, rows and columns; and how many bytes there are in all."""
    described, size = [], 0
    for matrix in matrices:
        typecode = _typecode(matrix)
        described.append((typecode, size, len(matrix), len(matrix[0])))
        size += len(matrix) * len(matrix[0]) * array(typecode).itemsize
        size += -size % NUMBER
    return described, size


def _typecode(matrix: Matrix) -> str:
    """The type in shared memory: float32 where the rows are arrays or views of it, else float64."""
    row: Any = matrix[0]
    return "f" if getattr(row, "typecode", getattr(row, "format", "")) == "f" else "d"


def _fill(descriptor: int, matrices: Sequence[Matrix]) -> None:
    """Write the matrices one after the other."""
    with open(descriptor, "wb", buffering=1 << 20, closefd=False) as file:
        written = 0
        for matrix in matrices:
            typecode = _typecode(matrix)
            for row in matrix:
                written += file.write(array(typecode, row))
            written += file.write(bytes(-written % NUMBER))


def _late() -> None:
    raise TimeoutError("the worker processes do not start")


def _stream(stream: Any) -> Any:
    """A worker's pipe, which is there as long as the worker is."""
    if stream is None:
        raise BrokenPipeError("a worker process has no pipe")
    return stream
