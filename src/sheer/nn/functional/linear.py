"""Weighted sums and look-ups: linear, bilinear, embedding, one_hot."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import ops
from ...graph.dtypes import int64
from ...graph.errors import ArgumentError, BoundsError, DTypeError, MissingError, ShapeError
from ...graph.node import Node
from ...mixins.core import apply, as_node
from ...ops.index.bounds import Word
from ...ops.structure import stop_gradient
from ...tensor import Tensor
from ..notes import SCORES, mark
from .common import first_fitting, known, passes_if, same_dtype

_ROWS = Word("embedding", "E212", "index {value}{where} is outside a table of {length} rows",
             "0 <= index < {length}", x="weight", index="input", more="num_embeddings={most}")


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y = x @ weight.T + bias on the last axis.

    Shape   input (*B, d_in), weight (d_out, d_in) or (d_in,), bias (d_out,) -> (*B, d_out)
    Raises  E201 for another width, E202 for integers and for another dtype than the weight's, E102
            for a bias that does not fit
    Source  torch.nn.functional.linear
    Example
        >>> weight, bias = sheer.tensor([[1.0, 2.0]]), sheer.tensor([0.5])
        >>> F.linear(sheer.tensor([[3.0, 4.0]]), weight, bias)
        tensor([[11.5]])
    """
    same_dtype("linear", input, weight)
    check_width("linear", input, weight)
    def run(x: Node, w: Node, *b: Node) -> Node:
        y = ops.matmul(x, w if w.ndim == 1 else ops.permute(w, (1, 0)))
        return mark(ops.add(y, b[0]) if b else y, SCORES)
    result: Tensor = apply(run, input, weight, *([] if bias is None else [bias]))
    return result


