"""The training recipe: its data, its schedule, and a small model that learns something."""

import gzip
import math
import random
import re
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("tokenizers")

from safetensors.numpy import load_file  # noqa: E402

from assets import train_stories  # noqa: E402
from assets.train_stories import END, Budget, Recipe  # noqa: E402
from explorer.checkpoints import open_checkpoint  # noqa: E402

STORIES = Path(train_stories.__file__).parent / "stories"
TINY = Recipe(layers=2, heads=2, width=16, context=16, batch=8, peak_rate=1e-2, warm_up=5, log_every=10)


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


def test_a_budget_is_in_steps_or_in_minutes() -> None:
    steps = Budget(steps=10, stop_after=4)
    assert [steps.spent(step) for step in (0, 5, 10, 11)] == [0.0, 0.5, 1.0, 1.0]
    assert [steps.is_over(step) for step in (3, 4)] == [False, True]
    minutes = Budget(minutes=1.0)
    minutes.started -= 30
    assert minutes.spent(7) == pytest.approx(0.5, abs=0.1)
    minutes.started -= 30
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
            assert parameter.std().item() == pytest.approx(deviation, rel=0.03), name
    dropouts = {name: module.p for name, module in model.named_modules() if isinstance(module, torch.nn.Dropout)}
    assert {name.split(".")[-2:][-1] for name, p in dropouts.items() if p == 0.1} == {"resid_dropout", "dropout"}
    assert {name.split(".")[-1] for name, p in dropouts.items() if p == 0} == {"drop", "attn_dropout"}


def test_only_matrices_decay() -> None:
    model = train_stories.build(TINY, end=4095)
    for group in train_stories.optimizer_for(model, TINY).param_groups:
        assert {parameter.dim() > 1 for parameter in group["params"]} == {group["weight_decay"] == 0.1}
        assert group["betas"] == (0.9, 0.95)


def test_a_few_dozen_steps_lower_the_loss(corpus: Path) -> None:
    training, held_out = train_stories.split(train_stories.read_stories(corpus))
    tokenizer = train_stories.train_tokenizer(training, 300)
    recipe = Recipe(**vars(TINY) | {"vocabulary": 300})
    stream, unseen = train_stories.encode(training, tokenizer), train_stories.encode(held_out, tokenizer)
    torch.manual_seed(0)
    model, log = train_stories.build(recipe, end=299), []
    before = train_stories.evaluate(model, unseen, recipe)
    losses = train_stories.train(model, stream, unseen, recipe, Budget(steps=40), log.append)
    after = train_stories.evaluate(model, unseen, recipe)

    assert before == pytest.approx(math.log(300), abs=0.3)
    assert after < before - 2
    assert sum(losses[-10:]) / 10 < sum(losses[:10]) / 10 - 1
    assert [line.split()[0] for line in log] == ["10", "20", "30", "40", "FINAL"]
    assert log[-1].startswith(f"FINAL VAL 40 {after:.4f} train ")


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
