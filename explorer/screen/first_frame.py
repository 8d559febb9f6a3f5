"""The first frame: the program's name, the model's, and the prompt, where the screen will show them."""

from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from explorer.terminal.glyphs import one_line


class FirstFrame(Screen[None]):
    """Shown while the screen is imported. Nothing on it answers."""

    AUTO_FOCUS = ""

    def __init__(self, prompt: str, model_name: str) -> None:
        super().__init__()
        self._words = one_line(model_name), one_line(prompt)

    def compose(self) -> ComposeResult:
        name, prompt = self._words
        brand = (" ✦ GPT Explorer ", "bold reverse $primary")
        yield Static(Content.assemble(brand, (f"  {name}", "bold"), "   opening …"), id="header", markup=False)
        yield Static(Content(prompt), id="prompt", markup=False)
