"""Every key of the walk, in one table: the footer, the help and the command palette are read from it.

Each binding has an id, so that a keymap can move it to another key.
"""

from textual.binding import Binding, BindingType

_STAGE = Binding.Group("stage", compact=True)
_BLOCK = Binding.Group("block", compact=True)
_TOKEN = Binding.Group("token", compact=True)
_CURSOR = Binding.Group("move the cursor", compact=True)
_VIEW = Binding.Group("views", compact=True)
_LINE = Binding.Group("line", compact=True)
_TERM = Binding.Group("choose", compact=True)


def _key(
    id: str,
    keys: str,
    action: str,
    description: str,
    *,
    footer: str | None = None,
    display: str | None = None,
    group: Binding.Group | None = None,
) -> Binding:
    """A binding with a description for the help, and, if it stands in the footer, a word for that or a group's."""
    shown = footer is not None or group is not None
    return Binding(
        keys, action, footer or description, show=shown, key_display=display, id=id, group=group, tooltip=description
    )


SECTIONS: dict[str, list[Binding]] = {
    "Walk": [
        _key("stage.back", "left", "move('stage', -1)", "One stage back", display="←", group=_STAGE),
        _key("stage.forward", "right", "move('stage', 1)", "One stage forward", display="→", group=_STAGE),
        _key("block.back", "up", "move('block', -1)", "The same stage, one block earlier", display="↑", group=_BLOCK),
        _key("block.forward", "down", "move('block', 1)", "The same stage, one block later", display="↓", group=_BLOCK),
        _key("token.back", "comma", "move('position', -1)", "One token to the left", display=",", group=_TOKEN),
        _key("token.forward", "full_stop", "move('position', 1)", "One token to the right", display=".", group=_TOKEN),
        _key("walk.start", "home", "go('stage', 0)", "To the first stage"),
        _key("walk.end", "end", "go('stage', 1000000)", "To the last stage, the draw"),
        _key("token.first", "less_than_sign", "go('position', 0)", "To the first token"),
        _key("token.last", "greater_than_sign", "go('position', 1000000)", "To the last token"),
    ],
    "Picture": [
        _key("picture", "tab", "picture", "Let the arrows move the cursor in the picture, or walk again"),
        _key("column.back", "shift+left", "move('column', -1)", "The cursor one number to the left"),
        _key("column.forward", "shift+right", "move('column', 1)", "The cursor one number to the right"),
        _key("head.forward", "h,right_square_bracket", "move('head', 1)", "The next head"),
        _key("head.back", "H,left_square_bracket", "move('head', -1)", "The head before"),
        _key("part.next", "v", "move('part', 1)", "Another part of the stage: q, k or v; before, written or after"),
        _key("overview", "o", "overview", "All heads of the block, or one"),
        _key("why", "enter", "why", "Why this value? Open the number under the cursor", footer="why?", display="⏎"),
        _key("code", "i", "code", "Into the code: step through the lines that computed this stage"),
        _key("copy", "y", "copy", "Copy the number under the cursor"),
    ],
    "Views": [
        _key("view.heads", "1", "view('heads')", "All heads of the model, and what they do", group=_VIEW),
        _key("view.lens", "2", "view('lens')", "Logit lens: the answer, layer by layer", group=_VIEW),
        _key("view.attribution", "3", "view('attribution')", "Attribution: who wrote the answer", group=_VIEW),
        _key("view.neurons", "4", "view('neurons')", "Neurons: which fired, and what they promote", group=_VIEW),
        _key("view.flow", "5", "view('flow')", "Flow: how information reached the answer", group=_VIEW),
        _key("view.compare", "6", "view('compare')", "Compare two runs", group=_VIEW),
    ],
    "What if": [
        _key("edit", "x", "what_if", "What if this were different? Edit it; list the edits", footer="what if"),
        _key("edit.undo", "z", "undo_edit", "Undo the last edit"),
        _key("edit.toggle", "X", "toggle_edits", "Switch all edits off, or on again"),
        _key("sweep", "w", "view('sweep')", "Sweep: zero every head, MLP and position in turn"),
    ],
    "Next token": [
        _key("draw", "n", "draw(1)", "Draw the next token and walk on", footer="next"),
        _key("draw.many", "g", "draw(10)", "Draw ten tokens, one after the other"),
        _key("draw.back", "backspace", "take_back", "Take the last drawn token back"),
        _key("settings", "s", "settings", "Temperature, top-k, top-p and seed"),
    ],
    "Run": [
        _key("play", "space", "play", "Walk by itself, or stop", footer="play"),
        _key("pace.faster", "plus,equals_sign", "pace(1)", "Play faster"),
        _key("pace.slower", "minus", "pace(-1)", "Play slower"),
        _key("stop", "escape", "stop", "Stop computing, playing or drawing"),
        _key("engine", "e", "engine", "Compute it again in the other engine, and compare"),
        _key("again", "r", "again", "Go on with a computation that was stopped"),
    ],
    "Program": [
        _key("prompt", "slash", "prompt", "Edit the prompt", footer="prompt"),
        _key("help", "question_mark", "help", "All keys, and what is on the screen", footer="help"),
        _key("palette", "ctrl+p", "app.command_palette", "Find any action by name"),
        _key("models", "m", "app.models", "Another model; the prompt stays"),
        _key("theme", "t", "app.next_theme", "The next theme: dark, light, the terminal's own colours"),
        _key("colours", "c", "app.next_palette", "The next colours: safe for colour-blind eyes, one hue, none"),
        _key("quit", "q", "app.quit", "Quit"),
    ],
}

