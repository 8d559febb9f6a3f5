"""How the model that a session is opened with differs from the one that it was saved with."""

from explorer.engine.engines import NUMPY, TORCH, in_words, nearest, parsed, words_for
from explorer.loading.origins import origin_of
from explorer.sessions.saved import Saved, SavedModel
from explorer.sessions.snapshot import this_program
from explorer.terminal.glyphs import one_line
from explorer.walk.text import Tokens
from gpt import GPT

_COUNTS = ("layers", "heads", "width", "vocabulary", "positions")


def of_model(saved: SavedModel, model: GPT, name: str) -> list[str]:
    """The differences of a model, each a sentence; none where its weights are the same."""
    origin, config = origin_of(model), model.config
    fingerprint = origin.fingerprint if origin else ""
    if saved.weights and saved.weights == fingerprint:
        return []
    ours = (config.n_layer, config.n_head, config.n_embd, config.vocab_size, config.n_positions)
    theirs = tuple(getattr(saved, count) for count in _COUNTS)
    shapes = [f"{count} {a}, not {b}" for count, a, b in zip(_COUNTS, ours, theirs) if a != b]
    if shapes:
        return [
            f"It was saved with {one_line(saved.name)}, and {one_line(name)} has another shape: {'; '.join(shapes)}."
        ]
    if not saved.weights or not fingerprint:
        same = origin is None or origin.name == saved.name
        return [] if same else [f"It was saved with {one_line(saved.name)}, and is opened with {one_line(name)}."]
    then = one_line(saved.name)
    pinned = f" `--model {then.partition('@')[0]}@{one_line(saved.revision)}` opens those." if saved.revision else ""
    return [
        f"The weights of {one_line(name)} are not those it was saved with, of {then}: all numbers are others.{pinned}"
    ]


def of_program(saved: Saved) -> list[str]:
    """Differences that may change the last digits: another Python, NumPy or PyTorch, another machine."""
    then, now = saved.program, this_program()
    changed = [("Python", then.python, now.python), ("", then.machine, now.machine)]
    engine = parsed(saved.engine).name
    if engine == NUMPY:
        changed.append(("NumPy", then.numpy, now.numpy))
    if engine == TORCH:
        changed.append(("PyTorch", then.torch, now.torch))
    words = [f"{name} {a}".strip() for name, a, b in changed if a and a != b]
    return [f"It was saved with {', '.join(words)}: the last digits may be others here."] if words else []


def of_engine(saved: Saved, model: GPT) -> list[str]:
    """Whether the session is computed by another engine, as its own is not here."""
    if nearest(saved.engine) == saved.engine:
        return []
    theirs, ours = words_for(saved.engine), in_words(model)
    return [f"It was saved with {theirs}, which is not here: {ours} computes it, and its digits may be others."]


def of_tokens(saved: Saved, tokenizer: Tokens) -> list[str]:
    """Whether this model's tokenizer gives the prompt other tokens."""
    if tuple(tokenizer.encode(saved.prompt)) == saved.ids:
        return []
    return ["This model's tokenizer gives other tokens for the prompt."]
