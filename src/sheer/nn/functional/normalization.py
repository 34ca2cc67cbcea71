"""Normalisations: each subtracts a mean and divides by a deviation, over axes of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ... import ops
from ...graph.errors import ArgumentError, ShapeError
from ...graph.node import Node
from ...mixins.core import Core, apply
from ...ops.structure import stop_gradient
from ...tensor import Tensor
from .common import axis, need_float, passes_if, same_dtype


def batch_norm(input: Tensor, running_mean: Tensor | None, running_var: Tensor | None,
               weight: Tensor | None = None, bias: Tensor | None = None, training: bool = False,
               momentum: float | Tensor = 0.1, eps: float = 1e-5) -> Tensor:
    """Every channel (axis 1) minus its mean over its deviation: of the batch, or the running ones.

    In training the running statistics move by `momentum` towards those of the batch, in place,
    the variance with n - 1 in the denominator.

    Shape   input (N, C, *S), the others (C,) -> (N, C, *S)
    Raises  E220 when a channel has a single value in training, E204 without running statistics
            outside it or for eps, E203 for channels, E202 for dtypes
    Source  Ioffe and Szegedy 2015, arXiv:1502.03167; torch.nn.functional.batch_norm
    Example
        >>> x = sheer.tensor([[1.0], [3.0]])
        >>> F.batch_norm(x, sheer.tensor([2.0]), sheer.tensor([4.0]))        # (x - 2) / 2
        tensor([[-0.5],
                [ 0.5]])
    """
    check_eps("batch_norm", eps)
    check_channels("batch_norm", input, running_mean, weight)
    if not training and (running_mean is None or running_var is None):
        raise ArgumentError("E204", "batch_norm", "there are no running statistics to use",
                            need="training=True, or running_mean and running_var")
    if training:
        check_values_per_channel("batch_norm", input)
        y, mean, var = batch_statistics(input, weight, bias, eps)
        if running_mean is not None and running_var is not None:
            follow(running_mean, mean, momentum)
            follow(running_var, var, momentum, input.node.size // input.shape[1])
        return y
    def run(x: Node, mean: Node, var: Node, *affine: Node) -> Node:
        line = (1, -1, *(1,) * (x.ndim - 2))
        scale = ops.rsqrt(var + eps)
        y = ops.sub(x,
                    ops.reshape(mean, line)) * ops.broadcast_to(ops.reshape(scale, line), x.shape)
        return _affine(y, affine, weight, bias, line)
    result: Tensor = apply(run, input, running_mean, running_var,
                           *_given(weight, bias))
    return result


def batch_statistics(input: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float,
                     ) -> tuple[Tensor, Tensor, Tensor]:
    """(normalised input, mean, variance over n) of the batch, the last two (C,)."""
    def run(x: Node, *affine: Node) -> tuple[Node, Node, Node]:
        axes = (0, *range(2, x.ndim))
        y, mean, var = standardised(x, axes, eps)
        return _affine(y, affine, weight, bias, (1, -1, *(1,) * (x.ndim - 2))), mean, var
    y, mean, var = apply(run, input, *_given(weight, bias))
    return y, mean, var


def follow(handle: Tensor, target: Tensor, momentum: float | Tensor, count: int = 0) -> None:
    """handle = (1 - momentum) handle + momentum target, in place and without a gradient.

    count makes a variance over n = count one over n - 1.
    """
    step = momentum.node if isinstance(momentum, Core) else momentum
    goal = stop_gradient(target.node) * (count / max(count - 1, 1) if count else 1.0)
    handle._rebind(handle.node * (1 - step) + goal * step)


def layer_norm(input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None,
               bias: Tensor | None = None, eps: float = 1e-5) -> Tensor:
    """Every example minus its mean over its deviation, along the last axes.

    Shape   input (*B, *normalized_shape), weight and bias (*normalized_shape) -> the same
    Raises  E201 when the last axes have another shape, E202 for dtypes
    Source  Ba et al. 2016, arXiv:1607.06450; torch.nn.functional.layer_norm
    Example
        >>> F.layer_norm(sheer.tensor([[1.0, 3.0], [10.0, 30.0]]), (2,))
        tensor([[-1.,  1.],
                [-1.,  1.]])
    """
    axes = _last_axes("layer_norm", input, normalized_shape, weight)
    def run(x: Node, *affine: Node) -> Node:
        return _affine(standardised(x, axes, eps)[0], affine, weight, bias, None)
    result: Tensor = apply(run, input, *_given(weight, bias))
    return result


def rms_norm(input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None,
             eps: float | None = None) -> Tensor:
    """Every example over the root of its mean square, along the last axes.

    Shape   input (*B, *normalized_shape), weight (*normalized_shape) -> the same
    Raises  E201 when the last axes have another shape, E202 for dtypes
    Source  Zhang and Sennrich 2019, arXiv:1910.07467; torch.nn.functional.rms_norm
    Example
        >>> F.rms_norm(sheer.tensor([[3.0, 3.0, 3.0, 3.0]]), (4,))
        tensor([[1., 1., 1., 1.]])
    """
    axes = _last_axes("rms_norm", input, normalized_shape, weight)
    small = float(np.finfo(input.dtype.numpy).eps) if eps is None else eps
    def run(x: Node, *affine: Node) -> Node:
        scale = ops.rsqrt(ops.mean(x * x, axes) + small)
        return _affine(x * ops.restore(scale, x.shape, axes), affine, weight, None, None)
    result: Tensor = apply(run, input, *_given(weight, None))
    return result


def group_norm(input: Tensor, num_groups: int, weight: Tensor | None = None,
               bias: Tensor | None = None,
               eps: float = 1e-5) -> Tensor:
    """Every group of channels of every example minus its mean over its deviation.

    Shape   input (N, C, *S), weight and bias (C,) -> (N, C, *S)
    Raises  E203 when the channels do not divide into the groups, E202 for dtypes
    Source  Wu and He 2018, arXiv:1803.08494; torch.nn.functional.group_norm
    Example
        >>> F.group_norm(sheer.tensor([[1.0, 3.0, 10.0, 30.0]]), 2)
        tensor([[-1.,  1., -1.,  1.]])
    """
    check_channels("group_norm", input, None, weight)
    channels = input.shape[1]
    if num_groups < 1 or channels % num_groups:
        raise ShapeError("E203", "group_norm",
                         f"{channels} channels do not divide into {num_groups} groups",
                         got={"input": input.node},
                         need="a number of groups that divides the channels")
    def run(x: Node, *affine: Node) -> Node:
        n, c, *rest = x.shape
        groups = ops.reshape(x, (n, num_groups, c // num_groups, *rest))
        y, _, _ = standardised(groups, tuple(range(2, groups.ndim)), eps)
        return _affine(ops.reshape(y, x.shape), affine, weight, bias, (1, -1, *(1,) * len(rest)))
    result: Tensor = apply(run, input, *_given(weight, bias))
    return result


def instance_norm(input: Tensor, running_mean: Tensor | None = None,
                  running_var: Tensor | None = None,
                  weight: Tensor | None = None, bias: Tensor | None = None,
                  use_input_stats: bool = True,
                  momentum: float = 0.1, eps: float = 1e-5) -> Tensor:
    """Every channel of every example minus its mean over its deviation.

    Shape   input (N, C, *S), the others (C,) -> (N, C, *S)
    Raises  E220 when a channel has a single value, E203 for channels, E202 for dtypes, E204 for eps
    Source  Ulyanov et al. 2016, arXiv:1607.08022; torch.nn.functional.instance_norm
    Example
        >>> F.instance_norm(sheer.tensor([[[1.0, 3.0], [10.0, 30.0]]]))
        tensor([[[-1.,  1.],
                 [-1.,  1.]]])
    """
    check_eps("instance_norm", eps)
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    check_channels("instance_norm", input, running_mean, weight)
    check_values_per_channel("instance_norm", input, 2, running_mean is not None)
    def run(x: Node, *affine: Node) -> tuple[Node, Node, Node]:
        axes = tuple(range(2, x.ndim))
        y, mean, var = standardised(x, axes, eps)
        out = _affine(y, affine, weight, bias, (1, -1, *(1,) * len(axes)))
        return out, ops.mean(mean, (0,)), ops.mean(var, (0,))
    y: Tensor
    y, mean, var = apply(run, input, *_given(weight, bias))
    if running_mean is not None and running_var is not None:
        follow(running_mean, mean, momentum)
        follow(running_var, var, momentum,
               input.node.size // max(input.shape[0] * input.shape[1], 1))
    return y


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75,
                        k: float = 1.0,
                        ) -> Tensor:
    """x over (k + alpha times the mean square of `size` neighbouring channels) to the power beta.

    Shape   (N, C, *S) -> (N, C, *S)
    Raises  E204 for a size below 1, E202 for integers, E110 for fewer than two axes
    Source  Krizhevsky et al. 2012, section 3.3; torch.nn.functional.local_response_norm
    Example
        >>> F.local_response_norm(sheer.tensor([[[1.0], [2.0]]]), size=2, alpha=2.0, beta=1.0)
        tensor([[[0.5   ],
                 [0.3333]]])
    """
    need_float("local_response_norm", input=input)
    at = axis("local_response_norm", input, 1)
    if size < 1:
        raise ArgumentError("E204", "local_response_norm", f"size = {size}",
                            need="at least one channel")
    def run(x: Node) -> Node:
        widths = [(0, 0, 0)] * x.ndim
        widths[at] = (size // 2, (size - 1) // 2, 0)
        squares = ops.pad(x * x, widths)
        total = ops.narrow(squares, at, 0, x.shape[at])
        for i in range(1, size):
            total = total + ops.narrow(squares, at, i, x.shape[at])
        return x / ops.pow(total * (alpha / size) + k, beta)
    result: Tensor = apply(run, input)
    return result


def standardised(x: Node, axes: tuple[int, ...], eps: float) -> tuple[Node, Node, Node]:
    """((x - mean) / sqrt(var + eps), mean, var) along the axes; var over n, in two passes."""
    mean, var = ops.mean(x, axes), ops.var(x, axes, 0)
    centred = x - ops.restore(mean, x.shape, axes)
    return centred * ops.restore(ops.rsqrt(var + eps), x.shape, axes), mean, var


def check_eps(op: str, eps: float) -> None:
    """Raise ArgumentError E204 for an eps below 0, which torch takes in other normalisations."""
    if eps < 0:
        raise ArgumentError("E204", op, f"eps={eps}", need="eps >= 0")


def check_values_per_channel(op: str, input: Tensor, skip: int = 1,
                             running: bool = True) -> None:
    """Raise ShapeError E220 when a mean would be taken over one value: the result would be 0.

    running: eval mode would use running statistics
    """
    shape = input.shape
    count = input.node.size // max(shape[1] * (shape[0] if skip == 2 else 1), 1)
    if count == 1:
        raise ShapeError("E220", op,
                         "one value per channel: minus its mean it is 0, whatever it was",
                         got={"input": input.node},
                         need=("a larger image" if skip == 2 else "a larger batch or image")
                         + ", or eval mode" * running,
                         tries=[("model.eval()", passes_if(running)),
                                ("DataLoader(..., drop_last=True) against a last batch of one",
                                 passes_if(skip == 1))])


def _affine(y: Node, affine: Sequence[Node], weight: object, bias: object,
            line: Sequence[int] | None) -> Node:
    """y * weight + bias, for those of the two that there are."""
    rest = list(affine)
    placed = (lambda p: p) if line is None else (lambda p: ops.reshape(p, line))
    if weight is not None:
        y = ops.mul(y, placed(rest.pop(0)))
    return ops.add(y, placed(rest.pop(0))) if bias is not None else y


def _given(*tensors: Tensor | None) -> list[Tensor]:
    return [t for t in tensors if t is not None]


def check_channels(op: str, input: Tensor, running: Tensor | None, weight: Tensor | None) -> None:
    need_float(op, input=input)
    if input.ndim < 2:
        raise ShapeError("E203", op, f"input has {input.ndim} axes", got={"input": input.node},
                         need="(N, C, *S)")
    for name, t in (("running_mean", running), ("weight", weight)):
        if t is not None:
            same_dtype(op, input, t)
            if t.shape != input.shape[1:2]:
                last = input.shape[-1:] == t.shape
                raise ShapeError("E203", op,
                                 f"input has {input.shape[1]} channels, {name} is for {t.shape[0]}",
                                 got={"input": input.node, name: t.node},
                                 need=f"(N, {t.shape[0]}, *S)",
                                 tries=[("input.movedim(-1, 1): channels come second",
                                         passes_if(last))])


def _last_axes(op: str, input: Tensor, shape: Sequence[int],
               weight: Tensor | None) -> tuple[int, ...]:
    """The axes to normalise over; E201 unless the input ends with `shape`."""
    need_float(op, input=input)
    if weight is not None:
        same_dtype(op, input, weight)
    wanted = tuple(shape)
    if not wanted or input.shape[-len(wanted):] != wanted:
        raise ShapeError("E201", op,
                         f"expected last axes {wanted}, got {input.shape[-len(wanted):]}",
                         got={"input": input.node},
                         need=f"input (*B, {', '.join(map(str, wanted))})")
    return tuple(range(input.ndim - len(wanted), input.ndim))
