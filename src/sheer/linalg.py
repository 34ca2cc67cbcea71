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
    """The triangular L with positive diagonal and L L^T = A; only the lower triangle of A is read.

    Shape   A (*B, n, n) -> (*B, n, n)
    Raises  E160 unless A is square, E163 when there is no such L, E105 for integers
    Source  torch.linalg.cholesky
    Example
        >>> sheer.linalg.cholesky([[4.0, 2.0], [2.0, 5.0]])
        tensor([[2., 0.],
                [1., 2.]])
    """
    return apply(host.cholesky, as_tensor(A), upper=upper)


def qr(A: Any, mode: str = "reduced") -> QR:
    """(Q, R) with Q R = A: "reduced", "complete" with square Q, or "r", without Q.

    R's diagonal is not negative, which makes both unique; LAPACK's signs differ.

    Shape   A (*B, m, n) -> (*B, m, k), (*B, k, n) with k = min(m, n); (*B, m, m), (*B, m, n) when
            complete
    Raises  E191 for another mode, E160 when A is no matrix, E105 for integers
    Source  torch.linalg.qr
    Example
        >>> q, r = sheer.linalg.qr([[3.0, 1.0], [4.0, 3.0]])
        >>> r
        tensor([[5., 3.],
                [0., 1.]])
    """
    if mode not in ("reduced", "complete", "r"):
        raise ArgumentError("E191", "qr", f"there is no mode {mode!r}",
                            need='"reduced", "complete" or "r"')
    q, r = apply(host.qr_complete if mode == "complete" else host.qr, as_tensor(A))
    return QR(q.new_empty(0), r) if mode == "r" else QR(q, r)


def svd(A: Any, full_matrices: bool = True, *, driver: str | None = None) -> Svd:
    """(U, S, Vh) with U diag(S) Vh = A; U and Vh square, or as narrow as S.

    The columns of U and Vh beyond S have no gradient: they are not unique.

    Shape   A (*B, m, n) -> (*B, m, m), (*B, k), (*B, n, n), or (*B, m, k), (*B, k), (*B, k, n)
    Raises  E160 when A is no matrix, E164 for NaN in it, E105 for integers
    Source  torch.linalg.svd
    Example
        >>> sheer.linalg.svd([[0.0, 2.0], [3.0, 0.0]]).S
        tensor([3., 2.])
    """
    return Svd(*apply(host.svd_full if full_matrices else host.svd, as_tensor(A)))


def svdvals(A: Any, *, driver: str | None = None) -> Tensor:
    """The singular values, descending.

    Shape   A (*B, m, n) -> (*B, min(m, n))
    Raises  as svd
    Source  torch.linalg.svdvals
    Example
        >>> sheer.linalg.svdvals([[3.0, 0.0], [4.0, 0.0]])
        tensor([5., 0.])
    """
    return apply(host.svdvals, as_tensor(A))


def eigh(A: Any, UPLO: str = "L") -> Eigh:
    """(eigenvalues ascending, eigenvectors in columns) of a symmetric matrix, of which only the
    lower (or "U": the upper) triangle is read; its gradient is symmetric.

    Shape   A (*B, n, n) -> (*B, n), (*B, n, n)
    Raises  E191 for another triangle, E102 unless A is square, E110 when it is no matrix, E164 for
            NaN in it
    Source  torch.linalg.eigh
    Example
        >>> sheer.linalg.eigh([[2.0, 1.0], [1.0, 2.0]]).eigenvalues
        tensor([1., 3.])
    """
    return Eigh(*apply(host.eigh, _mirrored(as_tensor(A), UPLO)))


def eigvalsh(A: Any, UPLO: str = "L") -> Tensor:
    """The eigenvalues of a symmetric matrix, ascending.

    Shape   A (*B, n, n) -> (*B, n)
    Raises  as eigh
    Source  torch.linalg.eigvalsh
    Example
        >>> sheer.linalg.eigvalsh([[2.0, 1.0], [1.0, 2.0]])
        tensor([1., 3.])
    """
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
    """The inverse.

    Shape   A (*B, n, n) -> (*B, n, n)
    Raises  E160 unless A is square, E162 when it has no inverse, E105 for integers
    Source  torch.linalg.inv
    Example
        >>> sheer.linalg.inv([[2.0, 0.0], [1.0, 1.0]])
        tensor([[ 0.5,  0. ],
                [-0.5,  1. ]])
    """
    return apply(host.inv, as_tensor(A))


