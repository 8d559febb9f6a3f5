"""The line at the top: the model, what it is doing, and how the next token will be drawn."""

from explorer.engine.engines import TORCH, engine_in_full, in_words
from explorer.paint.spans import Line, Span, clipped, length
from explorer.terminal.pressed import key as pressed
from explorer.terminal.text import fit, visible, width
from explorer.walk.beginning import state_in_words
from explorer.walk.session import Session

_NAME = 24  # cells for the model's name at the most
_NAMES, _SHORT = ("T", "top-k", "top-p", "seed"), ("T", "k", "p", "seed")
_SIGN = Span(" ✦ ", "brand")
_LEAST = 9  # cells for what is edited: "3 edits"


def header(session: Session | None, name: str, status: str, cells: int) -> list[Line]:
    """Left the model, right the sampling; in between, as far as there is room, its shape and the status."""
    brand = Span(" ✦ GPT Explorer ", "brand")
    shown_name = fit(visible(name), min(_NAME, width(visible(name))))
    if session is None:
        return [clipped([brand, Span(f"  {shown_name}", "bold"), Span(f"   {status}", "dim")], cells)]
    config, sampling = session.config, session.draws.sampling
    size = config.parameters / 1e6
    left = [brand, Span(f"  {shown_name} ", "bold"), Span(f"{size:.1f}M" if size < 100 else f"{size:.0f}M", "bold")]
    doing = Span(f"   {status}" if status else "", "done")
    bos = Span(f"   {words}" if (words := state_in_words(session)) else "", "", ("bos",))
    shape = Span(f"   {config.n_layer} layers · {config.n_head} heads · {config.n_embd} wide", "dim")
    top_k = "off" if sampling.top_k is None else str(sampling.top_k)
    values = (f"{sampling.temperature:g}", top_k, f"{sampling.top_p:g}", str(session.draws.seed))
    edits, full, short = _edits(session, cells), _settings(_NAMES, values), _settings(_SHORT, values)
    # the names of the settings tell more than the name of the program
    fitting = [
        (first, names)
        for first, names in ((brand, full), (_SIGN, full), (_SIGN, short))
        if length([first, *left[1:], *edits, doing, *names]) < cells
    ]
    least = full if length([*left, *edits, *full]) < cells else short
    left[0], settings = fitting[0] if fitting else (brand, least)
    left += _edits(session, cells - length([*left, *settings]))
    room = cells - length([*left, *settings]) - 1
    left += _shown(doing, bos, [Span(f"   {words}", "lens") for words in _engines(session)], shape, room)[::-1]
    gap = cells - length(left) - length(settings) - 1
    return [clipped([*left, Span(" " * max(1, gap)), *settings], cells)]


def _engines(session: Session) -> list[str]:
    """The engine, and in brief where that is one with a device."""
    model = session.model
    found = engine_in_full(model) if model else None
    return [in_words(model), *([f"PyTorch {found.device}"] if found and found.name == TORCH else [])]


def _shown(doing: Span, bos: Span, engines: list[Span], shape: Span, room: int) -> list[Span]:
    """What there is room for, the most important first: a device that was chosen is more so than the rest."""
    brief = engines[1:]
    for engine in engines:
        shown = [doing, engine, bos, shape] if brief else [doing, bos, engine, shape]
        while length(shown) > room and shown:
            shown.pop()
        if engine in shown or not brief:
            return shown
    return shown


def _edits(session: Session, room: int) -> Line:
    """The edits of the run that is shown, which a click lists; or which run is shown in its place."""
    what_if = session.what_if
    if showing := what_if.showing:
        mark, action = f" {showing} · {pressed('stop', 'esc')} ends it ", None
    elif words := what_if.in_words(session.labels()):
        mark, action = f" edited: {words} " if len(what_if.edits.active) == 1 else f" {words} ", ("edits",)
        if width(mark) > room - 4:
            mark = f" ✎ {words} "
    else:
        return []
    return [Span("   "), Span(fit(mark, max(_LEAST, min(width(mark), room - 4))), "edited", action)]


def _settings(names: tuple[str, ...], values: tuple[str, ...]) -> Line:
    """How the next token is drawn; a click changes it."""
    parts = ((Span(f"  {name} ", "dim"), Span(value, "", ("settings",))) for name, value in zip(names, values))
    return [span for part in parts for span in part]
