"""Ensembles: several networks look at the same input, their answers are averaged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .. import nn
from ..namespace_joining import stack
from ..tensor import Tensor


class Ambiguity(NamedTuple):
    """Squared errors: that of the ensemble is the mean of its members' minus how they differ."""

    ensemble: Tensor
    members: Tensor
    ambiguity: Tensor


class Ensemble(nn.Module):
    """The mean of what its members say.

    Shape   x -> that of every member
    Source  Krogh and Vedelsby 1995, NIPS 7, equation 6
    Example
        >>> Ensemble([nn.Linear(3, 2), nn.Linear(3, 2)])(sheer.ones(5, 3)).shape
        (5, 2)
    """
    members: nn.ModuleList

    def __init__(self, members: Iterable[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def answers(self, x: Tensor) -> Tensor:
        """What every member says, (members, ...)."""
        return stack([member(x) for member in self.members])

    def forward(self, x: Tensor) -> Tensor:
        return self.answers(x).mean(0)

    def ambiguity(self, x: Tensor, y: Tensor) -> Ambiguity:
        """Mean squared errors of the ensemble and of its members, and their mean distance from it.

        ensemble = members - ambiguity, whatever the members are.
        """
        said = self.answers(x)                                          # (members, *S)
        middle = said.mean(0)                                           # (*S)
        square = lambda gap: (gap * gap).mean()
        return Ambiguity(square(middle - y), square(said - y), square(said - middle))
