"""Bodies: a cluster flows in, the graph of one kernel over what it reads comes out."""

from __future__ import annotations

from dataclasses import dataclass

from ..graph import Graph, Node, make
from ..ops.primitive import results
from ..ops.structure import Barrier, Input
from .fuse import Cluster, Fusion
from .roots import home, owner, value_inputs


@dataclass(eq=False)
class Draft:
    """A kernel before memory is planned: values it reads and writes, and what it waits for."""

    kind: str
    body: Graph
    reads: tuple[Node, ...]
    writes: tuple[Node, ...]
    waits: frozenset[Node]


def draft(cluster: Cluster, fusion: Fusion) -> Draft:
    """The kernel of a cluster; equal clusters over other values give equal bodies."""
    writes = _written(cluster, fusion)
    reads: dict[Node, Node] = {}
    new: dict[Node, Node] = {}
    waiting = list(reversed(writes))               # a chain may be longer than Python's stack
    while waiting:
        node = waiting[-1]
        outside = fusion.in_memory(node) and owner(node) not in cluster.roots
        missing = [] if outside else [x for x in value_inputs(node) if x not in new]
        if node in new or not missing:
            waiting.pop()
        if node in new:
            continue
        if missing:
            waiting += reversed(missing)
        elif outside:
            new[node] = reads[node] = Input(len(reads), node.shape, node.dtype)()
        elif isinstance(node.prim, Barrier):
            new[node] = new[node.inputs[0]]
        else:
            inputs = tuple(new[x] for x in node.inputs)
            new[node] = make(node.prim, inputs, node.source) if inputs else node

    outputs = [new[w] for w in writes]
    waits = frozenset(s for r in cluster.roots for s in fusion.sources[r]) - {*cluster.roots}
    inside = {r for root in cluster.roots for r in (root, *_picked(root))}
    return Draft(cluster.kind, Graph(list(reads.values()), outputs), tuple(reads), tuple(writes),
                 waits - inside)


def _written(cluster: Cluster, fusion: Fusion) -> list[Node]:
    """The values of a cluster that someone outside reads."""
    wanted = {home(n) for n in fusion.graph.outputs}
    found: list[Node] = []
    for root in cluster.roots:
        if len(root.outputs) > 1:
            found += _picked(root)
        elif root in wanted or any(r not in cluster.roots for r in fusion.readers[root]):
            found.append(root)
    return found


def _picked(root: Node) -> tuple[Node, ...]:
    return results(root) if len(root.outputs) > 1 else ()
