"""`gpt-explorer source`: the right lines of the right functions, for every name."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from explorer.code import listing
from explorer.commands import source
from explorer.errors import CellError
from gpt import activation_shapes, tensor_shapes
from tests.helpers.models import embedded

ROOT = Path(__file__).parents[2]


def run(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert source.run(source.parser().parse_args(words)) == 0
    return capsys.readouterr().out


def line(file: str, number: int) -> str:
    return (ROOT / file).read_text(encoding="utf-8").splitlines()[number - 1].strip()


LINES = {
    "hook_embed": ('tokens = run.see("hook_embed", ', ["take"]),
    "blocks.3.hook_resid_pre": ('residual = run.see("hook_resid_pre", residual)', ["add"]),
    "blocks.0.ln1.hook_var": ('variance = run.see("hook_var", run.ops.variance(x, mean))', ["variance"]),
    "blocks.5.ln2.hook_out": ('return run.see("hook_out", run.ops.scale_and_shift(', ["scale_and_shift"]),
    "blocks.0.attn.hook_q": ('queries = run.see("hook_q", queries)', ["linear"]),
    "blocks.2.attn.hook_attn_scores_raw": ("raw = run.see(", ["raw_scores", "matmul_transposed"]),
    "blocks.2.attn.hook_attn_scores": ('masked = run.see("hook_attn_scores", run.ops.causal_mask(', ["causal_mask"]),
    "blocks.47.attn.hook_pattern": ('pattern = run.see("hook_pattern", run.ops.softmax(', ["softmax", "softmax_row"]),
    "blocks.2.attn.hook_z": ('z = run.see("hook_z", mix(', ["mix", "matmul"]),
    "blocks.2.attn.hook_result": ("results = run.see(HEAD_RESULTS, ", ["results_by_head", "matmul_transposed"]),
    "blocks.2.hook_attn_out": ('attn_out = run.see("hook_attn_out", attn_out)', ["linear"]),
    "blocks.2.hook_resid_mid": ('residual = run.see("hook_resid_mid", run.ops.add(', ["add"]),
    "blocks.2.mlp.hook_post": ('post = run.see("hook_post", run.ops.activate(', ["activate", "gelu_new"]),
    "blocks.2.hook_mlp_out": ('mlp_out = run.see("hook_mlp_out", mlp(', ["mlp", "linear"]),
    "logits": ('return run.see("logits", run.ops.matmul_transposed(', ["matmul_transposed"]),
    "tempered": ("tempered = logits if greedy else", ["_tempered"]),
    "tempered_probabilities": ("tempered_probabilities = softmax_row(tempered)", ["softmax_row"]),
    "top_k_logits": ("top_k_logits = _keep(", ["_keep", "_top_k"]),
    "top_p_logits": ("top_p_logits = _top_p(", ["_top_p"]),
    "probabilities": ("probabilities = softmax_row(top_p_logits)", ["softmax_row"]),
    "cumulative": ("cumulative = list(accumulate(", []),
    "probabilities.total": ("total = sum(exps)", []),
    "blocks.1.attn.hook_pattern.total": ("total = sum(exps)", []),
    "drawn": ("return chances.order[-1]", []),
    "tokens": ("return chances.order[-1]", []),
    "wte.weight": ('tokens, positions = source.matrix("wte.weight"), source.matrix("wpe.weight")', []),
    "h.7.attn.c_attn.bias": ('attn_qkv=linear(f"h.{layer}.attn.c_attn"),', []),
    "ln_f.bias": ("weights = Weights(", []),
    "lm_head.weight": ("unembedding = tokens if config.tie_word_embeddings else", []),
}


@pytest.mark.parametrize("name", LINES)
def test_the_line_that_hands_it_over_and_what_computes_it(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(run(capsys, name, "--json"))
    text, functions = LINES[name]
    handed = found["handed"]
    assert found["name"] == name
    assert line(handed["file"], handed["line"]).startswith(text)
    assert [function["function"] for function in found["functions"]] == functions
    for code in (handed, *found["functions"]):
        assert code["first"] <= code["line"] < code["first"] + len(code["code"])
        assert code["code"][code["line"] - code["first"]].strip() == line(code["file"], code["line"])
    for code in found["functions"]:
        assert line(code["file"], code["line"]).startswith("return ")


def test_the_code_with_its_line_marked(capsys: pytest.CaptureFixture[str]) -> None:
    printed = run(capsys, "blocks.2.attn.hook_pattern")
    headers = re.findall(r"^(gpt/\w+\.py):(\d+) ([\w.]+)$", printed, re.M)
    assert [function for _, _, function in headers] == ["attention", "softmax", "softmax_row"]
    marked = re.findall(r"^▶ *(\d+)  (.*)$", printed, re.M)
    assert [number for number, _ in marked] == [number for _, number, _ in headers]
    assert [code.strip() for _, code in marked] == [line(file, int(number)) for file, number, _ in headers]
    for number, code in re.findall(r"^[▶ ] *(\d+)  (.*)$", printed.split("gpt/ops.py")[0], re.M):
        assert code.strip() == line("gpt/attention.py", int(number))


def test_all_names(capsys: pytest.CaptureFixture[str]) -> None:
    """Every name there is an explanation for, each once, the blocks by their first."""
    found = json.loads(run(capsys, "--json"))
    shapes = {entry["name"]: entry["shape"] for entry in found}
    assert len(shapes) == len(found)
    config = embedded()[0].config
    activations = {name: list(axes) for name, axes in activation_shapes(config, True)}
    first = {name: axes for name, axes in activations.items() if not re.match(r"blocks\.[1-9]", name)}
    assert first.items() <= shapes.items()
    assert {name for name in tensor_shapes(config) if not re.match(r"h\.[1-9]", name)} <= set(shapes)
    assert shapes["h.0.attn.c_attn.weight"] == ["d", "3d"]
    assert shapes["tempered_probabilities.total"] == ["T"]
    printed = run(capsys)
    for name, axes in shapes.items():
        assert re.search(rf"^{re.escape(name)} +\[{', '.join(axes)}\] +gpt/\w+\.py:\d+", printed, re.M), name


def test_every_activation_names_what_explains_it(capsys: pytest.CaptureFixture[str]) -> None:
    """The last function is the one of which an explanation says that it computed the number."""
    from tests.helpers.explained import some_cells, stories

    subject = stories("Once upon")
    for cell in some_cells(subject, 1):
        function = subject.provenance.explain(cell).function
        if (
            function
            and cell.name not in ("tokens", "drawn", "cumulative")
            and "." in cell.name
            and "total" not in cell.name
        ):
            listed = listing.listing(cell.name).functions
            if "hook_resid_pre" not in cell.name:
                assert listed[-1].function is function, cell


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("blocks.2.atn.hook_patern", "did you mean blocks.0.attn.hook_pattern or"),
        ("probability", "did you mean probabilities"),
        ("xyz", "there is no 'xyz': `gpt-explorer source` lists the names."),
        ("", "there is no ''"),
        ("blocks.x.hook_resid_post", "did you mean blocks.0.hook_resid_post"),
    ],
)
def test_unknown_names(name: str, said: str) -> None:
    with pytest.raises(CellError) as refused:
        source.run(source.parser().parse_args([name]))
    assert said in str(refused.value)


def test_json_of_all_names_is_short(capsys: pytest.CaptureFixture[str]) -> None:
    entries: list[dict[str, Any]] = json.loads(run(capsys, "--json"))
    assert all(set(entry) == {"name", "shape", "file", "line", "functions"} for entry in entries)
