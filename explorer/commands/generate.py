"""`gpt-explorer generate PROMPT`: text as it is generated, without the screen."""

import argparse
import json

from explorer import output
from explorer.commands.options import add_model, add_prompt, add_sampling, count, sampling
from explorer.commands.parser import Parser
from gpt import Sampling


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer generate", description="Print a prompt and the model's continuation of it, token by token."
    )
    add_prompt(parser, "the text to continue")
    parser.add_argument("--max-new-tokens", type=count, default=20, metavar="N", help="how many tokens (default: 20)")
    parser.add_argument("--greedy", action="store_true", help="always take the most probable token")
    parser.add_argument("--json", action="store_true", help="one object: prompt, prompt_ids, ids, text, ended")
    add_model(parser)
    add_sampling(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    chosen = Sampling(0.0) if options.greedy else sampling(options)
    from explorer.commands.headless import CONTEXT, generate_text, open_prompt
    from explorer.text import counted

    given = open_prompt(options)
    text = generate_text(
        given.model,
        given.tokenizer,
        given.prompt,
        options.max_new_tokens,
        chosen,
        options.seed,
        show=None if options.json else output.standard(),
        prompt_ids=given.ids,
    )
    if options.json:
        output.data(json.dumps(text))
    if text["ended"] == CONTEXT:
        output.complain(
            f"the context is full: this model sees {given.model.config.n_positions:,} tokens at most. "
            f"{counted(len(text['ids']) - len(text['prompt_ids']), 'new token')} of {options.max_new_tokens:,} came."
        )
    return 0
