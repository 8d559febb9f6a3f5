"""The whole report: the cascade, the dot products, Hugging Face's model, the published facts; and its verdict."""

import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from explorer.verify.compare import Component
from explorer.verify.exactness import dot_errors
from explorer.verify.fact_checks import KINDS, Subject
from explorer.verify.facts import GPT2_SMALL, Fact, is_gpt2_small
from explorer.verify.inputs import Inputs, Own
from explorer.verify.machine import machine
from explorer.verify.runner import Tell, run_checks


@dataclass(frozen=True)
class CheckedFact:
    """A fact, and what was found in this model."""

    fact: Fact
    passed: bool
    found: str

    def as_json(self) -> dict[str, Any]:
        return {"claim": self.fact.claim, "source": self.fact.source, "passed": self.passed, "found": self.found}


@dataclass
class Report:
    """The result of `gpt-explorer verify`."""

    model: str
    seed: int
    torch: str | None
    transformers: str | None
    machine: dict[str, Any] = field(default_factory=dict)
    components: list[Component] = field(default_factory=list)
    dots: list[dict[str, Any]] = field(default_factory=list)
    facts: list[CheckedFact] = field(default_factory=list)

    @property
    def deviations(self) -> list[str]:
        """The names of what failed."""
        components = [f"{part.name} (against {part.against})" for part in self.components if not part.passed]
        return [*components, *(checked.fact.claim for checked in self.facts if not checked.passed)]

    @property
    def passed(self) -> bool:
        return bool(self.components) and not self.deviations

    def as_json(self) -> dict[str, Any]:
        return {
            "passed": self.passed,
            "python": platform.python_version(),
            "numpy": version("numpy"),
            "torch": self.torch,
            "transformers": self.transformers,
            "machine": self.machine,
            "seed": self.seed,
            "model": self.model,
            "components": [component.as_json() for component in self.components],
            "dot_error": self.dots,
            "facts": [checked.as_json() for checked in self.facts],
        }


def installed(package: str) -> str | None:
    """Its version, without importing it; None where it is not installed."""
    try:
        return version(package) if find_spec(package) else None
    except (PackageNotFoundError, ImportError, ValueError):
        return None


def verify(
    name: str,
    seed: int,
    own: Own | None,
    subject: Subject | None = None,
    directory: Path | None = None,
    tell: Tell = lambda text: None,
) -> Report:
    """Check everything that can be checked here: without `own` only small random models, without PyTorch only NumPy.

    `subject` is asked for the facts if it is GPT-2 small; `directory` is read by transformers.
    """
    torch, transformers = installed("torch"), installed("transformers")
    report = Report(name, seed, torch, transformers if torch else None, machine(torch is not None))
    report.components = run_checks(Inputs(seed, own), torch is not None, tell)
    if own and torch:
        from explorer.verify.torch_engine import against_engine

        tell("engine torch")
        report.components.extend(against_engine(own))
    tell("exact fractions")
    report.dots = dot_errors(seed, torch is not None)
    if own and directory and report.transformers:
        from explorer.verify.hugging_face import against_transformers

        report.components.extend(against_transformers(own, directory, tell))
    if subject and is_gpt2_small(subject):
        report.facts = check_facts(subject, GPT2_SMALL, tell)
    return report


def check_facts(subject: Subject, facts: Iterable[Fact], tell: Tell = lambda text: None) -> list[CheckedFact]:
    """Each fact, checked on this model."""
    checked = []
    for fact in facts:
        tell(fact.claim)
        checked.append(CheckedFact(fact, *KINDS[fact.kind](subject, **fact.given)))
    return checked


def by_reference(components: Sequence[Component]) -> dict[str, list[Component]]:
    """The components by the program that they were compared with, in their order."""
    found: dict[str, list[Component]] = {}
    for component in components:
        found.setdefault(component.against, []).append(component)
    return found
