"""`--workers N`, `--scheduler ADDRESS`: independent pieces of work on the processes of a cluster (dask.distributed).

A piece is a prompt of a file, or a block of a sweep. Each process opens the model once. What a lost process had is
computed again by another one; the results come in order, whoever computed them and whenever.
"""

import argparse
import contextlib
import io
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from explorer.commands.options import count
from explorer.engine.cores import VARIABLE
from explorer.errors import ClusterError, UsageError
from gpt import GPTError

if TYPE_CHECKING:
    from explorer.loading.checkpoints import Checkpoint
    from gpt import GPT

_INSTALL = "this needs dask.distributed: pip install 'gpt2-explorer[cluster]'"
_TO_CONNECT = 20  # seconds


def add_cluster(parser: argparse.ArgumentParser) -> None:
    """--workers and --scheduler."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--workers", type=count, metavar="N", help="divide the work over N processes here; 0: one for each core"
    )
    where.add_argument(
        "--scheduler", metavar="ADDRESS", help="divide it over the workers of a dask scheduler: tcp://HOST:PORT"
    )


def is_wanted(options: argparse.Namespace) -> bool:
    """Whether a call is to be divided; UsageError where it cannot be, as the extra is missing."""
    wanted = options.workers is not None or options.scheduler is not None
    if wanted and not find_spec("distributed"):
        raise UsageError(f"{_INSTALL}.")
    return wanted


@contextmanager
def opened(options: argparse.Namespace) -> Iterator[Any]:
    """A client of the cluster; its processes, where they are our own, end with it. ClusterError where nobody is."""
    import dask

    quiet = dict.fromkeys(("distributed", "distributed.client", "bokeh", "tornado", "asyncio"), "critical")
    with dask.config.set({"logging": quiet}), contextlib.ExitStack() as stack:
        import distributed

        library: Any = distributed  # not typed throughout
        if options.scheduler is not None:
            yield stack.enter_context(_at(options.scheduler, library))
            return
        from explorer.engine.cores import cores

        with _deaf_to_control_c():
            cluster = library.LocalCluster(
                n_workers=options.workers or cores(),
                threads_per_worker=1,
                processes=True,
                dashboard_address="127.0.0.1:0",  # any port: the usual one may be taken
                silence_logs=logging.CRITICAL + 1,  # it logs its own end as critical
            )
        stack.enter_context(cluster)
        yield stack.enter_context(library.Client(cluster, timeout=_TO_CONNECT))


@contextmanager
def _deaf_to_control_c() -> Iterator[None]:
    """Processes that are started in this block, and by threads that are, leave control-C to this one."""
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # it would let the signal through again when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _at(address: str, library: Any) -> Any:
    """A client of the scheduler at an address; ClusterError where there is none, or it has no workers."""
    try:
        client = library.Client(address, timeout=_TO_CONNECT)
    except (OSError, ValueError, TimeoutError) as error:
        raise ClusterError(f"no scheduler answers at {address}: start one with `dask scheduler`.") from error
    if not client.scheduler_info()["workers"]:
        client.close()
        raise ClusterError(f"the scheduler at {address} has no workers: start some with `dask worker {address}`.")
    return client


def in_order(client: Any, work: Callable[..., Any], pieces: Sequence[tuple[Any, ...]]) -> Iterator[Any]:
    """The result of every piece, in their order. A piece that fails as foreseen raises its GPTError."""
    from distributed import KilledWorker
    from distributed.client import FutureCancelledError

    futures = [client.submit(_guarded, work, piece, pure=False) for piece in pieces]
    try:
        while futures:
            found = futures[0].result()
            futures.pop(0)  # nobody needs it any more: its worker may forget it
            if isinstance(found, GPTError):
                raise found
            yield found
    except KilledWorker as error:
        raise ClusterError(
            "the workers that were given one piece of the work ended, one after the other: is there enough memory?"
        ) from error
    except (FutureCancelledError, OSError) as error:
        raise ClusterError("the scheduler is gone. Make the same call again: with --results it goes on.") from error
    finally:
        client.cancel(futures)


# On the workers


def _guarded(work: Callable[..., Any], piece: tuple[Any, ...]) -> Any:
    """The result, or the foreseen error: as a result it is not tried again."""
    os.environ.setdefault(VARIABLE, "1")  # the other cores have workers of their own
    with contextlib.redirect_stderr(io.StringIO()):  # notes on the model are told once, by the caller
        try:
            return work(*piece)
        except GPTError as error:
            return error


_models: dict[tuple[Any, ...], "tuple[Checkpoint, GPT]"] = {}
_opening = threading.Lock()


def model_of(options: argparse.Namespace, arrays: bool) -> "tuple[Checkpoint, GPT]":
    """The model of a call, opened once in every process."""
    from explorer.commands.options import engine_of_call, open_model

    key = options.model, engine_of_call(options), arrays
    with _opening:
        if key not in _models:
            _models.clear()
            _models[key] = open_model(options, ids_alone=True, arrays=arrays)
        return _models[key]
