"""Models of the hub: the real client and the real commands, against a small hub on this machine."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub.file_download import repo_folder_name
from huggingface_hub.utils import WeakFileLock
from safetensors import safe_open

from explorer.errors import HubError
from explorer.loading import hub, hub_names
from explorer.loading.catalogue import locate, resolve
from explorer.loading.hub_errors import explained
from gpt import GPTConfig
from tests.helpers.checkpoint_builder import MERGES, weights, write_checkpoint, write_shards
from tests.helpers.small_hub import COMMIT, REPO, SmallHub

SHAPE = {"n_embd": 96, "n_layer": 4, "n_positions": 16}  # 1.9 MB: several of the pieces in which files are fetched
WEIGHTS = "model.safetensors"
NEEDED = {"config.json", "generation_config.json", "vocab.json", "merges.txt", "tokenizer_config.json", WEIGHTS}
HANGS = 600
"""Seconds after which something is taken to hang; nothing here needs more than a few."""
OURS = ("HF_", "HUGGING", "TRANSFORMERS_", "XDG_")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with everything that repositories hold besides."""
    directory = write_checkpoint(tmp_path_factory.mktemp("hub") / "model", **SHAPE)
    (directory / "tokenizer_config.json").write_text('{"add_prefix_space": false}')
    (directory / "generation_config.json").write_text("{}")
    for other in ("README.md", "pytorch_model.bin", "tf_model.h5", "optimizer.pt", "training_args.bin"):
        (directory / other).write_text("not asked for")
    return directory


@pytest.fixture
def small(checkpoint: Path, tmp_path: Path) -> Iterator[SmallHub]:
    with SmallHub(shutil.copytree(checkpoint, tmp_path / "served")).serving() as serving:
        yield serving


