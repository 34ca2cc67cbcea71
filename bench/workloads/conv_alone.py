"""One convolution alone: 3 x 3, 64 -> 64 channels, 32 x 32, batch 32, with both gradients."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..workload import Peer, Workload, add

BATCH, CHANNELS, SIZE = 32, 64, 32


def arrays() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images, weights, and what the results hand back."""
    rng = np.random.default_rng(0)
    image = (BATCH, CHANNELS, SIZE, SIZE)
    draw = lambda shape: rng.normal(size=shape).astype(np.float32)
    return draw(image), draw((CHANNELS, CHANNELS, 3, 3)) / 24, draw(image)


def peer(once: Callable[[], tuple[Any, ...]], sizes: Callable[[Any], float]) -> Peer:
    """`once()` gives results and both gradients; their mean squares stand for losses."""
    def run(steps: int) -> None:
        for _ in range(steps):
            once()
    return Peer(run, lambda steps: np.array([sizes(t) for t in once()]))


def in_sheer() -> Peer:
    """A jitted function of arrays with the channels first, as anybody would call it."""
    import sheer
    from sheer.nn import functional
    x, w, ct = map(sheer.tensor, arrays())

    def products(x: Any, w: Any, ct: Any) -> Any:
        def total(x: Any, w: Any) -> Any:
            y = functional.conv2d(x, w, padding=1)
            return (y * ct).sum(), y
        (_, y), grads = sheer.value_and_grad(total, (0, 1), has_aux=True)(x, w)
        return y, *grads
    run = sheer.jit(products)
    def once() -> tuple[Any, ...]:
        found = run(x, w, ct)
        sheer.eval(*found)
        return tuple(found)
    return peer(once, lambda t: float((t * t).mean().item()))


def in_torch(threads: int, last: bool) -> Peer:
    """The operator and its gradient, without the tape."""
    import torch
    torch.set_flush_denormal(True)
    layout = torch.channels_last if last else torch.contiguous_format
    x, w, ct = (torch.tensor(a).contiguous(memory_format=layout) for a in arrays())
    backward = torch.ops.aten.convolution_backward

    def once() -> tuple[Any, ...]:
        torch.set_num_threads(threads)
        with torch.no_grad():
            y = torch.nn.functional.conv2d(x, w, padding=1)
            grads = backward(ct, x, w, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1,
                             [True, True, False])
        return y, grads[0], grads[1]
    return peer(once, lambda t: float((t * t).mean()))


def in_jax() -> Peer:
    """A jitted function, channels last."""
    import jax
    import jax.numpy as jnp
    x, w, ct = map(jnp.asarray, arrays())
    x, ct, w = x.transpose(0, 2, 3, 1), ct.transpose(0, 2, 3, 1), w.transpose(2, 3, 1, 0)
    conv = lambda x, w: jax.lax.conv_general_dilated(
        x, w, (1, 1), [(1, 1)] * 2, dimension_numbers=("NHWC", "HWIO", "NHWC"))

    @jax.jit
    def products(x: Any, w: Any, ct: Any) -> Any:
        y, back = jax.vjp(conv, x, w)
        return y, *back(ct)
    return peer(lambda: jax.block_until_ready(products(x, w, ct)),
                lambda t: float((t * t).mean()))


add(Workload("conv3x3", "64 -> 64, 32 x 32, batch 32, alone, with both gradients", in_sheer,
             {f"eager, {threads} threads{', channels_last' * last}":
              partial(in_torch, threads, last) for threads in (1, 2) for last in (False, True)},
             in_jax))
