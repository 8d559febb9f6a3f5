"""The screen as a command line and as a few lines of Python: both give what it shows.

`RECIPES` has a line for every view, and one for the walk. A recipe says which command prints this, with which options
of its own, and which expression of the library gives it; prompt, model, `<|endoftext|>`, edits and sampling are added
here, the same for all.
"""

import shlex
from collections.abc import Callable
from typing import NamedTuple

from explorer.analysis.attribution import Level
from explorer.analysis.compare import BEGINNING
from explorer.edits import Cut, Edit, Mean, Scale, Set, Zero
from explorer.edits.metric import KL, PROBABILITY, Metric
from explorer.engine.engines import DTYPES, TORCH, Engine, engine_in_full, engine_of
from explorer.runs.beginning import with_beginning
from explorer.stages import Kind
from explorer.teaching import edit_words, places
from explorer.teaching.spots import EMBEDDED, SAMPLING, SEED
from explorer.views.attribution.state import Grouping, ViewConvention
from explorer.views.attribution.view import AttributionView
from explorer.views.circuits.state import Show
from explorer.views.circuits.view import CircuitsView
from explorer.views.compare.view import CompareView
from explorer.views.flow.state import OF_THE_ANSWER, THRESHOLDS
from explorer.views.flow.view import FlowView
from explorer.views.heads.view import HeadsView
from explorer.views.lens.view import LensView
from explorer.views.looks import look
from explorer.views.neurons.view import NeuronsView
from explorer.views.patching.choices import short
from explorer.views.patching.state import Way
from explorer.views.patching.view import PatchingView
from explorer.views.scores.view import ScoresView
from explorer.views.sweep.state import MEAN, MEASURES, PATCH, SCALE, Asked
from explorer.views.sweep.view import SweepView
from explorer.views.view import View
from explorer.walk.draws import Draws
from explorer.walk.session import Session
from gpt import GPTError, Sampling, draw

PROGRAM = "gpt-explorer"


class Copied(NamedTuple):
    """The screen in three ways, and what is on it that they leave out."""

    opens: str  # the command that opens the screen in this state
    command: str  # the one that prints it
    python: str
    notes: tuple[str, ...] = ()


class Recipe(NamedTuple):
    """A command with the options of its own, before or after the prompt; and lines of Python, with `run` at hand."""

    command: str
    options: tuple[str, ...]
    python: tuple[str, ...]
    prompt: bool = True  # the command takes the prompt
    note: str = ""


class Shown(NamedTuple):
    """A screen: the session, the view that is open, by its name, and the model's name."""

    session: Session
    name: str = ""
    view: View | None = None
    model: str = EMBEDDED


def copied(shown: Shown) -> Copied:
    """The screen in three texts, to be run elsewhere."""
    session, recipe = shown.session, RECIPES.get(shown.name, walk)(shown)
    words, rest = _edits_in_words(session)
    notes = [recipe.note] if recipe.note else []
    if session.what_if.showing:
        notes.append(f"The screen shows {session.what_if.showing}; this is about the run with the edits.")
    if session.text.startswith("@") or session.text == "-":
        notes.append("To the first command such a prompt names a file: put it into one, and give @FILE.")
    if rest:
        notes.append(f"Not in it, for they have no words: {'; '.join(rest)}.")
    if any(isinstance(edit.what, Mean) for edit in session.what_if.edits.active) and _drawn(session):
        notes.append("A mean is over the prompt; there, what was drawn counts as typed.")
    prompt = _prompt(session)
    command = [PROGRAM, recipe.command]
    command += [*(prompt if recipe.prompt else []), *recipe.options]
    command += [part for each in words for part in ("--edit", each)] if recipe.prompt else []
    command += _model(shown)
    return Copied(opens(shown), shlex.join(command), python(shown, recipe), tuple(notes))


# The screen itself


def opens(shown: Shown) -> str:
    """The command that opens the screen in this state: the prompt, what was drawn, the edits, the place, the view."""
    session, options = shown.session, list[str]()
    drawn, other = _drawn(session), session.what_if.other
    bos, text = _without_beginning(session, (drawn and session.written.typed) or session.text)
    options += ["--bos"] if bos else []
    options += ["--draw", str(drawn)] if drawn else []
    cursor = session.cursor
    head = f" head {cursor.head}" if cursor.head and "H" not in cursor.axes else ""  # it is chosen there, unseen
    options += ["--at", places.in_words(session) + head]
    options += ["--view", shown.name] if shown.name else []
    if shown.view and (state := look(shown.view)):
        options += ["--look", state]
    if other and not other.model:
        options += ["--other", other.text, *(["--align", BEGINNING] if session.what_if.aligned == BEGINNING else [])]
    options += [part for each in _edits_in_words(session)[0] for part in ("--edit", each)]
    options += [*_model(shown), *_sampling(session.draws)]
    plain = any(letter.isspace() for letter in text) and not text.startswith("-")
    return shlex.join([PROGRAM, text, *options] if plain else [PROGRAM, *options, "--", text])