def environment(small: SmallHub, home: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    kept |= {"HF_ENDPOINT": small.address, "HF_HOME": str(home), "NO_PROXY": "*", "no_proxy": "*"}
    # The client must not give up on a machine that is busy.
    return kept | {"HF_HUB_DOWNLOAD_TIMEOUT": str(HANGS), "HF_HUB_ETAG_TIMEOUT": str(HANGS)} | more


def generate(small: SmallHub, home: Path, model: str = REPO, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "explorer", "generate", "the", "--max-new-tokens", "1", "--model", model]
    return subprocess.run(
        command, env=environment(small, home, **more), capture_output=True, text=True, timeout=HANGS, check=False
    )


def works(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("the")
    assert done.stderr == "", "and nothing of the client's"


def refused(done: subprocess.CompletedProcess[str], *said: str) -> None:
    assert done.returncode == 1
    assert done.stderr.startswith("gpt-explorer: ")
    assert done.stderr.count("\n") == 1, done.stderr
    for words in said:
        assert words in done.stderr
    assert done.stdout == ""


def stored(home: Path, name: str = WEIGHTS) -> Path:
    return home / "hub" / "models--owner--model" / "snapshots" / COMMIT / name


def partial(home: Path) -> Path | None:
    return next((home / "hub" / "models--owner--model" / "blobs").glob("*.incomplete"), None)


# Fetching, and never again


def test_only_what_is_needed_is_fetched_and_a_second_start_asks_for_nothing(small: SmallHub, tmp_path: Path) -> None:
    works(generate(small, tmp_path))
    assert small.fetched == NEEDED
    assert stored(tmp_path).read_bytes() == (small.directory / WEIGHTS).read_bytes()
    asked = len(small.requests)
    works(generate(small, tmp_path))
    works(generate(small, tmp_path, HF_HUB_OFFLINE="1"))
    works(generate(small, tmp_path, f"{REPO}@{COMMIT}"))
    assert len(small.requests) == asked


def test_a_revision(small: SmallHub, tmp_path: Path) -> None:
    works(generate(small, tmp_path, f"{REPO}@v1"))
    asked = len(small.requests)
    works(generate(small, tmp_path, f"{REPO}@v1"))
    assert len(small.requests) == asked
    refused(generate(small, tmp_path, f"{REPO}@v2"), "no revision 'v2'", "leave @v2 out")


def test_shards(small: SmallHub, tmp_path: Path) -> None:
    tensors = weights(json.loads((small.directory / "config.json").read_text()))
    names = sorted(tensors)
    files = write_shards(small.directory, {n: tensors[n] for n in names[:9]}, {n: tensors[n] for n in names[9:]})
    works(generate(small, tmp_path))
    assert small.fetched == NEEDED - {WEIGHTS} | {"model.safetensors.index.json", *files.values()}
    small.requests.clear()
    stored(tmp_path, files[names[-1]]).resolve().unlink()
    works(generate(small, tmp_path))
    assert small.fetched == {files[names[-1]]}, "the other shard was there"


def test_a_tokenizer_in_one_file(small: SmallHub, tmp_path: Path) -> None:
    model = {"type": "BPE", "vocab": json.loads((small.directory / "vocab.json").read_text()), "merges": MERGES}
    (small.directory / "tokenizer.json").write_text(
        json.dumps({"model": model, "pre_tokenizer": {"type": "ByteLevel"}})
    )
    works(generate(small, tmp_path))
    assert small.fetched == NEEDED - {"vocab.json", "merges.txt"} | {"tokenizer.json"}, "it is in force"


def test_the_list_of_models(small: SmallHub, tmp_path: Path) -> None:
    works(generate(small, tmp_path))
    command = [sys.executable, "-m", "explorer", "models", "--json"]
    printed = subprocess.run(command, env=environment(small, tmp_path), capture_output=True, text=True, check=True)
    entries = {entry["name"]: entry for entry in json.loads(printed.stdout)}
    assert list(entries) == ["stories", REPO, *hub_names.KNOWN]
    config = GPTConfig.from_json((small.directory / "config.json").read_bytes())
    ours = entries[REPO]
    assert (ours["state"], ours["layers"], ours["heads"], ours["width"]) == ("cached", 4, 2, 96)
    assert ours["parameters"] == config.parameters
    assert ours["size"] > 4 * config.parameters
    assert Path(ours["path"]) == stored(tmp_path).parent
    assert entries["gpt2"] == entries["gpt2"] | {"state": "can be fetched", "path": None, "parameters": 124_439_808}


def test_a_cache_from_when_models_had_no_owners(small: SmallHub, tmp_path: Path) -> None:
    """`models--gpt2` is openai-community/gpt2: it opens offline, and the list has it under its name."""
    snapshot = tmp_path / "hub" / "models--gpt2" / "snapshots" / COMMIT
    shutil.copytree(small.directory, snapshot)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text(COMMIT)
    for name in ("gpt2", "openai-community/gpt2"):
        works(generate(small, tmp_path, name, HF_HUB_OFFLINE="1"))
    command = [sys.executable, "-m", "explorer", "models", "--json"]
    printed = subprocess.run(command, env=environment(small, tmp_path), capture_output=True, text=True, check=True)
    entries = [entry for entry in json.loads(printed.stdout) if entry["name"] == "gpt2"]
    assert [(entry["state"], entry["path"]) for entry in entries] == [("cached", str(snapshot))]
    assert small.requests == []


# Breaking off, and going on


def test_a_connection_that_breaks_is_taken_up_again(small: SmallHub, tmp_path: Path) -> None:
    small.cut[WEIGHTS] = [600_000]
    works(generate(small, tmp_path))
    assert any(request.startswith(f"GET {WEIGHTS} bytes=") for request in small.requests)
    assert stored(tmp_path).read_bytes() == (small.directory / WEIGHTS).read_bytes()


def test_what_was_fetched_before_an_interruption_is_kept(small: SmallHub, tmp_path: Path) -> None:
    """Control-C in the middle of the weights; the next start, another process, fetches the rest."""
    size = (small.directory / WEIGHTS).stat().st_size
    small.slow.add(WEIGHTS)
    # Whoever runs the tests in the background of a shell hands on to them that Control-C is ignored.
    code = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += f"from explorer.cli import main; sys.exit(main(['generate', 'the', '--model', '{REPO}']))"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, env=environment(small, tmp_path), stderr=subprocess.PIPE, text=True) as process:
        while not (small.sent.get(WEIGHTS) and (found := partial(tmp_path)) and found.stat().st_size > size // 2):
            assert process.poll() is None, "it waits for the rest"
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=HANGS)
    assert process.returncode == 130
    assert error == ""
    kept = found.stat().st_size
    small.slow.clear()
    small.sent.clear()
    small.requests.clear()
    works(generate(small, tmp_path))
    assert f"GET {WEIGHTS} bytes={kept}-" in small.requests
    assert small.sent == {WEIGHTS: size - kept}, "only the rest of one file"
    assert stored(tmp_path).read_bytes() == (small.directory / WEIGHTS).read_bytes()
    assert partial(tmp_path) is None


CANCEL = """
from explorer.errors import HubError
from explorer.loading.catalogue import resolve
seen = []
try:
    resolve("owner/model", lambda done, total: seen.append((done, total)), lambda: bool(seen and seen[-1][0] > 900_000))
except HubError as error:
    print(error)
print(seen[-1][0] > 900_000, {total for _, total in seen})
"""


def test_cancelling(small: SmallHub, tmp_path: Path) -> None:
    small.slow.add(WEIGHTS)
    command = [sys.executable, "-c", CANCEL]
    done = subprocess.run(
        command, env=environment(small, tmp_path), capture_output=True, text=True, timeout=HANGS, check=True
    )
    total = sum((small.directory / name).stat().st_size for name in NEEDED - {"config.json"})
    assert done.stdout.splitlines() == [
        "Fetching owner/model was stopped. What has arrived is kept: the next time goes on from there.",
        f"True {{{total}}}",
    ]
    assert done.stderr == ""
    assert partial(tmp_path)


FAILED = """
from concurrent.futures import Future
from explorer.loading.hub import Reference, _Fetching
fetching, result = _Fetching(Reference("owner/model", None, "owner/model"), ids_alone=False), Future()
fetching.run(result)
print(result.exception() is not None, fetching.done, fetching.total)
"""


def test_progress_counts_the_files_that_the_total_counts(small: SmallHub, tmp_path: Path) -> None:
    """The index of the shards has to be there before the total is known, and is no part of it."""
    tensors = weights(json.loads((small.directory / "config.json").read_text()))
    first, *others = sorted(tensors)
    files = write_shards(small.directory, {first: tensors[first]}, {name: tensors[name] for name in others})
    small.errors[f"GET {files[others[0]]}"] = [500] * 9
    done = subprocess.run(
        [sys.executable, "-c", FAILED], env=environment(small, tmp_path), capture_output=True, text=True, check=True
    )
    fetched = {*NEEDED - {"config.json", WEIGHTS}, files[first]}
    arrived = sum((small.directory / name).stat().st_size for name in fetched)
    total = arrived + (small.directory / files[others[0]]).stat().st_size
    assert done.stdout.split() == ["True", str(arrived), str(total)]


def test_a_file_that_another_program_fetches_is_waited_for(tmp_path: Path) -> None:
    """Hugging Face's client too: it takes the same lock."""
    file = hub.HubFile(REPO, COMMIT, WEIGHTS, 5, "0" * 64, True)
    waited: list[int] = []

    def arrived(name: str, size: int) -> None:
        waited.append(size)
        if len(waited) > 2:
            raise HubError("enough")

    lock = tmp_path / ".locks" / repo_folder_name(repo_id=REPO, repo_type="model") / f"{file.digest}.lock"
    lock.parent.mkdir(parents=True)
    with WeakFileLock(lock), pytest.raises(HubError, match="enough"):
        hub.download(file, tmp_path, arrived)
    assert waited == [0, 0, 0]


def test_an_error_of_the_server_that_passes(small: SmallHub, tmp_path: Path) -> None:
    """The client tries again by itself: since its version 1.17 at the latest it asks again."""
    small.errors["HEAD config.json"] = [503, 503]
    works(generate(small, tmp_path))


def test_an_error_of_the_server_that_stays(small: SmallHub, tmp_path: Path) -> None:
    small.errors[f"GET {WEIGHTS}"] = [500] * 9
    refused(generate(small, tmp_path), "server error 500", "Try again later", "goes on from there")


def test_less_than_was_announced(small: SmallHub, tmp_path: Path) -> None:
    small.short[WEIGHTS] = 1_000_000
    refused(generate(small, tmp_path), WEIGHTS, "announced", "has fewer", "Try again later")
    small.short.clear()
    works(generate(small, tmp_path))


def test_other_bytes_than_were_announced(small: SmallHub, tmp_path: Path) -> None:
    small.damaged.add(WEIGHTS)
    refused(generate(small, tmp_path), WEIGHTS, "checksum", "Run the same again")
    assert partial(tmp_path) is None
    small.damaged.clear()
    works(generate(small, tmp_path))


def test_a_file_in_the_cache_that_was_truncated(small: SmallHub, tmp_path: Path) -> None:
    works(generate(small, tmp_path))
    blob = stored(tmp_path).resolve()
    os.truncate(blob, 1_000_000)
    refused(generate(small, tmp_path), str(stored(tmp_path)), "damaged (1,000,000 bytes)", f"Delete {blob}")
    blob.unlink()
    small.requests.clear()
    works(generate(small, tmp_path))
    assert small.fetched == {WEIGHTS}


# Models that cannot be opened


def test_offline_without_the_model(small: SmallHub, tmp_path: Path) -> None:
    refused(generate(small, tmp_path, HF_HUB_OFFLINE="1"), "not complete in the cache", "HF_HUB_OFFLINE", "Unset it")
    assert small.requests == []


def test_no_connection(checkpoint: Path, tmp_path: Path) -> None:
    with SmallHub(checkpoint).serving() as gone:
        pass
    code = "import time; time.sleep = lambda seconds: None\n"  # the client waits before it asks again
    code += "import sys; from explorer.cli import main; sys.exit(main(['generate', 'x', '--model', 'owner/model']))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(gone, tmp_path), capture_output=True, text=True, check=False
    )
    refused(done, f"the hub ({gone.address}) cannot be reached", "Check the connection")


