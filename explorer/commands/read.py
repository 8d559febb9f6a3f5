"""`gpt-explorer read PROMPT`: the walk in sentences, for screen readers and for print."""

import argparse
from typing import TYPE_CHECKING

from explorer.commands.options import add_model, add_prompt, add_sampling, count, sampling
from explorer.commands.parser import Parser
from explorer.errors import UsageError
from explorer.terminal import output
from explorer.terminal.glyphs import quoted

if TYPE_CHECKING:
    from explorer.walk.session import Session


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer read",
        description="Read the walk through a forward pass in sentences, for screen readers and for print: "
        "every stage with its lesson and the numbers of this run.",
    )
    add_prompt(parser, "the text to run")
    parser.add_argument(
        "--stage",
        action="append",
        metavar="NAME",
        help="read this stage alone: tokens, pattern, logits, ... (can be given more than once)",
    )
    parser.add_argument("--block", type=count, metavar="L", help="read the stages of this block alone")
    parser.add_argument("--head", type=count, default=0, metavar="H", help="the head that is read (default: 0)")
    parser.add_argument("--position", type=int, metavar="P", help="the token that is read (default: the last)")
    parser.add_argument("--glossary", action="store_true", help="explain the words of the field at the end")
    add_model(parser)
    add_sampling(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    from explorer.commands.headless import completed, open_prompt
    from explorer.runs.trace import LiveRun
    from explorer.teaching.reading import glossary_in_sentences, read
    from explorer.walk.session import Session

    chosen = sampling(options)
    given = open_prompt(options)
    session = Session(given.model, given.tokenizer, chosen, options.seed)
    run = LiveRun(given.model, list(given.ids))
    session.begin(run, given.prompt, given.tokenizer.pieces(given.prompt) if options.prompt else ())
    stages = _stages(options, session)
    _go_to(options, session)
    completed(run)
    for text in read(session, stages):
        output.say(text)
    if options.glossary:
        output.say(*glossary_in_sentences())
    return 0


def _stages(options: argparse.Namespace, session: "Session") -> list[int]:
    """The stages that are to be read; UsageError if there are none of that name, or no such block."""
    stages, layers = session.cursor.stages, session.config.n_layer
    if options.block is not None and options.block >= layers:
        raise UsageError(f"there is no block {options.block}: they go from 0 to {layers - 1}.")
    known = dict.fromkeys(stage.local_id for stage in stages)
    for name in options.stage or ():
        if name not in known and name not in {stage.id for stage in stages}:
            raise UsageError(f"there is no stage {quoted(name)}: there are {', '.join(known)}.")
    return [
        index
        for index, stage in enumerate(stages)
        if (not options.stage or stage.local_id in options.stage or stage.id in options.stage)
        and (options.block is None or stage.layer == options.block)
    ]


def _go_to(options: argparse.Namespace, session: "Session") -> None:
    heads, tokens = session.config.n_head, len(session.ids)
    if options.head >= heads:
        raise UsageError(f"there is no head {options.head}: they go from 0 to {heads - 1}.")
    position = tokens - 1 if options.position is None else options.position
    if not -tokens <= position < tokens:
        raise UsageError(f"there is no position {position}: the prompt has {tokens} tokens.")
    session.cursor.go_to_head(options.head)
    session.cursor.go_to_position(position % tokens)
