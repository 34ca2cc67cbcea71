"""MultiheadAttention: queries, keys and values flow in; what each query finds flows out."""

from __future__ import annotations

from typing import Any

from ..graph.errors import ArgumentError, ShapeError
from ..tensor import Tensor
from . import init
from .functional.common import passes_if
from .functional.dropout import check_share
from .functional.multihead_forward import Weights, Wishes, attention
from .linear import Linear, empty, positive
from .module import Module
from .parameter import Parameter


class MultiheadAttention(Module):
    """num_heads attentions side by side over projections of the inputs, projected together.

    forward gives (result, weights); weights is None unless need_weights, and the mean over heads
    if average_attn_weights. In attn_mask (L, S) or (B * heads, L, S) and key_padding_mask (B, S)
    True forbids a place, and a float is added to its score. With batch_first=False the batch is
    the second axis; inputs without a batch axis are taken too.

    Shape   query (L, B, embed_dim), key (S, B, kdim), value (S, B, vdim) ->
            (L, B, embed_dim), (B, L, S)
    Params  in_proj_weight (3 embed_dim, embed_dim), or q_, k_ and v_proj_weight when kdim or vdim
            differ, Xavier uniform; in_proj_bias (3 embed_dim,) and out_proj.bias = 0; bias_k and
            bias_v (1, 1, embed_dim), Xavier normal; out_proj.weight as in Linear
    Raises  E204 when heads do not divide embed_dim, for sizes below 1, a dropout outside [0, 1] and
            is_causal without a mask, E201 for widths, E202 for dtypes, E203 for axes, E213 for
            masks
    Source  Vaswani et al. 2017, arXiv:1706.03762, section 3.2.2; torch.nn.MultiheadAttention
    Example
        >>> x = sheer.randn(2, 5, 8)                # (B, L, embed_dim)
        >>> out, weights = nn.MultiheadAttention(8, num_heads=2, batch_first=True)(x, x, x)
        >>> out.shape, weights.shape
        ((2, 5, 8), (2, 5, 5))
        >>> bool((weights.sum(-1) - 1).abs().max() < 1e-6)
        True
    """
    embed_dim: int
    kdim: int
    vdim: int
    num_heads: int
    head_dim: int
    dropout: float
    batch_first: bool
    add_zero_attn: bool
    in_proj_weight: Parameter | None
    q_proj_weight: Parameter | None
    k_proj_weight: Parameter | None
    v_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    out_proj: Linear
    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True,
                 add_bias_kv: bool = False, add_zero_attn: bool = False, kdim: int | None = None,
                 vdim: int | None = None, batch_first: bool = False, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__()
        positive("MultiheadAttention", embed_dim=embed_dim, num_heads=num_heads)
        check_share("MultiheadAttention", dropout)
        _check_divides(embed_dim, num_heads)
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, embed_dim // num_heads
        self.kdim, self.vdim = kdim or embed_dim, vdim or embed_dim
        self.dropout, self.batch_first, self.add_zero_attn = dropout, batch_first, add_zero_attn
        same = self.kdim == self.vdim == embed_dim
        apart = {"q": embed_dim, "k": self.kdim, "v": self.vdim}
        self.register_parameter("in_proj_weight",
                                empty((3 * embed_dim, embed_dim), dtype) if same else None)
        for name, width in apart.items():
            self.register_parameter(f"{name}_proj_weight",
                                    None if same else empty((embed_dim, width), dtype))
        self.register_parameter("in_proj_bias", empty((3 * embed_dim,), dtype) if bias else None)
        self.out_proj = Linear(embed_dim, embed_dim, bias, device, dtype)
        for name in ("bias_k", "bias_v"):
            self.register_parameter(name, empty((1, 1, embed_dim), dtype) if add_bias_kv else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values (those of out_proj.weight stay, as in torch)."""
        for w in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if w is not None:
                init.xavier_uniform_(w)
        for b in (self.in_proj_bias, self.out_proj.bias):
            if b is not None:
                init.zeros_(b)
        for b in (self.bias_k, self.bias_v):
            if b is not None:
                init.xavier_normal_(b)

    def forward(self, query: Tensor, key: Tensor, value: Tensor,
                key_padding_mask: Tensor | None = None, need_weights: bool = True,
                attn_mask: Tensor | None = None, average_attn_weights: bool = True,
                is_causal: bool = False) -> tuple[Tensor, Tensor | None]:
        self._check_inputs(query, key, value)
        weights = Weights(self.in_proj_weight,
                          (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight),
                          self.in_proj_bias, self.bias_k, self.bias_v, self.add_zero_attn,
                          self.out_proj.weight, self.out_proj.bias)
        wishes = Wishes(self.num_heads, self.dropout if self.training else 0.0, self.batch_first,
                        need_weights, average_attn_weights, is_causal)
        return attention(type(self).__name__, (query, key, value), weights, wishes,
                         key_padding_mask, attn_mask)

    def _check_inputs(self, query: Tensor, key: Tensor, value: Tensor) -> None:
        got = {"query": query.node, "key": key.node, "value": value.node}
        op, first = type(self).__name__, 0 if self.batch_first else 1
        if query.ndim not in (2, 3) or not query.ndim == key.ndim == value.ndim:
            raise ShapeError("E203", op, "inputs have different axes, or neither two nor three",
                             got=got, need="three axes, or two without a batch, on all")
        for name, x, width in (("query", query, self.embed_dim), ("key", key, self.kdim),
                               ("value", value, self.vdim)):
            if x.shape[-1] != width:
                argument = {"query": "embed_dim", "key": "kdim", "value": "vdim"}[name]
                raise ShapeError("E201", op, f"{name} is {x.shape[-1]} wide, {argument} is {width}",
                                 got=got, need=f"{name} (..., {width})",
                                 tries=[(f"{argument}={x.shape[-1]}", lambda: None)])
        if key.shape[:-1] != value.shape[:-1] or (
                query.ndim == 3 and query.shape[first] != key.shape[first]):
            flipped = query.ndim == 3 and query.shape[1 - first] == key.shape[1 - first]
            hint = f"batch_first={not self.batch_first}"
            raise ShapeError("E203", op, "query, key and value do not belong together", got=got,
                             need="one batch on all, and a value for every key",
                             tries=[(hint, passes_if(flipped
                                                     and key.shape[:-1] == value.shape[:-1]))])


def _check_divides(embed_dim: int, num_heads: int) -> None:
    if embed_dim % num_heads:
        near = max(n for n in range(1, num_heads + 1) if embed_dim % n == 0)
        raise ArgumentError("E204", "MultiheadAttention",
                            f"{num_heads} heads do not divide embed_dim={embed_dim}",
                            need="embed_dim divisible by num_heads",
                            tries=[(f"num_heads={near}", lambda: None)])
