"""The page as a file: small, whole, asking nothing of any network; and what a call may get wrong."""

import base64
import json
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.cli import main
from explorer.page.arrays import TERMS, largest_terms
from explorer.page.packing import KINDS, pack
from explorer.page.rules import rules
from explorer.stages import walk
from tests.helpers.browser import written
from tests.helpers.looking import PROMPT, story


def data_of(page: Path) -> dict[str, Any]:
    """The data that a page carries, without its numbers."""
    packed = re.search(r'id="data">([^<]*)<', page.read_text(encoding="utf-8"))
    assert packed
    unpacked = zlib.decompress(base64.b64decode(packed[1]))
    (length,) = struct.unpack_from("<I", unpacked)
    found: dict[str, Any] = json.loads(unpacked[4 : 4 + length])
    return found


def test_the_walk_of_the_readme_is_small(walk_page: Path) -> None:
    assert walk_page.stat().st_size < 5_000_000


def test_it_names_nothing_on_any_network(walk_page: Path) -> None:
    """No address but those within the page; and a policy that would forbid it."""
    text = re.sub(r'(?<=id="data">)[^<]*', "", walk_page.read_text(encoding="utf-8"))
    assert "default-src 'none'" in text
    assert re.findall(r"https?:|//\w+\.\w|@import|url\(|<link|<img|<iframe|src=|fetch\(|XMLHttp", text) == []
    assert not {"{{title}}", "{{style}}", "{{script}}"} & set(re.findall(r"\{\{\w+\}\}", text))


def test_the_looks_are_those_of_the_screen(walk_page: Path) -> None:
    from explorer.screen import palette
    from explorer.screen.themes import DARK, LIGHT

    text = walk_page.read_text(encoding="utf-8")
    for theme in (DARK, LIGHT):
        for name in ("primary", "secondary", "accent", "success", "warning", "foreground", "background", "panel"):
            assert f"--{name}: {getattr(theme, name)};" in text
        for name, stops in (("share", palette._SHARE), ("above", palette._ABOVE), ("below", palette._BELOW)):
            assert f"--{name}: {' '.join(stops['safe', theme.dark])};" in text


def test_every_activation_of_the_walk_has_a_rule() -> None:
    session = story()
    known = rules(session.config)
    shown = {part.activation for stage in walk(session.config) for part in stage.parts}
    assert shown <= set(known)
    for name, rule in known.items():
        file, _, line = rule["line"].partition(":")
        assert (Path(__file__).parents[2] / file).is_file(), name
        assert int(line.split()[0]) > 1


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_are_packed_and_found_again(kind: str) -> None:
    random = np.random.default_rng(2)
    made = {
        "f4": random.normal(size=(3, 5)),
        "f2": random.integers(-50, 50, (4, 2)) / 8,
        "u2": random.integers(0, 2**16, (7,)).astype(np.uint32),
        "u4": random.integers(2**16, 2**31, (2, 2)).astype(np.uint32),
    }
    entries, counts, numbers = pack(made)
    assert {entry[0] for entry in entries.values()} == set(KINDS)
    start = 0
    for each, count in counts.items():
        width = KINDS[each].itemsize
        planes = np.frombuffer(numbers, np.uint8, count * width, start).reshape(width, count)
        values = planes.T.copy().view(KINDS[each]).ravel()
        if each == kind:
            _, first, shape = entries[kind]
            found = values[first : first + made[kind].size].reshape(shape)
            assert np.array_equal(found, made[kind].astype(KINDS[kind]))
        start += count * width


def test_the_largest_terms_are_the_largest() -> None:
    random = np.random.default_rng(4)
    x, weight = random.normal(size=(3, 9)), random.normal(size=(5, 9))
    places, weights = largest_terms(x, weight)
    for t in range(3):
        for output in range(5):
            order = sorted(range(9), key=lambda i: -abs(x[t, i] * weight[output, i]))[:TERMS]
            assert places[t, output].tolist() == order
            assert weights[t, output].tolist() == weight[output, order].tolist()


def test_a_part_of_the_walk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = written(tmp_path / "part.html", PROMPT, "--from", "block 2 pattern head 1 token 3", "--to", "block 3")
    assert "block-2-pattern" in json.dumps(data_of(page))
    (run,) = data_of(page)["runs"]
    between = [stage.place for stage in walk(story().config)]
    first, last = between.index("block 2 · pattern"), between.index("block 3 · + residual (MLP)")
    assert [stage["title"] for stage in run["stages"]] == [
        stage.title for stage in walk(story().config)[first : last + 1]
    ]
    assert data_of(page)["start"] == {"run": 0, "stage": 0, "position": 3, "head": 1}
    assert f"{last - first + 1} steps of 11 tokens" in capsys.readouterr().out


def test_a_tour_brings_its_prompt_and_runs(tour_page: Path) -> None:
    data = data_of(tour_page)
    assert [run["text"] for run in data["runs"]] == [PROMPT, "Lily and Tom went to the park. Lily said to", PROMPT]
    assert [bool(run["edits"]) for run in data["runs"]] == [False, False, True]
    assert [stage["anchor"] for stage in data["runs"][2]["stages"]] == ["block-5-pattern"]
    assert [stop["place"]["run"] for stop in data["tour"]["stops"]] == [0, 1, 2]


def test_with_a_prompt_of_its_own_the_walk_is_that(tmp_path: Path) -> None:
    data = data_of(written(tmp_path / "both.html", "Once upon a time", "--tour", "sampling", "--from", "draw"))
    assert data["runs"][0]["text"] == "Once upon a time"
    assert data["runs"][1]["text"] == "Once upon a time there was a little"
    temperatures = {run["ledgers"][-1]["temperature"] for run in data["runs"][1:] if "ledgers" in run}
    assert len(temperatures) > 2


def test_the_settings_are_those_of_the_call(tmp_path: Path) -> None:
    words = ("Once upon", "--bos", "--temperature", "0.5", "--top-k", "3", "--top-p", "0.9", "--seed", "7")
    (run,) = data_of(written(tmp_path / "page.html", *words, "--from", "draw"))["runs"]
    assert run["ids"][0] == story().config.end_tokens[0]
    ledger = run["ledgers"][-1]
    assert [ledger[key] for key in ("temperature", "top_k", "top_p", "seed")] == [0.5, 3, 0.9, 7]
    assert ledger["stay"] <= 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([PROMPT, "--from", "blokc 2"], "is no place here"),
        ([PROMPT, "--from", "block 6"], "there is no block 6"),
        ([PROMPT, "--from", "block 3", "--to", "block 2"], "--from is behind --to"),
        ([PROMPT, "--edit", "head 3.3"], "is no edit"),
        ([PROMPT, "--tour", "nowhere"], "there is no tour"),
        (["--tour", "heads", "--edit", "head 3.3: zero"], "give one"),
        ([], "there is no prompt"),
    ],
)
def test_a_wrong_call_is_told_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    place = tmp_path / "page.html"
    assert main(["export", *words, "-o", str(place)]) == 2
    assert message in capsys.readouterr().err
    assert not place.exists()


def test_a_file_that_cannot_be_written_is_said_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", PROMPT, "-o", str(tmp_path / "none" / "page.html")]) == 1
    assert "there is no folder" in capsys.readouterr().err


def test_a_run_beyond_numbers_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["export", "Once", "--edit", "mlp 2: scale 1e308", "-o", str(tmp_path / "page.html")]
    assert main(words) in (1, 2)
    assert "infinite or undefined" in capsys.readouterr().err
