"""The plan of an epoch: data and a batch size flow in, slices of minibatches come out.

A slice is what one program runs: long enough that Python does not matter, short enough that
Ctrl-C, the progress bar and checkpoints stay responsive.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..graph.errors import ArgumentError, ShapeError
from ..mixins.core import wrap
from ..ops.structure import data
from ..tensor import Tensor, as_tensor
from ..transforms import tree
from ..transforms.execute import evaluate

SLICE_SECONDS = 0.1          # Ctrl-C is heard between slices


@dataclass(frozen=True)
class Part:
    """Batches for one program, as Session.train takes them.

    memory  (x, y) of all rows, or None when the parts are batches themselves
    first   number of the first batch in the epoch
    rows    rows per batch
    """

    memory: Any
    parts: Any
    first: int
    rows: int

    @property
    def count(self) -> int:
        """Number of batches."""
        return int(tree.leaves(self.parts)[0].shape[0])

    def cut(self, start: int, stop: int) -> Part:
        """Batches start to stop, as a part of its own."""
        nodes, shape = tree.flatten(self.parts)
        arrays = [np.ascontiguousarray(a[start:stop]) for a in evaluate(nodes)]
        return replace(self, parts=tree.unflatten(shape, [data(a) for a in arrays]),
                       first=self.first + start)


class Memory:
    """Rows that fit in memory: (x, y), each a tensor or a tuple of tensors over the same rows.

    tensors  (x, y), or (x,) when the inputs are the targets, as an autoencoder's are
    """

    def __init__(self, x: Any, y: Any, batch_size: int, drop_last: bool = False,
                 op: str = "fit") -> None:
        self.tensors = (_tensors(x),) if y is x else (_tensors(x), _tensors(y))
        self.rows = _common_length(self.tensors, op)
        if batch_size < 1:
            raise ArgumentError("E402", op, f"batch_size is {batch_size}", need="at least 1")
        self.batch_size = min(batch_size, self.rows)
        self.drop_last = drop_last

    @property
    def steps(self) -> int:
        """Updates per epoch."""
        whole, rest = divmod(self.rows, self.batch_size)
        return whole if self.drop_last or not rest else whole + 1

    def slices(self, order: np.ndarray, length: int, start: int = 0) -> Iterator[Part]:
        """Parts of `length` batches over the rows in `order`, from batch `start` on."""
        size = self.batch_size
        whole = self.rows // size
        table = order[:whole * size].reshape(whole, size)
        while start < whole:
            part = table[start:start + length]
            yield Part(self.tensors, _indices(part), start, size)
            start += len(part)
        rest = order[whole * size:]
        if len(rest) and not self.drop_last and start <= whole:
            yield Part(self.tensors, _indices(rest[None]), whole, len(rest))


def slice_length(batches: int, seconds_per_batch: float) -> int:
    """How many batches a slice should have: about SLICE_SECONDS, and dividing the epoch evenly,
    because a program is made for one length.
    """
    wanted = max(1, min(batches, int(SLICE_SECONDS / max(seconds_per_batch, 1e-9))))
    fitting = [d for d in range(1, wanted + 1) if batches % d == 0]
    best = max(fitting, default=1)
    return best if best * 3 >= wanted else wanted  # a poor divisor: accept a shorter last slice


def _tensors(value: Any) -> Any:
    """Tensors on their own memory, whatever was given."""
    if isinstance(value, tuple):
        return tuple(_tensors(v) for v in value)
    return value if isinstance(value, Tensor) else as_tensor(value)


def _common_length(pair: Any, op: str) -> int:
    leaves = tree.leaves(list(pair))
    lengths = {t.shape[0] if t.shape else -1 for t in leaves}
    if lengths == {0}:
        raise ArgumentError("E410", op, "the data have no rows",
                            got={f"tensor {i}": t.node for i, t in enumerate(leaves)},
                            need="at least one row: check the filter or split they came from")
    if len(lengths) != 1 or -1 in lengths:
        raise ShapeError("E401", op, "inputs and targets do not have the same number of rows",
                         got={f"tensor {i}": t.node for i, t in enumerate(leaves)},
                         need="one positive length of the first axis")
    return int(lengths.pop())


def _indices(rows: np.ndarray) -> Tensor:
    made: Tensor = wrap(data(np.ascontiguousarray(rows, np.int64)))
    return made


def epoch_order(rows: int, seed: int, epoch: int, shuffle: bool) -> np.ndarray:
    """The order of the rows in an epoch: a function of (seed, epoch) and of nothing else."""
    if not shuffle:
        return np.arange(rows)
    bits = np.random.Philox(key=np.array([seed % 2**64, epoch], np.uint64))
    return np.argsort(bits.random_raw(rows), kind="stable")
