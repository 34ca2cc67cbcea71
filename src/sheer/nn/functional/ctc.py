"""ctc_loss: scores per time step and labels without places flow in, their likelihood flows out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import ops
from ...graph.dtypes import int64
from ...graph.errors import ArgumentError, ShapeError
from ...graph.node import Node
from ...mixins.core import apply, as_node, wrap
from ...ops.index.bounds import Word
from ...ops.structure import iota
from ...tensor import Tensor
from ...transforms.loop import scan
from .common import choice, known, need_float

NEVER = -1e30          # the logarithm of nothing; finite, so that differences of two are no NaN


def ctc_loss(log_probs: Tensor, targets: Any, input_lengths: Any, target_lengths: Any,
             blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> Tensor:
    """-log of the probability of all alignments of the labels with the time steps.

    An alignment repeats labels and puts blanks between them. "mean" divides every loss by the
    number of its labels first. The gradient is that of the formula; torch gives the gradient as it
    is after log_softmax, so the two agree at the scores, not at log_probs.

    Shape   log_probs (T, N, C) or (T, C); targets int (N, S), (S,), or all labels in one line;
            lengths (N,) or () -> () or (N,)
    Raises  E203 for shapes and for a blank that is no class, E221 for a label that is none, E204
            for lengths and reductions
    Source  Graves et al. 2006, ICML, equations 6 to 8; torch.nn.functional.ctc_loss
    Example
        >>> even = sheer.full((2, 1, 2), 0.5).log()                  # two steps; blank or label
        >>> loss = F.ctc_loss(even, sheer.tensor([[1]]), sheer.tensor([2]), sheer.tensor([1]))
        >>> (-loss).exp()                                            # 11, 10 and 01, a quarter each
        tensor(0.75)
    """
    need_float("ctc_loss", log_probs=log_probs)
    choice("ctc_loss", "reduction", reduction, ("mean", "sum", "none"))
    single = log_probs.ndim == 2
    scores = log_probs.unsqueeze(1) if single else log_probs
    if scores.ndim != 3 or not 0 <= blank < scores.shape[2]:
        raise ShapeError("E203", "ctc_loss", f"no scores per step of classes with blank {blank}",
                         got={"log_probs": log_probs.node}, need="(T, N, C) with 0 <= blank < C")
    steps, batch, _ = scores.shape
    lasts = _lengths("input_lengths", input_lengths, batch, steps)
    counts = _lengths("target_lengths", target_lengths, batch, None)
    labels = _padded(_ints(targets), counts, batch)                             # (N, S)
    labels = _own(labels, counts, scores.shape[2], blank)
    loss = _forward(scores, labels, lasts, counts, blank)                       # (N,)
    if zero_infinity:
        loss = apply(lambda x: ops.where(ops.isinf(x), 0.0, x), loss)
    if reduction == "mean":
        each: Tensor = apply(lambda x, n: x / ops.cast(ops.clamp(n, 1), x.dtype), loss, counts)
        return each.mean()
    return loss.sum() if reduction == "sum" else loss.squeeze(0) if single else loss


def _forward(scores: Tensor, labels: Tensor, lasts: Tensor, counts: Tensor, blank: int) -> Tensor:
    """The forward variables, one time step after the other (equation 6)."""
    batch, size = labels.shape
    width = 2 * size + 1
    def states(y: Node) -> tuple[Node, Node]:
        """The class of each place, blanks between labels, and where the blank may be passed by."""
        pairs = ops.stack([ops.full_like(y, blank), y], 2)                      # (N, S, 2)
        line = ops.pad(ops.reshape(pairs, (batch, 2 * size)), [(0, 0, 0), (0, 1, 0)], blank)
        before = ops.pad(line, [(0, 0, 0), (2, -2, 0)], blank) if size else line
        return line, ops.logical_and(ops.ne(line, blank), ops.ne(line, before))
    places, jumps = apply(states, labels)
    def start(x: Node, at: Node, n: Node) -> Node:
        first = ops.take_along(ops.reshape(ops.narrow(x, 0, 0, 1), x.shape[1:]), at, 1)
        begins = ops.logical_and(ops.lt(iota(width, int64), 2),
                                 ops.le(iota(width, int64), 2 * ops.expand_dims(n, 1)))
        return ops.where(begins, first, NEVER)
    alpha = apply(start, scores, places, counts)
    def turn(a: Tensor, given: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[()]]:
        x, t = given
        def run(a: Node, x: Node, t: Node, at: Node, jump: Node, last: Node) -> Node:
            one = ops.pad(a, [(0, 0, 0), (1, -1, 0)], NEVER)
            two = ops.where(jump, ops.pad(a, [(0, 0, 0), (2, -2, 0)], NEVER) if size else one,
                            NEVER)
            new = ops.logsumexp(ops.stack([a, one, two], 0), (0,)) + ops.take_along(x, at, 1)
            return ops.where(ops.expand_dims(ops.lt(t, last), 1), new, a)
        return apply(run, a, x, t, places, jumps, lasts), ()
    after = apply(lambda x: ops.narrow(x, 0, 1, x.shape[0] - 1), scores)
    alpha, _ = scan(turn, alpha, (after, wrap(iota(after.shape[0], int64) + 1)))
    def finish(a: Node, n: Node) -> Node:
        ends = ops.ge(iota(width, int64), 2 * ops.expand_dims(n, 1) - 1)
        ends = ops.logical_and(ends, ops.le(iota(width, int64), 2 * ops.expand_dims(n, 1)))
        total = ops.logsumexp(ops.where(ends, a, NEVER), (1,))
        return ops.where(ops.lt(total, NEVER / 2), np.inf, -total)
    result: Tensor = apply(finish, alpha, counts)
    return result


def _ints(value: Any) -> Tensor:
    made = value if isinstance(value, Tensor) else Tensor(as_node(value))
    return made.long()


def _lengths(name: str, value: Any, batch: int, most: int | None) -> Tensor:
    """Lengths as int64 (N,); those known to be impossible are refused."""
    found = _ints(list(value) if isinstance(value, tuple) else value).reshape(-1)
    numbers = known(found)
    wrong = found.shape[0] != batch or (numbers is not None and numbers.size and (
        numbers.min() < 0 or (most is not None and numbers.max() > most)))
    if wrong:
        raise ArgumentError("E204", "ctc_loss", f"{name} does not fit", got={name: found.node},
                            need=f"{batch} whole numbers from 0"
                                 + (f" to {most}" if most is not None else ""))
    return found


def _own(labels: Tensor, counts: Tensor, classes: int, blank: int) -> Tensor:
    """Blanks behind a row's own labels, whatever stands there; labels that are classes, checked."""
    word = Word("ctc_loss", "E221", "label {value} in {row} is none of the {length} classes",
                "0 <= label < {length}", x="", index="targets", more="{most} classes in log_probs")
    def run(y: Node, n: Node) -> Node:
        own = ops.lt(iota(y.shape[1], int64), ops.expand_dims(n, 1))            # (N, S)
        return ops.take(iota(classes, int64), ops.where(own, y, blank), 0, wrap=False, word=word)
    result: Tensor = apply(run, labels, counts)
    return result


