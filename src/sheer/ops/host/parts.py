"""What linear algebra shares: checks, the base class of its primitives, small matrix helpers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...graph.dtypes import FLOATS, bool_, dtype_of, int64
from ...graph.errors import DTypeError, NumericError, ShapeError
from ...graph.node import Node, Spec
from .. import batching, elementwise, movement
from ..contract import Dot, transpose
from ..movement import Expand, Reshape
from ..primitive import HostOp, Primitive, results
from ..structure import Constant, constant, iota


class Lapack(Primitive, abstract=True):
    """A function of whole matrices, the last two axes; all axes in front are a batch."""

    emit, fallible = HostOp("LAPACK through NumPy"), True

    def batch(self, args, at):
        out = self(*batching.all_to_front(args, at))
        many = len(out.outputs)
        return (out, 0) if many == 1 else (results(out), (0,) * many)


# ---- checks ------------------------------------------------------------------------------------

def check_floats(op: str, **operands: Any) -> None:
    """Raise DTypeError E105 unless the operands are floats of one dtype."""
    dtypes = {x.dtype for x in operands.values()}
    if len(dtypes) > 1 or not dtypes <= set(FLOATS):
        raise DTypeError("E105", op, "needs floats of one dtype", got=operands,
                         need="float32 or float64")


def check_matrix(op: str, a: Any) -> None:
    """Raise unless a is a float (*B, m, n): DTypeError E105, ShapeError E160."""
    check_floats(op, a=a)
    if a.ndim < 2:
        raise ShapeError("E160", op, "this is no matrix", got={"a": a}, need="a (*B, m, n)")


def check_square(op: str, a: Any, instead: str = "") -> None:
    """Raise unless a is a float (*B, n, n); `instead` works for other matrices."""
    check_matrix(op, a)
    if a.shape[-1] != a.shape[-2]:
        raise ShapeError("E160", op, f"the matrix is not square, {a.shape[-2]} by {a.shape[-1]}",
                         got={"a": a}, need="a (*B, n, n)",
                         tries=[(instead, lambda: None)] if instead else [])


def check_system(op: str, a: Any, b: Any, need: str) -> None:
    """Raise unless a and b have equally many rows and the same batch axes: ShapeError E161."""
    check_floats(op, a=a, b=b)
    if b.ndim != a.ndim or a.shape[:-1] != b.shape[:-1]:
        raise misfit(op, a, b, need)


def misfit(op: str, a: Any, b: Any, need: str) -> ShapeError:
    """E161: rows or batch axes that differ."""
    if b.ndim < 2:
        what = f"a matrix is needed on both sides, b has the shape {b.shape}"
    elif a.shape[-2] != b.shape[-2]:
        what = f"a has {a.shape[-2]} rows, b has {b.shape[-2]}"
    else:
        what = f"batch axes differ, {a.shape[:-2]} and {b.shape[:-2]}"
    return ShapeError("E161", op, what, got={"a": a, "b": b}, need=need)


def singular(op: str, a: np.ndarray, works: Callable[[np.ndarray], object], instead: str = "",
             ) -> NumericError:
    """E162, for the first matrix on which `works` fails; `instead` does without an inverse."""
    return NumericError("E162", op, f"{which(a, works)} is singular",
                        got={"a": Spec(a.shape, dtype_of(a.dtype))}, need="matrices of full rank",
                        tries=[(instead, lambda: np.linalg.pinv(a))] if instead else [])


def diverged(op: str, a: np.ndarray) -> NumericError:
    """E164: LAPACK's iteration found no end, nearly always because of NaN or infinity."""
    finite = lambda m: insist(bool(np.isfinite(m).all()))
    why = "" if np.isfinite(a).all() else f": {which(a, finite)} contains NaN or infinity"
    return NumericError("E164", op, f"did not converge{why}",
                        got={"a": Spec(a.shape, dtype_of(a.dtype))}, need="finite numbers")


def which(a: np.ndarray, works: Callable[[np.ndarray], object]) -> str:
    """The name of the first matrix of a batch on which `works` raises LinAlgError."""
    if a.ndim == 2:
        return "the matrix"
    for index in np.ndindex(a.shape[:-2]):
        try:
            works(a[index])
        except np.linalg.LinAlgError:
            return f"matrix {list(index)} of the batch"
    return "a matrix of the batch"


def insist(holds: bool) -> None:
    """Raise LinAlgError, as LAPACK does, unless the condition holds."""
    if not holds:
        raise np.linalg.LinAlgError


# ---- matrices as nodes ---------------------------------------------------------------------------

def dot(*factors: Node) -> Node:
    """The product of matrices (*B, m, k), (*B, k, n), ... with equal batch axes."""
    out = factors[0]
    for factor in factors[1:]:
        out = Dot()(out, factor)
    return out


def symmetric(a: Node) -> Node:
    """(a + a.mT) / 2."""
    out: Node = (a + transpose(a)) * 0.5
    return out


def rows(v: Node) -> Node:
    """A vector (*B, n) as (*B, 1, n): what scales the columns of a matrix."""
    return movement.expand_dims(v, v.ndim - 1)


def columns(v: Node) -> Node:
    """A vector (*B, n) as (*B, n, 1): what scales the rows of a matrix."""
    return movement.expand_dims(v, v.ndim)


def band(x: Node, keep: Callable[[Node, Node], Node], other: Any = 0) -> Node:
    """x where keep(row number, column number) holds, elsewhere `other`."""
    m, n = x.shape[-2:]
    mask = keep(columns(iota(m, int64)), rows(iota(n, int64)))                    # (m, n)
    out: Node = elementwise.where(movement.broadcast_to(mask, x.shape), x, other)
    return out


def lower(x: Node) -> Node:
    """The lower triangle of x with its diagonal; zeros above."""
    return band(x, elementwise.ge)


def upper(x: Node) -> Node:
    """The upper triangle of x with its diagonal; zeros below."""
    return band(x, elementwise.le)


def off_diagonal(x: Node, on: Any = 0) -> Node:
    """x with its diagonal replaced by the number `on`."""
    return band(x, elementwise.ne, on)


def diagonal_matrix(v: Node) -> Node:
    """(*B, n) -> (*B, n, n) with v on the diagonal; infinities stay where they are."""
    wide = movement.broadcast_to(rows(v), (*v.shape, v.shape[-1]))
    return band(wide, elementwise.eq)


def eye(like: Node, n: int) -> Node:
    """Identity matrices (*B, n, n) for the batch axes and dtype of the matrices `like`."""
    ones = movement.broadcast_to(constant(1, like.dtype), (*like.shape[:-2], n, n))
    return band(ones, elementwise.eq)


def is_zero(x: Node) -> bool:
    """Is x zeros by construction (a cotangent that nothing flowed into)?"""
    while isinstance(x.prim, Reshape | Expand):
        x = x.inputs[0]
    return isinstance(x.prim, Constant) and x.dtype != bool_ and not any(x.prim.ref().flat)