def check_width(op: str, input: Any, weight: Any, setting: str = "in_features") -> None:
    """Raise ShapeError E201 unless the last axis of the input is as long as the weight's.

    setting is the argument of the layer that says how long.
    """
    x, wanted = input.node, weight.node.shape[-1]
    if x.ndim and x.shape[-1] == wanted:
        return
    tries = first_fitting(
        ("input.flatten(1), say by nn.Flatten() before the layer",
         x.ndim > 2 and math.prod(x.shape[1:]) == wanted),
        ("input.mT", x.ndim > 1 and x.shape[-2] == wanted), ("input.unsqueeze(-1)", wanted == 1),
        (f"{setting}={x.shape[-1] if x.ndim else 1}", x.ndim > 0))
    raise ShapeError("E201", op, f"expected {wanted} features on the last axis, got "
                     f"{x.shape[-1] if x.ndim else 'a number without axes'}",
                     got={"input": x, "weight": weight.node}, need=f"input (*B, {wanted})",
                     tries=tries)


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y[k] = x1 @ weight[k] @ x2 + bias[k].

    Shape   input1 (*B, m), input2 (*B, n), weight (K, m, n), bias (K,) -> (*B, K)
    Raises  E201 for another width, E202 for dtypes, E102 when the batch axes do not broadcast
    Source  torch.nn.functional.bilinear
    Example
        >>> x1, x2 = sheer.tensor([[1.0, 2.0]]), sheer.tensor([[3.0, 4.0]])
        >>> F.bilinear(x1, x2, sheer.eye(2).unsqueeze(0))            # 1 * 3 + 2 * 4
        tensor([[11.]])
    """
    for x, at in ((input1, 1), (input2, 2)):
        same_dtype("bilinear", x, weight)
        if x.shape[-1:] != weight.shape[at:at + 1]:
            raise ShapeError("E201", "bilinear",
                             f"expected {weight.shape[at]} features in input{at}",
                             got={f"input{at}": x.node, "weight": weight.node},
                             need="(*B, m), (*B, n), (K, m, n)")
    def run(a: Node, b: Node, w: Node, *bias: Node) -> Node:
        k, m, n = w.shape
        left = ops.matmul(a, ops.reshape(ops.permute(w, (1, 0, 2)), (m, k * n)))       # (*B, K n)
        left = ops.reshape(left, (*a.shape[:-1], k, n))                                # (*B, K, n)
        y = ops.sum(ops.mul(left, ops.expand_dims(b, b.ndim - 1)), (a.ndim,))          # (*B, K)
        return mark(ops.add(y, bias[0]) if bias else y, SCORES)
    result: Tensor = apply(run, input1, input2, weight, *([] if bias is None else [bias]))
    return result


def embedding(input: Any, weight: Tensor, padding_idx: int | None = None,
              max_norm: float | None = None,
              norm_type: float = 2.0, scale_grad_by_freq: bool = False,
              sparse: bool = False) -> Tensor:
    """Rows of a table, in the order and shape of the indices; the padding row gets no gradient.

    Shape   input int (*I), weight (n, d) -> (*I, d)
    Raises  E202 for indices that are no integers, E212 for an index outside the table (where it is
            known; else E130 when it runs) and for such a padding_idx, E211 for max_norm,
            scale_grad_by_freq and sparse
    Source  torch.nn.functional.embedding
    Example
        >>> table = sheer.tensor([[0.0, 0.0], [1.0, 10.0], [2.0, 20.0]])
        >>> F.embedding(sheer.tensor([2, 1]), table)
        tensor([[ 2., 20.],
                [ 1., 10.]])
    """
    if max_norm is not None or scale_grad_by_freq or sparse:
        raise MissingError("E211", "embedding",
                           "max_norm, scale_grad_by_freq and sparse gradients are left out",
                           need="their defaults",
                           tries=[("renormalise weight before the call", lambda: None)])
    input = input if isinstance(input, Tensor) else Tensor(as_node(input))
    rows = weight.shape[0]
    check_index(input, weight)
    if padding_idx is not None and not -rows <= padding_idx < rows:
        raise BoundsError("E212", "embedding",
                          f"padding_idx {padding_idx} is outside a table of {rows} rows",
                          got={"weight": weight.node}, need=f"-{rows} <= padding_idx < {rows}")
    def run(index: Node, table: Node) -> Node:
        found = ops.take(table, index, 0, wrap=False, word=_ROWS)                      # (*I, d)
        if padding_idx is None:
            return found
        padded = ops.expand_dims(ops.eq(index, padding_idx % rows), index.ndim)
        return ops.where(padded, stop_gradient(found), found)
    result: Tensor = apply(run, input, weight)
    return result


def check_index(input: Tensor, weight: Tensor) -> None:
    """Raise E212 for an index known to be outside the table, E202 for floats."""
    if not input.dtype.is_integer:
        raise DTypeError("E202", "embedding", f"indices are {input.dtype.name}",
                         got={"input": input.node},
                         need="integers", tries=[("input.long()", lambda: None)])
    values, rows = known(input), weight.shape[0]
    if values is None or values.size == 0 or (values.min() >= 0 and values.max() < rows):
        return
    bad = (values < 0) | (values >= rows)
    place = tuple(int(i) for i in np.argwhere(bad)[0])
    raise BoundsError("E212", "embedding",
                      f"index {int(values[place])} at position {place} is outside a "
                      f"table of {rows} rows", got={"input": input.node, "weight": weight.node},
                      need=f"0 <= index < {rows}",
                      tries=[(f"num_embeddings={int(values.max()) + 1}",
                              passes_if(values.min() >= 0))])


def one_hot(input: Any, num_classes: int = -1) -> Tensor:
    """1 at the place of each label, 0 elsewhere; -1 classes: the largest label plus one.

    Shape   input int (*I) -> int64 (*I, K)
    Raises  E130 for a label out of range, E134 for labels that are no integers, E204 for a number
            of classes below -1
    Source  torch.nn.functional.one_hot
    Example
        >>> F.one_hot(sheer.tensor([2, 0])).tolist()
        [[0, 0, 1], [1, 0, 0]]
    """
    labels = input if isinstance(input, Tensor) else Tensor(as_node(input))
    if num_classes < -1:
        raise ArgumentError("E204", "one_hot", f"num_classes={num_classes}",
                            need="a number of classes, or -1 to count them")
    if num_classes == -1:
        num_classes = int(labels.numpy().max(initial=-1)) + 1
    result: Tensor = apply(ops.one_hot, labels, num_classes=num_classes, dtype=int64)
    return result
