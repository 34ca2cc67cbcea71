"""Linear systems: matrices and right sides in, solutions out; inverse and pseudo-inverse."""

from __future__ import annotations

import numpy as np

from ...graph.node import Node
from .. import movement, sampling
from ..contract import transpose
from ..primitive import HostOp, NoXla
from . import examples
from .parts import (
    Lapack,
    check_floats,
    check_matrix,
    check_square,
    check_system,
    diverged,
    dot,
    eye,
    insist,
    lower,
    misfit,
    off_diagonal,
    singular,
    upper,
)

SYSTEM = "a (*B, n, n), b (*B, n, k)"


class Solve(Lapack):
    """The x for which a x = b.

    Shape   a (*B, n, n), b (*B, n, k) -> (*B, n, k)
    Dtype   float -> the same float
    Raises  E160 when a is not square, E161 when b does not fit, E162 when a is singular
    Source  Giles 2008, "An extended collection of matrix derivative results", section 2.3.1
    """
    xla = NoXla("jax.lax.linalg.lu and two triangular solves")

    def infer(self, a, b):
        check_square("solve", a, "linalg.lstsq(a, b)")
        check_system("solve", a, b, SYSTEM)
        return b.to(*b.shape)
    def ref(self, a, b):
        try:
            return np.linalg.solve(a, b)
        except np.linalg.LinAlgError:
            raise singular("solve", a, np.linalg.inv, "linalg.pinv(a) @ b") from None
    def vjp(self, ct, out, a, b):
        ct_b = self(transpose(a), ct)
        return -dot(ct_b, transpose(out)), ct_b
    @classmethod
    def samples(cls):
        return sampling.cases(lambda rng: (cls(), (examples.full_rank(rng, (2, 3, 3)),
                                                   rng.normal(size=(2, 3, 2)))))
    @classmethod
    def hard(cls):
        return [(cls(), (np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[1.0], [2.0]]))),
                (cls(), (np.empty((0, 2, 2)), np.empty((0, 2, 1))))]


class TriangularSolve(Lapack):
    """The x for which a x = b, when only the lower (or upper) triangle of a counts.

    Shape   a (*B, n, n), b (*B, n, k) -> (*B, n, k)
    Dtype   float -> the same float
    Raises  E160 when a is not square, E161 when b does not fit, E162 for a 0 on the diagonal
    Source  Giles 2008, section 2.3.1, restricted to a triangle
    """
    lower: bool
    emit, fallible = HostOp("substitution in NumPy"), True
    xla = NoXla("jax.lax.linalg.triangular_solve")

    def infer(self, a, b):
        check_square("triangular_solve", a)
        check_system("triangular_solve", a, b, SYSTEM)
        return b.to(*b.shape)
    def ref(self, a, b):
        if not np.diagonal(a, axis1=-2, axis2=-1).all():
            raise singular("triangular_solve", a, lambda m: insist(bool(np.diagonal(m).all())))
        if self.lower:
            return _substitute(a, b)
        back = (..., slice(None, None, -1), slice(None))            # upside down, upper is lower
        return _substitute(a[back][..., ::-1], b[back])[back]
    def vjp(self, ct, out, a, b):
        ct_b = TriangularSolve(not self.lower)(transpose(a), ct)
        keep = lower if self.lower else upper
        return keep(-dot(ct_b, transpose(out))), ct_b
    @classmethod
    def samples(cls):
        return sampling.cases(lambda rng: (cls(bool(rng.integers(2))), (
            rng.normal(size=(2, 3, 3)) + 4 * np.eye(3), rng.normal(size=(2, 3, 2)))))
    @classmethod
    def hard(cls): return [(cls(True), (np.array([[2.0]]), np.array([[1.0, 2.0]])))]


class Inverse(Lapack):
    """The matrix with a^-1 a = a a^-1 = identity. For a x = b, `solve` is faster and more exact.

    Shape   a (*B, n, n) -> (*B, n, n)
    Dtype   float -> the same float
    Raises  E160 when a is not square, E162 when it is singular
    Source  Giles 2008, section 2.2.3
    """
    xla = NoXla("jax.lax.linalg.lu and two triangular solves")

    def infer(self, a):
        check_square("inverse", a, "linalg.pinv(a)")
        return a.to(*a.shape)
    def ref(self, a):
        try:
            return np.linalg.inv(a)
        except np.linalg.LinAlgError:
            raise singular("inverse", a, np.linalg.inv, "linalg.pinv(a)") from None
    def vjp(self, ct, out, a):
        return (-dot(transpose(out), ct, transpose(out)),)
    @classmethod
    def samples(cls):
        return sampling.cases(lambda rng: (cls(), (examples.full_rank(rng, (2, 3, 3)),)))
    @classmethod
    def hard(cls):
        return [(cls(), (np.array([[0.0, 2.0], [1.0, 0.0]]),)), (cls(), (np.empty((0, 0)),))]


