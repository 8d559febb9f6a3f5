"""JSON files, read with an error of the caller's choice."""

import json
from pathlib import Path
from typing import Any

from gpt.errors import GPTError


def read_json(path: Path, failure: type[GPTError]) -> Any:
    """The content of a file; `failure`, naming the file, if it cannot be read, is not JSON, or has a key twice."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise failure(f"{path}: {key!r} is in it twice. Download the file again.")
            found[key] = value
        return found

    try:
        return json.loads(path.read_bytes(), object_pairs_hook=unique)
    except OSError as error:
        raise failure(f"{path}: this file cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise failure(f"{path}: this is not JSON: {error}. Download the file again.") from error
