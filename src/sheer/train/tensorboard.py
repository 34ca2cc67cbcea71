"""TensorBoard: the history of a training flows in as it is made; an event file comes out."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from typing import Any

from ..extras import extra
from .callbacks import Callback

VALIDATION = "val_"
_writers = itertools.count()


class TensorBoard(Callback):
    """Write every column of the history, and now and then the weights, for TensorBoard to show.

    Training and validation stand in one picture: `loss/train` and `loss/validation`. The step is
    the number of epochs done, so that a resumed run goes on where it was.

    log_dir     the folder; each process adds a file of its own to it
    histograms  write the weights every so many epochs; 0: never
    Raises      E840 without tensorboardX
    Source      the event file format of TensorBoard
    Example
        >>> board = TensorBoard(folder)      # fit(..., callbacks=[board])
    """

    def __init__(self, log_dir: str | os.PathLike[str], histograms: int = 0) -> None:
        board = extra("tensorboardX", "tensorboard", "TensorBoard")
        # two writers of one second would write to one file
        suffix = f".{os.getpid()}.{next(_writers)}"
        self.writer = board.SummaryWriter(os.fspath(log_dir), filename_suffix=suffix)
        self.histograms = histograms

    def on_epoch_end(self, trainer: Any, row: Mapping[str, float]) -> None:
        step = int(row["epoch"])
        for name, value in row.items():
            if name != "epoch":
                self.writer.add_scalar(_tag(name, row), value, step)
        if self.histograms and step % self.histograms == 0:
            for name, p in trainer.session.model.named_parameters():
                self.writer.add_histogram(name, p.detach().numpy(), step)
        self.writer.flush()                              # a killed training leaves what it wrote

    def on_train_end(self, trainer: Any) -> None:
        self.writer.close()


def _tag(name: str, row: Mapping[str, float]) -> str:
    """A column's name: quantity first, so that its curves stand together."""
    if name.startswith(VALIDATION):
        return f"{name.removeprefix(VALIDATION)}/validation"
    return f"{name}/train" if f"{VALIDATION}{name}" in row else name
