"""The report as text of 80 columns: the cascade, one line a component."""

import platform
import textwrap
from collections.abc import Iterator
from importlib.metadata import version

from explorer.terminal.text import printable
from explorer.verify.compare import Component
from explorer.verify.machine import in_words
from explorer.verify.report import CheckedFact, Report, by_reference

WIDTH = 80
PASSED, FAILED = "✓", "✗"

_LEGEND = (
    "difference: the largest there is; ulp: the largest in units in the last place, many where a sum cancels to almost "
    "nothing, of numbers with the same sign; used: the share of what rounding allows there "
    "(explorer/verify/rounding.py derives it); same bits: how many of the numbers are equal to the last bit, and in a "
    "word why not all"
)


def lines(report: Report) -> Iterator[str]:
    """Everything, line by line."""
    yield f"GPT Explorer verifies {report.model}, seed {report.seed}"
    yield _versions(report)
    for line in in_words(report.machine):
        yield from textwrap.wrap(printable(line), WIDTH, subsequent_indent="  ")
    yield from _missing(report)
    yield ""
    yield from textwrap.wrap(_LEGEND, WIDTH)
    for against, components in by_reference(report.components).items():
        yield ""
        yield f"  {'against ' + against:<30}difference     ulp  used  same bits"
        for component in components:
            yield from _component(component)
    yield ""
    yield from _dots(report)
    if report.facts:
        yield ""
        yield "published facts (on the NumPy engine, float64)"
        for checked in report.facts:
            yield from _fact(checked)
    yield ""
    yield from _verdict(report)


def _versions(report: Report) -> str:
    found = [f"Python {platform.python_version()}", f"NumPy {version('numpy')}"]
    found += [f"PyTorch {report.torch}"] * bool(report.torch)
    found += [f"transformers {report.transformers}"] * bool(report.transformers)
    return " · ".join(found)


def _missing(report: Report) -> Iterator[str]:
    """The other programs there are to compare with, and how to install them."""
    names = [name for name, found in (("PyTorch", report.torch), ("transformers", report.transformers)) if not found]
    if names:
        yield f"{' and '.join(names)} not installed. To be compared with as well:"
        yield '  pip install "gpt2-explorer[torch]"'


def _component(component: Component) -> Iterator[str]:
    mark = PASSED if component.passed else FAILED
    if not component.passed:
        said = f"{mark} {component.name}: {component.note}"
        yield from textwrap.wrap(said, WIDTH, subsequent_indent="    ", max_lines=4, placeholder=" ...")
        return
    equal = f"all {component.of:,}" if component.equal == component.of else _share(component.equal, component.of)
    note = "" if component.equal == component.of else f": {component.note}"
    difference = f"{component.max_abs:.1e}" if component.max_abs else "0"
    used = f"{component.used:.0%}" if component.used >= 0.01 else "<1%" if component.max_abs else ""
    yield f"{mark} {component.name:<26}{difference:>14}{_ulps(component.max_ulp):>8}{used:>6}  {equal}{note}"
    yield from (f"    {remark}" for remark in component.remarks)


def _share(equal: int, of: int) -> str:
    """A part of the whole in percent; less than all is never rounded up to 100.0%."""
    return f"{min(int(1000 * equal / of), 999) / 10:.1f}%"


def _ulps(value: float) -> str:
    if not value:
        return "0"
    return f"{value:.1f}" if value < 10_000 else f"{value:.0e}"


def _dots(report: Report) -> Iterator[str]:
    yield "dot products against exact fractions, error in ulp"
    lengths = list(dict.fromkeys(row["length"] for row in report.dots))
    yield f"  {'':<24}" + "".join(f"{f'{length} terms':>18}" for length in lengths)
    yield f"  {'':<24}" + f"{'mean':>10}{'max':>8}" * len(lengths)
    for name in dict.fromkeys(row["dot"] for row in report.dots):
        errors = [row for row in report.dots if row["dot"] == name]
        yield f"  {name:<24}" + "".join(f"{row['mean_ulp']:>10.2f}{row['max_ulp']:>8.2f}" for row in errors)


def _fact(checked: CheckedFact) -> Iterator[str]:
    yield textwrap.shorten(f"{PASSED if checked.passed else FAILED} {checked.fact.claim}", WIDTH, placeholder=" ...")
    source = f"{checked.fact.source}" if checked.passed else f"found {checked.found}; source: {checked.fact.source}"
    yield from textwrap.wrap(source, WIDTH, initial_indent="    ", subsequent_indent="    ")


def _verdict(report: Report) -> Iterator[str]:
    if report.passed:
        count = len(report.components) + len(report.facts)
        yield f"{PASSED} all {count} agree"
        return
    yield f"{FAILED} {len(report.deviations)} deviate:"
    yield from (f"  {name}" for name in report.deviations)
