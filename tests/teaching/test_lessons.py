"""Every stage, view and tool has a lesson that fits a screen, and its numbers are those of the run."""

import textwrap

import pytest

from explorer.stages import walk
from explorer.teaching.expressions import UNKNOWN, fill
from explorer.teaching.here import Here
from explorer.teaching.lessons import every_lesson, filled, glossary, lesson, lesson_of_stage, links, plain
from explorer.views.views import ALL
from tests.helpers.looking import hostile, story, without_weights

LINES, CELLS = 20, 70  # of a pane at 80x24, beside the headings


def test_every_stage_and_view_has_a_lesson_and_nothing_else_has() -> None:
    named = {kind: {name for of, name, _ in every_lesson() if of == kind} for kind in ("stage", "view", "tool")}
    assert named["stage"] == {stage.local_id for stage in walk(story().config)}
    assert named["view"] == set(ALL)


@pytest.mark.parametrize("head", [0, 5])
def test_a_lesson_fits_a_small_screen_and_all_its_numbers_are_there(head: int) -> None:
    here = story()
    here.cursor.go_to_position(len(here.ids) - 1)
    for index, stage in enumerate(here.cursor.stages):
        here.cursor.go_to_stage(index)
        here.cursor.go_to_head(head)
        found = filled(lesson_of_stage(stage), here)
        lines = sum(len(textwrap.wrap(text, CELLS)) for _, text in found.parts)
        assert lines <= LINES, stage.id
        assert not any(UNKNOWN in text.replace("… ", "") for _, text in found.parts), stage.id


def test_lessons_of_views_and_tools_are_filled() -> None:
    here = story()
    here.cursor.go_to_value("blocks.2.attn.hook_pattern")
    for kind, name, one in every_lesson():
        if kind != "stage":
            assert all(text for _, text in filled(one, here).parts), name


def test_a_number_of_a_lesson_is_that_of_the_run() -> None:
    here = story()
    here.cursor.go_to_value("blocks.5.attn.hook_pattern")
    here.cursor.go_to_position(10)
    here.cursor.go_to_head(2)
    pattern = here.run.value("blocks.5.attn.hook_pattern")[2][10]
    words = dict(filled(lesson("stage", "pattern"), here).parts)["here"]
    assert f"{max(pattern):.0%}" in words
    assert here.labels()[pattern.index(max(pattern))] in words


def test_strange_models_and_recorded_runs_have_lessons_too() -> None:
    for here in (hostile(1), hostile(5, n_layer=1, n_head=1), without_weights()):
        for index, stage in enumerate(here.cursor.stages):
            here.cursor.go_to_stage(index)
            assert filled(lesson_of_stage(stage), here).title


def test_every_word_that_is_marked_is_explained() -> None:
    marked = {word for _, _, one in every_lesson() for text in one.parts.values() for word in links(text)}
    assert marked <= set(glossary())
    assert "token" in marked


def test_marks() -> None:
    assert links("two [heads|head], a [Token]") == ["head", "token"]
    assert plain("two [heads|head]") == "two heads"


def test_the_glossary_has_no_holes() -> None:
    here = Here(story())
    assert all(fill(meaning, here) == meaning for meaning in glossary().values())
