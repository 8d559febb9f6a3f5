"""`gpt-explorer steering NAME --prompts FILE -o FILE`: a direction of the residual stream, made of prompts."""

import argparse
from pathlib import Path

from explorer.commands.options import add_beginning, add_model
from explorer.commands.parser import Parser
from explorer.errors import UsageError
from explorer.files import check
from explorer.terminal import output


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer steering",
        description="Write the mean of an activation over prompts, at the same position of each, less its mean over "
        "others: a steering vector, which `gpt-explorer ablate --steer FILE` adds.",
    )
    parser.add_argument("name", help="the activation, of the residual stream's width: blocks.2.hook_resid_pre")
    parser.add_argument("--prompts", required=True, metavar="FILE", help="prompts, one a line (- is standard input)")
    parser.add_argument("--versus", metavar="FILE", help="the prompts whose mean is taken off")
    parser.add_argument(
        "--position", type=int, default=-1, metavar="P", help="of each prompt; -1 is the last (default: -1)"
    )
    parser.add_argument("--title", default="steering", metavar="TEXT", help="what to call it (default: steering)")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the file to write")
    add_beginning(parser)
    add_model(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    check(options.output)  # before the work, not after it
    if options.prompts == "-" == options.versus:
        raise UsageError("the standard input can be read once: give a file for --prompts or for --versus.")
    from explorer.api.steering import save_steering, steering
    from explorer.commands.many import rows
    from explorer.commands.tables import model_of
    from explorer.terminal.text import counted

    given = [rows(name) for name in (options.prompts, options.versus) if name is not None]
    model = model_of(options)
    runs = [
        model.run_all([row.given.get("ids") or row.given["prompt"] for row in file], bos=options.bos) for file in given
    ]
    vector = steering(options.name, *runs, title=options.title, position=options.position)
    save_steering(options.output, vector)
    size = sum(value * value for value in vector.vector) ** 0.5
    output.say(f"{options.output}: {options.name} over {counted(len(runs[0]), 'prompt')}, length {size:.4f}")
    return 0