def _padded(targets: Tensor, counts: Tensor, batch: int) -> Tensor:
    """Labels as rows (N, S); what lies behind a row's own labels counts nothing."""
    numbers = known(counts)
    if targets.ndim == 2:
        if targets.shape[0] != batch:
            raise ShapeError("E203", "ctc_loss", "every example needs a row of labels",
                             got={"targets": targets.node}, need=f"({batch}, S)")
        if numbers is not None and numbers.max(initial=0) > targets.shape[1]:
            raise ArgumentError("E204", "ctc_loss", "target_lengths does not fit",
                                got={"targets": targets.node, "target_lengths": numbers.tolist()},
                                need=f"whole numbers from 0 to {targets.shape[1]}")
        return targets
    total = targets.shape[0]
    size = total if numbers is None else int(numbers.max(initial=0))
    if numbers is not None and numbers.sum() > total:
        raise ArgumentError("E204", "ctc_loss", f"{total} labels for lengths {numbers.tolist()}",
                            got={"targets": targets.node}, need="target_lengths that add up")
    def rows(y: Node, n: Node) -> Node:
        starts = ops.cumsum(n, 0) - n
        at = ops.expand_dims(starts, 1) + iota(size, int64)
        return ops.take(y, ops.clamp(at, 0, max(total - 1, 0)), 0)
    result: Tensor = apply(rows, targets, counts)
    return result
