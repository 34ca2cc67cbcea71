"""LU with partial pivoting: matrices flow in; triangular factors and orders of rows flow out."""

from __future__ import annotations

import math

import numpy as np

from ...graph.dtypes import dtype_of, int32, int64
from ...graph.errors import BoundsError, DTypeError
from ...graph.node import Node, Spec
from .. import elementwise, index, movement, sampling
from ..contract import transpose
from ..primitive import HostOp, NotDifferentiable, NoXla
from .linalg import triangular_solve
from .parts import Lapack, band, check_matrix, check_square, columns, dot, upper


class Pivots(Lapack):
    """Which row each step of elimination exchanges with its own: the one with the largest element.

    Shape   a (*B, m, n) -> (*B, min(m, n))
    Dtype   float -> int32, counted from 1 as LAPACK counts
    Raises  E160 when a is no matrix
    Source  Golub and Van Loan, Matrix Computations, algorithm 3.4.1
    """
    vjp = NotDifferentiable("integer output")
    xla = NoXla("jax.lax.linalg.lu")

    def infer(self, a):
        check_matrix("lu", a)
        return Spec((*a.shape[:-2], min(a.shape[-2:])), int32)
    def ref(self, a):
        rest = _one_batch(a)
        batch, steps = np.arange(len(rest)), min(a.shape[-2:])
        chosen = np.zeros((len(rest), steps), np.int32)
        for j in range(steps):
            p = j + np.abs(rest[:, j:, j]).argmax(1)
            chosen[:, j] = p + 1
            rest[batch, p], rest[:, j] = rest[:, j].copy(), rest[batch, p]
            _eliminate(rest, j)
        return chosen.reshape(*a.shape[:-2], steps)
    @classmethod
    def samples(cls):
        return sampling.cases(lambda rng: (cls(), (rng.normal(size=(2, 3, 4)),)))
    @classmethod
    def hard(cls): return [(cls(), (np.array([[0.0, 2.0], [1.0, 0.0]]),))]


class RowOrder(Lapack):
    """The order of `size` rows after the exchanges that pivots name, one after the other.

    Shape   pivots (*B, k), counted from 1 -> int64 (*B, size)
    Raises  E105 for pivots that are no integers, E130 for one that names no row
    Source  LAPACK's laswp
    """
    size: int
    vjp = NotDifferentiable("integer output")
    emit, fallible = HostOp("one exchange after the other"), True
    xla = NoXla("jax.lax.linalg.lu_pivots_to_permutation")

    def infer(self, pivots):
        if not pivots.dtype.is_integer:
            raise DTypeError("E105", "lu", "pivots are integers", got={"pivots": pivots},
                             need="what lu_factor gave")
        return Spec((*pivots.shape[:-1], self.size), int64)
    def ref(self, pivots):
        flat = pivots.reshape(math.prod(pivots.shape[:-1]), pivots.shape[-1]) - np.int64(1)
        wrong = flat[(flat < 0) | (flat >= self.size)] + 1
        if wrong.size:
            raise BoundsError("E130", "lu", f"there is no row {wrong[0]} to exchange",
                              got={"pivots": Spec(pivots.shape, dtype_of(pivots.dtype))},
                              need=f"pivots from 1 to {self.size}, as lu_factor gives them")
        order = np.tile(np.arange(self.size), (len(flat), 1))
        batch = np.arange(len(flat))
        for j, p in enumerate(flat.T):
            order[batch, p], order[:, j] = order[:, j].copy(), order[batch, p]
        return order.reshape(*pivots.shape[:-1], self.size)
    @classmethod
    def samples(cls):
        return sampling.cases(lambda rng: (cls(8), (rng.integers(1, 4, (2, 3)).astype(np.int32),)))


