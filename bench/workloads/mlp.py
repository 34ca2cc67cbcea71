"""Perceptrons: mlp-small (20-64-64-1, batch 32) and mnist-mlp (784-256-128-10, batch 128)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

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
        shuffled = np.random.default_rng(2).permutation(self.batch * self.batches)
        return shuffled.reshape(self.batches, self.batch)

    def weights(self) -> list[tuple[np.ndarray, np.ndarray]]:
        rng = np.random.default_rng(1)
        pairs = zip(self.widths, self.widths[1:], strict=False)
        return [(rng.normal(0, i**-0.5, (o, i)).astype(np.float32), np.zeros(o, np.float32))
                for i, o in pairs]


def in_sheer(size: Size) -> Peer:
    """An ordinary Session, as `fit` uses it: one program runs an epoch."""
    import sheer
    from sheer import nn, optim
    from sheer.train.plan import Memory
    from sheer.train.session import Session
    layers: list[Any] = []
    for w, b in size.weights():
        linear = nn.Linear(w.shape[1], w.shape[0])
        linear.load_state_dict({"weight": sheer.tensor(w), "bias": sheer.tensor(b)})
        layers += [linear, nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    loss = nn.CrossEntropyLoss() if size.classes else nn.MSELoss()
    session = Session(model, loss, optim.Adam(model.parameters(), lr=LR), {})
    memory = Memory(*size.data(), size.batch)
    whole = next(iter(memory.slices(size.order().ravel(), size.batches)))
    epoch = lambda: session.train(memory.pair, whole.parts)
    return Peer(whole_epochs(epoch, size.batches), lambda steps: epoch()[0][:steps])


def whole_epochs(epoch: Callable[[], object], batches: int) -> Callable[[int], int]:
    """A run in whole epochs, which says how many steps they had."""
    def run(steps: int) -> int:
        epochs = -(-steps // batches)
        for _ in range(epochs):
            epoch()
        return epochs * batches
    return run


def in_torch(size: Size, threads: int, **adam: bool) -> Peer:
    """The loop everybody writes: shuffled rows by indexing, zero_grad, backward, step."""
    import torch
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    layers: list[Any] = []
    for w, b in size.weights():
        linear = torch.nn.Linear(w.shape[1], w.shape[0])
        linear.weight.data, linear.bias.data = torch.tensor(w), torch.tensor(b)
        layers += [linear, torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    loss_of = torch.nn.CrossEntropyLoss() if size.classes else torch.nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=LR, **adam)
    x, y = map(torch.tensor, size.data())
    order = torch.tensor(size.order())
    state = {"next": 0}
    def step() -> Any:
        rows = order[state["next"]]
        state["next"] = (state["next"] + 1) % size.batches
        optimizer.zero_grad()
        loss = loss_of(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
        return loss
    def run(steps: int) -> None:
        torch.set_num_threads(threads)
        for _ in range(steps):
            step()
    return Peer(run, lambda steps: np.array([step().item() for _ in range(steps)]))


def in_jax(size: Size) -> Peer:
    """A hand-written epoch: jitted lax.scan over batches, Adam in the body."""
    import jax
    import jax.numpy as jnp
    x, y = map(jnp.asarray, size.data())
    order = jnp.asarray(size.order())
    weights = [(jnp.asarray(w), jnp.asarray(b)) for w, b in size.weights()]
    zeros = jax.tree.map(jnp.zeros_like, weights)
    def loss_of(p: Any, x: Any, y: Any) -> Any:
        for w, b in p[:-1]:
            x = jax.nn.relu(x @ w.T + b)
        out = x @ p[-1][0].T + p[-1][1]
        if size.classes:
            return -jnp.mean(jax.nn.log_softmax(out)[jnp.arange(len(y)), y])
        return jnp.mean((out - y) ** 2)
    def step(carry: Any, rows: Any) -> Any:
        p, m, v, t = carry
        loss, g = jax.value_and_grad(loss_of)(p, x[rows], y[rows])
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        a, b = 1 - 0.9**t, 1 - 0.999**t
        p = jax.tree.map(lambda p, m, v: p - LR * (m / a) / (jnp.sqrt(v / b) + 1e-8), p, m, v)
        return (p, m, v, t), loss
    epoch = jax.jit(lambda carry: jax.lax.scan(step, carry, order))
    state = {"carry": (weights, zeros, zeros, jnp.float32(0))}
    def once() -> Any:
        state["carry"], losses = epoch(state["carry"])
        return jax.block_until_ready(losses)
    return Peer(whole_epochs(once, size.batches), lambda steps: np.asarray(once())[:steps])


def _variants(size: Size) -> dict[str, Callable[[], Peer]]:
    kinds: Sequence[dict[str, bool]] = ({"fused": True}, {"foreach": True})
    return {f"eager, {next(iter(kind))} Adam, {threads} thread{'s' * (threads > 1)}":
            (lambda threads=threads, kind=kind: in_torch(size, threads, **kind))  # type: ignore[misc]
            for threads in (1, 2) for kind in kinds}


def _workload(name: str, what: str, size: Size) -> Workload:
    return add(Workload(name, what, lambda: in_sheer(size), _variants(size), lambda: in_jax(size)))


_workload("mlp-small", "20-64-64-1, batch 32, Adam", Size((20, 64, 64, 1), 32, 100))
_workload("mnist-mlp", "784-256-128-10, batch 128, Adam", Size((784, 256, 128, 10), 128, 100, 10))
