"""`gpt-explorer patch CLEAN CORRUPTED`: activation patching between two prompts that are aligned token by token."""

import argparse

from explorer.commands.options import add_beginning, add_model
from explorer.commands.parser import Parser
from explorer.commands.tables import add_formats, model_of, print_numbers
from explorer.commands.token_option import add_token
from explorer.errors import UsageError
from explorer.terminal import output

_SITES = ("resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out", "z", "q", "k", "v", "pattern")


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer patch",
        description="Put activations of the clean run into the corrupted run, place by place (with --noising the other "
        "way round), and print the metric between the two runs: 0 as in the corrupted one, 1 as in the clean one.",
    )
    parser.add_argument("prompt", metavar="CLEAN", help="the clean text")
    parser.add_argument("corrupted", metavar="CORRUPTED", help="the corrupted text, of as many tokens")
    parser.add_argument("--over", choices=_SITES, default="z", help="the activation (default: z, what heads gather)")
    parser.add_argument("--by-position", action="store_true", help="patch each position by itself")
    parser.add_argument("--at", type=int, action="append", metavar="P", help="patch this position only; -1 is the last")
    parser.add_argument("--noising", action="store_true", help="put corrupted values into the clean run")
    parser.add_argument(
        "--metric",
        choices=("logit-diff", "logit", "probability"),
        help="normalised between the runs (default: logit-diff)",
    )
    add_token(parser, "--token", "the token that is measured (default: the clean run's likeliest)")
    add_token(parser, "--versus", "and the one that it is compared with (default: the corrupted run's likeliest)")
    add_beginning(parser)
    add_formats(parser)
    add_model(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    from explorer.api.metrics import TokenMetric
    from explorer.edits.metric import LOGIT_DIFFERENCE

    model = model_of(options)
    clean, corrupted = (model.run(prompt, bos=options.bos) for prompt in (options.prompt, options.corrupted))
    token, versus = (
        int(each.logits.argmax()) if given is None else model.token(given)
        for each, given in ((clean, options.token), (corrupted, options.versus))
    )
    kind = options.metric or LOGIT_DIFFERENCE
    if kind == LOGIT_DIFFERENCE and token == versus:
        raise UsageError("both runs say the same token: choose --token and --versus, or another --metric.")
    metric = TokenMetric(kind, token, versus if kind == LOGIT_DIFFERENCE else None)
    wanted = {"by_position": options.by_position, "at": options.at, "noising": options.noising}
    found = clean.patching(corrupted, options.over, metric, **wanted)
    if not (options.json or options.csv):
        words = f"{kind} of {model.label(token)}"
        output.say(*clean.aligned(corrupted).lines(None), "")
        output.say(words + (f" and {model.label(versus)}" if kind == LOGIT_DIFFERENCE else ""))
        output.say(f"clean {clean.measure(metric):.4f}, corrupted {corrupted.measure(metric):.4f}\n")
    print_numbers(found, options)
    return 0
