"""GPT-2 models from the Hugging Face hub, through its own client: fetched once, and opened from its cache ever after.

The client is imported when it is needed and not before: that takes a moment, and most runs do without it.
"""

import logging
import os
import re
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

from explorer.errors import HubError
from explorer.json_file import read_json
from explorer.loading.download import CHUNK, HubFile, download, partial_size
from explorer.loading.hub_errors import explained, refuse_what_is_no_token
from explorer.loading.hub_names import KNOWN, Reference
from explorer.loading.other_formats import INDEX, SINGLE, named
from explorer.tokenizer.files import no_tokenizer
from gpt import ConfigError, GPTConfig

Progress = Callable[[int, int], None]
"""Called with how many bytes are there, and how many there will be."""

CONFIG = "config.json"
TOKENIZER, TOKENIZER_INSTEAD = "tokenizer.json", ("vocab.json", "merges.txt")
BESIDE = ("generation_config.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")


@dataclass(frozen=True)
class CachedModel:
    """A GPT-2 in the hub's cache, complete."""

    name: str  # what opens it: the short name where it has one
    revision: str | None  # None for the one that is opened by the name alone
    path: Path
    size_on_disk: int
    config: GPTConfig


def fetch(
    reference: Reference,
    progress: Progress = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
    ids_alone: bool = False,
) -> Path:
    """The model's directory in the hub's cache, where it is complete; what is missing is fetched, once.

    With `ids_alone` it is complete without a tokenizer.
    `progress` and `cancelled` are called in this thread, again and again. HubError says what is wrong and what to do.
    """
    fetching = _Fetching(reference, ids_alone)
    with explained(reference.repo, reference.revision):
        directory = fetching.find()
    # In a thread of its own: a network may take minutes to answer, and it must be possible to leave meanwhile.
    result: Future[Path] = Future()
    if directory is None:
        Thread(target=fetching.run, args=(result,), daemon=True).start()
    else:
        result.set_result(directory)
    try:
        while not wait([result], timeout=0.1).done:
            if cancelled():
                raise HubError(_stopped(reference))
            if fetching.total:
                progress(fetching.done, fetching.total)
    finally:
        fetching.stopped.set()
    if fetching.total and not result.exception():
        progress(fetching.total, fetching.total)
    return result.result()


def cached() -> list[CachedModel]:
    """The models of the hub's cache that are GPT-2s and complete."""
    scan = _client().scan_cache_dir
    try:
        repos = [repo for repo in scan().repos if repo.repo_type == "model"]
    except Exception:  # there is no cache, it cannot be read, or it is none
        return []
    names = {known.repo: name for name, known in KNOWN.items()}
    there = {repo.repo_id for repo in repos}
    # The older name of a known model is its short name; the newer one comes first.
    repos = [repo for repo in repos if repo.repo_id not in KNOWN or KNOWN[repo.repo_id].repo not in there]
    found = []
    for repo in sorted(repos, key=lambda repo: repo.repo_id):
        for revision in repo.revisions:
            config = _config_of(revision.snapshot_path)
            if config and not _missing(revision.snapshot_path):
                refs = sorted(revision.refs)
                shown = None if "main" in refs else next(iter(refs), revision.commit_hash)
                name = names.get(repo.repo_id, repo.repo_id)
                found.append(CachedModel(name, shown, revision.snapshot_path, revision.size_on_disk, config))
    return sorted(found, key=lambda model: (model.name, model.revision or ""))


class _Fetching:
    """One model on its way into the cache."""

    def __init__(self, reference: Reference, ids_alone: bool) -> None:
        self.reference = reference
        self.ids_alone = ids_alone
        self.stopped = Event()
        self.total = 0
        self._arrived: dict[str, int] = {}

    @property
    def done(self) -> int:
        return min(self.total, sum(self._arrived.copy().values()))

    def find(self) -> Path | None:
        """The model's directory if it is complete, without a request; HubError if a file of it is damaged."""
        older = [
            name for name, known in KNOWN.items() if known.repo == self.reference.repo
        ]  # "gpt2", before owners were
        for repo in (self.reference.repo, *older):
            path = _client().try_to_load_from_cache(repo, CONFIG, revision=self.reference.revision)
            if isinstance(path, str) and not _missing(Path(path).parent, self.ids_alone):
                _refuse_other_models(self.reference, Path(path))
                _refuse_damaged(Path(path).parent)
                return Path(path).parent
        return None

    def run(self, result: "Future[Path]") -> None:
        """Fetch what is missing; the result is the directory, or what went wrong."""
        try:
            with explained(self.reference.repo, self.reference.revision):
                result.set_result(self._fetch())
        except BaseException as error:
            result.set_exception(error)

    def _fetch(self) -> Path:
        repo = self.reference.repo
        refuse_what_is_no_token()
        # The configuration comes first: whether this is a GPT-2 is asked before gigabytes are.
        config = self._config()
        _refuse_other_models(self.reference, config)
        commit, cache = config.parent.name, config.parents[3]
        listed = {file.name: file for file in _listing(repo, commit)}
        names = _needed(repo, listed, self.ids_alone)
        if INDEX in names:
            index = download(listed[INDEX], cache, self._tell)
            names = [name for name in names if name != INDEX] + _shards(index)
            if missing := [name for name in names if name not in listed]:
                raise HubError(
                    f"{repo}: {INDEX} names {missing[0]}, which is not there. Use another copy of the model."
                )
        _require_space([listed[name] for name in names], cache)
        self.total = sum(listed[name].size for name in names)
        self._arrived.clear()
        for name in names:
            self._arrived[name] = partial_size(listed[name], cache)
        for name in names:
            download(listed[name], cache, self._tell)
        _refuse_damaged(config.parent)
        return config.parent

    def _config(self) -> Path:
        """The configuration; HubError, by the names of the files that are there instead, if there is none."""
        from huggingface_hub import errors

        client, repo, revision = _client(), self.reference.repo, self.reference.revision
        try:
            return Path(client.hf_hub_download(repo, CONFIG, revision=revision))
        except errors.RemoteEntryNotFoundError as error:
            instead = named(file.name for file in _listing(repo, revision))
            if instead is None or instead[0] in (SINGLE, INDEX):
                raise
            raise HubError(f"{repo}: {instead[0]}: {instead[1]}") from error

    def _tell(self, name: str, size: int) -> None:
        self._arrived[name] = size
        if self.stopped.is_set():
            raise HubError(_stopped(self.reference))


