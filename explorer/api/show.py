"""The pictures of the walk outside the screen: SVG for a notebook, plain text for print."""

from pathlib import Path
from typing import TYPE_CHECKING

from explorer.api.asked import place_of
from explorer.api.why import session_of
from explorer.errors import UsageError
from explorer.files import replacing
from explorer.paint.pictures import picture
from explorer.paint.spans import MARK, SHARE_LEVELS, SIGNED_LEVELS, Line, length
from explorer.stages import walk

if TYPE_CHECKING:
    from rich.style import Style

    from explorer.api.run import Run

_CELLS, _HEIGHT = 110, 40
_GROUND, _INK = (250, 250, 250), "#202020"
_SHARE, _UP, _DOWN = (33, 102, 172), (178, 24, 43), (33, 102, 172)
_WORDS = {"dim": "#707070", "accent": "bold #205090", "here": "bold #ffffff on #b8860b", "here-text": "bold #8a6400"}
_SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {terminal_width} {terminal_height}" \
width="{terminal_width}"><style>.{unique_id}-matrix {{ font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; \
font-size: {char_height}px; line-height: {line_height}px; white-space: pre; }} {styles}</style><defs>\
<clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />\
</clipPath>{lines}</defs>{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></svg>"""


class Picture:
    """Painted lines. A notebook shows them as SVG; `print` shows the text."""

    def __init__(self, lines: list[Line], title: str) -> None:
        self.lines, self.title = lines, title

    def __str__(self) -> str:
        return "\n".join("".join(span.text for span in line).rstrip() for line in self.lines)

    def __repr__(self) -> str:
        return f"<picture of {self.title}: print() shows its text, a notebook the picture>"

    def _repr_svg_(self) -> str:
        return self.svg()

    def svg(self) -> str:
        """The picture as SVG, with no font and no other file to fetch."""
        from io import StringIO

        from rich.console import Console
        from rich.terminal_theme import TerminalTheme
        from rich.text import Text

        cells = max((length(line) for line in self.lines), default=1)
        console = Console(width=cells, record=True, file=StringIO(), force_terminal=True, color_system="truecolor")
        for line in self.lines:
            text = Text()
            for span in line:
                text.append(span.text, _style(span.style))
            console.print(text, no_wrap=True, overflow="crop")
        theme = TerminalTheme((255, 255, 255), (32, 32, 32), [(0, 0, 0)] * 8)
        return console.export_svg(title=self.title, theme=theme, code_format=_SVG, unique_id="gpt-explorer")

    def save(self, path: str | Path) -> None:
        """Write the SVG; WriteError, and what was there stays, if it cannot be written."""
        with replacing(Path(path)) as part:
            part.write_text(self.svg(), encoding="utf-8")


def show(run: "Run", stage: str, layer: int | None, head: int, position: int) -> Picture:
    """The picture of a stage, by its name ("pattern", "q", "resid_post") and its block."""
    stages = walk(run.trace.config)
    names = list(dict.fromkeys(each.local_id for each in stages))
    if stage not in names:
        from explorer.provenance.names import similar

        raise UsageError(f"there is no stage {stage!r}: {similar(stage, names)}")
    fitting = [place for place, each in enumerate(stages) if each.local_id == stage]
    if len(fitting) > 1:
        fitting = [place for place in fitting if stages[place].layer == (0 if layer is None else layer)]
    if not fitting:
        raise UsageError(f"there is no block {layer}: they go from 0 to {run.trace.config.n_layer - 1}.")
    if not 0 <= head < run.trace.config.n_head:
        raise UsageError(f"there is no head {head}: they go from 0 to {run.trace.config.n_head - 1}.")
    session = session_of(run)
    session.cursor.go_to_stage(fitting[0])
    session.cursor.go_to_head(head)
    session.cursor.go_to_position(place_of(run, position))
    return Picture(picture(session, _CELLS, _HEIGHT, False), f"{session.stage.title} of {run.text!r}")


def _style(name: str) -> "Style":
    from rich.color import Color
    from rich.style import Style

    scale, _, levels = name.removesuffix(MARK).partition(":")
    name = name.removesuffix(MARK)
    if not levels:
        return Style.parse(_WORDS.get(name, _INK))
    level = int(levels.partition("/")[0])
    if scale == "share":
        colour, strength = _SHARE, level / SHARE_LEVELS
    else:
        colour, strength = (_UP if level > 0 else _DOWN), abs(level) / SIGNED_LEVELS
    mixed = [round(ground + (full - ground) * strength) for ground, full in zip(_GROUND, colour)]
    return Style(color="#ffffff" if strength > 0.5 else _INK, bgcolor=Color.from_rgb(*mixed))
