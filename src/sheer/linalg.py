"""sheer.linalg: linear algebra of whole matrices, with torch.linalg's names and the array API's."""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from . import namespace, namespace_standard
from .graph.dtypes import int64
from .graph.errors import ArgumentError, NumericError
from .linalg_factors import (
    cholesky_ex,
    householder_product,
    inv_ex,
    lu,
    lu_factor,
    lu_factor_ex,
    lu_solve,
    matrix_exp,
    solve_ex,
    tensorinv,
    tensorsolve,
    vander,
)
from .mixins.core import apply
from .mixins.linear_algebra import QR, SlogDet
from .mixins.missing import refusing as _refusing
from .ops import host
from .tensor import Tensor, as_tensor

__all__ = ["LinAlgError",
           "cholesky", "cholesky_ex", "cond", "cross", "det", "diagonal", "eigh", "eigvalsh",
           "householder_product", "inv", "inv_ex", "lstsq", "lu", "lu_factor", "lu_factor_ex",
           "lu_solve", "matmul", "matrix_exp", "matrix_norm", "matrix_power", "matrix_rank",
           "matrix_transpose", "multi_dot", "norm", "outer", "pinv", "qr", "slogdet", "solve",
           "solve_ex", "solve_triangular", "svd", "svdvals", "tensordot", "tensorinv",
           "tensorsolve", "trace", "vander", "vecdot", "vector_norm"]
__getattr__ = _refusing("linalg", __all__)

matmul, tensordot, outer = (namespace.functions[name] for name in ("matmul", "tensordot", "outer"))
matrix_transpose, vecdot = namespace_standard.matrix_transpose, namespace_standard.vecdot


LinAlgError = NumericError        # what singular matrices raise, under torch's name


class Eigh(NamedTuple):
    """What eigh gives."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class Svd(NamedTuple):
    """What svd gives: U diag(S) Vh is the matrix."""

    U: Tensor
    S: Tensor
    Vh: Tensor


class Lstsq(NamedTuple):
    """What lstsq gives, as much as torch gives: residuals for tall A of full rank, singular_values
    and rank for the drivers of LAPACK that find them; else they are empty."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


def cholesky(A: Any, *, upper: bool = False) -> Tensor:
    """The triangular L with positive diagonal and L L^T = A. Raises E163 when there is none."""
    return apply(host.cholesky, as_tensor(A), upper=upper)


def qr(A: Any, mode: str = "reduced") -> QR:
    """(Q, R) with Q R = A: "reduced", "complete" with square Q, or "r", without Q.

    R's diagonal is not negative, which makes both unique; LAPACK's signs differ.
    Raises  E191 for another mode
    """
    if mode not in ("reduced", "complete", "r"):
        raise ArgumentError("E191", "qr", f"there is no mode {mode!r}",
                            need='"reduced", "complete" or "r"')
    q, r = apply(host.qr_complete if mode == "complete" else host.qr, as_tensor(A))
    return QR(q.new_empty(0), r) if mode == "r" else QR(q, r)


def svd(A: Any, full_matrices: bool = True, *, driver: str | None = None) -> Svd:
    """(U, S, Vh) with U diag(S) Vh = A; U and Vh square, or as narrow as S.

    The columns of U and Vh beyond S have no gradient: they are not unique.
    """
    return Svd(*apply(host.svd_full if full_matrices else host.svd, as_tensor(A)))


def svdvals(A: Any, *, driver: str | None = None) -> Tensor:
    """The singular values, descending."""
    return apply(host.svdvals, as_tensor(A))


def eigh(A: Any, UPLO: str = "L") -> Eigh:
    """(eigenvalues ascending, eigenvectors in columns) of a symmetric matrix, of which only the
    lower (or "U": the upper) triangle is read; its gradient is symmetric."""
    return Eigh(*apply(host.eigh, _mirrored(as_tensor(A), UPLO)))


def eigvalsh(A: Any, UPLO: str = "L") -> Tensor:
    """The eigenvalues of a symmetric matrix, ascending. See eigh."""
    return apply(host.eigvalsh, _mirrored(as_tensor(A), UPLO))


