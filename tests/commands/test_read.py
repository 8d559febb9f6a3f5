"""The walk in sentences: every stage in turn, its numbers those of the run, nothing that a voice cannot say."""

import pytest

from explorer.cli import main
from explorer.stages import walk
from explorer.teaching.reading import spoken
from tests.helpers.looking import PROMPT, story


def read(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert main(["read", PROMPT, *words]) == 0
    return capsys.readouterr().out.splitlines()


def test_every_stage_of_a_block_is_read_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    lines = read(capsys, "--block", "2")
    titles = [stage.title for stage in walk(story().config) if stage.layer == 2]
    assert [
        line.removeprefix("Block 2, ").partition(". ")[0] for line in lines if line.startswith("Block 2, ")
    ] == titles


def test_the_largest_weights_are_those_of_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    row = story().run.value("blocks.5.attn.hook_pattern")[2][10]
    (words,) = (
        line
        for line in read(capsys, "--block", "5", "--head", "2", "--stage", "pattern")
        if "The largest" in line and "of 11" in line
    )
    most = row.index(max(row))
    assert f": {story().labels()[most]} at position {most}, {max(row):.3f};" in words


def test_signs_are_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert spoken("2.5 · −3 − 1 + … 29 more") == "2.5 times minus 3 minus 1 plus 29 more"
    assert not any("−" in line for line in read(capsys, "--stage", "raw", "--block", "1"))


def test_the_glossary_comes_last(capsys: pytest.CaptureFixture[str]) -> None:
    lines = read(capsys, "--stage", "tokens", "--glossary")
    assert any(line.startswith("Residual stream: ") for line in lines[lines.index("Glossary") :])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--stage", "tokns"], "no stage 'tokns'"),
        (["--block", "6"], "no block 6"),
        (["--head", "6"], "no head 6"),
        (["--position", "11"], "no position 11"),
    ],
)
def test_what_is_not_there_is_said(capsys: pytest.CaptureFixture[str], words: list[str], message: str) -> None:
    assert main(["read", PROMPT, *words]) == 2
    assert message in capsys.readouterr().err
