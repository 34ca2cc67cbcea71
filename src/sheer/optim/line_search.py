"""A line search: a way down flows in, a step that goes far enough but not too far flows out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

ENOUGH = 1e-4          # c1: the share of the promised decrease that a step must bring
FLAT = 0.9             # c2: the share of the first slope that may be left


@dataclass(frozen=True)
class Point:
    """A place along a direction: how far, the loss there, its gradient."""

    at: float
    loss: float
    gradient: np.ndarray


def strong_wolfe(probe: Callable[[float], Point], here: Point, direction: np.ndarray, slope: float,
                 rate: float, tolerance: float, most: int) -> Point:
    """A point that fulfils both strong Wolfe conditions, or the best of the `most` looked at.

    Source  Nocedal and Wright 2006, Numerical Optimization, algorithms 3.5 and 3.6, with cubic
            interpolation (equation 3.59)
    """
    return _Search(probe, here, direction, slope, tolerance, most).run(rate)


class _Search:
    def __init__(self, probe: Callable[[float], Point], here: Point, direction: np.ndarray,
                 slope: float, tolerance: float, most: int) -> None:
        self.probe, self.here, self.slope = probe, here, slope
        self.direction, self.tolerance = direction, tolerance
        self.size = float(np.abs(direction).max(initial=0))
        self.most, self.looked = most, 0

    def along(self, p: Point) -> float:
        """The slope at a point."""
        return float(p.gradient @ self.direction)

    def too_high(self, p: Point) -> bool:
        """Does the loss not fall as far as the first slope promises?"""
        return p.loss > self.here.loss + ENOUGH * p.at * self.slope

    def flat(self, p: Point) -> bool:
        """Is little of the first slope left?"""
        return abs(self.along(p)) <= -FLAT * self.slope

    def run(self, rate: float) -> Point:
        """Algorithm 3.5: go on until two points hold a good one between them."""
        before, now = Point(0.0, self.here.loss, self.here.gradient), self.probe(rate)
        while self.looked < self.most:
            if self.too_high(now) or (self.looked > 1 and now.loss >= before.loss):
                return self.between(before, now)
            if self.flat(now):
                return now
            if self.along(now) >= 0:
                return self.between(before, now)
            low, high = now.at + 0.01 * (now.at - before.at), now.at * 10
            at = self.cubic(before, now, low, high)
            before, now = now, self.probe(at)
            self.looked += 1
        return self.between(Point(0.0, self.here.loss, self.here.gradient), now)

    def between(self, a: Point, b: Point) -> Point:
        """Algorithm 3.6: narrow a bracket down; `low` is the better end."""
        low, high = (a, b) if a.loss <= b.loss else (b, a)
        slow = False
        while self.looked < self.most and abs(b.at - a.at) * self.size >= self.tolerance:
            at, slow = self.inside(low, high, slow)
            new = self.probe(at)
            self.looked += 1
            if self.too_high(new) or new.loss >= low.loss:
                low, high = (low, new) if low.loss <= new.loss else (new, low)
            elif self.flat(new):
                return new
            else:
                high = low if self.along(new) * (high.at - low.at) >= 0 else high
                low = new
            a, b = low, high
        return low

    def inside(self, low: Point, high: Point, slow: bool) -> tuple[float, bool]:
        """Where to look next in a bracket, and whether that is near an end, as the last one."""
        first, last = sorted((low.at, high.at))
        at = self.cubic(low, high, first, last)
        edge = 0.1 * (last - first)
        if min(last - at, at - first) >= edge:
            return at, False
        if slow or at >= last or at <= first:                     # hardly any progress
            return (last - edge if abs(at - last) < abs(at - first) else first + edge), False
        return at, True

    def cubic(self, p: Point, q: Point, least: float, most: float) -> float:
        """The minimum of the cubic through two points and slopes, kept between the bounds."""
        if p.at > q.at:
            p, q = q, p
        s, t = self.along(p), self.along(q)
        if p.at == q.at:
            return (least + most) / 2
        d = s + t - 3 * (p.loss - q.loss) / (p.at - q.at)
        square = d * d - s * t
        if square < 0:
            return (least + most) / 2
        root = math.sqrt(square)
        below = t - s + 2 * root
        if below == 0:
            return (least + most) / 2
        return min(max(q.at - (q.at - p.at) * (t + root - d) / below, least), most)
