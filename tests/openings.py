"""Key to paint for the first opening of every view, pane and dialog, in a terminal.

    python -m tests.openings [MODEL]

Each is opened for the first time in its program; the answer is there when its words are on the way to the terminal.
Needs a terminal's ways (Linux, macOS), and a machine with nothing else to do: the load is printed.
"""

import os
import statistics
import sys
import time

from explorer.bench.terminal import PROMPT, Terminal

OPENINGS = (
    ("cursor in the picture", b"\t", "cursor", b"\x1b"),
    ("why?", b"\r", "Why?", b"\x1b"),
    ("the path", b"\rf", "largest", b"\x1b"),
    ("code", b"i", "Code", b"\x1b"),
    ("heads", b"1", "Heads", b"\x1b"),
    ("lens", b"2", "Lens", b"\x1b"),
    ("attribution", b"3", "Attribution", b"\x1b"),
    ("neurons", b"4", "Neurons", b"\x1b"),
    ("flow", b"5", "Flow", b"\x1b"),
    ("compare", b"6", "Compare", b"\x1b"),
    ("sweep", b"w", "Sweep", b"\x1b"),
    ("settings", b"s", "p of the next", b"\x1b"),
    ("a setting moved", b"]", "p of the next", b"\x1b"),
    ("go to", b"j", "go to", b"\x1b"),
    ("the prompt", b"/", "enter runs it", b"\x1b"),
    ("the help", b"?", "Help", b"\x1b"),
    ("the palette", b":", "earch for", b"\x1b"),  # its cursor stands on the S, and blinks
    ("what if", b"x", "What if?", b"\x1b"),
    ("models", b"m", "Models", b"\x1b"),
    ("another theme", b"t", "\x1b[", b""),
    ("the next stage", b"\x1b[C", "\x1b[", b""),
)
"""The thing that opens, its key, words that it shows, and the key that closes it."""

ROUNDS = 3
_QUIET = 0.4  # seconds between two keys


def main() -> None:
    """Print the milliseconds of each, the median of the rounds and the slowest."""
    model = ["--model", sys.argv[1]] if len(sys.argv) > 1 else []
    times: dict[str, list[float]] = {name: [] for name, *_ in OPENINGS}
    for _ in range(ROUNDS):
        with Terminal("-m", "explorer", *model, PROMPT) as terminal:
            terminal.wait_for("computed in")
            terminal.rest(1)
            terminal.answer(b"\x1b[B\x1b[C\x1b[C", "q·k")  # a stage with heads
            for name, key, words, close in OPENINGS:
                terminal.rest(_QUIET)
                times[name].append(terminal.answer(key, words))
                terminal.rest(_QUIET)
                os.write(terminal.screen, close)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {time.strftime('%H:%M')}")
    for name, found in sorted(times.items(), key=lambda item: -statistics.median(item[1])):
        middle = statistics.median(found) * 1000
        print(f"  {name:<24}{middle:>8.0f} ms   slowest {max(found) * 1000:>6.0f}")


if __name__ == "__main__":
    main()
