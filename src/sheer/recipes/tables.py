"""iris, adult, wine-quality: rows of a table, numbers and categories."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import nn, optim
from ..data.arrays.tables import TableArrays
from ..data.known.catalogue import load_arrays
from ..data.preprocess import TableEncoder
from ..data.splits.stratified import stratified_split
from .classical import accuracies
from .recipe import Recipe, Settings, Task


def load_table(name: str, folder: Path | None, test_fraction: float) -> Task:
    """x float32 (N, columns) standardised, categories one-hot, all fitted on the training rows."""
    arrays = load_arrays(name, folder)
    assert isinstance(arrays, TableArrays)
    rows, test = None, arrays.test
    if test is None:
        rows, held = stratified_split(arrays.train.y, test_fraction, 0)
        test = arrays.train.take(held)
    train = arrays.train if rows is None else arrays.train.take(rows)
    encoder = TableEncoder.fit(arrays, rows)
    (x, _), (x_test, unknown) = encoder(train), encoder(test)
    notes = [f"{count} categories of {column} occur in the test part only"
             for column, count in zip(arrays.categorical_names, unknown, strict=True) if count]
    return Task((x, train.y), (x_test, test.y), classes=tuple(arrays.classes), notes=notes)


@dataclass(frozen=True)
class TableSettings(Settings):
    hidden: int = 64             # units of each hidden layer
    dropout: float = 0.1         # share of units switched off
    test_fraction: float = 0.2   # where the data name no test part


class TableRecipe(Recipe, abstract=True):
    """A network with two hidden layers on the encoded columns."""

    dataset: str

    def data(self, folder: Path | None) -> Task:
        return load_table(self.dataset, folder, self.set.test_fraction)  # type: ignore[attr-defined]

    def model(self, task: Task) -> Any:
        s: Any = self.set
        return nn.Sequential(
            nn.Linear(task.train[0].shape[1], s.hidden), nn.BatchNorm1d(s.hidden), nn.ReLU(),
            nn.Dropout(s.dropout),
            nn.Linear(s.hidden, s.hidden), nn.BatchNorm1d(s.hidden), nn.ReLU(),
            nn.Dropout(s.dropout),
            nn.Linear(s.hidden, len(task.classes)))

    def optimizer(self, model: Any) -> Any:
        return optim.AdamW(model.parameters(), lr=self.set.lr)

    def baselines(self, task: Task) -> dict[str, dict[str, float]]:
        return accuracies(task)


@dataclass(frozen=True)
class IrisSettings(TableSettings):
    epochs: int = 60
    batch_size: int = 16
    lr: float = 3e-3
    hidden: int = 16


class Iris(TableRecipe):
    """150 flowers of three species."""

    name = dataset = "iris"
    summary = "three species of iris from four lengths"
    settings = IrisSettings
    promise = ("accuracy", 0.93)


@dataclass(frozen=True)
class AdultSettings(TableSettings):
    epochs: int = 8
    batch_size: int = 256
    lr: float = 2e-3


class Adult(TableRecipe):
    """Does a person of the 1994 census earn more than 50,000 dollars a year?"""

    name = dataset = "adult"
    summary = "income above 50,000 dollars from census columns"
    settings = AdultSettings
    promise = ("accuracy", 0.85)


@dataclass(frozen=True)
class WineSettings(TableSettings):
    epochs: int = 40
    batch_size: int = 64
    lr: float = 2e-3


class WineQuality(TableRecipe):
    """Grades 3 to 9 of 6,497 wines from eleven measurements."""

    name = dataset = "wine-quality"
    summary = "grades of wines from chemical measurements"
    settings = WineSettings
    promise = ("accuracy", 0.55)
