"""The wheel and the sdist that are built from the repository, and the program as they install it."""

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from explorer.teaching.tours import SHIPPED

ROOT = Path(__file__).resolve().parent.parent
MODEL = ("README.md", "config.json", "merges.txt", "model.safetensors", "vocab.json")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the wheel and the sdist."""
    place = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--sdist", "--outdir", str(place), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return place


def test_the_wheel_holds_the_model_and_no_tests(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {f"explorer/assets/stories/{name}" for name in MODEL} <= set(names)
    assert {f"explorer/assets/tours/{name}.toml" for name in SHIPPED} <= set(names)
    assert {"explorer/screen/explorer.tcss", "explorer/__main__.py", "gpt/__init__.py"} <= set(names)
    assert {"explorer/page/assets/page.html", "explorer/page/assets/page.css", "explorer/page/assets/walk.js"} <= set(
        names
    )
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"gpt", "explorer", "gpt2_explorer"}


def test_the_sdist_holds_everything(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"assets/stories/{name}" for name in MODEL} <= names
    assert {f"assets/tours/{name}.toml" for name in SHIPPED} | {"docs/tours.md"} <= names
    assert {"README.md", "LICENSE", "CHANGELOG.md", "pyproject.toml", "tests/test_wheel.py", "gpt/ops.py"} <= names


def test_the_installed_wheel_finds_its_model(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    place = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(place), str(wheel)]
    subprocess.run(command, check=True)
    program = [sys.executable, "-m", "explorer", "generate", "Once upon a time", "--greedy", "--json"]
    environment = os.environ | {"PYTHONPATH": str(place), "PYTHONSAFEPATH": "1"}
    done = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["text"].startswith("Once upon a time, there was a little girl")
    listing = [sys.executable, "-m", "explorer", "tour", "--list"]
    done = subprocess.run(listing, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert all(name in done.stdout for name in SHIPPED)
    where = "import explorer.loading.places; print(explorer.loading.places.embedded())"
    done = subprocess.run(
        [sys.executable, "-c", where], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(place / "explorer" / "assets" / "stories")
