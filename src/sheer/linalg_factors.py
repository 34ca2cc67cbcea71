"""The rest of sheer.linalg: LU, Householder products, results with error codes; matrices in."""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from . import ops
from .graph.dtypes import int32
from .graph.errors import ArgumentError
from .mixins.core import apply
from .ops import host
from .ops.structure import check_shape
from .tensor import Tensor, as_tensor

__all__ = ["cholesky_ex", "householder_product", "inv_ex", "lu", "lu_factor", "lu_factor_ex",
           "lu_solve", "lu_unpack", "matrix_exp", "solve_ex", "tensorinv", "tensorsolve", "vander"]


class PLU(NamedTuple):
    """What lu gives: P L U is the matrix."""

    P: Tensor
    L: Tensor
    U: Tensor


class LUFactor(NamedTuple):
    """What lu_factor gives: L below U in one matrix, and the row each step exchanged."""

    LU: Tensor
    pivots: Tensor


class LUFactorEx(NamedTuple):
    """As LUFactor; info is the first 0 on U's diagonal, counted from 1, or 0."""

    LU: Tensor
    pivots: Tensor
    info: Tensor


class CholeskyEx(NamedTuple):
    """What cholesky_ex gives."""

    L: Tensor
    info: Tensor


class InvEx(NamedTuple):
    """What inv_ex gives."""

    inverse: Tensor
    info: Tensor


class SolveEx(NamedTuple):
    """What solve_ex gives."""

    result: Tensor
    info: Tensor


# ---- LU ------------------------------------------------------------------------------------------

def lu_factor(A: Any, *, pivot: bool = True) -> LUFactor:
    """LU with partial pivoting, in LAPACK's form.

    Shape   (*B, m, n) -> (*B, m, n), int32 (*B, min(m, n))
    Raises  E160 when A is no matrix, E191 for pivot=False, E105 for integers
    Source  torch.linalg.lu_factor
    Example
        >>> packed, pivots = sheer.linalg.lu_factor([[1.0, 2.0], [4.0, 2.0]])
        >>> packed.tolist(), pivots.tolist()
        ([[4.0, 2.0], [0.25, 1.5]], [2, 2])
    """
    if not pivot:
        raise ArgumentError("E191", "lu_factor", "without pivoting small pivots ruin the result",
                            need="pivot=True")
    return LUFactor(*apply(host.lu_factor, as_tensor(A)))


def lu_factor_ex(A: Any, *, pivot: bool = True, check_errors: bool = False) -> LUFactorEx:
    """As lu_factor, with the place of the first 0 on U's diagonal, counted from 1, or 0.

    Shape   (*B, m, n) -> (*B, m, n), int32 (*B, min(m, n)), int32 (*B)
    Raises  as lu_factor
    Source  torch.linalg.lu_factor_ex
    Example
        >>> sheer.linalg.lu_factor_ex([[1.0, 2.0], [2.0, 4.0]]).info.item()   # U[1, 1] = 0
        2
    """
    packed, pivots = lu_factor(A, pivot=pivot)
    none = packed.diagonal(0, -2, -1) == 0                                      # (*B, k)
    first = none.int().argmax(-1) + 1 if none.shape[-1] else none.sum(-1)
    return LUFactorEx(packed, pivots, first.where(none.any(-1), 0).to(int32))


def lu(A: Any, *, pivot: bool = True) -> PLU:
    """(P, L, U) with P L U = A: a permutation, unit lower and upper triangles.

    Shape   (*B, m, n) -> (*B, m, m), (*B, m, k), (*B, k, n), k = min(m, n)
    Raises  as lu_factor
    Source  torch.linalg.lu
    Example
        >>> sheer.linalg.lu([[1.0, 2.0], [4.0, 2.0]]).U
        tensor([[4. , 2. ],
                [0. , 1.5]])
    """
    return unpacked(*lu_factor(A, pivot=pivot))


def unpacked(LU: Tensor, pivots: Tensor) -> PLU:
    """(P, L, U) from what lu_factor gave."""
    m = LU.shape[-2]
    def permutation(p: Any, like: Any) -> Any:
        order = host.RowOrder(m)(p)                                             # (*B, m)
        hit = ops.eq(ops.expand_dims(order, order.ndim - 1),
                     ops.reshape(ops.structure.iota(m, order.dtype), (m, 1)))   # (*B, row, place)
        return ops.cast(hit, like.dtype)
    return PLU(apply(permutation, pivots, LU), apply(host.unit_lower, LU),
               apply(host.unit_upper, LU))


