"""fit: a model, data and settings flow in; a trained model and the Run that tells how come out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..graph.errors import ArgumentError
from ..tensor import Tensor
from . import checkpoint, state
from .callbacks import Callback, EarlyStopping, monitored
from .metrics import Metric, is_better, named
from .plan import Memory, slice_length
from .progress import Progress, make
from .run import BEST, LAST, Run
from .session import Session
from .source import Source, as_source

Loss = Callable[[Any, Any], Tensor]


def fit(model: Any, data: Any, *, loss: Loss, optimizer: Any, epochs: int = 10,
        batch_size: int = 32, validation: Any = None, metrics: Sequence[str | Metric] = (),
        schedule: Any = None, clip_norm: float | None = None, clip_value: float | None = None,
        callbacks: Iterable[Callback] = (), transform: Callable[[Any], Any] | None = None,
        seed: int = 0, shuffle: bool = True, drop_last: bool = False, run: Run | None = None,
        resume: bool = False, progress: bool | Progress = True) -> Run:
    """Train a model.

    data        (x, y) tensors or arrays of all rows: whole epochs run as native programs; or a
                TensorDataset; or a DataLoader, whose batches are stacked and run many at a time
    loss        loss(model(x), y) -> one number
    validation  as data; scored after every epoch
    schedule    a learning-rate schedule of sheer.optim, stepped per epoch or per update
    clip_norm, clip_value   gradient clipping before every update
    transform   applied to the inputs of every batch inside the program
    seed        of the order of rows; the order is a function of (seed, epoch)
    run         where to write; with resume=True the training goes on from its last checkpoint

    The same seed gives the same bits, in any number of threads, resumed or not.
    Raises E701 when the loss is not finite, naming the operation, layer and line that made it.
    """
    if epochs < 0:
        raise ArgumentError("E508", "fit", f"epochs is {epochs}", need="at least 0")
    source = as_source(data, batch_size, seed, shuffle, drop_last)
    scored = None if validation is None else as_source(validation, batch_size, seed, False, False)
    session = Session(model, loss, optimizer, named(metrics), transform,
                      _clipper(model, clip_norm, clip_value))
    trainer = Trainer(session, source, scored, epochs, schedule, list(callbacks), run or Run(), make(progress))
    if resume:
        trainer.resume()
    return trainer.train()


def evaluate(model: Any, data: Any, *, loss: Loss, metrics: Sequence[str | Metric] = (),
             batch_size: int = 256, transform: Callable[[Any], Any] | None = None) -> dict[str, float]:
    """Mean loss and metrics of a model in evaluation mode, weighted by rows."""
    session = Session(model, loss, None, named(metrics), transform)
    return score(session, as_source(data, batch_size, 0, False, False))


def predict(model: Any, x: Any, *, batch_size: int = 256,
            transform: Callable[[Any], Any] | None = None) -> np.ndarray:
    """Outputs of a model in evaluation mode for all rows of x, in order.

    Shape   x (N, ...) -> (N, ...)
    """
    session = Session(model, lambda out, y: out, None, {}, transform)
    rows = x[0].shape[0] if isinstance(x, tuple) else x.shape[0]
    memory = Memory(x, np.zeros(rows, np.int64), _even(rows, batch_size))
    pieces = [session.predict(memory.pair, s.parts)
              for s in memory.slices(np.arange(rows), memory.steps)]
    return np.concatenate([p.reshape(-1, *p.shape[2:]) for p in pieces])


def score(session: Session, source: Source) -> dict[str, float]:
    """Mean loss and metrics over a source, weighted by rows."""
    names = ["loss", *session.metrics]
    total, rows = np.zeros(len(names)), 0
    for part in source.slices(epoch=0, length=source.steps):
        found = session.score(part.memory, part.parts)
        total += found.sum(1) * part.rows
        rows += part.rows * found.shape[1]
    return dict(zip(names, (total / max(rows, 1)).tolist(), strict=True))


class Trainer:
    """One training under way. Callbacks get it; `stop(why)` ends it after the epoch."""

    def __init__(self, session: Session, source: Source, scored: Source | None, epochs: int,
                 schedule: Any, callbacks: list[Callback], run: Run, progress: Progress) -> None:
        self.session, self.source, self.scored = session, source, scored
        self.epochs, self.schedule, self.callbacks = epochs, schedule, callbacks
        self.run, self.progress = run, progress
        self.epoch, self.done = 0, 0                  # epochs finished; batches of the running one
        self.totals = np.zeros(1 + len(session.metrics))
        self.rows, self.spent = 0, 0.0
        self.stopped = ""
        stopping = next((c for c in callbacks if isinstance(c, EarlyStopping)), None)
        self.monitor = stopping.monitor if stopping else "loss" if scored is None else "val_loss"
        self.best: float | None = None
        self.best_arrays: dict[str, np.ndarray] | None = None

    def stop(self, why: str) -> None:
        """End the training after this epoch."""
        self.stopped = why

    def train(self) -> Run:
        """Run the epochs that are left."""
        length = slice_length(self.source.full_batches, self.session.seconds_per_batch(self.source))
        snapshot = state.Snapshot(self.session.model, self.session.optimizer)
        self.progress.start(self.epochs, self.source.steps, self.epoch * self.source.steps + self.done)
        try:
            while self.epoch < self.epochs and not self.stopped:
                self._epoch(length, snapshot)
        except KeyboardInterrupt:
            self._save_last()                         # a resumable checkpoint is left
            raise
        finally:
            self.progress.stop()
        if self.best_arrays is not None and any(isinstance(c, EarlyStopping) for c in self.callbacks):
            self._restore_best()
        for c in self.callbacks:
            c.on_train_end(self)
        return self.run

    # ---- one epoch -----------------------------------------------------------------------------
    def _epoch(self, length: int, snapshot: state.Snapshot) -> None:
        for part in self.source.slices(self.epoch, length, self.done):
            began = time.perf_counter()
            snapshot.take()
            rates = self._rates(self.epoch * self.source.steps + part.first, part.count)
            found = self.session.train(part.memory, part.parts, rates)
            if not np.isfinite(found[0]).all():
                raise self._explain(found[0], part, snapshot, rates)
            self.totals += found.sum(1) * part.rows
            self.rows += part.rows * part.count
            self.done = part.first + part.count
            self.spent += time.perf_counter() - began
            self.progress.step(self.epoch + 1, part.count, self._means())
        self._finish_epoch()

    def _finish_epoch(self) -> None:
        began = time.perf_counter()
        row: dict[str, float] = {"epoch": self.epoch + 1, **self._means()}
        if self.scored is not None:
            row |= {f"val_{k}": v for k, v in score(self.session, self.scored).items()}
        row["rate"] = float(self.session.optimizer.param_groups[0]["lr"])
        row["seconds"] = self.spent + time.perf_counter() - began
        self.run.log(row)
        self.epoch, self.done, self.rows, self.spent = self.epoch + 1, 0, 0, 0.0
        self.totals = np.zeros_like(self.totals)
        self._keep_best(row)
        self._step_schedule(row)
        for c in self.callbacks:
            c.on_epoch_end(self, row)
        self.progress.epoch(row, self.epochs)
        self._save_last()

    def _means(self) -> dict[str, float]:
        names = ["loss", *self.session.metrics]
        return dict(zip(names, (self.totals / max(self.rows, 1)).tolist(), strict=True))

    # ---- learning rates ------------------------------------------------------------------------
    def _rates(self, first: int, count: int) -> np.ndarray | None:
        """Rates of the next updates, when the schedule changes them from update to update."""
        if self.schedule is None or not getattr(self.schedule, "per_update", False):
            return None
        return np.array([self.schedule.rates(first + i) for i in range(count)], np.float64)

    def _step_schedule(self, row: Mapping[str, float]) -> None:
        if self.schedule is None or getattr(self.schedule, "per_update", False):
            return
        if getattr(self.schedule, "needs_metric", False):
            self.schedule.step(monitored(row, self.monitor))
        else:
            self.schedule.step()

    # ---- the best, the last, and going on -------------------------------------------------------
    def _keep_best(self, row: Mapping[str, float]) -> None:
        value = monitored(row, self.monitor)
        if math.isnan(value) or (self.best is not None and not is_better(self.monitor, value, self.best)):
            return
        self.best, self.run.best_epoch = value, int(row["epoch"])
        self.best_arrays = {k: np.array(v.numpy()) for k, v in self.session.model.state_dict().items()}
        self.run.save(BEST, self.best_arrays, {"epoch": row["epoch"], self.monitor: value})

    def _restore_best(self) -> None:
        from ..tensor import tensor
        assert self.best_arrays is not None
        self.session.model.load_state_dict(
            {k: tensor(v, dtype=v.dtype.name) for k, v in self.best_arrays.items()})

    def _save_last(self) -> None:
        if self.run.folder is None:
            return
        arrays, about = state.capture(self.session.model, self.session.optimizer)
        about |= {"epoch": self.epoch, "done": self.done, "totals": self.totals.tolist(),
                  "rows": self.rows, "spent": self.spent, "history": self.run.history,
                  "best": self.best, "best_epoch": self.run.best_epoch, "stopped": self.stopped,
                  "schedule": self.schedule.state_dict() if self.schedule is not None else None,
                  "callbacks": [c.state() for c in self.callbacks]}
        self.run.save(LAST, arrays, about)

    def resume(self) -> None:
        """Go on from the last checkpoint of the run; from the start when there is none yet."""
        folder = self.run.folder
        if folder is None or not (Path(folder) / LAST).exists():
            return
        arrays, about = checkpoint.load(folder / LAST)
        state.restore(self.session.model, self.session.optimizer, arrays, about)
        self.epoch, self.done = about["epoch"], about["done"]
        self.totals, self.rows, self.spent = np.array(about["totals"]), about["rows"], about["spent"]
        self.run.history = about["history"]
        self.best, self.run.best_epoch, self.stopped = about["best"], about["best_epoch"], about["stopped"]
        if (folder / BEST).exists():
            self.best_arrays, _ = checkpoint.load(folder / BEST)
        if self.schedule is not None and about["schedule"] is not None:
            self.schedule.load_state_dict(about["schedule"])
        for c, remembered in zip(self.callbacks, about["callbacks"], strict=False):
            c.load(remembered)

    # ---- when it goes wrong ----------------------------------------------------------------------
    def _explain(self, losses: np.ndarray, part: Any, snapshot: state.Snapshot,
                 rates: np.ndarray | None) -> Exception:
        """Go back to the state before the bad step, replay it on the reference, name the culprit."""
        from .replay import explain_step
        step = int(np.argmax(~np.isfinite(losses)))
        snapshot.put_back()
        if step:
            before = part.cut(0, step)
            self.session.train(before.memory, before.parts, None if rates is None else rates[:step])
        where = f"epoch {self.epoch + 1}, update {part.first + step + 1} of {self.source.steps}"
        return explain_step(self.session, part.cut(step, step + 1), losses[step], where)


def _even(rows: int, wanted: int) -> int:
    """The batch size nearest below `wanted` that divides the rows, if one is not far below."""
    fitting = [d for d in range(max(wanted // 4, 1), wanted + 1) if rows % d == 0]
    return max(fitting, default=wanted)


def _clipper(model: Any, norm: float | None, value: float | None) -> Callable[[], Any] | None:
    """The clipping that goes between backward and update."""
    if norm is None and value is None:
        return None
    from ..optim import clip_grad_norm_, clip_grad_value_
    def clip() -> None:
        if value is not None:
            clip_grad_value_(model.parameters(), value)
        if norm is not None:
            clip_grad_norm_(model.parameters(), norm)
    return clip


__all__ = ["Trainer", "evaluate", "fit", "predict", "score"]
