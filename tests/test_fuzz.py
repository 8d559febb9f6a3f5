"""The fuzzer itself: it counts, finds what is planted, and repeats it; and a few cases of every campaign."""

import random
from pathlib import Path

import pytest

from tests.fuzz import __main__ as fuzz
from tests.fuzz import hostile
from tests.fuzz.campaign import Campaign

CHEAP = [name for name in fuzz.CAMPAIGNS if name not in ("keys", "terminal")]


@pytest.mark.parametrize("name", CHEAP)
def test_a_few_cases_of_each(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz.main(["--only", name, "--cases", "10"]) == 0, capsys.readouterr().err
    assert f"{name:<16} {10:>8} cases     0 findings" in capsys.readouterr().out


def test_keys_and_mouse(capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz.main(["--only", "keys", "--cases", "60"]) == 0, capsys.readouterr().err


def planted(dice: random.Random, folder: Path) -> int:
    assert folder.is_dir()
    (folder / "file").write_text("x")
    assert dice.randrange(10), "the planted one"
    return 3


def test_what_is_planted_is_found_and_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fuzz, "CAMPAIGNS", {"planted": planted})
    assert fuzz.main(["--only", "planted", "--cases", "300", "--seed", "5"]) == 1
    out, error = capsys.readouterr()
    call = next(line for line in error.splitlines() if line.startswith("python -m tests.fuzz"))
    assert "AssertionError: the planted one" in error
    assert fuzz.main(call.split()[3:]) == 1
    assert call in capsys.readouterr().err
    assert "planted" in out


def test_the_same_case_is_drawn_whatever_ran_before() -> None:
    def draws(numbers: list[int]) -> list[float]:
        seen: list[float] = []

        def case(dice: random.Random, folder: Path) -> int:
            seen.append(dice.random())
            return 1

        campaign = Campaign("x", case)
        for number in numbers:
            campaign.run(0, number)
        return seen

    assert draws([4, 5])[1] == draws([1, 2, 5])[2]
    assert len(set(draws([1, 2, 3]))) == 3


def test_what_may_reach_a_terminal() -> None:
    hostile.check_printable("a b\n\t漢字 👩\u200d👩 ␛[2J ‹9b›")
    for said in ("\x1b", "\r", "\x9b", "\u202e", "\ud800", "\x00", "\u2028"):
        with pytest.raises(AssertionError):
            hostile.check_printable(said)
