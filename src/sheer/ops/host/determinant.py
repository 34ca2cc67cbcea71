"""Determinants: square matrices in, one number each out; derivatives hold where it is 0 too."""

from __future__ import annotations

import numpy as np

from ...graph.dtypes import int64
from ...graph.node import Node
from .. import elementwise, movement, reduce, sampling
from ..contract import transpose
from ..primitive import NoXla, results
from ..structure import iota, stop_gradient
from . import examples
from .linalg import Inverse
from .parts import Lapack, check_square, columns, diagonal_matrix, diverged, dot, off_diagonal, rows


class SlogDet(Lapack):
    """Sign and logarithm of the absolute value of the determinant, without overflow.

    A singular matrix has sign 0 and logarithm -inf; asking for its gradient is an error.

    Shape   a (*B, n, n) -> sign (*B), logabsdet (*B)
    Dtype   float -> the same float
    Raises  E160 when a is not square; in the gradient E162 when it is singular
    Source  Giles 2008, "An extended collection of matrix derivative results", section 2.2.4
    """
    xla = NoXla("jax.lax.linalg.lu and a sum of logarithms")

    def infer(self, a):
        check_square("slogdet", a)
        return a.to(*a.shape[:-2]), a.to(*a.shape[:-2])
    def ref(self, a): return tuple(np.linalg.slogdet(a))
    def vjp(self, ct, out, a):
        return (columns(columns(ct[1])) * transpose(Inverse()(a)),)       # the sign is constant
    @classmethod
    def samples(cls):
        return sampling.cases(lambda rng: (cls(), (examples.full_rank(rng, (2, 3, 3)),)))
    @classmethod
    def hard(cls): return [(cls(), (np.array([[-3.0]]),)), (cls(), (np.empty((2, 0, 0)),))]


class Det(Lapack):
    """The determinant. Its first two derivatives are right for every matrix, singular ones too.

    The third asks for distinct singular values, and is NaN elsewhere.

    Shape   a (*B, n, n) -> (*B)
    Dtype   float -> the same float
    Raises  E160 when a is not square
    Source  Jacobi's formula: the gradient of det(a) is the cofactor matrix
    """
    xla = NoXla("jax.lax.linalg.lu and a product")

    def infer(self, a):
        check_square("det", a)
        return a.to(*a.shape[:-2])
    def ref(self, a): return np.linalg.det(a)
    def vjp(self, ct, out, a): return (columns(columns(ct)) * Cofactor()(a),)
    @classmethod
    def samples(cls): return sampling.cases(lambda rng: (cls(), (rng.normal(size=(2, 3, 3)),)))
    @classmethod
    def hard(cls):
        return [(cls(), (np.outer([1.0, 2.0], [3.0, -1.0]),)), (cls(), (np.empty((2, 0, 0)),))]


class Cofactor(Lapack):
    """The cofactor matrix, det(a) a^-T where a is regular, and its limit elsewhere.

    Entry (i, j) is (-1)^(i + j) times the determinant of a without row i and column j. From
    a = U diag(s) V^T it is det(U) det(V) U diag(products of the other s) V^T.

    Shape   a (*B, n, n) -> (*B, n, n)
    Dtype   float -> the same float
    Raises  E160 when a is not square, E164 when it contains NaN or infinity
    Source  Stewart 1998, "On the adjugate matrix", doi:10.1016/S0024-3795(98)10098-8
    """
    xla = NoXla("jax.lax.linalg.svd and products")

    def infer(self, a):
        check_square("cofactor", a)
        return a.to(*a.shape)
    def ref(self, a):
        try:
            u, s, vh = np.linalg.svd(a)
        except np.linalg.LinAlgError:
            raise diverged("cofactor", a) from None
        n = a.shape[-1]
        others = np.where(np.eye(n, dtype=bool), 1, s[..., None, :]).prod(-1)            # (*B, n)
        sign = np.sign(np.linalg.det(u) * np.linalg.det(vh))[..., None, None]
        return sign * (u * others[..., None, :] @ vh)
    def vjp(self, ct, out, a):
        from .decompose import svd
        u, s, vh = svd(a)
        sign = stop_gradient(elementwise.sign(Det()(u) * Det()(vh)))                # (*B)
        turned = dot(transpose(u), ct, transpose(vh))
        pairs = _products_without_pairs(s)                                          # (*B, n, n)
        diagonal = reduce.sum(turned - off_diagonal(turned), (turned.ndim - 1,))
        inner = diagonal_matrix(_times(pairs, diagonal)) - pairs * transpose(turned)
        return (columns(columns(sign)) * dot(u, inner, vh),)
    @classmethod
    def samples(cls):
        return sampling.cases(lambda rng: (cls(), (examples.full_rank(rng, (2, 3, 3)),)))
    @classmethod
    def hard(cls): return [(cls(), (np.diag([1.0, 2.0, 0.0]),)), (cls(), (np.array([[5.0]]),))]


def det(a: Node) -> Node:
    """The determinant of square matrices. See Det and torch.linalg.det."""
    return Det()(a)


def slogdet(a: Node) -> tuple[Node, Node]:
    """(sign, logarithm of the absolute value) of the determinant. See torch.linalg.slogdet."""
    sign, logarithm = results(SlogDet()(a))
    return sign, logarithm


def _products_without_pairs(s):
    """(*B, n) -> (*B, n, n): at (i, j) the product of all s but s_i and s_j; 0 where i = j."""
    n = s.shape[-1]
    wide = movement.broadcast_to(rows(rows(s)), (*s.shape, n, n))
    k = iota(n, int64)
    axis = lambda i: movement.reshape(k, tuple(n if j == i else 1 for j in range(3)))
    left_out = lambda i: movement.broadcast_to(elementwise.eq(axis(2), axis(i)), wide.shape)
    kept = elementwise.where(left_out(0), 1, elementwise.where(left_out(1), 1, wide))
    return off_diagonal(reduce.prod(kept, (kept.ndim - 1,)))


def _times(matrix, vector):
    """Matrix times vector, (*B, n, n) and (*B, n) -> (*B, n)."""
    return reduce.sum(matrix * rows(vector), (matrix.ndim - 1,))
