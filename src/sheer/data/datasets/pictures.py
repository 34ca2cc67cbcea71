"""Datasets of pictures with torchvision's names: a folder flows in, (picture, label) flows out.

    train = MNIST("data", train=True, download=True, transform=ToTensor())
    picture, label = train[0]
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np

from ...tensor import Tensor, tensor
from ..arrays.images import ImageArrays, ImagePart
from ..errors import DataError
from ..known.catalogue import DATASETS, load_arrays
from ..known.sources import find, find_complete
from ..readers.decoded_cache import cache_folder
from ..rows import placed
from ..transforms import chance
from ..transforms.pipeline import Pipeline, takes_arrays

Change = Callable[[Any], Any]


class Pictures:
    """Labelled pictures in memory.

    Without a transform a picture is a PIL image and a label an int. A transform of ours that goes
    through ToTensor gets an array instead, which is quicker and gives the same numbers.

    images   uint8 (N, C, H, W)
    labels   int64 (N,)
    Raises  E407 for a row that is not there
    Source  torchvision.datasets.VisionDataset
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray, classes: Sequence[str] = (),
                 transform: Change | None = None, target_transform: Change | None = None) -> None:
        self.images, self.labels, self.classes = images, labels, list(classes)
        self.transform, self.target_transform = transform, target_transform

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The label of each class."""
        return {name: i for i, name in enumerate(self.classes)}

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        row = placed(type(self).__name__, index, len(self))
        label: Any = int(self.labels[row])
        with chance.at(row):
            picture = self._picture(row)
            if self.transform is not None:
                picture = self.transform(picture)
            if self.target_transform is not None:
                label = self.target_transform(label)
        return picture, label

    def batch(self, rows: Sequence[int]) -> tuple[np.ndarray, np.ndarray] | None:
        """What stacking self[r] for r in rows gives, made at once; None when that is not possible.

        Shape   -> float32 (B, C, h, w), int64 (B,)
        """
        pipeline = Pipeline.of(self.transform)
        if pipeline is None or self.target_transform is not None:
            return None
        known = [placed(type(self).__name__, r, len(self)) for r in rows]
        return pipeline(self.images, known), self.labels[known]

    def _picture(self, row: int) -> Any:
        array = np.moveaxis(self.images[row], 0, -1)             # (H, W, C)
        array = array[:, :, 0] if array.shape[2] == 1 else array
        if takes_arrays(self.transform):
            return array
        from PIL import Image
        return Image.fromarray(np.ascontiguousarray(array))

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {len(self)} pictures, {len(self.classes)} classes"


class _Known(Pictures):
    """A dataset of the catalogue under torchvision's constructor."""

    name: ClassVar[str]
    folder: ClassVar[str] = ""            # below root, for those the catalogue does not look for

    def __init__(self, root: str | os.PathLike[str] = "data", train: bool = True,
                 transform: Change | None = None, target_transform: Change | None = None,
                 download: bool = False) -> None:
        arrays = self._arrays(Path(root).expanduser(), download)
        part = arrays.train if train else arrays.test
        assert part is not None           # digits alone has one part, and asks for that
        self.root, self.train = root, train
        super().__init__(part.x, part.y, self._classes(arrays), transform, target_transform)

    def _arrays(self, root: Path, download: bool) -> ImageArrays:
        return find_arrays(self.name, root, download)

    def _classes(self, arrays: ImageArrays) -> Sequence[str]:
        return arrays.classes


class MNIST(_Known):
    """Handwritten digits, 28 x 28 grey, 60,000 to train and 10,000 to test.

    Params  root      where the four IDX files are, or a folder above them
            download  fetch them into sheer's cache when they are nowhere
    Raises  E801 when they are nowhere; E802 to E812 when a file is broken
    Source  torchvision.datasets.MNIST
    """

    name = "mnist"

    @property
    def data(self) -> Tensor:
        """All pictures, uint8 (N, 28, 28)."""
        return tensor(self.images[:, 0])

    @property
    def targets(self) -> Tensor:
        """All labels, int64 (N,)."""
        return tensor(self.labels)


class FashionMNIST(MNIST):
    """Pieces of clothing, 28 x 28 grey, in files of the same names as MNIST's.

    Params  root  a folder with FashionMNIST/raw; it has to be put there by hand
    Raises  E801 when they are not there
    Source  torchvision.datasets.FashionMNIST; Xiao et al. 2017, arXiv:1708.07747
    """

    def _arrays(self, root: Path, download: bool) -> ImageArrays:
        places = [root / "FashionMNIST" / "raw", root / "FashionMNIST"]
        place = next((p for p in places if p.is_dir()), None)
        if place is None:
            raise DataError("E801", "fashion-mnist: files are missing", places[0],
                            expected="train-images-idx3-ubyte.gz and the other three",
                            fix="fetch them from https://github.com/zalandoresearch/fashion-mnist")
        return load_arrays("mnist", place)

    def _classes(self, arrays: ImageArrays) -> Sequence[str]:
        return ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker",
                "Bag", "Ankle boot")


class CIFAR10(_Known):
    """Photographs, 32 x 32 colour, 50,000 to train and 10,000 to test.

    Params  root      where the binary batches or the tar files are, or a folder above them
            download  fetch them into sheer's cache when they are nowhere
    Raises  E801 when they are nowhere; E802 to E812 when a file is broken
    Source  torchvision.datasets.CIFAR10
    """

    name = "cifar10"

    @property
    def data(self) -> np.ndarray:
        """All pictures, uint8 (N, 32, 32, 3)."""
        return np.moveaxis(self.images, 1, -1)

    @property
    def targets(self) -> list[int]:
        """All labels."""
        return self.labels.tolist()  # type: ignore[no-any-return]


class DigitsUCI(_Known):
    """Handwritten digits, 8 x 8 grey in 0..16, 1,797 pictures; comes with sheer.

    train=False gives every sixth picture, train=True the others: the publisher gives one part.
    """

    name = "digits"

    def __init__(self, root: str | os.PathLike[str] = "data", train: bool = True,
                 transform: Change | None = None, target_transform: Change | None = None,
                 download: bool = False) -> None:
        super().__init__(root, True, transform, target_transform, download)
        rows = np.flatnonzero((np.arange(len(self)) % 6 != 0) == train)
        part = ImagePart(self.images, self.labels).take(rows)
        self.images, self.labels, self.train = part.x, part.y, train


def find_arrays(name: str, root: Path, download: bool) -> ImageArrays:
    """From root, SHEER_DATA, the package or the cache, whichever has it first; else downloaded.

    Raises  E801 when it is nowhere and download is False
    """
    dataset = DATASETS[name]
    for folder in (root, Path(os.environ.get("SHEER_DATA") or root).expanduser()):
        if folder.is_dir() and find(dataset, folder):
            return cast(ImageArrays, load_arrays(name, folder))
    if download or dataset.shipped or find_complete(dataset, cache_folder() / name):
        return cast(ImageArrays, load_arrays(name))
    raise DataError("E801", f"{name}: the files are not there", root,
                    expected=", ".join(names[0] for names in dataset.layouts[0].files),
                    found="a folder without them" if root.is_dir() else "no such folder",
                    fix="download=True, or name their folder by SHEER_DATA")
