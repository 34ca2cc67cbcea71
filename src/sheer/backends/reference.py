"""The reference backend: a graph flows in, NumPy runs it node by node. The oracle of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..graph.graph import Graph
from ..graph.interpret import Watch, interpret
from ..graph.node import Buffer


class ReferenceBackend:
    """Runs every primitive's `ref`. Slow, and right by definition."""

    def compile(self, graph: Graph, donate: Mapping[int, int]) -> ReferenceProgram:
        return ReferenceProgram(graph, donate)


class ReferenceProgram:
    """A graph ready to run; `watch(node, results)` may look at every value as it is made."""

    def __init__(self, graph: Graph, donate: Mapping[int, int]) -> None:
        self.graph, self.donate = graph, dict(donate)

    def __call__(self, arrays: Sequence[np.ndarray], watch: Watch | None = None,
                 ) -> list[np.ndarray]:
        results = interpret(self.graph, arrays, watch)
        out = [np.array(r, order="C") for r in results]       # a result owns its memory
        for position, argument in self.donate.items():
            arrays[argument][...] = out[position]
            out[position] = arrays[argument]
        return out

    def on_buffers(self, buffers: Sequence[Buffer]) -> list[Buffer]:
        """As a call."""
        return [Buffer(a) for a in self([b.array for b in buffers])]
