"""The files of one published table go in, in a fixed order; its arrays come out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from sheer.data.arrays.tables import TableArrays, TablePart
from sheer.data.readers.csv_table import Column, Table, read_csv


def numeric_table(numbers: str, classes: tuple[str, ...], rows: int) -> Table:
    """A table of numbers, their names separated by commas, with the class in the last column."""
    columns = (Column(name.strip(), "number") for name in numbers.split(","))
    return Table((*columns, Column("class", "class")), classes, rows)


IRIS_TABLE = numeric_table("sepal length, sepal width, petal length, petal width",
                           ("Iris-setosa", "Iris-versicolor", "Iris-virginica"), 150)
WINE_TABLE = numeric_table(
    "fixed acidity, volatile acidity, citric acid, residual sugar, chlorides, free sulfur dioxide, "
    "total sulfur dioxide, density, pH, sulphates, alcohol", tuple("3456789"), 1599)
WINE_TABLE = replace(WINE_TABLE, columns=(*WINE_TABLE.columns[:-1], Column("quality", "class")))
WINE_WHITE_ROWS = 4898
PIMA_TABLE = numeric_table("pregnancies, glucose, blood pressure, skin thickness, insulin, "
                           "body mass index, pedigree, age", ("0", "1"), 768)
PIMA_ZERO_IS_MISSING = (1, 2, 3, 4, 5)       # nobody alive has a blood pressure of 0
MAMMOGRAPHY_TABLE = numeric_table("area, grey level, gradient, noise, contrast, moment",
                                  ("-1", "1"), 11183)
ADULT_CATEGORIES = ("workclass", "education", "marital-status", "occupation", "relationship",
                    "race", "sex", "native-country")
ADULT_TABLE = Table(tuple(
    Column(name, "class" if name == "income" else
           "category" if name in ADULT_CATEGORIES else "number")
    for name in ("age", "workclass", "fnlwgt", "education", "education-num", "marital-status",
                 "occupation", "relationship", "race", "sex", "capital-gain", "capital-loss",
                 "hours-per-week", "native-country", "income")), ("<=50K", ">50K"), 32561)
ADULT_TEST_ROWS = 16281


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
