"""Products and decompositions of matrices, as methods with torch's names."""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import ops
from ..graph.errors import ShapeError
from ..graph.node import Node
from ..ops import host
from .core import Core, apply
from .naming import numpy_names

if TYPE_CHECKING:
    from ..tensor import Tensor


class SlogDet(NamedTuple):
    """What slogdet gives."""

    sign: Any
    logabsdet: Any


class TriangularSolve(NamedTuple):
    """What triangular_solve gives."""

    solution: Any
    cloned_coefficient: Any


class QR(NamedTuple):
    """What qr gives."""

    Q: Any
    R: Any


class SVD(NamedTuple):
    """What svd gives; U diag(S) V.mT is the matrix."""

    U: Any
    S: Any
    V: Any


def need_axes(op: str, *pairs: tuple[Any, int]) -> None:
    """Raise ShapeError E107 unless every operand has the number of axes the operation is for."""
    if any(len(x.shape) != n for x, n in pairs):
        kinds = {1: "a vector", 2: "a matrix", 3: "a batch of matrices"}
        raise ShapeError("E107", op, "operands have other numbers of axes than it is for",
                         got={name: x.node for name, (x, _) in zip("ab", pairs, strict=False)},
                         need=" and ".join(kinds[n] for _, n in pairs),
                         tries=[("matmul, which takes vectors, matrices and batches",
                                 lambda: ops.matmul(*(x.node for x, _ in pairs)))])


