"""The passes: a graph flows in, the same function as a simpler graph comes out, in this order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..graph import Graph
from ..graph.debug import PASSES, REWRITES, tell
from .rewrites.canonical import cheapest_dots
from .rewrites.carries import turn_carries
from .rewrites.halos import halos
from .rewrites.layouts import layouts
from .rewrites.lighten_loops import lighten_loops
from .rewrites.simplify import fold_constants, simplify_arithmetic, simplify_views, strip_markers
from .rewrites.split_reductions import split_reductions
from .rewrites.windows import windows


@dataclass(frozen=True)
class Pass:
    """A pure Graph -> Graph function, and why it stands where it stands."""

    run: Callable[[Graph], Graph]
    position: str

    @property
    def name(self) -> str: return self.run.__name__
    @property
    def contract(self) -> str: return (self.run.__doc__ or "").partition("\n")[0]


def passes() -> list[Pass]:
    """Every pass, in order. Dead code needs none: a graph is what its outputs reach; equal
    expressions need none: nodes are hash-consed.
    """
    return [
        Pass(strip_markers, "first: markers mean something to transforms, nothing to kernels"),
        Pass(lighten_loops, "early: the steps that remain are simplified as their own programs"),
        Pass(turn_carries, "before views: the turns it makes meet others that undo them"),
        Pass(simplify_views, "before folding: brings scalars out of repeats, where they fold"),
        Pass(fold_constants, "before arithmetic: its rules look for known numbers"),
        Pass(simplify_arithmetic, "before dots: what is multiplied by one need not be a product"),
        Pass(windows, "before dots: convolutions become some"),
        Pass(layouts, "after windows: it moves the turns that convolutions leave behind"),
        Pass(cheapest_dots, "after the views of operands are composed, before fusion sees sums"),
        Pass(split_reductions, "after dots: sums of products have become dots"),
        Pass(simplify_views, "again: the rules above leave views of views behind"),
        Pass(halos, "last: it looks at what products read from memory"),
    ]


def simplify(graph: Graph, watch: Callable[[Pass, Graph], None] | None = None) -> Graph:
    """The graph after every pass; `watch` sees it after each."""
    for step in passes():
        graph = step.run(graph)
        tell(PASSES, lambda: f"pass {step.name}: {len(graph.nodes)} nodes")  # noqa: B023
        tell(REWRITES, lambda: str(graph))                                   # noqa: B023
        if watch is not None:
            watch(step, graph)
    return graph
