"""Compose: transforms one after the other, sometimes, or one of several; Lambda: any function.

With a target (`transform(picture, target)`) each transform that knows targets gets both; any other
gets the picture alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...graph.errors import ArgumentError
from . import chance
from .base import PictureTransform, SanitizeBoundingBoxes
from .settings import probability

Change = Callable[..., Any]


class _Several:
    """Base: holds transforms and hands pictures, and targets, from one to the next."""

    def __init__(self, transforms: Sequence[Change]) -> None: self.transforms = list(transforms)

    def __call__(self, picture: Any, *target: Any) -> Any:
        for transform in self._chosen():
            if target and isinstance(transform, PictureTransform | _Several
                                     | SanitizeBoundingBoxes):
                picture, *target = transform(picture, *target)
            else:
                picture = transform(picture)
        return (picture, *target) if target else picture

    def _chosen(self) -> Sequence[Change]: return self.transforms

    def __repr__(self) -> str:
        return "\n".join([f"{type(self).__name__}(", *(f"    {t!r}" for t in self.transforms), ")"])


class Compose(_Several):
    """Each transform gets what the one before gave.

    Source  torchvision.transforms.Compose
    Example
        >>> from sheer.data.transforms import Normalize, ToTensor
        >>> Compose([ToTensor(), Normalize((0.5,), (0.5,))])(np.zeros((28, 28), np.uint8)).shape
        (1, 28, 28)
    """


class RandomApply(_Several):
    """All of the transforms with probability p, else none.

    Raises  E423
    Source  torchvision.transforms.RandomApply
    """

    def __init__(self, transforms: Sequence[Change], p: float = 0.5) -> None:
        super().__init__(transforms)
        self.p = probability("RandomApply", p)

    def _chosen(self) -> Sequence[Change]:
        return self.transforms if chance.uniform() < self.p else []


class RandomChoice(_Several):
    """One of the transforms.

    Params  p  how likely each is, up to a factor; all alike unless given
    Raises  E423
    Source  torchvision.transforms.RandomChoice
    """

    def __init__(self, transforms: Sequence[Change], p: Sequence[float] | None = None) -> None:
        super().__init__(transforms)
        self.p = [1.0] * len(self.transforms) if p is None else list(p)
        if len(self.p) != len(self.transforms) or min(self.p, default=-1) < 0 or not sum(self.p):
            raise ArgumentError("E423", "RandomChoice", f"p = {p}",
                                need="one number >= 0 per transform, not all 0")

    def _chosen(self) -> Sequence[Change]:
        left = chance.uniform() * sum(self.p)
        for transform, share in zip(self.transforms, self.p, strict=True):
            left -= share
            if left < 0:
                return [transform]
        return self.transforms[-1:]


class RandomOrder(_Several):
    """All of the transforms, in random order.

    Source  torchvision.transforms.RandomOrder
    """

    def _chosen(self) -> Sequence[Change]:
        return [self.transforms[i] for i in chance.order(len(self.transforms))]


class Lambda:
    """A function as a transform.

    Source  torchvision.transforms.Lambda
    """

    def __init__(self, lambd: Callable[[Any], Any]) -> None: self.lambd = lambd
    def __call__(self, picture: Any) -> Any: return self.lambd(picture)
    def __repr__(self) -> str: return "Lambda()"
