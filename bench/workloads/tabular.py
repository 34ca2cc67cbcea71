"""Tables: adult (108 encoded columns, batch norm and dropout, batch 256) in all three libraries."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ..loops import (
    adam,
    adam_start,
    in_jax_scan,
    in_session,
    in_torch_loop,
    shuffled,
    torch_variants,
)
from ..workload import Peer, Workload, add

COLUMNS, HIDDEN, CLASSES = 108, 64, 2
BATCH, BATCHES = 256, 100
LR, DROPOUT = 2e-3, 0.1


@cache
def data() -> tuple[np.ndarray, np.ndarray]:
    """The census rows when SHEER_DATA holds them, else made ones of the same shape."""
    rows, folder = BATCH * BATCHES, os.environ.get("SHEER_DATA", "")
    if folder and any(Path(folder).glob("**/adult*")):
        from sheer.recipes.tables import load_table
        x, y = load_table("adult", Path(folder), 0.2).train
        return x[:rows], y[:rows]
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(rows, 6))
    flags = rng.random((rows, COLUMNS - 6)) < 0.08           # 8 of 102 one-hot columns are set
    x = np.concatenate([numbers, flags], 1).astype(np.float32)
    return x, (x[:, 0] + x[:, 6] > 0.5).astype(np.int64)


def weights() -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(1)
    pairs = ((data()[0].shape[1], HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, CLASSES))
    return [(rng.normal(0, i**-0.5, (o, i)).astype(np.float32), np.zeros(o, np.float32))
            for i, o in pairs]


def model(nn: Any, tensor: Callable[[np.ndarray], Any], dropout: float) -> Any:
    """Two hidden layers in the words that sheer and torch share."""
    layers: list[Any] = []
    for w, b in weights():
        linear = nn.Linear(w.shape[1], w.shape[0])
        linear.load_state_dict({"weight": tensor(w), "bias": tensor(b)})
        layers += [linear, nn.BatchNorm1d(len(b)), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers[:-3])


def timed_with_dropout(make: Callable[[float], Peer]) -> Peer:
    """Runs with dropout; losses without, because every library draws other masks."""
    return Peer(make(DROPOUT).run, lambda steps: make(0.0).losses(steps))


def in_sheer(dropout: float) -> Peer:
    """An ordinary Session, as `fit` uses it: one program runs an epoch."""
    import sheer
    from sheer import nn, optim
    net = model(nn, sheer.tensor, dropout)
    return in_session(net, nn.CrossEntropyLoss(), optim.Adam(net.parameters(), lr=LR), data(),
                      shuffled(BATCHES, BATCH))


def in_torch(threads: int, compiled: bool = False, **kind: bool) -> Peer:
    """The loop everybody writes."""
    import torch
    def make(dropout: float) -> Peer:
        net = model(torch.nn, torch.tensor, dropout)
        optimizer = torch.optim.Adam(net.parameters(), lr=LR, **kind)
        pair = torch.tensor(data()[0]), torch.tensor(data()[1])
        return in_torch_loop(net, torch.nn.CrossEntropyLoss(), optimizer, pair,
                             shuffled(BATCHES, BATCH), threads, compiled)
    return timed_with_dropout(make)


def in_jax(dropout: float) -> Peer:
    """A hand-written epoch: jitted lax.scan over batches, Adam and running averages in the body."""
    import jax
    import jax.numpy as jnp
    x, y = map(jnp.asarray, data())
    layers = [(jnp.asarray(w), jnp.asarray(b)) for w, b in weights()]
    norms = [(jnp.ones(HIDDEN), jnp.zeros(HIDDEN)) for _ in layers[:-1]]
    def hidden(x: Any, scale: Any, shift: Any, key: Any) -> tuple[Any, Any]:
        mean, var = x.mean(0), x.var(0)
        x = jax.nn.relu((x - mean) * jax.lax.rsqrt(var + 1e-5) * scale + shift)
        if dropout:
            x = jnp.where(jax.random.bernoulli(key, 1 - dropout, x.shape), x / (1 - dropout), 0)
        return x, (mean, var * (BATCH / (BATCH - 1)))
    def loss_of(p: Any, x: Any, y: Any, keys: Any) -> Any:
        (*inner, (w2, b2)), scales = p
        seen = []
        for (w, b), (scale, shift), key in zip(inner, scales, keys, strict=True):
            x, found = hidden(x @ w.T + b, scale, shift, key)
            seen.append(found)
        out = x @ w2.T + b2
        return -jnp.mean(jax.nn.log_softmax(out)[jnp.arange(len(y)), y]), seen
    def step(carry: Any, batch: Any) -> Any:
        state, running, key = carry
        key, *keys = jax.random.split(key, 3)
        (loss, seen), g = jax.value_and_grad(loss_of, has_aux=True)(state[0], x[batch], y[batch],
                                                                    keys)
        running = jax.tree.map(lambda r, s: 0.9 * r + 0.1 * s, running, seen)
        return (adam(g, state, LR), running, key), loss
    start = adam_start((layers, norms)), norms, jax.random.key(0)
    return in_jax_scan(step, start, shuffled(BATCHES, BATCH))


add(Workload("tabular", "adult, 3 layers with batch norm and dropout, batch 256, Adam",
             lambda: timed_with_dropout(in_sheer), torch_variants(in_torch),
             lambda: timed_with_dropout(in_jax), torch_variants(in_torch, compiled=True)))
