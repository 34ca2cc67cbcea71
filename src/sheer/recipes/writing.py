"""Writing: a trained model and sources flow in, what it writes, token by token, flows out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import nn
from ..data.text import Buckets, bucketed, pad
from ..nn import functional as F
from ..tensor import Tensor
from ..train import predict


class _Writer(nn.Module):
    """A model whose output is what it generates."""

    def __init__(self, model: Any, start: int, steps: int) -> None:
        super().__init__()
        self.model, self.start, self.steps = model, start, steps

    def forward(self, source: Tensor) -> Tensor:
        written: Tensor = self.model.generate(source, self.start, self.steps)
        return written


def written(model: Any, source: NDArray[np.int64], start: int, steps: int) -> NDArray[np.int64]:
    """The tokens a model generates for every source, (N, S) -> (N, steps)."""
    return predict(_Writer(model, start, steps), source)


def pairs(sources: list[list[int]], targets: list[list[int]], edges: int | list[int]) -> Buckets:
    """Rows for teacher forcing, in groups of like length: ((source, target), what follows).

    targets begin with the start token and end with the end token; 0 fills up.
    """
    lengths = [max(len(a), len(b) - 1) for a, b in zip(sources, targets, strict=True)]
    groups = bucketed(lengths, edges)
    parts = []
    for edge, rows in groups.items():
        source = pad([sources[i] for i in rows], 0, edge)
        target = pad([targets[i] for i in rows], 0, edge + 1)
        parts.append(((source, target[:, :-1]), target[:, 1:]))
    return Buckets(parts, list(groups.values()))


def following(smoothing: float = 0.0) -> Any:
    """The loss of the next tokens, (B, T, K) against (B, T), where 0 fills up."""
    return lambda scores, y: F.sequence_cross_entropy(scores, y, ignore_index=0,
                                                      label_smoothing=smoothing)
