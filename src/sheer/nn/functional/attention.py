"""Attention: queries, keys and values flow in; for each query, a mean of the values flows out.

Written with plain operations on scores (*B, L, S): the compiler keeps them in a cache, a block of
rows at a time, so that no L x S matrix reaches memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from ... import ops
from ...graph.dtypes import bool_, int32
from ...graph.errors import ArgumentError, DTypeError, ShapeError
from ...graph.node import Node
from ...mixins.core import apply
from ...ops.contract.dot import transpose
from ...ops.structure import stop_gradient
from ...tensor import Tensor
from ..draws import next_key
from .common import passes_if, same_dtype
from .dropout import check_share


def scaled_dot_product_attention(
        query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None,
        dropout_p: float = 0.0, is_causal: bool = False, scale: float | None = None,
        enable_gqa: bool = False) -> Tensor:
    """softmax(query @ key.mT * scale + mask) @ value; scale is 1 / sqrt(E) unless given.

    A row whose every place is masked gives zeros. With enable_gqa, each head of key and value
    serves several neighbouring heads of the query.

    Shape   query (*B, L, E), key (*B, S, E), value (*B, S, Ev), attn_mask (*B, L, S), broadcasting:
            bool, True where a query may look, or float, added to the scores -> (*B, L, Ev)
    Raises  E201 when query and key differ in width, E203 for axes that do not fit, E213 for a mask
            that does not, E202 for dtypes, E204 for dropout_p outside [0, 1], or a mask beside
            is_causal
    Source  Vaswani et al. 2017, arXiv:1706.03762, equation 1; torch.nn.functional
    Example
        >>> q = sheer.tensor([[100.0, 0.0]])                         # looks for the first key
        >>> k, v = sheer.eye(2), sheer.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> F.scaled_dot_product_attention(q, k, v)
        tensor([[1., 2.]])
    """
    op = "scaled_dot_product_attention"
    same_dtype(op, key, query)
    same_dtype(op, value, query)
    check_share(op, dropout_p)
    batch = _check_shapes(op, query, key, value, enable_gqa)
    _check_mask(op, query, key, attn_mask, is_causal, batch)
    factor = query.shape[-1] ** -0.5 if scale is None else scale
    extra = [t for t in (attn_mask, next_key() if dropout_p else None) if t is not None]
    def run(q: Node, k: Node, v: Node, *more: Node) -> Node:
        if enable_gqa:
            k, v = _repeated(k, q.shape[-3]), _repeated(v, q.shape[-3])
        scores = ops.matmul(q, transpose(k)) * factor                   # (*B, L, S)
        if is_causal:
            scores = ops.where(causal(scores), scores, -math.inf)
        elif attn_mask is not None:
            scores = masked(scores, more[0])
        weights = weights_of(scores, safe=attn_mask is not None)
        if dropout_p:
            weights = dropped(weights, more[-1], dropout_p)
        return ops.matmul(weights, v)                                              # (*B, L, Ev)
    result: Tensor = apply(run, query, key, value, *extra)
    return result


def causal(scores: Node) -> Node:
    """Which places a query may look at: its own and those before; bool, like scores."""
    length, size = scores.shape[-2:]
    row = ops.expand_dims(ops.iota(length, int32), 1)
    seen = ops.ge(ops.broadcast_to(row, (length, size)),
                  ops.broadcast_to(ops.iota(size, int32), (length, size)))
    return ops.broadcast_to(seen, scores.shape)


def masked(scores: Node, mask: Node) -> Node:
    """Scores with -inf where a bool mask forbids, or a float mask added."""
    batch = np.broadcast_shapes(scores.shape, mask.shape)
    scores, mask = ops.broadcast_to(scores, batch), ops.broadcast_to(mask, batch)
    return ops.where(mask, scores, -math.inf) if mask.dtype == bool_ else scores + mask


def weights_of(scores: Node, safe: bool) -> Node:
    """softmax along the last axis; safe: 0 in a row that is -inf throughout, otherwise NaN."""
    if not scores.size:
        return scores
    last = (scores.ndim - 1,)
    back = lambda row: ops.restore(row, scores.shape, last)
    top = stop_gradient(ops.max(scores, last))
    if safe:
        top = ops.where(ops.eq(top, -math.inf), 0.0, top)
    e = ops.exp(scores - back(top))
    total = ops.sum(e, last)
    if safe:
        total = ops.where(ops.eq(total, 0.0), 1.0, total)
    return e * back(1.0 / total)


def dropped(weights: Node, key: Node, p: float) -> Node:
    """Each weight 0 with probability p, else larger by 1 / (1 - p)."""
    keep = ops.random.bernoulli(key, 1 - p, weights.shape)
    return ops.where(keep, weights * (1 / (1 - p) if p < 1 else 0.0), 0.0)


def _repeated(x: Node, heads: int) -> Node:
    """(*B, h, S, E) -> (*B, heads, S, E): each head several times in a row."""
    *batch, few, length, width = x.shape
    wide = (*batch, few, heads // few, length, width)
    return ops.reshape(ops.broadcast_to(ops.expand_dims(x, x.ndim - 2), wide),
                       (*batch, heads, length, width))


def _check_shapes(op: str, q: Tensor, k: Tensor, v: Tensor, gqa: bool) -> tuple[int, ...]:
    """The batch axes of the result; raises E201, E203."""
    got = {"query": q.node, "key": k.node, "value": v.node}
    need = "query (*B, L, E), key (*B, S, E), value (*B, S, Ev)"
    fail: Callable[[str, str], ShapeError] = lambda code, what: ShapeError(
        code, op, what, got=got, need=need)
    if min(q.ndim, k.ndim, v.ndim) < 2:
        raise fail("E203", "an operand has fewer than two axes")
    if q.shape[-1] != k.shape[-1]:
        raise fail("E201", f"query and key differ in width, {q.shape[-1]} and {k.shape[-1]}")
    if k.shape[-2] != v.shape[-2]:
        raise fail("E203", f"{k.shape[-2]} keys but {v.shape[-2]} values")
    batches: Sequence[tuple[int, ...]] = [t.shape[:-2] for t in (q, k, v)]
    if gqa:
        _check_heads(op, q, k, v)
        batches = [(*t.shape[:-3], q.shape[-3]) for t in (q, k, v)]
    try:
        return np.broadcast_shapes(*batches)
    except ValueError:
        hint = "enable_gqa=True"
        fits = q.ndim == k.ndim == v.ndim > 2 and not q.shape[-3] % max(k.shape[-3], 1)
        raise ShapeError("E203", op, "the batch axes do not broadcast", got=got, need=need,
                         tries=[(hint, passes_if(fits and not gqa))]) from None


def _check_heads(op: str, q: Tensor, k: Tensor, v: Tensor) -> None:
    """Raise E203 unless every head of key and value serves equally many of the query."""
    fits = min(t.ndim for t in (q, k, v)) > 2 and k.shape[-3] == v.shape[-3] > 0
    if not fits or q.shape[-3] % k.shape[-3]:
        raise ShapeError("E203", op, "the heads of the query do not divide among those of the key",
                         got={"query": q.node, "key": k.node, "value": v.node},
                         need="query (*B, n h, L, E) beside key and value (*B, h, S, E)")


def _check_mask(op: str, q: Tensor, k: Tensor, mask: Tensor | None, is_causal: bool,
                batch: tuple[int, ...]) -> None:
    if mask is None:
        return
    got = {"query": q.node, "key": k.node, "attn_mask": mask.node}
    if is_causal:
        raise ArgumentError("E204", op, "an attn_mask beside is_causal=True", got=got,
                            need="one of the two", tries=[("is_causal=False", lambda: None)])
    if mask.dtype not in (bool_, q.dtype):
        raise DTypeError("E202", op, f"attn_mask is {mask.dtype.name}", got=got,
                         need=f"bool, True where a query may look, or {q.dtype.name}, added",
                         tries=[("attn_mask.bool()", lambda: None)])
    del got["attn_mask"]
    check_mask_shape(op, "attn_mask", mask, (*batch, q.shape[-2], k.shape[-2]), got)


def check_mask_shape(op: str, name: str, mask: Tensor, wanted: tuple[int, ...],
                     got: dict[str, Node], exact: bool = False) -> None:
    """Raise E213 unless the mask has that shape, or broadcasts to it."""
    def fits(shape: tuple[int, ...]) -> bool:
        try:
            return shape == wanted or (not exact and np.broadcast_shapes(shape, wanted) == wanted)
        except ValueError:
            return False
    shape = mask.shape
    if fits(shape):
        return
    flipped = (*shape[:-2], *shape[:-3:-1])
    aside = (*shape[:1], *(1,) * (len(wanted) - len(shape)), *shape[1:])
    need = f"shape {wanted}" if exact else f"a shape that broadcasts to {wanted}"
    raise ShapeError("E213", op, f"{name} has shape {shape}, the scores need {wanted}",
                     got={**got, name: mask.node}, need=need,
                     tries=[(f"{name}.mT", passes_if(len(shape) > 1 and fits(flipped))),
                            (f"{name}[:, None]", passes_if(len(aside) == len(shape) + 1
                                                           and fits(aside))),
                            (f"{name}[:, None, None]", passes_if(len(aside) == len(shape) + 2
                                                                 and fits(aside)))])
