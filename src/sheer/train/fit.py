"""fit: a model, data and settings flow in; a trained model and the Run that tells how come out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..tensor import Tensor
from .arguments import (
    callbacks_of,
    check_bounds,
    check_course,
    check_optimizer,
    check_schedule,
    check_scoring,
    rows_of,
)
from .callbacks import Callback
from .metrics import Metric, named
from .plan import slice_length
from .progress import Progress, make
from .rates import Rates
from .run import Run
from .session import Session, modes_kept
from .source import as_source
from .trainer import Trainer, score

Loss = Callable[[Any, Any], Tensor]


def fit(model: Any, data: Any, *, loss: Loss, optimizer: Any, epochs: int = 10,
        batch_size: int = 32, validation: Any = None, metrics: str | Sequence[str | Metric] = (),
        schedule: Any = None, clip_norm: float | None = None, clip_value: float | None = None,
        callbacks: Callback | Iterable[Callback] = (),
        transform: Callable[[Any], Any] | None = None, seed: int = 0, shuffle: bool = True,
        drop_last: bool = False, run: Run | None = None, resume: bool = False,
        progress: bool | Progress = True) -> Run:
    """Train a model.

    data        (x, y) tensors or arrays of all rows: whole epochs run as native programs; or
                Buckets of such, for sequences of several lengths; or a dataset; or a DataLoader,
                whose batches are stacked and run many at a time. Memory maps, MappedDataset and
                ParquetDataset stay on disk: a thread fetches chunks of batches ahead, within a
                fixed bound of memory
    loss        loss(model(x), y) -> one number
    optimizer   of sheer.optim, of the model's parameters; its state goes on from call to call
    epochs      passes over the rows, at least 0
    batch_size  rows per update, at least 1; the last batch of an epoch has what is left over
    validation  as data; scored after every epoch. Shapes, labels and tokens of rows in memory are
                looked through before the first update
    metrics     names, or functions metric(output, y) -> one number, of training and validation
                rows: "accuracy", "precision", "recall", "f1" of classes; "mae", "mse", "rmse", "r2"
                of numbers; "perplexity"
    schedule    of the learning rate, from sheer.optim: moves per update when it says `per_update`
                (OneCycleLR, WarmupCosine, ..., `each_update()`), else per epoch
    clip_norm, clip_value   gradient clipping before every update
    callbacks   objects of train.Callback, asked after every epoch: EarlyStopping, GradualUnfreezing
    transform   applied to the inputs of every batch inside the program
    seed        of the order of rows; the order is a function of (seed, epoch)
    shuffle     other batches every epoch; drop_last: leave out a last batch that is not full
    run         where to write; with resume=True the training goes on from its last checkpoint
    progress    a live bar on a terminal, else a line for every epoch; False: nothing

    The same seed gives the same bits, in any number of threads, resumed or not. Ctrl-C leaves a
    checkpoint to resume from.

    Raises  E701 when the loss is not finite, naming the operation, layer and line that made it;
            E506 when what is monitored is not measured; E309, E308, E402, E508, E515, E516 for
            arguments that do not fit
    Source  definition
    Example
        >>> x = np.linspace(-1, 1, 64, dtype=np.float32)[:, None]
        >>> model = sheer.nn.Linear(1, 1)
        >>> run = fit(model, (x, 3 * x + 1), loss=sheer.nn.MSELoss(), epochs=50, metrics=["mae"],
        ...           optimizer=sheer.optim.Adam(model.parameters(), lr=0.1), progress=False)
        >>> len(run.history), run.history[-1]["mae"] < 0.1
        (50, True)
    """
    check_scoring("fit", model, loss, transform, batch_size)
    check_optimizer("fit", model, loss, optimizer)
    check_schedule("fit", schedule, optimizer)
    check_course("fit", epochs, seed, run, resume, progress)
    check_bounds("fit", clip_norm=clip_norm, clip_value=clip_value)
    source = as_source(data, batch_size, seed, shuffle, drop_last)
    scored = None if validation is None else as_source(validation, batch_size, seed, False, False)
    session = Session(model, loss, optimizer, named(metrics), transform,
                      _clipper(model, clip_norm, clip_value))
    trainer = Trainer(session, source, scored, epochs, Rates(schedule, optimizer),
                      callbacks_of("fit", callbacks), run or Run(), make(progress))
    if resume:
        trainer.resume()
    with modes_kept(model):
        return trainer.train()


def evaluate(model: Any, data: Any, *, loss: Loss, metrics: str | Sequence[str | Metric] = (),
             batch_size: int = 256, transform: Callable[[Any], Any] | None = None) -> dict[str,
                                                                                           float]:
    """Mean loss and metrics of a model in evaluation mode, weighted by rows.

    Shape   x (N, ...), y (N, ...) -> numbers by name
    Raises  E402, E501, E509, E515 for arguments that do not fit
    Source  definition
    Example
        >>> x = sheer.tensor([[1.0], [3.0]])
        >>> evaluate(nn.Identity(), (x, 0 * x), loss=nn.MSELoss(), metrics=["mae"])
        {'loss': 5.0, 'mae': 2.0}
    """
    check_scoring("evaluate", model, loss, transform, batch_size)
    session = Session(model, loss, None, named(metrics), transform)
    with modes_kept(model):
        return score(session, as_source(data, batch_size, 0, False, False, op="evaluate"))


def predict(model: Any, x: Any, *, batch_size: int = 256,
            transform: Callable[[Any], Any] | None = None) -> np.ndarray:
    """Outputs of a model in evaluation mode for all rows of x, in order.

    Shape   x (N, ...) -> (N, ...)
    Raises  E402, E509, E515 for arguments that do not fit
    Source  definition
    Example
        >>> predict(nn.ReLU(), sheer.tensor([[-1.0], [3.0]]))
        array([[0.],
               [3.]], dtype=float32)
    """
    unused = lambda out, y: out
    check_scoring("predict", model, unused, transform, batch_size)
    rows = rows_of("predict", x)
    session = Session(model, unused, None, {}, transform)
    source = as_source((x, np.zeros(rows, np.int64)), _even(rows, batch_size), 0, False, False,
                       op="predict")
    length = slice_length(source.full_batches, 0.0)
    with modes_kept(model):
        outputs = [session.predict(p.memory, p.parts) for p in source.slices(0, length)]
    return np.concatenate([o.reshape(-1, *o.shape[2:]) for o in outputs])


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


__all__ = ["Trainer", "as_source", "evaluate", "fit", "predict", "score"]
