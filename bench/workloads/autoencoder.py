"""Autoencoders: autoencoder (784-128-32-128-784) and vae (784-256-20-256-784), batch 128, Adam."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

LR, BATCH, BATCHES, PIXELS, LATENT = 1e-3, 128, 100, 784, 20
NARROW = ((PIXELS, 128), (128, 32), (32, 128), (128, PIXELS))                    # autoencoder
VARIATIONAL = ((PIXELS, 256), (256, 2 * LATENT), (LATENT, 256), (256, PIXELS))   # vae
Widths = Sequence[tuple[int, int]]


def data() -> tuple[np.ndarray, np.ndarray]:
    """Pictures between 0 and 1 with few directions of change, as input and as target."""
    rng = np.random.default_rng(0)
    codes, basis = rng.normal(size=(BATCH * BATCHES, 8)), rng.normal(size=(8, PIXELS))
    x = (1 / (1 + np.exp(-codes @ basis))).astype(np.float32)
    return x, x


def weights(widths: Widths) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(1)
    return [(rng.normal(0, i**-0.5, (o, i)).astype(np.float32), np.zeros(o, np.float32))
            for i, o in widths]


# ---- the networks, written once for the two that look alike: `lib` is sheer or torch ------------
def layers_in(lib: Any, widths: Widths) -> list[Any]:
    """Linear layers with the common weights."""
    made = []
    for w, b in weights(widths):
        linear = lib.nn.Linear(w.shape[1], w.shape[0])
        linear.load_state_dict({"weight": lib.tensor(w), "bias": lib.tensor(b)})
        made.append(linear)
    return made


def autoencoder(lib: Any) -> tuple[Any, Callable[[Any, Any], Any]]:
    """The model and its loss."""
    nn, (a, b, c, d) = lib.nn, layers_in(lib, NARROW)
    model = nn.Sequential(a, nn.ReLU(), b, nn.ReLU(), c, nn.ReLU(), d, nn.Sigmoid())
    return model, nn.MSELoss()


def vae(lib: Any) -> tuple[Any, Callable[[Any, Any], Any]]:
    """Kingma and Welling 2014, arXiv:1312.6114: Gaussian code, Bernoulli pixels."""
    nn = lib.nn

    class VAE(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            a, b, c, d = layers_in(lib, VARIATIONAL)
            self.encoder = nn.Sequential(a, nn.ReLU(), b)
            self.decoder = nn.Sequential(c, nn.ReLU(), d)

        def forward(self, x: Any) -> Any:
            mean, log_variance = self.encoder(x).chunk(2, dim=1)               # (B, 20) each
            code = mean + lib.exp(0.5 * log_variance) * lib.randn_like(mean)
            return self.decoder(code), mean, log_variance

    def loss(out: Any, x: Any) -> Any:
        logits, mean, log_variance = out
        pixels = nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        divergence = -0.5 * (1 + log_variance - mean**2 - lib.exp(log_variance)).sum()
        return (pixels + divergence) / len(x)
    return VAE(), loss


def in_sheer(build: Callable[[Any], Any]) -> Peer:
    import sheer
    model, loss = build(sheer)
    optimizer = sheer.optim.Adam(model.parameters(), lr=LR)
    return in_session(model, loss, optimizer, data(), shuffled(BATCHES, BATCH))


def in_torch(build: Callable[[Any], Any], threads: int, compiled: bool = False,
             **kind: bool) -> Peer:
    import torch
    model, loss = build(torch)
    optimizer = torch.optim.Adam(model.parameters(), lr=LR, **kind)
    x = torch.tensor(data()[0])
    return in_torch_loop(model, loss, optimizer, (x, x), shuffled(BATCHES, BATCH), threads,
                         compiled)


# ---- JAX ----------------------------------------------------------------------------------------
def in_jax(widths: Widths, loss_of: Callable[[Any, Any, Any], Any]) -> Peer:
    """`loss_of(weights, x, key)`; the key changes every step."""
    import jax
    x = jax.numpy.asarray(data()[0])
    start = [tuple(map(jax.numpy.asarray, pair)) for pair in weights(widths)]

    def step(carry: Any, rows: Any) -> Any:
        state, key = carry
        key, now = jax.random.split(key)
        loss, g = jax.value_and_grad(loss_of)(state[0], x[rows], now)
        return (adam(g, state, LR), key), loss
    return in_jax_scan(step, (adam_start(start), jax.random.key(0)), shuffled(BATCHES, BATCH))


def jax_autoencoder(p: Any, x: Any, key: Any) -> Any:
    import jax
    h = x
    for w, b in p[:-1]:
        h = jax.nn.relu(h @ w.T + b)
    return jax.numpy.mean((jax.nn.sigmoid(h @ p[-1][0].T + p[-1][1]) - x) ** 2)


def jax_vae(p: Any, x: Any, key: Any) -> Any:
    import jax
    import jax.numpy as jnp
    linear = lambda h, i: h @ p[i][0].T + p[i][1]
    mean, log_variance = jnp.split(linear(jax.nn.relu(linear(x, 0)), 1), 2, axis=1)
    code = mean + jnp.exp(0.5 * log_variance) * jax.random.normal(key, mean.shape)
    logits = linear(jax.nn.relu(linear(code, 2)), 3)
    pixels = jnp.sum(jnp.maximum(logits, 0) - logits * x + jnp.log1p(jnp.exp(-jnp.abs(logits))))
    divergence = -0.5 * jnp.sum(1 + log_variance - mean**2 - jnp.exp(log_variance))
    return (pixels + divergence) / len(x)


def _workload(name: str, what: str, build: Callable[[Any], Any], widths: Widths,
              jax_loss: Callable[[Any, Any, Any], Any], tolerance: float = 1e-3) -> Workload:
    make = partial(in_torch, build)
    return add(Workload(name, what, lambda: in_sheer(build), torch_variants(make),
                        lambda: in_jax(widths, jax_loss), torch_variants(make, compiled=True),
                        tolerance=tolerance))


_workload("autoencoder", "784-128-32-128-784, batch 128, Adam", autoencoder, NARROW,
          jax_autoencoder)
# everybody draws its own noise, which moves the loss of a batch a little
_workload("vae", "784-256-20-256-784, batch 128, Adam", vae, VARIATIONAL, jax_vae, tolerance=0.02)
