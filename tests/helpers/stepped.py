"""Code to step through: the stages of small models, computed once."""

from functools import cache
from typing import Any

from explorer.code.excerpts import excerpt
from explorer.code.stepping import Stepper
from explorer.runs.trace import Trace
from explorer.stages import Stage, walk
from tests.helpers.models import CONFIGS, small_model, traced

IDS = [3, 1, 4, 1, 5, 9]
POSITIONS = [0, 3, 5]


@cache
def run_of(config: str) -> Trace:
    return traced(small_model(**CONFIGS[config]), IDS)


def stage_of(trace: Trace, id: str) -> Stage:
    return next(stage for stage in walk(trace.config) if stage.id == id)


def stepper(trace: Trace, id: str, position: int = 3, head: int = 0, column: int = 0, **settings: Any) -> Stepper:
    found = excerpt(stage_of(trace, id), trace, position, head, column, **settings)
    assert found
    return found.step()