def _drawn(session: Session) -> int:
    """How many tokens these settings draw again, as they stand there; 0 where they would draw others."""
    made, draws = session.draws.made, session.draws
    for position, token in made.items():
        chances = draws.chances(position - 1)
        alike = (token.sampling, token.seed) == (draws.sampling, draws.seed) and not token.chosen
        if chances is None or not alike or draw(chances, token.step.number) != token.step.token:
            return 0
    return len(made)


def _without_beginning(session: Session, text: str) -> tuple[bool, str]:
    """Whether the token that stands before a text is there, and the text after it."""
    ids, config, tokenizer = session.tokenizer.encode(text), session.config, session.tokenizer
    if not ids or ids[0] not in config.end_tokens:
        return False, text
    rest = text.removeprefix(tokenizer.decode(ids[:1]))
    return (True, rest) if rest and with_beginning(tokenizer.encode(rest), config) == ids else (False, text)


# What the commands share


def _prompt(session: Session) -> list[str]:
    """The prompt, or its tokens where the text alone would give others."""
    bos, text = _without_beginning(session, session.text)
    ids = session.tokenizer.encode(text)
    ids = with_beginning(ids, session.config) if bos else ids
    if ids != session.ids or text.startswith(("-", "@")):
        return ["--ids", ",".join(map(str, session.ids))]
    return [text, *(["--bos"] if bos else [])]


def _edits_in_words(session: Session) -> tuple[list[str], list[str]]:
    """The edits in force that have words, and the others for people."""
    named, others = list[str](), list[str]()
    for edit in session.what_if.edits.active:
        words = edit_words.in_words(edit)
        (others if words is None else named).append(words or edit.words(session.labels()))
    return named, others


def _model(shown: Shown) -> list[str]:
    """The options for the model, and for PyTorch where it computes."""
    words = [] if shown.model == EMBEDDED else ["--model", shown.model]
    engine = _on_torch(shown)
    if engine is None:
        return words
    words += ["--engine", engine.name, "--device", engine.device]
    return words if engine.dtype == DTYPES[0] else [*words, "--dtype", engine.dtype]


def _on_torch(shown: Shown) -> Engine | None:
    """The engine, where it is PyTorch: the others are chosen by the model's size, and by the command."""
    model = shown.session.model
    return engine_in_full(model) if model and engine_of(model) == TORCH else None


def _sampling(draws: Draws) -> list[str]:
    """The options of settings that are not the default."""
    chosen, words = draws.sampling, list[str]()
    if chosen.temperature != SAMPLING.temperature:
        words += ["--temperature", repr(chosen.temperature)]
    if chosen.top_k != SAMPLING.top_k:
        words += ["--top-k", str(chosen.top_k or 0)]
    if chosen.top_p != SAMPLING.top_p:
        words += ["--top-p", repr(chosen.top_p)]
    return words + (["--seed", str(draws.seed)] if draws.seed != SEED else [])


def _token(session: Session, token: int) -> str:
    """A token as the commands read it: its text where that names it, else its id."""
    from explorer.walk.one_token import token_id

    text = session.tokenizer.decode([token])
    try:
        named = token_id(text, session.tokenizer, session.config)
    except GPTError:
        named = -1
    return text if named == token and not text.startswith(("id:", "-")) else f"id:{token}"


# Python


def _engine_in_python(shown: Shown) -> str:
    engine = _on_torch(shown)
    if engine is None:
        return ""
    dtype = "" if engine.dtype == DTYPES[0] else f", dtype={engine.dtype!r}"
    return f", engine={engine.name!r}, device={engine.device!r}{dtype}"


def python(shown: Shown, recipe: Recipe) -> str:
    """The lines of Python: the model, the run, its edits, and what the screen shows of it."""
    session = shown.session
    bos, text = _without_beginning(session, session.text)
    given, flag = repr(text), ", bos=True" if bos else ""
    if (ids := session.tokenizer.encode(text)) != session.ids[1 if bos else 0 :] or (bos and not ids):
        given, flag = repr(session.ids), ""
    load = f"model = gx.load({shown.model!r}{_engine_in_python(shown)})"
    lines = ["import explorer as gx", "", load, f"run = model.run({given}{flag})"]
    made = [line for edit in session.what_if.edits.active if (line := _edit_in_python(edit))]
    if made:
        lines.append(f"run = run.edit({', '.join(made)})")
    return "\n".join([*lines, *recipe.python])


