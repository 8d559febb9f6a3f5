"""The lesson and the stage on the screen: they follow the walk, and hide what is to be hidden."""

from explorer.screen.dialogs.ask import AskDialog
from explorer.teaching.lessons import lesson
from tests.helpers.pilot import click, opened, press, text


async def test_the_lesson_follows_the_walk_and_explains_its_words() -> None:
    async with opened(size=(80, 24)) as (pilot, screen):
        await press(pilot, "l")
        assert lesson("stage", "tokens").title in text(screen, "lesson")[0]
        await press(pilot, "right")
        assert lesson("stage", "embed").title in text(screen, "lesson")[0]
        await press(pilot, "L")
        assert any(line.startswith("embedding: ") for line in text(screen, "lesson"))
        await press(pilot, "L", "L")
        await click(pilot, "lesson", ("word", 1))
        assert any(line.startswith("vector: ") for line in text(screen, "lesson"))
        await press(pilot, "l")
        assert screen.query_one("#picture").display


async def test_views_and_tools_have_lessons_of_their_own() -> None:
    async with opened() as (pilot, screen):
        await press(pilot, "l", "2")
        assert lesson("view", "lens").title in text(screen, "lesson")[0]
        await press(pilot, "2", "end", "enter")
        assert lesson("tool", "why").title in text(screen, "lesson")[0]
        await press(pilot, "i")
        assert lesson("tool", "code").title in text(screen, "lesson")[0]


async def test_on_the_stage_the_walk_goes_on_and_the_prediction_waits() -> None:
    async with opened(size=(80, 24)) as (pilot, screen):
        await press(pilot, "p", "end", "left", "left")
        session = screen.ready
        assert session
        answer = session.label(session.trace.order(len(session.ids) - 1)[0])
        shown = "\n".join(text(screen, "talk"))
        assert "?????" in shown
        assert "logits" in shown
        await press(pilot, "space")
        assert answer in "\n".join(text(screen, "talk"))
        await press(pilot, "0")
        assert "?????" in "\n".join(text(screen, "talk"))
        assert session.cursor.stage_index == 0
        await press(pilot, "escape")
        assert not screen.query_one("#talk").display
        assert screen.query_one("#picture").display


async def test_a_guess_is_typed_on_the_stage() -> None:
    async with opened(size=(80, 24)) as (pilot, screen):
        await press(pilot, "p", "g")
        assert isinstance(pilot.app.screen, AskDialog)
        await press(pilot, *"dog", "enter")
        assert any("dog" in line for line in text(screen, "talk"))
        await press(pilot, "escape", "p")
        assert any("dog" in line for line in text(screen, "talk"))
