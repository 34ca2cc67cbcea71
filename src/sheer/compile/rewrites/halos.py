"""Halos: values that products read with padding flow in; one buffer that holds both comes out.

A value and its padded copy are twice the memory and twice the writing. Where something pointwise is
padded for a product, only the padded one is laid out; everybody else reads its inside.
"""

from __future__ import annotations

from ...graph import Graph, Node, make, users
from ...graph.source import inherit
from ...ops import movement
from ...ops.movement import Pad
from ..roots import needed

_LARGEST = 2        # times the value: a wider rim costs more than it saves


def halos(graph: Graph) -> Graph:
    """Readers of a pointwise value that is also padded read the inside of the padded one."""
    padded = _padded(graph)
    new: dict[Node, Node] = {x: x for x in graph.inputs}
    for node in graph.nodes:
        if node in new:
            continue
        inputs = tuple(new[x] for x in node.inputs)
        with inherit(node.source):
            if node in padded.values():                # made when its inside was
                new[node] = new[node.inputs[0]].inputs[0]
                continue
            new[node] = node if inputs == node.inputs else make(node.prim, inputs, node.source)
            if node in padded:
                new[node] = _inside(padded[node], new[node])
    return Graph(graph.inputs, [new[x] for x in graph.outputs])


def _padded(graph: Graph) -> dict[Node, Node]:
    """The padded form of every value that shall be laid out as that alone."""
    readers, in_memory, results = users(graph.nodes), needed(graph), set(graph.outputs)
    found: dict[Node, Node] = {}
    for node in graph.nodes:
        if not node.prim.pointwise or node in results or node in in_memory:
            continue
        others = len(readers[node]) > 1
        fitting = [r for r in readers[node] if others and r in in_memory and _is_rim(r)]
        if fitting:
            found[node] = max(fitting, key=lambda r: r.size)
    return found


def _is_rim(node: Node) -> bool:
    """Does it put a thin rim of zeros around a value?"""
    if not isinstance(node.prim, Pad) or node.size > _LARGEST * node.inputs[0].size:
        return False
    return all(lo >= 0 and hi >= 0 and not mid for lo, hi, mid in node.prim.widths)


def _inside(pad: Node, value: Node) -> Node:
    """The value as the inside of its padded form."""
    prim = pad.prim
    assert isinstance(prim, Pad)
    whole = prim(value, pad.inputs[1])
    starts = [lo for lo, _, _ in prim.widths]
    stops = [lo + n for lo, n in zip(starts, value.shape, strict=True)]
    return movement.slice_(whole, starts, stops, [1] * value.ndim)