def _edit_in_python(edit: Edit) -> str:
    """The edit as the library writes it; "" for one that has no words."""
    if edit_words.in_words(edit) is None:
        return ""
    where = edit.where
    kind, _, number = where.title.partition(" ")
    at = f", at={where.at[0]}" if where.at else ""
    if where.edge:
        layers = {part.name.split(".")[1] for part in where.places}
        heads = where.places[0].index[0]
        rest = "" if len(layers) > 1 else f", {layers.pop()}" + ("" if heads is None else f", {heads[0]}")
        place = f"gx.edge({where.edge[0]}, {where.edge[1]}{rest})"
    elif kind in ("head", "neuron"):
        place = f"gx.{kind}({number.replace('.', ', ')}{at})"
    elif kind in ("MLP", "block"):
        place = f"gx.{kind.lower()}({number}{at})"
    else:
        part = where.places[0]
        index = ["None" if axis is None else str(axis[0] if len(axis) == 1 else list(axis)) for axis in part.index]
        place = f"gx.activation({', '.join([repr(part.name), *index])})"
    match edit.what:
        case Zero():
            return f"{place}.zero()"
        case Mean():
            return f"{place}.mean()"
        case Cut():
            return f"{place}.cut()"
        case Set(value=value):
            return f"{place}.set({value!r})"
        case Scale(factor=factor):
            return f"{place}.scale({factor!r})"
    return ""


# The recipes


def walk(shown: Shown) -> Recipe:
    """The number under the cursor; where there is none the tokens."""
    session = shown.session
    cell = None if session.what_if.difference else session.cell()
    if cell is None:
        return Recipe("generate", ("--max-new-tokens", "0", "--json"), ("print(run.tokens, run.ids)",))
    options = ("--at", str(cell), *_sampling_of_a_share(session, cell.name))
    if cell.name == "probabilities":
        sampling = _sampling_shown(session)
        lines = (
            "from gpt import Sampling, distribution",
            f"chances = distribution(run['logits'][{cell.index[0]}].tolist(), {sampling!r})",
            f"print(chances.probabilities[{cell.index[1]}])",
        )
        return Recipe("explain", options, lines)
    index = ", ".join(map(str, cell.index))
    return Recipe("explain", options, (f"print(run[{cell.name!r}][{index}])",))


def _sampling_shown(session: Session) -> Sampling:
    return session.draws.settings_shown(session.position)[0]


def _sampling_of_a_share(session: Session, name: str) -> list[str]:
    """The settings, where the number depends on them; those with which the token was drawn."""
    if name != "probabilities" and session.stage.kind is not Kind.DRAW:
        return []
    shown, _ = session.draws.settings_shown(session.position)
    return [
        *("--temperature", repr(shown.temperature)),
        *("--top-k", str(shown.top_k or 0)),
        *("--top-p", repr(shown.top_p)),
    ]


def heads(shown: Shown) -> Recipe:
    """Every head's scores."""
    if isinstance(shown.view, HeadsView) and shown.view.state().defining:
        return Recipe("heads", ("--definitions",), ("print(run.heads())",), prompt=False)
    return Recipe("heads", (), ("print(run.heads())",))


def lens(shown: Shown) -> Recipe:
    """The lens at every position."""
    session, view = shown.session, shown.view
    token = view.token if isinstance(view, LensView) else None
    if token is None:
        order = session.run.order(len(session.ids) - 1)
        token = order[0] if order else None
    asked = "" if token is None else repr(_name(session, token))
    return Recipe("lens", (), (f"print(run.lens({asked}))",))


def _name(session: Session, token: int) -> str | int:
    """A token as the library takes it."""
    text = _token(session, token)
    return token if text == f"id:{token}" else text


