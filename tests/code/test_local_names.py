"""Code that is shown does not depend on what `gpt/` calls its local variables."""

import ast
import io
import json
import shutil
import subprocess
import sys
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import json, sys
sys.path[:0] = sys.argv[1:]
from explorer.code.listing import listings
from explorer.code.excerpts import excerpt
from explorer.stages import walk
from tests.helpers.models import small_model, traced

trace = traced(small_model(), [3, 1, 4, 1])
steps = []
for stage in walk(trace.config):
    found = excerpt(stage, trace, 2, 0, 0)
    if found:
        stepper = found.step()
        steps.append([stage.id, [(s.file, s.function, s.line, s.activations, s.passes) for s in stepper.stops]])
        steps.append([stepper.index, stepper.stop.activation, len(str(stepper.result))])
listed = [
    [found.name, found.handed.place, [[lit.function.__name__, lit.place] for lit in found.functions]]
    for found in listings()
]
print(json.dumps([listed, steps]))
"""


def renamed(path: Path) -> str:
    """The source with every local variable of every function called otherwise; parameters keep their names."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    changes: set[tuple[int, int, str]] = set()
    for function in ast.walk(ast.parse(text)):
        if isinstance(function, ast.FunctionDef):
            changes |= {(node.lineno, node.col_offset, node.id) for node in _locals(function)}
    for row, column, name in sorted(changes, reverse=True):
        line = lines[row - 1].encode()
        lines[row - 1] = (line[:column] + f"my_{name}".encode() + line[column + len(name) :]).decode()
    list(tokenize.generate_tokens(io.StringIO("".join(lines)).readline))  # it is still Python
    return "".join(lines)


def _locals(function: ast.FunctionDef) -> list[ast.Name]:
    """Every place where a variable stands that the function itself gives a value, or an expression in it does."""
    names = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
    arguments = {argument.arg for argument in ast.walk(function.args) if isinstance(argument, ast.arg)}
    nested = {argument.arg for node in ast.walk(function) if isinstance(node, ast.arguments) for argument in node.args}
    given = {node.id for node in names if isinstance(node.ctx, ast.Store)} - arguments - nested
    return [node for node in names if node.id in given]


def shown(*folders: Path) -> object:
    command = [sys.executable, "-c", PROGRAM, *map(str, folders), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folders[0] if folders else ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_renaming_every_local_variable_changes_nothing_that_is_found(tmp_path: Path) -> None:
    copy = tmp_path / "gpt"
    shutil.copytree(ROOT / "gpt", copy, ignore=shutil.ignore_patterns("__pycache__"))
    for path in copy.glob("*.py"):
        path.write_text(renamed(path), encoding="utf-8")
    assert "my_pattern = run.see(" in (copy / "attention.py").read_text(encoding="utf-8")
    assert shown(tmp_path) == shown()
