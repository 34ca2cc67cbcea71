"""Parts of loops: a loop whose rows never meet flows in, the body for a share of them comes out.

A recurrence over a batch treats every row alone. Then each thread may run all steps on rows of its
own: what one step leaves is in the cache of the core that reads it, and nobody waits in between.
Rows are dealt out by the shape alone, so the number of threads changes no bit.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ...graph import Graph, Node, make
from ...ops.contract.dot import Dot
from ...ops.cost import flops
from ...ops.loop import Scan
from ...ops.movement import Concat, Expand, Pad, Permute, Reshape, Slice
from ...ops.primitive import Primitive
from ...ops.reduce import Reduce
from ...ops.structure import Input

_WORTH = 2_000_000      # operations in all steps, below which a thread is not worth waking
_ROWS = 16              # rows in a part that keep a register tile busy
_FEWEST = 4             # and the fewest that are worth reading the weights once more for
_MOST = 8               # parts


def parts_of(scan: Scan) -> tuple[int, Graph]:
    """How many parts a loop is cut into, and the body of one."""
    whole = 1, scan.body
    carries = scan.body.inputs[scan.num_consts:scan.num_consts + scan.num_carry]
    rows = carries[0].shape[0] if carries and carries[0].ndim else 0
    count = _count(rows)
    if count < 2 or scan.length < 2 or scan.length * flops(scan.body) < _WORTH:
        return whole
    body = _Narrowing(scan, rows, rows // count).body()
    return whole if body is None else (count, body)


def _count(rows: int) -> int:
    fitting = [n for n in range(2, _MOST + 1) if rows and rows % n == 0]
    good = [n for n in fitting if rows // n >= _ROWS]
    few = [n for n in fitting if rows // n >= _FEWEST]
    return max(good) if good else min(few, default=1)


class _RowsMeet(Exception):
    """Some value depends on several rows, or cannot be cut."""


@dataclass
class _Narrowing:
    """The body rebuilt for fewer rows; `axis`: where the rows of a value are, None for nowhere."""

    scan: Scan
    rows: int
    fewer: int
    new: dict[Node, Node] = field(default_factory=dict)
    axis: dict[Node, int | None] = field(default_factory=dict)

    def body(self) -> Graph | None:
        """The body of one part, or None when rows meet."""
        body, first = self.scan.body, self.scan.num_consts
        for i, x in enumerate(body.inputs):
            mine = i >= first and x.ndim > 0 and x.shape[0] == self.rows
            if first <= i < first + self.scan.num_carry and not mine:
                return None
            self.axis[x] = 0 if mine else None
            self.new[x] = Input(i, self._shape(x, 0), x.dtype)() if mine else x
        try:
            for node in body.nodes:
                if node not in self.new:
                    self.axis[node] = self._one(node)
        except _RowsMeet:
            return None
        if any(self.axis[y] != 0 for y in body.outputs):
            return None
        inputs = [self.new[x] for x in body.inputs]
        return Graph(inputs, [self.new[y] for y in body.outputs])

    def _shape(self, x: Node, axis: int) -> tuple[int, ...]:
        return (*x.shape[:axis], self.fewer, *x.shape[axis + 1:])

    def _one(self, node: Node) -> int | None:
        """Rebuild a node; where its rows are."""
        at = [self.axis[x] for x in node.inputs]
        if not (node.prim.pointwise or node.prim.view or node.prim.leaf
                or isinstance(node.prim, Dot | Concat | Reduce)):
            raise _RowsMeet                  # a loop or a host call, not to be run by every part
        if all(a is None for a in at):
            self.new[node] = node
            return None
        prim, axis = _rule(node, at, self)
        inputs = [self.new[x] for x in node.inputs]
        if node.prim.pointwise:
            inputs = [self._cut(x, axis) if a is None and x.ndim else i
                      for x, a, i in zip(node.inputs, at, inputs, strict=True)]
        self.new[node] = make(prim, tuple(inputs), node.source)
        if self.new[node].shape != self._shape(node, axis):
            raise _RowsMeet
        return axis

    def _cut(self, x: Node, axis: int) -> Node:
        """Fewer repeats of something that is equal for all rows."""
        if isinstance(x.prim, Expand):
            inner = x.inputs[0]
            place = axis - (x.ndim - inner.ndim)
            if place < 0 or inner.shape[place] == 1:
                return Expand(self._shape(x, axis))(inner)
        if x.prim.pointwise and x.inputs:
            return make(x.prim, tuple(self._cut(i, axis) if i.ndim else i for i in x.inputs),
                        x.source)
        raise _RowsMeet


def _rule(node: Node, at: list[int | None], to: _Narrowing) -> tuple[Primitive, int]:
    """The primitive for fewer rows, and where they are in its result."""
    prim, axis = node.prim, at[0]
    if prim.pointwise:
        found = {a for a in at if a is not None}
        if len(found) == 1:
            return prim, found.pop()
    elif isinstance(prim, Dot):
        return prim, _dot(node, at)
    elif axis is None or (any(a is not None for a in at[1:]) and not isinstance(prim, Concat)):
        raise _RowsMeet
    elif isinstance(prim, Permute):
        return prim, prim.axes.index(axis)
    elif isinstance(prim, Expand):
        moved = axis + node.ndim - node.inputs[0].ndim
        return Expand(to._shape(node, moved)), moved
    elif isinstance(prim, Reshape):
        moved = _reshaped(node.inputs[0].shape, node.shape, axis)
        return Reshape(to._shape(node, moved)), moved
    elif isinstance(prim, Slice):
        if (prim.starts[axis], prim.stops[axis], prim.steps[axis]) == (0, to.rows, 1):
            stops = (*prim.stops[:axis], to.fewer, *prim.stops[axis + 1:])
            return Slice(prim.starts, stops, prim.steps), axis
    elif isinstance(prim, Pad):
        if prim.widths[axis] == (0, 0, 0):
            return prim, axis
    elif isinstance(prim, Concat):
        if prim.axis != axis and set(at) == {axis}:
            return prim, axis
    elif isinstance(prim, Reduce) and axis not in prim.axes:
        return prim, axis - sum(a < axis for a in prim.axes)
    raise _RowsMeet


def _dot(node: Node, at: list[int | None]) -> int:
    """Rows of a product: those of its left operand, columns of its right one, or batches."""
    left, right, last = at[0], at[1], node.ndim - 1
    if left is not None and left == right and left < last - 1:
        return left
    if right is None and left == last - 1:
        return left
    if left is None and right == last:
        return right
    raise _RowsMeet


def _reshaped(before: tuple[int, ...], after: tuple[int, ...], axis: int) -> int:
    """Where an axis that is kept whole is afterwards."""
    skipped, size = _size(before[:axis]), before[axis]
    for i, s in enumerate(after):
        if s == size and _size(after[:i]) == skipped:
            return i
    raise _RowsMeet


def _size(shape: tuple[int, ...]) -> int:
    total = 1
    for s in shape:
        total *= s
    return total