def _mirrored(a: Tensor, UPLO: str) -> Tensor:
    """One triangle of a and its mirror image, with the gradient of (a + a.mT) / 2."""
    if UPLO not in ("L", "U", "l", "u"):
        raise ArgumentError("E191", "eigh", f"there is no triangle {UPLO!r}", need='"L" or "U"')
    half = a.tril() if UPLO in "Ll" else a.triu()
    strict = a.tril(-1) if UPLO in "Ll" else a.triu(1)
    even = (a + a.mT) / 2
    return even + (half + strict.mT - even).detach()


def inv(A: Any) -> Tensor:
    """The inverse. Raises E162 when there is none."""
    return apply(host.inv, as_tensor(A))


def pinv(A: Any, rtol: Any = None, *, atol: Any = None, hermitian: bool = False) -> Tensor:
    """The Moore-Penrose pseudo-inverse; singular values up to max(atol, rtol times the largest)
    count as 0.

    hermitian: only the lower triangle of A is read
    """
    a = _mirrored(as_tensor(A), "L") if hermitian else as_tensor(A)
    if atol is None and not isinstance(rtol, Tensor):
        return apply(host.pinv, a, rtol=rtol)
    u, s, _ = svd(a.detach(), full_matrices=False)
    kept = u * (s > _tolerance(a, s, atol, rtol)).to(a.dtype).unsqueeze(-2)
    return apply(host.pinv, kept @ (u.mT @ a))                  # what falls below goes first


def _tolerance(a: Tensor, s: Tensor, atol: Any, rtol: Any) -> Tensor:
    """max(atol, rtol s_max) with torch's defaults, as (*B, 1)."""
    if rtol is None:
        rtol = host.linalg.default_rtol(a.node)
        if atol is not None:
            rtol = (as_tensor(atol) <= 0).to(a.dtype) * rtol
    wide = lambda t: t.unsqueeze(-1) if isinstance(t, Tensor) and t.ndim else t
    largest = s.amax(-1, True) if s.shape[-1] else s.sum(-1, True)
    return (largest * wide(rtol)).maximum(as_tensor(0.0 if atol is None else wide(atol)))


def det(A: Any) -> Tensor:
    """The determinant."""
    return apply(host.det, as_tensor(A))


def slogdet(A: Any) -> SlogDet:
    """(sign, log |determinant|), without overflow."""
    return as_tensor(A).slogdet()


def solve(A: Any, B: Any, *, left: bool = True) -> Tensor:
    """The X for which A X = B (X A = B when not left). Raises E162 when A is singular."""
    return apply(host.solve, as_tensor(A), as_tensor(B), left=left)


def solve_triangular(A: Any, B: Any, *, upper: bool, left: bool = True,
                     unitriangular: bool = False) -> Tensor:
    """As solve, for a triangular A."""
    return apply(host.triangular_solve, as_tensor(A), as_tensor(B), upper=upper,
                 left=left, unitriangular=unitriangular)


def lstsq(A: Any, B: Any, rcond: float | None = None, *, driver: str | None = None) -> Lstsq:
    """The X that minimises |A X - B|, the shortest of them where A lacks full column rank.

    driver: "gels", "gelsy" (the default), "gelsd", "gelss": which further results there are
    Raises  E191 for another driver
    """
    if driver not in (None, "gels", "gelsy", "gelsd", "gelss"):
        raise ArgumentError("E191", "lstsq", f"there is no driver {driver!r}",
                            need='"gels", "gelsy", "gelsd" or "gelss"')
    a, b = as_tensor(A), as_tensor(B)
    found: Tensor = apply(host.lstsq, a, b)
    m, n = a.shape[-2:]
    none, s = a.new_empty(0), svdvals(a.detach())
    rank = matrix_rank(a.detach()) if driver != "gels" else a.new_empty(0, dtype=int64)
    if m > n and (driver == "gels" or (driver in ("gelsd", "gelss") and bool((rank == n).all()))):
        none_left = (a @ found - b) if b.ndim >= 2 else (a @ found.unsqueeze(-1)).squeeze(-1) - b
        residuals = none_left.square().sum(-2 if b.ndim >= 2 else -1)
    else:
        residuals = none
    return Lstsq(found, residuals, rank, s if driver in ("gelsd", "gelss") else none)


