"""The training recipe: its data, its schedule, its steps, and the files that it writes."""

import gzip
import math
import random
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("tokenizers")

from safetensors.numpy import load_file  # noqa: E402

from assets import train_stories  # noqa: E402
from assets.train_stories import END, Budget, Recipe  # noqa: E402
from explorer.loading.checkpoints import open_checkpoint  # noqa: E402

STORIES = Path(train_stories.__file__).parent / "stories"
TINY = Recipe(layers=2, heads=2, width=16, context=16, batch=8, peak_rate=1e-2, warm_up=5, log_every=10)


SMALL = replace(TINY, vocabulary=300, log_every=3, evaluate_every=5)


def made_up_stories(count: int) -> list[str]:
    """Sentences with little to learn: who, what, where, in that order."""
    choose = random.Random(1).choice
    return [
        f"Once upon a time {choose(['Tom', 'Lily', 'Mia'])} saw a {choose(['cat', 'dog', 'bird'])} "
        f"{choose(['in the park', 'at home', 'by the sea'])}, number {index}."
        for index in range(count)
    ]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "stories.txt"
    path.write_text("".join(f"{story}\n{END}\n" for story in made_up_stories(300)), encoding="utf-8")
    return path


# Data


def test_stories_are_stripped_and_the_short_ones_dropped(tmp_path: Path) -> None:
    long, longer = "a" * 41, "b" * 30 + "\n\n" + "é" * 30
    text = f"  {long}\n\n{END}\n{'c' * 40}\n{END}\n\n{longer} \n{END}\n"
    (tmp_path / "corpus.txt").write_text(text, encoding="utf-8")
    (tmp_path / "corpus.txt.gz").write_bytes(gzip.compress(text.encode()))
    plain, packed = (train_stories.read_stories(tmp_path / name) for name in ("corpus.txt", "corpus.txt.gz"))
    assert sorted(plain) == [long, longer]
    assert packed == plain


def test_a_hundredth_is_held_out_after_shuffling(corpus: Path) -> None:
    shuffled = made_up_stories(300)
    random.Random(0).shuffle(shuffled)
    training, held_out = train_stories.split(train_stories.read_stories(corpus))
    assert held_out == shuffled[:3]
    assert training == shuffled[3:]


def test_a_tokenizer_gives_every_story_back_and_end_has_the_last_id(corpus: Path, tmp_path: Path) -> None:
    stories = train_stories.read_stories(corpus)
    tokenizer = train_stories.train_tokenizer(stories, 300)
    train_stories.save_tokenizer(tokenizer, tmp_path, context=16)
    loaded = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert tokenizer.get_vocab_size() == len(loaded) == 300
    assert loaded.convert_tokens_to_ids(END) == loaded.eos_token_id == 299

    stream = train_stories.encode(stories, train_stories.read_tokenizer(tmp_path)).tolist()
    assert stream.count(299) == len(stories)
    assert loaded.decode(stream) == "".join(END + story for story in stories)


def test_windows_in_order_ask_for_every_token_once() -> None:
    stream = torch.arange(16 * 20 + 1)
    windows = torch.cat(list(train_stories.windows_in_order(stream, TINY)))
    assert windows[:, 1:].flatten().tolist() == list(range(1, 321))
    assert windows[:, :-1].flatten().tolist() == list(range(320))
    assert [len(batch) for batch in train_stories.windows_in_order(stream, TINY)] == [8, 8, 4]


def test_random_windows_are_pieces_of_the_stream_from_end_to_end() -> None:
    torch.manual_seed(0)
    windows = torch.cat([train_stories.random_windows(torch.arange(20), TINY) for _ in range(20)])
    assert windows.shape == (160, 17)
    assert (windows.diff(dim=1) == 1).all()
    assert set(windows[:, 0].tolist()) == {0, 1, 2, 3}


# The schedule, against the log of the run that made the embedded model


