"""Sorting kernels: a Sort or a Permutation flows in, loops that order line after line come out.

Keys are whole numbers in the order wanted: a float's bits, with both zeros equal and every NaN
above the numbers. So equals keep their order by construction, whatever the threads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from sheer.compile.roots import home
from sheer.graph import Graph, Node
from sheer.graph.dtypes import DType, int32, int64
from sheer.ops.index.sort import Sort
from sheer.ops.random import Permutation
from sheer.ops.structure import Pick

from ..ir.builder import Builder
from ..ir.philox import philox_run
from ..ir.sorting import Radix, is_ranked, line_time, rank
from ..ir.target import Target
from ..ir.values import UINT32, UINT64, Value, constant
from .contract import address


def sorted_node(body: Graph) -> Node | None:
    """The Sort or Permutation of a kernel's body, if that is what it computes."""
    node = body.outputs[0]
    node = node.inputs[0] if isinstance(node.prim, Pick) else node
    return node if isinstance(node.prim, Sort | Permutation) else None


class SortKernel:
    """Writes a Sort or Permutation into the open function."""

    def __init__(self, b: Builder, body: Graph, inputs: Sequence[Value], outputs: Sequence[Value],
                 scratch: Value) -> None:
        node = sorted_node(body)
        assert node is not None
        self.b, self.node, self.scratch = b, node, scratch
        pointers = dict(zip(body.inputs, inputs, strict=True))
        self.source = address(b, home(node.inputs[0]), pointers)
        *values, self.order = outputs
        self.values = values[0] if values else None
        self.count, self.inner, self.lines = _lines(node)
        self.key = _key(node)
        self.descending = isinstance(node.prim, Sort) and node.prim.descending

    def write(self, limits: tuple[Value, Value] | None = None) -> None:
        """All lines, or those within the limits."""
        b = self.b
        ranked = is_ranked(self.count, self.key, b.target)
        keys = b.alloca(self.key, _keys_held(self.node, b.target)) if ranked else self.scratch
        with b.loop(*(limits or (0, self.lines))) as line:
            outer, inner = b.floordiv(line, self.inner), b.rem(line, self.inner)
            base = b.add(b.mul(outer, self.count * self.inner), inner)
            self._keys(keys, line, base)
            if ranked:
                rank(b, keys, self.count, self.key, partial(self._scatter, base))
            else:
                self._radix(base)

    # ---- keys ------------------------------------------------------------------------------
    def _keys(self, keys: Value, line: Value, base: Value) -> None:
        b = self.b
        if isinstance(self.node.prim, Permutation):
            self._draw(keys, line)
            return
        lanes = b.target.lanes(self.key) if self.inner == 1 else 1
        whole, rest = divmod(self.count, lanes)
        kind = self.node.inputs[0].dtype
        with b.loop(0, whole * lanes, lanes) as i:
            x = b.load(self.source, b.add(base, b.mul(i, self.inner)), kind, lanes)
            b.store(keys, i, ordered(b, x, self.key, self.descending))
        if rest:
            i, mask = constant(whole * lanes, int64), b.tail_mask(rest, lanes)
            x = b.load_masked(self.source, b.add(base, i), mask, kind)
            b.store_masked(keys, i, ordered(b, x, self.key, self.descending), mask)

    def _draw(self, keys: Value, line: Value) -> None:
        """The stream of the line's key, two words to each random key."""
        b = self.b
        seed, offset = (b.load(self.source, b.add(b.mul(line, 2), i), int64) for i in (0, 1))
        lanes = max(b.target.lanes(UINT32), 8)
        with b.loop(0, 2 * self.count, lanes) as i:
            b.store(keys, i, philox_run(b, i, lanes, seed, offset, True))

    # ---- results ---------------------------------------------------------------------------
    def _scatter(self, base: Value, first: Value, ranks: Value, mask: Value | None) -> None:
        """Elements `first` ... go where their ranks say."""
        b, lanes = self.b, ranks.lanes
        to = b.mul(ranks, self.inner)
        place = b.add(b.broadcast(first, lanes), b.iota(lanes, int64))
        b.scatter(b.offset(self.order, base, int64), to, place, mask)
        if self.values is None:
            return
        kind = self.node.inputs[0].dtype
        if self.inner == 1:
            at = b.add(base, first)
            x = b.load(self.source, at, kind, lanes) if mask is None else (
                b.load_masked(self.source, at, mask, kind))
        else:
            x = b.gather(b.offset(self.source, base, kind), b.mul(place, self.inner), kind, mask)
        b.scatter(b.offset(self.values, base, kind), to, x, mask)

    def _radix(self, base: Value) -> None:
        b = self.b
        _, order = _radix(self.node).sort(b, self.scratch)
        with b.loop(0, self.count) as i:
            place = b.cast(b.load(order, i, UINT32), int64)
            to = b.add(base, b.mul(i, self.inner))
            b.store(self.order, to, place)
            if self.values is not None:
                kind = self.node.inputs[0].dtype
                x = b.load(self.source, b.add(base, b.mul(place, self.inner)), kind)
                b.store(self.values, to, x)


def ordered(b: Builder, x: Value, key: DType, descending: bool) -> Value:
    """Whole numbers in the order of the elements: NaN above all, or below all if descending."""
    signed = int64 if key.size == 8 else int32
    if x.dtype.kind == "float":
        highest = (1 << (8 * signed.size - 1)) - 1
        infinity = highest & (-1 << (23 if signed is int32 else 52))
        bits = b.bitcast(x, signed)
        size = b.and_(bits, highest)
        bits = b.select(b.eq(size, 0), 0, bits)              # -0 is 0
        turned = b.select(b.lt(bits, 0), b.xor(bits, highest), bits)
        found = b.select(b.gt(size, infinity), highest, turned)
    else:
        found = b.cast(x, signed)
    if descending:
        found = b.not_(found)
    return b.bitcast(b.xor(found, -1 << (8 * signed.size - 1)), key)


def sort_scratch(body: Graph, target: Target) -> int:
    """Bytes of memory that one thread needs."""
    node = sorted_node(body)
    assert node is not None
    ranked = is_ranked(_lines(node)[0], _key(node), target)
    return 0 if ranked else _radix(node).scratch


def sort_work(body: Graph, target: Target) -> tuple[int, float]:
    """How many lines there are, and nanoseconds for all of them on one thread."""
    node = sorted_node(body)
    assert node is not None
    count, _, lines = _lines(node)
    return lines, lines * line_time(count, _key(node), target)


def _lines(node: Node) -> tuple[int, int, int]:
    """Elements of a line, how far apart they lie, and how many lines there are."""
    axis = node.prim.axis if isinstance(node.prim, Sort) else node.ndim - 1
    shape = node.outputs[0].shape
    count, inner = shape[axis], math.prod(shape[axis + 1:])
    return count, inner, math.prod(shape) // count


def _key(node: Node) -> DType:
    return UINT64 if isinstance(node.prim, Permutation) else key_of(node.inputs[0].dtype)


def key_of(kind: DType) -> DType:
    """Whole numbers that can be in the order of such elements."""
    return UINT64 if kind.size == 8 else UINT32


def _radix(node: Node) -> Radix:
    return Radix(_lines(node)[0], _key(node))


def _keys_held(node: Node, target: Target) -> int:
    """Keys that a short line's buffer has room for: whole vectors, or whole turns of drawing."""
    lanes = target.lanes(_key(node))
    turn = 4 * lanes if isinstance(node.prim, Permutation) else lanes
    return -(-_lines(node)[0] // turn) * turn