def lu_unpack(LU_data: Any, LU_pivots: Any, unpack_data: bool = True,
              unpack_pivots: bool = True) -> PLU:
    """(P, L, U) from what lu_factor gave; what is not wanted is empty (torch.lu_unpack)."""
    p, low, up = unpacked(as_tensor(LU_data), as_tensor(LU_pivots))
    none = low.new_empty(0)
    return PLU(p if unpack_pivots else none, *((low, up) if unpack_data else (none, none)))


def lu_solve(LU: Any, pivots: Any, B: Any, *, left: bool = True, adjoint: bool = False) -> Tensor:
    """The X for which A X = B (X A = B when not left; A^T when adjoint), from lu_factor(A).

    Shape   LU (*B, n, n), pivots (*B, n), B (*B, n, k) -> that of B
    Raises  E162 when A is singular, E113 when B has another height
    Source  torch.linalg.lu_solve
    Example
        >>> factors = sheer.linalg.lu_factor([[2.0, 0.0], [1.0, 1.0]])
        >>> sheer.linalg.lu_solve(*factors, [[4.0], [5.0]])
        tensor([[2.],
                [3.]])
    """
    if not left:
        return lu_solve(LU, pivots, as_tensor(B).mT, adjoint=not adjoint).mT
    return apply(_lu_solve, as_tensor(LU), as_tensor(pivots), as_tensor(B), adjoint=adjoint)


def _lu_solve(packed: Any, pivots: Any, b: Any, adjoint: bool) -> Any:
    shape = np.broadcast_shapes(packed.shape[:-2], b.shape[:-2])
    wide = lambda t, last: ops.broadcast_to(t, (*shape, *t.shape[t.ndim - last:]))
    return host.lu_solve(wide(packed, 2), wide(pivots, 1), wide(b, 2), adjoint=adjoint)


# ---- results with error codes: failures raise here, so that info is 0 ----------------------------

def cholesky_ex(A: Any, *, upper: bool = False, check_errors: bool = False) -> CholeskyEx:
    """(cholesky, 0). What torch reports in info is raised here, with or without check_errors.

    Shape   A (*B, n, n) -> (*B, n, n), int32 (*B)
    Raises  as cholesky
    Source  torch.linalg.cholesky_ex
    Example
        >>> sheer.linalg.cholesky_ex([[4.0]])
        CholeskyEx(L=tensor([[2.]]), info=tensor(0, dtype=sheer.int32))
    """
    found: Tensor = apply(host.cholesky, as_tensor(A), upper=upper)
    return CholeskyEx(found, _fine(found))


def inv_ex(A: Any, *, check_errors: bool = False) -> InvEx:
    """(inverse, 0). What torch reports in info is raised here, with or without check_errors.

    Shape   A (*B, n, n) -> (*B, n, n), int32 (*B)
    Raises  as inv
    Source  torch.linalg.inv_ex
    Example
        >>> sheer.linalg.inv_ex([[4.0]])
        InvEx(inverse=tensor([[0.25]]), info=tensor(0, dtype=sheer.int32))
    """
    found: Tensor = apply(host.inv, as_tensor(A))
    return InvEx(found, _fine(found))


def solve_ex(A: Any, B: Any, *, left: bool = True, check_errors: bool = False) -> SolveEx:
    """(solution, 0). What torch reports in info is raised here, with or without check_errors.

    Shape   A (*B, n, n), B (*B, n, k) or (*B, n) -> that of B, int32 (*B)
    Raises  as solve
    Source  torch.linalg.solve_ex
    Example
        >>> sheer.linalg.solve_ex([[4.0]], [[2.0]])
        SolveEx(result=tensor([[0.5]]), info=tensor(0, dtype=sheer.int32))
    """
    a = as_tensor(A)
    return SolveEx(apply(host.solve, a, as_tensor(B), left=left), _fine(a))


def _fine(a: Tensor) -> Tensor:
    return a.new_zeros(a.shape[:-2], dtype=int32)


# ---- others --------------------------------------------------------------------------------------