def test_a_gated_model_needs_a_token(small: SmallHub, tmp_path: Path) -> None:
    small.gated = True
    refused(generate(small, tmp_path), "owner/model is gated", "HF_TOKEN", f"{small.address}/owner/model")
    works(generate(small, tmp_path, HF_TOKEN="hf_secret"))
    assert small.tokens == {"hf_secret"}
    assert not small.leaked, "the token is for the hub alone"


def test_a_token_that_is_none_is_said_to_be_that(small: SmallHub, tmp_path: Path) -> None:
    for token in ("hf_ab cd", "hf_ab\u00e9"):
        refused(generate(small, tmp_path, HF_TOKEN=token), "HF_TOKEN is no token of the hub", "characters", "hf_")
    assert small.requests == [], "it was not sent"
    small.errors["HEAD config.json"] = [401]
    refused(generate(small, tmp_path, HF_TOKEN="my-password"), "HF_TOKEN is no token of the hub", "does not know it")
    small.errors["HEAD config.json"] = [401]
    refused(generate(small, tmp_path, HF_TOKEN="hf_expired"), "HF_TOKEN")


def test_an_adapter_is_named(small: SmallHub, tmp_path: Path) -> None:
    (small.directory / "config.json").rename(small.directory / "adapter_config.json")
    refused(generate(small, tmp_path), "owner/model: adapter_config.json: this is an adapter (PEFT, LoRA)")


