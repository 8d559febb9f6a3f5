"""The line at the top: what runs here, what it is doing, and how the next token will be drawn."""

from explorer.paint.spans import Line, Span, length
from explorer.session import Session
from explorer.text import visible


def header(session: Session | None, name: str, status: str, cells: int) -> list[Line]:
    """Left the model, right the sampling; in between, as far as there is room, its shape and the status."""
    brand = Span(" ✦ GPT Explorer ", "brand")
    if session is None:
        return [[brand, Span("  "), Span(visible(name), "bold"), Span(f"   {status}", "dim")]]
    config, sampling = session.model.config, session.sampling
    size = config.parameters / 1e6
    model = [Span(visible(name), "bold"), Span(f" {size:.1f}M" if size < 100 else f" {size:.0f}M", "bold")]
    shape = Span(f"   {config.n_layer} layers · {config.n_head} heads · {config.n_embd} wide", "dim")
    top_k = "off" if sampling.top_k is None else str(sampling.top_k)
    settings = [
        part
        for label, value in (
            ("T", f"{sampling.temperature:g}"),
            ("top-k", top_k),
            ("top-p", f"{sampling.top_p:g}"),
            ("seed", str(session.seed)),
        )
        for part in (Span(f"  {label} ", "dim"), Span(value, "", ("settings",)))
    ]
    left = [brand, Span("  "), *model]
    for extra in (Span(f"   {status}", "done"), shape):
        if length([*left, extra, *settings]) + 2 <= cells:
            left.insert(4, extra)
    gap = cells - length(left) - length(settings) - 1
    return [[*left, Span(" " * max(1, gap)), *settings]]
