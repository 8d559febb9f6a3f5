"""All that is painted is as somebody approved it: `python -m tests.helpers.approved` writes the files anew."""

import pytest

from tests.helpers.approved import FOLDER, GROUPS, drawn


@pytest.mark.parametrize("group", GROUPS)
def test_it_is_drawn_as_it_was_approved(group: str) -> None:
    approved = (FOLDER / f"{group}.txt").read_text(encoding="utf-8").split("\n\n")
    now = drawn(group).split("\n\n")
    assert [each.splitlines()[0] for each in now] == [each.splitlines()[0] for each in approved]
    for each, expected in zip(now, approved, strict=True):
        assert each.splitlines() == expected.splitlines()
