"""Attention as a function: inputs and the weights of a layer flow in, its result flows out."""

from __future__ import annotations

from dataclasses import dataclass

from ... import ops
from ...graph.dtypes import bool_
from ...graph.errors import MissingError
from ...graph.node import Node
from ...mixins.core import apply
from ...tensor import Tensor
from .linear import linear
from .multihead import Heads, Masks, attend

Result = tuple[Tensor, Tensor | None]


@dataclass(frozen=True)
class Weights:
    """What an attention layer has learned; together or (q, k, v) apart."""

    together: Tensor | None
    apart: tuple[Tensor | None, ...]
    bias: Tensor | None
    key: Tensor | None
    value: Tensor | None
    zero: bool
    out: Tensor
    out_bias: Tensor | None

    def projected(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, ...]:
        """Queries, keys and values of all heads; one product where the input is one."""
        if self.together is not None and query is key and key is value:
            return tuple(linear(query, self.together, self.bias).chunk(3, -1))
        e, b = self.out.shape[0], self.bias
        weights = self.apart if self.together is None else tuple(
            self.together[i * e:(i + 1) * e] for i in range(3))
        biases = [None if b is None else b[i * e:(i + 1) * e] for i in range(3)]
        return tuple(linear(x, w, c) for x, w, c in
                     zip((query, key, value), weights, biases, strict=True) if w is not None)

    def longer(self, k: Tensor, v: Tensor, masks: Masks) -> tuple[Tensor, Tensor, Masks]:
        """Keys, values and masks with the learned place and the place of zeros."""
        def joined(x: Tensor, row: Tensor | None) -> Tensor:
            def run(n: Node, *more: Node) -> Node:
                shape = (n.shape[0], 1, n.shape[2])
                return ops.concat([n, *(ops.broadcast_to(m, shape) for m in more)], 1)
            zero = [Tensor(ops.constant(0, x.dtype))] if self.zero else []
            result: Tensor = apply(run, x, *([] if row is None else [row]), *zero)
            return result
        count = (self.key is not None) + self.zero
        if not count:
            return k, v, masks
        wider = lambda m: None if m is None else apply(
            lambda n: ops.pad(n, [(0, 0, 0)] * (n.ndim - 1) + [(0, count, 0)],
                              False if n.dtype == bool_ else 0), m)
        return (joined(k, self.key), joined(v, self.value),
                Masks(wider(masks.attn), wider(masks.padding), masks.causal))


@dataclass(frozen=True)
class Wishes:
    """How a call wants its attention."""

    heads: int
    dropout: float
    batch_first: bool
    need_weights: bool
    average: bool
    causal: bool


def attention(op: str, inputs: tuple[Tensor, Tensor, Tensor], weights: Weights, wishes: Wishes,
              padding: Tensor | None, mask: Tensor | None) -> Result:
    """The result of an attention layer, and its weights where they are wanted."""
    batched = inputs[0].ndim == 3
    q, k, v = weights.projected(*inputs)
    if not batched:
        q, k, v = (t.unsqueeze(0) for t in (q, k, v))
    elif not wishes.batch_first:
        q, k, v = (t.transpose(0, 1) for t in (q, k, v))               # (B, L, embed_dim)
    if not batched and padding is not None and padding.ndim == 1:
        padding = padding.unsqueeze(0)
    masks = Masks(mask, padding, wishes.causal).checked(op, wishes.heads, q, k)
    plain = wishes.causal and padding is None and not wishes.need_weights
    k, v, masks = weights.longer(k, v, Masks(masks.attn, masks.padding, plain))
    mixed, found = attend(Heads(wishes.heads, wishes.dropout, masks, wishes.need_weights,
                                wishes.average), q, k, v)
    out = linear(mixed, weights.out, weights.out_bias)                  # (B, L, embed_dim)
    if not batched:
        return out.squeeze(0), None if found is None else found.squeeze(0)
    return (out if wishes.batch_first else out.transpose(0, 1)), found


def multi_head_attention_forward(
        query: Tensor, key: Tensor, value: Tensor, embed_dim_to_check: int, num_heads: int,
        in_proj_weight: Tensor | None, in_proj_bias: Tensor | None, bias_k: Tensor | None,
        bias_v: Tensor | None, add_zero_attn: bool, dropout_p: float, out_proj_weight: Tensor,
        out_proj_bias: Tensor | None, training: bool = True,
        key_padding_mask: Tensor | None = None, need_weights: bool = True,
        attn_mask: Tensor | None = None, use_separate_proj_weight: bool = False,
        q_proj_weight: Tensor | None = None, k_proj_weight: Tensor | None = None,
        v_proj_weight: Tensor | None = None, static_k: Tensor | None = None,
        static_v: Tensor | None = None, average_attn_weights: bool = True,
        is_causal: bool = False) -> Result:
    """What `nn.MultiheadAttention` computes, from weights that are given.

    Shape   query (L, B, E), key (S, B, kdim), value (S, B, vdim) -> (L, B, E), (B, L, S)
    Raises  E211 for static_k and static_v; E201, E202 and E213 as the layer
    Source  torch.nn.functional.multi_head_attention_forward
    Example
        >>> layer, x = nn.MultiheadAttention(4, 2), sheer.ones(3, 1, 4)
        >>> out, weights = F.multi_head_attention_forward(
        ...     x, x, x, 4, 2, layer.in_proj_weight, layer.in_proj_bias, None, None, False, 0.0,
        ...     layer.out_proj.weight, layer.out_proj.bias)
        >>> out.shape, weights[0, 0]
        ((3, 1, 4), tensor([0.3333, 0.3333, 0.3333], requires_grad=True))
    """
    if static_k is not None or static_v is not None:
        raise MissingError("E211", "multi_head_attention_forward",
                           "static_k and static_v are left out", need="None",
                           tries=[("scaled_dot_product_attention(q, k, v)", lambda: None)])
    apart = q_proj_weight, k_proj_weight, v_proj_weight
    weights = Weights(None if use_separate_proj_weight else in_proj_weight, apart, in_proj_bias,
                      bias_k, bias_v, add_zero_attn, out_proj_weight, out_proj_bias)
    wishes = Wishes(num_heads, dropout_p if training else 0.0, False, need_weights,
                    average_attn_weights, is_causal)
    return attention("multi_head_attention_forward", (query, key, value), weights, wishes,
                     key_padding_mask, attn_mask)