@numpy_names
class LinearAlgebra(Core):
    """x @ y in all its forms, and what torch.linalg does, as far as tensors have it as a method."""

    __slots__ = ()

    def matmul(self, other: Any) -> Tensor:
        """self @ other: vectors are rows or columns, batch axes broadcast.

        Shape   self (*B, m, k), other (*B, k, n), or vectors (k,) -> (*B, m, n), without the axis
                of a vector
        Raises  E101 when the inner sizes differ or the batch axes do not broadcast, E105 for two
                dtypes
        Source  array API standard, matmul
        Example
            >>> sheer.matmul([[1.0, 2.0], [3.0, 4.0]], sheer.tensor([1.0, 1.0]))
            tensor([3., 7.])
        """
        return apply(ops.matmul, self, other)

    def mm(self, mat2: Tensor) -> Tensor:
        """(n, k) @ (k, m). Raises E107 for anything but matrices."""
        need_axes("mm", (self, 2), (mat2, 2))
        return apply(ops.matmul, self, mat2)

    def bmm(self, mat2: Tensor) -> Tensor:
        """(B, n, k) @ (B, k, m). Raises E107 for anything but batches of matrices."""
        need_axes("bmm", (self, 3), (mat2, 3))
        return apply(ops.matmul, self, mat2)

    def mv(self, vec: Tensor) -> Tensor:
        """(n, m) @ (m,). Raises E107 for anything but a matrix and a vector."""
        need_axes("mv", (self, 2), (vec, 1))
        return apply(ops.matmul, self, vec)

    def dot(self, tensor: Tensor) -> Tensor:
        """The sum of products of two vectors. Raises E107 for anything but vectors."""
        need_axes("dot", (self, 1), (tensor, 1))
        return apply(ops.matmul, self, tensor)

    vdot = dot

    def inner(self, other: Tensor) -> Tensor:
        """Sums of products along the last axes."""
        if not self.ndim or not other.ndim:
            return self * other
        pair = ((self.ndim - 1,), (other.ndim - 1,))
        return apply(lambda a, b: ops.dot_general(a, b, pair), self, other)

    def outer(self, vec2: Tensor) -> Tensor:
        """All products of two vectors.

        Shape   self (m,), vec2 (n,) -> (m, n)
        Raises  E161 for anything but vectors
        Source  torch.outer
        Example
            >>> sheer.outer([1.0, 2.0], sheer.tensor([3.0, 4.0]))
            tensor([[3., 4.],
                    [6., 8.]])
        """
        return apply(host.outer, self, vec2)

    ger = outer

    def kron(self, other: Tensor) -> Tensor:
        """Every element of self times the whole of other, block by block."""
        def blocks(a: Node, b: Node) -> Node:
            n = max(a.ndim, b.ndim)
            a, b = (ops.reshape(t, (*(1,) * (n - t.ndim), *t.shape)) for t in (a, b))
            wide = ops.reshape(a, [s for x in a.shape for s in (x, 1)])
            many = wide * ops.reshape(b, [s for x in b.shape for s in (1, x)])
            return ops.reshape(many, [x * y for x, y in zip(a.shape, b.shape, strict=True)])
        return apply(blocks, self, other)

    def tensordot(self, other: Tensor, dims: Any = 2) -> Tensor:
        """Sums of products along pairs of axes: the last `dims` of self with the first of other.

        Shape   self (*A, *D), other (*D, *B) with `dims` axes D -> (*A, *B)
        Raises  E101 when the axes of a pair differ in length
        Source  torch.tensordot
        Example
            >>> sheer.tensordot(sheer.ones(2, 3, 4), sheer.ones(3, 4), 2)
            tensor([12., 12.])
        """
        if isinstance(dims, int):
            dims = (tuple(range(self.ndim - dims, self.ndim)), tuple(range(dims)))
        first, second = (tuple(d) if isinstance(d, Sequence) else (d,) for d in dims)
        pair = (tuple(d % self.ndim for d in first), tuple(d % other.ndim for d in second))
        a, b = _alike(self, other, pair), _alike(other, self, pair[::-1])
        return apply(lambda a, b: ops.dot_general(a, b, pair), a, b)

    # ---- products that add to something ------------------------------------------------------
    def addmm(self, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
        """beta * self + alpha * (mat1 @ mat2)."""
        need_axes("addmm", (mat1, 2), (mat2, 2))
        return _blend(self, mat1 @ mat2, beta, alpha)

    def addmv(self, mat: Tensor, vec: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
        """beta * self + alpha * (mat @ vec)."""
        need_axes("addmv", (mat, 2), (vec, 1))
        return _blend(self, mat @ vec, beta, alpha)

    def addr(self, vec1: Tensor, vec2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
        """beta * self + alpha * outer(vec1, vec2)."""
        return _blend(self, vec1.outer(vec2), beta, alpha)

    def baddbmm(self, batch1: Tensor, batch2: Tensor, *, beta: float = 1,
                alpha: float = 1) -> Tensor:
        """beta * self + alpha * (batch1 @ batch2)."""
        need_axes("baddbmm", (batch1, 3), (batch2, 3))
        return _blend(self, batch1 @ batch2, beta, alpha)

    def addbmm(self, batch1: Tensor, batch2: Tensor, *, beta: float = 1,
               alpha: float = 1) -> Tensor:
        """beta * self + alpha * (the sum of batch1 @ batch2 over the batch)."""
        need_axes("addbmm", (batch1, 3), (batch2, 3))
        products = batch1 @ batch2
        return _blend(self, products.sum(0, dtype=products.dtype), beta, alpha)

    # ---- of one matrix -----------------------------------------------------------------------
    def trace(self) -> Tensor:
        """The sum of the diagonal of a matrix; integers as int64."""
        need_axes("trace", (self, 2))
        return self.diagonal().sum()

    def det(self) -> Tensor:
        """The determinant."""
        return apply(host.det, self)

    def logdet(self) -> Tensor:
        """log of the determinant: NaN when it is negative, -inf when it is 0."""
        sign, size = self.slogdet()
        return size.where(sign >= 0, float("nan"))

    def slogdet(self) -> SlogDet:
        """(sign, log |determinant|), without overflow."""
        return SlogDet(*apply(host.slogdet, self))

    def inverse(self) -> Tensor:
        """The inverse of square matrices."""
        return apply(host.inv, self)

    def pinverse(self, rcond: float | None = None) -> Tensor:
        """The Moore-Penrose pseudo-inverse."""
        return apply(host.pinv, self, rtol=rcond)

    def matrix_power(self, n: int) -> Tensor:
        """The matrix times itself n times; its inverse for negative n."""
        return apply(host.matrix_power, self, n=n)

    def cholesky(self, upper: bool = False) -> Tensor:
        """The triangular L with L L^T = self."""
        return apply(host.cholesky, self, upper=upper)

    def qr(self) -> QR:
        """(Q, R), reduced."""
        return QR(*apply(host.qr, self))

    def svd(self, some: bool = True, compute_uv: bool = True) -> SVD:
        """(U, S, V), as torch.svd; linalg.svd gives V.mT in place of V.

        some: reduced, else with square U and V; without compute_uv, U and V are zeros
        """
        u, s, vh = apply(host.svd if some and compute_uv else host.svd_full, self)
        return SVD(u, s, vh.mT) if compute_uv else SVD(u.detach() * 0, s, vh.mT.detach() * 0)

    def matrix_exp(self) -> Tensor:
        """The sum of the powers of a matrix over n!."""
        return apply(host.matrix_exp, self)

    def lu_solve(self, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
        """The x for which a x = self, from what linalg.lu_factor(a) gave."""
        from ..linalg_factors import lu_solve
        right: Any = self
        return lu_solve(LU_data, LU_pivots, right)

    def cholesky_solve(self, L: Tensor, upper: bool = False) -> Tensor:
        """The x for which L L^T x = self (U^T U x = self when upper)."""
        low = L.mT if upper else L
        solve = host.triangular_solve
        half = apply(lambda a, b: solve(a, b, upper=False), low, self)
        return apply(lambda a, b: solve(a, b, upper=True), low.mT, half)

    def cholesky_inverse(self, upper: bool = False) -> Tensor:
        """The inverse of L L^T (U^T U when upper), from its factor."""
        eye = apply(lambda n: host.parts.eye(n, n.shape[-1]), self)
        return eye.cholesky_solve(self, upper)

    def triangular_solve(self, A: Tensor, upper: bool = True, transpose: bool = False,
                         unitriangular: bool = False) -> TriangularSolve:
        """(the x for which A x = self, A): only one triangle of A counts; A^T when transpose."""
        a = A.mT if transpose else A
        x = apply(lambda m, b: host.triangular_solve(
            m, b, upper=upper != transpose, unitriangular=unitriangular), a, self)
        return TriangularSolve(x, A)

    def cross(self, other: Any, dim: int = -1) -> Tensor:
        """The vector at right angles to two vectors of length 3."""
        return apply(lambda a, b: host.cross(a, b, dim), self, other)


def _alike(x: Any, other: Any, pair: Any) -> Any:
    """x, summed over axes whose partner in the other one has length 1, as torch does."""
    alone = [a for a, b in zip(*pair, strict=False) if other.shape[b] == 1 and x.shape[a] != 1]
    return x.sum(alone, keepdim=True) if alone else x


def _blend(x: Any, product: Any, beta: float, alpha: float) -> Any:
    """beta * x + alpha * product; without x when beta is 0. Whole numbers stay whole."""
    if product.dtype.kind == "bool":
        beta, alpha = bool(beta), bool(alpha)
    elif not product.dtype.is_floating_point and not x.dtype.is_floating_point:
        beta, alpha = int(beta), int(alpha)
    scaled = product if alpha == 1 else product * alpha
    if beta == 0:
        return scaled
    return scaled + (x if beta == 1 else x * beta)
