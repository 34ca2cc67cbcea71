"""Costs of kernels: bodies flow in; instructions per element and bytes moved come out."""

from __future__ import annotations

from ..graph import Graph, Node
from ..ops.elementwise import Div, FloorDivide, Remainder, Sqrt
from ..ops.index.gather import Gather
from ..ops.random import FoldIn, Uniform
from ..ops.structure import Barrier
from .indexing.views import is_view

_FUNCTION = 20     # instructions of exp, log, tanh, ... per vector, about
_SLOW = 5          # a division or root: one instruction, but not one per cycle


def own_cost(node: Node) -> int:
    """Instructions to compute one element of a pointwise node or view from its inputs."""
    if isinstance(node.prim, Div | FloorDivide | Remainder | Sqrt):
        return _SLOW
    if isinstance(node.prim, Uniform | FoldIn):
        return _FUNCTION
    if node.prim.pointwise:
        return _FUNCTION if node.prim.ulps else 1
    if is_view(node):
        return 3 * max(len(node.inputs) - 1, 0)      # pad and concat choose between pieces
    return 0 if node.prim.leaf or isinstance(node.prim, Barrier) else 1


def traffic(body: Graph) -> int:
    """Bytes read and written, each value once; of a table that is looked up in, what is found."""
    found: dict[Node, int] = {}
    for node in body.nodes:
        for place, x in enumerate(node.inputs):
            looked_up = isinstance(node.prim, Gather) and place == 0
            found[x] = found.get(x, 0) + (node if looked_up else x).size
    reads = sum(min(found.get(i, i.size), i.size) * i.dtype.size for i in body.inputs)
    return reads + sum(s.size * s.dtype.size for n in body.outputs for s in n.outputs)
