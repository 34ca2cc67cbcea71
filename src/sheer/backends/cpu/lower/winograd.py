"""Winograd kernels: images and transformed filters flow in, results of 2 x 2 tiles come out.

A block of tiles is transformed into scratch memory, multiplied position by position in register
tiles, and transformed back on the way through the epilogue. Every tile is computed alone, so it
does not matter who computes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sheer.compile.nest import nest_of
from sheer.compile.rewrites.winograd import Tiles, Winograd
from sheer.compile.roots import home
from sheer.graph import Graph, Node
from sheer.graph.dtypes import DType

from ..gemm.product import Gemm, emit_gemm, workspace_elements
from ..ir.builder import Builder
from ..ir.target import Target
from ..ir.values import Operand, Value, constant
from .contract import ContractKernel, Split, Whole, address
from .winograd_tiles import Grid, Place, finite, to_inputs, to_results

AROUND = 16      # elements between positions: powers of two would share the same cache lines


def product_in_tiles(body: Graph) -> Node | None:
    """The Winograd product of a body, if it has one."""
    return next((n for n in body.nodes if isinstance(n.prim, Winograd)), None)


class _Sizes:
    """What a kernel needs to know of its operands."""

    def __init__(self, node: Node) -> None:
        prim: Any = node.prim
        x, _, w = node.inputs
        self.tiles: Tiles = prim.tiles(x, w)
        self.inner, self.strips, self.strip = x.shape[3], w.shape[1], w.shape[3]
        self.outer = self.strips * self.strip
        self.step_in = self.tiles.block * self.inner + AROUND
        self.step_out = self.tiles.block * self.outer + AROUND
        self.gemm = Gemm(self.tiles.block, self.strip, self.inner, node.dtype, self.inner, 1,
                         self.strip, 1, c_row=self.outer)

    def elements(self, target: Target) -> int:
        """Of scratch memory per thread."""
        return 16 * int(self.step_in + self.step_out) + workspace_elements(self.gemm, target)


def winograd_scratch(node: Node, target: Target) -> int:
    """Bytes of scratch memory that one thread needs."""
    return _Sizes(node).elements(target) * node.dtype.size


class WinogradKernel(ContractKernel):
    """Writes one kernel around a Winograd product into the open function."""

    def __init__(self, b: Builder, body: Graph, inputs: Sequence[Value], outputs: Sequence[Value],
                 scratch: Value) -> None:
        super().__init__(b, body, inputs, outputs, scratch)
        node = self.product.dot
        self.sizes, self.kind = _Sizes(node), node.dtype
        self.lanes = b.target.lanes(self.kind)
        self.image, self.filters, self.taps = (
            address(b, home(x), self.pointers) for x in node.inputs)
        x = node.inputs[0]
        self.grid = Grid(b, self.sizes.tiles, x.shape[1:3])
        self.transformed = scratch
        self.made = b.offset(scratch, 16 * self.sizes.step_in, self.kind)
        self.workspace = b.offset(self.made, 16 * self.sizes.step_out, self.kind)

    def product_of(self, body: Graph) -> Whole:
        """The Winograd product."""
        node = product_in_tiles(body)
        assert node is not None
        return Whole(node, nest_of(node))

    def write(self, split: Split | None = None, begin: Operand = 0, end: Operand = 0) -> None:
        """Everything, or blocks [begin, end)."""
        limits = (begin, end) if split is not None else (0, self.sizes.tiles.blocks)
        with self.b.loop(*limits) as block:
            first = self.b.mul(block, self.sizes.tiles.block)
            transform_images(self.b, self.grid, self.image, self.transformed, first, self.kind,
                             self.sizes.inner, self.sizes.step_in)
            self._multiply()
            self._results(first)

    def _multiply(self) -> None:
        """Position by position: tiles times filters."""
        b, s = self.b, self.sizes
        with b.loop(0, 16) as p, b.loop(0, s.strips) as strip:
            number = b.add(b.mul(p, s.strips), strip)
            emit_gemm(b, s.gemm, b.offset(self.transformed, b.mul(p, s.step_in), self.kind),
                      b.offset(self.filters, b.mul(number, s.inner * s.strip), self.kind),
                      b.offset(self.made, b.add(b.mul(p, s.step_out), b.mul(strip, s.strip)),
                               self.kind), self.workspace)

    def _results(self, first: Value) -> None:
        """Every tile of a block, transformed back and stored."""
        b, s, tiles = self.b, self.sizes, self.sizes.tiles
        with b.loop(0, b.min(tiles.block, b.sub(tiles.total, first))) as j:
            place = self.grid.place(b.add(first, j))
            with b.loop(0, s.outer, self.lanes) as c:
                at = b.add(b.mul(j, s.outer), c)
                self._tile(place, c, to_results(b, [
                    b.load(self.made, b.add(at, p * s.step_out), self.kind, self.lanes)
                    for p in range(16)]))

    def _tile(self, place: Place, c: Value, values: list[Value]) -> None:
        """One vector of each of the four results of a tile."""
        exact = lambda: self._exactly(*place, c)
        values = list(self.b.choose(finite(self.b, values), lambda: values, exact))
        for number, value in enumerate(values):
            dy, dx = divmod(number, 2)
            def store(value: Value = value, dy: int = dy, dx: int = dx) -> None:
                self._store(value, self.grid.pixel(*place, dy, dx), c)
            self.grid.inside(*place[1:], dy, dx, store)

    def _store(self, value: Value, row: Value, column: Value) -> None:
        b, (node, pointer) = self.b, self.outputs[0]
        if len(self.outputs) > 1 or node is not self.product.dot:
            value = self._epilogue([])(b, value, row, column, None)
        b.store(pointer, b.add(b.mul(row, self.sizes.outer), column), value)

    def _exactly(self, image: Value, y: Value, x: Value, column: Value) -> list[Value]:
        """The four results by the definition."""
        b, s, kind = self.b, self.sizes, self.kind
        strip = b.floordiv(column, s.strip)
        zeros = [constant(0, kind, self.lanes)] * 4
        start = b.add(b.mul(strip, s.inner * s.strip), b.rem(column, s.strip))
        with b.loop_with(0, 9, 1, *zeros) as tap:
            ky, kx = b.floordiv(tap.index, 3), b.rem(tap.index, 3)
            corner = self.grid.corner(image, b.add(y, ky), b.add(x, kx))
            filters = b.add(start, b.mul(tap.index, s.outer * s.inner))
            with b.loop_with(0, s.inner, 1, *tap.values) as inner:
                w = b.load(self.taps, b.add(filters, b.mul(inner.index, s.strip)), kind, self.lanes)
                at = b.add(b.mul(corner, s.inner), inner.index)
                steps = [(dy * self.grid.width + dx) * s.inner for dy in (0, 1) for dx in (0, 1)]
                seen = [b.load(self.image, b.add(at, step), kind) for step in steps]
                inner.next(*(b.fma(b.broadcast(v, self.lanes), w, total)
                             for v, total in zip(seen, inner.values, strict=True)))
            tap.next(*inner.results)
        return list(tap.results)


def transform_images(b: Builder, grid: Grid, source: Value, target: Value, first: Value,
                     kind: DType, channels: int, step: int) -> None:
    """The tiles of a block from number `first` on, as 16 matrices (tiles, channels)."""
    tiles, lanes = grid.tiles, b.target.lanes(kind)
    with b.loop(0, tiles.block) as j:
        number = b.min(b.add(first, j), tiles.total - 1)        # behind the last one: anything
        corner = b.mul(grid.corner(*grid.place(number)), channels)
        with b.loop(0, channels, lanes) as c:
            at = b.offset(source, b.add(corner, c), kind)
            seen = [b.load(at, (r * grid.width + q) * channels, kind, lanes)
                    for r in range(4) for q in range(4)]
            to = b.offset(target, b.add(b.mul(j, channels), c), kind)
            for p, value in enumerate(to_inputs(b, seen)):
                b.store(to, p * step, value)
