"""Fusing batch norm: its scale and shift in eval mode flow into the weights of the layer before."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from ...graph.errors import StateError
from ...mixins.core import no_grad
from ...tensor import Tensor
from ..module import Module
from ..parameter import Parameter

Pair = tuple[Parameter, Parameter]


def fuse_conv_bn_eval(conv: Any, bn: Any, transpose: bool = False) -> Module:
    """One convolution that computes what the two layers compute in eval mode.

    transpose  for transposed convolutions, whose outputs are the second axis of the weight
    Raises  E253 when a layer is in training mode, or nothing is tracked
    Source  torch.nn.utils.fuse_conv_bn_eval
    """
    return _fused(conv, bn, 1 if transpose else 0)


def fuse_linear_bn_eval(linear: Any, bn: Any) -> Module:
    """One linear layer that computes what the two layers compute in eval mode.

    Raises  E253 when a layer is in training mode, or nothing is tracked
    Source  torch.nn.utils.fuse_linear_bn_eval
    """
    return _fused(linear, bn, 0)


def fuse_conv_bn_weights(conv_w: Tensor, conv_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor,
                         bn_eps: float, bn_w: Tensor | None, bn_b: Tensor | None,
                         transpose: bool = False) -> Pair:
    """Weight and bias of the one layer, from those of both."""
    return _weights(conv_w, conv_b, (bn_rm, bn_rv, bn_eps, bn_w, bn_b), 1 if transpose else 0)


def fuse_linear_bn_weights(linear_w: Tensor, linear_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor,
                           bn_eps: float, bn_w: Tensor, bn_b: Tensor) -> Pair:
    """Weight and bias of the one layer, from those of both."""
    return _weights(linear_w, linear_b, (bn_rm, bn_rv, bn_eps, bn_w, bn_b), 0)


def _fused(layer: Any, bn: Any, axis: int) -> Module:
    if layer.training or bn.training or bn.running_mean is None:
        raise StateError("E253", "fuse", "batch norm is a fixed scale in eval mode alone",
                         got={"layer.training": layer.training, "bn.training": bn.training},
                         need="both in eval mode, with running statistics",
                         tries=[("model.eval()", lambda: None)])
    made: Module = deepcopy(layer)
    made.weight, bias = _weights(layer.weight, layer.bias, (
        bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias), axis)
    made.register_parameter("bias", bias)
    return made


def _weights(weight: Tensor, bias: Tensor | None, bn: tuple[Any, ...], axis: int) -> Pair:
    mean, var, eps, gain, shift = bn
    with no_grad():
        scale = (var + eps).rsqrt()
        scale = scale if gain is None else scale * gain
        line = [1] * weight.ndim
        line[axis] = -1
        moved = -mean * scale if bias is None else (bias - mean) * scale
        moved = moved if shift is None else moved + shift
        wants = weight.requires_grad
        return (Parameter(weight.detach() * scale.reshape(line), wants),
                Parameter(moved.detach(), wants))
