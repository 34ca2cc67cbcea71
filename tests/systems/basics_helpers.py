"""What the tests of the basic systems share: float64 tensors, small networks, short trainings."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

import sheer
from sheer import nn, optim
from sheer.train import fit

SEEDS = (0, 1, 2)
XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
XOR_LABELS = np.array([0, 1, 1, 0])


def f64(value: Any, grad: bool = False) -> sheer.Tensor:
    """A float64 tensor."""
    return sheer.tensor(value, dtype="float64", requires_grad=grad)


def f32(value: Any) -> sheer.Tensor:
    return sheer.tensor(np.asarray(value, np.float32))


def mlp(*sizes: int, act: Any = nn.ReLU, last: Any = None) -> nn.Sequential:
    """Linear layers with an activation between them."""
    layers: list[nn.Module] = []
    for i, (a, b) in enumerate(pairwise(sizes)):
        layers += [nn.Linear(a, b)] + ([act()] if i < len(sizes) - 2 else [])
    return nn.Sequential(*layers, *([last] if last is not None else []))


def count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def train(model: nn.Module, x: Any, y: Any, *, loss: Any = nn.functional.mse_loss,
          lr: float = 1e-2, epochs: int = 100, batch_size: int = 64, optimizer: Any = None,
          seed: int = 0, **options: Any) -> Any:
    """fit without a word, with Adam unless told otherwise."""
    optimizer = optimizer or optim.Adam(model.parameters(), lr=lr)
    return fit(model, (x, y), loss=loss, optimizer=optimizer, epochs=epochs, seed=seed,
               batch_size=batch_size, progress=False, **options)


def train_whole(model: nn.Module, x: Any, y: Any, loss: Any, lr: float, steps: int) -> None:
    """Adam on all rows at once, the rate falling along a cosine: all steps in one program."""
    optimizer, x, y = optim.Adam(model.parameters(), lr=lr), sheer.tensor(x), sheer.tensor(y)
    rates = lr * 0.5 * (1 + np.cos(np.pi * np.arange(steps) / steps))
    def step(_: Any, rate: Any) -> Any:
        optimizer.set_rates(rate)
        optimizer.zero_grad()
        loss(model(x), y).backward()
        optimizer.step()
        return (), ()
    sheer.jit(lambda r: sheer.scan(step, (), r)[0])(f64(rates[:, None]))


def moons(n: int, noise: float = 0.1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two half circles that reach into each other: x (n, 2), labels (n,)."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    t = rng.uniform(0, np.pi, n)
    x = np.where(y[:, None], np.stack([1 - np.cos(t), 0.5 - np.sin(t)], 1),
                 np.stack([np.cos(t), np.sin(t)], 1))
    return (x + noise * rng.normal(size=x.shape)).astype(np.float32), y


def digits() -> tuple[np.ndarray, np.ndarray]:
    """The shipped digits, rows of 64 numbers in [0, 1], and labels."""
    from sheer.data import load_arrays
    data = load_arrays("digits")
    return (data.train.x.reshape(-1, 64) / data.top).astype(np.float32), data.train.y


def spread(values: Any) -> str:
    """`mean (least to largest)` of a few seeds."""
    values = np.asarray(values, float)
    return f"{values.mean():.4g} ({values.min():.4g} to {values.max():.4g})"
