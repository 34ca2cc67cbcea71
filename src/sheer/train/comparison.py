"""Comparison: models and data flow in; their scores, sizes, times and memory flow out."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph.errors import ArgumentError
from ..ops.structure import data as constant
from ..transforms import tree
from ..transforms.execute import evaluate
from .arguments import check_scoring
from .metrics import Metric, named
from .prediction import planned
from .session import Session, modes_kept
from .source import as_source
from .trainer import score


@dataclass(frozen=True)
class Compared:
    """One model.

    scores        the loss and the metrics over all rows
    parameters    numbers that are trained; weight_bytes: what they and the buffers take
    latency       seconds of one call with one row, the median
    throughput    rows per second, in batches
    memory        bytes a batch needs beside the weights and the data; None where nobody knows

    Source  definition
    Example
        >>> models, data = {"line": nn.Linear(4, 1)}, (sheer.ones(8, 4), sheer.ones(8, 1))
        >>> (row,) = sheer.train.compare(models, data, loss=nn.MSELoss(), metrics=["mae"])
        >>> row.name, row.parameters, row.weight_bytes, list(row.scores)
        ('line', 5, 20, ['loss', 'mae'])
    """

    name: str
    scores: dict[str, float]
    parameters: int
    weight_bytes: int
    latency: float
    throughput: float
    memory: int | None


class Comparison(list[Compared]):
    """The models in the order given; prints as a table.

    Source  definition
    Example
        >>> models, data = {"line": nn.Linear(4, 1)}, (sheer.ones(8, 4), sheer.ones(8, 1))
        >>> table = sheer.train.compare(models, data, loss=nn.MSELoss(), metrics=["mae"])
        >>> str(table).split()[:3]
        ['model', 'loss', 'mae']
    """

    def __str__(self) -> str:
        names = list(self[0].scores)
        head = ["model", *names, "parameters", "weights kB", "one row us", "rows/s", "batch kB"]
        rows = [head] + [_cells(c) for c in self]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        line = lambda r: "  ".join(c.ljust(w) if i == 0 else c.rjust(w)
                                   for i, (c, w) in enumerate(zip(r, widths, strict=True)))
        return "\n".join(map(line, rows))


def compare(models: Mapping[str, Any], data: Any, *, loss: Callable[[Any, Any], Any],
            metrics: Sequence[str | Metric] = ("accuracy",), batch_size: int = 256,
            transform: Callable[[Any], Any] | None = None, repeats: int = 5) -> Comparison:
    """Score, size, speed and memory of models on the same rows, in evaluation mode.

    Params  models     by name
            data       (x, y) of all rows
            transform  applied to the inputs of every batch, as in `fit`
            repeats    timed runs, of which the median counts; one before them compiles
    Raises  E677 without models, E509 for other data
    Source  definition
    Example
        >>> from sheer import nn
        >>> x, y = np.zeros((8, 4), np.float32), np.zeros(8, np.int64)
        >>> table = compare({"small": nn.Linear(4, 2), "large": nn.Linear(4, 2)}, (x, y),
        ...                 loss=nn.functional.cross_entropy)
        >>> [row.parameters for row in table]
        [10, 10]
    """
    if not models:
        raise ArgumentError("E677", "compare", "there are no models", need="at least one, by name")
    for model in models.values():
        check_scoring("compare", model, loss, transform, batch_size)
    made = Comparison()
    for name, model in models.items():
        with modes_kept(model):
            session = Session(model, loss, None, named(metrics), transform)
            made.append(_measured(name, session, data, batch_size, repeats))
    return made


def _measured(name: str, session: Session, data: Any, batch_size: int, repeats: int) -> Compared:
    every = as_source(data, batch_size, 0, False, False, op="compare")
    scores, seconds = _timed(lambda: score(session, every), repeats)
    part = next(iter(every.slices(0, every.steps)))
    forecast = session.forecast(part, None, planned, False) if part.memory is not None else None
    rows = sum(p.rows * p.count for p in every.slices(0, every.steps))
    first = next(iter(as_source(_first_row(part), 1, 0, False, False).slices(0, 1)))
    _, latency = _timed(lambda: session.predict(first.memory, first.parts), repeats)
    parameters = list(session.model.parameters())
    tensors = [*parameters, *session.model.buffers()]
    return Compared(name, scores, sum(p.numel() for p in parameters),
                    sum(t.numel() * t.dtype.itemsize for t in tensors), latency, rows / seconds,
                    None if forecast is None else forecast.bytes)


def _first_row(part: Any) -> tuple[Any, Any]:
    """One example as data of its own."""
    x, y = (part.memory[0], part.memory[-1]) if part.memory is not None else (
        tree.unflatten(shape, [constant(a[0]) for a in evaluate(nodes)])
        for nodes, shape in map(tree.flatten, part.parts))
    one = lambda value: np.array(value.numpy()[:1])
    return tuple(map(one, x)) if isinstance(x, tuple) else one(x), one(y)


def _timed(call: Callable[[], Any], repeats: int) -> tuple[Any, float]:
    """What a call gives, and the median of its seconds."""
    result, seconds = call(), []
    for _ in range(max(repeats, 1)):
        began = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - began)
    return result, statistics.median(seconds)


def _cells(row: Compared) -> list[str]:
    memory = "?" if row.memory is None else f"{row.memory / 1024:,.0f}"
    return [row.name, *(f"{v:.4g}" for v in row.scores.values()), f"{row.parameters:,}",
            f"{row.weight_bytes / 1024:,.1f}", f"{row.latency * 1e6:,.0f}",
            f"{row.throughput:,.0f}", memory]
