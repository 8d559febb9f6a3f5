"""From the logits to the token: every step explained, over many settings, held against `gpt.distribution`."""

import math
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from explorer.provenance import ledger
from explorer.provenance.explanation import Explanation
from explorer.provenance.nodes import How
from explorer.runs.cells import Cell, parse
from explorer.runs.trace import LiveRun
from explorer.walk.session import Session
from explorer.walk.text import DrawnToken
from gpt import GPT, GPTConfig, Sampling, distribution, draw, sampling
from tests.helpers.explained import Subject, every_cell, faults, first
from tests.helpers.models import Words
from tests.helpers.mutation import mutate

V, PROMPT = 9, (0, 1, 2)
CONFIG = GPTConfig(vocab_size=V, n_positions=12, n_embd=2, n_layer=1, n_head=1)
LEDGER = (
    *("tempered", "tempered_probabilities", "top_k_logits", "top_p_logits", "probabilities", "cumulative"),
    *("tempered_probabilities.total", "probabilities.total", "drawn"),
)
TIED = [[1.0, 2.0, 2.0, -1.0, 2.0, 0.5, 2.0, 1.0, -3.0], [0.0] * V, [5.0, -5.0] * 4 + [5.0]]
SETTINGS = {
    "as it is": Sampling(),
    "colder": Sampling(0.3),
    "warmer": Sampling(7.0),
    "greedy": Sampling(0.0),
    "greedy, with limits": Sampling(0.0, 3, 0.5),
    "top-k of 1": Sampling(1.0, 1),
    "top-k in the midst of a tie": Sampling(1.0, 3),
    "top-k of all": Sampling(1.0, V),
    "top-k of more than all": Sampling(1.0, 50),
    "top-p": Sampling(0.8, None, 0.6),
    "top-p of nearly nothing": Sampling(1.0, None, 1e-9),
    "top-p of nearly all": Sampling(1.0, None, 1 - 1e-12),
    "both": Sampling(0.8, 5, 0.7),
}


class Given(GPT):
    """A model that says the logits it was given for each position, whatever it is asked."""

    def __init__(self, logits: list[list[float]]) -> None:
        super().__init__(CONFIG, weights=None)  # type: ignore[arg-type]
        self.logits = logits


class Rows(Subject):
    """A session of which nothing is recorded but the logits."""

    def __init__(self, logits: list[list[float]], chosen: Sampling, seed: int = 0) -> None:
        session = Session(Given(logits), Words([bytes([97 + id]) for id in range(V)]), chosen, seed)
        session.begin(LiveRun(Given(logits), list(PROMPT)), "")
        session.run.values["logits"], session.run.complete = logits, len(logits)
        super().__init__(session, {})

    @property
    def seen(self) -> dict[str, Any]:  # type: ignore[override]
        return {"logits": self.session.run.values["logits"]}


def cells(subject: Subject) -> Iterator[Cell]:
    """All numbers of the ledger."""
    return (cell for cell in every_cell(subject) if cell.name in LEDGER)


def wrong(subject: Subject) -> list[str]:
    return first(faults(subject, cells(subject)))


# Every number of it


