"""EmbeddingBag: bags of indices flow in, one row for each bag flows out."""

from __future__ import annotations

from typing import Any

from ..graph.errors import ArgumentError, MissingError
from ..tensor import Tensor
from . import functional as F
from . import init
from .functional.common import choice
from .linear import empty, positive
from .module import Module
from .parameter import Parameter


class EmbeddingBag(Module):
    """The sum, mean or largest of the learned rows that each bag names.

    Shape   x int (B, N), or (L,) with offsets int (B,) -> (B, embedding_dim)
    Params  weight (num_embeddings, embedding_dim) ~ N(0, 1), the row padding_idx 0 and in no bag
    Raises  E212 for an index outside the table, E202 for floats, E203 for shapes, E204 for sizes,
            mode, padding_idx or offsets that do not fit, E211 for max_norm, scale_grad_by_freq and
            sparse
    Source  torch.nn.EmbeddingBag
    Example
        >>> nn.EmbeddingBag(10, 3)(sheer.tensor([1, 2, 4, 5]), sheer.tensor([0, 3])).shape
        (2, 3)
    """
    num_embeddings: int
    embedding_dim: int
    mode: str
    include_last_offset: bool
    padding_idx: int | None
    weight: Parameter

    def __init__(self, num_embeddings: int, embedding_dim: int, max_norm: float | None = None,
                 norm_type: float = 2.0, scale_grad_by_freq: bool = False, mode: str = "mean",
                 sparse: bool = False, _weight: Any = None, include_last_offset: bool = False,
                 padding_idx: int | None = None, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        positive("EmbeddingBag", num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        choice("EmbeddingBag", "mode", mode, ("sum", "mean", "max"))
        if max_norm is not None or scale_grad_by_freq or sparse:
            raise MissingError("E211", "EmbeddingBag",
                               "max_norm, scale_grad_by_freq and sparse gradients are left out",
                               need="their defaults",
                               tries=[("renormalise weight before the call", lambda: None)])
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ArgumentError("E204", "EmbeddingBag", f"padding_idx={padding_idx}",
                                need=f"-{num_embeddings} <= padding_idx < {num_embeddings}")
        self.num_embeddings, self.embedding_dim, self.mode = num_embeddings, embedding_dim, mode
        self.include_last_offset = include_last_offset
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        self.weight = empty((num_embeddings, embedding_dim), dtype)
        if _weight is None:
            self.reset_parameters()
        else:
            self.weight = Parameter(_weight)

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.normal_(self.weight)
        init.zero_row(self.weight, self.padding_idx)

    def forward(self, x: Tensor, offsets: Any = None,
                per_sample_weights: Tensor | None = None) -> Tensor:
        return F.embedding_bag(x, self.weight, offsets, mode=self.mode,
                               per_sample_weights=per_sample_weights,
                               include_last_offset=self.include_last_offset,
                               padding_idx=self.padding_idx)          # (B, embedding_dim)

    @classmethod
    def from_pretrained(cls, embeddings: Any, freeze: bool = True, mode: str = "mean",
                        padding_idx: int | None = None) -> EmbeddingBag:
        """A table with given rows, frozen unless told otherwise."""
        rows, width = embeddings.shape
        made = cls(rows, width, mode=mode, padding_idx=padding_idx, _weight=embeddings)
        made.weight.requires_grad_(not freeze)
        return made

    def extra_repr(self) -> str:
        pad = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}, mode={self.mode!r}{pad}"