class Lu(Lapack):
    """Elimination of a square matrix whose rows stand in a good order already: U, and below it L
    without its diagonal of ones.

    Shape   a (*B, n, n) -> (*B, n, n)
    Dtype   float -> the same float
    Raises  E160 when a is not square; in the gradient E162 when it is singular
    Source  de Hoog, Anderssen and Lukas 2011 (differentiation of factorisations)
    """
    xla = NoXla("jax.lax.linalg.lu")

    def infer(self, a):
        check_square("lu", a)
        return a.to(*a.shape)
    def ref(self, a):
        rest = _one_batch(a)
        for j in range(a.shape[-1]):
            _eliminate(rest, j)
        return rest.reshape(a.shape)
    def vjp(self, ct, out, a):
        below, above = _strict(ct), upper(ct)
        low, up = transpose(unit_lower(out)), transpose(upper(out))
        inner = _strict(dot(low, below)) + upper(dot(above, up))
        half = triangular_solve(low, inner, upper=True, unitriangular=True)
        return (triangular_solve(up, half, upper=False, left=False),)
    @classmethod
    def samples(cls):
        # dominant diagonals stay dominant: no step needs an exchange
        return sampling.cases(lambda rng: (cls(), (rng.uniform(-1, 1, (2, 3, 3)) + 4 * np.eye(3),)))
    @classmethod
    def hard(cls): return [(cls(), (np.array([[2.0]]),))]


def lu_factor(a: Node) -> tuple[Node, Node]:
    """(L below U in one matrix, pivots). See torch.linalg.lu_factor.

    Shape   a (*B, m, n) -> (*B, m, n), int32 (*B, min(m, n))
    """
    pivots = Pivots()(a)
    m, n = a.shape[-2:]
    a = index.take_along(a, movement.broadcast_to(columns(RowOrder(m)(pivots)), a.shape), -2)
    if m == n:
        return Lu()(a), pivots
    part = lambda axis, start, size: movement.narrow(a, a.ndim + axis, start, size)
    if m > n:                                                   # the rows below: L = rest U^-1
        square = Lu()(part(-2, 0, n))
        rest = triangular_solve(upper(square), part(-2, n, m - n), upper=True, left=False)
        return movement.concat([square, rest], a.ndim - 2), pivots
    square = Lu()(part(-1, 0, m))                               # the columns beside: U = L^-1 rest
    rest = triangular_solve(square, part(-1, m, n - m), upper=False, unitriangular=True)
    return movement.concat([square, rest], a.ndim - 1), pivots


def lu_solve(packed: Node, pivots: Node, b: Node, *, adjoint: bool = False) -> Node:
    """The x for which a x = b (a^T x = b when adjoint), from the factors of a. See lu_factor."""
    order = RowOrder(packed.shape[-1])(pivots)
    places = lambda o: movement.broadcast_to(columns(o), (*b.shape[:-2], *b.shape[-2:]))
    if not adjoint:
        b = index.take_along(b, places(order), -2)
        half = triangular_solve(packed, b, upper=False, unitriangular=True)
        return triangular_solve(packed, half, upper=True)
    half = triangular_solve(transpose(packed), b, upper=False)
    x = triangular_solve(transpose(packed), half, upper=True, unitriangular=True)
    return index.take_along(x, places(index.argsort(order, order.ndim - 1)), -2)


def unit_lower(packed: Node) -> Node:
    """L (*B, m, k) of a packed pair (*B, m, n), with ones on its diagonal."""
    m, n = packed.shape[-2:]
    part = movement.narrow(packed, packed.ndim - 1, 0, min(m, n))
    return band(_strict(part), elementwise.ne, 1)


def unit_upper(packed: Node) -> Node:
    """U (*B, k, n) of a packed pair (*B, m, n)."""
    m, n = packed.shape[-2:]
    return upper(movement.narrow(packed, packed.ndim - 2, 0, min(m, n)))


def _strict(x: Node) -> Node:
    """What is below the diagonal."""
    return band(x, elementwise.gt)


def _one_batch(a: np.ndarray) -> np.ndarray:
    """A copy with a single batch axis."""
    return a.reshape(math.prod(a.shape[:-2]), *a.shape[-2:]).copy()


def _eliminate(rest: np.ndarray, j: int) -> None:
    """Step j on (batch, m, n), in place; a pivot of 0 has only zeros below it."""
    pivot = rest[:, j:j + 1, j:j + 1]
    rest[:, j + 1:, j:j + 1] /= np.where(pivot == 0, 1, pivot)
    rest[:, j + 1:, j + 1:] -= rest[:, j + 1:, j:j + 1] * rest[:, j:j + 1, j + 1:]
