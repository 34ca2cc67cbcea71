"""Matrix decompositions: matrices in, factors out. Cholesky, QR, singular values, eigenvalues.

Signs that the definition leaves open are fixed, so that results do not depend on the LAPACK used:
the diagonal of R is not negative, and the largest component of each singular (left) or eigenvector
is positive. Derivatives with respect to vectors of equal singular or eigenvalues do not exist;
there they are infinite or NaN, as in torch.
"""

from __future__ import annotations

import functools

import numpy as np

from ...graph.dtypes import dtype_of
from ...graph.errors import NumericError
from ...graph.node import Node, Spec
from .. import elementwise, movement, sampling
from ..contract import transpose
from ..primitive import NoXla, results
from ..structure import stop_gradient
from . import examples
from .linalg import TriangularSolve
from .parts import (
    Lapack,
    band,
    check_matrix,
    check_square,
    columns,
    diagonal_matrix,
    diverged,
    dot,
    eye,
    insist,
    is_zero,
    lower,
    off_diagonal,
    rows,
    symmetric,
    which,
)


class Cholesky(Lapack):
    """The lower triangular L with positive diagonal for which L L^T = a.

    Of a, the symmetric part (a + a^T) / 2 is used; so the gradient is symmetric.

    Shape   a (*B, n, n) -> (*B, n, n)
    Dtype   float -> the same float
    Raises  E160 when a is not square, E163 when it is not positive definite
    Source  Murray 2016, arXiv:1602.07527, equation 10
    """
    xla = NoXla("jax.lax.linalg.cholesky")

    def infer(self, a):
        check_square("cholesky", a)
        return a.to(*a.shape)
    def ref(self, a):
        a = (a + np.swapaxes(a, -1, -2)) / 2
        try:
            return np.linalg.cholesky(a)
        except np.linalg.LinAlgError:
            raise _not_positive(a) from None
    def vjp(self, ct, out, a):
        phi = lower(dot(transpose(out), ct))
        phi = band(phi, elementwise.ne, phi * 0.5)                   # the diagonal counts half
        left = TriangularSolve(lower=False)(transpose(out), phi)                # L^-T phi
        return (symmetric(TriangularSolve(lower=False)(transpose(out), transpose(left))),)
    @classmethod
    def samples(cls):
        return sampling.cases(lambda rng: (cls(), (examples.positive(rng, (2, 3, 3)),)))
    @classmethod
    def hard(cls): return [(cls(), (np.array([[4.0]]),)), (cls(), (np.empty((2, 0, 0)),))]


class Qr(Lapack):
    """Q with orthonormal columns and R, upper triangular with diagonal >= 0: Q R = a.

    The gradient asks for full rank: of a, or of its first m columns when it is wide.

    Shape   a (*B, m, n) -> Q (*B, m, k), R (*B, k, n), k = min(m, n)
    Dtype   float -> the same float
    Raises  E160 when a is no matrix; in the gradient E162 when the rank is not full
    Source  Walter and Lehmann 2010, arXiv:1001.1654; wide: Roberts and Roberts 2020,
            arXiv:2009.10071
    """
    xla = NoXla("jax.lax.linalg.qr")

    def infer(self, a):
        check_matrix("qr", a)
        m, n = a.shape[-2:]
        return a.to(*a.shape[:-1], min(m, n)), a.to(*a.shape[:-2], min(m, n), n)
    def ref(self, a):
        q, r = np.linalg.qr(a)
        sign = np.where(np.diagonal(r, axis1=-2, axis2=-1) < 0, -1, 1).astype(a.dtype)
        return q * sign[..., None, :], r * sign[..., :, None]
    def vjp(self, ct, out, a):
        (ct_q, ct_r), (q, r) = ct, out
        m, n = a.shape[-2:]
        if m >= n:
            return (_qr_square(ct_q, ct_r, q, r),)
        part = lambda x, start, size: movement.narrow(x, x.ndim - 1, start, size)
        ct_rest = part(ct_r, m, n - m)                # a = [x, y], r = [u, v], v = q^T y
        ct_q = ct_q + dot(part(a, m, n - m), transpose(ct_rest))
        ct_x = _qr_square(ct_q, part(ct_r, 0, m), q, part(r, 0, m))
        return (movement.concat([ct_x, dot(q, ct_rest)], a.ndim - 1),)
    @classmethod
    def samples(cls):
        shapes = [(3, 3), (4, 2), (2, 3, 5)]
        return sampling.cases(lambda rng: (cls(), (examples.spread(rng, shapes[rng.integers(3)]),)))
    @classmethod
    def hard(cls): return [(cls(), (np.array([[-2.0]]),)), (cls(), (np.empty((0, 3, 2)),))]


