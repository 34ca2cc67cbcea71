"""Costs of graphs: nodes flow in; their operations and a rough time come out."""

from __future__ import annotations

from ..graph.graph import Graph
from ..graph.node import Node

FLOPS = 5e10                  # operations a second that dense kernels reach or exceed
BYTES = 1e10                  # bytes a second at which everything else writes its results


def flops(graph: Graph) -> int:
    """Floating-point operations of one run; loops count every turn."""
    return sum(map(node_flops, graph.nodes))


def node_flops(node: Node) -> int:
    """Floating-point operations of one node."""
    out = node.outputs if len(node.outputs) > 1 or node.prim.many else node.outputs[0]
    return int(node.prim.flops(out, *node.inputs))


def rough_seconds(graph: Graph) -> float:
    """Time of one run before anything is compiled, good to a factor of a few."""
    return sum(_rough(n) for n in graph.nodes)


def _rough(node: Node) -> float:
    written = 0 if node.prim.view else sum(s.size * s.dtype.size for s in node.outputs)
    return max(node_flops(node) / FLOPS, written / BYTES)
