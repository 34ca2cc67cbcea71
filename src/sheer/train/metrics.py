"""Metrics: outputs and targets of a batch flow in, one number comes out, inside the program."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import ops
from ..graph.dtypes import float32, int64
from ..graph.errors import ArgumentError
from ..mixins.core import apply
from ..ops.lift import cast
from ..tensor import Tensor
from .streamed import R2, FBeta, Perplexity, RootMeanSquare, Streamed

Metric = Callable[[Tensor, Tensor], Tensor]


def accuracy(output: Tensor, target: Tensor) -> Tensor:
    """Share of rows classified right.

    Shape   output (B, K, *S) scores with labels (B, *S); or (B,) / (B, 1) logits with 0/1 targets
            -> () in [0, 1]
    Raises  E102 when the labels do not fit the scores
    Source  definition; the first of equal scores wins
    Example
        >>> accuracy(sheer.tensor([[1.0, 2.0], [3.0, 0.0]]), sheer.tensor([1, 1]))
        tensor(0.5)
    """
    def share(out: Any, want: Any) -> Any:
        if out.ndim > 1 and out.shape[1] > 1:
            guess = ops.argmax(out, 1)
        else:
            guess = cast(ops.gt(ops.reshape(out, want.shape), 0), int64)
        return ops.mean(cast(ops.eq(guess, cast(want, int64)), float32))
    result: Tensor = apply(share, output, target)
    return result


def mae(output: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error.

    Shape   output (*S), target (*S) -> ()
    Raises  E111 when the target has another number of elements
    Source  definition
    Example
        >>> mae(sheer.tensor([1.0, 5.0]), sheer.tensor([1.0, 1.0]))
        tensor(2.)
    """
    def error(out: Any, want: Any) -> Any:
        return ops.mean(ops.abs(out - ops.reshape(want, out.shape)))
    result: Tensor = apply(error, output, target)
    return result


def mse(output: Tensor, target: Tensor) -> Tensor:
    """Mean squared error.

    Shape   output (*S), target (*S) -> ()
    Raises  E111 when the target has another number of elements
    Source  definition
    Example
        >>> mse(sheer.tensor([1.0, 5.0]), sheer.tensor([1.0, 1.0]))
        tensor(8.)
    """
    def error(out: Any, want: Any) -> Any:
        deviation = out - ops.reshape(want, out.shape)
        return ops.mean(deviation * deviation)
    result: Tensor = apply(error, output, target)
    return result


METRICS: dict[str, Metric] = {
    "accuracy": accuracy, "mae": mae, "mse": mse, "rmse": RootMeanSquare(), "r2": R2(),
    "precision": FBeta(0.0, name="precision"), "recall": FBeta(math.inf, name="recall"),
    "f1": FBeta(), "perplexity": Perplexity()}

# Which way is better, for early stopping and "best": the loss and errors fall, the rest rises.
FALLING = {"mae", "mse", "rmse", "mase", "wrong_bits", "wrong_bits_twice"}
FALLING_WORDS = ("loss", "error", "nll", "entropy", "perplexity")       # wherever a name has them
# Columns of the history that are there without a metric.
RESERVED = ("epoch", "loss", "val_loss", "rate", "seconds")


def named(metrics: str | Metric | Sequence[str | Metric]) -> dict[str, Metric]:
    """Metrics by name; each is a name from METRICS or a function (output, target) -> number.

    Raises E501 for an unknown name, with the choices, for what is no metric, and for two of one
    name or one whose name is a column of the history without it.
    """
    found: dict[str, Metric] = {}
    alone = isinstance(metrics, str) or not isinstance(metrics, Iterable)
    given: Iterable[Any] = (metrics,) if alone else metrics    # type: ignore[assignment]
    for m in given:
        if m not in METRICS if isinstance(m, str) else not callable(m) or isinstance(m, type):
            raise ArgumentError("E501", "metrics", f"there is no metric {m!r}",
                                need=f"one of {', '.join(METRICS)}, or a function (output, target)")
        name = m if isinstance(m, str) else getattr(m, "__name__", type(m).__name__)
        if name in found or name in RESERVED:
            raise ArgumentError("E501", "metrics", f"two columns would be called {name!r}",
                                need=f"different names, none of {', '.join(RESERVED)}")
        found[name] = METRICS[m] if isinstance(m, str) else m
    return found


def valued(metrics: Mapping[str, Metric], means: np.ndarray,
           widths: Sequence[int]) -> dict[str, float]:
    """The loss and the metrics by name, from the means of what batches gave.

    widths  how many numbers the loss and each metric gave
    """
    parts = np.split(means, np.cumsum(widths)[:-1])
    found = zip(["loss", *metrics], [None, *metrics.values()], parts, strict=True)
    return {name: m.value(part) if isinstance(m, Streamed) else float(part[0])
            for name, m, part in found}


def is_better(name: str, new: float, old: float, min_delta: float = 0.0,
              mode: str = "auto") -> bool:
    """Is `new` an improvement of the quantity called `name` (a `val_` in front does not matter)?"""
    falling = mode == "min" or (mode == "auto" and falls(name))
    return new < old - min_delta if falling else new > old + min_delta


def falls(name: str) -> bool:
    """Is less of the quantity better, going by its name?"""
    plain = name.lower().removeprefix("val_")
    return plain in FALLING or any(word in plain for word in FALLING_WORDS)
