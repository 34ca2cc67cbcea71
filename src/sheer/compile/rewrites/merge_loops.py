"""Loops that compute the same: a graph with a loop and its longer twin in, one with one loop out.

The derivative of a loop is a longer forward loop, which also stacks what the backward loop reads,
and the backward loop. Where the plain forward loop is in the graph too, its steps would run twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...graph import Graph, Node, make
from ...ops.loop import Scan
from ...ops.structure import Pick


def merge_loops(graph: Graph) -> Graph:
    """Loops of one start, one set of inputs and one carry become one; unread stacks are dropped."""
    while True:
        merged = _once(graph)
        if merged.outputs == graph.outputs:
            return merged
        graph = merged                       # loops that read merged loops may be twins now


@dataclass
class _Merged:
    """The loop that stands for several: `places[scan]` maps its results to those of `loop`."""

    prim: Scan
    places: dict[Node, dict[int, int]]


def _once(graph: Graph) -> Graph:
    plans = _plans(graph)
    new: dict[Node, Node] = {x: x for x in graph.inputs}
    for node in graph.nodes:
        if node in new:
            continue
        inputs = tuple(new[x] for x in node.inputs)
        if node in plans:
            loop = make(plans[node].prim, inputs, node.source)
            alone = len(node.outputs) == 1          # read without a Pick
            new[node] = result_of(loop, plans[node].places[node][0]) if alone else loop
        elif isinstance(node.prim, Pick) and node.inputs[0] in plans:
            before = node.inputs[0]
            place = plans[before].places[before][node.prim.index]
            new[node] = inputs[0] if len(before.outputs) == 1 else result_of(inputs[0], place)
        else:
            new[node] = node if inputs == node.inputs else make(node.prim, inputs, node.source)
    return Graph(graph.inputs, [new[x] for x in graph.outputs])


def result_of(loop: Node, place: int) -> Node:
    """One result of a loop; the loop itself if it has no other, as later passes expect it."""
    return loop if len(loop.outputs) == 1 else Pick(place)(loop)


def _plans(graph: Graph) -> dict[Node, _Merged]:
    """What each loop of the graph becomes."""
    read: dict[Node, set[int]] = defaultdict(set)
    for node in graph.nodes:
        if isinstance(node.prim, Pick) and isinstance(node.inputs[0].prim, Scan):
            read[node.inputs[0]].add(node.prim.index)
    groups: dict[Any, list[Node]] = defaultdict(list)
    for loop in (n for n in graph.nodes if isinstance(n.prim, Scan)):
        if len(loop.outputs) == 1:
            read[loop].add(0)
        prim: Any = loop.prim
        carry = Graph(prim.body.inputs, prim.body.outputs[:prim.num_carry])
        same = loop.inputs, prim.num_consts, prim.num_carry, prim.length, prim.reverse, carry
        groups[same].append(loop)
    plans: dict[Node, _Merged] = {}
    for loops in groups.values():
        plan = _merge(loops, read)
        plans |= dict.fromkeys(loops, plan)
    return plans


def _merge(loops: Sequence[Node], read: dict[Node, set[int]]) -> _Merged:
    """One loop with the carry of all and every stack that somebody reads, once."""
    first: Any = loops[0].prim
    inputs, count = first.body.inputs, first.num_carry
    outputs = list(first.body.outputs[:count])
    stacks: dict[Node, int] = {}
    places: dict[Node, dict[int, int]] = {}
    for loop in loops:
        body: Graph = loop.prim.body  # type: ignore[attr-defined]
        values = body.outputs if body is first.body else body(*inputs)
        places[loop] = {i: i for i in range(count)}
        for i in sorted(read[loop] - {*range(count)}):
            places[loop][i] = count + stacks.setdefault(values[i], len(stacks))
    body = merge_loops(Graph(inputs, [*outputs, *stacks]))
    return _Merged(Scan(body, first.num_consts, count, first.length, first.reverse), places)
