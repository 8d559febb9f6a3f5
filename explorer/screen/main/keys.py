"""All keys that work anywhere on the main screen. Footer, help and command palette are made from this table.

Each is sent to a pane or a part of the screen. The keys that work only while a pane has the focus are in its module.
Which of them do something where one is, and which stand in the footer there, is in `offers.py`.
"""

from functools import partial

from textual.binding import Binding, BindingType

from explorer.screen.bindings import key, to

_picture, _why, _code, _view = (partial(to, pane) for pane in ("picture", "why", "code", "view"))
_lesson, _talk = partial(to, "lesson"), partial(to, "talk")
_prompt, _editing, _playback, _runs = (partial(to, part) for part in ("prompt", "editing", "playback", "runs"))
_settings = partial(to, "settings")
_tours = partial(to, "tours")

SECTIONS: dict[str, list[Binding]] = {
    "Walk": [
        key("stage.back", "left", _picture("move('stage', -1)"), "One stage back", display="←"),
        key("stage.forward", "right", _picture("move('stage', 1)"), "One stage forward", display="→"),
        key("block.back", "up", _picture("move('block', -1)"), "The same stage, one block earlier", display="↑"),
        key("block.forward", "down", _picture("move('block', 1)"), "The same stage, one block later", display="↓"),
        key("token.back", "comma", _picture("move('position', -1)"), "One token to the left", display=","),
        key("token.forward", "full_stop", _picture("move('position', 1)"), "One token to the right", display="."),
        key("go_to", "j", to("go_to", "open"), "Jump to a place by name: 3.2, block 3 head 2 pattern, token 4"),
        key("walk.start", "home", _picture("go('stage', 0)"), "To the first stage"),
        key("walk.end", "end", _picture("go('stage', 1000000)"), "To the last stage, the draw"),
        key("token.first", "less_than_sign", _picture("go('position', 0)"), "To the first token"),
        key("token.last", "greater_than_sign", _picture("go('position', 1000000)"), "To the last token"),
    ],
    "Picture": [
        key("picture", "tab", _picture("toggle_focus"), "Let the arrows move the cursor in the picture, or walk again"),
        key("column.back", "shift+left", _picture("move('column', -1)"), "The cursor one number to the left"),
        key("column.forward", "shift+right", _picture("move('column', 1)"), "The cursor one number to the right"),
        key("head.forward", "h", _picture("move('head', 1)"), "The next head"),
        key("head.back", "H", _picture("move('head', -1)"), "The head before"),
        key(
            "part.next",
            "v",
            _picture("move('part', 1)"),
            "Another part of the stage: q, k or v; before, written or after",
        ),
        key("overview", "o", _picture("overview"), "All heads of the block, or one"),
        key("why", "enter", _why("open"), "Why this value? Open the number under the cursor", display="⏎"),
        key("code", "i", _code("open_or_close"), "Into the code: step through the lines that computed this stage"),
        key("copy", "y", _picture("copy"), "Copy the number under the cursor"),
    ],
    "Views": [
        key("view.heads", "1", _view("open_or_close('heads')"), "All heads of the model, and what they do"),
        key("view.lens", "2", _view("open_or_close('lens')"), "Logit lens: the answer, layer by layer"),
        key("view.attribution", "3", _view("open_or_close('attribution')"), "Attribution: who wrote the answer"),
        key("view.neurons", "4", _view("open_or_close('neurons')"), "Neurons: which fired, and what they promote"),
        key("view.flow", "5", _view("open_or_close('flow')"), "Flow: how information reached the answer"),
        key("view.compare", "6", _view("open_or_close('compare')"), "Compare two runs"),
        key("view.circuits", "7", _view("open_or_close('circuits')"), "Circuits: what a head would copy and match"),
        key("view.scores", "8", _view("open_or_close('scores')"), "Scores: why a head looks where it looks"),
        key("view.patching", "9", _view("open_or_close('patching')"), "Patching: one run's values in another"),
    ],
    "What if": [
        key("edit", "x", _editing("open"), "What if this were different? Edit it; list the edits"),
        key("edit.undo", "z", _editing("undo"), "Undo the last edit"),
        key("edit.toggle", "X", _editing("toggle"), "Switch all edits off, or on again"),
        key("sweep", "w", _view("open_or_close('sweep')"), "Sweep: edit every head, neuron or position in turn"),
    ],
    "Next token": [
        key("draw", "n", _playback("draw(1)"), "Draw the next token and walk on"),
        key("draw.many", "g", _playback("draw(10)"), "Draw ten tokens, one after the other"),
        key("draw.back", "backspace", _playback("take_back"), "Take the last drawn token back", display="⌫"),
    ],
    "Settings": [
        key("settings", "s", _settings("open"), "Temperature, top-k, top-p and seed: the arrows move them"),
        key("temperature.down", "left_square_bracket", _settings("move(0, -1)"), "Lower temperature", display="["),
        key("temperature.up", "right_square_bracket", _settings("move(0, 1)"), "Higher temperature", display="]"),
        key("top_k.down", "left_curly_bracket", _settings("move(1, -1)"), "Smaller top-k", display="{"),
        key("top_k.up", "right_curly_bracket", _settings("move(1, 1)"), "Larger top-k", display="}"),
        key("top_p.down", "left_parenthesis", _settings("move(2, -1)"), "Smaller top-p", display="("),
        key("top_p.up", "right_parenthesis", _settings("move(2, 1)"), "Larger top-p", display=")"),
        key("seed", "S", _settings("move(3, 1)"), "The next seed"),
        key("settings.reset", "R", _settings("reset"), "The settings as they were before they were moved"),
    ],
    "Run": [
        key("play", "space", _playback("play"), "Walk by itself, or stop"),
        key("pace.faster", "plus,equals_sign", _playback("pace(1)"), "Play faster"),
        key("pace.slower", "minus", _playback("pace(-1)"), "Play slower"),
        key("stop", "escape", _playback("stop"), "Stop computing, playing or drawing", display="esc"),
        key("bos", "a", _runs("bos"), "The same prompt with <|endoftext|> before it, or without"),
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
        key("lesson", "l", _lesson("open_or_close"), "The lesson about what is on the screen"),
        key("lesson.leave", "escape", _lesson("close"), "Close the lesson", display="esc", first=True),
        key("lesson.word", "L", _lesson("explain"), "Explain the next word of the lesson"),
        key("spotlight", "O", _picture("spotlight"), "Only the chosen row and head: all else is dimmed, or not"),
        key("zoom", "Z", _picture("zoom"), "Zoom: the picture alone, or all panes again"),
        key("talk", "p", _talk("open_or_close"), "Talk: one picture, large and quiet, the prediction hidden"),
    ],
    "Program": [
        key("prompt", "slash", _prompt("type_on"), "Edit the prompt"),
        key("save", "W", to("keeping", "open"), "Save what is seen: SVG, PNG, text, CSV or JSON"),
        key("copy.picture", "Y", to("keeping", "copy"), "Copy the picture: its numbers with tabs, or its text"),
        key("help", "question_mark", "help", "The keys that work here, all keys, and what is on the screen"),
        key("palette", "colon,ctrl+p", "app.command_palette", "Find any action by name"),
        key("command", "C", to("copying", "open"), "This as a command, and as Python: copied, to be run elsewhere"),
        key("models", "m", to("models", "list"), "Another model; the prompt stays"),
        key("session.save", "ctrl+s", to("sessions", "save"), "Save this session as a file"),
        key("session.open", "ctrl+o", to("sessions", "open"), "Open a session: the last ones, or a file"),
        key("theme", "t", "app.next_theme", "The next theme: dark, light, high contrast, the terminal's own colours"),
        key("colours", "c", "app.next_palette", "The next colours: safe for colour-blind eyes, one hue, none"),
        key("quit", "q", "app.quit", "Quit"),
    ],
}

BINDINGS: list[BindingType] = [binding for bindings in SECTIONS.values() for binding in bindings]
