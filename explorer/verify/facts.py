"""Published facts about GPT-2 small, as data: each with its source and its check.

They are not our measurements: they were found by others, with other programs. They hold for the weights that OpenAI
published and for no other, so they are checked where `is_gpt2_small` recognises these.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from explorer.verify.fact_checks import Subject
from gpt import GPTConfig


@dataclass(frozen=True)
class Fact:
    """A claim; `kind` is a function of `fact_checks`, `given` its arguments."""

    claim: str
    source: str
    kind: str
    given: Mapping[str, Any]


_VOCABULARY = 'OpenAI\'s encoder.json and vocab.bpe, as tiktoken.get_encoding("gpt2") reads them'
_TRANSFORMERS = "transformers, tests/models/gpt2/test_modeling_gpt2.py"
_EXPLAINER = "poloclub/transformer-explainer, src/constants/examples/ex0.js"
_PICO = "jaymody/picoGPT, README"
_ATTRIBUTION = "TransformerLens, demos/Direct_Logit_Attribution_Demo.ipynb"
_OLSSON = "replications of Olsson et al. 2022, arXiv:2209.11895"
_NEURONSCOPE = "neuronscope-cli, README"

_DATA = "Data visualization empowers users to"
_TURING = "Alan Turing theorized that computers would one day become"
_MACHINES = (
    " the most powerful machines on the planet.\n\nThe computer is a machine that can perform complex calculations,"
)
_DOG = (464, 3290, 373, 1043, 287, 257, 2214, 1474, 262, 16246, 286, 2688, 290, 2688, 27262, 13, 198, 198, 464, 3290)

# The explainer's own GPT-2 has the exact GELU: what lies behind an MLP may agree with either.
_EITHER_GELU = ("gelu_new", "gelu")

GPT2_SMALL = (
    Fact(
        'how "Once upon a time" is spelled',
        _VOCABULARY,
        "encodes",
        {"text": "Once upon a time", "ids": (7454, 2402, 257, 640)},
    ),
    Fact(
        "and a continuation of it",
        _VOCABULARY,
        "encodes",
        {"text": ", this was our greatest", "ids": (11, 428, 373, 674, 6000)},
    ),
    Fact('"The dog" goes on, greedily', _TRANSFORMERS, "greedy_ids", {"ids": _DOG[:2], "then": _DOG[2:]}),
    Fact(
        '"Today, I" goes on, greedily',
        _TRANSFORMERS,
        "greedy_text",
        {"text": "Today, I", "then": "'m going to be doing a lot of research on this. I"},
    ),
    Fact("Alan Turing theorized, greedily", _PICO, "greedy_text", {"text": _TURING, "then": _MACHINES}),
    Fact(
        f'how "{_DATA}" is spelled',
        _EXPLAINER,
        "encodes",
        {"text": _DATA, "ids": (6601, 32704, 795, 30132, 2985, 284)},
    ),
    Fact(
        "its raw scores in block 0, head 0",
        _EXPLAINER,
        "values",
        {
            "text": _DATA,
            "activation": "blocks.0.attn.hook_attn_scores_raw",
            "at": {(0, 0, 0): "-4.164484501", (0, 0, 1): "-3.394368887", (0, 0, 2): "-16.689382553"},
        },
    ),
    Fact(
        "the pattern there",
        _EXPLAINER,
        "values",
        {"text": _DATA, "activation": "blocks.0.attn.hook_pattern", "at": {(0, 1, 0): ".83881", (0, 1, 1): ".16119"}},
    ),
    Fact(
        "in block 4, head 11 looks one token back",
        _EXPLAINER,
        "values",
        {
            "text": _DATA,
            "activation": "blocks.4.attn.hook_pattern",
            "at": {(11, 2, 1): ".9999974", (11, 3, 2): ".9999994", (11, 4, 3): ".99947"},
            "activations": _EITHER_GELU,
        },
    ),
    Fact(
        "the likeliest next tokens there: visualize, create, see",
        _EXPLAINER,
        "top_tokens",
        {"text": _DATA, "ids": (38350, 2251, 766), "activations": _EITHER_GELU},
    ),
    Fact(
        "the capital of Japan is Tokyo",
        _NEURONSCOPE,
        "top_tokens",
        {"text": "The capital of France is Paris. The capital of Japan is", "ids": (11790,)},
    ),
    Fact(
        "9.9 (+1.96) and 9.6 (+1.63) write Mary, 10.7 (-1.43) writes John",
        _ATTRIBUTION,
        "attribution",
        {
            "text": "When John and Mary went to the shops, John gave the bag to",
            "tokens": (" Mary", " John"),
            "leading": ("9.9", "9.6"),
            "opposing": ("10.7",),
        },
    ),
    Fact(
        "the five heads that find a repetition",
        _OLSSON,
        "induction",
        {"heads": ("5.1", "5.5", "6.9", "7.2", "7.10"), "length": 50},
    ),
)

_SHAPE = GPTConfig()  # its defaults are GPT-2 small
_FIRST_ROW = {0: -0.1101, 1: -0.0393, 2: 0.0331, -3: -0.1364, -2: 0.0151, -1: 0.0453}
"""Of wte.weight, as PyTorch prints it."""


def is_gpt2_small(subject: Subject) -> bool:
    """Whether these are the published weights: the configuration, the tokenizer, and six numbers of the embedding.

    A model of the same shape with other weights, one that was trained on, is not what the facts are about.
    """
    config = subject.model.config
    names = ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "mlp_width", "activation_function")
    if any(getattr(config, name) != getattr(_SHAPE, name) for name in names):
        return False
    if subject.tokenizer.encode("Once upon a time") != [7454, 2402, 257, 640]:
        return False
    row = subject.model.lists.token_embedding[0]
    return all(abs(row[place] - value) < 0.0001 for place, value in _FIRST_ROW.items())
