"""Pen strokes, made up: a seed flows in, digits as a pen writes them, step by step, flow out."""

from __future__ import annotations

import numpy as np

# How each digit is written. A point is two numbers, right and up, on a grid nine units high; a pen
# goes through them on a smooth curve, a point twice makes a corner, / lifts the pen.
WAYS: tuple[tuple[str, ...], ...] = (
    ("39 16 04 11 30 51 64 57 39", "39 57 64 51 30 11 04 16 39"),              # left, right first
    ("39 35 30", "17 39 39 35 30", "17 39 39 35 30 / 10 30 50"),               # flag, and foot
    ("17 39 57 45 22 00 00 30 60", "17 39 57 45 21 00 12 20 40 61"),           # corner, loop
    ("08 39 57 35 25 25 45 62 40 11", "09 49 49 25 25 52 41 20 01"),           # round, flat above
    ("39 39 16 03 03 33 63 / 46 43 40", "19 06 04 04 34 64 / 59 54 40"),       # pointed, open
    ("59 19 19 05 05 46 63 40 11", "19 05 05 46 63 40 11 / 19 39 69"),         # bar first, last
    ("49 17 03 11 30 52 34 03", "49 17 03 15 35 52 30 11 03"),                 # from below, above
    ("09 39 69 69 45 20", "09 39 69 69 45 20 / 15 35 65"),                     # without, with bar
    ("58 39 17 35 52 30 12 35 57 58", "18 39 57 35 12 30 52 35 17 18",         # left, right first
     "39 17 35 57 39 / 35 12 30 52 35"),                                       # two rings
    ("57 39 16 34 57 57 54 50", "57 39 16 34 57 57 53 30 01",                  # straight, hooked
     "39 57 34 16 39 / 57 54 50"),                                             # ring and line
)
UNIT = 1 / 9                     # height of a unit of the grid, when a digit is 1 high
DENSE = 12                       # points of a curve between two of the grid


def digits_by_pen(rows: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Digits by a pen; each in one of two or three ways, of which no one knows before it begins.

    Slant, turn, size, shape and speed differ from row to row; a hand trembles a little.

    Shape   steps (rows, T, 5) float32: right and up by how much, in heights; 1 where the pen is
            up on its way; 1 for the end, which is no step; 1, and 0 in what fills up.
            digit (rows,)
    """
    digit = rng.integers(0, 10, rows)
    way = (rng.random(rows) * [len(WAYS[d]) for d in digit]).astype(np.int64)
    found = {(d, w): np.flatnonzero((digit == d) & (way == w))
             for d in range(10) for w in range(len(WAYS[d]))}
    parts = {key: _rows(WAYS[key[0]][key[1]], len(at), rng) for key, at in found.items() if len(at)}
    steps = np.zeros((rows, max(part.shape[1] for part in parts.values()), 5), np.float32)
    for key, part in parts.items():
        steps[found[key], :part.shape[1]] = part
    return steps, digit


def _rows(way: str, rows: int, rng: np.random.Generator) -> np.ndarray:
    """One way to write a digit, again and again: (rows, T, 5)."""
    strokes = [np.array([[int(c) for c in point] for point in stroke.split()])
               for stroke in way.split("/")]
    known, which = np.unique(np.concatenate(strokes), axis=0, return_inverse=True)
    points = known + rng.normal(0, 0.3, (rows, *known.shape))    # a point met twice moves as one
    points = (points * UNIT @ _hands(rows, rng))[:, which.ravel()]
    speed = 0.13 * np.exp(rng.normal(0, 0.15, rows))             # heights per step
    parts = np.split(points, np.cumsum([len(s) for s in strokes])[:-1], 1)
    places, real = zip(*[_paced(_curve(part), speed, rng) for part in parts], strict=True)
    up = np.concatenate([np.arange(p.shape[1]) == 0 for p in places])           # first of a stroke
    at, there = np.concatenate(places, 1), np.concatenate(real, 1)
    order = np.argsort(~there, 1, kind="stable")                 # gaps between strokes to the end
    at = np.take_along_axis(at + rng.normal(0, 0.008, at.shape), order[:, :, None], 1)
    there = np.take_along_axis(there, order, 1)
    mask = there[:, 1:, None]                                    # a step leads to a place
    steps = np.concatenate([np.diff(at, axis=1), up[order][:, 1:, None]], 2) * mask
    most = there.sum(1).max()
    steps = np.pad(steps, ((0, 0), (0, 1), (0, 0)))[:, :most]
    last = there[:, :most, None]                                 # steps, and the end behind them
    ended = last & ~np.pad(mask, ((0, 0), (0, 1), (0, 0)))[:, :most]
    return np.concatenate([steps, ended, last], 2)


def _hands(rows: int, rng: np.random.Generator) -> np.ndarray:
    """How each row turns, slants and stretches what it writes: points @ (rows, 2, 2)."""
    turn, slant = rng.normal(0, 0.1, rows), rng.normal(0.1, 0.2, rows)
    wide, high = np.exp(rng.normal(0, 0.12, (2, rows)))
    cos, sin = np.cos(turn), np.sin(turn)
    own = np.array([[wide, 0 * wide], [slant * high, high]])                     # (2, 2, rows)
    turned = np.array([[cos, sin], [-sin, cos]])
    found: np.ndarray = np.einsum("ijn,jkn->nik", own, turned)
    return found


def _curve(points: np.ndarray) -> np.ndarray:
    """A smooth curve through all points, (N, P, 2) -> (N, (P - 1) DENSE + 1, 2).

    Source  Catmull and Rom 1974, with the ends doubled
    """
    p = np.pad(points, ((0, 0), (1, 1), (0, 0)), "edge")[:, :, None]             # (N, P + 2, 1, 2)
    a, b, c, d = p[:, :-3], p[:, 1:-2], p[:, 2:-1], p[:, 3:]
    t = np.arange(DENSE)[:, None] / DENSE
    curve = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return np.concatenate([curve.reshape(len(points), -1, 2), points[:, -1:]], 1)


def _paced(curve: np.ndarray, speed: np.ndarray,
           rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Where the pen is at each step along a curve, now faster, now slower.

    Shape   curve (N, D, 2), speed (N,) -> places (N, K, 2), and which of them are steps, (N, K)
    """
    rows = len(curve)
    gone = np.cumsum(np.linalg.norm(np.diff(curve, axis=1), axis=2), 1)          # (N, D - 1)
    count = np.maximum(np.round(gone[:, -1] / speed), 2)[:, None]
    at = np.arange(count.max() + 1) / count                                      # 0 ... 1, and on
    at = at + 0.4 * np.sin(2 * np.pi * at + rng.uniform(0, 2 * np.pi, (rows, 1))) / (2 * np.pi)
    at = (at - at[:, :1]).clip(0, 1)
    share = np.pad(gone, ((0, 0), (1, 0))) / gone[:, -1:]
    apart = 2.0 * np.arange(rows)[:, None]                       # one call: rows behind each other
    places = [np.interp((at + apart).ravel(), (share + apart).ravel(), curve[:, :, k].ravel())
              for k in range(2)]
    there = np.arange(at.shape[1]) <= count
    return np.stack(places, 1).reshape(*at.shape, 2), there
