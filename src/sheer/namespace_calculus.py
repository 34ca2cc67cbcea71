"""Numerical calculus on samples: integrals, derivatives, distances, tables of powers, places."""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .graph.errors import ArgumentError, ShapeError
from .mixins.core import Core, apply
from .mixins.naming import called, renaming
from .mixins.shapes import axes_of, axis_of
from .namespace_joining import cat
from .ops import host
from .tensor import Tensor, as_tensor

__all__ = ["cdist", "chain_matmul", "cumulative_trapezoid", "gradient", "trapezoid", "trapz",
           "unravel_index", "vander"]


# ---- integrals and derivatives -------------------------------------------------------------------

def trapezoid(y: Any, x: Any = None, *, dx: Any = 1, dim: int = -1) -> Tensor:
    """The integral along an axis of the broken line through samples y, at x or dx apart.

    Shape   y (*S), x (n,) or broadcasting to (*S) -> S without dim
    Source  torch.trapezoid
    """
    return _areas("trapezoid", y, x, dx, dim).sum(dim)


trapz = trapezoid


def cumulative_trapezoid(y: Any, x: Any = None, *, dx: Any = 1, dim: int = -1) -> Tensor:
    """As trapezoid, up to the second, third, ... sample.

    Shape   y (*S) -> (*S), one shorter along dim
    Source  torch.cumulative_trapezoid
    """
    return _areas("cumulative_trapezoid", y, x, dx, dim).cumsum(dim)


def _areas(op: str, y: Any, x: Any, dx: Any, dim: int) -> Tensor:
    """Width times mean height, between neighbours."""
    y = as_tensor(y)
    at, n = axis_of(op, y.node, dim), y.size(dim)
    heights: Any = y.narrow(at, 0, max(n - 1, 0)) + y.narrow(at, min(n, 1), max(n - 1, 0))
    if x is None:
        return heights * dx / 2
    x = as_tensor(x)
    if x.ndim == 1:
        return heights * x.diff().reshape(-1, *(1,) * (y.ndim - 1 - at)) / 2
    x = x.reshape(*(1,) * (y.ndim - x.ndim), *x.shape)
    return heights * x.diff(dim=at) / 2


def gradient(input: Any, *, spacing: Any = 1, dim: Any = None,
             edge_order: int = 1) -> tuple[Tensor, ...]:
    """Derivatives along axes from samples: central differences, exact for parabolas also where the
    samples are not equally far apart; at the ends one-sided, of edge_order 1 or 2.

    spacing: one distance for all axes, one for each, or the coordinates along each
    Shape   (*S) -> (*S) for each axis
    Raises  E191 for another edge_order, or too few samples
    Source  torch.gradient; Fornberg 1988
    """
    x = as_tensor(input)
    if edge_order not in (1, 2):
        raise ArgumentError("E191", "gradient", f"edge_order={edge_order}", need="1 or 2")
    axes = axes_of("gradient", x.node, dim)
    spacing = 1 if spacing is None else spacing
    many = spacing if isinstance(spacing, list | tuple) else [spacing] * len(axes)
    found = []
    for at, step in zip(axes, many, strict=True):
        if x.shape[at] <= edge_order:
            raise ArgumentError("E191", "gradient", f"{x.shape[at]} samples along axis {at}",
                                got={"input": x.node}, need=f"at least {edge_order + 1}")
        found.append(_slope(x.movedim(at, -1), step, edge_order).movedim(-1, at))
    return tuple(found)


def _slope(y: Tensor, step: Any, order: int) -> Tensor:
    """Along the last axis; step a number, or the coordinates."""
    n = y.shape[-1]
    places = step if isinstance(step, Core) and step.ndim else None
    h = (places.diff().to(y.dtype) if places is not None
         else y.new_ones(n - 1) * step)                                          # (n - 1,)
    rise: Any = y.diff() / h                             # between neighbours
    if n == 2:
        return cat([rise, rise], -1)
    a, b = h.narrow(0, 0, n - 2), h.narrow(0, 1, n - 2)
    left, right = rise.narrow(-1, 0, n - 2), rise.narrow(-1, 1, n - 2)
    inner = (left * b + right * a) / (a + b)
    first, last = rise.narrow(-1, 0, 1), rise.narrow(-1, n - 2, 1)
    if order == 2:
        bend = (right - left) / (a + b)
        first = first - bend.narrow(-1, 0, 1) * a.narrow(0, 0, 1)
        last = last + bend.narrow(-1, n - 3, 1) * b.narrow(0, n - 3, 1)
    return cat([first, inner, last], -1)


# ---- tables --------------------------------------------------------------------------------------

def cdist(x1: Any, x2: Any, p: float = 2.0, compute_mode: Any = None) -> Tensor:
    """The p-norm of the difference of every row of x1 and every row of x2.

    compute_mode is accepted: differences are always taken, never |a|^2 + |b|^2 - 2 a b
    Shape   x1 (*B, n, d), x2 (*B, m, d) -> (*B, n, m)
    Raises  E191 for negative p, E102 for other shapes
    Source  torch.cdist
    """
    if p < 0:
        raise ArgumentError("E191", "cdist", f"p = {p}", need="p >= 0")
    rows, columns = as_tensor(x1), as_tensor(x2)
    if min(rows.ndim, columns.ndim) < 2 or rows.shape[-1] != columns.shape[-1]:
        raise ShapeError("E102", "cdist", "these are no rows of one length",
                         got={"x1": rows.node, "x2": columns.node},
                         need="x1 (*B, n, d) and x2 (*B, m, d)")
    with called("cdist"):
        gap: Any = rows.unsqueeze(-2) - columns.unsqueeze(-3)
    if p == 0:
        return (gap != 0).to(gap.dtype).sum(-1) + (gap * 0).sum(-1)
    if gap.shape[-1] == 0:
        return gap.sum(-1)
    return apply(lambda g: host.vector_norm(g, p, (g.ndim - 1,)), gap)


def vander(x: Any, N: int | None = None, *, increasing: bool = False) -> Tensor:
    """Powers N - 1, ..., 1, 0 of every element of a vector (0, 1, ... when increasing), as rows.

    Shape   (n,) -> (n, N), N = n by default
    """
    from .linalg_factors import vander as powers
    x = as_tensor(x)
    found: Any = powers(x, N=x.shape[0] if N is None else N)
    return found if increasing else found.flip(-1)


def chain_matmul(*matrices: Any) -> Tensor:
    """The product of several matrices, in the order that takes the fewest multiplications."""
    from .linalg import multi_dot
    many = matrices[0] if len(matrices) == 1 and isinstance(matrices[0], list | tuple) else matrices
    return multi_dot(many) if len(many) > 1 else as_tensor(many[0]).clone()


def unravel_index(indices: Any, shape: Sequence[int] | int) -> tuple[Tensor, ...]:
    """The places, one tensor per axis of `shape`, of places counted through all elements.

    Raises  E191 for a length below 0
    """
    lengths = (shape,) if isinstance(shape, int) else tuple(int(s) for s in shape)
    if any(s < 0 for s in lengths):
        raise ArgumentError("E191", "unravel_index", f"shape {lengths}", need="lengths >= 0")
    flat = as_tensor(indices)
    strides = [math.prod(lengths[i + 1:]) for i in range(len(lengths))]
    return tuple(flat.floor_divide(max(step, 1)).remainder(max(n, 1))
                 for step, n in zip(strides, lengths, strict=True))


trapezoid, cumulative_trapezoid, trapz = (
    renaming(f, {"axis": "dim"}) for f in (trapezoid, cumulative_trapezoid, trapz))
