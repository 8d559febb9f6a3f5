"""Draws the README's moving picture: a recording, played on the real screen, every frame in one SVG.

python assets/moving.py [RECORDING [PICTURE]]      a recording is made with gpt-explorer --record FILE

What several frames share is drawn once: every piece of text knows when it is to be seen.
"""

import asyncio
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from explorer.loading.checkpoints import open_checkpoint
from explorer.screen import replay
from explorer.screen.app import ExplorerApp
from explorer.screen.main.screen import MainScreen
from explorer.screen.opening import Opening
from explorer.teaching import recording
from explorer.teaching.recording import Recording
from explorer.walk.session import Session

HERE = Path(__file__).resolve().parent
PICTURE = HERE / "walk.svg"
LAST = 4.0  # seconds that the last frame stays
Frames = list[tuple[float, str]]
"""When each frame begins, in seconds, and its SVG."""

_RULE = re.compile(r"\.terminal-\w+-(r\d+) \{ (.*?) \}")
_PIECE = re.compile(r"<rect [^>]*?/>|<text [^>]*?>.*?</text>", re.DOTALL)
_CLASS = re.compile(r'class="terminal-\w+-(r\d+)"')


async def played(given: Recording) -> Frames:
    """Play a recording as fast as it can be computed; the screen after every key."""
    checkpoint = open_checkpoint()
    session = Session(checkpoint.load(), checkpoint.tokenizer, given.sampling, given.seed)
    app = ExplorerApp(lambda progress: session, given.prompt, checkpoint.name, None, Opening())
    frames: Frames = []
    async with app.run_test(size=given.size) as pilot:
        while not session.ids or session.computing:
            await pilot.pause(0.05)
        for at, event in [(0.0, None), *((event.at, event) for event in given.inputs())]:
            if event:
                app.post_message(replay.as_input(event))
            await pilot.pause()
            await replay.quiet(app)
            if isinstance(app.screen, MainScreen):
                app.screen.show_status("")  # how long it took is another number on every machine
                await pilot.pause()
            frames.append((at, app.export_screenshot(title="gpt-explorer")))
    return frames


def moving(frames: Frames, last: float = LAST) -> str:
    """One SVG that shows the frames one after the other, for ever."""
    length = frames[-1][0] + last
    styles: dict[str, str] = {}  # what a class looks like -> its name
    seen: dict[str, list[int]] = {}  # a piece of a frame -> the frames that it is in
    for number, (_, svg) in enumerate(frames):
        for piece in dict.fromkeys(_pieces(svg, styles)):
            seen.setdefault(piece, []).append(number)
    begins = [at for at, _ in frames]
    groups: dict[tuple[int, ...], list[str]] = {}
    for piece, numbers in seen.items():
        groups.setdefault(tuple(numbers), []).append(piece)
    body, rules = [], [f".{name} {{ {look} }}" for look, name in styles.items()]
    for kind in ("<rect", "<text"):  # the ground first
        for index, pieces in enumerate(groups.values()):
            of_kind = [piece for piece in pieces if piece.startswith(kind)]
            if of_kind:
                body.append(f'<g class="w{index}">{"".join(of_kind)}</g>')
    still = _longest([*begins, length])
    for index, numbers in enumerate(groups):
        if len(numbers) < len(frames):
            rules.append(_keyframes(f"w{index}", set(numbers), begins, length, still in numbers))
    return _whole(frames[0][1], "\n".join(rules), "\n".join(body))


def _pieces(svg: str, styles: dict[str, str]) -> Iterable[str]:
    """The rectangles and texts of a frame, with classes that are the same in all frames."""
    looks = dict(_RULE.findall(svg))
    for piece in _PIECE.findall(svg[svg.index("</defs>") :]):
        if "title" in piece or 'rx="8"' in piece:
            continue
        found = _CLASS.search(piece)
        name = styles.setdefault(looks[found[1]], f"s{len(styles)}") if found else ""
        yield re.sub(r' clip-path="[^"]*"| shape-rendering="[^"]*"', "", _CLASS.sub(f'class="{name}"', piece))


def _longest(times: list[float]) -> int:
    """The frame that stays longest: it is all that a viewer shows that does not move pictures."""
    return max(range(len(times) - 1), key=lambda number: times[number + 1] - times[number])


def _keyframes(name: str, numbers: set[int], begins: list[float], length: float, still: bool) -> str:
    """When a group is to be seen; `still`: whether it is where nothing moves."""
    steps = [
        f"{begin / length:.3%} {{ visibility: {'visible' if number in numbers else 'hidden'} }}"
        for number, begin in enumerate(begins)
        if number == 0 or (number in numbers) != (number - 1 in numbers)
    ]
    shown = f"visibility: {'visible' if still else 'hidden'}; animation: {name} {length:.1f}s step-end infinite"
    return f"@keyframes {name} {{ {' '.join(steps)} }} .{name} {{ {shown} }}"


def _whole(first: str, rules: str, body: str) -> str:
    """The frame of a terminal around it, taken from the first picture."""
    head = first[: first.index("<style>")]
    matrix = re.search(r"\.terminal-\w+-matrix \{(.*?)\}", first, re.DOTALL)
    frame = re.search(r"</defs>\s*(<rect.*?</g>)", first, re.DOTALL)
    assert matrix
    assert frame
    title = re.sub(r' class="terminal-\w+-title"', ' font-family="arial" font-weight="bold" font-size="18px"', frame[1])
    style = f"<style>\n.m {{{matrix[1]}}}\n.m rect {{ shape-rendering: crispEdges }}\n{rules}\n</style>"
    return f'{head}{style}\n{title}\n<g transform="translate(9, 41)" class="m">\n{body}\n</g>\n</svg>\n'


def main(arguments: list[str]) -> None:
    source = Path(arguments[0]) if arguments else HERE / "walk.jsonl"
    target = Path(arguments[1]) if len(arguments) > 1 else PICTURE
    target.write_text(moving(asyncio.run(played(recording.read(source)))), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
