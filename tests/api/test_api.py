"""`import explorer as gx`: its arrays are the model's own, its results are short, its errors say what was meant."""

import ast
from pathlib import Path

import numpy as np
import pytest

import explorer as gx
from explorer.api.model import Model
from explorer.api.run import Run
from explorer.errors import CellError, EditError, UsageError
from tests.helpers.models import full_run
from tests.helpers.modules import modules_after

PROMPT, OTHER = "Tom and Lily went to the park. Tom said to", "Tom and Lily went to the park. Lily said to"
SHORT = 1500  # characters of a representation


@pytest.fixture(scope="module")
def model() -> Model:
    return gx.load("stories")


@pytest.fixture(scope="module")
def run(model: Model) -> Run:
    return model.run(PROMPT)


def test_importing_it_loads_nothing_heavy() -> None:
    assert not {"numpy", "rich", "textual", "tiktoken", "safetensors"} & modules_after("import explorer")


def test_the_types_name_what_there_is() -> None:
    """`__init__.pyi`, which type checkers read, has every name that `__init__.py` gives, from the same module."""
    stub = ast.parse(Path(gx.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    typed = {
        alias.asname: node.module for node in ast.walk(stub) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    given = {name: module for module, names in gx._HOMES.items() for name in names}
    assert typed == given
    assert {name for name in gx.__all__ if not name.startswith("_")} == set(given)
    assert all(callable(getattr(gx, name)) for name in given)
    assert (Path(gx.__file__).parent / "py.typed").exists()


# A run


def test_every_activation_is_an_array_of_the_plain_model(run: Run) -> None:
    from explorer.loading.checkpoints import open_checkpoint

    for name, value in full_run(open_checkpoint().load(), run.ids).items():
        assert run[name].dtype == np.float64
        np.testing.assert_allclose(run[name], np.asarray(value), rtol=1e-9, atol=1e-10, err_msg=name)
        assert name in run
    results = run["blocks.5.attn.hook_result"]
    bias = run.model.model.weights.blocks[5].attn_out.bias
    np.testing.assert_allclose(results.sum(axis=1) + bias, run["blocks.5.hook_attn_out"], atol=1e-12)


def test_arrays_cannot_be_written_to(run: Run) -> None:
    with pytest.raises(ValueError, match="read-only"):
        run["logits"][0, 0] = 1.0


def test_the_beginning_is_put_before_the_text(model: Model) -> None:
    run = model.run(PROMPT, bos=True)
    assert run.ids == [model.config.eos_token_id, *model.run(PROMPT).ids]
    assert model.run(run.ids, bos=True).ids == run.ids, "not twice"
    assert model.run(run.ids).ids == run.ids


def test_dtypes_and_conventions() -> None:
    assert gx.load(dtype="float32").run("Once")["logits"].dtype == np.float32
    theirs = gx.load(convention="transformer-lens").run("Once")
    plain = gx.load().run("Once")
    np.testing.assert_allclose(theirs["logits"].mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(theirs.probabilities, plain.probabilities, atol=1e-12)
    with pytest.raises(UsageError, match="plain, transformer-lens"):
        gx.load(convention="folded")
    with pytest.raises(UsageError, match="float64"):
        gx.load(dtype="half")


def test_generation(model: Model) -> None:
    assert model.generate("Once upon a time", 8) == "Once upon a time, there was a little girl named Lily"


# Edits


def test_an_edit_is_what_the_hooks_of_the_model_give(run: Run) -> None:
    def hook(name: str, value: np.ndarray) -> np.ndarray | None:
        if name != "blocks.3.attn.hook_z":
            return None
        changed = value.copy()
        changed[:, 3] = 0.0
        return changed

    expected = run.model.model.forward(run.ids, hook=hook).logits
    cut = run.edit(gx.head(3, 3).zero())
    np.testing.assert_allclose(cut["logits"], expected, atol=1e-10)
    p, q = run.probabilities, cut.probabilities
    assert cut.kl == pytest.approx(float((p * np.log2(p / q)).sum()))
    assert run.kl == 0
    token, before, after, points = cut.changes[0]
    assert (token, before) == ("·Lily", pytest.approx(p.max()))
    assert points == pytest.approx(100 * (after - before))
    assert cut.base is run


def test_edits_stack_and_give_arrays_their_place(run: Run) -> None:
    name = "blocks.2.hook_resid_post"
    both = run.edit(gx.mlp(1).zero(), gx.head(3, 3).scale(0.5))
    one_by_one = run.edit(gx.mlp(1).zero()).edit(gx.head(3, 3).scale(0.5))
    np.testing.assert_allclose(both.logits, one_by_one.logits, atol=1e-12)
    assert one_by_one.edits == both.edits == ("MLP 1: zeroed", "head 3.3: scaled by 0.5")
    given = np.asarray(run[name]) * 2
    np.testing.assert_array_equal(run.edit(gx.activation(name).set(given))[name], given)
    part = run.edit(gx.activation(name, [3, 4]).set(given))[name]
    np.testing.assert_array_equal(part[[3, 4]], given[[3, 4]])
    np.testing.assert_array_equal(part[:3], run[name][:3])


def test_a_mean_over_other_runs(model: Model, run: Run) -> None:
    others = model.run_all([OTHER, "Once upon a time"])
    rows = np.concatenate([each["blocks.3.attn.hook_z"] for each in others])[:, 3]
    changed = run.edit(gx.head(3, 3).mean(over=others))
    np.testing.assert_allclose(
        changed["blocks.3.attn.hook_z"][:, 3], np.tile(rows.mean(0), (len(run.ids), 1)), atol=1e-12
    )


def test_wrong_shapes_are_refused(run: Run, model: Model) -> None:
    with pytest.raises(EditError, match=r"\[T, 192\]; the numbers that are given have \[11, 3\]"):
        run.edit(gx.activation("blocks.0.hook_resid_pre").set(np.zeros((11, 3))))
    with pytest.raises(EditError, match="11 positions in this run, and 5 are given"):
        run.edit(gx.activation("blocks.0.hook_resid_pre").set(np.zeros((5, 192))))
    with pytest.raises(EditError, match="rows of numbers"):
        run.edit(gx.activation("blocks.0.hook_resid_pre").set("zero"))
    assert run.edit(gx.head(3, 3).set(np.float32(0))).kl == pytest.approx(run.edit(gx.head(3, 3).zero()).kl)


def test_steering_vectors(model: Model, run: Run, tmp_path: Path) -> None:
    name = "blocks.2.hook_resid_pre"
    happy, sad = model.run_all(["Lily was happy", "Tim was glad"]), model.run_all(["Lily was sad"])
    vector = gx.steering(name, happy, sad, title="glad")
    expected = np.mean([each[name][-1] for each in happy], axis=0) - sad[0][name][-1]
    np.testing.assert_allclose(vector.vector, expected)
    gx.save_steering(tmp_path / "glad.safetensors", vector)
    again = gx.load_steering(tmp_path / "glad.safetensors")
    assert again == vector
    steered = run.edit(gx.activation(name, 4).add(again, 2.0))
    np.testing.assert_allclose(steered[name][4], run[name][4] + 2 * expected)
    assert steered.edits == (f"{name}[4]: +2 × glad",)
    (tmp_path / "no.safetensors").write_bytes(b"nothing")
    with pytest.raises(gx.GPTError, match="cannot be read as a steering vector"):
        gx.load_steering(tmp_path / "no.safetensors")


# Questions


def test_an_attribution_adds_up(run: Run, model: Model) -> None:
    lily, tom = model.token(" Lily"), model.token(" Tom")
    lead = run.attribute(" Lily", versus=" Tom", by="head")
    assert lead.column("value").sum() == pytest.approx(run.logits[lily] - run.logits[tom])
    assert lead.by_head.shape == (6, 6)
    assert lead.by_head[5, 2] == lead.column("value").max()
    centred, plain = run.attribute(" Lily"), run.attribute(" Lily", convention="plain")
    assert centred.column("value").sum() == pytest.approx(run.logits[lily] - run.logits.mean()) == centred.logit
    assert plain.column("value").sum() == pytest.approx(run.logits[lily]) == plain.logit
    with pytest.raises(UsageError, match="by='head'"):
        _ = centred.by_head


def test_why_opens_doors(run: Run, model: Model) -> None:
    found = run.why("logits[-1, ' Lily']")
    assert found.cell == f"logits[10,{model.token(' Lily')}]"
    assert found.value == run.logits.max()
    assert sum(value or 0 for value, _ in found.terms) == pytest.approx(found.value)
    assert found[0].cell == found.terms[0][1]
    assert run.why('probabilities[-1, " Lily"]').value == pytest.approx(run.probability(" Lily"))
    with pytest.raises(CellError, match="no term"):
        _ = found[9999]


def test_a_score_adds_up(run: Run) -> None:
    found = run.score(5, 2, -1, 2)
    assert found.values.sum() == pytest.approx(run["blocks.5.attn.hook_attn_scores"][2, -1, 2])


def test_the_lens_ends_with_the_answer(run: Run) -> None:
    found = run.lens(" Lily")
    assert found.shape == (13, 11)
    assert found[-1, -1] == pytest.approx(run.probability(" Lily"))


def test_heads_and_flow(run: Run) -> None:
    heads = {row[0]: row for row in run.heads()}
    assert len(heads) == 36
    assert heads["3.3"][-1] == run["blocks.3.attn.hook_pattern"][3, -1, 8]
    copied = {row["head"]: row["copy score"] for row in run.heads(copying=True).as_dicts()}
    assert copied["5.2"] == gx.copy_score(run, 5, 2) > copied["3.3"]
    flow = run.flow()
    assert max(flow.as_dicts(), key=lambda row: row["logit"])["edge"] == "MLP 0 at ·Lily"


def test_circuits(model: Model) -> None:
    assert model.promoted(5, 2, " Lily").columns == ("token", "value")
    assert model.copying().shape == (6, 6)
    assert model.composition("k").shape == (6, 6, 6, 6)
    assert len(model.directions(5, 2)) == 5
    with pytest.raises(UsageError, match="q, k and v"):
        model.composition("x")


# Experiments


def test_a_sweep_is_edit_by_edit(run: Run) -> None:
    metric = gx.logit_difference(" Lily", " Tom")
    found = run.sweep("heads", metric)
    for layer, head in ((3, 3), (5, 2), (0, 0)):
        changed = run.edit(gx.head(layer, head).zero())
        assert found[layer, head] == pytest.approx(changed.measure(metric) - run.measure(metric))
    assert run.sweep("neurons", metric, layers=[5], at=-1).shape == (1, 768)


def test_patching_between_two_prompts(model: Model, run: Run) -> None:
    corrupted, metric = model.run(OTHER), gx.logit_difference(" Lily", " Tom")
    restored = run.patching(corrupted, "positions", metric)
    assert restored.shape == (6, 11)
    assert restored[0, 8] == pytest.approx(1), "the only token that differs"
    np.testing.assert_allclose(restored.values[0, :8], 0, atol=1e-9)
    broken = run.patching(corrupted, "positions", metric, noising=True)
    assert broken[0, 8] == pytest.approx(0)
    aligned = run.aligned(corrupted)
    assert [row[0] for row in aligned if row[-1]] == [8]
    with pytest.raises(UsageError, match="same length"):
        run.patching(model.run("Once"), "heads", metric)


def test_a_path_of_all_receivers_is_the_whole_edit(run: Run) -> None:
    """A head of the last block reaches the logits by the stream and its own MLP alone."""
    edit = gx.head(5, 2).zero()
    direct = run.path(edit, "logits", mlps_follow=True)
    np.testing.assert_allclose(direct.logits, run.edit(edit).logits, atol=1e-10)
    with pytest.raises(EditError, match="choose a later receiver"):
        run.path(edit, "5.1.q")
    with pytest.raises(EditError, match="no receiver"):
        run.path(edit, "five")


# Shown


def test_nothing_is_long(run: Run, model: Model) -> None:
    shown = [model, run, run.edit(gx.head(3, 3).zero()), run.top(), run.attribute(by="neuron"), run.lens(), run.heads()]
    shown += [run.sweep("mlps"), run.score(5, 2, -1, 2), model.copying(), gx.head(3, 3), gx.head(3, 3).zero()]
    shown += [run.edit(gx.head(3, 3).zero()).changes, run.show(), gx.kl(), gx.probability(" Lily")]
    assert max(len(repr(each)) for each in shown) < SHORT
    assert len(repr(run.why("logits[-1, ' Lily']"))) < SHORT
    assert repr(run) == "<run of 11 tokens: ·Lily 73.0%>"
    assert repr(gx.head(3, 3).zero()) == "head 3.3: zeroed"


def test_html_is_escaped(model: Model) -> None:
    run = model.run("<b>Tom</b> & Lily")
    aligned = run.aligned(run)
    assert "<b>" not in aligned._repr_html_()
    assert "&lt;" in aligned._repr_html_()
    assert run._repr_html_().count("<tr>") == 11


def test_a_picture(run: Run, tmp_path: Path) -> None:
    picture = run.show("pattern", layer=5, head=2)
    assert ".70" in str(picture)
    svg = picture._repr_svg_()
    assert svg.startswith("<svg")
    assert "font-face" not in svg
    assert "http" not in svg.replace("http://www.w3.org", "")
    picture.save(tmp_path / "pattern.svg")
    assert (tmp_path / "pattern.svg").read_text(encoding="utf-8") == svg
    with pytest.raises(UsageError, match="did you mean pattern"):
        run.show("patern")
    with pytest.raises(UsageError, match="no block 6"):
        run.show("pattern", layer=6)


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        (lambda run: run["blocks.5.attn.hook_patern"], CellError, "did you mean blocks.5.attn.hook_pattern"),
        (lambda run: gx.haed, AttributeError, "Did you mean 'head'"),
        (lambda run: run.edit(gx.head(9, 9).zero()), EditError, "no block 9"),
        (lambda run: run.edit(gx.activation("blocks.0.hook_residpre").zero()), EditError, "blocks.0.hook_resid_pre"),
        (lambda run: run.model.token(" Lilyy and"), UsageError, "3 tokens"),
        (lambda run: run.sweep("hedas"), EditError, "resid_pre"),
        (lambda run: run.sweep(what="remove"), UsageError, "'zero', 'mean'"),
        (lambda run: run.attribute(" Lily", by="heads"), UsageError, "head"),
        (lambda run: run.why("logit[1,2]"), CellError, "did you mean logits"),
        (lambda run: run.why("logits[1"), CellError, "names no number"),
        (lambda run: run.why("hook_embed[1, ' Lily']"), CellError, "names a token"),
        (lambda run: run.top().column("p"), UsageError, "token, probability, logit"),
        (lambda run: gx.edge(9, 2, head=3), UsageError, "needs its layer"),
        (lambda run: run.model.run(""), UsageError, "empty"),
        (lambda run: run.model.run([5000]), gx.GPTError, "no token 5000"),
    ],
)
def test_mistakes_say_what_was_meant(run: Run, wrong, error: type[Exception], said: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=said):
        wrong(run)
