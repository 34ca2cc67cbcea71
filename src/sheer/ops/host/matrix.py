"""Norms and small functions of vectors and matrices, made from other operations."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Sequence

from ...graph.dtypes import int64
from ...graph.errors import ArgumentError, ShapeError
from ...graph.node import Node
from .. import elementwise, movement, reduce
from ..batching import move_axis
from ..lift import cast
from .decompose import svdvals
from .linalg import default_rtol, inv
from .parts import check_floats, check_matrix, check_square, dot, eye

Order = float | str | None
MATRIX_ORDERS: tuple[float | str, ...] = ("fro", "nuc", math.inf, -math.inf, 1, -1, 2, -2)


def norm(x: Node, ord: Order = None, dim: int | Sequence[int] | None = None,
         keepdim: bool = False) -> Node:
    """A matrix norm where ord is a name, or given together with two axes; else a vector norm.

    Without ord, the 2-norm of all numbers along dim (all axes by default).

    Shape   x (*S) -> S without dim (lengths 1 there with keepdim)
    Raises  E110 for a wrong axis, E166 for an unknown order
    Source  torch.linalg.norm
    """
    axes = (dim,) if isinstance(dim, int) else None if dim is None else tuple(dim)
    if ord is None:
        return vector_norm(x, 2, axes, keepdim)
    if isinstance(ord, str) or (len(axes) if axes is not None else x.ndim) == 2:
        return matrix_norm(x, ord, (-2, -1) if axes is None else axes, keepdim)
    return vector_norm(x, ord, axes, keepdim)


def vector_norm(x: Node, ord: float = 2, dim: int | Sequence[int] | None = None,
                keepdim: bool = False) -> Node:
    """(sum of |x|^ord)^(1 / ord); the number of x != 0 for 0, the largest |x| for inf.

    The gradient at x = 0 is 0, for every order.

    Shape   x (*S) -> S without dim (lengths 1 there with keepdim)
    Raises  E105 for integers, E110 for a wrong axis
    Source  torch.linalg.vector_norm
    """
    check_floats("norm", x=x)
    axes = _axes("norm", x, dim)
    size = elementwise.abs(x)
    if ord == math.inf:
        out = reduce.max(size, axes)
    elif ord == -math.inf:
        out = reduce.min(size, axes)
    elif ord == 0:
        out = reduce.sum(cast(elementwise.ne(x, 0), x.dtype), axes)
    elif ord == 1:
        out = reduce.sum(size, axes)
    elif ord == 2:
        out = _safe(elementwise.sqrt, reduce.sum(x * x, axes))
    else:
        terms = _safe(lambda s: elementwise.pow(s, ord), size, at_zero=0 if ord > 0 else math.inf)
        out = _safe(lambda s: elementwise.pow(s, 1 / ord), reduce.sum(terms, axes),
                    at_zero=0 if ord > 0 else math.inf)
    return reduce.keep_dims(out, axes) if keepdim else out


def matrix_norm(x: Node, ord: float | str = "fro", dim: Sequence[int] = (-2, -1),
                keepdim: bool = False) -> Node:
    """"fro" (2-norm of the entries), "nuc" (sum of singular values), 2 and -2 (largest, smallest
    singular value), inf and -inf (row sums of |x|), 1 and -1 (column sums of |x|).

    Shape   x (*S) -> S without dim (lengths 1 there with keepdim)
    Raises  E105 for integers, E110 for wrong axes, E160 unless there are two, E166 for other orders
    Source  torch.linalg.matrix_norm
    """
    check_floats("norm", x=x)
    if ord not in MATRIX_ORDERS:
        raise _unknown_order(ord)
    if len(dim) != 2 or x.ndim < 2:
        raise ShapeError("E160", "norm", f"a matrix has two axes, not {tuple(dim)}", got={"x": x},
                         need="dim = (rows, columns) of x (*B, m, n)")
    axes = _axes("norm", x, dim)
    matrices = _to_last(x, axes)                                           # (*B, m, n)
    out = _norm_of_last(matrices, ord)
    return reduce.keep_dims(out, axes) if keepdim else out


def matrix_power(a: Node, n: int) -> Node:
    """a multiplied n times with itself; the inverse's power for negative n.

    Shape   a (*B, n, n) -> (*B, n, n)
    Raises  E160 when a is not square, E162 for negative n and a singular
    Source  torch.linalg.matrix_power; by repeated squaring
    """
    check_square("matrix_power", a)
    a, n = (inv(a), -n) if n < 0 else (a, n)
    out = None
    while n:
        if n % 2:
            out = a if out is None else dot(out, a)
        n //= 2
        a = dot(a, a) if n else a
    return eye(a, a.shape[-1]) if out is None else out


def matrix_rank(a: Node, rtol: float | None = None) -> Node:
    """How many singular values exceed rtol times the largest, as int64.

    Shape   a (*B, m, n) -> (*B)
    Raises  E160 when a is no matrix, E164 when it contains NaN or infinity
    Source  torch.linalg.matrix_rank
    """
    check_matrix("matrix_rank", a)
    s = svdvals(a)                                                         # (*B, k), descending
    last = (s.ndim - 1,)
    if 0 in s.shape:
        return _reduced(reduce.sum, cast(s, int64), last)
    bound = movement.narrow(s, last[0], 0, 1) * (default_rtol(a) if rtol is None else rtol)
    return _reduced(reduce.sum, cast(elementwise.gt(s, bound), int64), last)


def diagonal(x: Node, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Node:
    """The elements with index dim2 - index dim1 = offset, as a new last axis.

    Shape   x (*S) -> (S without dim1 and dim2, length of the diagonal)
    Raises  E110 when the axes do not exist or are the same
    Source  torch.diagonal
    """
    rest = _to_last(x, _axes("diagonal", x, (dim1, dim2)))
    m, n = rest.shape[-2:]
    row, column = max(-offset, 0), max(offset, 0)
    length = max(min(m - row, n - column), 0)
    flat = movement.reshape(rest, (*rest.shape[:-2], m * n))
    first = row * n + column if length else 0
    last = first + (length - 1) * (n + 1) + 1 if length else 0
    front = flat.ndim - 1
    return movement.slice_(flat, [0] * front + [first], [*flat.shape[:-1], last],
                           [1] * front + [n + 1])                # n + 1: one row down, one right


def trace(x: Node) -> Node:
    """The sum of the diagonal of matrices (*B, m, n) -> (*B). See torch.trace."""
    on = diagonal(x, 0, -2, -1)
    return _reduced(reduce.sum, on, (on.ndim - 1,))


def outer(a: Node, b: Node) -> Node:
    """All products of two vectors: (m,), (n,) -> (m, n). See torch.outer.

    Raises  E161 unless both are vectors
    """
    if a.ndim != 1 or b.ndim != 1:
        raise ShapeError("E161", "outer", "needs two vectors", got={"a": a, "b": b},
                         need="a (m,), b (n,)",
                         tries=[("a.flatten(), b.flatten()", lambda: None)])
    return movement.expand_dims(a, 1) * movement.expand_dims(b, 0)


def cross(a: Node, b: Node, dim: int = -1) -> Node:
    """The vector at right angles to two vectors of length 3 along dim. See torch.linalg.cross.

    Shape   a (*S), b (*S) -> (*S), S[dim] = 3; other axes broadcast
    Raises  E110 for a wrong axis, E161 unless both have length 3 along it
    """
    axis_a, axis_b = _axes("cross", a, dim)[0], _axes("cross", b, dim)[0]
    if (a.shape[axis_a], b.shape[axis_b]) != (3, 3):
        raise ShapeError("E161", "cross", f"needs length 3 along axis {dim}", got={"a": a, "b": b},
                         need="vectors with three components")
    ahead = lambda x, axis, by: movement.roll(x, (-by,), (axis,))
    return (ahead(a, axis_a, 1) * ahead(b, axis_b, 2)
            - ahead(a, axis_a, 2) * ahead(b, axis_b, 1))


def _norm_of_last(x: Node, ord: float | str) -> Node:
    """The norm of matrices in the last two axes."""
    last = x.ndim - 1
    if ord == "fro":
        return vector_norm(x, 2, (last - 1, last))
    if ord in ("nuc", 2, -2):
        pick = {"nuc": reduce.sum, 2: reduce.max, -2: reduce.min}[ord]
        return _reduced(pick, svdvals(x), (last - 1,))
    assert not isinstance(ord, str)
    sums = reduce.sum(elementwise.abs(x), (last if math.isinf(ord) else last - 1,))
    return _reduced(reduce.max if ord > 0 else reduce.min, sums, (last - 1,))


def _reduced(reduction: Callable[..., Node], x: Node, axes: tuple[int, ...]) -> Node:
    return reduction(x, axes)


def _safe(function, x, at_zero=0.0):
    """function(x) where x is not 0, and the constant `at_zero`, with gradient 0, where it is."""
    none = elementwise.eq(x, 0)
    return elementwise.where(none, at_zero, function(elementwise.where(none, 1, x)))


def _axes(op: str, x: Node, dim: int | Sequence[int] | None) -> tuple[int, ...]:
    """Axes counted from the first; all of them for None."""
    wanted = range(x.ndim) if dim is None else (dim,) if isinstance(dim, int) else dim
    if x.ndim == 0 and all(a in (0, -1) for a in wanted):
        return ()                                        # a number counts as one component
    axes = tuple(a + x.ndim if a < 0 else a for a in wanted)
    reduce.check_axes(op, x, axes)
    return axes


def _to_last(x: Node, axes: tuple[int, ...]) -> Node:
    """x with two axes moved to the end, in this order."""
    first, second = axes
    moved = move_axis(x, first, x.ndim - 1)
    return move_axis(moved, second - (second > first), x.ndim - 1)


def _unknown_order(ord: float | str) -> ArgumentError:
    names = [repr(o) if isinstance(o, str) else str(o) for o in MATRIX_ORDERS]
    near = difflib.get_close_matches(repr(ord), names, len(names), 0)
    return ArgumentError("E166", "norm", f"there is no matrix norm {ord!r}",
                         need="one of " + ", ".join(near))
