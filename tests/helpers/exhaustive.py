"""Parameters that only `pytest -m exhaustive` tries: all variants, where a few of them tell most of it."""

from collections.abc import Iterable
from typing import Any

import pytest


def exhaustive(*values: Any) -> Iterable[Any]:
    """Values of a parameter that are left out otherwise: [SMALL, *exhaustive(MEDIUM, LARGE)]."""
    return [pytest.param(value, marks=pytest.mark.exhaustive) for value in values]