def attribution(shown: Shown) -> Recipe:
    """The same token, rival, parts and convention."""
    session, view = shown.session, shown.view
    assert isinstance(view, AttributionView)
    state = view.state()
    if not state.order:
        return Recipe("attribute", (), ("print(run.attribute())",))
    levels = {Grouping.TOKEN: Level.POSITION}
    level = levels.get(state.grouping, state.grouping.level)
    convention = "transformer-lens" if state.convention is ViewConvention.TRANSFORMER_LENS else str(state.convention)
    answer = state.order[0]
    options = ["--token", _token(session, answer), "--position", str(session.position), "--by", str(level)]
    words = [repr(_name(session, answer))]
    if state.against:
        rival = state.order[state.against]
        options += ["--versus", _token(session, rival)]
        words.append(repr(_name(session, rival)))
    options += ["--convention", convention]
    words += [f"by={str(level)!r}", f"position={session.position}", f"convention={convention!r}"]
    note = "The parts by token are those by head and token, added up." if state.grouping is Grouping.TOKEN else ""
    return Recipe("attribute", tuple(options), (f"print(run.attribute({', '.join(words)}))",), note=note)


def neurons(shown: Shown) -> Recipe:
    """The same list."""
    view, session = shown.view, shown.session
    assert isinstance(view, NeuronsView)
    options, words = ["--position", str(session.position)], [f"position={session.position}"]
    if view.layer is not None:
        options += ["--layer", str(view.layer)]
        words.append(f"layer={view.layer}")
    if view.mode:
        options.append("--wrote")
        words.append("wrote=True")
    return Recipe("neurons", tuple(options), (f"print(gx.neurons(run, {', '.join(words)}))",))


def flow(shown: Shown) -> Recipe:
    """The edges of the same threshold, in the order of the measure that is shown."""
    view, session = shown.view, shown.session
    assert isinstance(view, FlowView)
    order, threshold = session.run.order(session.position), THRESHOLDS[view.level]
    token = [] if not order else ["--token", _token(session, order[0])]
    by = "logit" if view.measure == OF_THE_ANSWER else "share"
    rest = ["--position", str(session.position), "--threshold", repr(threshold), "--by", by]
    asked = f"{_name(session, order[0])!r}, " if order else ""
    line = f"print(run.flow({asked}position={session.position}, threshold={threshold!r}))"
    note = "Edges are chosen there by their share of the last state." if view.measure == OF_THE_ANSWER else ""
    return Recipe("flow", (*token, *rest), (line,), note=note)


def compare(shown: Shown) -> Recipe:
    """Before and after the edits, or two prompts."""
    session = shown.session
    assert isinstance(shown.view, CompareView)
    other = session.what_if.other
    if other is None:
        return Recipe("ablate" if session.what_if.edited else "lens", (), ("print(run.changes, run.kl)",))
    if other.model or session.what_if.edited:
        return Recipe("lens", (), ("print(run.top())",), note="The other run is not in it: name it by hand.")
    aligned = session.what_if.aligned
    lines = (
        f"other = model.run({list(other.trace.ids)!r})",
        f"print(run.aligned(other, {aligned!r}), other.top())",
    )
    bos, text = _without_beginning(session, session.text)
    theirs, rest = _without_beginning(session, other.text)
    if bos != theirs:
        text, rest, bos = session.text, other.text, False
    words = (text, rest, "--align", aligned, *(["--bos"] if bos else []))
    return Recipe("compare", words, lines, prompt=False)


def sweep(shown: Shown) -> Recipe:
    """The table, by the measure that is shown."""
    session, view = shown.session, shown.view
    assert isinstance(view, SweepView)
    state = view.state()
    if state is None:
        return Recipe("sweep", (), ("print(run.sweep())",))
    asked, metric = state.asked, state.metrics[MEASURES.index(state.kind)]
    measured, made = _measure(session, metric)
    edit, lines, what = _swept(session, asked)
    options = ["--over", asked.site, *measured, *edit]
    named = [repr(asked.site), made, *what]
    if asked.by_position and asked.site != "positions":
        options.append("--by-position")
        named.append("by_position=True")
    if asked.site == "neurons":
        options += ["--layer", str(asked.block)]
        named.append(f"layers=[{asked.block}]")
    note = "There it is the change of the logit difference, not between the two runs." if state.normalised else ""
    return Recipe("sweep", tuple(options), (*lines, f"print(run.sweep({', '.join(named)}))"), note=note)


def _measure(session: Session, metric: Metric) -> tuple[list[str], str]:
    """A metric as options of `sweep`, and in Python."""
    token, versus = _token(session, metric.token), _token(session, metric.versus)
    names = [_name(session, each) for each in (metric.token, metric.versus)]
    options = ["--metric", metric.kind]
    if metric.kind == KL:
        return options, "gx.kl()"
    if metric.kind == PROBABILITY:
        return [*options, "--token", token], f"gx.probability({names[0]!r})"
    return [*options, "--token", token, "--versus", versus], f"gx.logit_difference({names[0]!r}, {names[1]!r})"


