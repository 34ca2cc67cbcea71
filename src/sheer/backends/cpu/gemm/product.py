"""Matrix products: a `Gemm` (sizes and strides) in, loops around register tiles out.

C[M, N] (+)= A[M, K] @ B[K, N] with any element strides, so transposed and batched operands need no
copies. Every element of C is one chain over k = 0, 1, 2, ... (or, in `gemm_dot`, one fixed tree),
whatever the tile and the range of rows and columns asked for: how the work is split over threads
never changes a bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sheer.graph.dtypes import int64

from ..ir.control import Control
from ..ir.values import Operand, Value, constant
from .axis import place
from .dot import Dot
from .long import LongDot
from .pack import Packing
from .plan import Gemm, Plan, grain, packed_elements, plan, workspace_elements
from .stage import Stage
from .tile import Epilogue, Matrix, Prologue, Result, Strip, Tile, emit_tile
from .window import Columns, WindowPacking

Range = tuple[Operand, Operand]

__all__ = ["Gemm", "Plan", "emit_gemm", "grain", "plan", "workspace_elements"]


def emit_gemm(
    b: Control, spec: Gemm, a: Value, other: Value, c: Value, workspace: Value | None = None, *,
    rows: Range | None = None, columns: Range | None = None,
    epilogue: Epilogue | None = None, prologue: Prologue | None = None,
) -> None:
    """Write the product into the open function; `a`, `other` (B) and `c` are pointers.

    `rows` and `columns` are (begin, end) ranges of C, numbers or i64 values, cut at multiples of
    `grain` (or at the end of C). `epilogue(b, value, row, column, mask)` maps each finished vector
    before it is stored: row and column are those of its first lane, lanes run along the columns
    (along the rows if `spec.transposed`), and `mask` (None: all) says which lanes exist.
    `prologue(b, scalar, row, k)` maps each element of A (of B if `spec.transposed`).
    """
    if spec.transposed:
        flipped = _flip(epilogue)
        emit_gemm(b, spec.turned(), other, a, c, workspace, rows=columns, columns=rows,
                  epilogue=flipped, prologue=prologue)
        return
    made = plan(spec, b.target)
    if spec.m == 0 or spec.n == 0:
        return
    row_range = _as_range(b, rows, spec.m)
    column_range = _as_range(b, columns, spec.n)
    if made.dot and prologue is None:
        Dot(b, spec, a, other, c, epilogue).write(row_range, column_range)
        return
    if made.long and prologue is None:
        LongDot(b, spec, a, other, c, epilogue).write(column_range)
        return
    if workspace is None and (needed := workspace_elements(spec, b.target)):
        raise TypeError(f"this product needs a workspace of {needed} elements")
    _Product(b, spec, made, a, other, c, workspace, epilogue, prologue).write(
        row_range, column_range)


def _flip(epilogue: Epilogue | None) -> Epilogue | None:
    if epilogue is None:
        return None
    return lambda b, value, row, column, mask: epilogue(b, value, column, row, mask)


def _as_range(b: Control, given: Range | None, size: int) -> tuple[Value, Value]:
    begin, end = given or (0, size)
    return b.index(begin), b.index(end)


@dataclass
class _Product:
    """The loops of one product: strips of columns, blocks of k, tiles of rows."""

    b: Control
    spec: Gemm
    plan: Plan
    a: Value
    other: Value
    c: Value
    workspace: Value | None
    epilogue: Epilogue | None
    prologue: Prologue | None

    def write(self, rows: tuple[Value, Value], columns: tuple[Value, Value]) -> None:
        """Full strips in a loop, then the last one, narrower."""
        b, strip = self.b, self.plan.strip
        rest = self.spec.n % strip
        whole = self.spec.n - rest
        if whole:
            with b.loop(columns[0], _least(b, columns[1], whole), strip) as column:
                self._strip(rows, column, strip)
        if rest:
            last = constant(whole, int64)
            _if_last(b, columns, self.spec.n, lambda: self._strip(rows, last, rest))

    def _strip(self, rows: tuple[Value, Value], column: Value, width: int) -> None:
        """All blocks of k for one strip."""
        b, depth, k = self.b, self.plan.depth, self.spec.k
        if depth >= k:
            self._block(rows, column, width, constant(0, int64), constant(k, int64))
            return
        with b.loop(0, k, depth) as first:
            self._block(rows, column, width, first, b.min(b.add(first, depth), k))

    def _block(self, rows: tuple[Value, Value], column: Value, width: int, first: Value,
               end: Value) -> None:
        """Pack one block of the strip if need be, then run the row tiles over it."""
        b, spec = self.b, self.spec
        strip = self._operand(column, width, first, end)
        rest = spec.m % self.plan.rows
        whole = spec.m - rest
        self._tiles(strip, rows[0], _least(b, rows[1], whole))
        if rest:
            last = constant(whole, int64)
            _if_last(b, rows, spec.m, lambda: self._tile(strip, last, rest, self.a))

    def _tiles(self, strip: Strip, begin: Value, end: Value) -> None:
        """Tiles of full height, in groups where A is staged."""
        b, spec, made = self.b, self.spec, self.plan
        if not made.stage:
            with b.loop(begin, end, made.rows) as row:
                self._tile(strip, row, made.rows, self.a)
            return
        assert self.workspace is not None
        assert isinstance(spec.a_col, int)
        stage = Stage(b, self.a, spec.a_col, b.offset(self.workspace, packed_elements(made),
                                                      spec.dtype), made.stage, spec.dtype)
        with b.loop(begin, end, made.stage) as first:
            stop = b.min(b.add(first, made.stage), end)
            copy = stage.copy(first, b.sub(stop, first), strip.first, strip.end)
            with b.loop(first, stop, made.rows) as row:
                self._tile(strip, row, made.rows, copy)

    def _operand(self, column: Value, width: int, first: Value, end: Value) -> Strip:
        """Where the strip's B lies for this block of k."""
        b, spec, made = self.b, self.spec, self.plan
        if spec.packed:
            start = b.add(b.mul(column, spec.k), b.mul(first, made.strip))
            at = b.offset(self.other, start, spec.dtype)
            return Strip(at, made.strip, column, width, first, end, padded=True)
        if made.strips:
            start = b.add(place(b, spec.b_col, column), place(b, spec.b_row, first))
            at = b.offset(self.other, start, spec.dtype)
            return Strip(at, spec.b_row, column, width, first, end, padded=True)
        if not spec.plain_b and not made.pack:
            loads = Columns(b, spec.b_col, spec.n, spec.dtype).loads(column, width)
            at = b.offset(self.other, place(b, spec.b_row, first), spec.dtype)
            return Strip(at, spec.b_row, column, width, first, end, padded=False, loads=loads)
        if not (isinstance(spec.b_row, int) and isinstance(spec.b_col, int)):
            assert self.workspace is not None
            WindowPacking(b, self.other, self.workspace, first, end, column, width, made.strip,
                          spec.b_row, spec.k, spec.b_col, spec.n, spec.dtype).write()
            return Strip(self.workspace, made.strip, column, width, first, end, padded=True)
        start = b.add(b.mul(column, spec.b_col), b.mul(first, spec.b_row))
        at = b.offset(self.other, start, spec.dtype)
        if not made.pack:
            return Strip(at, spec.b_row, column, width, first, end, padded=False)
        assert self.workspace is not None
        Packing(b, at, self.workspace, b.sub(end, first), width, made.strip,
                (spec.b_row, spec.b_col), spec.dtype).write()
        return Strip(self.workspace, made.strip, column, width, first, end, padded=True)

    def _partial(self) -> Value | None:
        """Where sums lie between blocks of k, behind what is packed and staged; None: in C."""
        made = self.plan
        if made.depth >= self.spec.k or self.epilogue is None:
            return None
        assert self.workspace is not None
        return self.b.offset(self.workspace, packed_elements(made) + made.depth * made.stage,
                             self.spec.dtype)

    def _tile(self, strip: Strip, row: Value, height: int, pointer: Value) -> None:
        """One tile; `pointer`: A, or the copy of some of its rows."""
        spec = self.spec
        a = Matrix(pointer, spec.a_row, spec.a_col if pointer is self.a else self.plan.stage)
        c = Result(self.c, spec.c_row, spec.c_col)
        tile = Tile(row, height, self.plan.lanes, spec.dtype, a, c, spec.m, spec.k, spec.accumulate,
                    self._partial(), self.plan.strip)
        emit_tile(self.b, tile, strip, self.epilogue, self.prologue)


def _least(b: Control, x: Value, limit: int) -> Value:
    if isinstance(x.known, int):
        return constant(min(x.known, limit), int64)
    return b.min(x, limit)


def _if_last(b: Control, limits: tuple[Value, Value], size: int, body: Callable[[], None]) -> None:
    """Write `body` to run only when the range is not empty and reaches the end of the matrix."""
    begin, end = limits
    if isinstance(begin.known, int) and isinstance(end.known, int):
        if begin.known < end.known == size:
            body()
        return
    with b.if_(b.and_(b.eq(end, size), b.lt(begin, end))):
        body()
