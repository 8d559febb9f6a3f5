"""All that the page holds of one run, as data."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from explorer.engine.engines import in_words
from explorer.page import texts
from explorer.page.arrays import arrays_of, made_from_others
from explorer.page.packing import Entry, pack
from explorer.page.rules import rules
from explorer.stages import Kind, Stage
from explorer.walk.session import Session
from gpt.hooks import HEAD_RESULTS

Tell = Callable[[int, int], None]

_EXIT = (Kind.LOGITS, Kind.LEDGER, Kind.DRAW)


@dataclass
class Place:
    """Where the walk of a page stands: all are numbers, from 0."""

    stage: int  # among the stages of the run that the page holds
    position: int
    head: int = 0
    column: int | None = None
    part: int | None = None

    def data(self) -> dict[str, Any]:
        """As the page reads it."""
        return {key: value for key, value in vars(self).items() if value is not None}


@dataclass
class Contents:
    """One run: its words and rules as data, and its numbers."""

    data: dict[str, Any]
    numbers: bytes


def contents(
    session: Session, model: str, stages: Iterable[int], told: texts.Texts, tell: Tell = lambda done, parts: None
) -> Contents:
    """The stages of a complete run, by their numbers in the walk; the cursor is left where it was.

    `tell` gets how many of how many stages are done.
    """
    kept = sorted(set(stages))
    before = dict(vars(session.cursor))
    shown = [session.cursor.stages[index] for index in kept]
    known = rules(session.config)
    names = _names(shown, session.config.n_layer)
    arrays = arrays_of(session, known, names)
    made = made_from_others(known, arrays)
    entries, counts, numbers = pack({name: array for name, array in arrays.items() if name not in made})
    held = [name for name in known if name in arrays or HEAD_RESULTS in name]
    data = {
        "model": model,
        "engine": in_words(session.model),
        "text": session.text,
        "ids": session.ids,
        "edits": session.what_if.edits.words(session.labels()),
        "edited": sorted({place.name for place in session.what_if.places_edited()}),
        "stages": [
            {**stage, "before": before_it} for stage, before_it in zip(texts.stages_of(shown), _before(session, kept))
        ],
        "table": "wte.weight" if session.config.tie_word_embeddings else "lm_head.weight",  # of the logits
        "heads": session.config.n_head,
        "arrays": {**entries, **made},
        "counts": counts,
        "rules": {name: known[name] for name in held},
        "words": texts.words_of(session, held),
        "weights": texts.weights_in_words(session, _weights(entries)),
        "lessons": texts.lessons_of(session, kept, told, tell),
        "lenses": texts.lenses_of(session, _residuals(session, kept)),
        "answers": texts.answers_of(session),
    }
    if any(stage.kind is Kind.MERGES for stage in shown):
        data["merges"] = texts.merges_of(session)
    if any(stage.kind in _EXIT for stage in shown):
        data["ledgers"] = texts.ledgers_of(session)
    data["labels"] = {token: session.label(token) for token in _tokens(data)}
    vars(session.cursor).update(before)
    return Contents(data, numbers)


def _names(stages: Iterable[Stage], layers: int) -> list[str]:
    """The activations that stages show, and those that belong to them: the mean in a layer norm."""
    names: dict[str, None] = {}
    for stage in stages:
        for part in stage.parts:
            names[part.activation] = None
        if stage.kind is Kind.NORM:
            prefix = stage.parts[0].activation.rpartition(".")[0]
            names |= dict.fromkeys(f"{prefix}.{end}" for end in ("hook_mean", "hook_var", "hook_scale"))
    return list(names)


def _before(session: Session, stages: Iterable[int]) -> list[str | None]:
    """The residual stream before the one of each stage."""
    found = []
    for index in stages:
        session.cursor.go_to_stage(index)
        found.append(session.cursor.residual_before)
    return found


def _residuals(session: Session, stages: list[int]) -> list[str]:
    """The residual streams that are read out: those of the stages, and the ones before them."""
    own = [session.cursor.stages[index].residual for index in stages]
    return [name for name in dict.fromkeys([*_before(session, stages), *own]) if name]


def _weights(entries: dict[str, Entry]) -> list[str]:
    """The checkpoint's tensors among the arrays, whole or in parts; and the tables, whose rows are the embeddings."""
    named = [name.partition("/")[0] for name in entries if name.startswith(("h.", "ln_f."))]
    return list(dict.fromkeys(named))


def _tokens(data: dict[str, Any]) -> list[int]:
    """Every token whose text the page shows."""
    found = set(data["ids"])
    for rows in (*data["lenses"].values(), data["answers"]):
        found |= {entry[0] for row in rows for entry in row}
    for ledger in data.get("ledgers", ()):
        found |= {ledger[key][place] for key, place in (("draw", 1), ("typed", 0)) if key in ledger}
    return sorted(found)
