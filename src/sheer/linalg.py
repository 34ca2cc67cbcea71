"""sheer.linalg: linear algebra of whole matrices, with torch.linalg's names and the array API's."""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from . import namespace, namespace_standard
from .mixins.core import apply
from .mixins.linear_algebra import QR, SlogDet
from .mixins.missing import refusing as _refusing
from .ops import host
from .tensor import Tensor, as_tensor

__all__ = ["cholesky", "cond", "cross", "det", "diagonal", "eigh", "eigvalsh", "inv", "lstsq",
           "matmul",
           "matrix_norm", "matrix_power", "matrix_rank", "matrix_transpose", "multi_dot", "norm",
           "outer",
           "pinv", "qr", "slogdet", "solve", "solve_triangular", "svd", "svdvals", "tensordot",
           "trace",
           "vecdot", "vector_norm"]
__getattr__ = _refusing("linalg", __all__)

matmul, tensordot, outer = (namespace.functions[name] for name in ("matmul", "tensordot", "outer"))
matrix_transpose, vecdot = namespace_standard.matrix_transpose, namespace_standard.vecdot


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
    """What lstsq gives; torch's further results are not computed."""

    solution: Tensor


def cholesky(A: Any, *, upper: bool = False) -> Tensor:
    """The triangular L with positive diagonal and L L^T = A. Raises E163 when there is none."""
    return apply(host.cholesky, as_tensor(A), upper=upper)


def qr(A: Any, mode: str = "reduced") -> QR:
    """(Q, R), reduced: Q R = A."""
    _only("qr", mode == "reduced", f"mode={mode!r}", 'mode="reduced"')
    return QR(*apply(host.qr, as_tensor(A)))


def svd(A: Any, full_matrices: bool = False) -> Svd:
    """(U, S, Vh), reduced: U diag(S) Vh = A. Pass full_matrices=False to other libraries' svd."""
    _only("svd", not full_matrices, "full_matrices=True", "full_matrices=False")
    return Svd(*apply(host.svd, as_tensor(A)))


def svdvals(A: Any) -> Tensor:
    """The singular values, descending."""
    return apply(host.svdvals, as_tensor(A))


def eigh(A: Any, UPLO: str = "L") -> Eigh:
    """(eigenvalues ascending, eigenvectors in columns) of the symmetric part of A."""
    return Eigh(*apply(host.eigh, as_tensor(A)))


def eigvalsh(A: Any, UPLO: str = "L") -> Tensor:
    """The eigenvalues of the symmetric part of A, ascending."""
    return apply(host.eigvalsh, as_tensor(A))


def inv(A: Any) -> Tensor:
    """The inverse. Raises E162 when there is none."""
    return apply(host.inv, as_tensor(A))


def pinv(A: Any, rtol: float | None = None) -> Tensor:
    """The Moore-Penrose pseudo-inverse; singular values below rtol times the largest count as 0."""
    return apply(host.pinv, as_tensor(A), rtol=rtol)


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


def lstsq(A: Any, B: Any) -> Lstsq:
    """The X that minimises |A X - B|. Raises E162 unless A has full rank."""
    return Lstsq(apply(host.lstsq, as_tensor(A), as_tensor(B)))


def matrix_power(A: Any, n: int) -> Tensor:
    """A times itself n times; of its inverse for negative n."""
    return apply(host.matrix_power, as_tensor(A), n=n)


def matrix_rank(A: Any, rtol: float | None = None) -> Tensor:
    """How many singular values exceed rtol times the largest."""
    return apply(host.matrix_rank, as_tensor(A), rtol=rtol)


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


def _only(op: str, holds: bool, got: str, need: str) -> None:
    if not holds:
        from .graph.errors import MissingError
        raise MissingError("E190", op, f"there is no {got}", need=need,
                           tries=[(need, lambda: None)])
