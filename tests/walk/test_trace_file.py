"""A recorded run as a file: it opens without our code, holds what ran, and can be walked without the model."""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from explorer.cli import main
from explorer.errors import TraceError, WriteError
from explorer.walk import trace_file
from explorer.walk.on_screen import value_under_cursor
from explorer.walk.session import Session
from gpt import InputError
from tests.helpers.models import Bytes, full_run, small_model
from tests.helpers.pilot import computed, opened, press, text

MODEL = small_model(vocab_size=256, n_positions=16)
PROMPT = "a [b]é"
IDS = list(PROMPT.encode())

# TransformerLens 3, components/*.py, without the batch axis: L, H, d, e, m, T, V are 2, 3, 6, 2, 24, 7, 256
DOCUMENTED = {
    "hook_embed": (7, 6),
    "hook_pos_embed": (7, 6),
    "blocks.1.hook_resid_pre": (7, 6),
    "blocks.0.ln1.hook_scale": (7, 1),
    "blocks.0.ln1.hook_normalized": (7, 6),
    "blocks.1.attn.hook_q": (7, 3, 2),
    "blocks.1.attn.hook_k": (7, 3, 2),
    "blocks.1.attn.hook_v": (7, 3, 2),
    "blocks.1.attn.hook_attn_scores": (3, 7, 7),
    "blocks.1.attn.hook_pattern": (3, 7, 7),
    "blocks.1.attn.hook_z": (7, 3, 2),
    "blocks.0.attn.hook_result": (7, 3, 6),
    "blocks.0.hook_attn_out": (7, 6),
    "blocks.0.hook_resid_mid": (7, 6),
    "blocks.1.mlp.hook_pre": (7, 24),
    "blocks.1.mlp.hook_post": (7, 24),
    "blocks.1.hook_mlp_out": (7, 6),
    "blocks.1.hook_resid_post": (7, 6),
    "ln_final.hook_scale": (7, 1),
    "ln_final.hook_normalized": (7, 6),
    "logits": (7, 256),
}


def written(path: Path, dtype: type[np.floating] = np.float64, **wanted: object) -> Path:
    file = path / "run.safetensors"
    values, _ = trace_file.record(MODEL, IDS, **wanted)  # type: ignore[arg-type]
    trace_file.write(file, values, MODEL, "small", PROMPT, IDS, Bytes(), dtype)
    return file


def test_it_opens_without_our_code(tmp_path: Path) -> None:
    file = written(tmp_path, head_results=True)
    arrays = load_file(file)
    assert DOCUMENTED.items() <= {name: array.shape for name, array in arrays.items()}.items()
    expected: dict[str, object] = {}
    MODEL.forward(IDS, hook=expected.__setitem__, head_results=True)
    assert set(arrays) == set(expected)
    for name, value in expected.items():
        assert arrays[name].dtype == np.float64
        np.testing.assert_array_equal(arrays[name], np.asarray(value))
    with safe_open(file, framework="numpy") as opening:
        metadata = opening.metadata()
    assert metadata["prompt"] == PROMPT
    assert json.loads(metadata["ids"]) == IDS
    assert json.loads(metadata["tokens"])[:5] == ["a", " ", "[", "b", "]"]
    assert json.loads(metadata["config"])["n_head"] == 3
    assert {"model", "version"} <= set(metadata)


def test_float32_and_a_selection(tmp_path: Path) -> None:
    arrays = load_file(written(tmp_path, np.float32, only=["blocks.*.hook_resid_post", "logits"]))
    assert set(arrays) == {"blocks.0.hook_resid_post", "blocks.1.hook_resid_post", "logits"}
    exact = full_run(MODEL, IDS)
    for name, array in arrays.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, np.asarray(exact[name], dtype=np.float32))


def test_nothing_of_that_name() -> None:
    with pytest.raises(TraceError, match=r"no activation is called blocks\.9\.\*"):
        trace_file.record(MODEL, IDS, only=["blocks.9.*"])


def recorded(path: Path, **wanted: object) -> Session:
    session, name = trace_file.read(written(path, **wanted))  # type: ignore[arg-type]
    assert name == "small"
    return session


async def test_a_recorded_run_is_walked_without_the_model(tmp_path: Path) -> None:
    expected: dict[str, Any] = {}
    MODEL.forward(IDS, hook=expected.__setitem__, head_results=True)
    async with opened(recorded(tmp_path, head_results=True), prompt="") as (pilot, screen):
        here = screen.session
        assert here
        assert "recorded" in text(screen, "header")[0]
        assert here.text == PROMPT
        for stage in here.cursor.stages:
            cell = here.cell()
            if cell and cell.name in expected:
                value = expected[cell.name]
                for place in cell.index:
                    value = value[place]
                assert value_under_cursor(here) == value, stage.id
                assert "Not recorded" not in " ".join(text(screen, "picture"))
            await press(pilot, "right")
        assert "random number" in " ".join(text(screen, "picture"))
        await press(pilot, "n")
        assert any("no model" in notice.message for notice in screen.app._notifications)
        await press(pilot, "e", "slash", "x", "enter")
        assert here.ids == IDS
        await press(pilot, "escape", "home")
        await computed(pilot)


