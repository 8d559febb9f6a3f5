"""How fast it is, each figure beside the one it is to be compared with, all in one run.

    python -m tests.benchmark

Needs a terminal's ways (Linux, macOS). Machines are noisy: read the ratios, not the milliseconds.
"""

import gc
import math
import os
import resource
import statistics
import subprocess
import sys
import time
from array import array
from collections.abc import Callable, Sequence
from operator import mul

from explorer.bench.terminal import PROMPT, Terminal
from explorer.code.listing import all_names
from explorer.edits import Zero, edited, where
from explorer.edits.edit import Edit
from explorer.loading.checkpoints import open_checkpoint
from explorer.provenance.explanation import Explanation
from explorer.runs import running
from explorer.runs.cells import Cell
from explorer.runs.trace import LiveRun
from explorer.walk.session import Session
from gpt import Sampling, ops

LONG = "Once upon a time there was a little girl named Lily. She liked to play in the park with her friend Tom. " * 8


def main() -> None:
    """Print everything."""
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores")
    _dot_products()
    _walks()
    _explanations()
    _edits()
    _program()


def _row(name: str, seconds: float, note: str = "") -> None:
    print(f"  {name:<44}{seconds * 1000:>10.2f} ms  {note}")


def _median(work: Callable[[], object], times: int = 5) -> float:
    def once() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return statistics.median(once() for _ in range(times))


def _dot_products() -> None:
    print("\n1,000 dot products of 768 numbers")
    a, b = [math.sin(i) for i in range(768)], [math.cos(i) for i in range(768)]
    compact = array("f", b)

    def loop() -> float:
        total = 0.0
        for x, y in zip(a, b):
            total += x * y
        return total

    ways: dict[str, Callable[[], float]] = {
        "gpt.ops.dot, lists": lambda: ops.dot(a, b),
        "gpt.ops.dot, array('f')": lambda: ops.dot(a, compact),
        "sum(map(mul, a, b))": lambda: sum(map(mul, a, b)),
        "an explicit loop": loop,
    }
    for name, way in ways.items():
        _row(name, _median(lambda way=way: [way() for _ in range(1000)]))


def _walks() -> None:
    checkpoint = open_checkpoint()
    model = checkpoint.load()
    ids = checkpoint.tokenizer.encode(PROMPT)[:12]
    print(f"\nthe embedded model on {len(ids)} tokens")
    recorded: dict[str, object] = {}
    _row("forward pass", _median(lambda: model.forward(ids)))
    _row("the same, recording everything", _median(lambda: model.forward(ids, hook=recorded.__setitem__)))
    cache = model.forward(ids[:-1]).cache
    _row("one more token, from the cache", _median(lambda: model.forward(ids[-1:], cache)))


def _explanations() -> None:
    """Every name once at each of a few positions: nothing is asked for twice, so nothing is remembered."""
    checkpoint = open_checkpoint()
    model = checkpoint.load()
    gc.freeze()  # as the program does
    session = Session(model, checkpoint.tokenizer, Sampling(0.8, 40), 42)
    session.submit(PROMPT)
    running.complete(session.trace, lambda: False)
    last = len(session.ids) - 1
    cache = model.forward(session.ids[:last]).cache
    provenance, times = session.provenance, {}
    for name, axes in all_names().items():
        if "T" in axes:  # what is not learned
            inner = name.replace("blocks.0", "blocks.3")
            cells = [Cell(inner, _index(session, inner, axes, position)) for position in range(last - 5, last)]
            times[inner] = _median(lambda cells=cells: _look_at(provenance.explain(cells.pop())), len(cells))
    token = _median(lambda: model.forward(session.ids[-1:], cache))
    print(f"\nexplaining a number of a run of {len(session.ids)} tokens, {len(times)} names")
    _row("one more token, from the cache", token)
    for name, seconds in sorted(times.items(), key=lambda item: -item[1])[:3]:
        _row(f"the slowest: {name}", seconds, f"{seconds / token:.1%} of a token")
    half = statistics.median(times.values())
    _row("the median of all names", half, f"{half / token:.2%} of a token")


