"""Constraints: numbers flow in; whether they may be parameters or values of a family flows out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ..linalg import cholesky_ex
from ..tensor import Tensor


@dataclass(frozen=True)
class Constraint:
    """A set of numbers, vectors or matrices.

    text       how it is written in messages
    holds      which of the numbers are in it; axes of one value count as `event_dim`
    event_dim  how many axes one value has
    discrete   has it gaps?
    """

    text: str
    holds: Callable[[Tensor], Tensor]
    event_dim: int = 0
    discrete: bool = False

    def check(self, value: Tensor) -> Tensor:
        """For each value, whether it is in the set."""
        return self.holds(value)

    def __repr__(self) -> str: return self.text


def domains(**of: Constraint) -> Mapping[str, Constraint]:
    """The parameters of a family, and what each may be."""
    return MappingProxyType(of)


def interval(low: Any, high: Any) -> Constraint:
    """Numbers from low to high."""
    return Constraint(f"numbers in [{_shown(low)}, {_shown(high)}]",
                      lambda x: (x >= low) & (x <= high))


def integer_interval(low: Any, high: Any) -> Constraint:
    """Whole numbers from low to high."""
    return Constraint(f"whole numbers in [{_shown(low)}, {_shown(high)}]",
                      lambda x: (x >= low) & (x <= high) & (x % 1 == 0), discrete=True)


def independent(base: Constraint, event_dim: int) -> Constraint:
    """Arrays of so many axes, every element in the set."""
    axes = tuple(range(-event_dim, 0))
    return Constraint(base.text, lambda x: base.holds(x).all(dim=axes) if axes else base.holds(x),
                      base.event_dim + event_dim, base.discrete)


def _shown(bound: Any) -> str:
    return "a bound" if isinstance(bound, Tensor) and bound.ndim else str(
        bound.item() if isinstance(bound, Tensor) else bound)


def _near_one(total: Tensor) -> Tensor:
    return (total - 1).abs() < 1e-6          # what torch allows; rounding of a sum in float32


def _positive_definite(x: Tensor) -> Tensor:
    symmetric = ((x - x.mT).abs() <= 1e-6).all(dim=(-2, -1))
    return symmetric & (cholesky_ex(x)[1] == 0)


real = Constraint("real numbers", lambda x: x == x)  # noqa: PLR0124 (NaN is the one that is not)
real_vector = independent(real, 1)
positive = Constraint("numbers > 0", lambda x: x > 0)
nonnegative = Constraint("numbers >= 0", lambda x: x >= 0)
unit_interval = interval(0, 1)
boolean = Constraint("0 or 1", lambda x: (x == 0) | (x == 1), discrete=True)
nonnegative_integer = Constraint("0, 1, 2, ...", lambda x: (x >= 0) & (x % 1 == 0), discrete=True)
simplex = Constraint("numbers >= 0 with sum 1 in the last axis",
                     lambda x: (x >= 0).all(-1) & _near_one(x.sum(-1)), 1)
one_hot = Constraint("one 1 and zeros in the last axis",
                     lambda x: boolean.holds(x).all(-1) & (x.sum(-1) == 1), 1, True)
positive_vector = independent(positive, 1)
lower_cholesky = Constraint("lower triangles with diagonals > 0",
                            lambda x: (x.tril() == x).all(dim=(-2, -1))
                            & (x.diagonal(dim1=-2, dim2=-1) > 0).all(-1), 2)
positive_definite = Constraint("symmetric positive definite matrices", _positive_definite, 2)