class Pinv(Lapack):
    """The Moore-Penrose pseudo-inverse: singular values below rtol times the largest count as 0.

    The gradient is that at constant rank, and is right for equal singular values too.

    Shape   a (*B, m, n) -> (*B, n, m)
    Dtype   float -> the same float
    Raises  E160 when a is no matrix, E164 when it contains NaN or infinity
    Source  Golub and Pereyra 1973, doi:10.1137/0710036, equation 4.12
    """
    rtol: float
    xla = NoXla("jax.lax.linalg.svd and products")

    def infer(self, a):
        check_matrix("pinv", a)
        return a.to(*a.shape[:-2], a.shape[-1], a.shape[-2])
    def ref(self, a):
        try:
            return np.linalg.pinv(a, rcond=self.rtol)
        except np.linalg.LinAlgError:
            raise diverged("pinv", a) from None
    def vjp(self, ct, out, a):
        p, back = transpose(out), transpose(ct)                    # both (*B, m, n)
        m, n = a.shape[-2:]
        total = -dot(p, ct, p)
        left = dot(eye(a, m) - dot(a, out), back, out, p)          # 0 for full row rank
        right = dot(p, out, back, eye(a, n) - dot(out, a))         # 0 for full column rank
        return (total + left + right,)
    @classmethod
    def samples(cls):
        shapes = [(3, 3), (4, 2), (2, 2, 3)]
        draw = lambda rng: examples.full_rank(rng, shapes[rng.integers(3)])
        return sampling.cases(lambda rng: (cls(1e-12), (draw(rng),)))
    @classmethod
    def hard(cls): return [(cls(1e-12), (np.array([[2.0]]),))]


# ---- the functions rules and tensors call --------------------------------------------------------

def solve(a: Node, b: Node, *, left: bool = True) -> Node:
    """The x for which a x = b (x a = b when not left); b may be one vector per matrix.

    Shape   a (*B, n, n), b (*B, n, k) or (n,) or (*B, n) -> that of b; batch axes broadcast
    Raises  E160, E161, E162 as Solve
    Source  torch.linalg.solve
    """
    check_square("solve", a, "linalg.lstsq(a, b)")
    check_floats("solve", a=a, b=b)
    if b.ndim == 1 or (b.ndim == a.ndim - 1 and b.shape == a.shape[:-1]):
        side = movement.expand_dims(b, b.ndim if left else b.ndim - 1)
        x = solve(a, side, left=left)
        return movement.reshape(x, (*x.shape[:-2], a.shape[-1]))
    if not left:
        a, b = transpose(a), transpose(b)
    x = Solve()(*_one_batch("solve", a, b, SYSTEM))
    return x if left else _turned(x)


def triangular_solve(a: Node, b: Node, *, upper: bool, left: bool = True,
                     unitriangular: bool = False) -> Node:
    """As solve, for a triangular a: the other triangle, and a unit diagonal, are not looked at.

    Shape   a (*B, n, n), b (*B, n, k) -> (*B, n, k); batch axes broadcast
    Raises  E160, E161, E162 as TriangularSolve
    Source  torch.linalg.solve_triangular
    """
    check_square("triangular_solve", a)
    if not left:
        a, b, upper = transpose(a), transpose(b), not upper
    a = off_diagonal(a, on=1) if unitriangular else a
    x = TriangularSolve(not upper)(*_one_batch("triangular_solve", a, b, SYSTEM))
    return x if left else _turned(x)


def inv(a: Node) -> Node:
    """The inverse of square matrices. See Inverse and torch.linalg.inv."""
    return Inverse()(a)


def pinv(a: Node, rtol: float | None = None) -> Node:
    """The pseudo-inverse; rtol is max(m, n) times the spacing of the dtype unless given.

    Shape   a (*B, m, n) -> (*B, n, m)
    Source  torch.linalg.pinv
    """
    check_matrix("pinv", a)
    return Pinv(default_rtol(a) if rtol is None else float(rtol))(a)


def lstsq(a: Node, b: Node) -> Node:
    """The x that minimises |a x - b|; the shortest of them when a has not full column rank.

    By the pseudo-inverse, not by QR: without a look at the rank, QR of a matrix that lacks it
    gives rounding errors divided by rounding errors.

    Shape   a (*B, m, n), b (*B, m, k) or (m,) -> (*B, n, k) or (n,); batch axes broadcast
    Raises  E160 when a is no matrix, E161 when b does not fit
    Source  Golub and Van Loan, Matrix Computations, 5.5.1; numpy.linalg.lstsq
    """
    check_matrix("lstsq", a)
    check_floats("lstsq", a=a, b=b)
    if b.ndim == 1:
        x = lstsq(a, movement.expand_dims(b, 1))
        return movement.reshape(x, x.shape[:-1])
    need = "a (*B, m, n), b (*B, m, k)"
    a, b = _one_batch("lstsq", a, b, need)
    check_system("lstsq", a, b, need)
    return dot(pinv(a), b)


def default_rtol(a: Node) -> float:
    """Below this share of the largest, a singular value counts as 0 (as in torch and NumPy)."""
    return max(a.shape[-2:]) * float(np.finfo(a.dtype.numpy).eps)


def _substitute(a, b):
    """The x for which tril(a) x = b: the upper half first, then what is left for the lower one."""
    n = a.shape[-1]
    if n <= 1:
        return b / a if n else b
    half = n // 2
    first = _substitute(a[..., :half, :half], b[..., :half, :])
    rest = b[..., half:, :] - a[..., half:, :half] @ first
    return np.concatenate([first, _substitute(a[..., half:, half:], rest)], -2)


def _turned(x: Node) -> Node:
    out: Node = transpose(x)
    return out


def _one_batch(op: str, a: Node, b: Node, need: str) -> tuple[Node, Node]:
    """Both with the batch axes they broadcast to; the primitive checks the rest."""
    try:
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        raise misfit(op, a, b, need) from None
    if b.ndim < 2:
        return a, b
    return (movement.broadcast_to(a, (*batch, *a.shape[-2:])),
            movement.broadcast_to(b, (*batch, *b.shape[-2:])))
