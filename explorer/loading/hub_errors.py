"""The errors of the hub's client in words: which model, what went wrong, and what to do."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from explorer.errors import HubError
from gpt.errors import GPTError

LOG_IN = "log in with `hf auth login` or set HF_TOKEN"
KEPT = "What has arrived is kept: run the same again, and it goes on from there."


def refuse_what_is_no_token() -> None:
    """HubError where the token that would be sent is none: the hub would only say that there is no such model."""
    token = _token()
    if token is not None and not re.fullmatch(r"[!-~]+", token):
        raise HubError(_no_token("it has characters that no token has"))


def _token() -> str | None:
    """The token that the client sends, None if there is none that can be read."""
    from huggingface_hub import get_token

    try:
        return get_token()
    except Exception:  # the client's own directory is no directory, for instance: it will say so itself
        return None


def _no_token(why: str) -> str:
    from huggingface_hub import constants

    where = "HF_TOKEN" if os.environ.get("HF_TOKEN") else "HUGGING_FACE_HUB_TOKEN"
    if not os.environ.get(where):
        where = str(constants.HF_TOKEN_PATH)
    advice = "Set it to one (they begin with hf_), or leave it out: most models need none."
    return f"{where} is no token of the hub: {why}. {advice}"


@contextmanager
def explained(repo: str, revision: str | None) -> Iterator[None]:
    """A context in which every error of the client becomes a HubError."""
    try:
        yield
    except GPTError:
        raise
    except Exception as error:  # the client has many, of its own and of the libraries below, and others every year
        raise HubError(_words(error, repo, revision)) from error


def _words(error: Exception, repo: str, revision: str | None) -> str:
    from huggingface_hub import constants, errors

    cause = error.__cause__
    if isinstance(error, errors.LocalEntryNotFoundError) and isinstance(cause, Exception):
        error = cause  # the client looked into its cache after this
    if isinstance(error, errors.OfflineModeIsEnabled) or constants.HF_HUB_OFFLINE:
        return (
            f"{repo} is not complete in the cache ({constants.HF_HUB_CACHE}), and HF_HUB_OFFLINE forbids "
            "fetching it. Unset it and run the same once with a connection; or name a directory with a GPT-2."
        )
    if said := _of_token(error):
        return said
    if isinstance(error, errors.GatedRepoError):
        return (
            f"{repo} is gated: its owners decide who may have it. Ask for access at {constants.ENDPOINT}/{repo}, then "
            f"{LOG_IN}."
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            f"there is no model {repo} on the hub ({constants.ENDPOINT}), or it is private. Check the name; to open a "
            f"private model, {LOG_IN}."
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{repo} has no revision {revision!r}. Name a branch, a tag or a whole commit, or leave @{revision} out."
    if isinstance(error, errors.EntryNotFoundError) and not isinstance(error, errors.LocalEntryNotFoundError):
        return f"{repo} is not a model in Hugging Face's layout: a file is missing ({_first_line(error)})."
    return _of_status(error, repo) or _of_disk(error) or _of_network(error, constants.ENDPOINT)


def _of_token(error: Exception) -> str | None:
    """The message where the hub does not know who asks, and the token that was sent does not look like one."""
    status, token = getattr(getattr(error, "response", None), "status_code", None), _token()
    if status != 401 or token is None or token.startswith("hf_"):
        return None
    return _no_token("the hub does not know it (401)")


def _of_status(error: Exception, repo: str) -> str | None:
    """The meaning of a status that the hub answers with: 401, 403, 429, 500, ..."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is None:
        return None
    if status == 401:
        return (
            f"the hub does not accept your token for {repo} (401). Log in again with `hf auth login`, or set HF_TOKEN."
        )
    if status == 403:
        return f"the hub does not let you have {repo} (403): {_first_line(error)}. If you may have it, {LOG_IN}."
    if status == 429:
        return f"the hub says that these are too many requests (429). Wait some minutes, or {LOG_IN}. {KEPT}"
    if status >= 500:
        return f"the hub has a problem (server error {status}), not you. Try again later. {KEPT}"
    return f"the hub refused a request for {repo} ({status}): {_first_line(error)}."


def _of_disk(error: Exception) -> str | None:
    """The message of the file system, where the error came from it."""
    from huggingface_hub import constants

    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"{constants.HF_HUB_CACHE}: the disk is full. Make room, or set HF_HOME to a directory on another disk."
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"{getattr(error, 'filename', None) or constants.HF_HUB_CACHE}: this may not be written "
            f"({getattr(error, 'strerror', '')}). Make it writable, or set HF_HOME to a directory that is."
        )
    if number is not None and getattr(error, "filename", None):
        return f"{getattr(error, 'filename', '')}: {getattr(error, 'strerror', '')}. Set HF_HOME to another directory."
    return None


def _of_network(error: Exception, endpoint: str) -> str:
    if "Consistency check failed" in str(error):
        return f"the hub sent less of a file than it announced. {KEPT}"
    return (
        f"the hub ({endpoint}) cannot be reached, or broke off: {_first_line(error)}. Check the connection, and "
        f"HF_ENDPOINT and the proxy if you set them. {KEPT}"
    )


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".")
