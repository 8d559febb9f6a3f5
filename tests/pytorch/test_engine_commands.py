"""--engine torch from end to end: the commands, the library, the screen; each beside the same on NumPy."""

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import explorer as gx
from explorer import cli
from explorer.cli import main
from explorer.commands import personal
from explorer.commands.lens import parser
from explorer.edits import Zero, where
from explorer.engine.engines import engine_in_full, in_words, on_engine
from explorer.errors import UsageError
from explorer.paint.header import header
from explorer.preferences import config_file
from explorer.sessions.reading import parse
from explorer.sessions.restore import restore
from explorer.sessions.snapshot import OnScreen, saved
from explorer.sessions.writing import written
from explorer.teaching import places, spots
from explorer.views.recipes.copied import copied
from explorer.views.recipes.recipe import Shown
from explorer.views.views import make
from explorer.walk.other_prompt import compare_with_prompt
from explorer.walk.session import Session
from tests.helpers.looking import settle
from tests.helpers.models import embedded
from tests.helpers.pilot import SAMPLING, opened, press, until

STORY, OTHER = "Tom and Lily went to the park. Tom said to", "Tom and Lily went to the park. Lily said to"
COMMANDS = (
    f"generate '{STORY}' --greedy --max-new-tokens 6",
    f"lens '{STORY}'",
    f"attribute '{STORY}' --by head --versus ' Tom'",
    f"explain '{STORY}' --at 'blocks.2.attn.hook_pattern[1,3,0]'",
    f"ablate '{STORY}' --head 3.3",
    "ablate 'Tom said to' --mlp 2 --scale 0.5 --edit 'head 1.1: zero'",
    "sweep 'Tom said to' --over heads --metric kl",
    "sweep 'Tom said to' --over mlps --patch-from 'Lily said to'",
    f"patch '{STORY}' '{OTHER}'",
    f"path '{STORY}' --head 3.3 --to 5.2.q",
    f"score '{STORY}' --head 5.2 --key 2",
    "heads 'Once upon a time'",
    "neurons 'Once upon a time' --layer 2 --top 5",
    "flow 'Once upon a time' --by logit --top 5",
    f"compare '{STORY}' '{OTHER}' --top 5",
    "circuit --head 5.2 --token ' Lily'",
)


