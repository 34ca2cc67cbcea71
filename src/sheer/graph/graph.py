"""Graph: a function as plain data, from input nodes to output nodes, compared by structure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from .node import Node, again, make, topological


class Graph:
    """inputs (leaf nodes, each an `Input`) and the outputs computed from them.

    Two graphs are equal when they have the same primitives wired the same way; names, source
    lines and the identity of nodes do not matter. So a Graph can be a parameter of a primitive
    (the body of a loop) and the key of a compiled program.
    """

    def __init__(self, inputs: Sequence[Node], outputs: Sequence[Node]) -> None:
        self.inputs, self.outputs = tuple(inputs), tuple(outputs)

    @cached_property
    def nodes(self) -> list[Node]:
        """Every node, inputs first, each before its users."""
        given = set(self.inputs)
        rest = topological(self.outputs, stop=given.__contains__)
        return [*self.inputs, *(n for n in rest if n not in given)]

    @cached_property
    def key(self) -> tuple[Any, ...]:
        """The structure as nested tuples: what equality and hashing compare."""
        place = {node: i for i, node in enumerate(self.nodes)}
        lines = tuple((n.prim, *(place[x] for x in n.inputs)) for n in self.nodes)
        return lines, len(self.inputs), tuple(place[n] for n in self.outputs)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Graph) and self.key == other.key)

    @cached_property
    def _hash(self) -> int:
        return hash(self.key)

    def __hash__(self) -> int:
        return self._hash

    def __call__(self, *args: Node) -> tuple[Node, ...]:
        """The outputs with `args` in place of the inputs: the graph, inlined."""
        return substitute(self.outputs, dict(zip(self.inputs, args, strict=True)))

    def __repr__(self) -> str:
        from .printer import to_text
        return to_text(self)


def substitute(roots: Sequence[Node], mapping: Mapping[Node, Node]) -> tuple[Node, ...]:
    """The roots rebuilt with every key of `mapping` replaced by its value; sources are kept."""
    new = dict(mapping)
    for node in topological(roots, stop=new.__contains__):
        if node not in new:
            inputs = tuple(new[x] for x in node.inputs)
            new[node] = node if inputs == node.inputs else make(node.prim, inputs, node.source)
    return tuple(new[r] for r in roots)


def unshared(graph: Graph) -> Graph:
    """The graph over nodes of its own: who keeps it keeps no node that a user's tensor has, and so
    none of the values that such nodes remember.
    """
    new: dict[Node, Node] = {}
    for old in graph.nodes:
        new[old] = again(old, old.source)
        new[old].inputs, new[old].value = tuple(new[x] for x in old.inputs), None
    return Graph([new[x] for x in graph.inputs], [new[x] for x in graph.outputs])


def users(nodes: Sequence[Node]) -> dict[Node, list[Node]]:
    """For each node, the nodes of the list that read it."""
    found: dict[Node, list[Node]] = {n: [] for n in nodes}
    for node in nodes:
        for x in dict.fromkeys(node.inputs):
            if x in found:
                found[x].append(node)
    return found
