"""The whole model against Hugging Face's: the same directory, read by transformers and run by GPT2LMHeadModel.

Plain Python runs the prompt and the continuation. At the full context the forward pass runs on the NumPy engine, which
the cascade compares with plain Python: there the logits and the largest logit of every position are compared.
"""

from pathlib import Path
from typing import Any

import numpy as np

from explorer.engine import array_ops
from explorer.verify.compare import Component
from explorer.verify.inputs import Own
from explorer.verify.rounding import DOUBLE, SINGLE, Kernels, Pair, Rounding
from explorer.verify.runner import Tell
from gpt import GPT, Sampling, generate, ops

DOUBLES, SINGLES = "transformers, float64", "transformers, float32"
LIBRARY = "exp, tanh, sums"


def against_transformers(own: Own, directory: Path, tell: Tell = lambda name: None) -> list[Component]:
    """Logits in float64 and float32, the largest at every position, and the greedy continuation."""
    import torch

    tell("GPT2LMHeadModel")
    theirs = _load(directory)
    found = []
    with torch.no_grad():
        for against, unit in ((SINGLES, SINGLE), (DOUBLES, DOUBLE)):
            theirs = theirs.to(torch.float32 if unit == SINGLE else torch.float64)
            tell(against)
            found.extend(_logits(own, theirs, against, unit))
        tell("greedy continuation")
        found.append(_greedy(own, theirs))
    return [*found[2:], *found[:2]]  # float64 first; float32 ran first, as what it rounds off cannot be brought back


def _load(directory: Path) -> Any:
    import transformers

    library: Any = transformers  # not typed throughout
    library.logging.set_verbosity_error()
    library.logging.disable_progress_bar()
    return library.GPT2LMHeadModel.from_pretrained(directory).eval()


def _run(theirs: Any, ids: list[int]) -> Any:
    import torch

    return theirs(torch.tensor([ids])).logits[0].double().numpy()


def _logits(own: Own, theirs: Any, against: str, unit: float) -> list[Component]:
    why = LIBRARY if unit == DOUBLE else "float32"
    logits = Component("logits, every position", against, why)
    largest = Component("argmax, every position", against, "near ties")
    pair = Pair(Rounding(independent=True), Kernels(unit, independent=True))
    config, arrays = own.model.config, own.model.arrays
    for engine, ids in ((ops, own.prompt), (array_ops, own.full_ids)):
        weights = own.model.lists if engine is ops else arrays
        ours = np.asarray(GPT(config, weights, engine).forward(ids).logits)
        expected = _run(theirs, ids)
        allowed = pair.tolerance(
            *(GPT(config, arrays, program).forward(ids).logits for program in (pair.ours, pair.theirs))
        )
        logits.add(ours, expected, allowed)
        largest.add(ours.argmax(-1), expected.argmax(-1), _ties(ours, expected, allowed, config.vocab_size))
    return [logits, largest]


def _ties(ours: Any, theirs: Any, allowed: Any, many: int) -> Any:
    """Any token may be the largest where the two candidates are nearer to each other than rounding is exact."""
    rows = np.arange(len(ours))
    a, b = ours.argmax(-1), theirs.argmax(-1)
    near = theirs[rows, b] - theirs[rows, a] <= allowed[rows, a] + allowed[rows, b]
    return np.where(near, many, 0)


def _greedy(own: Own, theirs: Any) -> Component:
    import torch

    component = Component("greedy continuation", DOUBLES, "")
    config, prompt = own.model.config, own.prompt[: max(1, own.model.config.n_positions // 2)]
    count = min(2 * own.positions, config.n_positions - len(prompt))
    steps = generate(GPT(config, own.model.lists), prompt, count, Sampling(0.0))
    ends = list(config.end_tokens) or None
    options = {
        "do_sample": False,
        "max_new_tokens": count,
        "eos_token_id": ends,
        "pad_token_id": ends[0] if ends else 0,
    }
    ids = torch.tensor([prompt])
    expected = theirs.generate(ids, attention_mask=torch.ones_like(ids), **options)
    component.add([step.token for step in steps], expected[0, len(prompt) :].tolist(), 0.0)
    return component
