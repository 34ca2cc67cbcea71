"""gpt-mini: 4 pre-norm layers, width 128, 4 heads, T 128, batch 16, vocabulary 65, AdamW."""

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
    torch_variants,
)
from ..workload import Peer, Workload, add

LR, DECAY = 3e-4, 0.1


@dataclass(frozen=True)
class Size:
    """Layers, width, heads, length of a text, texts per batch, batches per epoch, characters."""

    layers: int = 4
    width: int = 128
    heads: int = 4
    length: int = 128
    batch: int = 16
    batches: int = 10
    vocabulary: int = 65

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Texts with some order in them, and each character's follower."""
        rng = np.random.default_rng(0)
        rows = self.batch * self.batches
        start = rng.integers(0, self.vocabulary, (rows, 1))
        steps = rng.integers(1, 4, (rows, self.length + 1))
        text = (start + np.cumsum(steps, 1)) % self.vocabulary
        return text[:, :-1].copy(), text[:, 1:].copy()


def gpt(nn: Any, size: Size) -> Any:
    """The model from one library's layers: sheer.nn and torch.nn take the same program."""
    heads, width = size.heads, size.width
    attend = nn.functional.scaled_dot_product_attention

    class Block(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.wide, self.gelu = nn.Linear(width, 4 * width), nn.GELU()
            self.narrow = nn.Linear(4 * width, width)

        def forward(self, x: Any) -> Any:
            b, t, _ = x.shape
            parts = self.qkv(self.norm1(x)).reshape(b, t, 3, heads, width // heads)
            q, k, v = parts.permute(2, 0, 3, 1, 4)                 # (B, h, T, width / h) each
            y = attend(q, k, v, is_causal=True)
            x = x + self.out(y.permute(0, 2, 1, 3).reshape(b, t, width))
            return x + self.narrow(self.gelu(self.wide(self.norm2(x))))

    class Gpt(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.token = nn.Embedding(size.vocabulary, width)
            self.place = nn.Parameter(self.token.weight.detach().new_zeros(size.length, width))
            self.blocks = nn.Sequential(*(Block() for _ in range(size.layers)))
            self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, size.vocabulary)

        def forward(self, x: Any) -> Any:
            x = self.blocks(self.token(x) + self.place)
            return self.head(self.norm(x))                         # (B, T, vocabulary)

    return Gpt()


def weights(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Initial values by name: norms at 1, biases at 0, the rest normal."""
    rng = np.random.default_rng(1)
    found: dict[str, np.ndarray] = {}
    for name, shape in shapes.items():
        norm = "norm" in name and name.endswith("weight")
        value = np.ones(shape) if norm else np.zeros(shape) if name.endswith("bias") else (
            rng.normal(0, 0.08, shape))
        found[name] = value.astype(np.float32)
    return found


def in_sheer(size: Size) -> Peer:
    """An ordinary Session, as `fit` uses it: one program runs an epoch."""
    import sheer
    from sheer import nn, optim
    model = gpt(nn, size)
    values = weights({name: t.shape for name, t in model.state_dict().items()})
    model.load_state_dict({name: sheer.tensor(v) for name, v in values.items()})
    optimizer = optim.AdamW(model.parameters(), lr=LR, weight_decay=DECAY)
    return in_session(model, _flat_loss(nn, size), optimizer, size.data(),
                      shuffled(size.batches, size.batch))


def in_torch(size: Size, threads: int, compiled: bool = False, **adam: bool) -> Peer:
    """The loop everybody writes, with torch's fused attention."""
    import torch
    model = gpt(torch.nn, size)
    values = weights({name: tuple(t.shape) for name, t in model.state_dict().items()})
    model.load_state_dict({name: torch.tensor(v) for name, v in values.items()})
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR, weight_decay=DECAY, **adam)
    data = torch.tensor(size.data()[0]), torch.tensor(size.data()[1])
    return in_torch_loop(model, _flat_loss(torch.nn, size), optimizer, data,
                         shuffled(size.batches, size.batch), threads, compiled)


def _flat_loss(nn: Any, size: Size) -> Any:
    return lambda scores, y: nn.functional.cross_entropy(
        scores.reshape(-1, size.vocabulary), y.reshape(-1))


def in_jax(size: Size) -> Peer:
    """The same by hand: jitted lax.scan over batches, AdamW in the body."""
    import jax
    import jax.numpy as jnp
    x, y = map(jnp.asarray, size.data())
    from sheer import nn
    shapes = {name: t.shape for name, t in gpt(nn, size).state_dict().items()}
    start = jax.tree.map(jnp.asarray, weights(shapes))
    heads, seen = size.heads, jnp.tril(jnp.ones((size.length, size.length), bool))
    def norm(p: Any, name: str, x: Any) -> Any:
        x = x - x.mean(-1, keepdims=True)
        x = x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-5)
        return x * p[name + ".weight"] + p[name + ".bias"]
    def linear(p: Any, name: str, x: Any) -> Any:
        return x @ p[name + ".weight"].T + p[name + ".bias"]
    def attended(p: Any, at: str, x: Any) -> Any:
        b, t, width = x.shape
        parts = linear(p, at + "qkv", norm(p, at + "norm1", x)).reshape(b, t, 3, heads, -1)
        q, k, v = parts.transpose(2, 0, 3, 1, 4)
        scores = jnp.where(seen, q @ k.swapaxes(-1, -2) * (width // heads) ** -0.5, -jnp.inf)
        mixed = (jax.nn.softmax(scores) @ v).swapaxes(1, 2).reshape(b, t, width)
        return x + linear(p, at + "out", mixed)
    def loss_of(p: Any, x: Any, y: Any) -> Any:
        h = p["token.weight"][x] + p["place"]
        for i in range(size.layers):
            at = f"blocks.{i}."
            h = attended(p, at, h)
            wide = jax.nn.gelu(linear(p, at + "wide", norm(p, at + "norm2", h)), approximate=False)
            h = h + linear(p, at + "narrow", wide)
        logs = jax.nn.log_softmax(linear(p, "head", norm(p, "norm", h)))
        return -jnp.mean(jnp.take_along_axis(logs, y[..., None], -1))
    def step(carry: Any, rows: Any) -> Any:
        loss, g = jax.value_and_grad(loss_of)(carry[0], x[rows], y[rows])
        return adam(g, carry, LR, DECAY), loss
    return in_jax_scan(step, adam_start(start), shuffled(size.batches, size.batch))


def _workload(name: str, what: str, size: Size) -> Workload:
    make = partial(in_torch, size)
    return add(Workload(name, what, lambda: in_sheer(size), torch_variants(make, "AdamW"),
                        lambda: in_jax(size), torch_variants(make, "AdamW", compiled=True)))


_workload("gpt-mini", "4 layers, width 128, 4 heads, T 128, batch 16, AdamW", Size())
