"""Matrix products: a `Gemm` (sizes and strides) in, loops around register tiles out.

C[M, N] (+)= A[M, K] @ B[K, N] with any element strides, so transposed and batched operands need no
copies. Every element of C is one chain over k = 0, 1, 2, ... (or, in `gemm_dot`, one fixed tree),
whatever the tile and the range of rows and columns asked for: how the work is split over threads
never changes a bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from sheer.graph.dtypes import DType, int64

from .control import Control
from .gemm_axis import Axis, inner
from .gemm_dot import Dot
from .gemm_pack import Packing
from .gemm_tile import Epilogue, Matrix, Prologue, Result, Strip, Tile, emit_tile
from .gemm_window import WindowPacking
from .target import Target
from .values import Operand, Value, constant

_L1_BYTES = 24 * 1024          # of B: smaller needs no packing
_STRIP_BYTES = 640 * 1024      # of a packed strip: what stays in a 1 MB L2 beside A and C
_WINDOW_BYTES = 192 * 1024     # the same where A is read again and again by overlapping windows
Range = tuple[Operand, Operand]


@dataclass(frozen=True)
class Gemm:
    """One matrix product. Strides are in elements: A[i, k] lies at i * a_row + k * a_col.

    An axis of A or B may be an odometer instead of a stride (`gemm_axis`).
    `accumulate` adds to what C holds. `packed` says B already lies in strips
    [N / strip][K][strip], the last one padded (see `strip_width`).
    """

    m: int
    n: int
    k: int
    dtype: DType
    a_row: Axis
    a_col: Axis
    b_row: Axis
    b_col: Axis
    c_row: int
    c_col: int = 1
    accumulate: bool = False
    packed: bool = False

    @property
    def plain(self) -> bool:
        """Has every axis one stride?"""
        return all(isinstance(x, int) for x in (self.a_row, self.a_col, self.b_row, self.b_col))

    @property
    def transposed(self) -> bool:
        """Whether lanes run along the rows of C: then C^T = B^T @ A^T is what is computed."""
        if self.packed:
            return False
        if self.c_row == 1 and (self.c_col != 1 or (self.n == 1 and self.m > 1)):
            return self.m > 1
        return False

    def turned(self) -> Gemm:
        """The same product as C^T = B^T @ A^T."""
        return replace(self, m=self.n, n=self.m, a_row=self.b_col, a_col=self.b_row,
                       b_row=self.a_col, b_col=self.a_row, c_row=self.c_col, c_col=self.c_row)


@dataclass(frozen=True)
class Plan:
    """How a product is tiled: rows and vectors per tile, k per block, and whether B is packed."""

    rows: int
    vectors: int
    lanes: int
    depth: int
    pack: bool
    dot: bool

    @property
    def strip(self) -> int:
        """Columns per strip."""
        return self.vectors * self.lanes


def plan(spec: Gemm, target: Target) -> Plan:
    """The tiling for one product, already turned so that lanes run along n."""
    lanes = target.lanes(spec.dtype)
    many = target.registers >= 32
    widest = {1: 12, 2: 8, 3: 6}.get(spec.m, 4) if many else {1: 6, 2: 4, 3: 3}.get(spec.m, 2)
    vectors = min(widest, -(-spec.n // lanes))
    tall = {1: 14, 2: 12, 3: 8}.get(vectors, 6) if many else {1: 10}.get(vectors, 6)
    if not target.fma:
        tall = {1: 8}.get(vectors, 5)          # the product needs a register of its own
    rows = max(1, min(tall, spec.m, (target.registers - 1 - vectors) // vectors))
    size = spec.dtype.size
    small = spec.k * spec.n * size <= _L1_BYTES or spec.m <= 2 * rows
    plain_b = isinstance(spec.b_row, int) and isinstance(spec.b_col, int)
    pack = not spec.packed and not (spec.b_col == 1 and small and plain_b)
    blocked = pack or spec.packed      # otherwise B is read once or twice: nothing to keep in L2
    depth = _depth(spec, vectors * lanes * size) if blocked else spec.k
    dot = (not spec.packed and min(spec.m, spec.n) <= 4 and spec.a_col == 1 and spec.b_row == 1
           and spec.b_col != 1 and spec.plain and spec.k >= lanes)
    return Plan(rows, vectors, lanes, depth, pack and not dot, dot)


def _depth(spec: Gemm, row_bytes: int) -> int:
    """Rows of B per block: as many as the caches hold, in whole turns of the odometers' fast digits."""
    most = _STRIP_BYTES if isinstance(spec.a_col, int) else _WINDOW_BYTES
    unit = math.lcm(inner(spec.a_col), inner(spec.b_row))
    return min(spec.k, max(max(256, most // row_bytes) // unit, 1) * unit)


def _upright(spec: Gemm) -> Gemm:
    return spec.turned() if spec.transposed else spec


def grain(spec: Gemm, target: Target) -> tuple[int, int]:
    """Rows and columns of C at whose multiples the work may be split over threads."""
    made = plan(_upright(spec), target)
    pair = (1, 1) if made.dot else (made.rows, made.strip)
    return (pair[1], pair[0]) if spec.transposed else pair


def workspace_elements(spec: Gemm, target: Target) -> int:
    """Elements of scratch memory that one thread needs, aligned to 64 bytes."""
    upright = _upright(spec)
    made = plan(upright, target)
    packed = made.depth * made.strip if made.pack else 0
    return packed + (upright.m * made.strip if made.depth < upright.k else 0)


def emit_gemm(  # noqa: PLR0917 - three matrices and their workspace, as in BLAS
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
        with b.loop(rows[0], _least(b, rows[1], whole), self.plan.rows) as row:
            self._tile(strip, row, self.plan.rows)
        if rest:
            last = constant(whole, int64)
            _if_last(b, rows, spec.m, lambda: self._tile(strip, last, rest))

    def _operand(self, column: Value, width: int, first: Value, end: Value) -> Strip:
        """Where the strip's B lies for this block of k."""
        b, spec, made = self.b, self.spec, self.plan
        if spec.packed:
            start = b.add(b.mul(column, spec.k), b.mul(first, made.strip))
            at = b.offset(self.other, start, spec.dtype)
            return Strip(at, made.strip, column, width, first, end, padded=True)
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
        """Where sums lie between blocks of k, behind the packed strip; None: in C."""
        made = self.plan
        if made.depth >= self.spec.k or self.epilogue is None:
            return None
        assert self.workspace is not None
        return self.b.offset(self.workspace, made.depth * made.strip if made.pack else 0,
                             self.spec.dtype)

    def _tile(self, strip: Strip, row: Value, height: int) -> None:
        spec = self.spec
        a = Matrix(self.a, spec.a_row, spec.a_col)
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
