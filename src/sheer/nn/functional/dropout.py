"""Dropout: elements or whole channels are zeroed at random, the rest grows to keep the mean.

The mask is a function of a key: the backward pass computes it again, nothing is stored.
"""

from __future__ import annotations

from ... import ops
from ...graph.errors import ArgumentError, ShapeError
from ...graph.node import Node
from ...mixins.core import apply
from ...ops.structure import constant
from ...tensor import Tensor
from ..draws import Generator, next_key
from ..notes import warn
from .activation import SELU_ALPHA, SELU_SCALE
from .common import need_float, passes_if, shown


def dropout(input: Tensor, p: float = 0.5, training: bool | None = None, inplace: bool = False,
            generator: Generator | None = None) -> Tensor:
    """Each element 0 with probability p, else x / (1 - p); x itself when training is False.

    training=None means True, as in torch, but W206 is given inside a module in eval mode.

    Shape   (*S) -> (*S)
    Raises  E204 for a p outside [0, 1], E202 for integers, E613 for inplace on a leaf that requires
            a gradient
    Source  Srivastava et al. 2014; torch.nn.functional.dropout
    Example
        >>> y = F.dropout(sheer.ones(1000), p=0.2)
        >>> sorted(set(y.tolist()))
        [0.0, 1.25]
    """
    return _dropped("dropout", input, p, training, inplace, generator, None)


def dropout1d(input: Tensor, p: float = 0.5, training: bool | None = None, inplace: bool = False,
              generator: Generator | None = None) -> Tensor:
    """dropout of whole channels.

    Shape   (N, C, L) or (C, L) -> the same
    Raises  as dropout, E203 for other ranks
    Source  Tompson et al. 2015, arXiv:1411.4280; torch.nn.functional.dropout1d
    Example
        >>> F.dropout1d(sheer.ones(1, 100, 6)).sum(-1).unique()      # all of a channel, or none
        tensor([ 0., 12.])
    """
    return _dropped("dropout1d", input, p, training, inplace, generator, 1)


def dropout2d(input: Tensor, p: float = 0.5, training: bool | None = None, inplace: bool = False,
              generator: Generator | None = None) -> Tensor:
    """dropout of whole channels.

    Shape   (N, C, H, W) or (C, H, W) -> the same
    Raises  as dropout, E203 for other ranks
    Source  Tompson et al. 2015, arXiv:1411.4280; torch.nn.functional.dropout2d
    Example
        >>> F.dropout2d(sheer.ones(1, 100, 2, 3)).sum((2, 3)).unique()
        tensor([ 0., 12.])
    """
    return _dropped("dropout2d", input, p, training, inplace, generator, 2)


def dropout3d(input: Tensor, p: float = 0.5, training: bool | None = None, inplace: bool = False,
              generator: Generator | None = None) -> Tensor:
    """dropout of whole channels.

    Shape   (N, C, D, H, W) or (C, D, H, W) -> the same
    Raises  as dropout, E203 for other ranks
    Source  Tompson et al. 2015, arXiv:1411.4280; torch.nn.functional.dropout3d
    Example
        >>> F.dropout3d(sheer.ones(1, 100, 1, 2, 3)).sum((2, 3, 4)).unique()
        tensor([ 0., 12.])
    """
    return _dropped("dropout3d", input, p, training, inplace, generator, 3)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool | None = None,
                  inplace: bool = False,
                  generator: Generator | None = None) -> Tensor:
    """Each element at the lower limit of selu with probability p, scaled to keep mean and variance.

    Shape   (*S) -> (*S)
    Raises  E204 for a p outside [0, 1], E202 for integers, E613 for inplace on a leaf that requires
            a gradient
    Source  Klambauer et al. 2017, arXiv:1706.02515, section 3
    Example
        >>> y = F.alpha_dropout(sheer.randn(10000))
        >>> bool(y.mean().abs() < 0.1), bool((y.var() - 1).abs() < 0.1)
        (True, True)
    """
    return alpha_dropped("alpha_dropout", input, p, training, inplace, generator, input.shape)


def alpha_dropped(op: str, x: Tensor, p: float, training: bool | None, inplace: bool,
                  generator: Generator | None, shape: tuple[int, ...]) -> Tensor:
    """alpha_dropout with one decision for each element of `shape`, which broadcasts to x."""
    if not _active(op, x, p, training) or p == 0:
        return x
    low = -SELU_ALPHA * SELU_SCALE
    a = ((1 - p) * (1 + p * low * low)) ** -0.5 if p < 1 else 0.0
    def run(n: Node, key: Node) -> Node:
        keep = ops.random.bernoulli(key, 1 - p, shape)
        return ops.where(ops.broadcast_to(keep, n.shape), n, low) * a - a * low * p
    y: Tensor = apply(run, x, next_key(generator))
    return shown(x, y) if inplace else y


def _dropped(op: str, x: Tensor, p: float, training: bool | None, inplace: bool,
             generator: Generator | None, axes: int | None) -> Tensor:
    if not _active(op, x, p, training) or p == 0:
        return x
    if axes is not None and x.ndim not in (axes + 1, axes + 2):
        where = ", ".join("DHW"[3 - axes:])
        raise ShapeError("E203", op, f"input has {x.ndim} axes", got={"input": x.node},
                         need=f"(N, C, {where}) or (C, {where})")
    shape = x.shape if axes is None else (*x.shape[:x.ndim - axes], *(1,) * axes)
    scale = 1 / (1 - p) if p < 1 else 0.0
    def run(n: Node, key: Node) -> Node:
        keep = ops.random.bernoulli(key, 1 - p, shape)
        # a factor, as torch has it: through a choice no gradient may pass that another place wants
        return n * ops.where(keep, constant(scale, n.dtype), constant(0, n.dtype))
    y: Tensor = apply(run, x, next_key(generator))
    return shown(x, y) if inplace else y


def check_share(op: str, p: float) -> None:
    """Raise ArgumentError E204 unless p is a probability; 50 was meant as a percentage."""
    if not 0 <= p <= 1:
        raise ArgumentError("E204", op, f"p = {p} is no probability", need="0 <= p <= 1",
                            tries=[(f"p={p / 100:g}", passes_if(1 < p <= 100))])


def _active(op: str, x: Tensor, p: float, training: bool | None) -> bool:
    from ..module import running
    check_share(op, p)
    need_float(op, input=x)
    module = running()
    if training is None and module is not None and not module.training:
        warn("W206", op,
             f"drops although {type(module).__name__} is in eval mode: training was not passed",
             need="training=self.training, or an nn.Dropout layer",
             tries=[("training=self.training", lambda: None)])
    return training is None or training

