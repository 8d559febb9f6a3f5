"""All keys that work anywhere on the main screen. Footer, help and command palette are made from this table.

Each is sent to a pane or a part of the screen. The keys that work only while a pane has the focus are in its module.
"""

from functools import partial

from textual.binding import Binding, BindingType

from explorer.screen.bindings import key, to

_picture, _why, _code, _view = (partial(to, pane) for pane in ("picture", "why", "code", "view"))
_lesson, _stage = partial(to, "lesson"), partial(to, "stage")
_prompt, _editing, _playback, _runs = (partial(to, part) for part in ("prompt", "editing", "playback", "runs"))
_tours = partial(to, "tours")

_STAGE = Binding.Group("stage", compact=True)
_BLOCK = Binding.Group("block", compact=True)
_TOKEN = Binding.Group("token", compact=True)
_VIEW = Binding.Group("views", compact=True)

SECTIONS: dict[str, list[Binding]] = {
    "Walk": [
        key("stage.back", "left", _picture("move('stage', -1)"), "One stage back", display="←", group=_STAGE),
        key("stage.forward", "right", _picture("move('stage', 1)"), "One stage forward", display="→", group=_STAGE),
        key(
            "block.back",
            "up",
            _picture("move('block', -1)"),
            "The same stage, one block earlier",
            display="↑",
            group=_BLOCK,
        ),
        key(
            "block.forward",
            "down",
            _picture("move('block', 1)"),
            "The same stage, one block later",
            display="↓",
            group=_BLOCK,
        ),
        key(
            "token.back", "comma", _picture("move('position', -1)"), "One token to the left", display=",", group=_TOKEN
        ),
        key(
            "token.forward",
            "full_stop",
            _picture("move('position', 1)"),
            "One token to the right",
            display=".",
            group=_TOKEN,
        ),
        key("walk.start", "home", _picture("go('stage', 0)"), "To the first stage"),
        key("walk.end", "end", _picture("go('stage', 1000000)"), "To the last stage, the draw"),
        key("token.first", "less_than_sign", _picture("go('position', 0)"), "To the first token"),
        key("token.last", "greater_than_sign", _picture("go('position', 1000000)"), "To the last token"),
    ],
    "Picture": [
        key("picture", "tab", _picture("toggle_focus"), "Let the arrows move the cursor in the picture, or walk again"),
        key("column.back", "shift+left", _picture("move('column', -1)"), "The cursor one number to the left"),
        key("column.forward", "shift+right", _picture("move('column', 1)"), "The cursor one number to the right"),
        key("head.forward", "h,right_square_bracket", _picture("move('head', 1)"), "The next head"),
        key("head.back", "H,left_square_bracket", _picture("move('head', -1)"), "The head before"),
        key(
            "part.next",
            "v",
            _picture("move('part', 1)"),
            "Another part of the stage: q, k or v; before, written or after",
        ),
        key("overview", "o", _picture("overview"), "All heads of the block, or one"),
        key(
            "why", "enter", _why("open"), "Why this value? Open the number under the cursor", footer="why?", display="⏎"
        ),
        key("code", "i", _code("open_or_close"), "Into the code: step through the lines that computed this stage"),
        key("copy", "y", _picture("copy"), "Copy the number under the cursor"),
    ],
    "Views": [
        key(
            "view.heads", "1", _view("open_or_close('heads')"), "All heads of the model, and what they do", group=_VIEW
        ),
        key("view.lens", "2", _view("open_or_close('lens')"), "Logit lens: the answer, layer by layer", group=_VIEW),
        key(
            "view.attribution",
            "3",
            _view("open_or_close('attribution')"),
            "Attribution: who wrote the answer",
            group=_VIEW,
        ),
        key(
            "view.neurons",
            "4",
            _view("open_or_close('neurons')"),
            "Neurons: which fired, and what they promote",
            group=_VIEW,
        ),
        key("view.flow", "5", _view("open_or_close('flow')"), "Flow: how information reached the answer", group=_VIEW),
        key("view.compare", "6", _view("open_or_close('compare')"), "Compare two runs", group=_VIEW),
    ],
    "What if": [
        key("edit", "x", _editing("open"), "What if this were different? Edit it; list the edits", footer="what if"),
        key("edit.undo", "z", _editing("undo"), "Undo the last edit"),
        key("edit.toggle", "X", _editing("toggle"), "Switch all edits off, or on again"),
        key("sweep", "w", _view("open_or_close('sweep')"), "Sweep: zero every head, MLP and position in turn"),
    ],
    "Next token": [
        key("draw", "n", _playback("draw(1)"), "Draw the next token and walk on", footer="next"),
        key("draw.many", "g", _playback("draw(10)"), "Draw ten tokens, one after the other"),
        key("draw.back", "backspace", _playback("take_back"), "Take the last drawn token back"),
        key("settings", "s", _playback("settings"), "Temperature, top-k, top-p and seed"),
    ],
    "Run": [
        key("play", "space", _playback("play"), "Walk by itself, or stop", footer="play"),
        key("pace.faster", "plus,equals_sign", _playback("pace(1)"), "Play faster"),
        key("pace.slower", "minus", _playback("pace(-1)"), "Play slower"),
        key("stop", "escape", _playback("stop"), "Stop computing, playing or drawing"),
        key("engine", "e", _runs("engine"), "Compute it again in the other engine, and compare"),
        key("again", "r", _runs("again"), "Go on with a computation that was stopped"),
    ],
    "Tours": [
        key("tour.list", "T", _tours("list"), "Tours: a guided walk; during one, all of its Stops"),
        key("tour.next", "N", _tours("move(1)"), "The next Stop of the tour"),
        key("tour.back", "P", _tours("move(-1)"), "The Stop before"),
        key("tour.leave", "E", _tours("leave"), "Leave the tour for what you had before; come back to it"),
        key("tour.answer", "A", _tours("answer"), "Answer the question of this Stop"),
        key("bookmark.go", "b", to("bookmarks", "go"), "Go to a bookmark, 1 to 9"),
        key("bookmark.keep", "B", to("bookmarks", "keep"), "Keep this place as a bookmark: stage, prompt and edits"),
        key("reset", "0", to("bookmarks", "reset"), "Begin again: the first prompt or Stop, without edits"),
    ],
    "Learn and show": [
        key("lesson", "l", _lesson("open_or_close"), "The lesson about what is on the screen", footer="lesson"),
        key("lesson.word", "L", _lesson("explain"), "Explain the next word of the lesson"),
        key("stage", "p", _stage("open_or_close"), "Present: one picture, large and quiet, the prediction hidden"),
    ],
    "Program": [
        key("prompt", "slash", _prompt("type_on"), "Edit the prompt", footer="prompt"),
        key("help", "question_mark", "help", "All keys, and what is on the screen", footer="help"),
        key("palette", "ctrl+p", "app.command_palette", "Find any action by name"),
        key("models", "m", "app.models", "Another model; the prompt stays"),
        key("theme", "t", "app.next_theme", "The next theme: dark, light, the terminal's own colours"),
        key("colours", "c", "app.next_palette", "The next colours: safe for colour-blind eyes, one hue, none"),
        key("quit", "q", "app.quit", "Quit"),
    ],
}

NOT_IN_NARROW_FOOTERS = {"edit", *(binding.id for binding in SECTIONS["Views"])}
"""Keys that the footer leaves out at 80 columns; the help and the palette list them."""

BINDINGS: list[BindingType] = [binding for bindings in SECTIONS.values() for binding in bindings]
