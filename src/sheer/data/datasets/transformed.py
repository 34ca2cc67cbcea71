"""Datasets over datasets: examples flow in, transformed, paired or mixed examples flow out.

Chance is drawn for the number of the example, so that (seed, epoch, number) fix what comes out,
whatever the batches, the workers, and whether a run was resumed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...graph.errors import ArgumentError
from ..transforms import chance
from ..transforms.mix import MixUp
from .base import Dataset

Change = Callable[..., Any]


class _Around(Dataset):
    """Base: a dataset around another, whose draws are its own."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset
        self._purpose = _purpose_of(dataset) + 1

    def __len__(self) -> int: return len(self.dataset)

    def _inner(self, index: int) -> tuple[int, Any]:
        """The number of the example, and the example, made as in its dataset alone."""
        number = int(index) + (len(self) if index < 0 else 0)
        with chance.at(number):
            return number, self.dataset[index]


def _purpose_of(dataset: Any) -> int:
    """The largest purpose that a dataset or one below it draws for: parts and sums hide theirs."""
    own = getattr(dataset, "_purpose", None)
    if isinstance(own, int):
        return own
    several = getattr(dataset, "datasets", ())
    below = [*(several if isinstance(several, list | tuple) else ()),
             *([dataset.dataset] if hasattr(dataset, "dataset") else [])]
    return max(map(_purpose_of, below), default=chance.ITEM)


class TransformedDataset(_Around):
    """The examples of a dataset, (x, y), under transforms.

    Params  transform         of x
            target_transform  of y
            transforms        of both together, (x, y) -> (x, y): pictures with boxes or masks
    Raises  E667 when `transforms` and one of the others are given
    Source  torchvision.datasets.VisionDataset, for any dataset
    Example
        >>> from sheer.data.transforms import RandomDeletion
        >>> TransformedDataset([("a b", 1)], RandomDeletion(p=0.0))[0]
        ('a b', 1)
    """

    def __init__(self, dataset: Any, transform: Change | None = None,
                 target_transform: Change | None = None,
                 transforms: Change | None = None) -> None:
        if transforms is not None and (transform is not None or target_transform is not None):
            raise ArgumentError("E667", "TransformedDataset", "two ways to transform an example",
                                need="transforms of (x, y), or transform and target_transform")
        super().__init__(dataset)
        self.transform, self.target_transform = transform, target_transform
        self.transforms = transforms

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        number, (x, y) = self._inner(index)
        with chance.at(number, self._purpose):
            if self.transforms is not None:
                new: tuple[Any, Any] = self.transforms(x, y)
                return new
            return (x if self.transform is None else self.transform(x),
                    y if self.target_transform is None else self.target_transform(y))


class PairedDataset(_Around):
    """(worse, better): each picture of a dataset, spoilt as the input and whole as the target.

    Params  spoil  from a picture to the input: Grayscale(), GaussianBlur(9), ...
            after  of both, as ToTensor()
            common of the picture before that, as RandomCrop(32)
    Source  definition
    Example
        >>> from sheer.data.transforms import Grayscale, ToTensor
        >>> grey, colour = PairedDataset([(np.zeros((4, 4, 3), np.uint8), 0)], Grayscale(),
        ...                              ToTensor())[0]
        >>> grey.shape, colour.shape
        ((1, 4, 4), (3, 4, 4))
    """

    def __init__(self, dataset: Any, spoil: Change, after: Change | None = None,
                 common: Change | None = None) -> None:
        super().__init__(dataset)
        self.spoil, self.after, self.common = spoil, after, common

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        number, example = self._inner(index)
        picture = example[0] if isinstance(example, tuple | list) else example
        with chance.at(number, self._purpose):
            picture = picture if self.common is None else self.common(picture)
            pair = self.spoil(picture), picture
        return pair if self.after is None else (self.after(pair[0]), self.after(pair[1]))


class MixedDataset(_Around):
    """Each example mixed with a random one of the whole dataset.

    Params  mix  MixUp(...) or CutMix(...); y becomes probabilities (K,)
            p    how likely an example is mixed; else its label alone has probability 1
    Source  Zhang et al. 2017, arXiv:1710.09412
    Example
        >>> mixed = MixedDataset([(np.zeros(2), 0), (np.ones(2), 1)], MixUp(num_classes=2))
        >>> float(mixed[0][1].sum())
        1.0
    """

    def __init__(self, dataset: Any, mix: MixUp, p: float = 1.0) -> None:
        super().__init__(dataset)
        self.mix, self.p = mix, p

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        number, one = self._inner(index)
        with chance.at(number, self._purpose):
            if chance.uniform() >= self.p:
                return one[0], self.mix.probabilities([one[1]])[0]
            other = self._inner(chance.integer(len(self)))[1]
            return self.mix.pair(one, other)