def test_the_learning_rate_is_the_one_in_the_log() -> None:
    log = (STORIES / "training.log").read_text(encoding="utf-8")
    lines = re.findall(r"^(\d+) \d+ (0\.\d+) loss \S+ lr (\S+)", log, re.MULTILINE)
    assert len(lines) > 200
    for step, spent, logged in lines:
        # both numbers were rounded to print them
        most, least = (Recipe().learning_rate(int(step), float(spent) + error) for error in (-0.0005, 0.0005))
        assert float(f"{least:.2e}") <= float(logged) <= float(f"{most:.2e}")


def test_a_budget_is_in_steps_or_in_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Budget(steps=10, stop_after=4)
    assert [steps.spent(step) for step in (0, 5, 10, 11)] == [0.0, 0.5, 1.0, 1.0]
    assert [steps.is_over(step) for step in (3, 4)] == [False, True]
    minutes, now = Budget(minutes=1.0, started=100.0), [130.0]
    monkeypatch.setattr(train_stories, "time", SimpleNamespace(monotonic=lambda: now[0]))
    assert minutes.spent(7) == 0.5
    assert not minutes.is_over(7)
    now[0] = 160.0
    assert minutes.is_over(8)


# The model


def test_it_begins_as_the_recipe_says() -> None:
    recipe = Recipe(width=96)
    torch.manual_seed(0)
    model = train_stories.build(recipe, end=4095)
    for name, parameter in model.named_parameters():
        if parameter.dim() == 1:
            expected = torch.full_like(parameter, float("ln_" in name and name.endswith("weight")))
            torch.testing.assert_close(parameter.data, expected, rtol=0, atol=0)
        else:
            deviation = 0.02 / math.sqrt(12) if "c_proj" in name else 0.02
            assert parameter.std().item() == pytest.approx(deviation, rel=0.05), name  # seven times their spread
    dropouts = {name: module.p for name, module in model.named_modules() if isinstance(module, torch.nn.Dropout)}
    assert {name.split(".")[-2:][-1] for name, p in dropouts.items() if p == 0.1} == {"resid_dropout", "dropout"}
    assert {name.split(".")[-1] for name, p in dropouts.items() if p == 0} == {"drop", "attn_dropout"}


def test_only_matrices_decay() -> None:
    model = train_stories.build(TINY, end=4095)
    for group in train_stories.optimizer_for(model, TINY).param_groups:
        assert {parameter.dim() > 1 for parameter in group["params"]} == {group["weight_decay"] == 0.1}
        assert group["betas"] == (0.9, 0.95)


def in_float32(model: torch.nn.Module, windows: torch.Tensor) -> torch.Tensor:
    """The mean of −log p(next token), by its definition."""
    shares = model(windows[:, :-1]).logits.softmax(-1)
    return -shares.gather(2, windows[:, 1:, None]).log().mean()