def _index(session: Session, name: str, axes: Sequence[str], position: int) -> tuple[int, ...]:
    """A number at that position; of the vocabulary the least likely token that is left, which takes the longest."""
    chances = session.draws.chances_shown(position)
    assert chances
    shape = session.provenance.shape(name)
    known = {"T": position, "V": chances.order[-1]}
    return tuple(known.get(axis, size // 3) for axis, size in zip(axes, shape))


def _look_at(explanation: Explanation) -> None:
    """The lines that a pane shows of it."""
    shown = [(term.text, term.at) for term in explanation.ranked[:20]]
    explanation.remainder(len(shown))
    assert explanation.exact or not explanation.terms


def _edits() -> None:
    """Every head zeroed in turn: until the answer is known, until all of the edited run is."""
    checkpoint = open_checkpoint()
    model = checkpoint.load()
    trace = LiveRun(model, checkpoint.tokenizer.encode(PROMPT)[:12])
    whole = _median(lambda: model.forward(trace.ids, hook={}.__setitem__))
    running.complete(trace, _never)
    answers, runs = [], []
    for layer in range(model.config.n_layer):
        for head in range(model.config.n_head):
            edits = [Edit(where.head(layer, head), Zero())]
            answers.append(_median(lambda edits=edits: running.last_logits(edited(trace, edits), _never), 1))
            runs.append(_median(lambda edits=edits: running.complete(edited(trace, edits), _never), 1))
    print("\nan edit, on 12 tokens: each of the heads zeroed")
    _row("forward pass, recording everything", whole)
    for name, times in (("the answer with the edit", answers), ("the whole run with the edit", runs)):
        _row(f"{name}, median", statistics.median(times), f"{statistics.median(times) / whole:.0%} of it")
        _row(f"{name}, slowest", max(times), f"{max(times) / whole:.0%} of it")


def _never() -> bool:
    return False


def _program() -> None:
    print("\nthe program, in a terminal of 120x36")
    bare = _median(lambda: subprocess.run([sys.executable, "-c", "import textual.app"], check=True), 3)
    _row("Python importing Textual, no more", bare)
    firsts = []
    for _ in range(3):
        with Terminal("-m", "explorer") as terminal:
            firsts.append(terminal.wait_for("GPT Explorer"))
    _row("from command to first frame", statistics.median(firsts))
    with Terminal("-m", "explorer", PROMPT) as terminal:
        _row("from command to the computed prompt", terminal.wait_for("computed in"))
        _row("a key's answer, idle", terminal.answers(), "median of 30")
        _row("the help opened, idle", terminal.opens_help(), "median of 10")
    with Terminal("-m", "explorer", PROMPT) as terminal:
        terminal.wait_for("computed in")
        os.write(terminal.screen, b"w")
        terminal.wait_for("esc stops")
        _row("the help opened, while a sweep runs", terminal.opens_help(), "median of 10")
    loading, first = [], []
    for _ in range(3):
        with Terminal("-m", "explorer", PROMPT) as terminal:
            terminal.wait_for("GPT Explorer")
            loading += terminal.changes_colours()
        with Terminal("-m", "explorer", LONG) as terminal:
            terminal.wait_for("computing")
            first += terminal.walks(24)
    _row("the slowest key, while the model loads", max(loading), f"of {len(loading)}: the first three, three times")
    _row("the slowest key, while it computes", max(first), f"of {len(first)}: the first 24, three times")
    _row("the median of these", statistics.median(first))
    with Terminal("-m", "explorer", LONG) as terminal:
        terminal.wait_for("computing")
        _row("a key's answer, while it computes", terminal.answers(), "median of 30")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"  {'memory at its peak':<44}{peak / (1024**2 if sys.platform == 'darwin' else 1024):>10.0f} MiB")


if __name__ == "__main__":
    main()