def test_without_a_tokenizer_ids_are_enough(small: SmallHub, tmp_path: Path) -> None:
    for name in ("vocab.json", "merges.txt"):
        (small.directory / name).unlink()
    (small.directory / "vocab.txt").write_text("[UNK]\n")
    refused(generate(small, tmp_path), "owner/model: vocab.txt is a WordPiece tokenizer", "--ids")
    command = [sys.executable, "-m", "explorer", "generate", "--ids", "3,4", "--json", "--model", REPO]
    done = subprocess.run(command, env=environment(small, tmp_path), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["text"].startswith("<id 3><id 4>")


def test_there_is_no_such_model(small: SmallHub, tmp_path: Path) -> None:
    refused(generate(small, tmp_path, "owner/modle"), "no model owner/modle on the hub", "private")


def test_another_architecture_is_refused_before_its_weights_are_asked_for(small: SmallHub, tmp_path: Path) -> None:
    (small.directory / "config.json").write_text('{"model_type": "llama"}')
    refused(generate(small, tmp_path), "owner/model: its config.json does not fit", "model_type is 'llama'")
    assert small.fetched == {"config.json"}


@pytest.mark.parametrize(
    ("removed", "said"),
    [
        ([WEIGHTS], "pytorch_model.bin only: this is a Python pickle"),
        ([WEIGHTS, "pytorch_model.bin"], "this is a Python pickle"),
        ([WEIGHTS, "pytorch_model.bin", "optimizer.pt"], "tf_model.h5: these are weights for TensorFlow"),
        ([WEIGHTS, "pytorch_model.bin", "optimizer.pt", "tf_model.h5"], "no weights that can be read"),
        (["vocab.json"], "there is no tokenizer: of vocab.json and merges.txt, vocab.json is missing"),
        (["config.json"], "not a model in Hugging Face's layout"),
    ],
)
def test_a_repository_without(removed: list[str], said: str, small: SmallHub, tmp_path: Path) -> None:
    for name in removed:
        (small.directory / name).unlink()
    refused(generate(small, tmp_path), "owner/model", said)
    assert small.fetched <= {"config.json"}


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_cache_that_may_not_be_written(small: SmallHub, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    refused(generate(small, home), "may not be written", "HF_HOME")


def test_a_cache_that_is_a_file(small: SmallHub, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    refused(generate(small, tmp_path / "home"), "HF_HOME")


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = hub.HubFile(REPO, COMMIT, WEIGHTS, 2_000_000_000, "0" * 64, True)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(9, 8, 1_000_000_000))
    with pytest.raises(HubError, match=r"2,000 MB are still to be fetched, and this disk has 1,000 MB left"):
        hub._require_space([file], tmp_path)
    with pytest.raises(HubError, match="the disk is full"), explained(REPO, None):
        raise OSError(28, "No space left on device")


def test_what_may_not_be_written() -> None:
    said = pytest.raises(HubError, match=r"/cache/blobs: this may not be written \(Permission denied\)\..*HF_HOME")
    with said, explained(REPO, None):
        raise PermissionError(13, "Permission denied", "/cache/blobs")


def test_the_recorded_model_has_the_name_that_opens_it(small: SmallHub, tmp_path: Path) -> None:
    """And not that of its directory, which is a commit."""
    file = tmp_path / "run.safetensors"
    command = [sys.executable, "-m", "explorer", "trace", "the", "-o", str(file), "--model", f"{REPO}@v1"]
    subprocess.run(command, env=environment(small, tmp_path), capture_output=True, check=True, timeout=HANGS)
    with safe_open(file, framework="numpy") as opened:
        assert opened.metadata()["model"] == f"{REPO}@v1"


# Names


@pytest.mark.parametrize(
    ("name", "repo", "revision"),
    [
        ("gpt2", "openai-community/gpt2", None),
        ("gpt2-xl@main", "openai-community/gpt2-xl", "main"),
        ("distilgpt2", "distilbert/distilgpt2", None),
        ("microsoft/DialoGPT-small", "microsoft/DialoGPT-small", None),
        (f"a/b_c.d@{COMMIT}", "a/b_c.d", COMMIT),
        ("a/b@refs/pr/1", "a/b", "refs/pr/1"),
    ],
)
def test_names(name: str, repo: str, revision: str | None) -> None:
    assert hub_names.parse(name) == hub_names.Reference(repo, revision, name)


@pytest.mark.parametrize(
    "name", ["gpt3", "", "a/", "/b", "a/b@", "a/b@ c", "a//b", "a/-b", "a/b--c", "a b/c", "a/b.git"]
)
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(HubError):
        hub_names.parse(name)


def test_a_directory_needs_no_hub(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve(str(checkpoint)) == checkpoint
    monkeypatch.chdir(checkpoint.parent)
    assert locate("model") == Path("model")
    assert resolve("stories") == resolve(None)


def test_the_parameters_of_the_known_models() -> None:
    """As they are documented: 124M, 355M, 774M, 1.5B, and 82M; and downloads of 548 MB to 6.4 GB."""
    assert [round(known.config.parameters / 1e6) for known in hub_names.KNOWN.values()] == [124, 355, 774, 1558, 82]
    assert [round(known.size / 1e6) for known in hub_names.KNOWN.values()] == [548, 1520, 3247, 6432, 353]
