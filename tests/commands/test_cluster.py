"""Work divided over a cluster: the same bytes as in one process, whoever is lost on the way."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from explorer.cli import main
from explorer.commands import cluster, many
from explorer.errors import ClusterError

distributed: Any = pytest.importorskip("distributed")

PROMPTS = "\n".join(
    f"{who} went to the {where}" for who in ("Tom", "Lily", "The dog") for where in ("park", "big red house")
)


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a scheduler with two workers."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50
    ) as here:
        yield here.scheduler_address


@pytest.fixture
def prompts(tmp_path: Path) -> str:
    file = tmp_path / "prompts.txt"
    file.write_text(PROMPTS, encoding="utf-8")
    return str(file)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_worker_is_killed_half_way_and_the_same_bytes_come_out(
    prompts: str, scheduler: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many, "PIECE", 1)
    call = ["lens", "--prompts", prompts, "--json", "--results"]
    alone = printed(capsys, *call, str(tmp_path / "alone.jsonl"))
    killed: list[int] = []

    def killing(client: Any, work: Any, pieces: Any) -> Iterator[Any]:
        for done, found in enumerate(cluster.in_order(client, work, pieces)):
            if done == 2:
                holding = client.run(os.getpid)
                killed.append(next(iter(holding.values())))
                os.kill(killed[0], signal.SIGKILL)
            yield found

    monkeypatch.setattr(many, "in_order", killing)
    divided = printed(capsys, *call, str(tmp_path / "divided.jsonl"), "--scheduler", scheduler)
    assert len(killed) == 1
    assert divided == alone
    assert (tmp_path / "divided.jsonl").read_bytes() == (tmp_path / "alone.jsonl").read_bytes()


def test_an_interrupted_run_goes_on_where_it_ended(
    prompts: str, scheduler: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many, "PIECE", 1)
    results = tmp_path / "results.jsonl"
    call = ["lens", "--prompts", prompts, "--json", "--results", str(results), "--scheduler", scheduler]
    asked: list[int] = []

    def interrupted(client: Any, work: Any, pieces: Any) -> Iterator[Any]:
        asked.append(len(pieces))
        for done, found in enumerate(cluster.in_order(client, work, pieces)):
            if done == 2 and len(asked) == 1:
                raise KeyboardInterrupt
            yield found

    monkeypatch.setattr(many, "in_order", interrupted)
    assert main(call) == 130
    assert "interrupted after 2 of 6 prompts" in capsys.readouterr().err
    assert len(results.read_text(encoding="utf-8").splitlines()) == 2
    whole = printed(capsys, *call)
    assert asked == [6, 4]
    assert whole == printed(capsys, "lens", "--prompts", prompts, "--json")
    assert printed(capsys, *call) == whole
    assert asked == [6, 4], "nothing was left to ask for"


@pytest.mark.parametrize("over", [[], ["--over", "mlps"], ["--over", "positions", "--patch-from", "Once upon a day"]])
def test_a_sweep_is_divided_by_blocks(over: list[str], scheduler: str, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["sweep", "Once upon a time", "--json", *over]
    assert printed(capsys, *call, "--scheduler", scheduler) == printed(capsys, *call)


def test_processes_of_this_machine(prompts: str, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["ablate", "--head", "3.3", "--prompts", prompts, "--json"]
    assert printed(capsys, *call, "--workers", "2") == printed(capsys, *call)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no process groups")
def test_control_c_is_answered_once_and_the_workers_end(tmp_path: Path) -> None:
    """In a terminal it reaches every process of the group: the workers leave it to the one that started them."""
    file, results = tmp_path / "prompts.txt", tmp_path / "results.jsonl"
    file.write_text("Tom went to the park\n" * 5000, encoding="utf-8")
    words = ["lens", "--prompts", str(file), "--results", str(results), "--workers", "2"]
    with subprocess.Popen(
        [sys.executable, "-m", "explorer", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        while not (results.exists() and results.stat().st_size) and process.poll() is None:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate()
    assert process.returncode == 130
    kept = len(results.read_text(encoding="utf-8").splitlines())
    assert said == f"gpt-explorer: interrupted after {kept} of 5000 prompts\n"


def test_a_prompt_that_the_model_cannot_read_is_named(
    scheduler: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "prompts.jsonl"
    file.write_text('{"prompt": "Tom"}\n{"ids": [1, 99999]}\n', encoding="utf-8")
    assert main(["lens", "--prompts", str(file), "--scheduler", scheduler]) == 2
    assert "line 2: there is no token 99999" in capsys.readouterr().err


def test_work_that_ends_every_worker_is_told() -> None:
    import dask

    options: Any = type("Options", (), {"workers": 1, "scheduler": None})
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        cluster.opened(options) as client,
        pytest.raises(ClusterError, match="enough memory"),
    ):
        list(cluster.in_order(client, os._exit, [(1,)]))


@pytest.mark.parametrize("where", [["--workers", "2"], ["--scheduler", "tcp://127.0.0.1:1"]])
def test_without_the_extra_it_says_what_to_install(
    where: list[str], prompts: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "find_spec", lambda name: None)
    assert main(["lens", "--prompts", prompts, *where]) == 2
    assert "pip install 'gpt2-explorer[cluster]'" in capsys.readouterr().err


def test_a_scheduler_that_is_not_there_or_has_nobody(
    prompts: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_TO_CONNECT", 1)
    assert main(["lens", "--prompts", prompts, "--scheduler", "tcp://127.0.0.1:9"]) == 1
    assert "no scheduler answers at tcp://127.0.0.1:9" in capsys.readouterr().err
    monkeypatch.setattr(cluster, "_TO_CONNECT", 60)
    with distributed.LocalCluster(
        n_workers=0, processes=False, dashboard_address="127.0.0.1:0", silence_logs=50
    ) as empty:
        assert main(["lens", "--prompts", prompts, "--scheduler", empty.scheduler_address]) == 1
    assert "has no workers" in capsys.readouterr().err


def test_one_prompt_is_not_divided(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lens", "Tom", "--workers", "2"]) == 2
    assert "divide a file of prompts" in capsys.readouterr().err


def test_files_of_runs_are_not_written_elsewhere(prompts: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "--prompts", prompts, "-o", "run-{}.safetensors", "--scheduler", "tcp://127.0.0.1:9"]) == 2
    assert "use --workers" in capsys.readouterr().err
