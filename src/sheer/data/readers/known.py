"""The files of one published dataset go in, in a fixed order; its arrays come out.

One function per dataset and layout; `catalogue.py` says which files belong to which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from sheer.data.arrays.images import ImageArrays, ImagePart
from sheer.data.arrays.tables import TableArrays, TablePart
from sheer.data.errors import DataError
from sheer.data.readers.cifar_binary import read_cifar_archive, read_cifar_binary
from sheer.data.readers.csv_table import Column, Table, read_csv
from sheer.data.readers.decoded_cache import cached_images
from sheer.data.readers.idx import read_idx, read_labels
from sheer.data.readers.image_tar import read_image_tar
from sheer.data.readers.whole_file import REPLACE

DIGITS = tuple("0123456789")
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def _table(numbers: str, classes: tuple[str, ...], rows: int) -> Table:
    """A table of numbers, their names separated by commas, with the class in the last column."""
    columns = (Column(name.strip(), "number") for name in numbers.split(","))
    return Table((*columns, Column("class", "class")), classes, rows)


DIGITS_TABLE = _table(",".join(f"pixel {i // 8},{i % 8}".replace(",", " ") for i in range(64)),
                      DIGITS, 1797)
IRIS_TABLE = _table("sepal length, sepal width, petal length, petal width",
                    ("Iris-setosa", "Iris-versicolor", "Iris-virginica"), 150)
WINE_TABLE = _table("fixed acidity, volatile acidity, citric acid, residual sugar, chlorides, "
                    "free sulfur dioxide, total sulfur dioxide, density, pH, sulphates, alcohol",
                    tuple("3456789"), 1599)
WINE_TABLE = replace(WINE_TABLE, columns=(*WINE_TABLE.columns[:-1], Column("quality", "class")))
WINE_WHITE_ROWS = 4898
PIMA_TABLE = _table("pregnancies, glucose, blood pressure, skin thickness, insulin, "
                    "body mass index, pedigree, age", ("0", "1"), 768)
PIMA_ZERO_IS_MISSING = (1, 2, 3, 4, 5)       # nobody alive has a blood pressure of 0
MAMMOGRAPHY_TABLE = _table("area, grey level, gradient, noise, contrast, moment", ("-1", "1"),
                           11183)
ADULT_CATEGORIES = ("workclass", "education", "marital-status", "occupation", "relationship",
                    "race", "sex", "native-country")
ADULT_TABLE = Table(tuple(
    Column(name, "class" if name == "income" else
           "category" if name in ADULT_CATEGORIES else "number")
    for name in ("age", "workclass", "fnlwgt", "education", "education-num", "marital-status",
                 "occupation", "relationship", "race", "sex", "capital-gain", "capital-loss",
                 "hours-per-week", "native-country", "income")), ("<=50K", ">50K"), 32561)
ADULT_TEST_ROWS = 16281


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


def iris(paths: Sequence[Path]) -> TableArrays:
    """Iris: 4 numbers in cm, 3 classes of 50, sorted by class, no test part."""
    return _table_arrays("iris", IRIS_TABLE, paths, read_csv(paths[0], IRIS_TABLE))


def adult(paths: Sequence[Path]) -> TableArrays:
    """Adult income: 6 numbers, 8 categories, train and test part."""
    return _table_arrays("adult", ADULT_TABLE, paths, read_csv(paths[0], ADULT_TABLE),
                         read_csv(paths[1], replace(ADULT_TABLE, rows=ADULT_TEST_ROWS)))


def wine_quality(paths: Sequence[Path]) -> TableArrays:
    """Wine quality, red then white: 11 numbers and the colour; class k is quality k + 3."""
    red = read_csv(paths[0], WINE_TABLE)
    white = read_csv(paths[1], replace(WINE_TABLE, rows=WINE_WHITE_ROWS))
    colour = np.repeat(["red", "white"], [len(red), len(white)])[:, None]  # (N, 1)
    both = TablePart(np.concatenate([red.numeric, white.numeric]), colour,
                     np.concatenate([red.y, white.y]))
    return replace(_table_arrays("wine-quality", WINE_TABLE, paths, both),
                   categorical_names=("colour",))


def pima(paths: Sequence[Path]) -> TableArrays:
    """Diabetes among 768 women: 8 numbers; zeros that stand for missing values become NaN."""
    part = read_csv(paths[0], PIMA_TABLE)
    numeric = part.numeric.copy()
    unknown = numeric[:, PIMA_ZERO_IS_MISSING]
    numeric[:, PIMA_ZERO_IS_MISSING] = np.where(unknown == 0, np.nan, unknown)
    return _table_arrays("pima", PIMA_TABLE, paths, replace(part, numeric=numeric))


def mammography(paths: Sequence[Path]) -> TableArrays:
    """Spots on X-ray pictures, 6 numbers each, 2.3 % of them microcalcifications (class 1)."""
    return _table_arrays("mammography", MAMMOGRAPHY_TABLE, paths,
                         read_csv(paths[0], MAMMOGRAPHY_TABLE))


def _table_arrays(name: str, table: Table, paths: Sequence[Path], train: TablePart,
                  test: TablePart | None = None) -> TableArrays:
    return TableArrays(name, table.classes, table.names("number"), table.names("category"),
                       train, test, paths[0].parent)
