"""docs/screen.md: its commands open the screen where they say, its options are those there are."""

import re
import shlex
from pathlib import Path

import pytest

from explorer.commands import explore
from explorer.commands.words import SCREEN, command_and_words
from explorer.teaching import spots
from explorer.teaching.spots import EMBEDDED
from explorer.views.looks import take_look
from explorer.views.views import make
from explorer.walk.session import Session
from tests.helpers.models import embedded

TEXT = (Path(__file__).parent.parent / "docs" / "screen.md").read_text(encoding="utf-8")
OPENED = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]


@pytest.mark.parametrize("command", OPENED)
def test_a_command_that_opens_the_screen(command: str) -> None:
    name, words = command_and_words(shlex.split(command)[1:])
    assert name == SCREEN
    options = explore.parser().parse_args(words)
    start = explore.start_of(options)
    start.check()
    model, checkpoint = embedded()
    session = Session(model, checkpoint.tokenizer)
    session.submit(explore.prompt_of(options))
    start.prepare(session, session.text, lambda done, parts, word="": None, lambda: False)
    spot = start.spot(session, EMBEDDED)
    assert spot
    spots.go(spot, session)
    if spot.view:
        take_look(make(spot.view, session), start.look)


def test_the_options_in_the_table_are_those_of_the_screen() -> None:
    known = explore.parser().format_help()
    for option in re.findall(r"^\| `(--[a-z]+)", TEXT, re.MULTILINE):
        assert option in known