def _stopped(reference: Reference) -> str:
    return f"Fetching {reference.name} was stopped. What has arrived is kept: the next time goes on from there."


def _client() -> Any:  # a module, imported late
    """Hugging Face's client, silent: what it writes on standard error would stand in the middle of the screen."""
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    import huggingface_hub
    from huggingface_hub import constants
    from huggingface_hub.utils import disable_progress_bars
    from huggingface_hub.utils import logging as client_logging

    warnings.filterwarnings("ignore", module="huggingface_hub")
    disable_progress_bars()
    client_logging.set_verbosity(logging.CRITICAL)
    constants.DOWNLOAD_CHUNK_SIZE = CHUNK
    return huggingface_hub


# Which files there are, and which are needed


def _listing(repo: str, commit: str | None) -> Iterable[HubFile]:
    for entry in _client().HfApi().list_repo_tree(repo, revision=commit):
        if hasattr(entry, "size"):  # folders have none
            large = entry.lfs is not None
            digest = entry.lfs.sha256 if large else entry.blob_id
            yield HubFile(repo, commit or "", entry.path, entry.lfs.size if large else entry.size, digest, large)


def _needed(repo: str, listed: Iterable[str], ids_alone: bool) -> list[str]:
    """The files to fetch, the small ones first: where the weights are, so is everything else."""
    names = set(listed)
    tokenizer = (TOKENIZER,) if TOKENIZER in names else TOKENIZER_INSTEAD
    weights = SINGLE if SINGLE in names else INDEX
    if weights not in names:
        raise HubError(_no_weights(repo, names))
    if not names.issuperset(tokenizer) and not ids_alone:
        raise HubError(no_tokenizer(repo, names))
    return [*(name for name in (*tokenizer, *BESIDE) if name in names), weights]


def _no_weights(repo: str, names: Iterable[str]) -> str:
    pickled = sorted(name for name in names if re.fullmatch(r"pytorch_model.*\.bin", name))
    if pickled:
        return (
            f"{repo} has its weights in {pickled[0]} only: this is a Python pickle, and reading one can run any "
            f"program that is hidden in it, so GPT Explorer does not. Use a copy of the model that has {SINGLE}; or, "
            "if you trust the file, convert it with transformers: GPT2LMHeadModel.from_pretrained(...)"
            ".save_pretrained(DIR), the tokenizer likewise, and name DIR."
        )
    if instead := named(names):
        return f"{repo}: {instead[0]}: {instead[1]}"
    return f"{repo} has no weights that can be read: neither {SINGLE} nor {INDEX}. Use another copy of the model."


def _missing(directory: Path, ids_alone: bool = False) -> bool:
    """Whether a file that is needed is not there."""
    there = {path.name for path in directory.iterdir() if path.is_file()}
    if not ids_alone and TOKENIZER not in there and not there.issuperset(TOKENIZER_INSTEAD):
        return True
    if SINGLE in there:
        return False
    return INDEX not in there or not there.issuperset(_shards(directory / INDEX))


def _shards(index: Path) -> list[str]:
    """The files that an index names; what is wrong with it otherwise is said when it is opened."""
    given = read_json(index, HubError)
    files = given.get("weight_map") if isinstance(given, dict) else None
    return sorted({str(file) for file in files.values()}) if isinstance(files, dict) else []


# What can be wrong with them


def _config_of(directory: Path) -> GPTConfig | None:
    try:
        return GPTConfig.from_json((directory / CONFIG).read_bytes())
    except (OSError, ConfigError):
        return None


def _refuse_other_models(reference: Reference, config: Path) -> None:
    try:
        GPTConfig.from_json(config.read_bytes())
    except ConfigError as error:
        raise HubError(f"{reference.name}: its {CONFIG} does not fit: {error}") from error


def _refuse_damaged(directory: Path) -> None:
    """Every file of weights must be as long as it says itself: a cache can be damaged by others too."""
    from safetensors import SafetensorError, safe_open

    names = [SINGLE] if (directory / SINGLE).is_file() else _shards(directory / INDEX)
    for path in (directory / name for name in names):
        try:
            with safe_open(path, framework="numpy"):
                pass
        except (SafetensorError, OSError) as error:
            raise HubError(
                f"{path}: this file is damaged ({path.stat().st_size:,} bytes): {error}. "
                f"Delete {path.resolve()} and run the same again: this one file is fetched anew."
            ) from error


def _require_space(files: Iterable[HubFile], cache: Path) -> None:
    import shutil

    needed = sum(max(0, file.size - partial_size(file, cache)) for file in files)
    free = shutil.disk_usage(cache).free
    if needed > free:
        raise HubError(
            f"{cache}: {needed / 1e6:,.0f} MB are still to be fetched, and this disk has {free / 1e6:,.0f} MB left. "
            "Make room, or set HF_HOME to a directory on another disk."
        )
