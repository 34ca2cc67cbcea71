"""Axes of a matrix: the number of a row or column flows in, its distance from the first comes out.

An axis is a stride, or an odometer of (length, stride) digits, slowest first: what a convolution's
windows see steps along rows, then from row to row, then from channel to channel.
"""

from __future__ import annotations

import math

import numpy as np

from sheer.graph.dtypes import int64

from ..ir.control import Control
from ..ir.values import UINT64, Operand, Value, constant

Digits = tuple[tuple[int, int], ...]
Axis = int | Digits


def simplest(digits: Digits) -> Axis:
    """A plain stride where one digit, or none, is all there is."""
    if len(digits) > 1:
        return digits
    return digits[0][1] if digits else 0


def digits_of(axis: Axis, size: int) -> Digits:
    """The axis as digits."""
    return ((size, axis),) if isinstance(axis, int) else axis


def inner(axis: Axis) -> int:
    """Numbers that one step of the slowest digit spans."""
    return 1 if isinstance(axis, int) else math.prod(size for size, _ in axis[1:])


def place(b: Control, axis: Axis, index: Operand) -> Value:
    """How many elements after the first one number `index` lies."""
    at = b.index(index)
    if isinstance(axis, int):
        return b.mul(at, axis)
    if isinstance(at.known, int):
        return constant(int(places(axis, np.array([at.known]))[0]), int64)
    total, rest = constant(0, int64), b.cast(at, UINT64)
    for size, stride in reversed(axis[1:]):
        by = constant(size, UINT64)
        total = b.add(total, b.mul(b.cast(b.rem(rest, by), int64), stride))
        rest = b.floordiv(rest, by)
    return b.add(total, b.mul(b.cast(rest, int64), axis[0][1]))


def places(axis: Axis, numbers: np.ndarray) -> np.ndarray:
    """The same for many numbers that are known now."""
    if isinstance(axis, int):
        axis = ((1, axis),)
    total: np.ndarray = np.zeros_like(numbers)
    rest = numbers
    for size, stride in reversed(axis[1:]):
        total = total + rest % size * stride
        rest = rest // size
    total = total + rest * axis[0][1]
    return total


def steps(axis: Axis, size: int, height: int) -> list[int] | None:
    """Distances of `height` neighbours from the first of them, if they are those at every multiple
    of `height` below `size`.
    """
    if isinstance(axis, int):
        return [axis * r for r in range(height)]
    whole = size // height * height
    table = places(axis, np.arange(max(whole, height))).reshape(-1, height)
    table = table - table[:, :1]
    return [int(s) for s in table[0]] if (table == table[0]).all() else None


def refined(a: Digits, b: Digits) -> list[tuple[int, int, int]] | None:
    """Both odometers with common digits, (length, stride of a, stride of b), slowest first; None
    when there are none.
    """
    left, right = list(a), list(b)
    found: list[tuple[int, int, int]] = []
    while left and right:
        (n, step), (m, other) = left.pop(), right.pop()
        size = min(n, m)
        if n != m and (size == 0 or n % size or m % size):
            return None
        found.append((size, step, other))
        if n > size:
            left.append((n // size, step * size))
        if m > size:
            right.append((m // size, other * size))
    ones = all(size == 1 for size, _ in left + right)
    return found[::-1] if ones and found else None


def divided(b: Control, x: Value, by: int) -> Value:
    """x / by, where that is known to leave no rest."""
    if by == 1:
        return x
    return constant(x.known // by, int64) if isinstance(x.known, int) else b.floordiv(x, by)