def matrix_exp(A: Any) -> Tensor:
    """The sum of A^n / n!.

    Shape   A (*B, n, n) -> (*B, n, n)
    Raises  E160 unless A is square, E105 for integers
    Source  torch.linalg.matrix_exp
    Example
        >>> sheer.linalg.matrix_exp([[0.0, 1.0], [0.0, 0.0]])
        tensor([[1., 1.],
                [0., 1.]])
    """
    return apply(host.matrix_exp, as_tensor(A))


def vander(x: Any, *, N: int | None = None) -> Tensor:
    """Powers 0, 1, ..., N - 1 of every element, along a new last axis.

    Shape   (*B, n) -> (*B, n, N), N = n by default
    Raises  E119 for a negative N
    Source  torch.linalg.vander
    Example
        >>> sheer.linalg.vander([2.0, 3.0], N=3)
        tensor([[1., 2., 4.],
                [1., 3., 9.]])
    """
    x = as_tensor(x)
    x = x.reshape(1) if x.ndim == 0 else x
    count = x.shape[-1] if N is None else N
    check_shape("vander", (count,))
    line: Any = x.unsqueeze(-1).expand(*x.shape, max(count - 1, 0))
    ones = x.new_ones(*x.shape, min(count, 1))
    from .namespace_joining import cat
    return cat([ones.to(line.cumprod(-1).dtype), line.cumprod(-1)], -1)


def householder_product(A: Any, tau: Any) -> Tensor:
    """The first n columns of the product of the reflections I - tau v v^T that geqrf describes.

    v is a column of A below its diagonal, with a 1 there and zeros above.

    Shape   A (*B, m, n), tau (*B, k), k <= n <= m -> (*B, m, n)
    Raises  E115 for more reflections than columns
    Source  torch.linalg.householder_product; LAPACK's orgqr
    Example
        >>> sheer.linalg.householder_product([[1.0], [1.0]], [1.0])       # v = (1, 1)
        tensor([[ 0.],
                [-1.]])
    """
    a, tau = as_tensor(A), as_tensor(tau)
    m, n = a.shape[-2:]
    from .namespace_creation import eye
    out = eye(m, n, dtype=a.dtype).expand(*a.shape)
    v = a.tril(-1) + eye(m, n, dtype=a.dtype)                                   # (*B, m, n)
    for i in reversed(range(tau.shape[-1])):
        column = v.narrow(-1, i, 1)                                             # (*B, m, 1)
        out = out - tau.narrow(-1, i, 1).unsqueeze(-1) * (column @ (column.mT @ out))
    return out


def tensorinv(A: Any, ind: int = 2) -> Tensor:
    """The inverse of A seen as a matrix from its last axes to its first `ind`.

    Shape   A (*R, *C) with as many numbers in R = A.shape[:ind] as in C -> (*C, *R)
    Raises  E160 when R and C differ in size, E162 when there is no inverse, E105 for integers
    Source  torch.linalg.tensorinv
    Example
        >>> sheer.linalg.tensorinv(sheer.eye(4).reshape(4, 2, 2), ind=1).shape
        (2, 2, 4)
    """
    a = as_tensor(A)
    rows = math.prod(a.shape[:ind])
    return apply(host.inv, a.reshape(rows, -1)).reshape(*a.shape[ind:], *a.shape[:ind])


def tensorsolve(A: Any, B: Any, dims: Any = None) -> Tensor:
    """The X with tensordot(A, X, X.ndim) = B; `dims` of A are first moved to its end.

    Shape   A (*B.shape, *R) with as many numbers in R as in B -> R
    Raises  E111 when A does not have as many numbers as a square matrix, E162 when it is singular
    Source  torch.linalg.tensorsolve
    Example
        >>> A = sheer.eye(4).reshape(2, 2, 4)
        >>> sheer.linalg.tensorsolve(A, [[1.0, 2.0], [3.0, 4.0]])
        tensor([1., 2., 3., 4.])
    """
    a, b = as_tensor(A), as_tensor(B)
    if dims is not None:
        a = a.movedim(tuple(dims), tuple(range(a.ndim - len(dims), a.ndim)))
    rest = a.shape[b.ndim:]
    return apply(host.solve, a.reshape(b.numel(), -1), b.reshape(-1)).reshape(rest)
