"""The page in Chromium, with the network off: steps, numbers, why, looks, print, touch."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from explorer.analysis.lens import rows
from explorer.provenance.names import axes_of
from explorer.runs.cells import Cell
from explorer.stages import walk
from tests.helpers import numpy_gpt2
from tests.helpers.browser import PHONE, Shown, written
from tests.helpers.checkpoint_builder import CONFIG, weights, write_checkpoint
from tests.helpers.looking import PROMPT, story
from tests.helpers.models import embedded

DIGITS = 2e-7  # of float32, relative


@cache
def oracle() -> dict[str, Any]:
    """Every activation of the prompt, by another program."""
    _, checkpoint = embedded()
    config = json.loads((checkpoint.path / "config.json").read_text())
    return numpy_gpt2.Run(config, tensors(), checkpoint.tokenizer.encode(PROMPT)).seen


@cache
def tensors() -> dict[str, Any]:
    """The numbers of the checkpoint, as they are stored."""
    _, checkpoint = embedded()
    stored = load_file(checkpoint.path / "model.safetensors")
    return {name.removeprefix("transformer."): value.astype(np.float64) for name, value in stored.items()}


@pytest.fixture(scope="module")
def shown(chromium: Any, walk_page: Path) -> Iterator[Shown]:
    found = Shown(chromium, walk_page)
    yield found
    found.context.close()


def test_it_opens_offline_asks_for_nothing_and_complains_of_nothing(shown: Shown) -> None:
    shown.open()
    assert shown.text("#place") == "tokens"
    assert shown.page.get_attribute("html", "lang") == "en"
    assert [url.partition("#")[0] for url in shown.requests] == [shown.file.as_uri()]
    assert shown.complaints == []


def test_the_arrows_go_through_every_stage_of_the_walk(shown: Shown) -> None:
    """Each with its place, its lesson, an address of its own, and a word for screen readers."""
    shown.open()
    stages = walk(story().config)
    seen = []
    for number, stage in enumerate(stages):
        assert shown.text("#place") == stage.place
        assert stage.sentence in shown.text("#step")
        assert len(shown.text("#lesson")) > 200
        assert not number or stage.place in shown.page.text_content("#said")
        seen.append(shown.hash)
        shown.press("ArrowRight")
    assert len(set(seen)) == len(stages)
    assert seen[-1] == "#draw"
    shown.press("ArrowUp")
    assert shown.text("#place") == "block 5 · ln 1"
    assert shown.complaints == []


def test_a_step_has_a_link(shown: Shown) -> None:
    shown.open("#block-2-pattern/token-4/head-3/column-1")
    assert shown.text("#place") == "block 2 · pattern"
    assert shown.page.get_attribute('[data-key="token 4"]', "aria-current") == "true"
    assert shown.page.get_attribute('[data-key="head 3"]', "aria-pressed") == "true"
    shown.press("ArrowRight")
    assert shown.hash == "#block-2-z/token-4/head-3"
    shown.page.go_back()
    shown.wait_for_place("block 2 · pattern")


def test_a_link_that_leads_nowhere_opens_at_the_beginning(shown: Shown) -> None:
    for link in ("#nowhere", "#block-9-pattern", "#tour-3", "#block-2-pattern/token-99/head-77", "#/%2F/--"):
        shown.open(link)
        assert shown.text("#place") in ("tokens", "block 2 · pattern")
        assert shown.complaints == []


def test_keys_are_those_of_the_screen(shown: Shown) -> None:
    shown.open("#block-2-pattern")
    shown.press("h", "h", ",")
    assert shown.hash == "#block-2-pattern/token-9/head-2"
    shown.press("H", "ArrowDown", "<")
    assert shown.hash == "#block-3-pattern/token-0/head-1"
    shown.press(">", "o")
    assert shown.page.locator(".heads canvas").count() == story().config.n_head
    shown.open("#block-2-qkv")
    shown.press("v")
    assert shown.page.get_attribute('[data-key="part 0"]', "aria-pressed") == "true"
    shown.press("?")
    assert shown.page.locator("dialog").is_visible()
    shown.press("Escape")
    shown.wait_for("!document.querySelector('dialog').open")
    shown.press("l")
    assert not shown.page.locator("#lesson").is_visible()


def test_in_the_picture_the_arrows_move_the_cursor(shown: Shown) -> None:
    shown.open("#block-2-resid-post/token-4/column-7")
    shown.page.focus("#picture")
    shown.press("ArrowRight", "ArrowDown")
    assert shown.hash == "#block-2-resid-post/token-5/column-8"
    assert shown.page.evaluate("document.activeElement.id") == "picture"
    assert "[8]" in shown.text("#value")
    shown.press("Escape", "ArrowRight")
    assert shown.text("#place") == "block 3 · ln 1"


def test_the_numbers_are_those_of_another_program(shown: Shown) -> None:
    """Whole activations; a value of 10 may be off by one in the seventh digit, and so may smaller ones beside it."""
    shown.open()
    names = [name for name in story().trace.axes if not name.startswith("blocks.") or name.startswith("blocks.3.")]
    names.remove("logits")
    assert len(names) > 25
    for name in names:
        wanted = oracle()[name]
        text, shape = shown.ask(
            "(name) => { const { data, start, shape } = walk.run.numbers.array(name);"
            " return [data.slice(start, start + shape.reduce((a, b) => a * b)).join(), shape]; }",
            name,
        )
        values = np.array([float(number.replace("Infinity", "inf")) for number in text.split(",")]).reshape(shape)
        assert values.shape == wanted.shape
        finite = np.isfinite(wanted)
        assert np.array_equal(values[~finite], wanted[~finite])
        assert np.abs(values[finite] - wanted[finite]).max() <= DIGITS * np.abs(wanted[finite]).max(), name


def filled(text: str) -> list[str]:
    """The lines of a text that are not blank."""
    return [line for line in text.splitlines() if line.strip()]


def test_logits_and_probabilities_are_those_of_another_program(shown: Shown) -> None:
    shown.open("#logits")
    logits = oracle()["logits"][-1]
    order = np.argsort(-logits)
    label = story().label
    lines = [line.split() for line in filled(shown.text("#picture table"))[2:]]
    assert [line[1] for line in lines[:20]] == [label(int(token)) for token in order[:20]]
    assert [float(line[3].replace("−", "-")) for line in lines[:20]] == pytest.approx(logits[order[:20]], abs=6e-4)
    shares = numpy_gpt2.softmax(logits)
    ends = [line.split() for line in filled(shown.text("#next").partition("at the end")[2])[1:6]]
    assert [float(line[1].strip("%")) for line in ends] == pytest.approx(100 * shares[order[:5]], abs=0.06)


def test_the_lens_is_that_of_another_program(shown: Shown) -> None:
    """The logits if it stopped there: after the final norm and the unembedding."""
    shown.open()
    for row in rows(story().config.n_layer):
        x = oracle()[row.name][-1]
        normed = (x - x.mean()) / np.sqrt(x.var() + 1e-5)
        logits = (normed * tensors()["ln_f.weight"] + tensors()["ln_f.bias"]) @ tensors()["wte.weight"].T
        shares = numpy_gpt2.softmax(logits)
        found = shown.ask("(name) => walk.run.lenses[name].at(-1)", row.name)
        assert [token for token, *_ in found] == np.argsort(-shares)[:5].tolist()
        assert [share for _, share, _ in found] == pytest.approx(np.sort(shares)[::-1][:5], rel=1e-6)


def cells() -> list[Cell]:
    """Two numbers of every activation of two blocks, and of what is outside of the blocks."""
    random, session = np.random.default_rng(3), story()
    found = []
    for name in session.trace.axes:
        if name.startswith("blocks.") and name.split(".")[1] not in "05":
            continue
        for _ in range(2):
            shape = session.provenance.shape(name)
            index = [int(random.integers(size)) for size in shape]
            if axes_of(name, session.trace.axes) == "HTS":
                index[2] = int(random.integers(index[1] + 1))
            if name == "logits":
                index[1] = session.trace.order(index[0])[int(random.integers(20))]
            found.append(Cell(name, tuple(index)))
    return found


def test_why_is_what_the_program_says(shown: Shown) -> None:
    """The same number of terms, the largest of them the same, and with the rest they add up."""
    shown.open()
    session, held = story(), shown.ask("() => Object.keys(walk.run.arrays)")
    asked = [cell for cell in cells() if cell.name in held]
    assert len(asked) > 60
    for cell in asked:
        why = shown.ask("(name, index) => walk.run.why.explain({ name, index })", cell.name, cell.index)
        explanation = session.provenance.explain(cell)
        assert why["value"] == pytest.approx(explanation.value, rel=1e-6, abs=1e-5), cell
        if not why["terms"]:
            assert "Learned" in why["origin"], cell
            continue
        size = sum(abs(term["value"]) for term in why["terms"]) + 1
        rest = why["rest"]
        if not why["count"]:
            assert abs(rest) < 1e-6 * size, cell
        if cell.name.endswith("hook_attn_out"):  # by head, where the program has products
            by_head = oracle()[cell.name.replace("hook_attn_out", "attn.hook_result")][cell.index[0], :, cell.index[1]]
            values = [term["value"] for term in why["terms"] if "hook_result" in term["cell"]["name"]]
            assert sorted(values) == pytest.approx(sorted(by_head), abs=1e-5)
            continue
        count = (
            cell.index[0] + 1 if cell.name.endswith("hook_z") else len(explanation.terms)
        )  # later keys have no weight
        assert len(why["terms"]) + why["count"] == count, cell
        largest = [term.value for term in explanation.ranked[: 1 if why["count"] else 4]]
        assert [term["value"] for term in why["terms"][: len(largest)]] == pytest.approx(largest, rel=1e-4, abs=1e-5)
        if (
            len(explanation.terms) > 1
            and why["terms"][0]["cell"]
            and explanation.ranked[0].at
            and ".attn.hook_z" not in cell.name
        ):
            doors = {(why["terms"][0]["cell"]["name"], tuple(why["terms"][0]["cell"]["index"]))}
            doors |= {(piece["name"], tuple(piece["index"])) for piece in why["terms"][0]["pieces"] if "name" in piece}
            at = explanation.ranked[0].at
            name = at.name
            if name.endswith("hook_resid_pre") and "blocks.0." not in name:  # what the block before left
                name = f"blocks.{int(name.split('.')[1]) - 1}.hook_resid_post"
            assert {(at.name, at.index), (name, at.index)} & doors, cell


DOORS = """() => {
  const wrong = [], why = walk.run.why;
  const visit = (cell, depth) => {
    const value = why.value(cell), words = why.words(cell);
    if (value === undefined || Number.isNaN(value) || /undefined|NaN/.test(words)) wrong.push([cell, words]);
    if (!depth || wrong.length > 5) return;
    const { terms, count, rest } = why.explain(cell);
    const size = terms.reduce((sum, term) => sum + Math.abs(term.value), 1);
    if (!count && terms.length && Math.abs(rest) > 1e-5 * size) wrong.push([cell, rest]);
    for (const term of terms.slice(0, 2))
      for (const piece of term.pieces) if (piece.name) visit(piece, depth - 1);
  };
  walk.run.stages.forEach((stage, index) => {
    const here = new Here(walk.run, { ...walk.at, stage: index });
    if (here.name) visit(here.cell(), 4);
  });
  return wrong;
}"""
"""The cells without a value, words or a sum, at most four doors behind the numbers of every step."""


def test_every_door_leads_to_a_number(shown: Shown) -> None:
    shown.open()
    assert shown.ask(DOORS) == []


OTHERS: dict[str, dict[str, Any]] = {
    "untied": {"tie_word_embeddings": False},
    "silu, scaled by layer": {"activation_function": "silu", "scale_attn_by_inverse_layer_idx": True},
    "not scaled, one head": {"scale_attn_weights": False, "n_head": 1, "activation_function": "relu"},
}


@pytest.mark.parametrize("kind", OTHERS)
def test_models_of_other_kinds(chromium: Any, tmp_path: Path, kind: str) -> None:
    """Every step and every door; greedy, and of a single token too."""
    changes = OTHERS[kind]
    numbers = weights({**CONFIG, **changes})
    if "tie_word_embeddings" in changes:
        numbers["lm_head.weight"] = np.random.default_rng(1).normal(0, 0.5, (262, 8)).astype(np.float32)
    model = str(write_checkpoint(tmp_path / "model", numbers, **changes))
    for words in (("the hat", "--temperature", "0"), ("--ids", "3", "--engine", "python", "--top-k", "2")):
        shown = Shown(chromium, written(tmp_path / "page.html", *words, "--model", model)).open()
        for _ in range(shown.ask("() => walk.run.stages.length")):
            shown.press("o", "u", "ArrowRight")
        assert shown.text("#place") == "draw"
        assert shown.ask(DOORS) == []
        assert shown.complaints == []
        shown.context.close()


def test_a_number_is_opened_and_doors_are_gone_through(shown: Shown) -> None:
    shown.open("#block-5-pattern/head-2/column-2")
    value = oracle()["blocks.5.attn.hook_pattern"][2, 10, 2]
    assert shown.text("#value b") == f"{value:.7g}"
    shown.press("Enter", "Enter")
    assert shown.text("#value").startswith("score of head 5.2 · ·to (10) ← ·Lily")
    shown.page.click("#number table .door")
    assert shown.text("#value").startswith("scaled score of head 5.2")
    shown.page.click("text=go there")
    assert shown.text("#place") == "block 5 · scaled"
    shown.open("#block-5-pattern/head-2/column-2")
    shown.press("Enter", "Enter", "Backspace")
    assert shown.text("#value b") == f"{value:.7g}"


def test_a_stream_is_taken_apart_into_all_that_was_written(shown: Shown) -> None:
    shown.open("#block-5-resid-post/column-95")
    shown.press("u")
    wanted = len(story().provenance.explain(Cell("blocks.5.hook_resid_post", (10, 95)), unrolled=True).terms)
    assert f"the sum of {wanted} terms" in shown.text("#number caption")
    assert "head 5.2" in shown.text("#number tr:first-of-type")
    first = oracle()["blocks.5.attn.hook_result"][10, 2, 95]
    assert float(shown.text("#number tr:first-of-type .figure")) == pytest.approx(first, abs=6e-6)


def test_dark_and_light(chromium: Any, walk_page: Path) -> None:
    grounds = {}
    for scheme in ("dark", "light"):
        shown = Shown(chromium, walk_page, scheme=scheme).open()
        ground = "getComputedStyle(document.documentElement).backgroundColor"
        grounds[scheme] = shown.page.evaluate(ground)
        shown.page.click("#theme")
        grounds[f"{scheme}, pressed"] = shown.page.evaluate(ground)
        shown.context.close()
    assert grounds["dark"] == grounds["light, pressed"] == "rgb(12, 16, 23)"
    assert grounds["light"] == grounds["dark, pressed"] == "rgb(251, 251, 249)"


def test_a_step_prints_on_its_own_and_the_walk_as_a_whole(chromium: Any, edited_page: Path) -> None:
    shown = Shown(chromium, edited_page).open()
    one = shown.page.pdf()
    shown.page.evaluate("document.body.classList.add('whole')")
    whole = shown.page.pdf()
    steps = shown.ask("() => walk.run.stages.length")
    assert one.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", one)) <= 3
    assert len(re.findall(rb"/Type\s*/Page\b", whole)) >= steps
    shown.wait_for("!document.documentElement.dataset.theme && !document.querySelector('#all article')")
    assert shown.complaints == []
    shown.context.close()


def test_on_a_phone_nothing_is_wider_than_the_page(chromium: Any, walk_page: Path) -> None:
    shown = Shown(chromium, walk_page, PHONE, "light").open()
    wide = []
    for stage in walk(story().config):
        if shown.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(stage.id)
        shown.page.tap("#on") if stage.id != "draw" else None
    assert wide == []
    assert shown.text("#place") == "draw"
    shown.context.close()


def test_a_finger_goes_on_and_back(chromium: Any, walk_page: Path) -> None:
    shown = Shown(chromium, walk_page, PHONE).open("#embed")
    session = shown.context.new_cdp_session(shown.page)

    def swipe(start: int, end: int, down: int = 0) -> None:
        for kind, x, y in (("touchStart", start, 300), ("touchMove", end, 300 + down), ("touchEnd", None, None)):
            points = [] if x is None else [{"x": x, "y": y}]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    swipe(300, 100)
    shown.wait_for_place("position embedding")
    swipe(100, 300)
    shown.wait_for_place("token embedding")
    swipe(200, 180)
    swipe(300, 100, down=200)
    swipe(300, 100)
    shown.wait_for_place("position embedding")  # a short one and a slanted one had moved nothing
    shown.context.close()


def test_it_can_be_read_without_eyes(shown: Shown) -> None:
    """Every picture has words, every control a name, every table a caption; what is chosen is said."""
    for step in ("#tokens", "#block-2-pattern", "#block-2-qkv", "#logits", "#draw"):
        shown.open(step)
        nameless = shown.ask(
            """() => [...document.querySelectorAll("button, a, input, canvas, table, section")]
              .filter((each) => each.checkVisibility() && !(each.getAttribute("aria-label") || each.textContent.trim()
                || each.labels?.length || each.querySelector("caption"))).map((each) => each.outerHTML)"""
        )
        assert nameless == []
    shown.open("#block-2-pattern")
    assert shown.page.locator("#picture table caption").count() > 0
    assert shown.page.locator("#picture table th[scope=row]").count() > 10
    shown.press(",")
    assert "token 10 of 11" in shown.page.text_content("#said")


def test_an_edit_is_said_where_it_was_made(chromium: Any, edited_page: Path) -> None:
    shown = Shown(chromium, edited_page).open()
    assert shown.text("#place") == "block 3 · z"
    assert "head 3.3" in shown.text("#number")
    assert shown.value("blocks.3.attn.hook_z", 10, 3, 0) == 0
    shown.open("#block-3-resid-post")
    shown.press("ArrowRight")
    assert shown.text("#place") == "block 3 · + residual (MLP)", "the page ends here"
    assert shown.complaints == []
    shown.context.close()


def test_a_tour_goes_from_stop_to_stop(chromium: Any, tour_page: Path) -> None:
    shown = Shown(chromium, tour_page).open()
    titles, texts = [], []
    for _ in range(3):
        titles.append(shown.text("#tour-title"))
        texts.append(shown.text("#tour"))
        shown.press("N")
    assert titles == ["1 of 3 · The answer", "2 of 3 · When does it know?", "3 of 3 · Without head 3.3"]
    assert "It says ·Lily." in texts[0]
    assert "Here it says ·Tom." in texts[1]
    assert "block 5 attention" in texts[1], "the picture of its view"
    assert "Now it looks at Tom." in texts[2]
    assert "zeroed" in shown.text("#next"), "the last Stop is of an edited run"
    assert shown.hash == "#tour-3"
    shown.press("P", "E")
    assert not shown.page.locator("#tour").is_visible()
    shown.press("E")
    assert shown.text("#tour-title") == titles[1]
    shown.open("#tour-3")
    assert shown.text("#place") == "block 5 · pattern"
    shown.press("E")
    assert "zeroed" not in shown.text("#next"), "the walk goes on in the run of the tour"
    assert shown.complaints == []
    shown.context.close()


@pytest.mark.parametrize(
    "prompt", ['</script><script>alert(1)</script><img src=x onerror="alert(2)">', "{{data}}<!--&quot;"]
)
def test_a_prompt_is_text_and_nothing_else(chromium: Any, tmp_path: Path, prompt: str) -> None:
    shown = Shown(chromium, written(tmp_path / "page.html", prompt, "--to", "embed")).open()
    assert shown.text("#tokens").replace("\n", "").replace("·", " ") == prompt
    shown.press("ArrowRight")
    assert shown.page.locator("img").count() == 0
    assert len(shown.requests) == 1
    assert shown.complaints == []
    shown.context.close()
