"""The command line. It parses its arguments before it imports anything heavy, and Textual only to open the screen."""

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import FrameType

from explorer.analysis.errors import AnalysisError
from explorer.commands.personal import explain, parsed
from explorer.commands.words import command_and_words
from explorer.errors import CellError, CheckpointError, EditError, HubError, ModelNameError, OutputError, UsageError
from explorer.terminal import colour, output
from gpt import GPTError, InputError, SamplingError

_WRONG_CALL = (AnalysisError, UsageError, CellError, EditError, InputError, ModelNameError, SamplingError)
"""Errors that other words of the call would mend: they name what the model does not have, or contradict each other."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status: 0, 1 where it could not be done, 2 where the call was wrong, 130 after
    control-C.

    An error that nobody foresaw ends in a report, without what was typed, and not in a traceback.
    """
    output.prepare()
    colour.prepare()
    try:
        with _stopped_by_signals():
            return run(list(sys.argv[1:] if arguments is None else arguments))
    except BrokenPipeError:  # nobody reads the output any more
        output.abandon()
        return 1
    except KeyboardInterrupt:
        return 130
    except MemoryError:
        output.complain("there is not enough memory for this. Close other programs, or use a smaller model or prompt.")
        return 1
    except Exception as error:
        from explorer.terminal.crash import report

        output.tell(report(error))
        return 1


def run(arguments: list[str]) -> int:
    """The same, for the errors that are foreseen."""
    try:
        name, words = command_and_words(arguments)
        command = import_module(f"explorer.commands.{name}")
        options = parsed(command.parser(), name, words)
        try:
            status = int(command.run(options))
        except (CheckpointError, HubError):
            explain(options)
            raise
        if status == 1:  # the screen could not open it
            explain(options)
    except OutputError as error:
        output.complain(str(error))
        output.abandon()
        return 1
    except GPTError as error:
        output.complain(str(error))
        return 2 if isinstance(error, _WRONG_CALL) else 1
    finally:
        output.finish()
    return status


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """On SIGTERM and SIGHUP the work is left as on control-C, so that no half-written file stays behind."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {}
    try:
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # there is no SIGHUP on Windows
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, leave)
    except ValueError:  # not in the main thread, which alone may handle signals
        pass
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
