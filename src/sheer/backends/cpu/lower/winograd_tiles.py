"""Tiles of 2 x 2 results: their number flows in, where they lie comes out; and the transforms.

The matrices are those of Lavin and Gray 2015, arXiv:1509.09308, equations 9 and 10, written out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sheer.compile.rewrites.winograd import Tiles
from sheer.graph.dtypes import int64

from ..ir.builder import Builder
from ..ir.values import UINT64, Value, constant

Vectors = Sequence[Value]
Place = tuple[Value, Value, Value]      # image, row, column of a tile's first result
Line = Callable[[Builder, Vectors], list[Value]]


@dataclass(frozen=True)
class Grid:
    """Where tiles lie among results, and in images of `padded` (height, width) pixels."""

    b: Builder
    tiles: Tiles
    padded: tuple[int, ...]

    @property
    def width(self) -> int: return self.padded[1]

    def place(self, number: Value) -> Place:
        """The image of a tile, and the row and column of its first pixel."""
        b, whole = self.b, self.b.cast(number, UINT64)
        by = lambda n: constant(n, UINT64)
        line, column = b.floordiv(whole, by(self.tiles.wide)), b.rem(whole, by(self.tiles.wide))
        image, row = b.floordiv(line, by(self.tiles.high)), b.rem(line, by(self.tiles.high))
        return (b.cast(image, int64), b.mul(b.cast(row, int64), 2),
                b.mul(b.cast(column, int64), 2))

    def corner(self, image: Value, y: Value, x: Value) -> Value:
        """The number of a pixel of the padded images."""
        b, (height, width) = self.b, self.padded
        return b.add(b.mul(b.add(b.mul(image, height), y), width), x)

    def pixel(self, image: Value, y: Value, x: Value, dy: int, dx: int) -> Value:
        """The number of a result."""
        b, (height, width) = self.b, self.tiles.size
        return b.add(b.mul(b.add(b.mul(image, height), b.add(y, dy)), width), b.add(x, dx))

    def exists(self, y: Value, x: Value, dy: int, dx: int) -> Value | None:
        """Whether a tile has this result: at an odd end it has not. None: always."""
        b, (height, width) = self.b, self.tiles.size
        holds = [b.lt(b.add(at, d), size) for at, d, size in ((y, dy, height), (x, dx, width))
                 if d and size % 2]
        return None if not holds else holds[0] if len(holds) == 1 else b.and_(*holds)

    def inside(self, y: Value, x: Value, dy: int, dx: int, body: Callable[[], None]) -> None:
        """Write `body` to run where the tile has this result."""
        holds = self.exists(y, x, dy, dx)
        if holds is None:
            body()
            return
        with self.b.if_(holds):
            body()


def finite(b: Builder, values: Vectors) -> Value:
    """Is no lane of any vector an infinity or NaN?"""
    zero = constant(0, values[0].dtype, values[0].lanes)
    total = b.mul(values[0], zero)
    for value in values[1:]:
        total = b.fma(value, zero, total)
    return b.not_(b.any(b.isnan(total)))


def to_inputs(b: Builder, seen: Vectors) -> list[Value]:
    """B^T d B of the 4 x 4 pixels that a tile sees."""
    return _both(b, seen, 4, lambda b, d: [b.sub(d[0], d[2]), b.add(d[1], d[2]),
                                           b.sub(d[2], d[1]), b.sub(d[1], d[3])])


def to_results(b: Builder, sums: Vectors) -> list[Value]:
    """A^T m A: the 2 x 2 results of a tile."""
    return _both(b, sums, 4, lambda b, m: [b.add(b.add(m[0], m[1]), m[2]),
                                           b.sub(b.sub(m[1], m[2]), m[3])])


def from_results(b: Builder, cts: Vectors) -> list[Value]:
    """A y A^T: the 4 x 4 positions that 2 x 2 results hand back to."""
    return _both(b, cts, 2, lambda b, y: [y[0], b.add(y[0], y[1]), b.sub(y[0], y[1]), b.neg(y[1])])


def to_taps(b: Builder, sums: Vectors) -> list[Value]:
    """G^T m G: the gradients of the 3 x 3 taps."""
    def line(b: Builder, m: Vectors) -> list[Value]:
        half = constant(0.5, m[0].dtype, m[0].lanes)
        even, odd = b.mul(b.add(m[1], m[2]), half), b.mul(b.sub(m[1], m[2]), half)
        return [b.add(m[0], even), odd, b.add(even, m[3])]
    return _both(b, sums, 4, line)


def _both(b: Builder, square: Vectors, size: int, line: Line) -> list[Value]:
    """One transform along the columns of a square, then along the rows of what that gives."""
    columns = [line(b, square[q::size]) for q in range(size)]
    rows = [line(b, [column[r] for column in columns]) for r in range(len(columns[0]))]
    return [value for row in rows for value in row]
