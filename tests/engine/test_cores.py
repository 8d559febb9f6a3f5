"""Plain Python on all cores: the same bits, cancelled at once, and nothing is left behind, however a process ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from explorer.engine import cores, processes
from explorer.engine.engines import NUMPY, on_engine
from explorer.engine.free_threads import FreeThreads
from explorer.engine.processes import Failed, Processes
from explorer.engine.worker import share
from explorer.runs import running
from explorer.runs.trace import LiveRun
from gpt import GPT, StopRun, generate, ops
from gpt.sampling import Sampling
from tests.helpers.models import embedded, full_run, never, small_model

IDS = [3, 1, 4, 1, 5, 9, 2, 6]
LINUX = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="it reads /proc")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workers are processes of POSIX")


@pytest.fixture(autouse=True)
def two(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two cores, and no product is too short for them."""
    monkeypatch.setenv(cores.VARIABLE, "2")
    for limit in ("_PRODUCT", "_ACTIVATION", "_PARAMETERS", "_SHORT"):
        monkeypatch.setattr(cores, limit, 0)
    yield
    cores.close_all()


def recorded(model: GPT, ids: list[int]) -> dict[str, Any]:
    """Everything in a run that may use the workers."""
    run = LiveRun(model, ids)
    assert running.complete(run, never)
    return run.values


def compact(model: GPT) -> GPT:
    """The same model as a large one is kept in plain Python: matrices of float32."""
    from explorer.engine import engines

    arrays = on_engine(model, NUMPY)
    before, engines.LISTS_UP_TO = engines.LISTS_UP_TO, 0
    try:
        return on_engine(arrays, "python")
    finally:
        engines.LISTS_UP_TO = before


def bits(values: dict[str, Any]) -> dict[str, bytes]:
    """Every number's bytes: what is equal and not the same, as the zeros are, differs here."""
    return {name: np.array(value, dtype=np.float64).tobytes() for name, value in values.items()}


@pytest.mark.parametrize("workers", ["2", "3", "7"])
@pytest.mark.parametrize("form", [lambda model: model, compact], ids=["lists", "float32"])
def test_the_bits_are_those_of_one_process(form: Any, workers: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cores.VARIABLE, workers)
    model = form(small_model(seed=5, n_embd=9, vocab_size=40))
    assert len(cores.start(model)) == int(workers)
    asked = counted(model, monkeypatch)
    assert bits(recorded(model, IDS)) == bits(full_run(model, IDS))
    assert asked["products"] == 4 * model.config.n_layer + 1
    assert asked["activate"] == model.config.n_layer


def counted(model: GPT, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How often the workers are asked for something, from now on."""
    asked = {"products": 0, "activate": 0}

    def counting(name: str) -> None:
        whole = getattr(Processes, name)

        def call(*arguments: Any) -> Any:
            asked[name] += 1
            return whole(*arguments)

        monkeypatch.setattr(Processes, name, call)

    for name in asked:
        counting(name)
    return asked


def test_positions_go_in_pieces_where_they_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_SCRATCH", 2048)
    model = small_model(seed=6, vocab_size=100)
    assert cores.start(model)
    assert bits(recorded(model, IDS)) == bits(full_run(model, IDS))


def test_the_embedded_model_starts_its_workers_by_itself_and_generates_the_same() -> None:
    model, checkpoint = embedded()
    ids = checkpoint.tokenizer.encode("Once upon a time there was a little girl named Lily.")
    first = recorded(model, ids)  # they are started by it, and come in when they are there
    assert bits(first) == bits(full_run(model, ids))
    assert len(cores.start(model)) == 2
    drawn = [step.token for step in generate(cores.divided(model), ids, 3, Sampling(0.8, 40), 1)]
    assert drawn == [step.token for step in generate(model, ids, 3, Sampling(0.8, 40), 1)]


def test_numbers_of_another_kind_stay_in_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """NumPy's numbers are floats that Python adds up in another way."""
    model = small_model(seed=7)
    cores.start(model)
    x = [[np.float64(value) for value in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)]]
    matrix = model.weights.unembedding
    asked = counted(model, monkeypatch)
    assert cores.divided(model).ops.matmul_transposed(x, matrix) == ops.matmul_transposed(x, matrix)
    assert asked["products"] == 0


