"""Text of tokens and prompts: no control or format character gets through, and cells are counted as Rich does."""

import math
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from explorer.terminal.text import counted, fit, number, printable, visible, width

# Any character at all, and more often those that make trouble: escapes, marks, joiners, overrides, wide ones, halves.
TRICKY = (
    "a é漢👩👍🏽🇩🇪❤가\u1100\u1161\u11a8…\u3000\u200d\ufe0f\u0301\u0488\u093e\u202e\u2066\u2028\ufeff\ue000"
    "\x1b[]\\\n\r\t\x00\x7f\x9b\x85\xad\ud800\udcff\udc80"
)
TEXTS = st.text(st.one_of(st.characters(), st.sampled_from(TRICKY)))
INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def categories(text: str) -> set[str]:
    return {unicodedata.category(character) for character in text}


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        (b" it\n", "·it⏎"),
        (b"\t\r", "⇥␍"),
        (b"\x00\x1b[31m\x07", "␀␛[31m␇"),
        (b"\x7f", "␡"),
        (b"[bold]\\[/]", "[bold]\\[/]"),
        (b"\xe2\x80", "‹e2›‹80›"),
        (b"\xffa", "‹ff›a"),
        (b"\xc3\xa9", "é"),
        ("e\u0301", "e‹301›"),
        ("\u202egnp", "‹202e›gnp"),
        ("\x9b2J", "‹9b›2J"),
        ("\xa0\u3000\u200b\u2028\ufeff", "⍽‹3000›‹200b›‹2028›‹feff›"),
        ("👩\u200d👩", "👩‹200d›👩"),
        ("漢字", "漢字"),
        (b"", ""),
    ],
)
def test_what_is_shown_of_a_token(token: bytes | str, shown: str) -> None:
    assert visible(token) == shown


def test_running_text_keeps_its_spaces_and_lines() -> None:
    assert printable("a b\n\tc\x1b[0m\r\u202ed") == "a b\n\tc␛[0m␍‹202e›d"


def test_running_text_keeps_the_joiner_that_makes_one_picture_of_several() -> None:
    assert printable("👩\u200d👩") == "👩\u200d👩"
    assert visible("👩\u200d👩") == "👩‹200d›👩", "in a token each is shown by itself"


@given(TEXTS)
@example("\u200d")
def test_nothing_visible_moves_the_cursor_or_turns_the_line_around(text: str) -> None:
    assert not categories(visible(text)) & (INVISIBLE | {"Mn", "Me", "Mc", "Co", "Cn", "Zs"})
    blanks_and_joiners = dict.fromkeys(map(ord, "\n\t\u200d"))
    assert not categories(printable(text).translate(blanks_and_joiners)) & INVISIBLE


@given(st.binary())
def test_any_bytes_can_be_shown(token: bytes) -> None:
    shown = visible(token)
    assert not categories(shown) & INVISIBLE
    assert bool(shown) == bool(token)


@given(TEXTS)
def test_what_is_visible_stays_as_wide_when_it_is_put_between_others(text: str) -> None:
    shown = visible(text)
    assert width(shown) == cell_len(shown) == sum(map(cell_len, shown))
    assert cell_len(f"…{shown}…") == width(shown) + 2


@given(TEXTS, st.integers(-2, 30), st.sampled_from("<>"), st.sampled_from(["…", ""]))
@example("漢字", 2, "<", "…")
@example("漢字", 3, ">", "")
def test_fit_gives_exactly_so_many_cells(text: str, cells: int, align: str, mark: str) -> None:
    assert cell_len(fit(text, cells, align, mark)) == max(0, cells)
    assert cell_len(fit(visible(text), cells, align, mark)) == max(0, cells)


@given(TEXTS, st.integers(1, 30))
def test_fit_keeps_the_beginning_and_says_what_it_cuts(text: str, cells: int) -> None:
    shown = visible(text)
    fitted = fit(shown, cells)
    if width(shown) <= cells:
        assert fitted == shown + " " * (cells - width(shown))
        assert fit(shown, cells, ">") == " " * (cells - width(shown)) + shown
    else:
        assert fitted.endswith("…")
        assert shown.startswith(fitted[:-1].rstrip(" "))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-0.01234, "−0.012"),
        (1.0, "+1.000"),
        (0.0, "+0.000"),
        (99999.0, "+99999.000"),
        (123456.0, "+1.2e+05"),
        (-1e30, "−1.0e+30"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (math.nan, "NaN"),
    ],
)
def test_numbers_in_a_few_characters(value: float, shown: str) -> None:
    assert number(value) == shown


@given(st.floats(-1e5, 1e5, exclude_max=True, exclude_min=True), st.integers(0, 6))
def test_a_number_reads_as_what_it_is(value: float, digits: int) -> None:
    shown = number(value, digits)
    assert float(shown.replace("−", "-")) == pytest.approx(value, abs=0.5 * 10.0**-digits + 1e-9)
    assert shown.removeprefix("+") == number(value, digits, plus="")


def test_a_number_and_its_noun() -> None:
    assert [counted(count, "token") for count in (0, 1, 2)] == ["0 tokens", "1 token", "2 tokens"]