@pytest.fixture
def streams(corpus: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """The tokens to train on, and those held out."""
    training, held_out = train_stories.split(train_stories.read_stories(corpus))
    tokenizer = train_stories.train_tokenizer(training, SMALL.vocabulary)
    return train_stories.encode(training, tokenizer), train_stories.encode(held_out, tokenizer)


def test_the_loss_is_that_of_predicting_each_token_from_those_before_it(
    streams: tuple[torch.Tensor, torch.Tensor],
) -> None:
    model = train_stories.build(SMALL, end=299).eval()
    (windows, *_) = train_stories.windows_in_order(streams[1], SMALL)
    expected = in_float32(model, windows).item()
    assert train_stories.loss_of(model, windows).item() == pytest.approx(expected, rel=0.01)  # bfloat16 has 8 bits


def test_the_held_out_loss_counts_every_token_once(streams: tuple[torch.Tensor, torch.Tensor]) -> None:
    model, unseen = train_stories.build(SMALL, end=299), streams[1]
    model.eval()
    with torch.no_grad():
        windows = torch.cat(list(train_stories.windows_in_order(unseen, SMALL)))
        expected = in_float32(model, windows).item()
    assert train_stories.evaluate(model, unseen, SMALL) == pytest.approx(expected, rel=0.01)
    assert model.training, "and goes on with dropout"


def test_the_first_step_moves_every_weight_against_its_gradient(streams: tuple[torch.Tensor, torch.Tensor]) -> None:
    """By the learning rate, however large the gradient: Kingma and Ba 2015, arXiv:1412.6980, section 2.1."""
    recipe = replace(SMALL, dropout=0.0)
    torch.manual_seed(0)
    model, windows = train_stories.build(recipe, end=299), train_stories.random_windows(streams[0], recipe)
    in_float32(model, windows).backward()
    gradients = {name: weight.grad.clone() for name, weight in model.named_parameters()}
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    train_stories.take_step(model, train_stories.optimizer_for(model, recipe), windows, recipe)
    counted = 0
    for name, weight in model.named_parameters():
        decay = recipe.weight_decay if weight.dim() > 1 else 0.0
        moved = weight.detach() - before[name] * (1 - recipe.peak_rate * decay)
        size = gradients[name].abs()
        certain = size > max(1e-3, size.max().item() / 10)  # where bfloat16 cannot change the sign
        expected = -recipe.peak_rate * gradients[name].sign()
        torch.testing.assert_close(moved[certain], expected[certain], rtol=1e-3, atol=1e-6)
        counted += int(certain.sum())
    assert counted > 100


def test_training_follows_its_schedule_and_logs_it(
    streams: tuple[torch.Tensor, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    rates, step = [], train_stories.take_step

    def noting(model: object, optimizer: torch.optim.Optimizer, *rest: object) -> float:
        rates.append({group["lr"] for group in optimizer.param_groups})
        return step(model, optimizer, *rest)

    monkeypatch.setattr(train_stories, "take_step", noting)
    model, log = train_stories.build(SMALL, end=299), []
    losses = train_stories.train(model, *streams, SMALL, Budget(steps=9, stop_after=8), log.append)
    after = train_stories.evaluate(model, streams[1], SMALL)
    assert rates == [{SMALL.learning_rate(number, number / 9)} for number in range(1, 9)]
    assert len(losses) == 8
    assert [line.split()[0] for line in log] == ["3", "VAL", "6", "FINAL"]
    for line, number in ((0, 3), (2, 6)):
        assert f" lr {SMALL.learning_rate(number, number / 9):.2e} " in log[line]
    assert log[-1].startswith(f"FINAL VAL 8 {after:.4f} train ")


def test_the_command_writes_a_model_that_can_be_loaded(corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "trained"
    sizes = ["--width", "16", "--layers", "2", "--heads", "2", "--batch", "2"]
    train_stories.main(["--corpus", str(corpus), "--out", str(out), "--steps", "3", "--stop-after", "2", *sizes])
    assert (out / "training.log").read_text(encoding="utf-8").startswith("FINAL VAL 2 ")

    tensors = load_file(out / "model.safetensors").values()
    assert {tensor.dtype.name for tensor in tensors} == {"float16"}
    model = transformers.GPT2LMHeadModel.from_pretrained(out).double().eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(out)
    checkpoint = open_checkpoint(out)
    assert checkpoint.config.eos_token_id == tokenizer.eos_token_id == len(tokenizer) - 1

    ids = tokenizer.encode("Once upon a time Tom")
    assert checkpoint.tokenizer.encode("Once upon a time Tom") == ids
    logits = torch.tensor(checkpoint.load().forward(ids).logits, dtype=torch.float64)
    torch.testing.assert_close(logits, model(torch.tensor([ids])).logits[0])


def test_a_corpus_that_is_missing_or_too_short_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short = tmp_path / "short.txt"
    rest = ["--out", str(tmp_path / "out"), "--steps", "3"]
    with pytest.raises(SystemExit):
        train_stories.main(["--corpus", str(short), *rest])
    assert f"no file {short}" in capsys.readouterr().err
    short.write_text("A story that is told in more than forty characters.\n" + END, encoding="utf-8")
    with pytest.raises(SystemExit, match="too short"):
        train_stories.main(["--corpus", str(short), *rest])
