"""`gpt-explorer compare PROMPT OTHER`: two prompts token by token, and how the next token differs."""

import argparse

from explorer.commands.options import add_beginning, add_model
from explorer.commands.parser import Parser
from explorer.commands.tables import add_formats, model_of, print_table
from explorer.terminal import output

_TOP = 10


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer compare",
        description="Print two prompts side by side, and the next tokens whose probability differs most. KL is from "
        "the first to the second, in bits.",
    )
    parser.add_argument("prompt", help="the first text")
    parser.add_argument("other", help="the second text")
    parser.add_argument(
        "--align",
        choices=("end", "beginning"),
        default="end",
        help="where they are aligned, if one is longer (default: end)",
    )
    add_beginning(parser)
    add_formats(parser, _TOP)
    add_model(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    from explorer.api.run import Answer

    model = model_of(options)
    a, b = (model.run(prompt, bos=options.bos) for prompt in (options.prompt, options.other))
    answer = Answer(model, b.logits, a.logits, f"{a.text!r} → {b.text!r}")
    if not (options.json or options.csv):
        output.say(*a.aligned(b, options.align).lines(None), "")
    print_table(answer.changes, options)
    if not (options.json or options.csv):
        output.say(f"KL = {answer.kl:.4f} bits")
    return 0
