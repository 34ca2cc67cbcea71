"""Layers that are weighted sums or look-ups: Linear, Bilinear, Embedding."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.dtypes import DType, dtype_of, float32
from ..graph.errors import ArgumentError
from ..ops import broadcast_to, constant
from ..tensor import Tensor
from . import functional as F
from . import init
from .functional.common import choice
from .module import Module
from .parameter import Parameter

SHARED = "shared"        # the bias that all units of a layer have in common


def empty(shape: tuple[int, ...], dtype: Any = None) -> Parameter:
    """A parameter of that shape whose initial values are about to be drawn."""
    kind: DType = float32 if dtype is None else dtype_of(dtype)
    return Parameter(Tensor(broadcast_to(constant(0, kind), shape)))


def positive(op: str, **sizes: int) -> None:
    """Raise ArgumentError E204 for a size that is no whole number, or below 1."""
    for name, size in sizes.items():
        if not isinstance(size, int | np.integer) or size < 1:
            raise ArgumentError("E204", op, f"{name}={size!r}", need="a whole number, at least 1")


def give_bias(layer: Module, kind: bool | str, size: int, dtype: Any = None) -> None:
    """Give a layer its `bias`: one number per unit (True), none (False), one for all ("shared").

    Raises  E204 for another word
    """
    if isinstance(kind, str):
        choice(type(layer).__name__, "bias", kind, (SHARED,))
    if not kind:
        layer.register_parameter("bias", None)
    else:
        layer.bias = empty((1,) if kind == SHARED else (size,), dtype)


def bias_word(bias: Parameter | None, size: int) -> str:
    """What a layer that is printed says of its bias."""
    return "'shared'" if bias is not None and bias.shape != (size,) else str(bias is not None)


class Linear(Module):
    """y = x @ weight.T + bias on the last axis.

    Shape   x (*B, in_features) -> (*B, out_features)
    Params  weight (out_features, in_features) and bias (out_features,), both ~ U(-r, r),
            r = 1/sqrt(in_features); bias="shared": one number for all units, (1,)
    Raises  E201 when x.shape[-1] != in_features, E202 for integers, E204 for sizes below 1 or
            another bias
    Source  torch.nn.Linear; He et al. 2015, arXiv:1502.01852, with negative slope sqrt(5)
    Example
        >>> nn.Linear(3, 2)(sheer.ones(5, 3)).shape
        (5, 2)
    """
    in_features: int
    out_features: int
    weight: Parameter
    bias: Parameter | None

    def __init__(self, in_features: int, out_features: int, bias: bool | str = True,
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        positive("Linear", in_features=in_features, out_features=out_features)
        self.in_features, self.out_features = in_features, out_features
        self.weight = empty((out_features, in_features), dtype)
        give_bias(self, bias, out_features, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        r = self.in_features ** -0.5
        init.uniform_(self.weight, -r, r)
        if self.bias is not None:
            init.uniform_(self.bias, -r, r)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight, self.bias)             # (*B, out_features)

    def extra_repr(self) -> str:
        return (f"in_features={self.in_features}, out_features={self.out_features}, "
                f"bias={bias_word(self.bias, self.out_features)}")


class Bilinear(Module):
    """y[k] = x1 @ weight[k] @ x2 + bias[k].

    Shape   x1 (*B, in1_features), x2 (*B, in2_features) -> (*B, out_features)
    Params  weight (out_features, in1_features, in2_features) and bias (out_features,),
            both ~ U(-r, r), r = 1/sqrt(in1_features); bias="shared": (1,)
    Raises  E201 for another width, E202 for integers, E204 for sizes below 1 or another bias, E102
            for leading axes that differ
    Source  torch.nn.Bilinear
    Example
        >>> nn.Bilinear(3, 4, 2)(sheer.ones(5, 3), sheer.ones(5, 4)).shape
        (5, 2)
    """
    in1_features: int
    in2_features: int
    out_features: int
    weight: Parameter
    bias: Parameter | None

    def __init__(self, in1_features: int, in2_features: int, out_features: int,
                 bias: bool | str = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        positive("Bilinear", in1_features=in1_features, in2_features=in2_features,
                 out_features=out_features)
        self.in1_features, self.in2_features = in1_features, in2_features
        self.out_features = out_features
        self.weight = empty((out_features, in1_features, in2_features), dtype)
        give_bias(self, bias, out_features, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        r = self.in1_features ** -0.5
        init.uniform_(self.weight, -r, r)
        if self.bias is not None:
            init.uniform_(self.bias, -r, r)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        return F.bilinear(input1, input2, self.weight,
                          self.bias)                  # (*B, out_features)

    def extra_repr(self) -> str:
        return (f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
                f"out_features={self.out_features}, "
                f"bias={bias_word(self.bias, self.out_features)}")


class Embedding(Module):
    """One learned row for each of num_embeddings things.

    Shape   x int (*I) -> (*I, embedding_dim)
    Params  weight (num_embeddings, embedding_dim) ~ N(0, 1), the row padding_idx 0 and without
            gradient
    Raises  E212 for an index outside the table, with its place, E202 for floats, E204 for sizes
            below 1 or a padding_idx outside the table
    Source  torch.nn.Embedding; max_norm, scale_grad_by_freq and sparse are left out
    Example
        >>> table = nn.Embedding(10, 3, padding_idx=0)
        >>> table(sheer.tensor([[4, 7], [4, 0]])).shape
        (2, 2, 3)
        >>> table(sheer.tensor([0])).tolist()
        [[0.0, 0.0, 0.0]]
    """
    num_embeddings: int
    embedding_dim: int
    padding_idx: int | None
    weight: Parameter

    def __init__(self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None, *,
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        positive("Embedding", num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ArgumentError("E204", "Embedding", f"padding_idx={padding_idx}",
                                need=f"-{num_embeddings} <= padding_idx < {num_embeddings}")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        self.weight = empty((num_embeddings, embedding_dim), dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.normal_(self.weight)
        init.zero_row(self.weight, self.padding_idx)

    def forward(self, x: Tensor) -> Tensor:
        return F.embedding(x, self.weight,
                           self.padding_idx)                       # (*I, embedding_dim)

    @classmethod
    def from_pretrained(cls, embeddings: Any, freeze: bool = True,
                        padding_idx: int | None = None) -> Embedding:
        """A table with given rows, frozen unless told otherwise."""
        rows, width = embeddings.shape
        made = cls(rows, width, padding_idx)
        made.weight = Parameter(embeddings, requires_grad=not freeze)
        return made

    def extra_repr(self) -> str:
        pad = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{pad}"