@pytest.mark.parametrize("cores_allowed", ["1", "0", "-3"])
def test_one_core_is_one_process(cores_allowed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cores.VARIABLE, cores_allowed)
    model = small_model()
    assert cores.on_cores(model, ops) is ops


def test_another_arithmetic_stays_what_it_is() -> None:
    model = small_model()
    other: Any = SimpleNamespace(**vars(ops))
    assert cores.on_cores(GPT(model.config, model.weights, ops=other), other) is other


def test_little_work_starts_nobody() -> None:
    model = small_model()
    recorded(model, IDS)
    assert cores._of(model)._thread is None


# Workers that cannot start, or are lost


@pytest.mark.parametrize("missing", ["executable", "memory"])
def test_where_they_cannot_start_one_process_does_it(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise OSError("not here")

    if missing == "executable":
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
    else:
        monkeypatch.setattr(os, "memfd_create", refused, raising=False)
    model = small_model(seed=8)
    with pytest.raises(Failed):
        Processes([model.weights.unembedding], 2, lists=True)
    assert cores.start(model) == []
    assert recorded(model, IDS) == full_run(model, IDS)


def test_memory_without_a_name_is_a_file_where_the_system_has_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    model = small_model(seed=9)
    assert cores.start(model)
    assert bits(recorded(model, IDS)) == bits(full_run(model, IDS))


def test_a_program_that_ends_at_once_is_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/true" if Path("/bin/true").exists() else "/usr/bin/true")
    with pytest.raises(Failed):
        Processes([small_model().weights.unembedding], 2, lists=True)


@pytest.mark.parametrize("lost", [0, 1])
def test_a_lost_worker_is_made_up_for(lost: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_model(seed=10)
    pids = cores.start(model)
    asked = counted(model, monkeypatch)
    run = LiveRun(model, IDS)

    def kill_later(name: str, value: Any) -> None:
        if name == "blocks.1.hook_resid_mid":
            os.kill(pids[lost], signal.SIGKILL)
        run.record(name, value)

    monkeypatch.setattr(run, "hook", kill_later)
    assert running.complete(run, never)
    assert run.values == full_run(model, IDS)
    assert 0 < asked["products"] < 4 * model.config.n_layer + 1
    assert not any(alive(pid) for pid in pids)


# Cancelled


def test_a_cancelled_product_ends_at_once_and_the_next_is_right() -> None:
    model, _ = embedded()
    assert cores.start(model)
    workers = cores._of(model)._workers
    assert isinstance(workers, Processes)
    x, table = [[0.5] * model.config.n_embd] * 200, model.weights.unembedding

    def stop() -> None:
        if workers._job > before:
            raise StopRun

    for _ in range(3):
        before = workers._job
        with pytest.raises(StopRun):
            workers.products(x, table, None, stop)
        assert workers._job == before + 1, "the first of several pieces"
    few = [[0.25] * model.config.n_embd]
    assert workers.products(few, table, None, lambda: None) == ops.matmul_transposed(few, table)


def test_what_was_given_up_never_writes_into_the_next_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancelled as soon as it is sent, and the next one sent as soon as that."""
    model, _ = embedded()
    assert cores.start(model)
    workers = cores._of(model)._workers
    assert isinstance(workers, Processes)
    monkeypatch.setattr(processes, "_LOOKS_EVERY", 0)
    table, width = model.weights.unembedding, model.config.n_embd
    few = [[0.25] * width, [0.5] * width]
    expected = ops.matmul_transposed(few, table)

    def stop() -> None:
        if workers._owed and workers._job > before:
            raise StopRun

    for turn in range(40):
        before = workers._job
        with pytest.raises(StopRun):
            workers.products([[float(turn)] * width] * 20, table, None, stop)
        assert workers.products(few, table, None, lambda: None) == expected


def test_after_control_c_others_start() -> None:
    model = small_model(seed=13)
    pids = cores.start(model)

    def interrupt() -> None:
        raise KeyboardInterrupt

    x = [[0.5] * model.config.n_embd] * 3
    with pytest.raises(KeyboardInterrupt):
        cores.on_cores(model, ops, interrupt).matmul_transposed(x, model.weights.unembedding)
    assert not any(map(alive, pids))
    others = cores.start(model)
    assert len(others) == 2
    assert not set(others) & set(pids)
    assert recorded(model, IDS) == full_run(model, IDS)


# Nothing is left behind


def alive(pid: int) -> bool:
    """Whether a process runs: one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def gone(pids: list[int]) -> bool:
    """Whether all of these end; they are given ample time."""
    for _ in range(1200):
        if not any(alive(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


PARENT = """
import os, sys
os.environ["GPT_EXPLORER_CORES"] = "2"
from explorer.engine import cores
from explorer.loading.checkpoints import open_checkpoint
model = open_checkpoint().load()
print(*cores.start(model), flush=True)
"""


def parent(rest: str) -> "subprocess.Popen[str]":
    """A program that has started the workers of the embedded model."""
    return subprocess.Popen(
        [sys.executable, "-c", PARENT + rest], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def told(process: "subprocess.Popen[str]") -> list[int]:
    assert process.stdout
    return [int(pid) for pid in process.stdout.readline().split()]


@LINUX
@pytest.mark.parametrize("busy", [False, True], ids=["idle", "computing"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_however_the_parent_ends_the_workers_end(number: int, busy: bool) -> None:
    work = "cores.divided(model).forward([1] * 200)" if busy else "sys.stdin.readline()"
    with parent(f"print('so', flush=True)\n{work}\nimport time; time.sleep(600)") as process:
        pids = told(process)
        assert len(pids) == 2
        assert all(map(alive, pids))
        assert process.stdout
        process.stdout.readline()
        process.send_signal(number)
        process.wait()
        assert gone(pids)
        assert process.stderr
        assert "resource_tracker" not in process.stderr.read()


@LINUX
def test_they_end_with_the_program_with_the_weights_and_are_no_zombies() -> None:
    with parent("") as process:
        pids = told(process)
        assert process.wait() == 0
        assert gone(pids)
        assert process.stderr
        assert process.stderr.read() == ""
    model = small_model(seed=11)
    pids = cores.start(model)
    assert all(map(alive, pids))
    del model
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


@LINUX
def test_a_process_that_was_forked_off_leaves_them_alone() -> None:
    ending = """
child = os.fork()
if child == 0:
    import gpt.ops
    few = [[0.25] * 192]
    assert cores.divided(model).ops.matmul_transposed(few, model.weights.unembedding) == gpt.ops.matmul_transposed(
        few, model.weights.unembedding)
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
print(cores._of(model)._workers.products([[0.25] * 192], model.weights.unembedding, None, lambda: None) != [])
"""
    with parent(ending) as process:
        pids = told(process)
        assert process.stdout
        assert process.stdout.read() == "True\n"
        assert process.wait() == 0
        assert gone(pids)


# Threads, where the interpreter has no global lock: here they take turns, and give the same


def test_free_threads_give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
    model = small_model(seed=12, n_embd=9)
    assert cores.start(model) == []
    assert isinstance(cores._of(model)._workers, FreeThreads)
    assert bits(recorded(model, IDS)) == bits(full_run(model, IDS))


def test_free_threads_are_cancelled() -> None:
    model, _ = embedded()
    table = model.weights.unembedding
    threads = FreeThreads([table], 2)

    def stop() -> None:
        raise StopRun

    with pytest.raises(StopRun):
        threads.products([[0.5] * model.config.n_embd] * 200, table, None, stop)
    threads.close()


@pytest.mark.parametrize(("rows", "workers"), [(0, 3), (1, 3), (10, 3), (4096, 7), (5, 5)])
def test_every_row_is_somebodys_and_nobody_has_much_more(rows: int, workers: int) -> None:
    shares = [share(rows, index, workers) for index in range(workers)]
    assert [row for mine in shares for row in mine] == list(range(rows))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