def printed(capsys: pytest.CaptureFixture[str], words: str) -> Any:
    assert main([*shlex.split(words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def same(found: Any, wanted: Any, where: str = "") -> None:
    """The same answer, but for rounding."""
    if isinstance(wanted, dict):
        assert list(found) == list(wanted), where
        for key, value in wanted.items():
            same(found[key], value, f"{where}.{key}")
    elif isinstance(wanted, list):
        assert len(found) == len(wanted), where
        for number, value in enumerate(wanted):
            same(found[number], value, f"{where}[{number}]")
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, rel=1e-6, abs=1e-9), where
    else:
        assert found == wanted, where


@pytest.mark.parametrize("words", COMMANDS, ids=[words.split()[0] for words in COMMANDS])
def test_every_command_says_what_it_says_on_numpy(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = printed(capsys, f"{words} --engine numpy --dtype float64")
    same(printed(capsys, f"{words} --engine torch --device cpu --dtype float64"), wanted)


@pytest.mark.parametrize("words", COMMANDS[:4], ids=[words.split()[0] for words in COMMANDS[:4]])
def test_every_precision_runs(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    for dtype in ("float32", "bfloat16"):
        assert printed(capsys, f"{words} --engine torch --dtype {dtype}")


def test_a_file_of_prompts_is_computed_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "prompts.txt").write_text(f"{STORY}\nOnce upon a time\n{OTHER}\n", encoding="utf-8")
    words = f"lens --prompts {shlex.quote(str(tmp_path / 'prompts.txt'))}"
    same(
        printed(capsys, f"{words} --engine torch --dtype float64"),
        printed(capsys, f"{words} --engine numpy --dtype float64"),
    )


def test_a_recorded_run_holds_the_numbers_that_ran(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from safetensors.numpy import load_file

    path = tmp_path / "run.safetensors"
    for convention in ("plain", "transformer-lens"):
        made = {}
        for engine in ("numpy", "torch"):
            words = ["trace", STORY, "-o", str(path), "--engine", engine, "--dtype", "float64"]
            assert main([*words, "--convention", convention]) == 0
            made[engine] = load_file(path)
        for name, value in made["numpy"].items():
            np.testing.assert_allclose(made["torch"][name], value, rtol=1e-9, atol=1e-9, err_msg=name)


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("--engine torch --device cuda", 1, "PyTorch finds no CUDA device here. Use --device cpu"),
        ("--engine torch --device mps", 1, "PyTorch finds no mps device here"),
        ("--engine numpy --device cpu", 2, "use --engine torch with --device"),
        ("--engine numpy --dtype bfloat16", 2, "NumPy has no bfloat16"),
        ("--dtype float64", 2, "auto may choose plain Python"),
    ],
)
def test_refusals(
    words: str, status: int, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for command in (["lens", "Once"], ["generate", "Once"], ["tour", "--check"]):
        assert main([*command, *words.split()]) == status
        assert said in capsys.readouterr().err


def test_the_page_is_written_of_a_run_on_pytorch(tmp_path: Path) -> None:
    path = tmp_path / "walk.html"
    words = ["export", "Once upon a time", "-o", str(path), "--from", "block 2", "--to", "block 3"]
    assert main([*words, "--engine", "torch", "--dtype", "bfloat16"]) == 0
    assert path.stat().st_size > 100_000


# A person's own settings


def test_settings_hold_where_the_engine_has_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.toml"
    monkeypatch.setenv(config_file.VARIABLE, str(file))
    file.write_text('engine = "torch"\ndevice = "cpu"\ndtype = "bfloat16"\n', encoding="utf-8")

    def options(*words: str) -> tuple[str, str | None, str | None]:
        found = personal.parsed(parser(), "lens", ["Once", *words])
        return found.engine, found.device, found.dtype

    assert options() == ("torch", "cpu", "bfloat16")
    assert options("--dtype", "float32") == ("torch", "cpu", "float32")
    assert options("--engine", "numpy") == ("numpy", None, None)
    assert options("--engine", "auto") == ("auto", None, None)
    assert options("--engine", "numpy", "--dtype", "bfloat16") == ("numpy", None, "bfloat16"), "the call says it"
    file.write_text('engine = "numpy"\ndtype = "float64"\n', encoding="utf-8")
    assert options() == ("numpy", None, "float64")


# The library


@pytest.fixture(scope="module")
def runs() -> tuple[gx.Run, gx.Run]:
    """The run on NumPy, and on PyTorch."""
    return gx.load("stories").run(STORY), gx.load("stories", engine="torch", dtype="float64", device="cpu").run(STORY)


def test_every_activation_is_an_array(runs: tuple[gx.Run, gx.Run]) -> None:
    wanted, found = runs
    for name in (*wanted.names, "blocks.5.attn.hook_result"):
        assert type(found[name]) is np.ndarray
        assert not found[name].flags.writeable
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-9, atol=1e-10, err_msg=name)


def test_questions_and_experiments_have_the_same_answers(runs: tuple[gx.Run, gx.Run], tmp_path: Path) -> None:
    def answers(run: gx.Run) -> list[Any]:
        other = run.model.run(OTHER)
        metric = gx.logit_difference(" Lily", " Tom")
        sweep = run.sweep("heads", metric)
        cut = run.edit(gx.head(3, 3).zero(), gx.mlp(2, at=7).mean())
        return [
            np.asarray(sweep),
            np.asarray(run.sweep("resid_pre", metric, what=other, by_position=True)),
            np.asarray(run.patching(other, "mlps", metric)),
            run.path(gx.head(3, 3).zero(), ["5.2.q"]).logits,
            cut.logits,
            np.asarray(run.lens(" Lily")),
            run.attribute(by="head").rows[0][-1],
            run.flow().rows[0][-1],
            np.asarray(run.model.copying()),
            np.asarray(run.model.composition("q")),
            run.why("logits[-1, ' Lily']").value,
        ]

    for found, wanted in zip(answers(runs[1]), answers(runs[0])):
        np.testing.assert_allclose(found, wanted, rtol=1e-7, atol=1e-9)
    runs[1].save(tmp_path / "run.safetensors")
    assert "PyTorch float64 on cpu" in repr(runs[1].model)


@pytest.mark.parametrize("convention", ["plain", "transformer-lens"])
def test_bfloat16_says_the_same_word(convention: str) -> None:
    model = gx.load("stories", engine="torch", device="cpu", dtype="bfloat16", convention=convention)
    assert in_words(model.model) == "PyTorch bfloat16 on cpu"
    assert model.run(STORY).top(1).rows[0][0] == "·Lily"
    assert model.generate("Once upon a", tokens=1) == "Once upon a time"


def test_the_library_says_what_is_wrong() -> None:
    with pytest.raises(UsageError, match="engine is 'python': it must be 'numpy' or 'torch'"):
        gx.load("stories", engine="python")
    with pytest.raises(UsageError, match="use --engine torch with --device"):
        gx.load("stories", device="cuda")
    with pytest.raises(UsageError, match="there is no dtype 'float16'"):
        gx.load("stories", engine="torch", dtype="float16")


# The screen


def story(engine: str) -> Session:
    model, checkpoint = embedded()
    session = Session(on_engine(model, engine), checkpoint.tokenizer, SAMPLING, 42)
    session.submit(STORY)
    spots.complete(session)
    return session


@pytest.mark.parametrize(
    ("cells", "said"),
    [(160, "PyTorch bfloat16 on cpu"), (110, "PyTorch bfloat16 on cpu"), (80, "PyTorch cpu")],
)
def test_the_line_at_the_top_says_which_engine_and_device(cells: int, said: str) -> None:
    (line,) = header(story("torch cpu bfloat16"), "stories", "", cells)
    assert f" {said} " in "".join(span.text for span in line)


def test_what_is_copied_computes_on_pytorch_again(capsys: pytest.CaptureFixture[str]) -> None:
    session = story("torch cpu float64")
    session.edit(lambda edits: edits.add(where.head(3, 3), Zero(), len(session.ids)))
    spots.complete(session)
    places.go(places.parse("logits", session), session)
    made = copied(Shown(session))
    assert "--engine torch --device cpu --dtype float64" in made.opens
    assert "gx.load('stories', engine='torch', device='cpu', dtype='float64')" in made.python
    assert cli.run(shlex.split(made.command)[1:]) == 0
    capsys.readouterr()
    names: dict[str, Any] = {}
    exec(made.python, names)
    np.testing.assert_allclose(names["run"].logits, session.run.logits(len(session.ids) - 1), rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", ["sweep", "patching"])
def test_experiments_on_the_screen_stay_on_the_device(name: str) -> None:
    session = story("torch cpu float32")
    compare_with_prompt(session, OTHER)
    spots.complete(session)
    view = make(name, session)
    view.follow(120, 30)
    settle(view)
    assert any("PyTorch float32 on cpu" in "".join(span.text for span in line) for line in view.lines(120, 30))


async def test_e_goes_on_to_the_next_engine_and_comes_back() -> None:
    async with opened(story("torch cpu float32"), notices=True) as (pilot, screen):
        for words in ("NumPy float32", "plain Python", "PyTorch float32 on cpu"):
            await press(pilot, "e")
            await until(pilot, lambda words=words: in_words(screen.session.model) == words)  # type: ignore[union-attr,misc]
            await until(pilot, lambda: not screen.session.computing)  # type: ignore[union-attr]


def test_a_session_of_a_device_that_is_not_here_is_computed_by_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    session = story("torch cpu float32")
    text = written(saved(session, "stories", OnScreen({}, "")))
    assert 'engine = "torch cpu float32"' in text
    assert f'torch = "{torch.__version__}"' in text
    moved = parse(text.replace("torch cpu float32", "torch cuda float32"), "file.toml")
    back = restore(moved, story("python"), "stories")
    assert str(engine_in_full(back.session.model)) == "torch cpu float32"  # type: ignore[arg-type]
    (note,) = back.notes
    assert note.startswith("It was saved with PyTorch float32 on cuda, which is not here: PyTorch float32 on cpu")
