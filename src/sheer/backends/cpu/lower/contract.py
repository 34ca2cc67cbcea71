"""Contract kernels: a body with one dot flows in, tiled products with its epilogue come out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sheer.compile.indexing.index import Var
from sheer.compile.indexing.strided import Strided, strided
from sheer.compile.nest import Nest, nest_of
from sheer.graph import Graph, Node
from sheer.graph.dtypes import int64
from sheer.ops.contract.dot import Dot

from ..gemm.axis import place, simplest
from ..gemm.product import Gemm, emit_gemm, workspace_elements
from ..ir.builder import Builder
from ..ir.control import Control
from ..ir.target import Target
from ..ir.values import Operand, Value, constant
from .expr import Expressions
from .index import Turn

Limits = tuple[Value, Value] | None


@dataclass(frozen=True)
class Split:
    """Cut `axis` ("units", "batch", "rows", "columns"; of a scatter also "lines", vectors of every
    row) at multiples of `step`, `count` parts.

    near_only  not worth it where cores take long to see each other's memory
    """

    axis: str
    count: int
    step: int = 1
    near_only: bool = False


@dataclass(frozen=True)
class Product:
    """The dot of a body as strides: one Gemm per turn of the batch loops."""

    dot: Node
    nest: Nest
    left: Strided
    right: Strided
    gemm: Gemm

    @property
    def batch(self) -> tuple[int, ...]: return self.dot.shape[:-2]


def product_of(body: Graph) -> Product:
    """What a contract body multiplies."""
    dot = next(n for n in body.nodes if isinstance(n.prim, Dot))
    left, right = (strided(x) for x in dot.inputs)
    m, n = dot.shape[-2:]
    axes = [simplest(digits) for x in (left, right) for digits in x.axes[-2:]]
    a_row, a_col, b_row, b_col = axes
    gemm = Gemm(m, n, dot.inputs[0].shape[-1], dot.dtype, a_row, a_col, b_row, b_col, c_row=n)
    return Product(dot, nest_of(dot), left, right, gemm)


def contract_scratch(body: Graph, target: Target) -> int:
    """Bytes of scratch memory that one thread needs."""
    product = product_of(body)
    return workspace_elements(product.gemm, target) * product.dot.dtype.size


@dataclass(frozen=True)
class Whole:
    """A product without batches whose kernel is written elsewhere; its epilogue is written here."""

    dot: Node
    nest: Nest
    batch: tuple[int, ...] = ()


class ContractKernel:
    """Writes one contract kernel into the open function."""

    product: Any          # a Product, or a Whole

    def __init__(self, b: Builder, body: Graph, inputs: Sequence[Value], outputs: Sequence[Value],
                 scratch: Value) -> None:
        self.b, self.body, self.scratch = b, body, scratch
        self.pointers = dict(zip(body.inputs, inputs, strict=True))
        self.product = self.product_of(body)
        self.outputs = list(zip(body.outputs, outputs, strict=True))
        self.outputs.sort(key=lambda pair: pair[0] is not self.product.dot)   # the dot itself first

    def product_of(self, body: Graph) -> Any:
        """What is multiplied."""
        return product_of(body)

    def write(self, split: Split | None = None, begin: Operand = 0, end: Operand = 0) -> None:
        """Everything, or parts [begin, end) of a split."""
        if split is not None and split.axis == "batch":
            with self.b.loop(begin, end) as number:
                self._one(self._unravel(number), None, None)
            return
        limits = None
        if split is not None:
            size = self.product.gemm.m if split.axis == "rows" else self.product.gemm.n
            cut = lambda x: self.b.min(self.b.mul(self.b.index(x), split.step), size)
            limits = (cut(begin), cut(end))
        rows = limits if split is not None and split.axis == "rows" else None
        columns = limits if split is not None and split.axis == "columns" else None
        self._batches([], rows, columns)

    def _unravel(self, number: Value) -> list[Value]:
        """The index of each batch axis, from the batch's number."""
        at: list[Value] = []
        for size in reversed(self.product.batch):
            at.insert(0, self.b.rem(number, size))
            number = self.b.floordiv(number, size)
        return at

    def _batches(self, at: list[Value], rows: Limits, columns: Limits) -> None:
        if len(at) == len(self.product.batch):
            self._one(at, rows, columns)
            return
        with self.b.loop(0, self.product.batch[len(at)]) as i:
            self._batches([*at, i], rows, columns)

    def _one(self, at: list[Value], rows: Limits, columns: Limits) -> None:
        p = self.product
        a, other = self._operand(p.left, at), self._operand(p.right, at)
        c = self._result(self.outputs[0][1], at)
        plain = len(self.outputs) == 1 and self.outputs[0][0] is p.dot
        emit_gemm(self.b, p.gemm, a, other, c, self.scratch, rows=rows, columns=columns,
                  epilogue=None if plain else self._epilogue(at))

    def _operand(self, x: Strided, at: list[Value]) -> Value:
        """The address of the operand's first element in this batch."""
        b, start = self.b, constant(x.start, int64)
        for i, digits in zip(at, x.axes, strict=False):
            start = b.add(start, place(b, simplest(digits), i))
        return b.offset(address(b, x.node, self.pointers), start, x.node.dtype)

    def _result(self, pointer: Value, at: list[Value]) -> Value:
        b, p, place = self.b, self.product, constant(0, int64)
        for i, size in zip(at, p.batch, strict=True):
            place = b.add(b.mul(place, size), i)
        return b.offset(pointer, b.mul(place, p.gemm.m * p.gemm.n), self.outputs[0][0].dtype)

    def _epilogue(self, at: list[Value]):  # type: ignore[no-untyped-def]
        """What happens to each vector of the product while it is in a register."""
        variables = [next(iter(i.terms)) for i in self.product.nest.indices]
        *batch, m, n = self.product.dot.shape
        counters = [i for i, s in zip(at, batch, strict=True) if s != 1]

        def epilogue(b: Control, value: Value, row: Value, column: Value, mask: Value | None,
                     ) -> Value:
            wide = value.lanes > 1
            inner = [i for i, s in ((row, m), (column, n)) if s != 1]     # an axis of 1 is no loop
            bound = {v: i for v, i in zip(variables, [*counters, *inner], strict=True)
                     if isinstance(v, Var)}
            last = variables[-1]
            assert isinstance(last, Var)
            assert isinstance(b, Builder)
            turn = Turn(b, bound, last if wide else None, value.lanes, mask)
            expr = Expressions(b, turn, self.pointers)
            expr.known[self.product.dot] = value
            values = [expr.value(n, self._place(n)) for n, _ in self.outputs]
            for (node, pointer), found in zip(self.outputs[1:], values[1:], strict=True):
                expr.store(node, pointer, self._place(node), found)
            return b.broadcast(values[0], value.lanes)
        return epilogue

    def _place(self, node: Node):  # type: ignore[no-untyped-def]
        return self.product.nest.place(node)


def address(b: Builder, node: Node, pointers: dict[Node, Value]) -> Value:
    """Where an operand lies; a number is put on the stack."""
    if node in pointers:
        return pointers[node]
    slot = b.alloca(node.dtype, 1)
    b.store(slot, 0, b.const(node.prim.ref().item(), node.dtype))
    return slot
