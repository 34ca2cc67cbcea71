"""Planted faults: clean labels and inputs flow in; a known share of them is wrong afterwards.

For tests of what finds, or withstands, wrong data. Every function says which rows it touched.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...graph.errors import ArgumentError
from ..draws import permuted, uniform
from ..rows import array, counted, share_of

_ROWS, _VALUES, _MORE = 24, 25, 26               # purposes of draws, beside those of samplers
KINDS = ("noise", "missing", "zero", "swap")


def corrupt_labels(y: Any, share: float, *, classes: int | None = None,
                   seed: int = 0) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Give round(share * N) labels another class, each of the others equally likely.

    Shape   y (N,) whole numbers -> (N,), which are wrong bool (N,)
    Dtype   that of y, or int64 where it does not hold K - 1
    Params  classes  K; the largest label + 1 unless given
    Raises  E663 for a share outside [0, 1], or fewer than two classes
    Source  symmetric label noise; Angluin and Laird 1988, doi:10.1007/BF00116829
    Example
        >>> y, wrong = corrupt_labels([0, 1, 2, 0], 0.5)
        >>> int(wrong.sum()), int((y != [0, 1, 2, 0]).sum())
        (2, 2)
    """
    labels = array(y)
    k = int(labels.max()) + 1 if classes is None else classes
    if k < 2:
        raise ArgumentError("E663", "corrupt_labels", "there is no other class", got={"classes": k},
                            need="at least 2")
    wrong = chosen_rows("corrupt_labels", len(labels), share, seed)
    away = 1 + (uniform(len(labels), seed, 0, _VALUES) * (k - 1)).astype(np.int64)
    moved = labels.astype(np.int64)          # in int8, 99 + 99 would come out negative
    moved[wrong] = (moved[wrong] + away[wrong]) % k
    held = np.array(k - 1).astype(labels.dtype) == k - 1
    return moved.astype(labels.dtype if held else np.int64), wrong


def corrupt_inputs(x: Any, share: float, *, kind: str = "noise", scale: float = 1.0,
                   seed: int = 0) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Spoil round(share * N) rows.

    Shape   x (N, ...) floats -> the same, which are spoilt bool (N,)
    Params  kind   "noise" adds normal numbers of `scale` standard deviations of x; "missing" and
                   "zero" write NaN or 0 into half of the row's values, at least one; "swap" gives
                   each row the values of another spoilt one
    Raises  E663 for a share outside [0, 1], another kind, or numbers that are no floats
    Source  definition
    Example
        >>> x, wrong = corrupt_inputs(np.ones((4, 2)), 0.25, kind="missing")
        >>> int(wrong.sum()), int(np.isnan(x).sum())
        (1, 1)
    """
    values = array(x).copy()
    if kind not in KINDS or values.dtype.kind != "f":
        raise ArgumentError("E663", "corrupt_inputs", f"there is no kind {kind!r}"
                            if kind not in KINDS else f"{values.dtype} is no float",
                            need=f"{', '.join(KINDS)}; of float32 or float64")
    wrong = chosen_rows("corrupt_inputs", counted(values), share, seed)
    rows = np.flatnonzero(wrong)
    flat = values[rows].reshape(len(rows), -1)                 # (wrong, d)
    u = uniform(flat.size, seed, 0, _VALUES).reshape(flat.shape)
    if kind == "swap" and len(rows) == 1:
        raise ArgumentError("E663", "corrupt_inputs", "one row cannot be swapped",
                            need="a share that gives none, or at least 2 rows")
    if kind == "noise":
        v = uniform(flat.size, seed, 0, _MORE).reshape(flat.shape)
        normal = np.sqrt(-2 * np.log1p(-u)) * np.cos(2 * np.pi * v)    # Box and Muller 1958
        flat = flat + normal * scale * values.std()
    elif kind == "swap":
        flat = np.roll(flat, 1, axis=0)
    elif flat.size:
        hit = np.argsort(u, axis=1) < max(1, flat.shape[1] // 2)
        flat = np.where(hit, np.nan if kind == "missing" else 0.0, flat)
    values[rows] = flat.reshape(len(rows), *values.shape[1:])
    return values, wrong


def chosen_rows(op: str, n: int, share: float, seed: int) -> NDArray[np.bool_]:
    """round(share * n) of n rows at random, as bool (n,)."""
    count = round(share_of(op, "share", share) * n)
    wrong = np.zeros(n, bool)
    wrong[permuted(n, seed, 0, _ROWS)[:count]] = True
    return wrong
