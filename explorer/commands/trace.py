"""`gpt-explorer trace PROMPT -o FILE`: every activation of a run, as a file that other tools read."""

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.commands.many import add_prompts, run_many
from explorer.commands.many import check as check_prompts
from explorer.commands.options import add_edits, add_model, add_prompt
from explorer.commands.parser import Parser
from explorer.commands.tables import add_json_and_csv, in_csv
from explorer.errors import TraceError, UsageError
from explorer.files import check
from explorer.terminal import output
from explorer.terminal.glyphs import quoted
from gpt import GPT

if TYPE_CHECKING:
    from explorer.commands.headless import Prompted
    from explorer.edits import Edits

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
    add_edits(parser, "record the run with this edit: 'head 3.3: zero'; the file says so")
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
    likeliest = "print the likeliest next tokens at every position"
    add_json_and_csv(parser, likeliest, f"{likeliest}, a row for each; with --prompts a row for each prompt")
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
        if options.scheduler is not None:
            raise UsageError("each file is written where its run is computed: use --workers, on this machine.")
        return run_many(options, _measures, arrays=False)
    check(options.output)  # before the work, not after it
    written = _write(options, open_prompt(options), options.output)
    (output.data if options.json or options.csv else output.say)(written)
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
        edits = _edits(options, model, len(ids))
        values, logits = trace_file.record(model, ids, options.only, _asks_for_results(options), edits.active)
    except TraceError as error:  # no name fits --only
        raise UsageError(str(error)) from error
    labels = [given.label(token) for token in ids]
    dtype = np.float32 if options.float32 else np.float64
    trace_file.write(
        path, values, model, given.checkpoint.name, given.prompt, ids, tokenizer, dtype, edits.words(labels)
    )
    if options.json:
        return json.dumps(trace_file.predictions(logits, ids, tokenizer, _LIKELIEST))
    if options.csv:
        return _in_csv(trace_file.predictions(logits, ids, tokenizer, _LIKELIEST)["predictions"])
    size = path.stat().st_size / 1e6
    return f"{path}: {len(values)} activations of {len(ids)} tokens, {size:.1f} MB"


def _in_csv(predictions: list[list[dict[str, Any]]]) -> str:
    names = ("id", "token", "logit", "probability")
    rows = (
        [position, rank, *(entry[name] for name in names)]
        for position, entries in enumerate(predictions)
        for rank, entry in enumerate(entries, 1)
    )
    return in_csv([("position", "rank", *names), *rows])


def _edits(options: argparse.Namespace, model: GPT, length: int) -> "Edits":
    """The edits of the call; EditError where one cannot be made."""
    from explorer.edits import Edits
    from explorer.teaching import edit_words

    edits = Edits(model.config)
    edit_words.add_all(options.edit, edits, length)
    return edits


def _model(options: argparse.Namespace, given: "Prompted") -> GPT:
    """The model that is run: with its weights processed where that convention is wanted."""
    if options.convention == "plain":
        return given.model
    from dataclasses import replace

    from explorer.analysis.folded import folded
    from explorer.engine import array_ops
    from explorer.engine.engines import TORCH, engine_in_full, engine_of, on_engine

    config = replace(given.model.config, tie_word_embeddings=False)
    processed = GPT(config, folded(given.model.weights, config), ops=array_ops)
    return on_engine(processed, str(engine_in_full(given.model))) if engine_of(given.model) == TORCH else processed


def _asks_for_results(options: argparse.Namespace) -> bool:
    return options.head_results or any("hook_result" in pattern for pattern in options.only)
