"""Planning a product: sizes, strides and a processor flow in; tile, blocks and packing come out."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from sheer.graph.dtypes import DType

from ..ir.target import Target
from .axis import Axis, digits_of, inner, refined, steps
from .long import fits_long
from .stage import staged_rows
from .window import reach

_L1_BYTES = 24 * 1024          # of B: smaller needs no packing
_STRIP_BYTES = 640 * 1024      # of a packed strip: what stays in a 1 MB L2 beside A and C
_ADDRESSES = 8                 # in registers at once, beside what loops count
_WINDOW_BYTES = 192 * 1024     # the same where A is read again and again by overlapping windows


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
    def plain_b(self) -> bool:
        return isinstance(self.b_row, int) and isinstance(self.b_col, int)

    @property
    def strip_width(self) -> int:
        """Columns that lie side by side in strips of B, row after row; 0: B is laid out otherwise.

        With several strips, the columns of one stand between its rows, as `lighten_loops` puts
        them; a single one is a matrix of few columns.
        """
        if not isinstance(self.b_row, int) or self.packed:
            return 0
        if self.b_col == 1:
            return self.n if self.n == self.b_row else 0
        if isinstance(self.b_col, int) or len(self.b_col) != 2:
            return 0
        (_, far), (width, near) = self.b_col
        return width if near == 1 and (self.b_row, far) == (width, width * self.k) else 0

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
    """How a product is tiled: rows and vectors per tile, k per block, whether B is packed, and how
    many rows of A are copied at a time, if any.
    """

    rows: int
    vectors: int
    lanes: int
    depth: int
    pack: bool
    dot: bool
    long: bool
    strips: bool              # B lies in strips already: see `Gemm.strip_width`
    stage: int = 0            # see `stage`

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
    strips = spec.strip_width
    in_strips = strips % lanes == 0 and 0 < strips <= 8 * lanes
    if in_strips:
        vectors = math.gcd(strips // lanes, vectors)
    tall = {1: 16, 2: 12, 3: 8}.get(vectors, 6) if many else {1: 10}.get(vectors, 6)
    if not target.fma:
        tall = {1: 8}.get(vectors, 5)          # the product needs a register of its own
    rows = _even(spec, max(1, min(tall, spec.m, (target.registers - 1 - vectors) // vectors)))
    size = spec.dtype.size
    small = spec.k * spec.n * size <= _L1_BYTES or spec.m <= 2 * rows
    direct = spec.b_col == 1 and small if spec.plain_b else (
        spec.m <= rows and _readable(spec, target))
    pack = not (spec.packed or in_strips or direct)
    dot = (not spec.packed and min(spec.m, spec.n) <= 4 and spec.a_col == 1 and spec.b_row == 1
           and spec.b_col != 1 and spec.plain and spec.k >= lanes)
    long = pack and not dot and fits_long(spec, target)
    pack = pack and not dot and not long
    stage = staged_rows(spec, rows, lanes) if pack or in_strips else 0
    blocked = pack or spec.packed or stage     # else B is read once or twice: no need for L2
    depth = _depth(spec, (vectors * lanes + stage) * size) if blocked else spec.k
    return Plan(rows, vectors, lanes, depth, pack, dot, long, in_strips, stage)


def _even(spec: Gemm, most: int) -> int:
    """Rows per tile, so that wherever a tile starts they lie at the same distances: fewer than fit,
    if need be. Where that cannot be, each has a register for its address.
    """
    for rows in range(most, max(most // 2, 1) - 1, -1):
        if steps(spec.a_row, spec.m, rows) is not None:
            return rows
    return min(most, _ADDRESSES)


def _readable(spec: Gemm, target: Target) -> bool:
    """Can vectors of a row of B be read where they are, while k runs over A?"""
    common = refined(digits_of(spec.a_col, spec.k), digits_of(spec.b_row, spec.k))
    return common is not None and reach(spec.b_col, spec.n, spec.dtype, target) > 0


def _depth(spec: Gemm, row_bytes: int) -> int:
    """Rows of B per block: as many as the caches hold, in whole turns of the fast digits."""
    most = _STRIP_BYTES if isinstance(spec.a_col, int) else _WINDOW_BYTES
    unit = math.lcm(inner(spec.a_col), inner(spec.b_row))
    return min(spec.k, max(max(256, most // row_bytes) // unit, 1) * unit)


def _upright(spec: Gemm) -> Gemm:
    return spec.turned() if spec.transposed else spec


def grain(spec: Gemm, target: Target) -> tuple[int, int]:
    """Rows and columns of C at whose multiples the work may be split over threads."""
    upright = _upright(spec)
    made = plan(upright, target)
    pair = (1, 1) if made.dot else (upright.m, 1) if made.long else (made.rows, made.strip)
    return (pair[1], pair[0]) if spec.transposed else pair


def workspace_elements(spec: Gemm, target: Target) -> int:
    """Elements of scratch memory that one thread needs, aligned to 64 bytes."""
    upright = _upright(spec)
    made = plan(upright, target)
    return packed_elements(made) + made.depth * made.stage + (
        upright.m * made.strip if made.depth < upright.k else 0)


def packed_elements(made: Plan) -> int:
    """Elements of a packed strip, which lies first in the scratch memory; then come staged rows."""
    return made.depth * made.strip if made.pack else 0
