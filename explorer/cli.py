"""The command line. It parses its arguments before it imports anything heavy, and Textual only to open the screen."""

import sys
from collections.abc import Sequence
from importlib import import_module

from explorer.analysis.errors import AnalysisError
from explorer.commands import COMMANDS
from explorer.errors import CellError, EditError, ModelNameError, UsageError
from gpt import GPTError, InputError, SamplingError

_WRONG_CALL = (AnalysisError, UsageError, CellError, EditError, InputError, ModelNameError, SamplingError)
"""Errors that other words of the call would mend: they name what the model does not have, or contradict each other."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status: 0, 1 where it could not be done, 2 where the call was wrong."""
    # Words that begin with no command are for the screen; so is a command's name after `--`.
    words = list(sys.argv[1:] if arguments is None else arguments)
    name = words.pop(0) if words[:1] and words[0] in COMMANDS else "explore"
    command = import_module(f"explorer.commands.{name}")
    options = command.parser().parse_args(words)
    try:
        return int(command.run(options))
    except GPTError as error:
        print(f"gpt-explorer: {error}", file=sys.stderr)
        return 2 if isinstance(error, _WRONG_CALL) else 1
    except BrokenPipeError:  # nobody reads the output any more
        sys.stderr.close()
        return 1
    except KeyboardInterrupt:
        return 130