class Svd(Lapack):
    """a = U diag(S) Vh with orthonormal columns of U and rows of Vh, S descending and >= 0.

    Signs: the largest component of each column of U is positive. The gradient of a function of S
    alone always exists; through U or Vh it is infinite or NaN where singular values coincide, or
    where one is 0 and a is not square, as in torch.

    Shape   a (*B, m, n) -> U (*B, m, k), S (*B, k), Vh (*B, k, n), k = min(m, n)
    Dtype   float -> the same float
    Raises  E160 when a is no matrix, E164 when a contains NaN or infinity
    Source  Townsend 2016, "Differentiating the singular value decomposition", equations 19-20
    """
    xla = NoXla("jax.lax.linalg.svd")

    def infer(self, a):
        check_matrix("svd", a)
        *batch, m, n = a.shape
        k = min(m, n)
        return a.to(*batch, m, k), a.to(*batch, k), a.to(*batch, k, n)
    def ref(self, a):
        try:
            u, s, vh = np.linalg.svd(a, full_matrices=False)
        except np.linalg.LinAlgError:
            raise diverged("svd", a) from None
        sign = _face_up(u)
        return u * sign[..., None, :], s, vh * sign[..., :, None]
    def vjp(self, ct, out, a):
        (ct_u, ct_s, ct_vh), (u, s, vh) = ct, out
        total = dot(u * rows(ct_s), vh)
        if is_zero(ct_u) and is_zero(ct_vh):
            return (total,)
        gap = off_diagonal(1 / off_diagonal((rows(s) - columns(s)) * (rows(s) + columns(s)), on=1))
        inner = _turned(u, ct_u, gap) * rows(s)                                    # (*B, k, k)
        inner = inner + columns(s) * _turned(transpose(vh), transpose(ct_vh), gap)
        total = total + dot(u, inner, vh)
        if u.shape[-2] > s.shape[-1]:
            total = total + dot(_outside(u, ct_u) / rows(s), vh)
        if vh.shape[-1] > s.shape[-1]:
            rest = _outside(transpose(vh), transpose(ct_vh)) / rows(s)
            total = total + dot(u, transpose(rest))
        return (total,)
    @classmethod
    def samples(cls):
        shapes = [(3, 3), (4, 2), (2, 2, 4)]
        return sampling.cases(lambda rng: (cls(), (examples.spread(rng, shapes[rng.integers(3)]),)))
    @classmethod
    def hard(cls): return [(cls(), (np.array([[-2.0]]),)), (cls(), (np.empty((0, 3, 2)),))]


class Eigh(Lapack):
    """Eigenvalues w, ascending, and orthonormal eigenvectors (columns of V): V diag(w) V^T = a.

    Of a, the symmetric part (a + a^T) / 2 is used; so the gradient is symmetric. The largest
    component of each eigenvector is positive. The gradient through w alone always exists; through
    V it is infinite or NaN where eigenvalues coincide, as in torch.

    Shape   a (*B, n, n) -> w (*B, n), V (*B, n, n)
    Dtype   float -> the same float
    Raises  E160 when a is not square, E164 when a contains NaN or infinity
    Source  Giles 2008, "An extended collection of matrix derivative results", section 3.1
    """
    xla = NoXla("jax.lax.linalg.eigh")

    def infer(self, a):
        check_square("eigh", a, "linalg.svd(a)")
        return a.to(*a.shape[:-1]), a.to(*a.shape)
    def ref(self, a):
        if not np.isfinite(a).all():                        # LAPACK may return NaN or never end
            raise diverged("eigh", a)
        try:
            w, v = np.linalg.eigh((a + np.swapaxes(a, -1, -2)) / 2)
        except np.linalg.LinAlgError:
            raise diverged("eigh", a) from None
        return w, v * _face_up(v)[..., None, :]
    def vjp(self, ct, out, a):
        (ct_w, ct_v), (w, v) = ct, out
        inner = diagonal_matrix(ct_w)
        if not is_zero(ct_v):
            gap = off_diagonal(1 / off_diagonal(rows(w) - columns(w), on=1))
            inner = inner + symmetric(gap * dot(transpose(v), ct_v))
        return (dot(v, inner, transpose(v)),)
    @classmethod
    def samples(cls):
        return sampling.cases(lambda rng: (cls(), (examples.apart(rng, (2, 3, 3)),)))
    @classmethod
    def hard(cls): return [(cls(), (np.array([[-2.0]]),)), (cls(), (np.empty((0, 2, 2)),))]


# ---- the functions rules and tensors call --------------------------------------------------------

def cholesky(a: Node, *, upper: bool = False) -> Node:
    """L with L L^T = a, or its transpose. See Cholesky and torch.linalg.cholesky."""
    factor = Cholesky()(a)
    return transpose(factor) if upper else factor