NOT_IN_NARROW_FOOTERS = {"edit", *(binding.id for binding in SECTIONS["Views"])}
"""What 80 columns have no room for; help and palette have it."""

BINDINGS: list[BindingType] = [binding for bindings in SECTIONS.values() for binding in bindings]

PICTURE_BINDINGS: list[BindingType] = [
    _key("cursor.left", "left", "screen.move('column', -1)", "The cursor to the left", display="←", group=_CURSOR),
    _key("cursor.right", "right", "screen.move('column', 1)", "The cursor to the right", display="→", group=_CURSOR),
    _key("cursor.up", "up", "screen.move('position', -1)", "The cursor up", display="↑", group=_CURSOR),
    _key("cursor.down", "down", "screen.move('position', 1)", "The cursor down", display="↓", group=_CURSOR),
    _key("cursor.page_left", "pageup", "screen.move('column', -16)", "Sixteen numbers to the left"),
    _key("cursor.page_right", "pagedown", "screen.move('column', 16)", "Sixteen numbers to the right"),
    _key("cursor.home", "home", "screen.go('column', 0)", "To the first number of the row"),
    _key("cursor.end", "end", "screen.go('column', 1000000)", "To the last number of the row"),
    _key("cursor.leave", "escape", "screen.picture", "Let the arrows walk again", footer="walk", display="esc"),
]
"""What the arrows do while the picture has the focus: they move the cursor in it."""

WHY_BINDINGS: list[BindingType] = [
    _key("why.up", "up", "screen.why_move('row', -1)", "The term above", display="↑", group=_TERM),
    _key("why.down", "down", "screen.why_move('row', 1)", "The term below", display="↓", group=_TERM),
    _key("why.left", "left", "screen.why_move('column', -1)", "The factor to the left", display="←", group=_TERM),
    _key("why.right", "right", "screen.why_move('column', 1)", "The factor to the right", display="→", group=_TERM),
    _key("why.page_up", "pageup", "screen.why_move('row', -10)", "Ten terms up"),
    _key("why.page_down", "pagedown", "screen.why_move('row', 10)", "Ten terms down"),
    _key("why.first", "home", "screen.why_move('row', -1000000)", "To the largest term"),
    _key("why.last", "end", "screen.why_move('row', 1000000)", "To the smallest term"),
    _key("why.enter", "enter", "screen.why_enter", "Where the chosen number came from", footer="open", display="⏎"),
    _key("why.back", "backspace", "screen.why_back", "Back to the number before", footer="back", display="⌫"),
    _key("why.follow", "f", "screen.why_do('follow')", "Follow the largest contribution to its end", footer="follow"),
    _key("why.unroll", "u", "screen.why_do('toggle_unrolled')", "Take sums of sums apart, or not", footer="unroll"),
    _key("why.code", "i", "screen.code", "Into the code that computed it", footer="code"),
    _key("why.leave", "escape", "screen.leave_why", "Back to the picture", footer="walk", display="esc"),
]
"""What the keys do while a number is open."""

CODE_BINDINGS: list[BindingType] = [
    _key("code.back", "up", "screen.step('back')", "Back to where you were", display="↑", group=_LINE),
    _key(
        "code.over",
        "down",
        "screen.step('over')",
        "The next line; what this one calls is run",
        display="↓",
        group=_LINE,
    ),
    _key("code.into", "right", "screen.step('into')", "Into what this line calls", footer="into", display="→"),
    _key("code.out", "left", "screen.step('out')", "Out of this function, or loop", footer="out", display="←"),
    _key("code.leave", "escape", "screen.leave_code", "Back to the numbers", footer="numbers", display="esc"),
]
"""What the arrows do while code is open."""

VIEW_BINDINGS: list[BindingType] = [
    _key("look.left", "left", "screen.view_move(-1, 0)", "To the left", display="←", group=_CURSOR),
    _key("look.right", "right", "screen.view_move(1, 0)", "To the right", display="→", group=_CURSOR),
    _key("look.up", "up", "screen.view_move(0, -1)", "Up", display="↑", group=_CURSOR),
    _key("look.down", "down", "screen.view_move(0, 1)", "Down", display="↓", group=_CURSOR),
    _key("look.page_up", "pageup", "screen.view_move(0, -10)", "Ten up"),
    _key("look.page_down", "pagedown", "screen.view_move(0, 10)", "Ten down"),
    _key("look.first", "home", "screen.view_move(-1000000, 0)", "To the beginning of the row"),
    _key("look.last", "end", "screen.view_move(1000000, 0)", "To the end of the row"),
    _key("look.enter", "enter", "screen.view_do('enter')", "Open what is chosen", footer="open", display="⏎"),
    _key("look.mode", "v", "screen.view_do('next_mode')", "Show it in another way", footer="mode"),
    _key("look.leave", "escape", "screen.leave_view", "Back to the picture of the stage", footer="walk", display="esc"),
]
"""What the keys do while a view is open."""
