"""`gpt-explorer trace PROMPT -o FILE`: every activation of a run, as a file that other tools read."""

import argparse
import json
import os
from pathlib import Path

from explorer import output
from explorer.commands.options import add_model, add_prompt
from explorer.commands.parser import Parser
from explorer.errors import TraceError, UsageError
from explorer.files import check
from explorer.glyphs import quoted

_LIKELIEST = 10


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer trace",
        description="Write every activation of a run as safetensors, under TransformerLens' names and shapes.",
    )
    add_prompt(parser, "the text to run")
    parser.add_argument("-o", "--output", type=file_name, required=True, metavar="FILE", help="the file to write")
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
    parser.add_argument("--json", action="store_true", help="print the likeliest next tokens at every position")
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
    check(options.output)  # before the work, not after it
    import numpy as np

    from explorer.commands.headless import open_prompt
    from explorer.walk import trace_file

    given = open_prompt(options)
    model, ids, tokenizer = given.model, given.ids, given.tokenizer
    try:
        values, logits = trace_file.record(model, ids, options.only, _asks_for_results(options))
    except TraceError as error:  # no name fits --only
        raise UsageError(str(error)) from error
    dtype = np.float32 if options.float32 else np.float64
    trace_file.write(options.output, values, model, given.checkpoint.name, given.prompt, ids, tokenizer, dtype)
    if options.json:
        output.data(json.dumps(trace_file.predictions(logits, ids, tokenizer, _LIKELIEST)))
    else:
        size = options.output.stat().st_size / 1e6
        output.say(f"{options.output}: {len(values)} activations of {len(ids)} tokens, {size:.1f} MB")
    return 0


def _asks_for_results(options: argparse.Namespace) -> bool:
    return options.head_results or any("hook_result" in pattern for pattern in options.only)
