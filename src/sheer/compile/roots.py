"""Roots: a graph flows in, the choice of values that exist in memory comes out.

Everything else is recomputed where it is read, in a register: views always, pointwise chains when
they are cheap or read once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..graph import Graph, Node
from ..ops.contract.dot import Dot
from ..ops.index.gather import Gather, ScatterAdd, ScatterSet
from ..ops.index.sort import Sort
from ..ops.index.topk import TopK
from ..ops.movement import Reshape
from ..ops.primitive import Absent
from ..ops.random import FoldIn, Permutation, Uniform
from ..ops.reduce import CumProd, CumSum
from ..ops.structure import Barrier, Constant, Iota, Laid, Pick
from .cost import own_cost
from .indexing.strided import strided
from .indexing.views import is_view
from .nest import is_reduction
from .rewrites.winograd import PRODUCTS

_RECOMPUTE = 3          # instructions that are cheaper than a store and a load
_LONGEST = 120          # instructions in one expression: bounds code size and recursion


def is_leaf(node: Node) -> bool:
    """Input or constant: lies in memory already."""
    return node.prim.leaf and not isinstance(node.prim, Iota)


def is_number(node: Node) -> bool:
    """A constant that is written into the instructions."""
    return isinstance(node.prim, Constant) and node.size == 1


def is_inline(node: Node) -> bool:
    """Can an element be computed where it is read?"""
    written = node.prim.pointwise and not isinstance(node.prim.emit, Absent)
    return written or is_view(node) or isinstance(node.prim, Iota | Barrier | Uniform | FoldIn)


def value_inputs(node: Node) -> tuple[Node, ...]:
    """The inputs whose elements flow into the node's (a barrier's second one does not)."""
    return node.inputs[:1] if isinstance(node.prim, Barrier) else node.inputs


def home(node: Node) -> Node:
    """The value in whose memory this one lies: itself, or what it reshapes."""
    while isinstance(node.prim, Reshape | Barrier):
        node = node.inputs[0]
    return node


def owner(node: Node) -> Node:
    """The node whose kernel writes a value: several results have one owner."""
    return node.inputs[0] if isinstance(node.prim, Pick) else node


def is_indexed(node: Node) -> bool:
    """Gather or scatter with something to look into: only the array itself must lie in memory."""
    return isinstance(node.prim, Gather | ScatterAdd | ScatterSet) and bool(node.inputs[0].size)


def is_running(node: Node) -> bool:
    """A running sum or product."""
    return isinstance(node.prim, CumSum | CumProd)


def is_sorting(node: Node) -> bool:
    """A sort, a search or a shuffle of lines whose places fit 32 bits."""
    if isinstance(node.prim, Sort | TopK):
        return node.inputs[0].shape[node.prim.axis] < 2**32
    return isinstance(node.prim, Permutation) and node.outputs[0].shape[-1] < 2**32


def by_index(node: Node) -> bool:
    """Does the node get an index kernel: gather, scatter, running sum, sort?"""
    return is_indexed(node) or is_running(node) or is_sorting(node)


def choose_roots(graph: Graph) -> list[Node]:
    """The nodes whose results exist in memory, in order."""
    wanted, uses = needed(graph), _uses(graph)
    cost: dict[Node, int] = {}
    on_dot: set[Node] = set()    # a dot that one reads, and what is computed in its registers
    roots = []
    for node in graph.nodes:
        cost[node] = 0
        if is_leaf(node) or isinstance(node.prim, Pick):
            continue
        if is_inline(node):
            cost[node] = own_cost(node) + sum(cost[x] for x in set(value_inputs(node)))
            if node.prim.pointwise and any(home(x) in on_dot for x in node.inputs):
                on_dot.add(node)
            cheap = _RECOMPUTE if node.size > 1 else 0      # one number is kept in a register
            dear = (cost[node] > cheap or node in on_dot) and uses.get(node, 0) > 1
            if not (dear or node in wanted or cost[node] > _LONGEST):
                continue
            slim = None if node in wanted or node in on_dot else _slimmer(node, cost)
            if slim is not None:
                roots.append(slim)
                cost[slim], cost[node] = 0, own_cost(node)
                continue
            on_dot.discard(node)                                # read from memory from here on
        elif isinstance(node.prim, PRODUCTS) and uses.get(node, 0) < 2:
            on_dot.add(node)
        roots.append(node)
        cost[node] = 0
    position = {n: i for i, n in enumerate(graph.nodes)}
    return sorted(dict.fromkeys(roots), key=lambda n: position[n])


def _slimmer(node: Node, cost: Mapping[Node, int]) -> Node | None:
    """An operand of fewer bytes from which the node is cheap: a mask rather than its numbers."""
    if own_cost(node) > _RECOMPUTE or not node.prim.pointwise:
        return None
    dear = [x for x in set(node.inputs) if cost[x]]
    if len(dear) != 1 or dear[0].shape != node.shape or not dear[0].prim.pointwise:
        return None
    return dear[0] if dear[0].dtype.size < node.dtype.size else None


def needed(graph: Graph) -> set[Node]:
    """Values that must lie in memory because of who reads them."""
    found = {home(n) for n in graph.outputs}
    for node in graph.nodes:
        if isinstance(node.prim, Laid):
            found.add(node)
        if is_leaf(node) or is_inline(node) or is_reduction(node) or isinstance(node.prim, Pick):
            continue
        if is_running(node):
            continue
        if is_indexed(node):
            if isinstance(node.prim, Gather):
                found.add(home(node.inputs[0]))
            continue
        for x in node.inputs:
            found.add(home(strided(x).node if isinstance(node.prim, Dot) else x))
    return found


def _uses(graph: Graph) -> dict[Node, int]:
    """For each value how many others would recompute it; repeating it (expand) counts as two."""
    readers: dict[Node, set[Node]] = {}
    wide: set[Node] = set()
    for node in graph.nodes:
        if (is_view(node) and not node.prim.pointwise) or isinstance(node.prim, Barrier):
            continue
        for x in node.inputs:
            for base in _bases(x):
                readers.setdefault(base, set()).add(node)
                if x.size > base.size:
                    wide.add(base)
    return {n: len(found) + (n in wide) for n, found in readers.items()}


def _bases(node: Node) -> Iterator[Node]:
    """What lies under the views of an operand."""
    stack = [node]
    while stack:
        node = stack.pop()
        if (is_view(node) and not node.prim.pointwise) or isinstance(node.prim, Barrier):
            stack.extend(value_inputs(node))
        else:
            yield node
