"""Settings of transforms: numbers and words flow in, checked ranges and sides flow out."""

from __future__ import annotations

from typing import Any

from ...graph.errors import ArgumentError
from .moves import InterpolationMode


def probability(op: str, p: float) -> float:
    """Raise E423 unless p is in [0, 1]."""
    if not 0 <= p <= 1:
        raise ArgumentError("E423", op, f"p = {p} is no probability", need="0 <= p <= 1")
    return p


def interval(op: str, name: str, value: Any, low: float, high: float) -> tuple[float, float]:
    """(smallest, largest). Raises E423 unless it is within [low, high] and in order."""
    a, b = (float(v) for v in value)
    if not low <= a <= b <= high:
        raise ArgumentError("E423", op, f"{name} = {value} is no range",
                            need=f"two numbers in order, within [{low:g}, {high:g}]")
    return a, b


def around(op: str, name: str, value: Any, centre: float) -> tuple[float, float]:
    """A number d means centre - d to centre + d; two numbers are a range. Raises E423."""
    if isinstance(value, int | float):
        if value < 0:
            raise ArgumentError("E423", op, f"{name} = {value} is negative",
                                need="a number >= 0, or a range")
        return centre - value, centre + value
    return interval(op, name, value, float("-inf"), float("inf"))


def interpolation(op: str, value: Any, *allowed: str) -> str:
    """A word for how to read between pixels. Raises E423 for another."""
    if str(value) not in allowed:
        raise ArgumentError("E423", op, f"there is no interpolation {value!r} here",
                            need=" or ".join(allowed))
    return InterpolationMode(str(value)).value


def sides(op: str, padding: Any) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of one, two or four numbers. Raises E423 for another count."""
    values = (padding,) if isinstance(padding, int) else tuple(padding)
    if len(values) not in (1, 2, 4):
        raise ArgumentError("E423", op, f"padding = {padding}", need="one, two or four numbers")
    left, top, right, bottom = values * (4 // len(values))
    return left, top, right, bottom


def padding_mode(op: str, mode: str) -> str:
    """np.pad's name for what lies beyond the edge. Raises E423 for another."""
    if mode not in ("constant", "edge", "reflect", "symmetric"):
        raise ArgumentError("E423", op, f"there is no padding_mode {mode!r}",
                            need="constant, edge, reflect or symmetric")
    return mode
