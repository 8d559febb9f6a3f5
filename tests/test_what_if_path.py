"""The worked example in docs/what-if.md, walked on the screen: its numbers are those that stand there."""

import re
from pathlib import Path

from explorer.walk.session import Session
from gpt import Sampling
from tests.helpers.models import embedded
from tests.helpers.pilot import computed, opened, press, text, until

PAGE = (Path(__file__).parent.parent / "docs/what-if.md").read_text(encoding="utf-8")
EXAMPLE = " ".join(PAGE.partition("## Without the screen")[0].split())
PROMPT = "Tom and Lily went to the park. Tom said to"


def shares(screen) -> dict[str, str]:  # type: ignore[no-untyped-def]
    """At the end: the likeliest tokens with their probabilities, as the pane shows them."""
    lines = text(screen, "next")
    start = next(i for i, line in enumerate(lines) if line.startswith("at the end"))
    rows = [re.match(r"(\S+) .*?([\d.]+)%", line) for line in lines[start + 1 :]]
    return {row[1]: row[2] for row in rows if row}


async def test_the_head_without_which_it_forgets_the_name() -> None:
    model, checkpoint = embedded()
    async with opened(Session(model, checkpoint.tokenizer, Sampling(0.8, 40), 42), (120, 36), PROMPT) as (
        pilot,
        screen,
    ):
        await computed(pilot)
        before = shares(screen)
        assert f"with {before['·Lily']} %" in EXAMPLE

        await press(pilot, "w")
        await until(pilot, lambda: "most:" in "".join(text(screen, "view")) and "stops" not in text(screen, "view")[0])
        swept = " ".join(text(screen, "view"))
        for head in ("3.3", "5.2"):
            points = re.search(rf"head {head} −([\d.]+)", swept)
            assert points
            assert points[1] in EXAMPLE

        assert "head 3.3" in " ".join(text(screen, "number")), "the cursor is on the largest effect"
        await press(pilot, "enter")
        await until(pilot, lambda: "edited" in text(screen, "header")[0] and "·the" in list(shares(screen))[:1])
        await computed(pilot)
        after = shares(screen)
        assert f"({after['·the']} %)" in EXAMPLE
        assert f"has {after['·Lily']} %" in EXAMPLE
        assert f"from {before['·Tom']} % to {after['·Tom']} %" in EXAMPLE

        await press(pilot, *["down"] * 6, *["right"] * 5, "h", "h")
        assert screen.session
        assert screen.session.stage.id == "blocks.5.pattern"
        assert "looks most at Tom (0.45)" in " ".join(text(screen, "picture"))
        pattern = screen.session.trace.matrix("blocks.5.attn.hook_pattern", 2)[-1]
        assert f'({pattern[0]:.2f}), and to " Lily" less ({pattern[2]:.2f})' in EXAMPLE

        await press(pilot, "X")
        await until(pilot, lambda: "looks most at ·Lily (0.70)" in " ".join(text(screen, "picture")))
        assert 'Lily" has 0.70 again' in EXAMPLE
        await press(pilot, "up", "up", "h")
        assert screen.session.stage.id == "blocks.3.pattern"
        assert screen.session.cursor.head == 3
        assert "looks most at ·Tom (0.81)" in " ".join(text(screen, "picture"))
        assert "(0.81)" in EXAMPLE
