"""One parser of the whole program, its commands as subparsers: the completion and the manual are made from it."""

from importlib import import_module

from explorer.commands import COMMANDS, explore
from explorer.commands.parser import PROGRAM, Parser


def whole_parser() -> Parser:
    """The screen's options, and every command with its own."""
    screen = explore.parser()
    whole = Parser(PROGRAM, screen.description)
    for action in screen._actions:
        if action.option_strings and not {"--help", "--no-color"} & set(action.option_strings):
            whole._add_action(action)
    commands = whole.add_subparsers(title="commands", metavar="COMMAND")
    for name, (words, meaning) in COMMANDS.items():
        parser = import_module(f"explorer.commands.{name}").parser()
        commands.add_parser(
            name,
            help=meaning,
            prog=parser.prog,
            usage=f"{parser.prog} [options] {words}".rstrip(),
            description=parser.description,
            parents=[parser],
            add_help=False,
        )
    return whole
