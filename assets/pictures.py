"""Draws the README's pictures: the real screen, on the embedded model, saved as SVG.

python assets/pictures.py
"""

import asyncio
import re
from pathlib import Path

from explorer.loading.checkpoints import open_checkpoint
from explorer.screen.app import ExplorerApp
from explorer.screen.main.screen import MainScreen
from explorer.walk.on_screen import wanted_lenses
from explorer.walk.session import Session
from gpt import Sampling

HERE = Path(__file__).resolve().parent
SIZE = (120, 36)
LITTLE, LILY = "Once upon a time there was a little", "Tom and Lily went to the park. Tom said to"
PICTURES = {  # name -> prompt, theme, keys
    "pattern": (LITTLE, "explorer-dark", "down down down right right right right right h h h shift+right*3"),
    "draw": (LITTLE, "explorer-light", "end"),
    "why": (LILY, "explorer-dark", "end left left enter down down"),
    "path": (LILY, "explorer-dark", "end left left enter f down*4"),
    "code": (LILY, "explorer-dark", "down*3 right*5 i right*6 down*2"),
    "lens": (LILY, "explorer-light", "2"),
    "flow": (LILY, "explorer-dark", "5"),
    "sweep": (LILY, "explorer-dark", "w"),
    "forgets": (LILY, "explorer-dark", "w enter down*6 right*5 h h"),
}


async def draw(name: str, prompt: str, theme: str, keys: str) -> None:
    """Open the app at that size, wait until all is computed, press the keys, save what is on the screen."""
    checkpoint = open_checkpoint()
    session = Session(checkpoint.load(), checkpoint.tokenizer, Sampling(0.8, 40), seed=42)
    app = ExplorerApp(lambda progress: session, prompt, checkpoint.name)
    async with app.run_test(size=SIZE) as pilot:
        app.theme = theme
        await pilot.pause()
        while not session.ids or session.computing:
            await pilot.pause(0.05)
        for key in keys.split():
            key, _, times = key.partition("*")
            await pilot.press(*[key] * int(times or 1))
            while any(not worker.is_finished for worker in app.workers):  # one may be cancelled by the next
                await pilot.pause(0.02)
        while session.computing or wanted_lenses(session):
            await pilot.pause(0.05)
        assert isinstance(app.screen, MainScreen)
        app.screen.show_status(" ")  # how long it took is another number on every machine
        await pilot.pause()
        svg = app.export_screenshot(title="gpt-explorer")
    # no font from elsewhere: a viewer has a monospaced one of its own
    svg = re.sub(r"@font-face\s*\{.*?\}", "", svg, flags=re.DOTALL)
    (HERE / f"{name}.svg").write_text(re.sub(r"[ \t]+\n", "\n", svg), encoding="utf-8")


if __name__ == "__main__":
    for picture, (prompt, theme, keys) in PICTURES.items():
        asyncio.run(draw(picture, prompt, theme, keys))
