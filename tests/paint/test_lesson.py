"""A lesson as it is painted: all of it at 80x24, within its pane at any size, and its words explained."""

import pytest

from explorer.paint.lesson import lesson
from explorer.teaching.lessons import every_lesson, filled, glossary
from tests.helpers.looking import story, text_of

NARROW = (76, 18)  # the pane at 80x24


def test_every_lesson_stands_whole_at_80x24() -> None:
    here = story()
    here.cursor.go_to_value("blocks.3.attn.hook_pattern")
    for _, name, one in every_lesson():
        found = filled(one, here)
        lines = text_of(lesson(found, None, *NARROW))
        assert len(lines) == NARROW[1]
        words = " ".join(" ".join(lines).split())
        for _, text in found.parts:
            assert text.split()[-1] in words, name
        assert "more lines" not in words, name


@pytest.mark.parametrize("size", [(20, 5), (40, 12), (76, 18), (60, 40)])
def test_it_stays_within_its_pane(size: tuple[int, int]) -> None:
    here = story()
    for _, _, one in every_lesson():
        found = filled(one, here)
        for word in (None, *found.words[:1]):
            lines = text_of(lesson(found, word, *size))
            assert len(lines) <= size[1]
            assert all(len(line) <= size[0] for line in lines)


def test_a_word_is_explained() -> None:
    found = filled(next(one for _, name, one in every_lesson() if name == "qkv"), story())
    lines = text_of(lesson(found, "dot product", *NARROW))
    assert glossary()["dot product"][:40] in " ".join(lines)


@pytest.mark.parametrize("size", [NARROW, (46, 24), (76, 14)])
def test_an_explanation_says_what_goes_on_and_what_it_hides(size: tuple[int, int]) -> None:
    here = story()
    for _, name, one in every_lesson():
        found = filled(one, here)
        assert found.words, name
        for index, word in enumerate(found.words):
            lines = text_of(lesson(found, word, *size))
            following = f"L explains {found.words[index + 1]}" if index + 1 < len(found.words) else "L ends it"
            assert lines[-1].strip() == f"word {index + 1} of {len(found.words)} · {following}"[: size[0]]
            if found.parts[-1][1].split()[-1] not in " ".join(lines):
                assert any("more lines: L past the last word" in line for line in lines), name
