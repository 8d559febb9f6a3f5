"""`gpt-explorer completion SHELL`: what a shell needs to complete commands, options and their values."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from explorer.commands.parser import Parser
from explorer.terminal import output

SHELLS = ("bash", "zsh", "fish")
_FILES = ("FILE", "RECORDING")

_USE = """\
use:
  bash  eval "$(gpt-explorer completion bash)" in ~/.bashrc
  zsh   eval "$(gpt-explorer completion zsh)" in ~/.zshrc, after compinit
  fish  gpt-explorer completion fish > ~/.config/fish/completions/gpt-explorer.fish"""


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer completion",
        description="Print a script with which a shell completes the commands, their options, models, tours, the "
        "names of activations, and files. Nothing is run while it completes.",
        epilog=_USE,
    )
    parser.add_argument("shell", choices=SHELLS, help="the shell that reads it")
    return parser


def run(options: argparse.Namespace) -> int:
    import shtab

    from explorer.commands.whole import whole_parser

    whole = whole_parser()
    for action in _actions(whole):
        _complete(action)
    output.data(shtab.complete(whole, options.shell, preamble=_preamble()[options.shell]).rstrip("\n"))
    return 0


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Every option and argument, of the commands too."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
        else:
            yield action


def _complete(action: argparse.Action) -> None:
    """Say what completes a value, where that is not its choices."""
    import shtab

    if action.dest in _LISTS and action.nargs != 0:
        action.complete = {shell: call.format(action.dest) for shell, call in _CALLS.items()}  # type: ignore[attr-defined]
    elif action.metavar in _FILES or action.type is Path:
        action.complete = shtab.FILE  # type: ignore[attr-defined]
    elif action.dest == "name":
        from explorer.code.listing import all_names

        action.choices = tuple(all_names())
    elif not action.option_strings and action.choices is None:  # a text: no message of zsh in the way of the options
        action.complete = {"zsh": "{true}"}  # type: ignore[attr-defined]


_CALLS = {"bash": "_gpt_explorer_{}", "zsh": "_gpt_explorer_{}", "fish": "(_gpt_explorer_{})"}
_LISTS = {"model": "directories", "tour": "files"}
"""Options and arguments whose values are names or paths."""


def _names(option: str) -> str:
    """The names that it can have besides a path, with spaces between."""
    from explorer.loading.catalogue import EMBEDDED
    from explorer.loading.hub_names import KNOWN
    from explorer.teaching.tours import SHIPPED

    return " ".join((EMBEDDED, *KNOWN) if option == "model" else SHIPPED)


def _preamble() -> dict[str, str]:
    """A function for each such list, in the words of each shell."""
    written: dict[str, list[str]] = {shell: [] for shell in SHELLS}
    for option, paths in _LISTS.items():
        names, name = _names(option), f"_gpt_explorer_{option}"
        directories = paths == "directories"
        written["bash"].append(
            f'{name}() {{ compgen -W "{names}" -- "$1"; compgen -{"d" if directories else "f"} -- "$1"; }}'
        )
        files = "_files -/" if directories else "_files"
        written["zsh"].append(f"{name}() {{ _alternative '{option}s:{option}:({names})' 'paths:path:{files}' }}")
        listed = "__fish_complete_directories" if directories else "__fish_complete_path (commandline -ct)"
        written["fish"].append(f"function {name}\n  string split ' ' '{names}'\n  {listed}\nend")
    return {shell: "\n".join(functions) + "\n" for shell, functions in written.items()}