async def test_what_was_not_recorded_is_said(tmp_path: Path) -> None:
    async with opened(recorded(tmp_path, only=["logits"]), prompt="") as (pilot, screen):
        await press(pilot, "right")
        assert "Not recorded in this file" in " ".join(text(screen, "picture"))
        await press(pilot, "end")
        assert "random number" in " ".join(text(screen, "picture"))


@pytest.mark.parametrize("kept", ["blocks.0.ln1.hook_normalized", "blocks.*.ln?.hook_out", "blocks.1.ln2.hook_mean"])
async def test_each_stage_is_drawn_of_what_was_recorded(kept: str, tmp_path: Path) -> None:
    """A layer norm may be there without its statistics, and the other way round."""
    async with opened(recorded(tmp_path, only=[kept]), prompt="") as (pilot, screen):
        assert screen.session
        for _ in screen.session.cursor.stages:
            await press(pilot, "right")
            assert text(screen, "picture")


def test_a_recorded_run_cannot_be_continued(tmp_path: Path) -> None:
    session = recorded(tmp_path)
    with pytest.raises(InputError, match="no model"):
        session.take_token()
    with pytest.raises(TraceError, match="no model"):
        session.submit("another")
    assert session.ids == IDS


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda file: file.write_bytes(b"not a trace"), "cannot be read as a trace"),
        (lambda file: file.write_bytes(file.read_bytes()[:-100]), "cannot be read as a trace"),
        (lambda file: file.unlink(), "cannot be read as a trace"),
        (lambda file: save_file({"a": np.zeros(3)}, file), "this is no trace of GPT Explorer"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, change: object, said: str) -> None:
    file = written(tmp_path)
    change(file)  # type: ignore[operator]
    with pytest.raises(TraceError, match=said) as caught:
        trace_file.read(file)
    assert str(file) in str(caught.value)


def test_wrong_shapes_and_broken_metadata_are_refused(tmp_path: Path) -> None:
    file = written(tmp_path)
    with safe_open(file, framework="numpy") as opening:
        metadata = opening.metadata()
    save_file({"logits": np.zeros((2, 256))}, file, metadata)
    with pytest.raises(TraceError, match=r"logits has shape \[2, 256\]"):
        trace_file.read(file)
    save_file({"logits": np.zeros((7, 256))}, file, metadata | {"ids": "[1,"})
    with pytest.raises(TraceError, match="metadata of this trace is damaged"):
        trace_file.read(file)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="cannot be written"):
        trace_file.write(tmp_path / "no" / "run", {"logits": [[0.0]]}, MODEL, "small", PROMPT, IDS, Bytes())


# Files that somebody else made


def changed(tmp_path: Path, arrays: dict[str, Any] | None = None, **metadata: str | None) -> Path:
    """A trace with other metadata (None: without it) or other arrays."""
    file = written(tmp_path)
    with safe_open(file, framework="numpy") as opening:
        given = opening.metadata() | metadata
    kept = {name: value for name, value in given.items() if value is not None}
    save_file(load_file(file) if arrays is None else arrays, file, kept)
    return file


def config(**changes: object) -> str:
    return json.dumps(asdict(MODEL.config) | changes)


