"""Turned, sheared and slanted pictures: chance draws a matrix; the picture flows out under it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...graph.errors import ArgumentError
from . import chance
from .base import Geometric
from .moves import Move, Still, Warp, mapped
from .settings import around, interval, probability
from .settings import interpolation as reading


class RandomRotation(Geometric):
    """Turned by a random angle, counter-clockwise.

    Shape   any picture -> the same; larger with expand
    Params  degrees        d for -d to d, or (smallest, largest)
            interpolation  nearest or bilinear
            expand         make the picture as large as it needs to be
            center         (x, y) that stays; the middle unless given
            fill           the value of pixels that come from outside
    Raises  E423
    Source  torchvision.transforms.RandomRotation
    """

    def __init__(self, degrees: Any, interpolation: str = "nearest", expand: bool = False,
                 center: tuple[float, float] | None = None, fill: float = 0) -> None:
        self.degrees = around("RandomRotation", "degrees", degrees, 0.0)
        self.interpolation = reading("RandomRotation", interpolation, "nearest", "bilinear")
        self.expand, self.center, self.fill = expand, center, fill

    def move(self, high: int, wide: int) -> Move:
        turn = turned(-chance.between(*self.degrees))          # y goes down
        forth = about(self.center or (wide / 2, high / 2), turn)
        size = (high, wide)
        if self.expand:
            ends = mapped(forth, np.array([[0, 0], [wide, 0], [wide, high], [0, high]], float))
            low, top = ends.min(0), ends.max(0)
            size = int(np.ceil(top[1] - low[1] - 1e-6)), int(np.ceil(top[0] - low[0] - 1e-6))
            forth = shifted(*((np.array(size[::-1]) - low - top) / 2)) @ forth
        return warped(forth, size, (high, wide), self.interpolation, self.fill)

    def __repr__(self) -> str: return f"RandomRotation(degrees={self.degrees})"


class RandomAffine(Geometric):
    """Turned, shifted, stretched and sheared at random, around the middle.

    Shape   any picture -> the same
    Params  degrees        of turning, clockwise: d for -d to d, or (smallest, largest)
            translate      largest shifts as shares of width and height, in whole pixels
            scale          smallest and largest factor
            shear          degrees along x: d, or (smallest, largest); four numbers: also along y
            interpolation  nearest or bilinear
            fill           the value of pixels that come from outside
            center         (x, y) that stays; the middle unless given
    Raises  E423
    Source  torchvision.transforms.RandomAffine
    """

    def __init__(self, degrees: Any, translate: Any = None, scale: Any = None, shear: Any = None,
                 interpolation: str = "nearest", fill: float = 0,
                 center: tuple[float, float] | None = None) -> None:
        op = "RandomAffine"
        self.degrees = around(op, "degrees", degrees, 0.0)
        self.translate = tuple(translate or (0.0, 0.0))
        if not all(0 <= t <= 1 for t in self.translate):
            raise ArgumentError("E423", op, f"translate = {translate}", need="two shares in [0, 1]")
        self.scale = interval(op, "scale", scale or (1.0, 1.0), 1e-9, 1e9)
        values = (0.0, 0.0) if shear is None else shear
        flat = around(op, "shear", values, 0.0) if np.size(values) < 4 else tuple(values)
        self.shear = (*flat, 0.0, 0.0)[:4]
        self.interpolation = reading(op, interpolation, "nearest", "bilinear")
        self.fill, self.center = fill, center

    def move(self, high: int, wide: int) -> Move:
        turn = turned(chance.between(*self.degrees))
        dx, dy = (round(chance.between(-t * n, t * n))
                  for t, n in zip(self.translate, (wide, high), strict=True))
        factor = chance.between(*self.scale)
        along = [math.tan(math.radians(chance.between(*self.shear[i:i + 2]))) for i in (0, 2)]
        lean = np.array([[1, along[0], 0], [along[1], 1, 0], [0, 0, 1 / factor]])
        forth = shifted(dx, dy) @ about(self.center or (wide / 2, high / 2), turn @ lean)
        return warped(forth, (high, wide), (high, wide), self.interpolation, self.fill)

    def __repr__(self) -> str: return f"RandomAffine(degrees={self.degrees}, scale={self.scale})"


class RandomPerspective(Geometric):
    """Seen from another place, with probability p: each corner moves inwards at random.

    Shape   any picture -> the same
    Params  distortion_scale  how far corners move at most, as a share of half the size
    Raises  E423
    Source  torchvision.transforms.RandomPerspective
    """

    def __init__(self, distortion_scale: float = 0.5, p: float = 0.5,
                 interpolation: str = "bilinear", fill: float = 0) -> None:
        op = "RandomPerspective"
        self.p, self.distortion_scale = probability(op, p), probability(op, distortion_scale)
        self.interpolation = reading(op, interpolation, "nearest", "bilinear")
        self.fill = fill

    def move(self, high: int, wide: int) -> Move:
        if chance.uniform() >= self.p:
            return Still((high, wide))
        corners = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], float)
        inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
        most = np.array([wide, high]) / 2 * self.distortion_scale
        moved = corners + inwards * most * chance.numbers(4, 2)
        return warped(projection(corners, moved), (high, wide), (high, wide), self.interpolation,
                      self.fill)

    def __repr__(self) -> str: return f"RandomPerspective(p={self.p})"


def turned(degrees: float) -> np.ndarray:
    """Turning clockwise, y going down; quarter turns are exact."""
    quarter, rest = divmod(degrees, 90)
    c, s = (math.cos(math.radians(rest)), math.sin(math.radians(rest))) if rest else (1.0, 0.0)
    c, s = [(c, s), (-s, c), (-c, -s), (s, -c)][int(quarter) % 4]
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])


def shifted(dx: float, dy: float) -> np.ndarray:
    """A shift as a matrix."""
    return np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1.0]])


def about(centre: tuple[float, float], matrix: np.ndarray) -> np.ndarray:
    """The map with that centre as its fixed point."""
    result: np.ndarray = shifted(*centre) @ matrix @ shifted(-centre[0], -centre[1])
    return result


def projection(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The projective map that sends four points (4, 2) to four others."""
    rows, right = [], []
    for (x, y), (u, v) in zip(start, end, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    return np.append(np.linalg.solve(np.array(rows), np.array(right)), 1.0).reshape(3, 3)


def warped(forth: np.ndarray, size: tuple[int, int], old: tuple[int, int], interpolation: str,
           fill: float) -> Move:
    """The move of a map from old points to new ones; none at all for the identity."""
    if size == old and np.array_equal(forth / forth[2, 2], np.eye(3)):
        return Still(size)
    return Warp(size, np.linalg.inv(forth), interpolation, fill)
