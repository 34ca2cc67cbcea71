"""Loops all workloads share: model, loss, optimizer, data and order flow in, Peers come out."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from .workload import Peer

KINDS = ("fused", "foreach")       # how torch's optimizers update


def shuffled(batches: int, batch: int) -> np.ndarray:
    """Rows of each batch of a shuffled epoch: everybody gathers the same ones, every step."""
    return np.random.default_rng(2).permutation(batches * batch).reshape(batches, batch)


def whole_epochs(epoch: Callable[[], object], batches: int) -> Callable[[int], int]:
    """A run in whole epochs, which says how many steps they had."""
    def run(steps: int) -> int:
        epochs = -(-steps // batches)
        for _ in range(epochs):
            epoch()
        return epochs * batches
    return run


def epochs_peer(epoch: Callable[[], np.ndarray], batches: int) -> Peer:
    """A peer whose unit is an epoch; `epoch()` gives the loss of every step."""
    def losses(steps: int) -> np.ndarray:
        return np.concatenate([epoch() for _ in range(-(-steps // batches))])[:steps]
    return Peer(whole_epochs(epoch, batches), losses)


def in_session(model: Any, loss: Any, optimizer: Any, data: tuple[Any, Any],
               order: np.ndarray) -> Peer:
    """sheer: an ordinary Session, as `fit` uses it; one program runs an epoch.

    order  rows of each batch, int (batches, rows)
    """
    from sheer.train.plan import Memory
    from sheer.train.session import Session
    session = Session(model, loss, optimizer, {})
    memory = Memory(*data, order.shape[1])
    whole = next(iter(memory.slices(order.ravel(), len(order))))
    peer = epochs_peer(lambda: session.train(memory.tensors, whole.parts)[0], len(order))
    look = lambda jitted, *given: jitted.program(*given).program
    return replace(peer, program=lambda: session.forecast(whole, None, look, True))


def in_torch_loop(model: Any, loss_of: Any, optimizer: Any, data: tuple[Any, Any],
                  order: np.ndarray, threads: int, compiled: bool = False) -> Peer:
    """The loop everybody writes: shuffled rows by indexing, zero_grad, backward, step.

    data      tensors (x, y) of all rows
    compiled  forward, loss and backward through `torch.compile`
    """
    import torch
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    whole = lambda x, y: loss_of(model(x), y)
    peer = steps_peer(model, loss_of, optimizer, data, list(torch.tensor(order)),
                      torch.compile(whole) if compiled else whole)
    def run(steps: int) -> int | None:
        torch.set_num_threads(threads)
        return peer.run(steps)
    return replace(peer, run=run)


def steps_peer(model: Any, loss_of: Any, optimizer: Any, data: tuple[Any, ...], rows: list[Any],
               forward: Callable[[Any, Any], Any] | None = None) -> Peer:
    """Single steps, in the words of either library.

    rows     of each batch, as a tensor
    forward  the loss from a batch, unless that is loss_of(model(x), y)
    """
    (x, y), batches = data, itertools.cycle(rows)
    found = forward or (lambda x, y: loss_of(model(x), y))
    def step() -> Any:
        batch = next(batches)
        optimizer.zero_grad()
        loss = found(x[batch], y[batch])
        loss.backward()
        optimizer.step()
        return loss
    def run(steps: int) -> None:
        for _ in range(steps):
            loss = step()
        loss.item()
    return Peer(run, lambda steps: np.array([step().item() for _ in range(steps)]))


def in_jax_scan(step: Callable[[Any, Any], tuple[Any, Any]], carry: Any, order: np.ndarray) -> Peer:
    """JAX: an epoch as one jitted `lax.scan`; `step(carry, rows)` gives the new carry and loss."""
    import jax
    rows, state = jax.numpy.asarray(order), {"carry": carry}
    run = jax.jit(lambda carry: jax.lax.scan(step, carry, rows))
    def epoch() -> np.ndarray:
        state["carry"], losses = run(state["carry"])
        return np.asarray(jax.block_until_ready(losses))
    return epochs_peer(epoch, len(order))


def in_jax_steps(step: Callable[[Any, Any], tuple[Any, Any]], carry: Any,
                 order: np.ndarray) -> Peer:
    """JAX: a jitted step called once a batch, where that is faster than a `lax.scan`."""
    import jax
    rows, state = [jax.numpy.asarray(r) for r in order], {"carry": carry}
    once = jax.jit(step)
    def epoch() -> np.ndarray:
        losses = []
        for r in rows:
            state["carry"], loss = once(state["carry"], r)
            losses.append(loss)
        return np.array(jax.block_until_ready(losses))
    return epochs_peer(epoch, len(order))


def torch_variants(make: Callable[..., Peer], optimizer: str = "Adam", compiled: bool = False,
                   **extra: bool) -> dict[str, Callable[[], Peer]]:
    """Variants by name: 1 and 2 threads, fused and foreach optimizer (fused only when compiled).

    `make(threads, fused=True)` builds one; `compiled=True` and `extra` (channels_last=True, ...)
    go to it as well.
    """
    found: dict[str, Callable[[], Peer]] = {}
    words = "".join(f", {k}" for k, wanted in extra.items() if wanted)
    more = {**extra, **({"compiled": True} if compiled else {})}
    for threads in (1, 2):
        for kind in KINDS[:1] if compiled else KINDS:
            name = (f"{'compiled' if compiled else 'eager'}, {kind} {optimizer}, "
                    f"{threads} thread{'s' * (threads > 1)}{words}")
            found[name] = partial(make, threads, **{kind: True}, **more)
    return found


def adam_start(weights: Any) -> Any:
    """What `adam` carries: weights, both means, the count of steps."""
    import jax
    import jax.numpy as jnp
    zeros = jax.tree.map(jnp.zeros_like, weights)
    return weights, zeros, zeros, jnp.float32(0)


def adam(g: Any, carry: Any, lr: float, decay: float = 0.0) -> Any:
    """One AdamW update by hand in JAX (Loshchilov and Hutter 2019); decay 0 is Adam."""
    import jax
    import jax.numpy as jnp
    p, m, v, t = carry
    t = t + 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
    a, b = 1 - 0.9**t, 1 - 0.999**t
    move = lambda p, m, v: p * (1 - lr * decay) - lr * (m / a) / (jnp.sqrt(v / b) + 1e-8)
    return jax.tree.map(move, p, m, v), m, v, t
