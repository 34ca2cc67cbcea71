"""Turns of loops: nodes and an index flow in; what that element is computed from comes out.

Also the question that decides fusion: does every turn read only what the same turn makes?
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ...graph import Node
from ...ops.random import FoldIn, Uniform
from ...ops.structure import Barrier, Iota, Pick
from ..nest import Nest, is_reduction, nest_of
from ..rewrites.winograd import PRODUCTS
from ..roots import is_leaf
from .index import Var, as_index
from .views import Place, flat, is_view, read

Element = tuple[Node, Place]


def operands(node: Node, at: Place) -> Iterator[Element]:
    """What element `at` of an inline node is computed from."""
    if isinstance(node.prim, Barrier):
        yield node.inputs[0], at
    elif isinstance(node.prim, Uniform | FoldIn):
        key, *number = node.inputs
        lead = at[:key.ndim - 1]
        yield from ((key, (*lead, as_index(i))) for i in (0, 1))
        yield from ((x, lead) for x in number)
    elif node.prim.pointwise:
        yield from ((x, at) for x in node.inputs)
    elif is_view(node):
        reads, fill = read(node, at)
        yield from ((r.node, r.at) for r in reads)
        if fill is not None:
            yield fill, ()


def consistent(roots: Sequence[Node], nest: Nest, in_memory: Callable[[Node], bool]) -> bool:
    """Does every turn of the loops read only what the same turn makes (or other kernels made)?

    When the roots have several shapes, loads must also stay at even strides.
    """
    members = set(roots)
    strange = any(nest_of(r) != nest for r in roots if not is_reduction(r))
    seen: set[Element] = set()
    stack = [e for r in roots if not isinstance(r.prim, PRODUCTS) for e in _reads(r, nest)]
    while stack:
        node, at = stack.pop()
        if (node, at) in seen:
            continue
        seen.add((node, at))
        if node in members:
            if at != nest.place(node):
                return False
        elif is_leaf(node) or isinstance(node.prim, Pick | Iota) or in_memory(node):
            if strange and not all(isinstance(a, Var) for a in flat(at, node.shape).terms):
                return False
        else:
            stack.extend(operands(node, at))
    return True


def _reads(root: Node, nest: Nest) -> Iterator[Element]:
    """The operands of a root, and the index at which a turn of the loops reads them."""
    if is_reduction(root):
        at = nest.full(root.inputs[0].shape)
        assert at is not None
        yield root.inputs[0], at
        return
    place = nest.place(root)
    assert place is not None
    yield from operands(root, place)
