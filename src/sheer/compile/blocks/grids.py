"""Grids: a graph flows in; products whose rows are reduced and multiplied again come out.

A grid is everything with an element for each row i and column j of a product (*B, M, N): scores,
masked scores, weights, and their cotangents. Values with an element per row belong to it too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ...graph import Graph, Node, users
from ...ops.contract.dot import Dot
from ...ops.movement import Expand, Permute, Reshape
from ...ops.primitive import Absent
from ...ops.reduce import Reduce
from ..rewrites.rewrite import number

_DEEPEST = 128          # inner axis: longer products are dearer to compute again than to load
_BATCHES = 4            # fewer would leave cores without work
_SMALLEST = 16          # rows and columns: below, a product is an ordinary small one
_WIDEST = 4096          # columns: a block of rows must stay in a cache


@dataclass(eq=False)
class Grid:
    """Members by kind. `products` open it, `closers` multiply a member again."""

    shape: tuple[int, ...]
    products: list[Node] = field(default_factory=list)
    cells: set[Node] = field(default_factory=set)       # an element per row and column
    rows: set[Node] = field(default_factory=set)        # an element per row, or a row repeated
    closers: list[Node] = field(default_factory=list)

    @property
    def row_shapes(self) -> tuple[tuple[int, ...], ...]:
        return self.shape[:-1], (*self.shape[:-1], 1)

    def has(self, node: Node) -> bool:
        return node in self.cells or node in self.rows


def turned(node: Node) -> Node:
    """What a node is the transpose of; itself when it is none."""
    last = node.ndim - 1
    swaps = isinstance(node.prim, Permute) and node.prim.axes == (*range(last - 1), last, last - 1)
    return node.inputs[0] if swaps else node


def find_grids(graph: Graph) -> list[Grid]:
    """Every grid that is worth keeping out of memory."""
    found = _members(graph)
    readers = users(graph.nodes)
    results = set(graph.outputs)
    grids = dict.fromkeys(found.values())
    return [g for g in grids if _worth(g, readers, results)]


def cells_of(graph: Graph) -> set[Node]:
    """Every cell of every grid, whether it is worth anything or not."""
    return {n for g in _members(graph).values() for n in g.cells}


def _members(graph: Graph) -> dict[Node, Grid]:
    """The grid of every node that is in one."""
    found: dict[Node, Grid] = {}
    for node in graph.nodes:
        if isinstance(node.prim, Dot):
            left = found.get(turned(node.inputs[0]))
            if left is not None and turned(node.inputs[0]) in left.cells:
                left.closers.append(node)
                continue
            if _may_open(node):
                grid = Grid(node.shape, [node], {node})
                found[node] = grid
            continue
        _join(node, found)
    return found


def _may_open(node: Node) -> bool:
    *batch, m, n = node.shape
    deep = node.inputs[0].shape[-1]
    return (node.dtype.is_floating_point and deep <= _DEEPEST and math.prod(batch) >= _BATCHES
            and m >= _SMALLEST and _SMALLEST <= n <= _WIDEST)


def _join(node: Node, found: dict[Node, Grid]) -> None:
    """Make a node a member of the grid (or the grids, which become one) of its inputs."""
    grids = list(dict.fromkeys(found[x] for x in node.inputs if x in found))
    if not grids or any(g.shape != grids[0].shape for g in grids) or len(node.outputs) > 1:
        return
    first = grids[0]
    kind = _kind(node, first)
    if kind is None or not all(_fits(node, x, found) for x in node.inputs):
        return
    for other in grids[1:]:
        for name in ("products", "closers"):
            getattr(first, name).extend(getattr(other, name))
        first.cells |= other.cells
        first.rows |= other.rows
        found.update(dict.fromkeys((*other.cells, *other.rows), first))
    (first.cells if kind == "cell" else first.rows).add(node)
    found[node] = first


def _kind(node: Node, grid: Grid) -> str | None:
    """What the node would be in the grid."""
    prim, last = node.prim, len(grid.shape) - 1
    if prim.pointwise and not isinstance(prim.emit, Absent):
        per_row = "row" if node.shape in grid.row_shapes else None
        return "cell" if node.shape == grid.shape else per_row
    if isinstance(prim, Reduce) and prim.axes == (last,):
        return "row"
    if isinstance(prim, Reshape) and node.shape in grid.row_shapes:
        return "row"
    return "row" if isinstance(prim, Expand) and node.shape == grid.shape else None


def _fits(node: Node, x: Node, found: dict[Node, Grid]) -> bool:
    """Is the input a member that the node may read so, or of no grid?"""
    grid = found.get(x)
    if grid is None:
        return True
    if isinstance(node.prim, Reduce):
        return x.shape == grid.shape
    if isinstance(node.prim, Expand):
        return x.shape == grid.row_shapes[1]
    return x.shape == node.shape or isinstance(node.prim, Reshape)


def _worth(grid: Grid, readers: dict[Node, list[Node]], results: set[Node]) -> bool:
    """Is some row reduced and spread again, and does no whole matrix leave?"""
    spread = any(isinstance(n.prim, Expand) for n in grid.rows)
    if not (grid.closers and spread):
        return False
    closers = set(grid.closers)
    for node in (*grid.cells, *(n for n in grid.rows if n.shape == grid.shape)):
        if node in results:
            return False
        for reader in readers[node]:
            flips = turned(reader) is not reader
            into = readers[reader] if flips else [reader]
            if (flips and reader in results) or not all(grid.has(r) or r in closers for r in into):
                return False
            if any(turned(r.inputs[1]) is node for r in into if r in closers):
                return False              # a matrix times itself, or on the right
    return all(number(x) is None for x in grid.products)