def qr(a: Node) -> tuple[Node, Node]:
    """(Q, R), reduced. See Qr and torch.linalg.qr."""
    q, r = results(Qr()(a))
    return q, r


def svd(a: Node) -> tuple[Node, Node, Node]:
    """(U, S, Vh), reduced. See Svd and torch.linalg.svd(full_matrices=False)."""
    u, s, vh = results(Svd()(a))
    return u, s, vh


def svd_full(a: Node) -> tuple[Node, Node, Node]:
    """(U, S, Vh) with square U and Vh. See torch.linalg.svd(full_matrices=True)."""
    u, s, vh = svd(a)
    return completed(u), s, transpose(completed(transpose(vh)))


def qr_complete(a: Node) -> tuple[Node, Node]:
    """(Q, R) with square Q. See torch.linalg.qr(mode="complete")."""
    q, r = qr(a)
    m, k = q.shape[-2:]
    return completed(q), movement.pad(r, [(0, 0, 0)] * (a.ndim - 2) + [(0, m - k, 0), (0, 0, 0)])


def completed(q: Node) -> Node:
    """Orthonormal columns (*B, m, k) and as many more as make a basis; those have no gradient.

    The further ones are eigenvectors of the projection I - q q^T to its eigenvalue 1.
    """
    m, k = q.shape[-2:]
    if m == k:
        return q
    _, v = eigh(stop_gradient(eye(q, m) - dot(q, transpose(q))))
    return movement.concat([q, movement.narrow(v, v.ndim - 1, k, m - k)], q.ndim - 1)


def svdvals(a: Node) -> Node:
    """The singular values, descending. See torch.linalg.svdvals."""
    return svd(a)[1]


def eigh(a: Node) -> tuple[Node, Node]:
    """(eigenvalues, eigenvectors) of a symmetric matrix. See Eigh and torch.linalg.eigh."""
    w, v = results(Eigh()(a))
    return w, v


def eigvalsh(a: Node) -> Node:
    """The eigenvalues of a symmetric matrix, ascending. See torch.linalg.eigvalsh."""
    return eigh(a)[0]


# ---- parts of derivatives ------------------------------------------------------------------------

def _qr_square(ct_q, ct_r, q, r):
    """The cotangent of a = q r, r square: (ct_q + q copyltu(r ct_r^T - ct_q^T q)) r^-T."""
    m = dot(r, transpose(ct_r)) - dot(transpose(ct_q), q)
    strict = band(m, elementwise.gt)
    mirrored = lower(m) + transpose(strict)
    right = ct_q + dot(q, mirrored)
    return transpose(TriangularSolve(lower=False)(r, transpose(right)))


def _turned(basis, ct, gap):
    """gap * (X - X^T) for X = basis^T ct: what a rotation within the basis contributes."""
    x = dot(transpose(basis), ct)
    return gap * (x - transpose(x))


def _outside(basis, ct):
    """The part of ct that is orthogonal to the basis."""
    return dot(eye(basis, basis.shape[-2]) - dot(basis, transpose(basis)), ct)


# ---- parts of values -----------------------------------------------------------------------------

def _face_up(vectors):
    """Per column, the sign that makes its largest component positive."""
    if vectors.size == 0:
        return np.ones((*vectors.shape[:-2], vectors.shape[-1]), vectors.dtype)
    largest = np.argmax(np.abs(vectors), axis=-2, keepdims=True)
    value = np.take_along_axis(vectors, largest, axis=-2)[..., 0, :]
    return np.where(value < 0, -1, 1).astype(vectors.dtype)


def _not_positive(a):
    """E163: which matrix, which leading minor, and the smallest power of 10 that mends it."""
    bad = next(m for m in a.reshape(-1, *a.shape[-2:]) if not _has_root(m))
    order = next(k for k in range(1, len(bad) + 1) if not _has_root(bad[:k, :k]))
    shifts = [10.0**k for k in range(-8, 7)]
    tries = [(f"a + {shift:g} * eye({len(bad)})", functools.partial(_smallest_shift, a, shift))
             for shift in shifts]
    return NumericError("E163", "cholesky", f"{which(a, np.linalg.cholesky)} is not positive "
                        f"definite: its leading minor of order {order} is not",
                        got={"a": Spec(a.shape, dtype_of(a.dtype))},
                        need="x^T a x > 0 for every x except 0", tries=tries)


def _has_root(m):
    try:
        np.linalg.cholesky(m)
    except np.linalg.LinAlgError:
        return False
    return True


def _smallest_shift(a, shift):
    """Raise unless half the shift makes a positive definite and half a tenth of it does not."""
    mended = lambda by: _has_root(a + by / 2 * np.eye(a.shape[-1], dtype=a.dtype))
    insist(mended(shift) and not mended(shift / 10))
