"""All views, in the order of their keys."""

from importlib import import_module

from explorer.views.view import View
from explorer.walk.session import Session

_HOMES = {
    "heads": "heads.view:HeadsView",
    "lens": "lens.view:LensView",
    "attribution": "attribution.view:AttributionView",
    "neurons": "neurons.view:NeuronsView",
    "flow": "flow.view:FlowView",
    "compare": "compare.view:CompareView",
    "circuits": "circuits.view:CircuitsView",
    "scores": "scores.view:ScoresView",
    "patching": "patching.view:PatchingView",
    "sweep": "sweep.view:SweepView",
}
"""The module and the class of each view."""

ALL = tuple(_HOMES)
NAMES = ALL[:9]
"""Keys 1 to 9."""


def make(name: str, session: Session) -> View:
    """The view of that name; its module is imported only now."""
    module, _, kind = _HOMES[name].partition(":")
    view: View = getattr(import_module(f"explorer.views.{module}"), kind)(session)
    return view
