"""A recipe for each view, and one for the walk: the command that prints it, and the expression of the library."""

from collections.abc import Callable

from explorer.analysis.attribution import Level
from explorer.edits.metric import KL, PROBABILITY, Metric
from explorer.stages import Kind
from explorer.views.attribution.state import Grouping, ViewConvention
from explorer.views.attribution.view import AttributionView
from explorer.views.circuits.state import Show
from explorer.views.circuits.view import CircuitsView
from explorer.views.compare.view import CompareView
from explorer.views.flow.state import OF_THE_ANSWER, THRESHOLDS
from explorer.views.flow.view import FlowView
from explorer.views.heads.view import HeadsView
from explorer.views.lens.view import LensView
from explorer.views.neurons.view import NeuronsView
from explorer.views.patching.choices import short
from explorer.views.patching.state import Way
from explorer.views.patching.view import PatchingView
from explorer.views.recipes.recipe import Recipe, Shown, edits_in_words, token_name, token_word, without_beginning
from explorer.views.scores.view import ScoresView
from explorer.views.sweep.state import MEAN, MEASURES, PATCH, SCALE, Asked
from explorer.views.sweep.view import SweepView
from explorer.walk.session import Session
from gpt import Sampling


def walk(shown: Shown) -> Recipe:
    """The number under the cursor; where there is none, what the edits change, and without edits the tokens."""
    session = shown.session
    cell = None if session.what_if.difference else session.cell()
    if cell is None and edits_in_words(session)[0]:
        return Recipe("ablate", (), ("print(run.changes, run.kl)",))
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
    asked = "" if token is None else repr(token_name(session, token))
    return Recipe("lens", (), (f"print(run.lens({asked}))",))


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
    options = ["--token", token_word(session, answer), "--position", str(session.position), "--by", str(level)]
    words = [repr(token_name(session, answer))]
    if state.against:
        rival = state.order[state.against]
        options += ["--versus", token_word(session, rival)]
        words.append(repr(token_name(session, rival)))
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
    token = [] if not order else ["--token", token_word(session, order[0])]
    by = "logit" if view.measure == OF_THE_ANSWER else "share"
    rest = ["--position", str(session.position), "--threshold", repr(threshold), "--by", by]
    asked = f"{token_name(session, order[0])!r}, " if order else ""
    line = f"print(run.flow({asked}position={session.position}, threshold={threshold!r}))"
    note = "Edges are chosen there by their share of the last state." if view.measure == OF_THE_ANSWER else ""
    return Recipe("flow", (*token, *rest), (line,), note=note)


def compare(shown: Shown) -> Recipe:
    """Before and after the edits, or two prompts."""
    session = shown.session
    assert isinstance(shown.view, CompareView)
    other = session.what_if.other
    if other is None:
        if not edits_in_words(session)[0]:
            return Recipe("lens", (), ("print(run.top())",))
        return Recipe("ablate", (), ("print(run.changes, run.kl)",))
    if other.model or session.what_if.edited:
        return Recipe("lens", (), ("print(run.top())",), note="The other run is not in it: name it by hand.")
    aligned = session.what_if.aligned
    lines = (
        f"other = model.run({list(other.trace.ids)!r})",
        f"print(run.aligned(other, {aligned!r}), other.top())",
    )
    bos, text = without_beginning(session, session.text)
    theirs, rest = without_beginning(session, other.text)
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
    token, versus = token_word(session, metric.token), token_word(session, metric.versus)
    names = [token_name(session, each) for each in (metric.token, metric.versus)]
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
    token, name = token_word(shown.session, state.token), token_name(shown.session, state.token)
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
    token, versus = token_word(session, state.metric.token), token_word(session, state.metric.versus)
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
