"""One token, as it is typed: what is no id is told in at most forty characters."""

import pytest

from explorer.errors import UsageError
from explorer.walk.one_token import token_id
from tests.helpers.models import Bytes, small_model

CONFIG = small_model(vocab_size=256).config


@pytest.mark.parametrize("length", [5, 39, 40, 41, 80])
def test_what_is_no_id_is_told_and_says_where_it_is_cut(length: int) -> None:
    text = "id:" + "x" * (length - 3)
    with pytest.raises(UsageError) as raised:
        token_id(text, Bytes(), CONFIG)
    shown = str(raised.value).partition(" is not a token id")[0]
    assert shown.removesuffix("…") == text[:40]
    assert shown.endswith("…") == (length > 40)
