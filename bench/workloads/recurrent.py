"""Recurrent networks: lstm (64->128, T 64, batch 32) and char-lstm (2 layers of 256 on a text)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
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

LR = 1e-3
TEXT = Path(__file__).parents[3] / "shared/data/text/tinyshakespeare.txt"


@dataclass(frozen=True)
class Size:
    """Widths, layers, steps, sequences per batch, batches per epoch; characters if it is a text."""

    inputs: int
    width: int
    layers: int = 1
    length: int = 64
    batch: int = 32
    batches: int = 10
    characters: int = 0

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Sequences, batch first, and what is to be said of every step."""
        rng, rows = np.random.default_rng(0), self.batch * self.batches
        if not self.characters:
            x = rng.normal(size=(rows, self.length, self.inputs)).astype(np.float32)
            return x, np.tanh(np.cumsum(x, 1)[..., :1]) * np.ones(self.width, np.float32) / 2
        codes = self._text(rng, rows * self.length + 1)
        starts = np.arange(rows)[:, None] * self.length + np.arange(self.length)
        return codes[starts], codes[starts + 1]

    def _text(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Tinyshakespeare where it lies beside the repository, else letters with some order."""
        if TEXT.exists():
            letters = np.frombuffer(TEXT.read_bytes()[:size], np.uint8)
            return np.unique(letters, return_inverse=True)[1].astype(np.int64)
        return np.cumsum(rng.integers(1, 4, size)) % self.characters


def network(nn: Any, size: Size) -> Any:
    """The model from one library's layers: sheer.nn and torch.nn take the same program."""
    class Recurrent(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            if size.characters:
                self.letters = nn.Embedding(size.characters, size.inputs)
                self.head = nn.Linear(size.width, size.characters)
            self.lstm = nn.LSTM(size.inputs, size.width, size.layers, batch_first=True)

        def forward(self, x: Any) -> Any:
            if not size.characters:
                return self.lstm(x)[0]
            return self.head(self.lstm(self.letters(x))[0])        # (B, T, characters)
    return Recurrent()


def weights(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """The same start for everybody."""
    rng = np.random.default_rng(1)
    return {name: rng.uniform(-1, 1, s).astype(np.float32) * s[-1] ** -0.5
            for name, s in shapes.items()}


def loss_of(nn: Any, size: Size) -> Any:
    """Mean square of all outputs, or cross-entropy of the next characters."""
    if not size.characters:
        return nn.MSELoss()
    return lambda scores, y: nn.functional.cross_entropy(
        scores.reshape(-1, size.characters), y.reshape(-1))


def in_sheer(size: Size) -> Peer:
    """An ordinary Session, as `fit` uses it: one program runs an epoch."""
    import sheer
    from sheer import nn, optim
    model = network(nn, size)
    values = weights({name: t.shape for name, t in model.state_dict().items()})
    model.load_state_dict({name: sheer.tensor(v) for name, v in values.items()})
    return in_session(model, loss_of(nn, size), optim.Adam(model.parameters(), lr=LR),
                      size.data(), shuffled(size.batches, size.batch))


def in_torch(size: Size, threads: int, compiled: bool = False, **adam: bool) -> Peer:
    """The loop everybody writes, with oneDNN's LSTM."""
    import torch
    model = network(torch.nn, size)
    values = weights({name: tuple(t.shape) for name, t in model.state_dict().items()})
    model.load_state_dict({name: torch.tensor(v) for name, v in values.items()})
    optimizer = torch.optim.Adam(model.parameters(), lr=LR, **adam)
    data = torch.tensor(size.data()[0]), torch.tensor(size.data()[1])
    return in_torch_loop(model, loss_of(torch.nn, size), optimizer, data,
                         shuffled(size.batches, size.batch), threads, compiled)


def in_jax(size: Size) -> Peer:
    """The same by hand: lax.scan over time in a jitted lax.scan over batches, Adam in the body."""
    import jax
    import jax.numpy as jnp

    from sheer import nn
    x, y = map(jnp.asarray, size.data())
    shapes = {name: t.shape for name, t in network(nn, size).state_dict().items()}
    start = jax.tree.map(jnp.asarray, weights(shapes))
    def layer(p: Any, k: int, x: Any) -> Any:
        bias = p[f"lstm.bias_ih_l{k}"] + p[f"lstm.bias_hh_l{k}"]
        xs = x @ p[f"lstm.weight_ih_l{k}"].T + bias                # (T, B, 4 H)
        def step(carry: Any, x: Any) -> Any:
            h, c = carry
            i, f, g, o = jnp.split(x + h @ p[f"lstm.weight_hh_l{k}"].T, 4, -1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h
        zero = jnp.zeros((x.shape[1], size.width))
        return jax.lax.scan(step, (zero, zero), xs)[1]
    def loss_of(p: Any, x: Any, y: Any) -> Any:
        h = (p["letters.weight"][x] if size.characters else x).swapaxes(0, 1)
        for k in range(size.layers):
            h = layer(p, k, h)
        h = h.swapaxes(0, 1)
        if not size.characters:
            return jnp.mean((h - y) ** 2)
        logs = jax.nn.log_softmax(h @ p["head.weight"].T + p["head.bias"])
        return -jnp.mean(jnp.take_along_axis(logs, y[..., None], -1))
    def step(carry: Any, rows: Any) -> Any:
        loss, g = jax.value_and_grad(loss_of)(carry[0], x[rows], y[rows])
        return adam(g, carry, LR), loss
    return in_jax_scan(step, adam_start(start), shuffled(size.batches, size.batch))


def _workload(name: str, what: str, size: Size) -> Workload:
    make = partial(in_torch, size)
    return add(Workload(name, what, lambda: in_sheer(size), torch_variants(make),
                        lambda: in_jax(size)))


_workload("lstm", "LSTM 64->128, T 64, batch 32, Adam", Size(64, 128))
_workload("char-lstm", "2 LSTM layers of 256, T 64, batch 32, Shakespeare, Adam",
          Size(256, 256, 2, characters=65))
