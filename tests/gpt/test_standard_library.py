"""`gpt` needs nothing but Python: not numpy, not `explorer`, not even site-packages."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "gpt").rglob("*.py"))

# Run by `python -S -I`: no site-packages, no environment, no current directory. It prints every module loaded since.
PROGRAM = """
import importlib, pkgutil, sys
before = set(sys.modules)
sys.path.insert(0, sys.argv[1])
import gpt
for module in pkgutil.walk_packages(gpt.__path__, "gpt."):
    importlib.import_module(module.name)

config = gpt.GPTConfig(vocab_size=10, n_positions=8, n_embd=4, n_layer=2, n_head=2)
model = gpt.GPT(config, gpt.load_weights(config, gpt.RandomTensors(config, seed=1, spread=0.3)))
assert len(model.forward([1, 2, 3]).logits) == 3
assert len(list(gpt.generate(model, [1, 2, 3], 4, gpt.Sampling(0.8, 5, 0.9)))) == 4
print(*sorted(set(sys.modules) - before))
"""


def test_the_model_runs_on_the_standard_library_alone() -> None:
    command = [sys.executable, "-S", "-I", "-c", PROGRAM, str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = done.stdout.split()
    assert {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in FILES} - set(loaded) == {"gpt.__init__"}
    assert {name.split(".")[0] for name in loaded} - sys.stdlib_module_names == {"gpt"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_import_is_of_the_standard_library_or_of_gpt(path: Path) -> None:
    """Those inside functions too, which running the model need not reach."""
    imported = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            imported.add(node.module or "")
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names | {"gpt"}
