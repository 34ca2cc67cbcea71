"""Compose: transforms one after the other; Lambda: any function as one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


class Compose:
    """Each transform gets what the one before gave.

    Source  torchvision.transforms.Compose
    Example
        >>> from sheer.data.transforms import Normalize, ToTensor
        >>> Compose([ToTensor(), Normalize((0.5,), (0.5,))])(np.zeros((28, 28), np.uint8)).shape
        (1, 28, 28)
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = list(transforms)

    def __call__(self, picture: Any) -> Any:
        for transform in self.transforms:
            picture = transform(picture)
        return picture

    def __repr__(self) -> str:
        return "\n".join(["Compose(", *(f"    {t!r}" for t in self.transforms), ")"])


class Lambda:
    """A function as a transform.

    Source  torchvision.transforms.Lambda
    """

    def __init__(self, lambd: Callable[[Any], Any]) -> None: self.lambd = lambd
    def __call__(self, picture: Any) -> Any: return self.lambd(picture)
    def __repr__(self) -> str: return "Lambda()"
