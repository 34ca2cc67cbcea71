"""Metrics of a whole epoch: sums flow out of every batch, and one number at the end.

The mean of the batches' F1 scores is not the F1 score of all rows. These metrics add up counts
inside the program, and take the quotient, root or exponential once, when all rows have been seen.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..graph.errors import ArgumentError
from ..metrics.fscore import Counts, averaged
from ..namespace_creation import arange
from ..namespace_joining import stack
from ..tensor import Tensor


class Streamed:
    """Base: `sums` of a batch, per row; and the `value` of their mean over all rows.

    Shape   output, target of a batch -> (m,) or (), their sums per row
    Source  definition
    Example
        >>> class GeometricMean(Streamed):
        ...     __name__ = "geometric"
        ...     def __call__(self, output, target):
        ...         return output.log().mean()
        ...     def value(self, means):
        ...         return float(np.exp(means[0]))
        >>> x, metric = sheer.tensor([[2.0], [8.0]]), GeometricMean()
        >>> found = sheer.train.evaluate(nn.Identity(), (x, x), loss=nn.MSELoss(), metrics=metric)
        >>> round(found["geometric"], 4)
        4.0
    """

    __name__ = "streamed"

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        """Shape  output, target as the metric says -> (m,), or ()."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it adds up")

    def value(self, means: np.ndarray) -> float:
        """From the mean of what batches gave, (m,), to the metric."""
        raise NotImplementedError(f"{type(self).__name__} does not say what its sums mean")


class FBeta(Streamed):
    """F-beta over all rows of an epoch; precision for beta = 0, recall for beta = infinity.

    Shape   output (B, K, *S) scores with labels (B, *S); (B,) or (B, 1) logits with 0/1 targets
            (B,) or (B, 1); or logits (B, K) with 0/1 targets (B, K), K labels a row
    Params  average  "macro", "micro" or "weighted" over classes; "binary", class 1 alone, which is
                     the default of logits for one class
            name     of its column
    Raises  E671 for another average
    Source  sklearn.metrics.fbeta_score
    Example
        >>> data = sheer.eye(2)[[0, 0, 1, 1]], sheer.tensor([0, 1, 1, 1])
        >>> found = sheer.train.evaluate(nn.Identity(), data, loss=nn.CrossEntropyLoss(),
        ...                              metrics=FBeta(1.0, "binary"))
        >>> round(found["f1"], 4)                                   # precision 1, recall 2 / 3
        0.8
    """

    def __init__(self, beta: float = 1.0, average: str | None = None, zero_division: float = 0.0,
                 name: str = "f1") -> None:
        if average not in (None, "macro", "micro", "weighted", "binary"):
            raise ArgumentError("E671", "FBeta", f"there is no average {average!r}",
                                need="'macro', 'micro', 'weighted', 'binary', or None to choose")
        self.beta, self.average, self.zero_division = beta, average, zero_division
        self.__name__ = name

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        guess, true = _memberships(output, target)                           # (B, K, *S) both
        axes = [i for i in range(guess.ndim) if i != 1]
        each = [v.sum(axes) / guess.shape[0] for v in (guess * true, guess, true)]
        result: Tensor = _stack(each).reshape(-1)                            # (3 K,)
        return result

    def value(self, means: np.ndarray) -> float:
        right, said, true = means.reshape(3, -1)                             # (K,) each
        average = self.average or "macro"
        if len(true) == 1 or average == "binary":                            # class 1 is the last
            right, said, true = right[-1:], said[-1:], true[-1:]
        counts = Counts(right, said, true)
        scores = averaged(counts, math.inf if self.beta == math.inf else self.beta,
                          "macro" if average == "binary" else average, self.zero_division)
        return float(scores[{0.0: 0, math.inf: 1}.get(self.beta, 2)])


class Perplexity(Streamed):
    """exp of the mean cross-entropy per token.

    Shape   output (B, K, *S) scores, target (B, *S) tokens
    Params  ignore_index  a target that does not count: padding
    Source  Jelinek et al. 1977, doi:10.1121/1.2016299
    Example
        >>> data = sheer.zeros(5, 8), sheer.tensor([0, 1, 2, 3, 4])
        >>> found = sheer.train.evaluate(nn.Identity(), data, loss=nn.CrossEntropyLoss(),
        ...                              metrics=Perplexity())
        >>> round(found["perplexity"], 4)                           # any of 8
        8.0
    """

    __name__ = "perplexity"

    def __init__(self, ignore_index: int = -100) -> None: self.ignore_index = ignore_index

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        from ..nn.functional import cross_entropy
        rows = output.shape[0]
        loss = cross_entropy(output, target, ignore_index=self.ignore_index, reduction="sum")
        count = (target != self.ignore_index).float().sum()
        return _stack([loss / rows, count / rows])

    def value(self, means: np.ndarray) -> float:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return float(np.exp(np.divide(means[0], means[1])))


class RootMeanSquare(Streamed):
    """The root of the mean squared error.

    Shape   output (*S), target (*S)
    Source  definition
    Example
        >>> data = sheer.tensor([[3.0], [4.0]]), sheer.zeros(2, 1)
        >>> found = sheer.train.evaluate(nn.Identity(), data, loss=nn.MSELoss(),
        ...                              metrics=RootMeanSquare())
        >>> round(found["rmse"] ** 2, 4)                            # (9 + 16) / 2
        12.5
    """

    __name__ = "rmse"

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        deviation = output - target.reshape(output.shape)
        result: Tensor = (deviation * deviation).mean()
        return result

    def value(self, means: np.ndarray) -> float:
        return float(np.sqrt(means[0]))


class R2(Streamed):
    """1 - squared error over variance: the share of the target's variance that is explained.

    Shape   output (B, *S), target (B, *S); NaN when the target never varies
    Source  sklearn.metrics.r2_score, all numbers together
    Example
        >>> guess, y = sheer.tensor([[1.0], [2.0], [4.0]]), sheer.tensor([[1.0], [2.0], [3.0]])
        >>> found = sheer.train.evaluate(nn.Identity(), (guess, y), loss=nn.MSELoss(), metrics=R2())
        >>> round(found["r2"], 4)                                   # 1 - 1 / 2
        0.5
    """

    __name__ = "r2"

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        want = target.reshape(output.shape).double()    # E[y^2] - E[y]^2 would cancel in float32
        deviation = output.double() - want
        return _stack([(v * v).mean() for v in (deviation, want)] + [want.mean()])

    def value(self, means: np.ndarray) -> float:
        variance = means[1] - means[2] ** 2
        return float(1 - means[0] / variance) if variance > 0 else math.nan


def _stack(parts: list[Any]) -> Tensor:
    result: Tensor = stack(parts)
    return result


def _memberships(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Who is said to be, and who is, in each class: 0 and 1, float (B, K, *S)."""
    if output.ndim == 1 or (output.ndim == 2 and output.shape[1] == 1):
        output, target = output.reshape(-1, 1), target.reshape(-1, 1)
    if output.shape == target.shape:
        return (output > 0).float(), (target > 0).float()
    shape = [1, -1] + [1] * (output.ndim - 2)
    classes = arange(output.shape[1]).reshape(shape)
    guess = output.argmax(1).unsqueeze(1)
    return (guess == classes).float(), (target.unsqueeze(1) == classes).float()