def _swept(session: Session, asked: Asked) -> tuple[list[str], list[str], list[str]]:
    """The edit of a sweep: as options, the lines of Python that come before, and its argument."""
    other, aligned = session.what_if.other, session.what_if.aligned
    if asked.done == PATCH and other:
        line = f"other = model.run({list(other.trace.ids)!r})"
        return ["--patch-from", other.text, "--align", aligned], [line], ["what=other", f"align_at={aligned!r}"]
    if asked.done == MEAN:
        return ["--mean"], [], ["what='mean'"]
    return (["--scale", f"{asked.factor!r}"], [], [f"what={asked.factor!r}"]) if asked.done == SCALE else ([], [], [])


def circuits(shown: Shown) -> Recipe:
    """The question to the chosen head, whatever the prompt."""
    view = shown.view
    assert isinstance(view, CircuitsView)
    state = view.state()
    head, place = ("--head", f"{state.layer}.{state.head}"), f"{state.layer}, {state.head}"
    token, name = _token(shown.session, state.token), _name(shown.session, state.token)
    length = len(shown.session.run.ids)
    made = {
        Show.PROMOTES: ((*head, "--token", token), f"model.promoted({place}, {name!r})"),
        Show.MATCHES: ((*head, "--circuit", "qk", "--token", token), f"model.matched({place}, {name!r})"),
        Show.POSITIONS: ((*head, "--positions", str(length)), f"model.matched_positions({place}, {length})"),
        Show.DIRECTIONS: (
            (*head, "--circuit", state.asked.circuit.value),
            f"model.directions({place}, {state.asked.circuit.value!r})",
        ),
        Show.COMPOSITION: (("--composition", state.asked.kind.value), f"model.composition({state.asked.kind.value!r})"),
    }
    options, line = made[state.show]
    return Recipe("circuit", options, (f"print({line})",), prompt=False)


def scores(shown: Shown) -> Recipe:
    """The table of one score."""
    view = shown.view
    assert isinstance(view, ScoresView)
    state = view.state()
    if state is None:
        return walk(shown)
    query, key = state.parts.query, state.parts.key
    options = ("--head", f"{view.layer}.{view.head}", "--query", str(query), "--key", str(key))
    return Recipe("score", options, (f"print(run.score({view.layer}, {view.head}, {query}, {key}))",))


def patching(shown: Shown) -> Recipe:
    """The table of normalised leads, or the path from the chosen head to the receivers."""
    session, view, other = shown.session, shown.view, shown.session.what_if.other
    assert isinstance(view, PatchingView)
    state = view.state()
    if state is None or state.metric is None or other is None:
        return walk(shown)
    line = f"other = model.run({list(other.trace.ids)!r})"
    if state.way is Way.PATH:
        layer, head = state.chosen or (0, 0)
        to = list(map(short, state.asked.receivers))
        follow = (["--mlps-follow"], ", mlps_follow=True") if state.asked.mlps_follow else ([], "")
        options = ["--head", f"{layer}.{head}", "--patch-from", other.text]
        options += [*(word for each in to for word in ("--to", each)), *follow[0]]
        called = f"run.path(gx.head({layer}, {head}).patch(other), {to!r}{follow[1]})"
        return Recipe("path", tuple(options), (line, f"print({called}.top())"))
    if state.metric.token == state.metric.versus:
        return walk(shown)._replace(note="Both runs say the same token: choose two with d, and there is a lead.")
    _, made = _measure(session, state.metric)
    token, versus = _token(session, state.metric.token), _token(session, state.metric.versus)
    options = [session.text, other.text, "--over", state.asked.site, "--token", token, "--versus", versus]
    named = ["other", repr(state.asked.site), made]
    if state.asked.by_position:
        options.append("--by-position")
        named.append("by_position=True")
    if state.way is Way.CORRUPT:
        options.append("--noising")
        named.append("noising=True")
    note = "The second command is without the edits; Python has them." if session.what_if.edited else ""
    return Recipe("patch", tuple(options), (line, f"print(run.patching({', '.join(named)}))"), prompt=False, note=note)


RECIPES: dict[str, Callable[[Shown], Recipe]] = {
    "heads": heads,
    "lens": lens,
    "attribution": attribution,
    "neurons": neurons,
    "flow": flow,
    "compare": compare,
    "sweep": sweep,
    "circuits": circuits,
    "scores": scores,
    "patching": patching,
}
"""A recipe for each view, by its name in `views.py`; where there is none, that of the walk."""
