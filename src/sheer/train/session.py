"""Session: a model, its loss and its optimizer flow in; compiled training and evaluation come out.

One call runs many minibatches inside one program: gather, forward, loss, backward, clipping,
update and metrics, with no Python between steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..mixins.core import apply, no_grad, wrap
from ..ops.cost import rough_seconds
from ..ops.index import take
from ..ops.structure import data
from ..tensor import Tensor
from ..transforms import execute, tree
from ..transforms import jit as jit_module
from ..transforms.jit import Jitted, jit
from ..transforms.loop import scan
from .arguments import lost, predicted
from .metrics import Metric, valued

Transform = Callable[..., Any]
Look = Callable[..., Any]          # (jitted, *arguments) -> a forecast of its program, or None


class Session:
    """The compiled forms of one training set-up.

    transform  applied to the inputs of every batch inside the program (scaling, augmentation)
    clip       called after backward, before the update
    """

    def __init__(self, model: Any, loss: Callable[[Any, Any], Tensor], optimizer: Any,
                 metrics: Mapping[str, Metric], transform: Transform | None = None,
                 clip: Callable[[], Any] | None = None) -> None:
        self.model, self.loss, self.optimizer = model, loss, optimizer
        self.metrics, self.transform, self.clip = dict(metrics), transform, clip
        self.widths = [1] * (1 + len(self.metrics))      # numbers a batch gives for each
        self._train = jit(self._train_batches)
        self._score = jit(self._score_batches)
        self._predict = jit(self._predict_batches)

    # ---- one step, as anybody would write it ----------------------------------------------------
    def step(self, x: Tensor, y: Tensor, rates: Sequence[Tensor] = ()) -> tuple[Tensor, ...]:
        """One update on one batch; (loss, *metrics), each a number. rates: for `set_rates`."""
        self.optimizer.set_rates(rates)
        self._forget_gradients()
        out = self.model(self._prepared(x))
        loss = lost(self.loss(out, y))
        loss.backward()
        if self.clip is not None:
            self.clip()
        self.optimizer.step()
        self._forget_gradients()
        return loss.detach(), *self._measure(out, y)

    def _forget_gradients(self) -> None:
        """Also of weights that the optimizer does not move, and of weights outside of the model."""
        self.optimizer.zero_grad()
        self.model.zero_grad()

    def _prepared(self, x: Any) -> Any:
        return x if self.transform is None else self.transform(x)

    def _measure(self, out: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        with no_grad():
            return tuple(m(out.detach(), y) for m in self.metrics.values())

    def _scored(self, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        with no_grad():
            out = self.model(self._prepared(x))
            return lost(self.loss(out, y)), *self._measure(out, y)

    # ---- many steps in one program ---------------------------------------------------------------
    def _train_batches(self, memory: Any, parts: Any, rates: tuple[Tensor, ...]) -> Any:
        def one(_: Any, given: Any) -> Any:
            part, rate = given
            return (), self.step(*batch_of(memory, part), rate)
        return scan(one, (), (parts, rates))[1]

    def _score_batches(self, memory: Any, parts: Any) -> Any:
        return scan(lambda _, part: ((), self._scored(*batch_of(memory, part))), (), parts)[1]

    def _predict_batches(self, memory: Any, parts: Any) -> Any:
        def one(_: Any, part: Any) -> Any:
            with no_grad():
                return (), predicted(self.model(self._prepared(batch_of(memory, part)[0])))
        return scan(one, (), parts)[1]

    def train(self, memory: Any, parts: Any, rates: np.ndarray | None = None) -> np.ndarray:
        """Update on every batch; float64 (sum of widths, batches): the loss and each metric.

        memory  (x, y) tensors of all rows, and parts int64 (batches, B) the rows of each batch;
                or None, and parts (x, y) with a first axis over batches
        rates   for `Optimizer.set_rates`, (batches, numbers); None leaves them as they are
        """
        self.model.train()
        return self._stacked(self._train(memory, parts, _columns(rates)))

    def score(self, memory: Any, parts: Any) -> np.ndarray:
        """Loss and metrics of every batch in evaluation mode; float64 as `train`."""
        self.model.eval()
        return self._stacked(self._score(memory, parts))

    def _stacked(self, results: Sequence[Tensor]) -> np.ndarray:
        """Results (batches,) and (batches, m) as rows of one table; how many each has is kept."""
        tables = [np.asarray(r.numpy(), np.float64) for r in results]
        rows = [t.reshape(len(t), -1).T for t in tables]
        self.widths = [len(r) for r in rows]
        return np.concatenate(rows)

    def named(self, means: np.ndarray) -> dict[str, float]:
        """The loss and the metrics by name, from the means of the rows of that table."""
        return valued(self.metrics, means, self.widths)

    def predict(self, memory: Any, parts: Any) -> np.ndarray:
        """Outputs of the model in evaluation mode, (batches, B, ...)."""
        self.model.eval()
        outputs: np.ndarray = self._predict(memory, parts).numpy()
        return outputs

    def seconds_per_batch(self, source: Any) -> float:
        """A rough guess from the arithmetic of a step, to choose how many steps a program runs."""
        part = next(iter(source.slices(0, 1)))
        nodes, shape = tree.flatten(part.parts)
        single = tree.unflatten(shape, [data(a[0]) for a in execute.evaluate(nodes)])
        return rough_seconds(self.traced_step(*batch_of(part.memory, single)).graph)

    def forecast(self, part: Any, rates: np.ndarray | None, look: Look, learns: bool) -> Any:
        """What `look` tells of the program that trains on a part, or that scores it."""
        if learns:
            self.model.train()
            return look(self._train, part.memory, part.parts, _columns(rates))
        self.model.eval()
        return look(self._score, part.memory, part.parts)

    # ---- what it became --------------------------------------------------------------------------
    def traced_step(self, x: Tensor, y: Tensor, rates: Sequence[Tensor] = ()) -> jit_module.Traced:
        """One training step as a graph with its state, for looking at and for replaying."""
        self.model.train()
        nodes, shape = tree.flatten(((x, y, tuple(rates)), {}))
        return jit_module.trace_function(self.step, nodes, shape)

    @property
    def programs(self) -> Sequence[Jitted]:
        return self._train, self._score, self._predict


@contextmanager
def modes_kept(model: Any) -> Iterator[None]:
    """Afterwards every module is in training or evaluation mode as before."""
    before = [(m, m.training) for m in model.modules()]
    try:
        yield
    finally:
        for module, mode in before:
            module.training = mode


def batch_of(memory: Any, part: Any) -> tuple[Any, Any]:
    """(x, y) of one batch: rows gathered from memory, or the part itself."""
    if memory is None:
        x, y = part
        return x, y
    rows = [_rows(m, part) for m in memory]
    return rows[0], rows[-1]                             # the inputs may be the targets, too


def _rows(values: Any, rows: Tensor) -> Any:
    """Rows of a tensor, or of every tensor of a tuple of inputs."""
    if isinstance(values, list | tuple):
        return tuple(_rows(v, rows) for v in values)
    return apply(take, values, rows, axis=0)


def _columns(rates: np.ndarray | None) -> tuple[Any, ...]:
    """Each number of the rows as a tensor over the batches."""
    return () if rates is None else tuple(wrap(data(np.array(r, np.float64))) for r in rates.T)

