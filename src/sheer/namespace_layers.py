"""Functions that torch has under its own name with other arguments than in nn.functional."""

from __future__ import annotations

from typing import Any

from .nn import functional
from .tensor import Tensor


def embedding(weight: Tensor, indices: Any, padding_idx: int = -1,
              scale_grad_by_freq: bool = False, sparse: bool = False) -> Tensor:
    """Rows of weight; as nn.functional.embedding, with the table first (torch.embedding)."""
    return functional.embedding(indices, weight, None if padding_idx < 0 else padding_idx)
