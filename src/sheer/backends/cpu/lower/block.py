"""Block kernels: the body of a block node flows in; its products, rows and closers come out.

For each index of the batch: right operands are packed once; then, for every block of rows, the
products fill tiles in a cache, the rows of the tiles are reduced and mapped, and the closers
multiply tiles again. Sums over blocks run in order, so threads, which share the batch, change no
bit. Columns that count nowhere (beyond a causal diagonal) are skipped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sheer.compile.blocks.assembly import Spot
from sheer.compile.blocks.grids import turned
from sheer.compile.blocks.plan import BlockPlan
from sheer.compile.indexing.strided import strided
from sheer.compile.roots import home
from sheer.graph import Graph, Node
from sheer.graph.dtypes import DType, int64, uint8
from sheer.ops.blocks import Blocks
from sheer.ops.cost import flops
from sheer.ops.structure import Pick

from ..gemm.axis import place, simplest
from ..gemm.tile import Matrix, Result
from ..ir.builder import Builder
from ..ir.target import Target
from ..ir.values import Value, constant
from .block_panel import Panel, columns_at_once, packed_size
from .block_rows import RowPass
from .contract import Split, address
from .split import worth_splitting

_ROWS = 32            # of a block: a tile of 128 columns is half of a 32 KB cache
_ALIASED = 1024       # bytes: rows that lie a multiple of it apart compete for the same cache lines


@dataclass(frozen=True)
class Sizes:
    """Of one block kernel: batch, rows, columns, and how they are cut."""

    batch: tuple[int, ...]
    m: int
    n: int
    dtype: DType
    lanes: int

    @property
    def step(self) -> int:
        """Columns that are computed or skipped together."""
        return columns_at_once(self.lanes)

    @property
    def ld(self) -> int:
        """Elements from row to row of a tile."""
        wide = -(-self.n // self.lanes) * self.lanes
        return wide + self.lanes * (wide * self.dtype.size % _ALIASED == 0)


def block_sizes(plan: BlockPlan, target: Target) -> Sizes:
    """The sizes of a plan on a processor."""
    *batch, m, n = plan.shape
    kind = plan.products[0].dtype
    return Sizes(tuple(batch), m, n, kind, target.lanes(kind))


def split_block(body: Graph) -> Split | None:
    """The split over batch indices, if there is enough to do."""
    worth = worth_splitting(flops(body))
    return Split("batch", math.prod(_plan(_block(body)).shape[:-2])) if worth else None


def block_scratch(body: Graph, target: Target) -> int:
    """Bytes of scratch memory that one thread needs."""
    plan = _plan(_block(body))
    sizes = block_sizes(plan, target)
    return sum(_parts(plan, sizes)) * sizes.dtype.size


def _block(body: Graph) -> Node:
    return next(n for n in body.nodes if isinstance(n.prim, Blocks))


def _plan(node: Node) -> BlockPlan:
    assert isinstance(node.prim, Blocks)
    return BlockPlan(node.prim.body)


def _parts(plan: BlockPlan, sizes: Sizes) -> list[int]:
    """Elements of scratch memory for every packed operand, then for every tile."""
    packed = []
    for dot in (*plan.products, *plan.closers):
        k, n = dot.inputs[1].shape[-2:]
        packed.append(packed_size(k, n, sizes.lanes, dot in plan.products))
    return packed + [_ROWS * sizes.ld] * plan.tiles


class BlockKernel:
    """Writes one block kernel into the open function."""

    def __init__(self, b: Builder, body: Graph, inputs: Sequence[Value], outputs: Sequence[Value],
                 scratch: Value) -> None:
        node = _block(body)
        self.b, self.plan = b, _plan(node)
        self.sizes = block_sizes(self.plan, b.target)
        given = dict(zip(body.inputs, inputs, strict=True))
        self.pointers = {inner: address(b, home(x), given)
                         for inner, x in zip(self.plan.body.inputs, node.inputs, strict=True)}
        self.results: dict[Node, list[Value]] = {}
        for out, pointer in zip(body.outputs, outputs, strict=True):
            number = out.prim.index if isinstance(out.prim, Pick) else 0
            self.results.setdefault(self.plan.body.outputs[number], []).append(pointer)
        starts, at = [], 0
        for part in _parts(self.plan, self.sizes):
            starts.append(b.offset(scratch, at * self.sizes.dtype.size, uint8))
            at += part
        dots = (*self.plan.products, *self.plan.closers)
        self.packed = dict(zip(dots, starts, strict=False))
        self.tiles = starts[len(dots):]

    def write(self, limits: tuple[Value, Value] | None) -> None:
        """All batch indices, or those between the limits."""
        b, sizes = self.b, self.sizes
        with b.loop(*(limits or (0, math.prod(sizes.batch)))) as number:
            at = self._unravel(number)
            self._prepare(at)
            whole = sizes.m - sizes.m % _ROWS
            if whole:
                with b.loop(0, whole, _ROWS) as first:
                    self._block(at, first, _ROWS)
            if sizes.m % _ROWS:
                self._block(at, constant(whole, int64), sizes.m % _ROWS)

    def _unravel(self, number: Value) -> list[Value]:
        at: list[Value] = []
        for size in reversed(self.sizes.batch):
            at.insert(0, self.b.rem(number, size))
            number = self.b.floordiv(number, size)
        return at

    # ---- once per batch index ----------------------------------------------------------------
    def _prepare(self, at: list[Value]) -> None:
        """Pack right operands; clear what is summed over blocks."""
        for dot, target in self.packed.items():
            matrix = self._matrix(dot.inputs[1], at)
            k, n = dot.inputs[1].shape[-2:]
            self._panel(dot).pack(self.b, matrix, target, k, n)
        for closer, out, spot in self.plan.spots:
            if turned(closer.inputs[0]) is not closer.inputs[0]:
                for c in self._targets(out, spot, at):
                    self._clear(c, *closer.shape[-2:])

    def _panel(self, dot: Node) -> Panel:
        return Panel(self.sizes.dtype, self.sizes.lanes, dot.shape[-1], dot in self.plan.products)

    def _clear(self, c: Result, rows: int, width: int) -> None:
        b, lanes, kind = self.b, self.sizes.lanes, self.sizes.dtype
        zeros = constant(0, kind, lanes)
        with b.loop(0, rows) as row:
            start = b.offset(c.pointer, b.mul(row, c.row), kind)
            for i in range(0, width, lanes):
                if width - i < lanes:
                    b.store_masked(start, i, zeros, b.tail_mask(width - i, lanes))
                else:
                    b.store(start, i, zeros)

    def _matrix(self, x: Node, at: list[Value]) -> Matrix:
        """An operand at one batch index."""
        b, found = self.b, strided(x)
        start = constant(found.start, int64)
        for i, digits in zip(at, found.axes, strict=False):
            start = b.add(start, place(b, simplest(digits), i))
        pointer = b.offset(self.pointers[found.node], start, x.dtype)
        return Matrix(pointer, simplest(found.axes[-2]), simplest(found.axes[-1]))

    def _targets(self, out: Node, spot: Spot, at: list[Value]) -> list[Result]:
        """Where a closer's matrix of this batch index goes, for each place of its result."""
        b, start = self.b, constant(spot.start, int64)
        for i, stride in zip(at, spot.strides, strict=False):
            start = b.add(start, b.mul(i, stride))
        return [Result(b.offset(pointer, start, out.dtype), spot.strides[-2], 1)
                for pointer in self.results[out]]

    # ---- one block of rows -------------------------------------------------------------------
    def _block(self, at: list[Value], first: Value, rows: int) -> None:
        b, plan, sizes = self.b, self.plan, self.sizes
        end = self._columns(first, rows)
        for dot in plan.products:
            a = self._matrix(dot.inputs[0], at)
            assert isinstance(a.row, int)
            moved = Matrix(b.offset(a.pointer, b.mul(first, a.row), sizes.dtype), a.row, a.column)
            tile = Result(self.tiles[plan.tile_of[dot]], sizes.ld, 1)
            depth = dot.inputs[0].shape[-1]
            self._panel(dot).over_columns(b, moved, self.packed[dot], tile, rows, depth, sizes.n,
                                          end)
        RowPass(b, plan, at, self.pointers, self.results, self.tiles, sizes.ld,
                sizes.lanes).write(first, rows, end)
        for closer, out, spot in plan.spots:
            for c in self._targets(out, spot, at):
                self._close(closer, c, first, rows, end)

    def _columns(self, first: Value, rows: int) -> Value:
        """How many columns count in a block of rows."""
        b, sizes, idle = self.b, self.sizes, self.plan.idle_from
        if idle is None or idle >= sizes.n:
            return constant(sizes.n, int64)
        seen = b.max(b.add(first, rows - 1 + idle), 0)
        steps = b.floordiv(b.add(seen, sizes.step - 1), sizes.step)
        return b.min(b.mul(steps, sizes.step), sizes.n)

    def _close(self, closer: Node, c: Result, first: Value, rows: int, end: Value) -> None:
        """Multiply a tile: its rows with all of the right side, or its columns with these rows."""
        b, sizes = self.b, self.sizes
        cells = turned(closer.inputs[0])
        tile, packed = self.tiles[self.plan.tile_of[cells]], self.packed[closer]
        panel = self._panel(closer)
        if cells is closer.inputs[0]:
            moved = Result(b.offset(c.pointer, b.mul(first, c.row), sizes.dtype), c.row, 1)
            panel.rows(b, Matrix(tile, sizes.ld, 1), packed, moved, rows, sizes.n, end)
        else:
            panel.columns(b, Matrix(tile, 1, sizes.ld), packed, c, sizes.n, end, first, rows,
                          sizes.m)
