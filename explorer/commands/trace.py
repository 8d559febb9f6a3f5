"""`gpt-explorer trace PROMPT -o FILE`: every activation of a run, as a file that other tools read."""

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.commands.many import add_prompts, run_many
from explorer.commands.many import check as check_prompts
from explorer.commands.options import add_model, add_prompt
from explorer.commands.parser import Parser
from explorer.errors import TraceError, UsageError
from explorer.files import check
from explorer.terminal import output
from explorer.terminal.glyphs import quoted
from gpt import GPT

if TYPE_CHECKING:
    from explorer.commands.headless import Prompted

_LIKELIEST = 10


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer trace",
        description="Write every activation of a run as safetensors. Names are TransformerLens', for weights that it "
        "does not process, and there is no batch axis; it has none for hook_mean and hook_var of a layer norm, "
        "attn.hook_attn_scores_raw and ..._scaled, and logits, and hook_out only from version 4 on.",
    )
    add_prompt(parser, "the text to run")
    parser.add_argument(
        "-o",
        "--output",
        type=file_name,
        required=True,
        metavar="FILE",
        help="the file to write; with --prompts a {} in it is the number of the prompt",
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="GLOB",
        help="write only activations with such names: 'blocks.*.hook_resid_post'",
    )
    parser.add_argument(
        "--float32", action="store_true", help="write float32, which takes half the space (default: float64)"
    )
    parser.add_argument(
        "--head-results", action="store_true", help="also write the output of each head: attn.hook_result"
    )
    parser.add_argument(
        "--convention",
        choices=("plain", "transformer-lens"),
        default="plain",
        help="the activations as the checkpoint's weights give them, or as TransformerLens' default processing does "
        "(layer norms folded, centred), in float64 (default: plain)",
    )
    parser.add_argument("--json", action="store_true", help="print the likeliest next tokens at every position")
    add_prompts(parser)
    add_model(parser)
    return parser


def file_name(text: str) -> Path:
    """The path of a file: one that ends with a stroke names a folder."""
    if text.endswith(("/", os.sep)) or not text:
        raise argparse.ArgumentTypeError(f"{quoted(text)} names no file: give the name of one")
    return Path(text)


def run(options: argparse.Namespace) -> int:
    if str(options.output) == "-":
        raise UsageError("-o - names no file, and a trace is no text for a terminal: name one (./- if it is called -).")
    check_prompts(options)
    from explorer.commands.headless import open_prompt

    if options.prompts:
        if "{}" not in options.output.name:
            raise UsageError(
                "a file is written for each prompt: put {} into its name, such as -o 'run-{}.safetensors'."
            )
        return run_many(options, _measures, arrays=False)
    check(options.output)  # before the work, not after it
    written = _write(options, open_prompt(options), options.output)
    (output.data if options.json else output.say)(written)
    return 0


def _measures(given: "Prompted", options: argparse.Namespace) -> tuple[dict[str, float], dict[str, Any]]:
    """The file of one prompt, and how large it is."""
    path = options.output.with_name(options.output.name.replace("{}", str(options.number)))
    check(path)
    _write(options, given, path)
    return {"megabytes": path.stat().st_size / 1e6}, {"file": str(path)}


def _write(options: argparse.Namespace, given: "Prompted", path: Path) -> str:
    """Run the prompt and write the file; what there is to say about it."""
    import numpy as np

    from explorer.walk import trace_file

    model, ids, tokenizer = _model(options, given), given.ids, given.tokenizer
    try:
        values, logits = trace_file.record(model, ids, options.only, _asks_for_results(options))
    except TraceError as error:  # no name fits --only
        raise UsageError(str(error)) from error
    dtype = np.float32 if options.float32 else np.float64
    trace_file.write(path, values, model, given.checkpoint.name, given.prompt, ids, tokenizer, dtype)
    if options.json:
        return json.dumps(trace_file.predictions(logits, ids, tokenizer, _LIKELIEST))
    size = path.stat().st_size / 1e6
    return f"{path}: {len(values)} activations of {len(ids)} tokens, {size:.1f} MB"


def _model(options: argparse.Namespace, given: "Prompted") -> GPT:
    """The model that is run: with its weights processed where that convention is wanted."""
    if options.convention == "plain":
        return given.model
    from dataclasses import replace

    from explorer.analysis.folded import folded
    from explorer.engine import numpy_ops

    config = replace(given.model.config, tie_word_embeddings=False)
    return GPT(config, folded(given.model.weights, config), ops=numpy_ops)


def _asks_for_results(options: argparse.Namespace) -> bool:
    return options.head_results or any("hook_result" in pattern for pattern in options.only)
