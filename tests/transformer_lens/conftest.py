"""The models that all comparisons with TransformerLens use; none of them runs where it is not installed."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

if not find_spec("transformer_lens"):
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session", params=["embedded", "other sizes"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    from tests.helpers.lens_models import same_checkpoint

    return same_checkpoint(request.param, tmp_path_factory.mktemp("model"))
