"""Several heads of attention: projected queries, keys and values flow in; mixed heads flow out."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ... import ops
from ...graph.dtypes import bool_
from ...graph.errors import ArgumentError, DTypeError
from ...graph.node import Node
from ...mixins.core import apply
from ...ops.contract.dot import transpose
from ...tensor import Tensor
from ..draws import next_key
from .attention import causal, check_mask_shape, dropped, weights_of


@dataclass(frozen=True)
class Masks:
    """What may not be looked at: True (or -inf, added) forbids, unlike in the function of scores.

    attn (L, S) or (B * heads, L, S); padding (B, S). causal replaces both.
    """

    attn: Tensor | None
    padding: Tensor | None
    causal: bool = False

    def checked(self, op: str, heads: int, q: Tensor, k: Tensor) -> Masks:
        """The masks themselves; raises E202 for dtypes, E213 for shapes, E204 for a lone hint."""
        batch, length, size = q.shape[0], q.shape[1], k.shape[1]
        got = {"query": q.node, "key": k.node}
        for name, mask in (("attn_mask", self.attn), ("key_padding_mask", self.padding)):
            if mask is not None and mask.dtype != bool_ and not mask.dtype.is_floating_point:
                raise DTypeError("E202", op, f"{name} is {mask.dtype.name}", got={name: mask.node},
                                 need="bool, True where nobody may look, or a float, added",
                                 tries=[(f"{name}.bool()", lambda: None)])
        if self.attn is not None:
            wanted = (batch * heads, length, size) if self.attn.ndim == 3 else (length, size)
            _exactly(op, "attn_mask", self.attn, wanted, got)
        if self.padding is not None:
            _exactly(op, "key_padding_mask", self.padding, (batch, size), got)
        if self.causal and self.attn is None:
            raise ArgumentError("E204", op, "is_causal=True without attn_mask", got=got,
                                need="the mask too: is_causal only says what it is")
        return self

    def operands(self) -> list[Tensor]:
        """The masks that are given."""
        return [] if self.causal else [m for m in (self.attn, self.padding) if m is not None]

    def put_on(self, scores: Node, *given: Node) -> Node:
        """Scores (B, h, L, S) with what the masks forbid at -inf."""
        if self.causal:
            return ops.where(causal(scores), scores, -math.inf)
        rest = iter(given)
        if self.attn is not None:
            mask = next(rest)
            if mask.ndim == 3:
                mask = ops.reshape(mask, scores.shape)                    # (B, h, L, S)
            scores = _forbidden(scores, mask)
        if self.padding is not None:
            mask = next(rest)
            scores = _forbidden(scores, ops.reshape(mask, (mask.shape[0], 1, 1, mask.shape[1])))
        return scores


@dataclass(frozen=True)
class Heads:
    """How many heads, how their weights are dropped, and whether the weights are wanted."""

    count: int
    dropout: float
    masks: Masks
    need_weights: bool
    average: bool


def attend(heads: Heads, query: Tensor, key: Tensor, value: Tensor,
           ) -> tuple[Tensor, Tensor | None]:
    """(heads side by side, weights or None) of q (B, L, h d), k (B, S, h d), v (B, S, h d).

    A row masked throughout gives NaN when the weights are wanted, else zeros, as in torch.
    """
    masks = heads.masks
    given = masks.operands()
    extra = [*given, *([next_key()] if heads.dropout else [])]
    def run(q: Node, k: Node, v: Node, *more: Node) -> tuple[Node, ...]:
        q, k, v = (_apart(x, heads.count) for x in (q, k, v))             # (B, h, L, d)
        scores = ops.matmul(q, transpose(k)) * q.shape[-1] ** -0.5        # (B, h, L, S)
        scores = masks.put_on(scores, *more[:len(given)])
        safe = not masks.causal and bool(given) and not heads.need_weights
        weights = weights_of(scores, safe)
        if heads.dropout:
            weights = dropped(weights, more[-1], heads.dropout)
        joined = _together(ops.matmul(weights, v))                        # (B, L, h d)
        if not heads.need_weights:
            return (joined,)
        return joined, ops.mean(weights, (1,)) if heads.average else weights
    mixed, *wanted = apply(run, query, key, value, *extra)
    return mixed, (wanted[0] if wanted else None)


def _apart(x: Node, heads: int) -> Node:
    """(B, L, h d) -> (B, h, L, d)."""
    b, length, width = x.shape
    return ops.permute(ops.reshape(x, (b, length, heads, width // heads)), (0, 2, 1, 3))


def _together(x: Node) -> Node:
    """(B, h, L, d) -> (B, L, h d)."""
    b, heads, length, width = x.shape
    return ops.reshape(ops.permute(x, (0, 2, 1, 3)), (b, length, heads * width))


def _forbidden(scores: Node, mask: Node) -> Node:
    wide = ops.broadcast_to(mask, scores.shape)
    if mask.dtype == bool_:
        return ops.where(wide, -math.inf, scores)
    return scores + ops.cast(wide, scores.dtype)


def _exactly(op: str, name: str, mask: Tensor, wanted: tuple[int, ...],
             got: dict[str, Node]) -> None:
    if mask.shape != wanted:
        check_mask_shape(op, name, mask, wanted, got, exact=True)
