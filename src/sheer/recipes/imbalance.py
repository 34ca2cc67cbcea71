"""pima, mammography: rows of a table of which few are of the class that matters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import nn
from ..data.splits.stratified import stratified_split
from ..metrics import average_precision_score, best_threshold, f1_score, roc_auc_score
from ..tensor import as_tensor
from ..train import Callback, EarlyStopping, predict
from .classical import classical
from .pictures import precision_recall
from .recipe import Task
from .tables import TableRecipe, TableSettings


@dataclass(frozen=True)
class RareSettings(TableSettings):
    epochs: int = 40
    lr: float = 2e-3
    hidden: int = 32
    weight: float = 1.0          # of a row of the rare class in the loss
    held: float = 0.2            # share of the training rows that choose the threshold
    patience: int = 8            # epochs without a better validation loss, then it ends


class Rare(TableRecipe, abstract=True):
    """Rare rows weigh more in the loss, and the threshold is chosen on rows held back for that.

    Accuracy says little here, so average precision, the area under the ROC curve, and F1 at the
    threshold moved are given, too.
    """

    def data(self, folder: Path | None) -> Task:
        task = super().data(folder)
        x, y = task.train
        rows, held = stratified_split(y, self.set.held, 1)  # type: ignore[attr-defined]
        task.train, task.validation = (x[rows], y[rows]), (x[held], y[held])
        return task

    def loss(self) -> Any:
        weight = self.set.weight  # type: ignore[attr-defined]
        return nn.CrossEntropyLoss(weight=as_tensor(np.array([1, weight], np.float32)))

    def callbacks(self) -> list[Callback]:
        return [EarlyStopping(patience=self.set.patience)]  # type: ignore[attr-defined]

    def margins(self, model: Any, x: Any) -> np.ndarray:
        """How much the rare class is ahead of the other. Shape x (N, d) -> (N,)."""
        scores = predict(model, x)
        ahead: np.ndarray = scores[:, 1] - scores[:, 0]
        return ahead

    def score(self, model: Any, task: Task) -> dict[str, float]:
        assert task.validation is not None
        found = rare_scores(task, self.margins(model, task.validation[0]),
                            self.margins(model, task.test[0]))
        return super().score(model, task) | found

    def baselines(self, task: Task) -> dict[str, dict[str, float]]:
        assert task.validation is not None
        share = float(np.mean(task.test[1]))
        found = {"always the common class": {"accuracy": 1 - share, "average_precision": share,
                                             "roc_auc": 0.5, "f1": 0.0}}
        balanced = self.set.weight != 1  # type: ignore[attr-defined]
        for name, model in classical(task, balanced).items():
            held, test = model(task.validation[0])[:, 1], model(task.test[0])[:, 1]
            right = {"accuracy": float(np.mean((test > 0.5) == task.test[1]))}
            found[name] = right | rare_scores(task, held, test)
        return found

    def pictures(self, model: Any, task: Task, folder: Path) -> list[Path]:
        curve = precision_recall(task.test[1], self.margins(model, task.test[0]),
                                 folder / "precision-recall.png")
        return [*super().pictures(model, task, folder), curve]


def rare_scores(task: Task, held: np.ndarray, test: np.ndarray) -> dict[str, float]:
    """Scores of the test rows; the threshold is the best one for F1 of the rows held back.

    Shape   held (validation rows,), test (test rows,): higher where the rare class is likelier
    """
    assert task.validation is not None
    cut = best_threshold(task.validation[1], held)
    y = task.test[1]
    return {"average_precision": float(average_precision_score(y, test)),
            "roc_auc": float(roc_auc_score(y, test)), "f1": float(f1_score(y, cut(test)))}


class Pima(Rare):
    """Diabetes within five years: a third of 768 women; missing values are filled and flagged."""

    name = dataset = "pima"
    summary = "diabetes from eight measurements, many of them missing"
    settings = RareSettings
    promise = ("roc_auc", 0.79)


@dataclass(frozen=True)
class MammographySettings(RareSettings):
    epochs: int = 60
    batch_size: int = 128
    patience: int = 15
    weight: float = 2.0          # 42 would balance the classes, and cost precision


class Mammography(Rare):
    """Calcifications on X-ray pictures: 2.3 % of 11,183 spots."""

    name = dataset = "mammography"
    summary = "rare spots on X-ray pictures, 2.3 % of the rows"
    settings = MammographySettings
    promise = ("average_precision", 0.7)
