"""Units and zeros: a model and rows flow in; units that never speak, shares of 0 come out."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import numpy as np

from .. import nn
from ..mixins.core import no_grad
from ..train.session import modes_kept

ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.CELU, nn.GELU, nn.SELU, nn.SiLU, nn.Sigmoid,
               nn.Tanh, nn.Softplus, nn.Hardtanh, nn.Hardswish, nn.Hardsigmoid, nn.Step, nn.PReLU,
               nn.Swish, nn.Mish, nn.Maxout, nn.Sine, nn.Cosine, nn.Activation)


def activations(model: Any, x: Any) -> dict[str, np.ndarray]:
    """What every activation layer of the model gives for these rows, by the layer's name.

    In evaluation mode. A layer that runs several times shows its last result.
    """
    seen: dict[str, Any] = {}
    keep = lambda name: lambda module, args, result: seen.__setitem__(name, result.detach())
    with ExitStack() as stack, no_grad(), modes_kept(model):
        for name, module in model.named_modules():
            if isinstance(module, ACTIVATIONS):
                stack.enter_context(module.register_forward_hook(keep(name)))
        model.eval()
        model(x)
    return {name: result.numpy() for name, result in seen.items()}


def dead_units(model: Any, x: Any) -> dict[str, np.ndarray]:
    """For every activation layer, which units give one and the same value for all of these rows.

    A ReLU whose input is never positive is dead: no row moves its weights again.

    Shape   bool (units,) each: axis 1 of what the layer gives, (N, units, *S)
    """
    return {name: _constant(a) for name, a in activations(model, x).items()}


def _constant(a: np.ndarray) -> np.ndarray:
    """Is each unit (axis 1) the same over rows and places?"""
    flat = np.moveaxis(a, 1, 0).reshape(a.shape[1], -1) if a.ndim > 1 else a[None]
    found: np.ndarray = flat.max(1) == flat.min(1)
    return found


def sparsity(model: Any, x: Any = None, threshold: float = 0.0) -> dict[str, float]:
    """The share of numbers no larger than the threshold: of every weight, of every activation.

    Weights go by their name ("0.weight"), activations (given rows x) by that of their layer ("1").
    """
    share = lambda a: float((np.abs(a) <= threshold).mean())
    found = {name: share(p.detach().numpy()) for name, p in model.named_parameters()}
    if x is not None:
        found |= {name: share(a) for name, a in activations(model, x).items()}
    return found