def pinv(A: Any, rtol: Any = None, *, atol: Any = None, hermitian: bool = False) -> Tensor:
    """The Moore-Penrose pseudo-inverse; singular values up to max(atol, rtol times the largest)
    count as 0.

    hermitian: only the lower triangle of A is read

    Shape   A (*B, m, n) -> (*B, n, m)
    Raises  E160 when A is no matrix, E164 for NaN in it, E105 for integers
    Source  torch.linalg.pinv
    Example
        >>> sheer.linalg.pinv([[1.0], [1.0]])
        tensor([[0.5, 0.5]])
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
    """The determinant.

    Shape   A (*B, n, n) -> (*B)
    Raises  E160 unless A is square, E105 for integers
    Source  torch.linalg.det
    Example
        >>> sheer.linalg.det([[1.0, 2.0], [3.0, 4.0]])
        tensor(-2.)
    """
    return apply(host.det, as_tensor(A))


def slogdet(A: Any) -> SlogDet:
    """(sign, log |determinant|), without overflow.

    Shape   A (*B, n, n) -> (*B), (*B)
    Raises  E160 unless A is square, E105 for integers
    Source  torch.linalg.slogdet
    Example
        >>> sign, log = sheer.linalg.slogdet(100 * sheer.eye(50))
        >>> sign.item(), round(log.item() / np.log(10))
        (1.0, 100)
    """
    return as_tensor(A).slogdet()


def solve(A: Any, B: Any, *, left: bool = True) -> Tensor:
    """The X for which A X = B (X A = B when not left).

    Shape   A (*B, n, n), B (*B, n, k) or (*B, n) -> that of B
    Raises  E160 unless A is square, E161 when B has another height, E162 when A is singular, E105
            for integers
    Source  torch.linalg.solve
    Example
        >>> sheer.linalg.solve([[2.0, 0.0], [1.0, 1.0]], [[4.0], [5.0]])
        tensor([[2.],
                [3.]])
    """
    return apply(host.solve, as_tensor(A), as_tensor(B), left=left)


def solve_triangular(A: Any, B: Any, *, upper: bool, left: bool = True,
                     unitriangular: bool = False) -> Tensor:
    """As solve, for a triangular A.

    Shape   A (*B, n, n), B (*B, n, k) -> that of B
    Raises  as solve
    Source  torch.linalg.solve_triangular
    Example
        >>> sheer.linalg.solve_triangular([[2.0, 0.0], [1.0, 1.0]], [[4.0], [5.0]], upper=False)
        tensor([[2.],
                [3.]])
    """
    return apply(host.triangular_solve, as_tensor(A), as_tensor(B), upper=upper,
                 left=left, unitriangular=unitriangular)


def lstsq(A: Any, B: Any, rcond: float | None = None, *, driver: str | None = None) -> Lstsq:
    """The X that minimises |A X - B|, the shortest of them where A lacks full column rank.

    driver: "gels", "gelsy" (the default), "gelsd", "gelss": which further results there are

    Shape   A (*B, m, n), B (*B, m, k) -> solution (*B, n, k), residuals (*B, k), rank (*B),
            singular_values (*B, min(m, n))
    Raises  E191 for another driver, E160 when A is no matrix, E161 when B has another height, E105
            for integers
    Source  torch.linalg.lstsq
    Example
        >>> A, B = [[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]], [[1.0], [3.0], [5.0]]        # y = 1 + 2 x
        >>> sheer.linalg.lstsq(A, B).solution
        tensor([[1.],
                [2.]])
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
    """A times itself n times; of its inverse for negative n.

    Shape   A (*B, n, n) -> (*B, n, n)
    Raises  E160 unless A is square, E162 for a negative power of a singular A
    Source  torch.linalg.matrix_power
    Example
        >>> sheer.linalg.matrix_power([[1.0, 1.0], [1.0, 0.0]], 10)                   # Fibonacci
        tensor([[89., 55.],
                [55., 34.]])
    """
    return apply(host.matrix_power, as_tensor(A), n=n)


def matrix_rank(A: Any, tol: Any = None, *, atol: Any = None, rtol: Any = None,
                hermitian: bool = False) -> Tensor:
    """How many singular values exceed max(atol, rtol times the largest); tol is an older atol.

    hermitian: only the lower triangle of A is read

    Shape   A (*B, m, n) -> int64 (*B)
    Raises  E160 when A is no matrix, E164 for NaN in it, E105 for integers
    Source  torch.linalg.matrix_rank
    Example
        >>> sheer.linalg.matrix_rank([[1.0, 2.0], [2.0, 4.0]])
        tensor(1)
    """
    a = as_tensor(A).detach()
    a = _mirrored(a, "L") if hermitian else a
    s = svdvals(a)
    return (s > _tolerance(a, s, tol if atol is None else atol, rtol)).sum(-1)


