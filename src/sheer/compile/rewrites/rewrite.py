"""How a pass changes a graph: a rule per node flows in, the rebuilt graph comes out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...graph import Graph, Node, make
from ...graph.source import inherit
from ...ops import movement
from ...ops.movement import Expand, Reshape
from ...ops.structure import Constant

Rule = Callable[[Node], Node | None]


def rewrite(graph: Graph, rule: Rule) -> Graph:
    """The graph with `rule(node)` in place of each node, inputs first; None keeps the node.

    The rule sees nodes whose inputs are rewritten already; equal nodes become one by hash-consing.
    """
    new: dict[Node, Node] = {x: x for x in graph.inputs}
    for node in graph.nodes:
        if node in new:
            continue
        inputs = tuple(new[x] for x in node.inputs)
        closed = inputs or node.prim.constant          # equal nodes of several lines become one
        rebuilt = make(node.prim, inputs, node.source) if closed else node
        with inherit(node.source):
            found = rule(rebuilt)
        new[node] = rebuilt if found is None else found
    return Graph(graph.inputs, [new[x] for x in graph.outputs])


def fixed_point(graph: Graph, rule: Rule, rounds: int = 8) -> Graph:
    """Rewrite until nothing changes (or `rounds` times: every rule shrinks the graph)."""
    for _ in range(rounds):
        after = rewrite(graph, rule)
        if after.outputs == graph.outputs:
            break
        graph = after
    return graph


def swapped(x: Node) -> Node:
    """x with its last two axes exchanged."""
    last = x.ndim - 1
    return movement.permute(x, (*range(last - 1), last, last - 1))


def uniform(node: Node) -> Node | None:
    """The scalar node of which every element of `node` is a copy, if it is that."""
    if node.shape == ():
        return node
    if isinstance(node.prim, Expand | Reshape) and node.size:
        inner = node.inputs[0]
        if inner.shape == ():
            return inner
        return uniform(inner) if inner.size == 1 or isinstance(node.prim, Reshape) else None
    return None


def number(node: Node) -> float | int | bool | None:
    """The number that every element of `node` is, when that is known."""
    scalar = uniform(node)
    if scalar is None or not isinstance(scalar.prim, Constant):
        return None
    value: float | int | bool = np.frombuffer(scalar.prim.data, scalar.dtype.numpy)[0].item()
    return value
