"""Lines of coloured cells as a picture that needs no other file: SVG, and PNG made from it."""

import re
from collections.abc import Sequence
from html import escape, unescape
from io import StringIO
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment, Segments
from rich.terminal_theme import TerminalTheme

from explorer.errors import WriteError

if TYPE_CHECKING:
    from rich.color_triplet import ColorTriplet

FONTS = "'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', 'Courier New', monospace"

_MARGIN = 8
_SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="-{margin} -{margin} {box_width} {box_height}" \
width="{box_width}" height="{box_height}">
<title>{{unique_id}}</title>
<rect x="-{margin}" y="-{margin}" width="{box_width}" height="{box_height}" fill="{ground}"/>
<style>.s-matrix {{{{ font-family: {fonts}; font-size: {{char_height}}px; white-space: pre; }}}}
{{styles}}</style>
<defs>{{lines}}</defs>
{{backgrounds}}
<g class="s-matrix">{{matrix}}</g>
</svg>
"""
_ASPECT = 0.602  # the width of a character over its height in those fonts
_HEIGHT = 20  # of a character, as rich has it
_TEXT = re.compile(r'<text ([^>]*)textLength="[^"]*"([^>]*)>([^<]*)</text>')
_SCALE = 2  # pixels of a PNG for one of the SVG

NO_PNG = (
    "PNG needs one more package: pip install 'gpt2-explorer[png]' (or pip install resvg-py). "
    "SVG needs none, and every browser opens it."
)
NO_FONT = (
    "no font for a terminal's letters was found on this machine, and a PNG would be without text. Install one, such as "
    "DejaVu Sans Mono (on Debian: apt install fonts-dejavu-core), or save SVG."
)


def as_svg(lines: Sequence[Sequence[Segment]], title: str, ground: "ColorTriplet", ink: "ColorTriplet") -> str:
    """The lines as SVG: real text, no font and no other file to fetch."""
    cells = max((sum(segment.cell_length for segment in line) for line in lines), default=1) or 1
    console = Console(width=cells, file=StringIO(), force_terminal=True, color_system="truecolor", record=True)
    console.print(Segments(each for line in lines for each in (*line, Segment.line())), end="", crop=False)
    theme = TerminalTheme(_rgb(ground), _rgb(ink), [(0, 0, 0)] * 8)
    height = len(lines) * _HEIGHT * 1.22
    form = _SVG.format(
        margin=_MARGIN,
        box_width=round(cells * _HEIGHT * _ASPECT + 2 * _MARGIN, 2),
        box_height=round(height + 2 * _MARGIN, 2),
        ground=ground.hex,
        fonts=FONTS,
    )
    svg = console.export_svg(title="", theme=theme, code_format=form, unique_id="s", font_aspect_ratio=_ASPECT)
    svg = svg.replace("&#160;", " ").replace("<title>s</title>", f"<title>{escape(title)}</title>")
    return _TEXT.sub(_fitted, svg)


def _fitted(found: re.Match[str]) -> str:
    """A piece of text as wide as its cells, of which some letters take two; its spaces stay."""
    before, after, content = found.groups()
    if not content.strip("\n"):  # the end of a line
        return ""
    wide = cell_len(unescape(content)) * _HEIGHT * _ASPECT
    return f'<text xml:space="preserve" {before}textLength="{wide:g}"{after}>{content}</text>'


def _rgb(colour: "ColorTriplet") -> tuple[int, int, int]:
    return colour.red, colour.green, colour.blue


def as_png(svg: str) -> bytes:
    """The SVG as PNG, drawn with the fonts of this machine; WriteError where the package or a font is missing."""
    try:
        import resvg_py
    except ImportError as error:
        raise WriteError(NO_PNG) from error
    if _drawn(resvg_py, _LETTER.format("M")) == _drawn(resvg_py, _LETTER.format(" ")):
        raise WriteError(NO_FONT)
    return _drawn(resvg_py, svg, zoom=_SCALE)


_LETTER = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">'
    f'<text y="16" font-size="16" font-family="{FONTS}">{{}}</text></svg>'
)


def _drawn(resvg_py: object, svg: str, zoom: int = 1) -> bytes:
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=zoom))  # type: ignore[attr-defined]
