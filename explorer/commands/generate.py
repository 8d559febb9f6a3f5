"""`gpt-explorer generate PROMPT`: text as it is generated, without the screen."""

import argparse
import json
from functools import partial
from typing import TYPE_CHECKING, Any

from explorer.commands.many import add_prompts, check, run_many
from explorer.commands.options import add_model, add_prompt, add_sampling, count, sampling
from explorer.commands.parser import Parser
from explorer.commands.tables import add_json_and_csv
from explorer.errors import UsageError
from explorer.terminal import output
from gpt import Sampling

if TYPE_CHECKING:
    from explorer.commands.headless import Prompted


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer generate", description="Print a prompt and the model's continuation of it, token by token."
    )
    add_prompt(parser, "the text to continue")
    parser.add_argument("--max-new-tokens", type=count, default=20, metavar="N", help="how many tokens (default: 20)")
    parser.add_argument("--greedy", action="store_true", help="always take the most probable token")
    add_json_and_csv(parser, "one object: prompt, prompt_ids, ids, text, ended", "with --prompts: a row for each")
    add_prompts(parser)
    add_model(parser)
    add_sampling(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    chosen = Sampling(0.0) if options.greedy else sampling(options)
    check(options)
    if options.prompts:
        return run_many(options, partial(_measures, chosen), arrays=False)
    if options.csv:
        raise UsageError("one text is no table: --csv is for --prompts. Give a file of prompts, or --json.")
    from explorer.commands.headless import CONTEXT, generate_text, open_prompt
    from explorer.terminal.text import counted

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


def _measures(
    chosen: Sampling, given: "Prompted", options: argparse.Namespace
) -> tuple[dict[str, float], dict[str, Any]]:
    """The text of one prompt; without --json and --csv it is printed as it is done."""
    from explorer.commands.headless import generate_text

    wanted = options.max_new_tokens, chosen, options.seed
    text = generate_text(given.model, given.tokenizer, given.prompt, *wanted, prompt_ids=given.ids)
    if not (options.json or options.csv):
        output.say(text["text"])
    return {"new tokens": float(len(text["ids"]) - len(given.ids))}, text
