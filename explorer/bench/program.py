"""The program: loading, the first frame, key to paint, memory. Where there is no pseudo-terminal, only loading."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from explorer.bench.peers import TRANSFORMERS, named
from explorer.bench.timing import Part, Timing, Work, in_turn
from explorer.loading.checkpoints import Checkpoint
from explorer.tokenizer.tokenizer import NoTokenizer

_TEN_LINES = """
from textual.app import App
from textual.widgets import Footer, Header, Static
class Ten(App):
    BINDINGS = [("q", "quit", "Quit")]
    def compose(self):
        yield Header()
        yield Static("ten lines")
        yield Footer()
Ten().run()
"""
_PEAK = """
import resource, sys
{}
if sys.platform == "linux":  # there `getrusage` also counts the process that this one was forked from
    print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def parts(
    checkpoint: Checkpoint, engine: str, model: str | None, peers: Sequence[str], rounds: int, screen: bool
) -> Iterator[Part]:
    """The tables of the program; with `screen` also those that open it."""
    yield _loading(checkpoint, engine, peers, rounds)
    if sys.platform == "win32":
        return
    yield _memory(checkpoint.path, engine)
    if screen and not isinstance(checkpoint.tokenizer, NoTokenizer):
        yield from _screen(model, rounds)


def _loading(checkpoint: Checkpoint, engine: str, peers: Sequence[str], rounds: int) -> Part:
    """From the files to a model, in this process: what is imported is there, and the files are warm."""
    works: dict[str, Work] = {
        "the files' bytes read": lambda: [file.read_bytes() for file in checkpoint.path.glob("*.safetensors")],
        "loaded": lambda: checkpoint.load(engine=engine),
    }
    if TRANSFORMERS in peers:
        from explorer.bench.peers import transformers_model

        works[f"{named(TRANSFORMERS)}, from_pretrained"] = lambda: transformers_model(checkpoint.path)
    return Part("loading", in_turn(works, rounds))


def _screen(model: str | None, rounds: int) -> Iterator[Part]:
    from explorer.bench.terminal import PROMPT, Terminal

    words = ["--model", model] if model else []
    firsts: dict[str, list[float]] = {}
    answers: dict[str, list[float]] = {}
    for _ in range(rounds):
        for arguments, frames in (
            (["-c", _TEN_LINES], {"a Textual program of ten lines": "ten lines"}),
            (["-m", "explorer", *words], {"GPT Explorer": "GPT Explorer", "its panes, without a model": " Map "}),
        ):
            with Terminal(*arguments) as terminal:
                for name, shown in frames.items():
                    firsts.setdefault(name, []).append(terminal.wait_for(shown))
    bound = tuple(next(iter(firsts.values())))
    yield Part("from the command to the first frame", tuple(Timing(n, tuple(s), bound) for n, s in firsts.items()))
    for _ in range(max(1, rounds // 3)):
        with Terminal("-m", "explorer", *words, PROMPT) as terminal:
            answers.setdefault("from the command to the computed prompt", []).append(terminal.wait_for("computed in"))
            answers.setdefault("a key to its answer, median of 30", []).append(terminal.answers())
            answers.setdefault("the palette opened", []).append(terminal.answer(b":", "earch for"))
            terminal.answer(b"\x1b", "\x1b[")
            terminal.rest(0.5)
            answers.setdefault("the help opened, median of 10", []).append(terminal.opens_help())
    first = tuple(next(iter(answers.values())))
    timings = tuple(Timing(name, tuple(seconds), first) for name, seconds in answers.items())
    yield Part("in a terminal of 120x36", timings)


def _memory(directory: Path, engine: str) -> Part:
    """Peaks of processes of their own: one that loads the model, one that only imports."""
    importing = "from explorer.loading.checkpoints import open_checkpoint"
    loading = f"{importing}; model = open_checkpoint({str(directory)!r}).load(engine={engine!r})"
    importing, loading = (_peak(work) for work in (importing, loading))
    file = sum(file.stat().st_size for file in directory.glob("*.safetensors")) / 1e6
    return Part("memory", (), (f"imports alone {importing}, with the model {loading}, its files {file:,.0f} MB",))


def _peak(work: str) -> str:
    run = subprocess.run([sys.executable, "-c", _PEAK.format(work)], capture_output=True, text=True, check=False)
    if run.returncode:
        return "unknown"
    return f"{int(run.stdout) * (1 if sys.platform == 'darwin' else 1024) / 1e6:,.0f} MB"
