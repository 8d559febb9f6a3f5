"""The notebook in examples/ runs from its first cell to its last, and shows nothing long."""

import ast
import json
from pathlib import Path
from typing import Any

NOTEBOOK = Path(__file__).parent.parent / "examples/first_look.ipynb"
LONG = 4000  # characters of a result in print


def run_cell(source: str, names: dict[str, Any]) -> Any:
    """Execute a cell as Jupyter does; the value of its last line, if that is an expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, str(NOTEBOOK), "exec"), names)
    return eval(compile(ast.Expression(last.value), str(NOTEBOOK), "eval"), names) if last else None


def test_the_notebook_runs() -> None:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    names: dict[str, Any] = {}
    results = [run_cell("".join(cell["source"]), names) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert not any(cell.get("outputs") for cell in notebook["cells"]), "it is kept without its outputs"
    assert all(result is not None for result in results)
    assert max(len(repr(result)) for result in results) < LONG
    assert results[2]._repr_svg_().startswith("<svg")
    assert names["cut"].kl > 0.5
