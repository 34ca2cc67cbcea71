"""Gradients of 3 x 3 filters: images and what results hand back flow in, taps per group come out.

As in `lower_winograd`, but the sum goes over tiles: a group of blocks adds its products up in
scratch memory. Groups are cut by shape alone, so it does not matter who computes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sheer.compile.rewrites.winograd import Tiles, WinogradWeight
from sheer.compile.roots import home
from sheer.graph import Graph, Node

from ..gemm.product import Gemm, emit_gemm, workspace_elements
from ..ir.builder import Builder
from ..ir.target import Target
from ..ir.values import Operand, Value, constant
from .contract import Split, address
from .winograd import AROUND, transform_images
from .winograd_tiles import Grid, Place, finite, from_results, to_taps

_STRIP = 64


def weight_in_tiles(body: Graph) -> Node | None:
    """The gradient of filters that a body computes in tiles, if it does."""
    return next((n for n in body.nodes if isinstance(n.prim, WinogradWeight)), None)


class _Sizes:
    """What a kernel needs to know of its operands."""

    def __init__(self, node: Node) -> None:
        prim: Any = node.prim
        x, y = node.inputs
        self.tiles: Tiles = prim.tiles(x, y)
        self.inner, self.outer = x.shape[3], y.shape[3]
        self.strip = min(self.outer, _STRIP)
        self.step_in = self.tiles.block * self.inner + AROUND
        self.step_out = self.tiles.block * self.outer + AROUND
        self.step_sum = self.inner * self.outer + AROUND
        self.gemm = Gemm(self.inner, self.strip, self.tiles.block, node.dtype, 1, self.inner,
                         self.outer, 1, c_row=self.outer, accumulate=True)

    def elements(self, target: Target) -> int:
        """Of scratch memory per thread."""
        own = 16 * int(self.step_in + self.step_out + self.step_sum)
        return own + workspace_elements(self.gemm, target)


def weight_scratch(node: Node, target: Target) -> int:
    """Bytes of scratch memory that one thread needs."""
    return _Sizes(node).elements(target) * node.dtype.size


class WinogradWeightKernel:
    """Writes one kernel into the open function."""

    def __init__(self, b: Builder, body: Graph, inputs: Sequence[Value], outputs: Sequence[Value],
                 scratch: Value) -> None:
        node = weight_in_tiles(body)
        assert node is not None
        self.b, self.sizes, self.kind = b, _Sizes(node), node.dtype
        self.lanes = b.target.lanes(self.kind)
        pointers = dict(zip(body.inputs, inputs, strict=True))
        self.image, self.cts = (address(b, home(x), pointers) for x in node.inputs)
        self.output = outputs[0]
        s = self.sizes
        self.grid = Grid(b, s.tiles, node.inputs[0].shape[1:3])
        self.seen = scratch
        self.handed = b.offset(self.seen, 16 * s.step_in, self.kind)
        self.sums = b.offset(self.handed, 16 * s.step_out, self.kind)
        self.workspace = b.offset(self.sums, 16 * s.step_sum, self.kind)

    def write(self, split: Split | None = None, begin: Operand = 0, end: Operand = 0) -> None:
        """Everything, or groups [begin, end)."""
        b, tiles = self.b, self.sizes.tiles
        limits = (begin, end) if split is not None else (0, tiles.groups)
        with b.loop(*limits) as group:
            self._clear()
            low = b.mul(group, tiles.per_group)
            high = b.min(b.add(low, tiles.per_group), tiles.blocks)
            with b.loop(low, high) as block:
                first = b.mul(block, tiles.block)
                transform_images(b, self.grid, self.image, self.seen, first, self.kind,
                                 self.sizes.inner, self.sizes.step_in)
                self._transform_results(first)
                self._multiply()
            self._taps(group, b.mul(low, tiles.block),
                       b.min(b.mul(high, tiles.block), tiles.total))

    def _clear(self) -> None:
        b, s = self.b, self.sizes
        with b.loop(0, 16 * s.step_sum, self.lanes) as i:
            b.store(self.sums, i, constant(0, self.kind, self.lanes))

    def _transform_results(self, first: Value) -> None:
        """What the results of a block hand back; nothing behind the last tile."""
        b, s = self.b, self.sizes
        with b.loop(0, s.tiles.block) as j:
            number = b.add(first, j)
            ragged = s.tiles.total % s.tiles.block != 0
            exists = b.lt(number, s.tiles.total) if ragged else None
            place = self.grid.place(b.min(number, s.tiles.total - 1) if ragged else number)
            with b.loop(0, s.outer, self.lanes) as c:
                handed = from_results(b, self._results(place, c, exists))
                at = b.add(b.mul(j, s.outer), c)
                for p, value in enumerate(handed):
                    b.store(self.handed, b.add(at, p * s.step_out), value)

    def _results(self, place: Place, c: Value, exists: Value | None) -> list[Value]:
        """The 2 x 2 vectors of a tile; zeros where it has no such result."""
        b, found = self.b, []
        for dy in (0, 1):
            for dx in (0, 1):
                inside = self.grid.exists(*place[1:], dy, dx)
                holds = inside if exists is None else exists if inside is None else b.and_(
                    exists, inside)
                at = b.add(b.mul(self.grid.pixel(*place, dy, dx), self.sizes.outer), c)
                if holds is None:
                    found.append(b.load(self.cts, at, self.kind, self.lanes))
                else:
                    mask = b.broadcast(holds, self.lanes)
                    found.append(b.load_masked(self.cts, at, mask, self.kind))
        return found

    def _multiply(self) -> None:
        """Position by position: images turned over, times results."""
        b, s = self.b, self.sizes
        with b.loop(0, 16) as p, b.loop(0, s.outer, s.strip) as c:
            emit_gemm(b, s.gemm, b.offset(self.seen, b.mul(p, s.step_in), self.kind),
                      b.offset(self.handed, b.add(b.mul(p, s.step_out), c), self.kind),
                      b.offset(self.sums, b.add(b.mul(p, s.step_sum), c), self.kind),
                      self.workspace)

    def _taps(self, group: Value, low: Value, high: Value) -> None:
        """The sums of a group as nine taps."""
        b, s = self.b, self.sizes
        size = s.inner * s.outer
        with b.loop(0, s.inner) as i, b.loop(0, s.outer, self.lanes) as c:
            at = b.add(b.mul(i, s.outer), c)
            sums = [b.load(self.sums, b.add(at, p * s.step_sum), self.kind, self.lanes)
                    for p in range(16)]
            values = to_taps(b, sums)
            values = list(b.choose(finite(b, values), lambda: values,
                                   lambda: self._exactly(low, high, i, c)))
            start = b.add(b.mul(group, 9 * size), at)
            for tap, value in enumerate(values):
                b.store(self.output, b.add(start, tap * size), value)

    def _exactly(self, low: Value, high: Value, i: Value, c: Value) -> list[Value]:
        """The nine taps by the definition, from tile `low` to below `high`."""
        b, s = self.b, self.sizes
        zeros = [constant(0, self.kind, self.lanes)] * 9
        with b.loop_with(low, high, 1, *zeros) as tile:
            place, sums = self.grid.place(tile.index), list(tile.values)
            for number, ct in enumerate(self._results(place, c, None)):
                dy, dx = divmod(number, 2)
                at = b.add(b.mul(self.grid.corner(place[0], b.add(place[1], dy),
                                                  b.add(place[2], dx)), s.inner), i)
                steps = [(ky * self.grid.width + kx) * s.inner for ky in range(3)
                         for kx in range(3)]
                made = [b.fma(b.broadcast(b.load(self.image, b.add(at, step), self.kind),
                                          self.lanes), ct, total)
                        for step, total in zip(steps, sums, strict=True)]
                holds = self.grid.exists(*place[1:], dy, dx)
                sums = made if holds is None else [
                    b.select(b.broadcast(holds, self.lanes), new, old)
                    for new, old in zip(made, sums, strict=True)]
            tile.next(*sums)
        return list(tile.results)
