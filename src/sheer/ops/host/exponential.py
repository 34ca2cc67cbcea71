"""The exponential of matrices: a square one flows in, the sum of its powers over n! flows out."""

from __future__ import annotations

from ...graph.node import Node
from .. import elementwise, movement, reduce
from ..structure import stop_gradient
from .linalg import solve
from .parts import check_square, dot, eye

# Numerator of the (6, 6) Pade approximant of exp; the denominator has alternating signs.
_PADE = (1.0, 1 / 2, 5 / 44, 1 / 66, 1 / 792, 1 / 15840, 1 / 665280)
_SQUARINGS = 24            # norms to 4 million; exp of more overflows unless it is all decay


def matrix_exp(a: Node) -> Node:
    """The sum of a^n / n!: scaled by a power of 2, approximated, and squared back.

    Shape   a (*B, n, n) -> (*B, n, n)
    Raises  E160 when a is not square
    Source  Moler and Van Loan 2003, doi:10.1137/S00361445024180, method 3; torch.matrix_exp
    """
    check_square("matrix_exp", a)
    if 0 in a.shape:
        return a
    axes = (a.ndim - 2, a.ndim - 1)
    size = reduce.max(reduce.sum(elementwise.abs(a), (axes[0],)), (a.ndim - 2,))       # (*B)
    size = stop_gradient(movement.reshape(size, (*a.shape[:-2], 1, 1)))
    times = elementwise.clamp(elementwise.ceil(elementwise.log2(
        elementwise.maximum(size, 0.25) * 4.0)), 0.0, float(_SQUARINGS))    # norm at most 1/4
    small = a / elementwise.exp2(times)
    power = eye(a, a.shape[-1])
    over = under = power * 0.0
    for n, factor in enumerate(_PADE):
        over, under = power * factor + over, power * (factor * (-1) ** n) + under
        power = dot(power, small)
    out = solve(under, over)
    for n in range(_SQUARINGS):
        more = movement.broadcast_to(elementwise.gt(times, float(n)), out.shape)
        out = elementwise.where(more, dot(out, out), out)
    return out
