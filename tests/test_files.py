"""Files are written whole or not at all, into what the path names, and into nothing but regular files."""

import errno
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

from explorer.cli import main
from explorer.errors import WriteError
from explorer.files import check, replacing

on_posix = pytest.mark.skipif(sys.platform == "win32", reason="modes, pipes and umasks are POSIX")


def put(path: Path, text: str = "new") -> None:
    with replacing(path) as part:
        part.write_text(text)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def test_a_new_file_is_all_that_is_there(tmp_path: Path) -> None:
    put(tmp_path / "run")
    assert (tmp_path / "run").read_text() == "new"
    assert os.listdir(tmp_path) == ["run"]


@on_posix
@pytest.mark.parametrize(("mask", "expected"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_respects_the_umask(tmp_path: Path, mask: int, expected: int) -> None:
    with umask(mask):
        put(tmp_path / "run")
    assert mode(tmp_path / "run") == expected


@on_posix
@pytest.mark.parametrize("before", [0o600, 0o640, 0o666, 0o755])
def test_an_old_file_keeps_its_mode(tmp_path: Path, before: int) -> None:
    file = tmp_path / "run"
    file.write_text("old")
    file.chmod(before)
    put(file)
    assert file.read_text() == "new"
    assert mode(file) == before


@on_posix
def test_links_are_followed(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "run").write_text("old")
    (tmp_path / "second").symlink_to(folder / "run")
    (tmp_path / "first").symlink_to("second")
    put(tmp_path / "first")
    assert (tmp_path / "first").is_symlink()
    assert (tmp_path / "second").is_symlink()
    assert (folder / "run").read_text() == "new"
    assert not (folder / "run").is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["first", "folder", "second"]


@on_posix
def test_a_link_to_nothing_yet_makes_what_it_names(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "run")
    put(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "run").read_text() == "new"


@on_posix
def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(WriteError, match="cannot be written"):
        put(tmp_path / "a")
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match=r"it is a folder\. Name a file"):
        put(tmp_path)
    assert os.listdir(tmp_path) == []


@on_posix
def test_pipes_and_sockets_are_refused_and_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        for name in ("pipe", "socket"):
            with pytest.raises(WriteError, match=f"it is a {name}"):
                put(Path(name))
    assert stat.S_ISFIFO(os.stat("pipe").st_mode)
    assert stat.S_ISSOCK(os.stat("socket").st_mode)
    assert sorted(os.listdir()) == ["pipe", "socket"]


@pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFBLK])
def test_devices_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: int) -> None:
    file, real = tmp_path / "device", os.stat
    file.write_text("old")

    def fake(path: Any, *arguments: Any, **options: Any) -> os.stat_result:
        found = real(path, *arguments, **options)
        return os.stat_result((kind | 0o666, *found[1:])) if Path(path) == file else found

    monkeypatch.setattr("os.stat", fake)
    with pytest.raises(WriteError, match="it is a device"):
        put(file)
    monkeypatch.undo()
    assert file.read_text() == "old"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match=r"there is no folder .*no\. Make it first") as caught:
        check(tmp_path / "no" / "run")
    assert str(tmp_path / "no" / "run") in str(caught.value)


def test_a_write_protected_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "run"
    file.write_text("old")
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != file)  # a superuser may write to any
    with pytest.raises(WriteError, match="it is write-protected"):
        put(file)
    assert file.read_text() == "old"


def test_a_folder_that_allows_no_new_files_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "run"
    file.write_text("old")

    def refuse(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("os.open", refuse)
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) == file)
    with pytest.raises(WriteError, match=r"does not allow new files\. Name a file in another folder"):
        put(file)
    monkeypatch.undo()
    assert file.read_text() == "old"
    assert os.listdir(tmp_path) == ["run"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt(), ValueError()])
def test_what_is_broken_off_leaves_the_old_file(tmp_path: Path, error: BaseException) -> None:
    file = tmp_path / "run"
    file.write_text("old")
    with pytest.raises(BaseException) as caught, replacing(file) as part:  # noqa: PT011, PT012 - of any kind
        part.write_text("half of it")
        raise error
    if isinstance(error, OSError):
        assert str(caught.value) == f"{file} cannot be written: No space left on device."
    else:
        assert caught.value is error
    assert file.read_text() == "old"
    assert os.listdir(tmp_path) == ["run"]


@on_posix
def test_a_trace_that_finds_no_room_leaves_the_old_one(tmp_path: Path) -> None:
    file = tmp_path / "run.safetensors"
    file.write_text("old")
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)); "
        "from explorer.cli import main; sys.exit(main(['trace', 'Once upon', '-o', sys.argv[1]]))"
    )
    done = subprocess.run([sys.executable, "-c", limited, file], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert file.read_text() == "old"
    assert os.listdir(tmp_path) == [file.name]


@on_posix
def test_a_trace_goes_where_the_link_leads_with_the_mode_it_had(tmp_path: Path) -> None:
    file, link = tmp_path / "run.safetensors", tmp_path / "link"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    assert main(["trace", "Once upon", "-o", str(link), "--only", "hook_embed"]) == 0
    assert link.is_symlink()
    assert mode(file) == 0o640
    assert set(load_file(file)) == {"hook_embed"}


@on_posix
def test_a_trace_refuses_a_pipe_before_it_computes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr("explorer.commands.headless.open_model", lambda options: pytest.fail("it loads the model"))
    assert main(["trace", "Once upon", "-o", str(tmp_path / "pipe")]) == 1
    assert "it is a pipe. Name a file" in capsys.readouterr().err
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_working_directory_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()  # Windows would not allow it
    with pytest.raises(WriteError, match="cannot be written"), replacing(Path("x")):
        raise AssertionError("there is no place for it")


@pytest.mark.parametrize("name", ["run/", ""])
def test_the_name_of_a_folder_is_no_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["trace", "x", "-o", name])
    assert ended.value.code == 2
    assert not list(tmp_path.iterdir())
