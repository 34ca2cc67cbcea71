"""Bodies of blocks: a grid flows in; the graph of one block over what it reads comes out."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable

from ...graph import Node, make
from ...ops.contract.dot import Dot
from ...ops.random import Uniform
from ...ops.structure import Barrier, Input, Iota
from ..indexing.strided import strided
from ..indexing.views import is_view
from ..roots import is_inline, is_number
from .grids import Grid, turned


class Body:
    """Nodes rebuilt over inputs; `reads` says what each input stands for.

    early: values per row that earlier blocks hand on; members: nodes of any grid, which no block
    computes for another.
    """

    def __init__(self, grid: Grid, early: set[Node], members: Container[Node]) -> None:
        self.grid, self.early, self.members = grid, early, members
        self.reads: dict[Node, Node] = {}
        self.new: dict[Node, Node] = {}

    def whole(self, node: Node) -> Node:
        """A result: a member of the grid, or several side by side."""
        if node in self.members:
            return self._member(node)
        return node if is_number(node) else _rebuilt(node, map(self.whole, node.inputs))

    def _leaf(self, node: Node) -> Node:
        if node not in self.reads:
            self.reads[node] = Input(len(self.reads), node.shape, node.dtype)()
        return self.reads[node]

    def _member(self, node: Node) -> Node:
        if node not in self.new:
            self.new[node] = self._made(node)
        return self.new[node]

    def _made(self, node: Node) -> Node:
        if node in self.early:
            return self._leaf(node)
        if isinstance(node.prim, Dot):
            left, right = node.inputs
            closes = node in self.grid.closers
            return _rebuilt(node, (self._cells(left) if closes else self._operand(left),
                                   self._operand(right)))
        return _rebuilt(node, (self._member(x) if self.grid.has(x) else self._outside(x)
                               for x in node.inputs))

    def _cells(self, node: Node) -> Node:
        base = turned(node)
        return self._member(node) if base is node else _rebuilt(node, [self._member(base)])

    def _operand(self, node: Node) -> Node:
        """An operand of a product: strides over what lies in memory."""
        found = strided(node)
        base = found.node if all(len(d) <= 1 for d in found.axes[-2:]) else node
        return self._views(node, base)

    def _views(self, node: Node, base: Node) -> Node:
        if node is base:
            return self._leaf(node)
        below = self._views(node.inputs[0], base)
        return below if isinstance(node.prim, Barrier) else _rebuilt(node, [below])

    def _outside(self, node: Node) -> Node:
        """What cells are combined with: masks and draws are computed in place, the rest is read."""
        if isinstance(node.prim, Barrier):
            return self._outside(node.inputs[0])         # the block itself runs late enough
        if node not in self.new:
            written = is_number(node) or isinstance(node.prim, Iota)
            inline = is_inline(node) and node not in self.members and (
                is_view(node) or node.size >= math.prod(self.grid.shape) or _from_nothing(node)
                or isinstance(node.prim, Uniform))
            self.new[node] = _rebuilt(node, map(self._outside, node.inputs)) if (
                written or inline) else self._leaf(node)
        return self.new[node]


def _rebuilt(node: Node, inputs: Iterable[Node]) -> Node:
    values = tuple(inputs)
    return make(node.prim, values, node.source) if values else node


def _from_nothing(node: Node) -> bool:
    """Is the value computed from positions and numbers alone?"""
    stack, seen = [node], set[Node]()
    while stack:
        x = stack.pop()
        if x in seen:
            continue
        seen.add(x)
        if isinstance(x.prim, Iota) or is_number(x):
            continue
        if not is_inline(x):
            return False
        stack.extend(x.inputs)
    return True
