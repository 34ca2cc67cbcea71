"""Perceptrons: mlp-small (20-64-64-1), mlp-46 (10-46-10) and mnist-mlp (784-256-128-10), Adam."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..loops import (
    adam,
    adam_start,
    in_jax_scan,
    in_session,
    in_torch_loop,
    shuffled,
    steps_peer,
    torch_variants,
)
from ..workload import Peer, Workload, add

LR = 1e-3


@dataclass(frozen=True)
class Size:
    """Widths from input to output, rows per batch, batches per epoch; classes if any."""

    widths: tuple[int, ...]
    batch: int
    batches: int
    classes: int = 0

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(0)
        rows = self.batch * self.batches
        x = rng.normal(size=(rows, self.widths[0])).astype(np.float32)
        if self.classes:
            return x, rng.integers(0, self.classes, rows)
        return x, np.tanh(x[:, :1] - x[:, 1:2]).astype(np.float32)

    def order(self) -> np.ndarray:
        """Rows of each batch of a shuffled epoch: everybody gathers the same ones, every step."""
        return shuffled(self.batches, self.batch)

    def weights(self) -> list[tuple[np.ndarray, np.ndarray]]:
        rng = np.random.default_rng(1)
        pairs = zip(self.widths, self.widths[1:], strict=False)
        return [(rng.normal(0, i**-0.5, (o, i)).astype(np.float32), np.zeros(o, np.float32))
                for i, o in pairs]


def in_sheer(size: Size, loop: bool = False) -> Peer:
    """An ordinary Session, as `fit` uses it: one program runs an epoch. Or, as `loop`, what
    everybody writes: zero_grad, backward and step, each called for each batch.
    """
    import sheer
    from sheer import nn, optim
    layers: list[Any] = []
    for w, b in size.weights():
        linear = nn.Linear(w.shape[1], w.shape[0])
        linear.load_state_dict({"weight": sheer.tensor(w), "bias": sheer.tensor(b)})
        layers += [linear, nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    loss = nn.CrossEntropyLoss() if size.classes else nn.MSELoss()
    adam = optim.Adam(model.parameters(), lr=LR)
    if loop:
        return steps_peer(model, loss, adam, tuple(map(sheer.tensor, size.data())),
                          list(map(sheer.tensor, size.order())))
    return in_session(model, loss, adam, size.data(), size.order())


def in_torch(size: Size, threads: int, compiled: bool = False, **adam: bool) -> Peer:
    """The loop everybody writes."""
    import torch
    layers: list[Any] = []
    for w, b in size.weights():
        linear = torch.nn.Linear(w.shape[1], w.shape[0])
        linear.weight.data, linear.bias.data = torch.tensor(w), torch.tensor(b)
        layers += [linear, torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    loss_of = torch.nn.CrossEntropyLoss() if size.classes else torch.nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=LR, **adam)
    data = torch.tensor(size.data()[0]), torch.tensor(size.data()[1])
    return in_torch_loop(model, loss_of, optimizer, data, size.order(), threads, compiled)


def in_jax(size: Size) -> Peer:
    """A hand-written epoch: jitted lax.scan over batches, Adam in the body."""
    import jax
    import jax.numpy as jnp
    x, y = map(jnp.asarray, size.data())
    weights = [(jnp.asarray(w), jnp.asarray(b)) for w, b in size.weights()]
    def loss_of(p: Any, x: Any, y: Any) -> Any:
        for w, b in p[:-1]:
            x = jax.nn.relu(x @ w.T + b)
        out = x @ p[-1][0].T + p[-1][1]
        if size.classes:
            return -jnp.mean(jax.nn.log_softmax(out)[jnp.arange(len(y)), y])
        return jnp.mean((out - y) ** 2)
    def step(carry: Any, rows: Any) -> Any:
        loss, g = jax.value_and_grad(loss_of)(carry[0], x[rows], y[rows])
        return adam(g, carry, LR), loss
    return in_jax_scan(step, adam_start(weights), size.order())


def _workload(name: str, what: str, size: Size) -> Workload:
    make = partial(in_torch, size)
    return add(Workload(name, what, lambda: in_sheer(size), torch_variants(make),
                        lambda: in_jax(size), torch_variants(make, compiled=True)))


_SMALL = Size((20, 64, 64, 1), 32, 100)
_workload("mlp-small", "20-64-64-1, batch 32, Adam", _SMALL)
_workload("mnist-mlp", "784-256-128-10, batch 128, Adam", Size((784, 256, 128, 10), 128, 100, 10))
_workload("mlp-46", "10-46-10, batch 128, Adam", Size((10, 46, 10), 128, 100, 10))
add(Workload("mlp-small-loop", "the same as a loop of single steps in both, nothing compiled by "
             "hand", partial(in_sheer, _SMALL, loop=True),
             torch_variants(partial(in_torch, _SMALL))))
