"""softmax and its kin: scores flow in, numbers that sum to one (or their logarithms) out."""

from __future__ import annotations

from ... import ops
from ...graph.dtypes import dtype_of
from ...graph.node import Node
from ...mixins.core import apply
from ...ops.structure import stop_gradient
from ...tensor import Tensor
from ..notes import LOG_PROBABILITIES, PROBABILITIES, SCORES, mark, meaning, warn
from .common import axis, need_float


def softmax(input: Tensor, dim: int | None = None, dtype: object = None) -> Tensor:
    """exp(x) over its sum along an axis; finite for scores of any size.

    Shape   (*S) -> (*S)
    Raises  E202 for integers, E110 for a wrong axis, W204 when dim is left out, W205 for a layer
            with a single unit: its softmax is always 1
    Source  torch.nn.functional.softmax
    Example
        >>> F.softmax(sheer.tensor([0.0, 1.0986123]), dim=0)         # scores 0 and log 3
        tensor([0.25, 0.75])
    """
    x, at = _prepared("softmax", input, dim, dtype)
    result: Tensor = apply(lambda n: softmax_node(n, at), x)
    return result


def log_softmax(input: Tensor, dim: int | None = None, dtype: object = None) -> Tensor:
    """log(softmax(x)), without the loss of digits of the two steps.

    Shape   (*S) -> (*S)
    Raises  as softmax
    Source  torch.nn.functional.log_softmax
    Example
        >>> F.log_softmax(sheer.tensor([0.0, 1000.0]), dim=0)
        tensor([-1000.,     0.])
    """
    x, at = _prepared("log_softmax", input, dim, dtype)
    result: Tensor = apply(lambda n: log_softmax_node(n, at), x)
    return result


def softmin(input: Tensor, dim: int | None = None, dtype: object = None) -> Tensor:
    """softmax(-x).

    Shape   (*S) -> (*S)
    Raises  as softmax
    Source  torch.nn.functional.softmin
    Example
        >>> F.softmin(sheer.tensor([0.0, 1.0986123]), dim=0)
        tensor([0.75, 0.25])
    """
    x, at = _prepared("softmin", input, dim, dtype)
    if x.numel() == 0:
        return x.clone()
    result: Tensor = apply(lambda n: softmax_node(-n, at), x)
    return result


def masked_softmax(input: Tensor, mask: Tensor, dim: int = -1) -> Tensor:
    """softmax over the places where the mask holds; 0 elsewhere, and everywhere when none holds.

    Shape   input (*S), mask bool, broadcasts to (*S) -> (*S)
    Raises  E110 for a wrong axis
    Source  definition
    Example
        >>> scores = sheer.tensor([[1.0, 1.0, 9.0], [1.0, 2.0, 3.0]])
        >>> F.masked_softmax(scores, sheer.tensor([[True, True, False], [False, False, False]]))
        tensor([[0.5, 0.5, 0. ],
                [0. , 0. , 0. ]])
    """
    at = axis("masked_softmax", input, dim)
    def run(x: Node, keep: Node) -> Node:
        keep = ops.broadcast_to(keep, x.shape)
        low = ops.where(keep, x,
                        -1e30)              # finite: a row without any place stays a number
        top = stop_gradient(ops.max(low, (at,)))
        e = ops.where(keep, ops.exp(low - ops.restore(top, x.shape, (at,))), 0.0)
        total = ops.sum(e, (at,))
        return e / ops.restore(ops.where(ops.eq(total, 0), 1.0, total), x.shape, (at,))
    result: Tensor = apply(run, input, mask)
    return result


def softmax_node(x: Node, at: int) -> Node:
    """softmax on nodes, marked as probabilities."""
    e = ops.exp(_shifted(x, at))
    total = ops.sum(e, (at,) if x.ndim else ())
    return mark(e / _back(total, x, at), PROBABILITIES)


def log_softmax_node(x: Node, at: int) -> Node:
    """log_softmax on nodes, marked as log-probabilities."""
    shifted = _shifted(x, at)
    total = ops.log(ops.sum(ops.exp(shifted), (at,) if x.ndim else ()))
    return mark(shifted - _back(total, x, at), LOG_PROBABILITIES)


def _shifted(x: Node, at: int) -> Node:
    """x minus its largest element: exp of it cannot overflow."""
    if not x.size:
        return x
    return x - _back(stop_gradient(ops.max(x, (at,) if x.ndim else ())), x, at)


def _back(reduced: Node, x: Node, at: int) -> Node:
    return ops.restore(reduced, x.shape, (at,)) if x.ndim else reduced


def _prepared(op: str, x: Tensor, dim: int | None, dtype: object) -> tuple[Tensor, int]:
    x = x if dtype is None else apply(ops.cast, x, dtype=dtype_of(dtype))
    need_float(op, input=x)
    if dim is None:
        dim = 0 if x.ndim in (0, 1, 3) else 1        # torch's old rule, which it warns of too
        warn("W204", op, f"dim was left out; {dim} is taken", got={"input": x.node}, need="dim=...",
             tries=[(f"dim={x.ndim - 1}", lambda: None)])
    at = axis(op, x, dim)
    if x.ndim and x.shape[at] == 1 and meaning(x.node) == SCORES:
        warn("W205", op, "one unit alone: the result is a constant, whatever the layer computes",
             got={"input": x.node}, need="two or more units, or sigmoid for a single one",
             tries=[("sigmoid(input)", lambda: None)])
    return x, at
