"""The report of a bug: where in the code it happened and on what, without anything that the user typed or opened."""

import platform
import sys
from types import TracebackType

from explorer import __version__

_PACKAGES = ("textual", "rich", "numpy", "safetensors", "huggingface_hub", "tiktoken")


def report(error: BaseException) -> str:
    """A report of an error that nobody foresaw: its kind, and the lines of code that led to it.

    The error's own words and the values of variables are left out, since a prompt or a file's name may be in them.
    """
    lines = [
        "gpt-explorer: this is a bug in GPT Explorer. Please report it, with the lines below and what you did before.",
        "There is nothing in them of your prompt, your files or your model.",
        "",
        f"GPT Explorer {__version__} · Python {platform.python_version()} · {platform.system()} {platform.machine()}",
        " · ".join(filter(None, map(_version, _PACKAGES))),
    ]
    seen: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in seen:
        seen.append(link)
        inner = getattr(link, "error", None)  # a worker's failure has it
        link = inner if isinstance(inner, BaseException) else link.__cause__ or link.__context__
    for each in reversed(seen):
        lines += ["", type(each).__qualname__, *_frames(each.__traceback__)]
    return "\n".join(lines)


def _frames(trace: TracebackType | None) -> list[str]:
    """Module, line and function of every step: no paths, for a user's name may be in them."""
    steps = []
    while trace:
        frame = trace.tb_frame
        steps.append(f"  {frame.f_globals.get('__name__', '?')}:{trace.tb_lineno} {frame.f_code.co_qualname}")
        trace = trace.tb_next
    return steps


def _version(package: str) -> str:
    """A package that is loaded, with its version."""
    if package not in sys.modules:
        return ""
    from importlib.metadata import PackageNotFoundError, version  # slow to import, and rarely needed

    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return package
