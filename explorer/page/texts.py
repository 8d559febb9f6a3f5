"""The words of the page about one run: its stages, lessons, merges, next tokens, and how they are drawn."""

import math
from collections.abc import Callable, Iterable, Sequence
from heapq import nsmallest
from typing import Any

from explorer.analysis import lens
from explorer.code.source import place_of
from explorer.engine.threads import few_threads
from explorer.page.arrays import TOKENS
from explorer.provenance.names import axes_of
from explorer.provenance.words import in_words, what
from explorer.runs.cells import Cell
from explorer.stages import Stage
from explorer.teaching.expressions import fill
from explorer.teaching.here import Here
from explorer.teaching.lessons import HEADINGS, glossary, key_of, lesson_of_stage, links, plain
from explorer.terminal.text import visible
from explorer.walk.session import Session
from gpt.ops import Vector, softmax_row

LENS_TOKENS = 5
LESSONS = 24
"""Tokens of a text up to which a lesson has numbers for each of them; of a longer one for the last token alone."""

_LEFT_OUT = ("try",)  # of a lesson: it names keys of the screen


class Texts:
    """Texts that are told once, and named by their number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """The number of a text."""
        return self._numbers.setdefault(text, len(self._numbers))

    @property
    def all(self) -> list[str]:
        """The texts in the order of their numbers."""
        return list(self._numbers)


def anchor(stage: Stage) -> str:
    """The stage as a link names it: "block-2-pattern"."""
    return stage.id.replace("blocks.", "block-").replace(".", "-").replace("_", "-")


def stages_of(stages: Iterable[Stage]) -> list[dict[str, Any]]:
    """The stages as the page reads them."""
    return [
        {
            "anchor": anchor(stage),
            "id": stage.local_id,
            "title": stage.title,
            "layer": stage.layer,
            "kind": stage.kind.name.lower(),
            "formula": stage.formula,
            "sentence": stage.sentence,
            "parts": [[part.label, part.activation] for part in stage.parts],
            "residual": stage.residual,
            "line": place_of(stage.function),
        }
        for stage in stages
    ]


def words_of(session: Session, names: Iterable[str]) -> dict[str, list[str]]:
    """For each activation its axes, and its words with "{}" where the head or the neuron is counted."""
    found = {}
    for name in names:
        axes = axes_of(name, session.trace.axes)
        words = what(Cell(name, (0,) * len(axes)), session)
        layer = name.split(".")[1] if name.startswith("blocks.") else ""
        if "H" in axes or "m" in axes:
            words = words.replace(f"{layer}.0", f"{layer}.{{}}", 1)
        found[name] = [axes, words]
    return found


def weights_in_words(session: Session, names: Iterable[str]) -> dict[str, str]:
    """Weights in words, without their index: "W_QKV of block 2"."""
    found = {}
    for name in names:
        index = (0,) * len(session.provenance.shape(name))
        found[name] = in_words(Cell(name, index), session).removesuffix(f"[{','.join(map(str, index))}]").strip()
    return found


# Lessons


def lessons_of(
    session: Session, stages: Sequence[int], texts: Texts, tell: Callable[[int, int], None]
) -> list[dict[str, Any]]:
    """The lesson of each of these stages; what it says of the run, for every position and, where it has heads, head."""
    found = []
    for done, index in enumerate(stages, start=1):
        found.append(_lesson(session, index, texts))
        tell(done, len(stages))
    return found


def _lesson(session: Session, index: int, texts: Texts) -> dict[str, Any]:
    cursor = session.cursor
    cursor.go_to_stage(index)
    lesson, here = lesson_of_stage(session.stage), Here(session)
    parts, words = [], dict[str, None]()
    for key, text in lesson.parts.items():
        words |= dict.fromkeys(key_of(word) for word in links(text))
        if key not in _LEFT_OUT:
            number = -1 if key == "here" else texts.number(plain(fill(text, here)))
            parts.append([HEADINGS[key], number])
    told: list[list[int] | None] = []
    tokens = len(session.ids)
    for position in range(tokens):
        if tokens > LESSONS and position < tokens - 1:
            told.append(None)
            continue
        cursor.go_to_position(position)
        row = []
        for head in range(session.config.n_head if "H" in cursor.axes else 1):
            cursor.go_to_head(head)
            row.append(texts.number(plain(fill(lesson.parts["here"], here))))
        told.append(row)
    return {
        "title": texts.number(fill(lesson.title, here)),
        "parts": parts,
        "here": told,
        "words": [[word, texts.number(glossary()[word])] for word in words],
    }


# Tokens


def merges_of(session: Session) -> list[dict[str, Any]]:
    """For every position the piece of text that its token is of, and the merges that made it."""
    found: list[dict[str, Any]] = []
    for position in range(len(session.ids)):
        piece = session.written.piece_at(position)
        if piece is None or not piece.text:
            found.append({"note": "This token was not spelled from text: there is nothing to merge."})
            continue
        steps = [
            {
                "parts": [visible(part) for part in piece.parts(number)],
                "rule": merge.rank + 1,
                "joined": f"{visible(merge.left)} + {visible(merge.right)}",
            }
            for number, merge in enumerate(piece.merges, start=1)
        ]
        found.append(
            {
                "piece": visible(piece.text),
                "bytes": " ".join(f"{byte:02x}" for byte in piece.spelling),
                "start": [visible(part) for part in piece.parts(0)] if piece.merges else [],
                "steps": steps,
                "tokens": list(piece.ids),
            }
        )
    return found


def lenses_of(session: Session, residuals: Iterable[str]) -> dict[str, list[list[list[float]]]]:
    """For each residual stream and position what the model would say if it stopped there: id, share, logit."""
    trace, positions = session.run, range(len(session.ids))
    assert session.model
    with few_threads(session.model):
        return {
            name: [_first(lens.read(trace, name, position, lambda: False), LENS_TOKENS) for position in positions]
            for name in residuals
        }


def answers_of(session: Session) -> list[list[list[float]]]:
    """For each position what the model says at the end: id, share at temperature 1, logit."""
    return [_first(session.trace.logits(position), TOKENS) for position in range(len(session.ids))]


def _first(logits: Vector | None, count: int) -> list[list[float]]:
    """The likeliest tokens; among equals the lower id first."""
    assert logits is not None
    shares = softmax_row(logits)
    order = nsmallest(count, range(len(logits)), key=lambda token: (-logits[token], token))
    return [[token, _rounded(shares[token]), _rounded(logits[token])] for token in order]


def ledgers_of(session: Session) -> list[dict[str, Any]]:
    """For every position the steps from logits to the draw, for the listed tokens in their order."""
    return [_ledger(session, position) for position in range(len(session.ids))]


def _ledger(session: Session, position: int) -> dict[str, Any]:
    chances = session.draws.chances_shown(position)
    assert chances
    settings, seed = session.draws.settings_shown(position)
    reached = dict(zip(chances.order, chances.cumulative))
    kept = [chances.tempered[token] for token in chances.order]
    largest = max(kept)
    rows = []
    for token in session.trace.order(position)[:TOKENS]:
        cut = "top-k" if chances.top_k_logits[token] == -math.inf else "top-p"
        stays = token in reached
        shares = [chances.probabilities[token], reached[token]] if stays else [0.0, 0.0]
        rows.append(["" if stays else cut, *map(_rounded, (chances.tempered[token], *shares))])
    found: dict[str, Any] = {
        "temperature": settings.temperature,
        "top_k": settings.top_k,
        "top_p": settings.top_p,
        "seed": seed,
        "stay": len(chances.order),
        "of": len(chances.logits),
        "largest": _rounded(largest),
        "total": _rounded(math.fsum(math.exp(value - largest) for value in kept)),
        "rows": rows,
    }
    if step := session.draws.step_after(position):
        place = chances.order.index(step.token)
        start = chances.cumulative[place - 1] if place else 0.0
        found["draw"] = [_rounded(step.number), step.token, _rounded(start), _rounded(chances.cumulative[place])]
    elif position + 1 < len(session.ids):
        ranking = session.trace.ranking("logits", position)
        assert ranking
        token = session.ids[position + 1]
        found["typed"] = [token, _rounded(ranking.probabilities[token]), ranking.order.index(token) + 1]
    return found


def _rounded(value: float) -> float:
    """A number to eight digits."""
    return float(f"{value:.8g}")
