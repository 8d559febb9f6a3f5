"""The analyses are ready to be asked before anything heavy is loaded."""

from tests.helpers.modules import modules_after


def test_the_analyses_and_the_help_of_their_commands_need_no_numpy() -> None:
    code = (
        "from explorer.analysis import attribution, compare, flow, heads, lens, neurons\n"
        "from explorer.commands import attribute, lens as command\n"
        "attribute.parser().format_help() + command.parser().format_help()"
    )
    assert not {"numpy", "rich", "textual", "tiktoken", "torch"} & modules_after(code)
