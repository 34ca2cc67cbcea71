"""The meaning of a graph: NumPy arrays flow in, each node's `ref` runs, NumPy arrays come out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .errors import SheerError, StateError, located
from .graph import Graph
from .node import Node

Watch = Callable[[Node, tuple[np.ndarray, ...]], None]


def interpret(graph: Graph, args: Sequence[np.ndarray], watch: Watch | None = None,
              ) -> list[np.ndarray]:
    """Evaluate the graph node by node; `watch(node, results)` sees every result as it is made.

    Raises StateError E902 when a `ref` disagrees with its `infer` (an error of sheer itself).
    """
    last_use = {x: node for node in graph.nodes for x in node.inputs}
    keep = set(graph.outputs)
    values: dict[Node, tuple[np.ndarray, ...]] = {
        node: (np.asarray(a),) for node, a in zip(graph.inputs, args, strict=True)}
    for node in graph.nodes:
        if node not in values:
            values[node] = evaluate(node, [values[x] for x in node.inputs])
            if watch is not None:
                watch(node, values[node])
        for x in node.inputs:
            if last_use[x] is node and x not in keep and x in values:
                del values[x]                      # peak memory is that of the live values
    return [values[n][0] for n in graph.outputs]


def evaluate(node: Node, inputs: Sequence[tuple[np.ndarray, ...]]) -> tuple[np.ndarray, ...]:
    """The results of one node. `Pick` alone sees all results of its input."""
    given = inputs if node.prim.takes_all_outputs else [x[0] for x in inputs]
    with np.errstate(all="ignore"):                # IEEE: NaN and inf are values, not events
        try:
            raw = node.prim.ref(*given)
        except SheerError as error:
            raise located(error, node) from None
    results = raw if isinstance(raw, tuple) else (raw,)
    out = []
    for array, spec in zip(results, node.outputs, strict=True):
        if np.shape(array) != spec.shape:
            raise StateError("E902", type(node.prim).__name__,
                             f"ref gives {np.shape(array)}, infer says {spec.shape}",
                             got={"node": repr(node)},
                             need="one shape; in a primitive of sheer, please report this error")
        out.append(np.asarray(array, dtype=spec.dtype.numpy))
    return tuple(out)
