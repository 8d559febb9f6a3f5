"""`python -m gpt` run with nothing but Python."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROMPT = "Once upon a time"
PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from gpt.__main__ import main; sys.exit(main(sys.argv[2:]))"


def alone(*words: str) -> str:
    """The output of `python -m gpt` under `python -S -I`: no site-packages, no environment, no current directory."""
    command = [sys.executable, "-S", "-I", "-c", PROGRAM, str(ROOT), *words]
    return subprocess.run(command, capture_output=True, check=True).stdout.decode()
