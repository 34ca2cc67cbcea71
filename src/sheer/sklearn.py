"""Estimators for scikit-learn: tables flow into fit, classes or numbers come out of predict."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

import numpy as np

from . import nn, optim
from .extras import extra
from .graph.errors import ArgumentError
from .random import default_generator, get_rng_state, set_rng_state
from .train import fit, predict

extra("sklearn.base", "sklearn", "sheer.sklearn")

from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin  # noqa: E402
from sklearn.utils import check_random_state  # noqa: E402
from sklearn.utils.multiclass import check_classification_targets  # noqa: E402
from sklearn.utils.validation import check_is_fitted, validate_data  # noqa: E402

Network = Callable[[int, int], nn.Module]


class _Estimator(BaseEstimator):  # type: ignore[misc, unused-ignore]
    """What both have: settings, the network, standardised inputs."""

    def __init__(self, network: Network | None = None, hidden: Sequence[int] = (64,),
                 epochs: int = 100, batch_size: int = 32, lr: float = 1e-2,
                 weight_decay: float = 1e-4, random_state: Any = None) -> None:
        self.network, self.hidden = network, hidden
        self.epochs, self.batch_size = epochs, batch_size
        self.lr, self.weight_decay, self.random_state = lr, weight_decay, random_state

    def _train(self, x: Any, target: Any, outputs: int, loss: Any) -> None:
        """Fit a new network to standardised inputs."""
        self.center_, self.scale_ = x.mean(0), _spread(x)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        make = self.network or self._perceptron
        with _own_randomness(seed):
            self.network_ = make(x.shape[1], outputs)
            optimizer = optim.AdamW(self.network_.parameters(), lr=self.lr,
                                    weight_decay=self.weight_decay)
            run = fit(self.network_, (self._inputs(x), target), loss=loss, optimizer=optimizer,
                      epochs=self.epochs, batch_size=min(self.batch_size, len(x)), seed=seed,
                      progress=False)
        self.loss_curve_ = run.column("loss")

    def _perceptron(self, inputs: int, outputs: int) -> nn.Module:
        widths = [inputs, *self.hidden]
        layers = [layer for a, b in itertools.pairwise(widths)
                  for layer in (nn.Linear(a, b), nn.ReLU())]
        return nn.Sequential(*layers, nn.Linear(widths[-1], outputs))

    def _inputs(self, x: Any) -> np.ndarray:
        return np.asarray((x - self.center_) / self.scale_, np.float32)

    def _outputs(self, x: Any) -> np.ndarray:
        check_is_fitted(self)
        x = validate_data(self, x, reset=False)
        return predict(self.network_, self._inputs(x))


class SheerClassifier(ClassifierMixin, _Estimator):  # type: ignore[misc, unused-ignore]
    """A network that classifies the rows of a table, for scikit-learn's pipelines and searches.

    Inputs are standardised inside; the loss is cross-entropy, the optimizer AdamW.

    network        (inputs, outputs) -> a module; without it ReLU layers of the widths `hidden`
    epochs         passes over the rows; batch_size: rows of an update, at most all of them
    lr             per update; weight_decay: decoupled, per update
    random_state   of initial weights and the order of rows, as everywhere in scikit-learn
    Params  classes_, network_, loss_curve_ (one number an epoch), center_ and scale_ after fit
    Raises  E840 without scikit-learn; E850 when there is only one class
    Example
        >>> from sklearn.model_selection import GridSearchCV
        >>> x, y = np.arange(40.0)[:, None], np.repeat(["low", "high"], 20)
        >>> grid = {"hidden": [(4,), (8, 8)]}
        >>> found = GridSearchCV(SheerClassifier(epochs=5, random_state=0), grid, cv=2).fit(x, y)
        >>> found.predict(x).shape
        (40,)
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Train on rows X (N, d) with labels y (N,) of any kind."""
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        self.classes_, places = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:                   # nothing could be told apart
            raise ArgumentError("E850", "SheerClassifier.fit", "y holds only one class",
                                got={"class": str(self.classes_[0])}, need="at least two classes")
        self._train(X, places.astype(np.int64), len(self.classes_), nn.CrossEntropyLoss())
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of the classes, (N, K), in the order of `classes_`."""
        scores = self._outputs(X).astype(np.float64)
        powers = np.exp(scores - scores.max(1, keepdims=True))
        return np.asarray(powers / powers.sum(1, keepdims=True))

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each row, (N,)."""
        best = self._outputs(X).argmax(1)
        return np.asarray(self.classes_[best])


class SheerRegressor(RegressorMixin, _Estimator):  # type: ignore[misc, unused-ignore]
    """A network that predicts numbers from the rows of a table, for scikit-learn.

    Inputs and targets are standardised inside; the loss is the squared error, the optimizer AdamW.
    Settings as those of `SheerClassifier`; targets (N,) or (N, k).

    Params  network_, loss_curve_, center_, scale_, target_center_ and target_scale_ after fit
    Raises  E840 without scikit-learn
    Example
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.preprocessing import PolynomialFeatures
        >>> x = np.linspace(-1, 1, 40)[:, None]
        >>> line = make_pipeline(PolynomialFeatures(), SheerRegressor(hidden=(8, 8), epochs=5))
        >>> line.fit(x, x[:, 0] ** 2).predict(x).shape
        (40,)
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Train on rows X (N, d) with targets y (N,) or (N, k)."""
        X, y = validate_data(self, X, y, multi_output=True, y_numeric=True)
        y = np.asarray(y, np.float64)
        self.target_center_, self.target_scale_ = y.mean(0), _spread(y)
        target = ((y - self.target_center_) / self.target_scale_).astype(np.float32)
        self._flat = target.ndim == 1
        target = target.reshape(len(target), -1)                            # (N, k)
        self._train(X, target, target.shape[1], nn.MSELoss())
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The expected targets of each row, of the shape they had in `fit`."""
        scores = self._outputs(X).astype(np.float64)
        scores = scores[:, 0] if self._flat else scores
        return np.asarray(scores * self.target_scale_ + self.target_center_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _spread(values: Any) -> Any:
    """The standard deviation of every column; 1 for a column that does not vary."""
    spread = values.std(0)
    return np.where(spread > 0, spread, 1.0)


@contextmanager
def _own_randomness(seed: int) -> Iterator[None]:
    """Random numbers from a seed inside; afterwards the generator goes on as if nothing was."""
    before = get_rng_state()
    default_generator.manual_seed(seed)
    try:
        yield
    finally:
        set_rng_state(before)
