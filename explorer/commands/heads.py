"""`gpt-explorer heads PROMPT`: the measured behaviour of every head, and how it is measured."""

import argparse
from typing import TYPE_CHECKING, Any

from explorer.commands.many import add_prompts, check, run_many
from explorer.commands.options import add_edits, add_model, add_prompt
from explorer.commands.parser import Parser
from explorer.commands.tables import add_formats, open_run, print_table, run_of
from explorer.terminal import output

if TYPE_CHECKING:
    from explorer.commands.headless import Prompted


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer heads",
        description="Print every head's label on a prompt, the label's score and how many rows it rests on; beside it "
        "TransformerLens' detectors, and the attention of the last token to the last word that is there twice.",
    )
    add_prompt(parser, "the text to run")
    parser.add_argument("--definitions", action="store_true", help="print how every score is defined, and its source")
    parser.add_argument("--copying", action="store_true", help="add the copy score, over the tokens of the prompt")
    add_prompts(parser)
    add_formats(parser)
    add_edits(parser)
    add_model(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    if options.definitions:
        output.say(*_definitions())
        return 0
    check(options)
    if options.prompts:
        return run_many(options, _measures)
    print_table(open_run(options).heads(options.copying), options)
    return 0


def _definitions() -> list[str]:
    from explorer.analysis.circuits import COPYING, TOP_COPYING
    from explorer.analysis.detectors import DETECTOR, REPEATED
    from explorer.analysis.heads import LABELLING, Behaviour

    lines = [f"{each.words}: {each.definition}\n  Beside it: {each.source}" for each in Behaviour]
    return [
        LABELLING,
        "",
        *lines,
        "",
        f"TL previous token, duplicate token, induction: {DETECTOR}",
        f"end to repeated: {REPEATED}",
        f"copying (gpt-explorer circuit): {COPYING}",
        f"copy score: {TOP_COPYING}",
    ]


def _measures(given: "Prompted", options: argparse.Namespace) -> tuple[dict[str, float], dict[str, Any]]:
    """Every head's scores, where there is something to measure."""
    from explorer.analysis.heads import head_scores

    run = run_of(given)
    measures: dict[str, float] = {}
    for layer in range(run.trace.config.n_layer):
        for found in head_scores(run.trace, layer):
            for behaviour, score in found.scores.items():
                if score.value is not None:
                    measures[f"{layer}.{found.head} {behaviour.words}"] = score.value
    for row in run.heads().as_dicts():
        if row["end to repeated"] != "":
            measures[f"{row['head']} end to repeated"] = row["end to repeated"]
    return measures, {}
