"""What the tests of the optim room share: one small problem, solved by torch and by sheer."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import sheer
from sheer import optim

SHAPES = ((3, 4), (4,), ())

# Each optimizer with each option that changes its formula.
CASES = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.1, "maximize": True}),
    ("SGD", {"lr": 0.05, "momentum": 0.9}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.05, "momentum": 0.8, "nesterov": True}),
    ("RMSprop", {"lr": 0.01}),
    ("RMSprop", {"lr": 0.01, "alpha": 0.9, "weight_decay": 0.1, "eps": 1e-3}),
    ("RMSprop", {"lr": 0.01, "centered": True, "momentum": 0.7}),
    ("Adam", {"lr": 0.02}),
    ("Adam", {"lr": 0.02, "betas": (0.7, 0.95), "weight_decay": 0.1, "amsgrad": True}),
    ("Adam", {"lr": 0.02, "maximize": True, "decoupled_weight_decay": True, "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.02}),
    ("AdamW", {"lr": 0.02, "weight_decay": 0.3, "amsgrad": True}),
    ("NAdam", {"lr": 0.02}),
    ("NAdam", {"lr": 0.02, "weight_decay": 0.1, "momentum_decay": 0.05}),
    ("NAdam", {"lr": 0.02, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {"lr": 0.02}),
    ("RAdam", {"lr": 0.02, "betas": (0.8, 0.9), "weight_decay": 0.1}),
    ("RAdam", {"lr": 0.02, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("Adamax", {"lr": 0.02, "weight_decay": 0.1}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1,
                 "initial_accumulator_value": 0.2}),
    ("Adadelta", {"lr": 1.0, "weight_decay": 0.01}),
    ("Adadelta", {"lr": 0.5, "rho": 0.8, "eps": 1e-4, "maximize": True}),
    ("ASGD", {"lr": 0.1, "lambd": 0.01, "t0": 4}),
    ("ASGD", {"lr": 0.1, "weight_decay": 0.1, "maximize": True}),
    ("Adafactor", {"lr": 0.3}),
    ("Adafactor", {"lr": 0.01, "beta2_decay": -0.5, "eps": (1e-6, 1e-2), "d": 1.5,
                   "weight_decay": 0.1}),
    ("Rprop", {"lr": 0.01}),
    ("Rprop", {"lr": 0.02, "etas": (0.6, 1.1), "step_sizes": (1e-4, 0.05)}),
]
NAMES = [f"{name}-{'-'.join(k for k in options if k != 'lr')}" for name, options in CASES]

# The row of the table of systems that a case shows.
ADAPTIVE = "Adaptive learning-rate methods (AdaGrad, Adadelta family)"
ROWS = {"RMSprop": "RMSProp", "Adam": "Adam",
        "AdamW": "AdamW (needed to show weight decay vs L2)",
        **dict.fromkeys(("Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam"), ADAPTIVE)}


def systems(name, options):
    """The mark of a case."""
    row = "Momentum (and Nesterov)" if name == "SGD" and "momentum" in options else ROWS.get(name)
    return [pytest.mark.system(row)] if row else []


def start(dtype, seed=0):
    """The first weights, as arrays."""
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.normal(size=s), dtype) for s in SHAPES]


def batches(steps, dtype, seed=1):
    """x (steps, 6, 3) and y (steps, 6, 4)."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(steps, 6, 3)), rng.normal(size=(steps, 6, 4))
    return x.astype(dtype), y.astype(dtype)


def loss_of(params, x, y, goal=1):
    """The same expression for tensors of both libraries; goal -1 has a maximum, for maximize."""
    w, b, scale = params
    error = (x @ w + b).tanh() * scale - y
    return (error * error).mean() * goal


def ours(arrays):
    """Leaf tensors of sheer."""
    return [sheer.tensor(a, dtype=a.dtype.name, requires_grad=True) for a in arrays]


def theirs(arrays):
    """Leaf tensors of torch."""
    return [torch.tensor(a, requires_grad=True) for a in arrays]


def constant(array):
    """A tensor of sheer without gradient."""
    return sheer.tensor(array, dtype=array.dtype.name)


def goal_of(optimizer):
    """-1 for an optimizer that climbs."""
    return -1 if optimizer.param_groups[0].get("maximize") else 1


def train(optimizer, params, x, y, make=torch.tensor):
    """One step per batch, as anybody writes it; the losses."""
    losses, goal = [], goal_of(optimizer)
    for xi, yi in zip(x, y, strict=True):
        optimizer.zero_grad()
        loss = loss_of(params, make(xi), make(yi), goal)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def torch_result(name, options, steps, dtype):
    """Weights and losses of torch. New state of NAdam has torch's default dtype: set it."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64 if dtype == np.float64 else torch.float32)
    try:
        params = theirs(start(dtype))
        optimizer = getattr(torch.optim, name)(params, **options)
        losses = train(optimizer, params, *batches(steps, dtype))
    finally:
        torch.set_default_dtype(before)
    return params, losses, optimizer


def compare(params, expected, tolerance):
    """All weights within an absolute and relative tolerance."""
    for p, e in zip(params, expected, strict=True):
        np.testing.assert_allclose(p.numpy(), e.detach().numpy(), rtol=tolerance, atol=tolerance)


def new(name, params, options):
    """An optimizer of sheer by name."""
    return getattr(optim, name)(params, **options)


def stepped(kind=optim.Adam, **options):
    """An optimizer of one weight (3,) after a step."""
    p = sheer.tensor([1.0, 2.0, 3.0], requires_grad=True)
    optimizer = kind([p], **options)
    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss
    optimizer.step(closure)
    return optimizer
