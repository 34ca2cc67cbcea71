"""The files of one published dataset of images go in, in a fixed order; its arrays come out.

One function per dataset and layout; `entries` says which files belong to which.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from sheer.data.arrays.images import ImageArrays, ImagePart
from sheer.data.errors import DataError
from sheer.data.known.contents.tables import numeric_table
from sheer.data.readers.cifar_binary import read_cifar_archive, read_cifar_binary
from sheer.data.readers.csv_table import read_csv
from sheer.data.readers.decoded_cache import cached_images
from sheer.data.readers.idx import read_idx, read_labels
from sheer.data.readers.image_tar import read_image_tar
from sheer.data.readers.whole_file import REPLACE

DIGITS = tuple("0123456789")
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
DIGITS_TABLE = numeric_table(",".join(f"pixel {i // 8} {i % 8}" for i in range(64)), DIGITS, 1797)


def digits(paths: Sequence[Path]) -> ImageArrays:
    """UCI digits from their CSV: x (1797, 1, 8, 8) uint8 in 0..16, no test part."""
    path, = paths
    part = read_csv(path, DIGITS_TABLE)
    bad = np.flatnonzero(~np.isin(part.numeric, np.arange(17)).all(1))
    if len(bad):
        raise DataError("E807", f"{path.name}: a pixel is out of range", path, int(bad[0]) + 1,
                        expected="64 whole numbers from 0 to 16", found="another value",
                        fix=REPLACE)
    x = part.numeric.astype(np.uint8).reshape(-1, 1, 8, 8)  # (1797, 1, 8, 8)
    return ImageArrays("digits", DIGITS, 16, ImagePart(x, part.y), None, path)


def mnist(paths: Sequence[Path]) -> ImageArrays:
    """MNIST or a namesake from four IDX files: x (N, 1, H, W) uint8, ten classes.

    Raises  what the IDX reader raises; E802 without images; E812 when counts or sizes disagree
    """
    train, test = _idx_pair(paths[0], paths[1]), _idx_pair(paths[2], paths[3])
    if train.x.shape[1:] != test.x.shape[1:]:
        raise DataError("E812", "the train and test images have different sizes", paths[2],
                        expected="{} x {} pixels, as in train".format(*train.x.shape[2:]),
                        found="{} x {} pixels".format(*test.x.shape[2:]),
                        fix="take all four files from one source")
    return ImageArrays("mnist", DIGITS, 255, train, test, paths[0].parent)


def _idx_pair(images: Path, labels: Path) -> ImagePart:
    x = read_idx(images, ndim=3, dtype="uint8")[:, None]  # (N, 1, H, W)
    y = read_labels(labels, len(DIGITS))
    if not x.size:
        raise DataError("E802", f"{images.name} holds no images", images, expected="images",
                        found=f"shape {x.shape}", fix=REPLACE)
    if len(x) != len(y):
        raise DataError("E812", f"{labels.name} does not belong to {images.name}", labels,
                        expected=f"{len(x)} labels, one per image", found=f"{len(y)} labels",
                        fix="take both files from one source")
    return ImagePart(x, y)


def cifar10_jpeg(paths: Sequence[Path]) -> ImageArrays:
    """CIFAR-10 from `train.tar` and `test.tar` of JPEGs, decoded once and then cached."""
    return _cifar10(paths[0].parent, *(ImagePart(*cached_images(
        path, (3, 32, 32), 10, partial(read_image_tar, path, CIFAR10, (32, 32))))
        for path in paths))


def cifar10_binary(paths: Sequence[Path]) -> ImageArrays:
    """CIFAR-10 from the six files of `cifar-10-batches-bin`, the test batch last."""
    return _cifar10(paths[0].parent, ImagePart(*read_cifar_binary(paths[:-1])),
                    ImagePart(*read_cifar_binary(paths[-1:])))


def cifar10_archive(paths: Sequence[Path]) -> ImageArrays:
    """CIFAR-10 from `cifar-10-binary.tar.gz`."""
    train, test = read_cifar_archive(paths[0])
    return _cifar10(paths[0], ImagePart(*train), ImagePart(*test))


def _cifar10(source: Path, train: ImagePart, test: ImagePart) -> ImageArrays:
    return ImageArrays("cifar10", CIFAR10, 255, train, test, source)
