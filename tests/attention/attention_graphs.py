"""Graphs of attention in several handwritings, forward and backward, for the compiler to see."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from sheer import ops
from sheer.graph import Graph, Node, bool_, float32, int64
from sheer.graph.dtypes import DType
from sheer.nn.functional import attention
from sheer.ops import walk
from sheer.ops.contract.dot import transpose
from sheer.ops.structure import Input

Weights = Callable[[Node, list[Node]], Node]       # scores and further inputs -> weights


def graph(weights: Weights, b: int = 2, h: int = 4, t: int = 20, s: int | None = None, d: int = 8,
          dv: int | None = None, more: tuple[tuple[tuple[int, ...], DType], ...] = (),
          dtype: DType = float32, packed: bool = False) -> Graph:
    """Attention with those weights: the result and the gradients of query, key and value.

    packed: query, key and value are parts of one input (b, t, 3 h d), as one product gives them.
    """
    s, dv = s or t, dv or d
    apart = [(b, h, t, d), (b, h, s, d), (b, h, s, dv)]
    shapes = [(b, t, 3 * h * d)] if packed else apart
    operands = [Input(i, x, dtype)() for i, x in enumerate(shapes)]
    ct = Input(len(operands), (b, h, t, dv), dtype)()
    extra = [Input(len(operands) + 1 + i, x, kind)() for i, (x, kind) in enumerate(more)]
    q, k, v = _taken_apart(operands[0], h) if packed else operands
    scores = ops.matmul(q, transpose(k)) * d ** -0.5
    out = ops.matmul(weights(scores, extra), v)
    grads = walk.vjp_nodes([out], [ct], operands)
    return Graph([*operands, ct, *extra], [out, *grads])


def _taken_apart(x: Node, h: int) -> list[Node]:
    b, t, wide = x.shape
    parts = ops.permute(ops.reshape(x, (b, t, 3, h, wide // (3 * h))), (2, 0, 3, 1, 4))
    return [ops.reshape(ops.narrow(parts, 0, i, 1), parts.shape[1:]) for i in range(3)]


def plain(scores: Node, more: list[Node]) -> Node:
    return attention.weights_of(scores, safe=False)


def causal(scores: Node, more: list[Node]) -> Node:
    return plain(ops.where(attention.causal(scores), scores, -math.inf), more)


def masked(scores: Node, more: list[Node]) -> Node:
    return attention.weights_of(attention.masked(scores, more[0]), safe=True)


def dropped(scores: Node, more: list[Node]) -> Node:
    return attention.dropped(causal(scores, more), more[0], 0.3)


def by_hand(scores: Node, more: list[Node]) -> Node:
    """exp over its sum, no maximum, a finite number for what is masked."""
    n = scores.shape[-1]
    row, column = ops.iota(scores.shape[-2], int64), ops.iota(n, int64)
    ahead = ops.gt(ops.broadcast_to(column, (scores.shape[-2], n)),
                   ops.broadcast_to(ops.expand_dims(row, 1), (scores.shape[-2], n)))
    low = ops.where(ops.broadcast_to(ahead, scores.shape), -1e9, scores)
    e = ops.exp(low)
    return e / ops.restore(ops.sum(e, (scores.ndim - 1,)), scores.shape, (scores.ndim - 1,))


def squares(scores: Node, more: list[Node]) -> Node:
    """No softmax at all: squares over their sum."""
    e = scores * scores
    last = (scores.ndim - 1,)
    return e / ops.restore(ops.sum(e, last) + 1.0, scores.shape, last)


def windowed(scores: Node, more: list[Node]) -> Node:
    """A place looks at itself and those up to three ahead."""
    t, n = scores.shape[-2:]
    row = ops.broadcast_to(ops.expand_dims(ops.iota(t, int64), 1), (t, n))
    near = ops.le(ops.broadcast_to(ops.iota(n, int64), (t, n)), row + 3)
    return plain(ops.where(ops.broadcast_to(near, scores.shape), scores, -math.inf), more)


def arrays(made: Graph, seed: int = 0) -> list[np.ndarray]:
    """Values for the inputs; a mask keeps about half, and the diagonal."""
    rng = np.random.default_rng(seed)
    found = []
    for x in made.inputs:
        if x.dtype == bool_:
            keep = rng.random(x.shape) < 0.5
            if x.ndim > 1 and x.shape[-2] > 1:
                n = min(x.shape[-2:])
                np.einsum("...ii->...i", keep[..., :n, :n])[:] = True
            found.append(keep)
        elif x.dtype.is_floating_point:
            found.append(np.asarray(rng.normal(size=x.shape), x.dtype.numpy))
        else:
            found.append(np.asarray(rng.integers(0, 5, x.shape), x.dtype.numpy))
    return found