def matrix_power(A: Any, n: int) -> Tensor:
    """A times itself n times; of its inverse for negative n."""
    return apply(host.matrix_power, as_tensor(A), n=n)


def matrix_rank(A: Any, tol: Any = None, *, atol: Any = None, rtol: Any = None,
                hermitian: bool = False) -> Tensor:
    """How many singular values exceed max(atol, rtol times the largest); tol is an older atol.

    hermitian: only the lower triangle of A is read
    """
    a = as_tensor(A).detach()
    a = _mirrored(a, "L") if hermitian else a
    s = svdvals(a)
    return (s > _tolerance(a, s, tol if atol is None else atol, rtol)).sum(-1)


def cond(A: Any, p: Any = None) -> Tensor:
    """How much errors grow in solving with A: its norm times that of its inverse."""
    if p in (None, 2, -2):
        s = svdvals(A)
        return s.select(-1, 0) / s.select(-1, -1) if p != -2 else s.select(-1, -1) / s.select(-1, 0)
    return matrix_norm(A, p) * matrix_norm(inv(A), p)


def norm(A: Any, ord: Any = None, dim: Any = None, keepdim: bool = False) -> Tensor:
    """A matrix norm where ord is a name or there are two axes, else a vector norm."""
    return apply(host.norm, as_tensor(A), ord=ord, dim=dim, keepdim=keepdim)


def vector_norm(x: Any, ord: float = 2, dim: Any = None, keepdim: bool = False, *, axis: Any = None,
                keepdims: bool = False) -> Tensor:
    """(sum of |x|^ord)^(1/ord) along dim, of all numbers by default."""
    return apply(host.vector_norm, as_tensor(x), ord=ord, dim=dim if axis is None else axis,
                 keepdim=keepdim or keepdims)


def matrix_norm(A: Any, ord: Any = "fro", dim: Sequence[int] = (-2, -1), keepdim: bool = False, *,
                keepdims: bool = False) -> Tensor:
    """"fro", "nuc", 2, -2, 1, -1, inf or -inf norm of matrices."""
    return apply(host.matrix_norm, as_tensor(A), ord=ord, dim=dim, keepdim=keepdim or keepdims)


def cross(x1: Any, x2: Any, *, dim: int = -1, axis: int | None = None) -> Tensor:
    """The vector at right angles to two vectors of length 3."""
    return apply(host.cross, as_tensor(x1), as_tensor(x2), dim=dim if axis is None else axis)


def diagonal(A: Any, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices: here, unlike Tensor.diagonal, of the last two axes."""
    return as_tensor(A).diagonal(offset, dim1, dim2)


def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Tensor:
    """The sums of the diagonals of matrices in the last two axes (array API)."""
    return diagonal(x, offset=offset).sum(-1, dtype=dtype)


def multi_dot(tensors: Sequence[Any]) -> Tensor:
    """The product of several matrices, in the order that takes the fewest multiplications."""
    many = [as_tensor(t) for t in tensors]
    if many[0].ndim == 1:
        return multi_dot([many[0].unsqueeze(0), *many[1:]]).squeeze(0)
    if many[-1].ndim == 1:
        return multi_dot([*many[:-1], many[-1].unsqueeze(1)]).squeeze(-1)
    return _chain(many, 0, len(many), {})[1]


def _chain(many: list[Tensor], start: int, end: int, done: dict[Any, Any]) -> tuple[float, Tensor]:
    """(multiplications, product) of many[start:end]: the cheapest split (CLRS, 15.2)."""
    if end - start == 1:
        return 0.0, many[start]
    if (start, end) not in done:
        best: tuple[float, Any, Any] = (math.inf, None, None)
        for cut in range(start + 1, end):
            (a, left), (b, right) = _chain(many, start, cut, done), _chain(many, cut, end, done)
            cost = a + b + many[start].shape[0] * many[cut].shape[0] * many[end - 1].shape[1]
            if cost < best[0]:
                best = cost, left, right
        done[start, end] = best[0], best[1] @ best[2]
    found: tuple[float, Tensor] = done[start, end]
    return found
