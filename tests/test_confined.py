"""The folder that random tests write in: nothing gets out of it."""

import os
import sys
from pathlib import Path

import pytest

from explorer.errors import WriteError
from explorer.files import replacing, write_new
from tests.helpers.confined import confined


@pytest.mark.skipif(sys.platform == "win32", reason="links and devices as POSIX has them")
def test_files_are_written_in_the_folder_alone(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "old").write_text("old")
    (inside / "link").symlink_to(outside)
    with confined(inside):
        Path("here").write_text("x")
        os.rename("here", "there")
        with open(os.devnull, "w") as nowhere:
            nowhere.write("x")
        for path in (outside / "new", Path("../outside/new"), Path("link/new"), outside / "old"):
            with pytest.raises(PermissionError):
                path.write_text("x")
            with pytest.raises(WriteError), replacing(path) as part:
                part.write_text("x")
            with pytest.raises(WriteError):
                write_new(path, b"x")
        for change in (outside.rmdir, (outside / "old").unlink, (outside / "folder").mkdir):
            with pytest.raises(PermissionError):
                change()
        with pytest.raises(PermissionError):
            os.rename("there", outside / "there")
        with pytest.raises(PermissionError):
            os.open("/dev/tty", os.O_RDONLY)
        assert (outside / "old").read_text() == "old", "reading is allowed"
    assert [each.name for each in outside.iterdir()] == ["old"]
    assert sorted(each.name for each in inside.iterdir()) == ["link", "there"]
    (outside / "new").write_text("allowed again")
    assert Path.cwd() != inside
