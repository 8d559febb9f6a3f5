"""How an engine is named: in a call, in a session, for people; and what is said where it cannot be had."""

import pytest

from explorer.engine import engines
from explorer.engine.engines import Engine, asked, check_installed, nearest, parsed, words_for
from explorer.errors import EngineError, UsageError


@pytest.mark.parametrize(
    ("given", "line", "words"),
    [
        (("python",), "python", "plain Python"),
        (("numpy",), "numpy", "NumPy float32"),
        (("numpy", None, "float64"), "numpy float64", "NumPy float64"),
        (("numpy", "auto"), "numpy", "NumPy float32"),
        (("torch",), "torch", "PyTorch float32"),
        (("torch", "auto", "float64"), "torch float64", "PyTorch float64"),
        (("torch", "cuda", "bfloat16"), "torch cuda bfloat16", "PyTorch bfloat16 on cuda"),
    ],
)
def test_an_engine_is_one_line_and_that_line_is_the_engine(
    given: tuple[str | None, ...], line: str, words: str
) -> None:
    found = asked(*given)  # type: ignore[arg-type]
    assert str(found) == line
    assert parsed(line) == found
    assert words_for(line) == words


def test_the_order_of_the_line_does_not_matter() -> None:
    assert parsed("torch bfloat16 cpu") == parsed("torch cpu bfloat16") == Engine("torch", "cpu", "bfloat16")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("jax",), "there is no engine 'jax': there are python, numpy, torch, auto"),
        (("torch", "tpu"), "there is no device 'tpu': there are auto, cpu, cuda, mps"),
        (("torch", "cpu", "float16"), "there is no dtype 'float16': there are float32, bfloat16, float64"),
        (("numpy", "cuda"), "use --engine torch with --device"),
        (("auto", "cpu"), "use --engine torch with --device"),
        (("python", None, "float32"), "plain Python computes in float64"),
        (("auto", None, "float32"), "auto may choose plain Python"),
        (("numpy", None, "bfloat16"), "NumPy has no bfloat16"),
    ],
)
def test_what_an_engine_does_not_have_is_said_with_what_to_do(given: tuple[str | None, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        asked(*given)  # type: ignore[arg-type]


@pytest.mark.parametrize("line", ["", "jax", "torch cpu cuda", "torch cpu float32 float64", "numpy  cuda", "torch x"])
def test_a_line_that_is_no_engine_is_refused(line: str) -> None:
    with pytest.raises(UsageError):
        parsed(line)


def test_without_pytorch_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    check_installed("numpy")
    with pytest.raises(EngineError, match=r"pip install 'gpt2-explorer\[torch\]'"):
        check_installed("torch cuda")


def test_without_pytorch_numpy_is_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    assert nearest("torch cuda bfloat16") == "numpy"
    assert nearest("torch cpu float64") == "numpy float64"
    assert nearest("python") == "python"
