"""Train the embedded model: the recipe of assets/stories/README.md, as a program.

    python assets/train_stories.py --corpus corpus.txt.gz --tokenizer assets/stories --out trained --steps 11257

Needs the extra "torch" (PyTorch, tokenizers, transformers), which GPT Explorer itself does not. The corpus is plain
text, gzipped or not, each story ended by a line `<|endoftext|>`; without --tokenizer one is trained on it first. The
budget is --steps or --minutes, and the learning rate follows its schedule over just that; --stop-after ends a run early
without changing the schedule, to compare the beginning of a run with that of another.

The log, on the screen and in training.log: step, tokens seen, the part of the budget that is spent, the running mean
of the loss in nats a token, learning rate, tokens a second; VAL lines hold the loss on the stories held out.
"""

import argparse
import gzip
import json
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

try:
    import torch
    import transformers
    from tokenizers import ByteLevelBPETokenizer
    from torch import Tensor
    from torch.nn.functional import cross_entropy
except ImportError as error:
    raise SystemExit(f"{error.name} is missing. Training needs more than the program: pip install .[torch]") from error

END = "<|endoftext|>"


@dataclass(frozen=True)
class Recipe:
    """Every number of the recipe; the defaults are those that made the embedded model."""

    layers: int = 6
    heads: int = 6
    width: int = 192
    context: int = 256
    vocabulary: int = 4096  # END included, as the last id
    dropout: float = 0.1  # on what attention and MLP write into the residual stream, nowhere else
    batch: int = 16
    peak_rate: float = 2e-3
    warm_up: int = 200  # steps to the peak
    final_rate: float = 0.05  # of the peak, at the end of the budget
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.1  # on matrices only
    gradient_norm: float = 1.0
    running_mean: float = 0.98  # how much of the running mean of the loss stays when a new one comes in
    log_every: int = 50
    evaluate_every: int = 500
    seed: int = 0

    def learning_rate(self, step: int, spent: float) -> float:
        """The rate of that step (counted from 1) when that part of the budget is spent: up a line, down a cosine."""
        cosine = self.final_rate + (1 - self.final_rate) * (1 + math.cos(math.pi * spent)) / 2
        return self.peak_rate * min(step / self.warm_up, cosine)


@dataclass
class Budget:
    """How long a run lasts, in steps or in minutes; `stop_after` ends it before the schedule does."""

    steps: int | None = None
    minutes: float | None = None
    stop_after: int | None = None
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.monotonic() - self.started

    def spent(self, step: int) -> float:
        """The part of the budget, from 0 to 1, that is gone once `step` steps are done."""
        if self.steps:
            return min(1.0, step / self.steps)
        return min(1.0, self.seconds / (60 * (self.minutes or 0.0))) if self.minutes else 1.0

    def is_over(self, step: int) -> bool:
        """Whether the run ends once `step` steps are done."""
        return self.spent(step) >= 1 or step == self.stop_after


# Data: stories become two streams of token ids


def read_stories(corpus: Path) -> list[str]:
    """The stories of a corpus, stripped, without those of 40 characters or fewer, in the recipe's order."""
    content = gzip.decompress(corpus.read_bytes()) if corpus.suffix == ".gz" else corpus.read_bytes()
    stories = [story.strip() for story in content.decode("utf-8").split(END)]
    stories = [story for story in stories if len(story) > 40]
    random.Random(0).shuffle(stories)
    return stories