def cond(A: Any, p: Any = None) -> Tensor:
    """How much errors grow in solving with A: its norm times that of its inverse.

    Shape   A (*B, m, n) -> (*B); (*B, n, n) for norms other than 2 and -2
    Raises  E160 for shapes, E162 when A is singular and p is neither 2 nor -2, E166 for another p,
            E164 for NaN, E105 for integers
    Source  torch.linalg.cond
    Example
        >>> sheer.linalg.cond([[10.0, 0.0], [0.0, 0.1]])
        tensor(100.)
    """
    if p in (None, 2, -2):
        s = svdvals(A)
        return s.select(-1, 0) / s.select(-1, -1) if p != -2 else s.select(-1, -1) / s.select(-1, 0)
    return matrix_norm(A, p) * matrix_norm(inv(A), p)


def norm(A: Any, ord: Any = None, dim: Any = None, keepdim: bool = False) -> Tensor:
    """A matrix norm where ord is a name or there are two axes, else a vector norm.

    Shape   A (*S) -> S without dim, () by default
    Raises  E166 for another ord, E160 for the name of a matrix norm and a vector, E110 for a wrong
            axis, E105 for integers
    Source  torch.linalg.norm
    Example
        >>> sheer.linalg.norm([3.0, 4.0]), sheer.linalg.norm([[1.0, 2.0], [3.0, 4.0]], "nuc")
        (tensor(5.), tensor(5.831))
    """
    return apply(host.norm, as_tensor(A), ord=ord, dim=dim, keepdim=keepdim)


def vector_norm(x: Any, ord: float = 2, dim: Any = None, keepdim: bool = False, *, axis: Any = None,
                keepdims: bool = False) -> Tensor:
    """(sum of |x|^ord)^(1/ord) along dim, of all numbers by default.

    Shape   x (*S) -> S without dim, () by default
    Raises  E110 for a wrong axis, E105 for integers
    Source  torch.linalg.vector_norm
    Example
        >>> sheer.linalg.vector_norm([3.0, 4.0]), sheer.linalg.vector_norm([3.0, -4.0], 1)
        (tensor(5.), tensor(7.))
    """
    return apply(host.vector_norm, as_tensor(x), ord=ord, dim=dim if axis is None else axis,
                 keepdim=keepdim or keepdims)


def matrix_norm(A: Any, ord: Any = "fro", dim: Sequence[int] = (-2, -1), keepdim: bool = False, *,
                keepdims: bool = False) -> Tensor:
    """"fro", "nuc", 2, -2, 1, -1, inf or -inf norm of matrices.

    Shape   A (*B, m, n) -> (*B)
    Raises  E166 for another ord, E160 when A is no matrix, E110 for wrong axes, E105 for integers
    Source  torch.linalg.matrix_norm
    Example
        >>> sheer.linalg.matrix_norm([[3.0, 0.0], [4.0, 0.0]])
        tensor(5.)
        >>> sheer.linalg.matrix_norm([[3.0, 0.0], [4.0, 0.0]], float("inf"))   # row sum
        tensor(4.)
    """
    return apply(host.matrix_norm, as_tensor(A), ord=ord, dim=dim, keepdim=keepdim or keepdims)


def cross(x1: Any, x2: Any, *, dim: int = -1, axis: int | None = None) -> Tensor:
    """The vector at right angles to two vectors of length 3.

    Shape   x1 (*B, 3), x2 (*B, 3) -> (*B, 3)
    Raises  E161 unless both have length 3 there, E110 for a wrong axis
    Source  torch.linalg.cross
    Example
        >>> sheer.linalg.cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
        tensor([0., 0., 1.])
    """
    return apply(host.cross, as_tensor(x1), as_tensor(x2), dim=dim if axis is None else axis)


def diagonal(A: Any, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices: here, unlike Tensor.diagonal, of the last two axes.

    Shape   A (*B, m, n) -> (*B, min(m, n)) for offset 0
    Raises  E110 for axes that do not exist or are one
    Source  torch.linalg.diagonal
    Example
        >>> sheer.linalg.diagonal([[1, 2], [3, 4]]).tolist()
        [1, 4]
    """
    return as_tensor(A).diagonal(offset, dim1, dim2)


def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Tensor:
    """The sums of the diagonals of matrices in the last two axes (array API).

    Shape   x (*B, m, n) -> (*B)
    Raises  E110 when x is no matrix
    Source  array API standard, linalg.trace
    Example
        >>> sheer.linalg.trace([[1.0, 2.0], [3.0, 4.0]])
        tensor(5.)
    """
    return diagonal(x, offset=offset).sum(-1, dtype=dtype)


def multi_dot(tensors: Sequence[Any]) -> Tensor:
    """The product of several matrices, in the order that takes the fewest multiplications.

    Shape   (n,) or (n, k), (k, l), ..., (m, p) or (m,) -> (n, p), without the axis of a vector
    Raises  E101 when two neighbours do not fit
    Source  torch.linalg.multi_dot; Cormen et al., Introduction to Algorithms, 15.2
    Example
        >>> sheer.linalg.multi_dot([[[1.0, 2.0]], [[3.0], [4.0]], [[5.0]]])
        tensor([[55.]])
    """
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
