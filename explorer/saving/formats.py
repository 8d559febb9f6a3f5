"""Numbers as text for other programs: CSV, TSV, JSON. All digits are kept."""

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any

from explorer.api.results import Numbers, Table
from explorer.errors import WriteError

_MOST = 5_000_000  # numbers: a file of some 100 MB


def _check(numbers: Numbers) -> None:
    if numbers.values.size > _MOST:
        raise WriteError(
            f"these are {numbers.values.size:,} numbers, more than {_MOST:,}: choose one head, and save that."
        )


def rows(found: Numbers | Table) -> Iterator[Iterable[Any]]:
    """A line of names, then the numbers: the last axis goes across, the others go down, each with its own labels."""
    if isinstance(found, Table):
        yield from (found.columns, *found.rows)
        return
    _check(found)
    *down, across = found.axes
    yield [*(axis.name for axis in down), *across.labels]
    values = found.values.reshape(-1, len(across.labels)).tolist()
    for labels, line in zip(product(*(axis.labels for axis in down)), values):
        yield [*labels, *("" if math.isnan(value) else value for value in line)]


def as_csv(found: Numbers | Table) -> str:
    """Comma separated values, with a line of names."""
    return _separated(found, ",")


def as_tsv(found: Numbers | Table) -> str:
    """The same with tabs: what a spreadsheet takes from the clipboard."""
    return _separated(found, "\t")


def _separated(found: Numbers | Table, separator: str) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(rows(found))
    return text.getvalue()


def as_json(found: Numbers | Table, about: Mapping[str, Any]) -> str:
    """One object: what it is `about`, then the axes and the numbers, or the rows. What is no finite number is null."""
    if isinstance(found, Table):
        content: dict[str, Any] = {
            "columns": list(found.columns),
            "rows": [list(map(_finite, row)) for row in found.rows],
        }
        if found.note:
            content["note"] = found.note
    else:
        _check(found)
        axes = [{"name": axis.name, "labels": list(axis.labels)} for axis in found.axes]
        content = {"axes": axes, "values": _finite(found.values.tolist())}
    return json.dumps({"title": found.title, **about, **content}, ensure_ascii=False, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