def split(stories: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """The stories to train on, and the first 1 % (one at least), which are held out."""
    held_out = max(1, len(stories) // 100)
    return stories[held_out:], stories[:held_out]


def read_tokenizer(directory: Path) -> ByteLevelBPETokenizer:
    """The tokenizer of a directory with vocab.json and merges.txt."""
    return ByteLevelBPETokenizer(str(directory / "vocab.json"), str(directory / "merges.txt"))


def train_tokenizer(stories: Sequence[str], vocabulary: int) -> ByteLevelBPETokenizer:
    """Byte-level BPE on those stories, of pairs that occur twice or more; END takes the last id."""
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(stories, vocab_size=vocabulary - 1, min_frequency=2, show_progress=False)
    tokenizer.add_special_tokens([END])
    return tokenizer


def save_tokenizer(tokenizer: ByteLevelBPETokenizer, directory: Path, context: int) -> None:
    """The four files from which transformers, and GPT Explorer, read it."""
    tokenizer.save_model(str(directory))  # vocab.json and merges.txt; the first lacks END
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    special = {"bos_token": END, "eos_token": END, "unk_token": END}
    details = {"tokenizer_class": "GPT2Tokenizer", "model_max_length": context, **special, "add_prefix_space": False}
    (directory / "vocab.json").write_text(json.dumps(dict(vocabulary), ensure_ascii=False), encoding="utf-8")
    (directory / "tokenizer_config.json").write_text(json.dumps(details, indent=2), encoding="utf-8")
    (directory / "special_tokens_map.json").write_text(json.dumps(special, indent=2), encoding="utf-8")


def encode(stories: Sequence[str], tokenizer: ByteLevelBPETokenizer) -> Tensor:
    """All stories as one stream of ids, END before each."""
    end = tokenizer.token_to_id(END)
    return torch.tensor([token for story in tokenizer.encode_batch(list(stories)) for token in (end, *story.ids)])


def random_windows(stream: Tensor, recipe: Recipe) -> Tensor:  # [batch, context + 1]
    """One batch, cut from the stream anywhere; each position's target is the token after it, hence one more."""
    starts = torch.randint(len(stream) - recipe.context, (recipe.batch, 1))
    return stream[starts + torch.arange(recipe.context + 1)]


def windows_in_order(stream: Tensor, recipe: Recipe) -> Iterator[Tensor]:
    """The whole stream, in batches of windows side by side; a short stream is one short window."""
    context = min(recipe.context, len(stream) - 1)
    whole = (len(stream) - 1) // context * context
    starts = torch.arange(0, whole, context)[:, None]
    return iter(stream[starts + torch.arange(context + 1)].split(recipe.batch))


# Training


def build(recipe: Recipe, end: int) -> transformers.GPT2LMHeadModel:
    """The model before training: transformers' own initialisation of a GPT-2 is the recipe's (0.02, and less where
    it writes into the residual stream)."""
    config = transformers.GPT2Config(
        vocab_size=recipe.vocabulary,
        n_positions=recipe.context,
        n_embd=recipe.width,
        n_layer=recipe.layers,
        n_head=recipe.heads,
        resid_pdrop=recipe.dropout,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=end,
        eos_token_id=end,
        use_cache=False,
    )
    return transformers.GPT2LMHeadModel(config)


def optimizer_for(model: torch.nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW that lets only matrices decay: gains and biases are few, and have no reason to be small."""
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.dim() == 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.peak_rate, betas=recipe.betas)


def loss_of(model: torch.nn.Module, windows: Tensor) -> Tensor:
    """The mean loss, in nats a token, of predicting each token of the windows from those before it."""
    device = next(model.parameters()).device
    windows = windows.to(device)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        logits = model(windows[:, :-1]).logits
    return cross_entropy(logits.float().flatten(0, 1), windows[:, 1:].flatten())


@torch.no_grad()
def evaluate(model: torch.nn.Module, stream: Tensor, recipe: Recipe) -> float:
    """The mean loss over a whole stream, without dropout."""
    model.eval()
    total = count = 0.0
    for windows in windows_in_order(stream, recipe):
        total += loss_of(model, windows).item() * len(windows)
        count += len(windows)
    model.train()
    return total / count


def take_step(model: torch.nn.Module, optimizer: torch.optim.Optimizer, windows: Tensor, recipe: Recipe) -> float:
    """One batch forward and backward, and the weights moved; returns its loss."""
    loss = loss_of(model, windows)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.gradient_norm)
    optimizer.step()
    return loss.item()


def train(
    model: torch.nn.Module, stream: Tensor, held_out: Tensor, recipe: Recipe, budget: Budget, log: Callable[[str], None]
) -> list[float]:
    """Train the model until the budget is over; returns the loss of every step."""
    optimizer, losses = optimizer_for(model, recipe), []
    model.train()
    while not budget.is_over(len(losses)):
        step = len(losses) + 1
        rate = recipe.learning_rate(step, budget.spent(step))
        for group in optimizer.param_groups:
            group["lr"] = rate
        losses.append(take_step(model, optimizer, random_windows(stream, recipe), recipe))
        if step % recipe.log_every == 0:
            tokens = step * recipe.batch * recipe.context
            loss, speed = running_mean(losses, recipe), tokens / budget.seconds
            log(f"{step} {tokens} {budget.spent(step):.3f} loss {loss:.4f} lr {rate:.2e} tok/s {speed:.0f}")
        if step % recipe.evaluate_every == 0:
            log(f"VAL {step} {evaluate(model, held_out, recipe):.4f}")
    held = evaluate(model, held_out, recipe)
    log(f"FINAL VAL {len(losses)} {held:.4f} train {running_mean(losses, recipe):.4f}")
    return losses


def running_mean(losses: Sequence[float], recipe: Recipe) -> float:
    """The mean of the losses in which each counts a little more than the one before it; it begins at the first."""
    mean = losses[0] if losses else math.nan
    for loss in losses[1:]:
        mean = recipe.running_mean * mean + (1 - recipe.running_mean) * loss
    return mean


# The command


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train the embedded model (the recipe: assets/stories/README.md).")
    parser.add_argument("--corpus", type=Path, required=True, help=f"stories, .txt or .txt.gz, each ended by {END}")
    parser.add_argument("--tokenizer", type=Path, help="directory of vocab.json and merges.txt; none: train one")
    parser.add_argument("--out", type=Path, required=True, help="directory to write the model, tokenizer and log to")
    budget = parser.add_mutually_exclusive_group(required=True)
    budget.add_argument("--steps", type=int, help="how many steps the schedule has")
    budget.add_argument("--minutes", type=float, help="or how many minutes")
    parser.add_argument("--stop-after", type=int, metavar="STEPS", help="end early, the schedule as it was")
    parser.add_argument("--compile", action="store_true", help="torch.compile: slow to start, faster after")
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--batch", type=int, default=Recipe.batch)
    parser.add_argument("--width", type=int, default=Recipe.width)
    parser.add_argument("--layers", type=int, default=Recipe.layers)
    parser.add_argument("--heads", type=int, default=Recipe.heads)
    given = parser.parse_args(arguments)
    if not given.corpus.is_file():
        parser.error(f"there is no file {given.corpus}")
    return given


def prepare(recipe: Recipe, end: int, compiled: bool) -> transformers.GPT2LMHeadModel:
    """The model on the device it will be trained on, compiled where that was asked for."""
    torch.manual_seed(recipe.seed)
    model = build(recipe, end).to("cuda" if torch.cuda.is_available() else "cpu")
    if compiled:
        model.compile()
        windows = torch.zeros(recipe.batch, recipe.context + 1, dtype=torch.long)
        loss_of(model, windows).backward()  # this compiles it, before the clock starts
    return model


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the corpus, train, save."""
    given = parse(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    training, held_out = split(read_stories(given.corpus))
    tokenizer = read_tokenizer(given.tokenizer) if given.tokenizer else train_tokenizer(training, Recipe.vocabulary)
    recipe = Recipe(
        layers=given.layers,
        heads=given.heads,
        width=given.width,
        vocabulary=tokenizer.get_vocab_size(),
        batch=given.batch,
        seed=given.seed,
    )
    save_tokenizer(tokenizer, given.out, recipe.context)
    stream, unseen = encode(training, tokenizer), encode(held_out, tokenizer)
    if len(stream) <= recipe.context:
        raise SystemExit(
            f"{given.corpus} is too short: {len(stream)} tokens to train on, for windows of {recipe.context}."
        )
    print(f"{len(training)} stories, {len(stream)} tokens; held out {len(held_out)} stories, {len(unseen)} tokens")

    model = prepare(recipe, tokenizer.token_to_id(END), given.compile)
    with (given.out / "training.log").open("w", encoding="utf-8") as file:

        def log(line: str) -> None:
            print(line, flush=True)
            print(line, file=file, flush=True)

        train(model, stream, unseen, recipe, Budget(given.steps, given.minutes, given.stop_after), log)
    model.half().save_pretrained(given.out)


if __name__ == "__main__":
    main()
