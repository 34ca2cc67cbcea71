"""Parity with PyTorch over 20 steps: every layer and optimizer of the recipes, each with each.

The same weights, the same batches; after 20 updates the losses and all the weights must agree: to
1e-10 in float64, which shows that the mathematics is the same, and to 1e-5 in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import sheer
from sheer import nn, optim

torch = pytest.importorskip("torch")

STEPS, ROWS = 20, 8

# A bias in front of a batch normalisation has the gradient 0; its rounding errors, which adaptive
# optimizers blow up to full steps, are nobody's to agree on. So those layers have none.
# name -> (shape of a row, classes, layers given the nn namespace)
NETS: dict[str, tuple[tuple[int, ...], Callable[[Any], list[Any]]]] = {
    "linear-relu": ((6,), lambda n: [n.Linear(6, 9), n.ReLU(), n.Linear(9, 4)]),
    "linear-tanh": ((6,), lambda n: [n.Linear(6, 9), n.Tanh(), n.Linear(9, 4)]),
    "batchnorm1d": ((6,), lambda n: [n.Linear(6, 9, bias=False), n.BatchNorm1d(9), n.ReLU(),
                                     n.Linear(9, 4)]),
    "layernorm-gelu": ((6,), lambda n: [n.Linear(6, 9), n.LayerNorm(9), n.GELU(), n.Linear(9, 4)]),
    "conv2d-maxpool": ((2, 6, 6), lambda n: [n.Conv2d(2, 3, 3, padding=1), n.ReLU(), n.MaxPool2d(2),
                                             n.Flatten(), n.Linear(27, 4)]),
    "conv2d-batchnorm-avgpool": ((2, 6, 6), lambda n: [
        n.Conv2d(2, 4, 3, stride=2, bias=False), n.BatchNorm2d(4), n.ReLU(), n.AvgPool2d(2),
        n.Flatten(), n.Linear(4, 4)]),
    "conv1d-adaptive": ((2, 9), lambda n: [n.Conv1d(2, 4, 3), n.SiLU(), n.AdaptiveAvgPool1d(1),
                                           n.Flatten(), n.Linear(4, 4)]),
}

OPTIMIZERS: dict[str, Callable[[Any, Any], Any]] = {
    "sgd": lambda o, p: o.SGD(p, lr=0.05),
    "sgd-momentum": lambda o, p: o.SGD(p, lr=0.02, momentum=0.9, weight_decay=1e-3),
    "sgd-nesterov": lambda o, p: o.SGD(p, lr=0.02, momentum=0.9, nesterov=True),
    # eps: without it a gradient that is nothing but rounding error becomes a full step
    "rmsprop": lambda o, p: o.RMSprop(p, lr=1e-3, eps=1e-2),
    "adam": lambda o, p: o.Adam(p, lr=1e-3),
    "adamw": lambda o, p: o.AdamW(p, lr=1e-3, weight_decay=0.02),
    "adagrad": lambda o, p: o.Adagrad(p, lr=0.02),
    "adadelta": lambda o, p: o.Adadelta(p, lr=0.5),
}


def batches(shape: tuple[int, ...], dtype: str) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(STEPS, ROWS, *shape)).astype(dtype)
    return x, rng.integers(0, 4, (STEPS, ROWS))


def in_torch(net: str, optimizer: str,
             dtype: str) -> tuple[Any, list[float], dict[str, np.ndarray]]:
    """(initial weights, losses, final weights) of PyTorch."""
    torch.manual_seed(0)
    shape, layers = NETS[net]
    model = torch.nn.Sequential(*layers(torch.nn)).to(getattr(torch, dtype))
    start = {k: v.numpy().copy() for k, v in model.state_dict().items()}
    steps = OPTIMIZERS[optimizer](torch.optim, model.parameters())
    losses = []
    for x, y in zip(*batches(shape, dtype), strict=True):
        steps.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(torch.tensor(x)), torch.tensor(y))
        loss.backward()
        steps.step()
        losses.append(loss.item())
    return start, losses, {k: v.numpy() for k, v in model.state_dict().items()}


def in_sheer(net: str, optimizer: str, dtype: str, start: Any,
             compiled: bool) -> tuple[list[float], Any]:
    """(losses, final weights) of sheer, step by step or as one compiled step."""
    shape, layers = NETS[net]
    model = nn.Sequential(*layers(nn)).to(getattr(sheer, dtype))
    model.load_state_dict({k: sheer.tensor(v, dtype=v.dtype.name) for k, v in start.items()})
    steps = OPTIMIZERS[optimizer](optim, model.parameters())
    def step(x: Any, y: Any) -> Any:
        steps.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        steps.step()
        return loss
    run = sheer.jit(step) if compiled else step
    losses = [run(sheer.tensor(x, dtype=dtype), sheer.tensor(y)).item()
              for x, y in zip(*batches(shape, dtype), strict=True)]
    return losses, {k: v.numpy() for k, v in model.state_dict().items()}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("net", NETS)
def test_twenty_compiled_steps_equal_pytorch(net, optimizer, dtype):
    compare(net, optimizer, dtype, compiled=True)


@pytest.mark.parametrize("net", NETS)
def test_twenty_eager_steps_equal_pytorch(net):
    compare(net, "adam", "float64", compiled=False)


def compare(net: str, optimizer: str, dtype: str, compiled: bool) -> None:
    start, losses, final = in_torch(net, optimizer, dtype)
    ours, weights = in_sheer(net, optimizer, dtype, start, compiled)
    rtol = 1e-10 if dtype == "float64" else 1e-5
    np.testing.assert_allclose(ours, losses, rtol=rtol)
    assert list(weights) == list(final)
    for name, value in final.items():
        atol = rtol * float(np.abs(value).max() if value.size else 1.0)
        np.testing.assert_allclose(weights[name], value, rtol=rtol, atol=atol, err_msg=name)
