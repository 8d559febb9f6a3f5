"""The entry point of `gpt-explorer`: it is so small that control-C finds nothing to interrupt before it is handled."""

import signal
import sys
from typing import NoReturn

import explorer


def program() -> NoReturn:
    """Run the command line and exit. While modules are loaded, and at the very end, control-C ends it in silence."""
    interrupt = signal.getsignal(signal.SIGINT)
    if interrupt is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # there is nothing to clean up yet
    if message := explorer.foreign_gpt():
        sys.exit(f"gpt-explorer: {message}")
    from explorer.cli import main

    if interrupt is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        status = main()
    except KeyboardInterrupt:  # between two lines of `main`
        status = 130
    finally:
        if interrupt is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(status)