LETTERS = [chr(code) for code in range(256)]


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"ids": "null"}, "ids must be a list"),
        ({"ids": "{}"}, "ids must be a list"),
        ({"ids": "[]"}, "ids has 0 tokens"),
        ({"ids": "[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]"}, "ids has 17 tokens"),
        ({"ids": "[0,1,2,3,4,5,256]"}, "256 in ids is no token id"),
        ({"ids": "[0,1,2,3,4,5,-1]"}, "-1 in ids is no token id"),
        ({"ids": "[0,1,2,3,4,5,6.0]"}, r"ids\[6\] is not a token id"),
        ({"ids": "[0,1,2,3,4,5,true]"}, r"ids\[6\] is not a token id"),
        ({"ids": "[0,1,2,3,4,5,[6]]"}, r"ids\[6\] is not a token id"),
        ({"ids": "[" * 100_000}, "ids is not JSON"),
        ({"ids": "[" + "1" * 5000 + "]"}, "ids is not JSON"),
        ({"ids": "[NaN]"}, r"ids\[0\] is not a token id"),
        ({"vocabulary": "null"}, "vocabulary must be a list"),
        ({"vocabulary": '"abc"'}, "vocabulary must be a list"),
        ({"vocabulary": json.dumps(LETTERS[:-1])}, "vocabulary has 255 tokens"),
        ({"vocabulary": json.dumps([*LETTERS[:-1], 5])}, r"vocabulary\[255\] is not text"),
        ({"vocabulary": json.dumps([*LETTERS[:-1], "\ud800"])}, "stands for no bytes"),
        ({"vocabulary": "[" * 100_000}, "vocabulary is not JSON"),
        ({"tokens": '["a"]'}, "tokens are not those of ids"),
        ({"tokens": "null"}, "tokens must be a list"),
        ({"config": "null"}, "JSON object"),
        ({"config": "[" * 100_000}, "not JSON"),
        ({"config": config(n_layer=1_000_000)}, "n_layer is 1000000, and the file has"),
        ({"config": config(n_layer=10**400)}, "n_layer is 1000.*digits"),
        ({"config": config(n_head=10**9, n_embd=10**9)}, "n_head is 1000000000, and the file has"),
        ({"config": config(n_inner=10**12)}, "n_inner is 1000000000000, and the file has"),
        ({"config": config(vocab_size=255)}, "vocabulary has 256 tokens, and vocab_size is 255"),
        ({"config": config(n_positions=6)}, "ids has 7 tokens"),
        ({"config": config(n_layer=1)}, "expected is nothing"),
        ({"config": config(n_head=2)}, "has shape"),
        ({"config": None}, "it has no config in its metadata"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_hostile_metadata_is_refused(tmp_path: Path, metadata: dict[str, str | None], said: str) -> None:
    with pytest.raises(TraceError, match=said):
        trace_file.read(changed(tmp_path, **metadata))


def test_of_a_small_file_no_large_model_is_built(tmp_path: Path) -> None:
    """A model that is built is bounded by the file's size: a thousand blocks are fine, many more take a larger file."""
    alone = {"logits": np.zeros((7, 256))}
    assert trace_file.read(changed(tmp_path, alone, config=config(n_layer=1000)))[0].config.n_layer == 1000
    with pytest.raises(TraceError, match="n_layer is 1001"):
        trace_file.read(changed(tmp_path, alone, config=config(n_layer=1001)))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("logits", np.nan, r"logits must hold finite numbers; 1 of 1792 are not, the first at \[0, 0\]: nan"),
        ("blocks.1.hook_mlp_out", np.inf, "blocks.1.hook_mlp_out must hold finite numbers"),
        ("blocks.0.attn.hook_pattern", -np.inf, "hook_pattern must hold finite numbers"),
        ("blocks.0.attn.hook_attn_scores", -np.inf, "hook_attn_scores must hold finite numbers"),
        ("blocks.0.attn.hook_attn_scores", np.nan, "hook_attn_scores must hold finite numbers"),
    ],
)
def test_numbers_that_are_none_are_refused(tmp_path: Path, name: str, value: float, said: str) -> None:
    arrays = load_file(written(tmp_path))
    arrays[name][(0,) * arrays[name].ndim] = value
    with pytest.raises(TraceError, match=said):
        trace_file.read(changed(tmp_path, arrays))


@pytest.mark.parametrize("kind", [np.complex64, np.int32, np.bool_, np.uint8])
def test_other_kinds_of_numbers_are_refused(tmp_path: Path, kind: type) -> None:
    with pytest.raises(TraceError, match="is stored as"):
        trace_file.read(changed(tmp_path, {"logits": np.zeros((7, 256), kind)}))


def test_a_trace_without_activations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="there is no activation"):
        trace_file.read(changed(tmp_path, {}))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", tmp_path):
        with pytest.raises(TraceError, match="no regular file"):
            trace_file.read(place)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    file = written(tmp_path)
    other = tmp_path / os.fsdecode(b"run\xff.safetensors")
    file.rename(other)
    session, name = trace_file.read(other)
    assert (session.ids, name) == (IDS, "small")


def test_a_trace_with_edits_says_so(tmp_path: Path) -> None:
    """Its numbers are those of the edited run, and the top line names the edits."""
    file = tmp_path / "run.safetensors"
    assert main(["trace", "Tom said", "--edit", "head 3.3: zero", "--edit", "mlp 1: mean", "-o", str(file)]) == 0
    session, _ = trace_file.read(file)
    assert not session.run.value("blocks.3.attn.hook_z")[:, 3].any()
    assert session.what_if.in_words([]) == "recorded with 2 edits"
    assert main(["trace", "Tom said", "--edit", "head 3.3: zero", "-o", str(file)]) == 0
    session, _ = trace_file.read(file)
    assert session.what_if.in_words([]) == "recorded with head 3.3: zeroed"
    assert main(["trace", "Tom said", "--edit", "head 9.9: zero", "-o", str(file)]) == 2