@pytest.mark.parametrize("chosen", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("seed", [0, 7])
def test_every_step_is_explained(chosen: Sampling, seed: int) -> None:
    choice = random.Random(seed)
    assert wrong(Rows(TIED, chosen, seed)) == []
    assert wrong(Rows([[choice.gauss(0, 4) for _ in range(V)] for _ in PROMPT], chosen, seed)) == []


LOGIT = st.one_of(st.integers(-3, 3).map(float), st.floats(-60, 60), st.sampled_from([1e-300, 700.0, -1e5, 1e15]))


@given(
    st.lists(st.lists(LOGIT, min_size=V, max_size=V), min_size=3, max_size=3),
    st.one_of(st.just(0.0), st.floats(0.01, 50)),
    st.one_of(st.none(), st.integers(1, V + 1)),
    st.floats(0, 1, exclude_min=True),
    st.integers(0, 3),
)
@settings(max_examples=60)
@example([[0.0] * V, [0.0] * V, [0.0] * (V - 1) + [-0.0]], 0.0, None, 1.0, 0)  # no zero changes its sign
def test_any_logits_and_settings(
    logits: list[list[float]], temperature: float, top_k: int | None, top_p: float, seed: int
) -> None:
    assert wrong(Rows(logits, Sampling(temperature, top_k, top_p), seed)) == []


# What is said


TOP_P = Sampling(1.0, None, 0.2)


def explain(cell: str, chosen: Sampling, logits: list[list[float]] = TIED) -> Explanation:
    return Rows(logits, chosen).provenance.explain(parse(cell))


def said(cell: str, chosen: Sampling, logits: list[list[float]] = TIED) -> str:
    (term,) = explain(cell, chosen, logits).terms
    return term.text


@pytest.mark.parametrize(
    ("cell", "chosen", "text"),
    [
        ("tempered[0,1]", Sampling(0.5), "2 / 0.5"),
        ("tempered[0,1]", Sampling(0.0), "2"),
        ("tempered_probabilities[0,0]", Sampling(0.5), "exp(2 − 4) / 4.323"),
        ("top_k_logits[0,1]", Sampling(1.0, 3), "2, kept: it reaches 2, the last one that top-k keeps"),
        ("top_k_logits[0,0]", Sampling(1.0, 3), "−∞, dropped: 1 is less than 2, the last one that top-k keeps"),
        ("top_k_logits[0,0]", Sampling(1.0, None), "1"),
        ("top_k_logits[0,0]", Sampling(1.0, 50), "1"),
        ("top_k_logits[0,1]", Sampling(0.0, 3), "2, kept: at temperature 0 the likeliest is taken"),
        ("top_k_logits[0,2]", Sampling(0.0, 3), "−∞, dropped: at temperature 0 the likeliest is taken, not one at 2"),
        ("top_p_logits[1,1]", TOP_P, "0, kept: the likelier ones reach 0.1111 together, less than 0.2"),
        ("top_p_logits[1,2]", TOP_P, "−∞, dropped: the likelier ones than 0 reach 0.2222 together, of 0.2"),
        ("top_p_logits[0,0]", Sampling(1.0, 3, 0.9), "−∞"),
        ("probabilities[0,0]", Sampling(1.0, 3), "0: exp(−∞)"),
        ("probabilities[0,6]", Sampling(1.0, 3), "exp(2 − 2) / 4"),
    ],
)
def test_each_step_in_writing(cell: str, chosen: Sampling, text: str) -> None:
    assert said(cell, chosen) == text


def test_nothing_is_left_of_a_dropped_token_and_the_door_leads_to_who_dropped_it() -> None:
    for chosen, step in ((Sampling(1.0, 3), "top_k_logits"), (TOP_P, "top_p_logits")):
        found = explain("probabilities[0,8]", chosen)
        assert (found.value, [term.at for term in found.terms]) == (0.0, [Cell(step, (0, 8))])


def test_a_total_adds_up_what_is_left() -> None:
    total = explain("probabilities.total[0]", Sampling(1.0, 3))
    assert (total.value, len(total.terms)) == (4.0, 4)
    assert [term.at for term in total.terms] == [Cell("tempered", (0, token)) for token in (1, 2, 4, 6)]
    whole = explain("tempered_probabilities.total[0]", Sampling(1.0, 3))
    assert len(whole.terms) == V
    assert whole.value == pytest.approx(sum(math.exp(logit - 2) for logit in TIED[0]))


def test_a_running_sum_adds_up_the_likelier_ones() -> None:
    found = explain("cumulative[0,7]", Sampling(2.0))
    assert [term.at and term.at.index[1] for term in found.terms] == [1, 2, 4, 6, 0, 7]
    assert found.exact
    assert explain("cumulative[0,7]", Sampling(1.0, 3)).value is None  # it was dropped
    assert not explain("cumulative[0,7]", Sampling(1.0, 3)).terms


def test_the_draw() -> None:
    subject = Rows(TIED, Sampling(3.0), seed=5)
    chances = distribution(TIED[2], Sampling(3.0))
    number = subject.session.draws.number(2)
    assert number is not None
    found = subject.provenance.explain(parse("drawn[2]"))
    token = draw(chances, number)
    (term,) = found.terms
    assert (found.value, found.computed, found.function) == (token, token, draw)
    assert term.at == Cell("cumulative", (2, token))
    assert [factor.value for factor in term.factors] == [dict(zip(chances.order, chances.cumulative))[token], number]
    assert re.fullmatch(r"the first token whose running sum, [\d.]+, exceeds the random number [\d.]+", term.text)
    assert subject.provenance.explain(parse("drawn[1]")).value is None  # the next token was typed


def test_a_drawn_token_keeps_the_settings_it_was_drawn_with() -> None:
    subject = Rows(TIED, Sampling(0.5, 3), seed=5)
    session = subject.session
    step = session.draws.step_after(2)
    assert step
    session.trace.ids = [*PROMPT, step.token]
    session._own = session.written.with_token(3, DrawnToken(step, Sampling(0.5, 3), 5), "")
    session.draws.sampling = Sampling(9.0)
    assert subject.provenance.explain(Cell("tempered", (2, 0))).terms[0].text == "5 / 0.5"
    assert subject.provenance.explain(Cell("tempered", (1, 0))).terms[0].factors[1].value == 9.0
    drawn = subject.provenance.explain(parse("tokens[3]"))
    assert (drawn.value, drawn.exact, drawn.function) == (step.token, True, draw)
    assert [term.at for term in drawn.terms] == [Cell("drawn", (2,))]
    typed = subject.provenance.explain(parse("tokens[1]"))
    assert (typed.value, typed.function, len(typed.terms)) == (1, None, 0)


# A wrong description is noticed

MUTANTS: dict[str, tuple[str, str]] = {
    "not divided by the temperature": (
        "Part(QUOTIENT, (logit, KnownNumber(settings.temperature",
        "Part(QUOTIENT, (logit, KnownNumber(1.0",
    ),
    "the logit of another token": ("self._logits(position, token)", "self._logits(position, 0)"),
    "the logit of another position": (
        "self._logits(position, token)",
        "self._logits(position and position - 1, token)",
    ),
    "the largest is another": (
        "top = self._tempered_score(position, chances.order[0])",
        "top = self._tempered_score(position, chances.order[-1])",
    ),
    "the sum before top-k": ('self._share("probabilities", position', 'self._share("tempered_probabilities", position'),
    "kept and cut exchanged": (
        "KEPT if chances.top_k_logits[token] > -math.inf else CUT",
        "CUT if chances.top_k_logits[token] > -math.inf else KEPT",
    ),
    "within and beyond exchanged": (
        "WITHIN if chances.top_p_logits[token] > -math.inf else BEYOND",
        "BEYOND if chances.top_p_logits[token] > -math.inf else WITHIN",
    ),
    "one less in the running sum": ("order[: order.index(token) + 1] if", "order[: order.index(token)] if"),
    "one too many in the total": ("sorted(self._at(position)[0].order)", "range(len(self._at(position)[0].logits))"),
    "the running sum of the first": (
        'reached = self.nodes["cumulative"].at(position, step.token)',
        'reached = self.nodes["cumulative"].at(position, 0)',
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_wrong_description_is_noticed(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutate(monkeypatch, ledger, *MUTANTS[mutant])
    row = [0.5, 2.0, -1.0, 2.5, 0.1, 1.0, -2.0, 1.5, 3.0]
    rows = [row, row[::-1], [2 * logit for logit in row]]
    assert [fault for chosen in SETTINGS.values() for fault in wrong(Rows(rows, chosen)) + thresholds(chosen, rows)]


def thresholds(chosen: Sampling, rows: list[list[float]]) -> list[str]:
    """The untrue reasons for keeping or dropping a token: each must be true of the numbers in it."""
    subject, found = Rows(rows, chosen), []
    for cell in cells(subject):
        for term in subject.provenance.explain(cell).terms if "top" in cell.name else ():
            values = [factor.value or 0.0 for factor in term.factors]
            if not TRUE.get(term.how, lambda *_: True)(*values):
                found.append(f"{cell}: {term.text}")
    return found


TRUE: dict[How, Any] = {
    ledger.KEPT: lambda score, last: score >= last,
    ledger.CUT: lambda score, last: score < last,
    ledger.WITHIN: lambda score, before, p: before < p,
    ledger.BEYOND: lambda score, before, p: before >= p,
}


@pytest.mark.parametrize("chosen", SETTINGS.values(), ids=SETTINGS)
def test_the_reasons_given_are_true(chosen: Sampling) -> None:
    assert thresholds(chosen, TIED) == []


def test_it_follows_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another rule for top-k is another explanation."""
    mutate(monkeypatch, sampling, "logits[ranked[k - 1]]", "logits[ranked[max(k - 2, 0)]]")
    assert wrong(Rows(TIED, Sampling(1.0, 6))) == []
