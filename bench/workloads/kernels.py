"""Kernels alone: one operation, forward and back, in the words that both libraries share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..workload import Peer, Workload, add

Function = Callable[..., Any]           # (functional, *tensors) -> tensor


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng((seed, len(shape))).normal(size=shape).astype(np.float32)


@dataclass(frozen=True)
class Operation:
    """What is computed, from which arrays; gradients of the first `slopes` of them follow."""

    function: Function
    arrays: tuple[np.ndarray, ...]
    slopes: int = 0


def in_sheer(operation: Operation) -> Peer:
    """One jitted call: the result, and the gradients of its sum against fixed numbers."""
    import sheer
    from sheer.nn import functional
    given = [sheer.from_numpy(a) for a in operation.arrays]
    share = sheer.from_numpy(_share(operation, functional, given)) if operation.slopes else None
    def step(*tensors: Any) -> Any:
        rest = tensors[operation.slopes:]
        def total(*wanted: Any) -> Any:
            out = operation.function(functional, *wanted, *rest[:len(rest) - 1])
            return (out * rest[-1]).sum(), out
        if not operation.slopes:
            return (operation.function(functional, *tensors),)
        (_, out), grads = sheer.value_and_grad(total, argnums=tuple(range(operation.slopes)),
                                               has_aux=True)(*tensors[:operation.slopes])
        return out, *grads
    call = sheer.jit(step)
    once = lambda: call(*given, *([] if share is None else [share]))
    return _peer(lambda: sheer.eval(*once()), lambda: [t.numpy() for t in once()])


def in_torch(operation: Operation, threads: int, channels_last: bool = False) -> Peer:
    """The same as everybody writes it; images with their channels last where that is asked."""
    import torch
    torch.set_flush_denormal(True)
    functional = torch.nn.functional
    given = [torch.from_numpy(a) for a in operation.arrays]
    if channels_last:
        given = [t.contiguous(memory_format=torch.channels_last) if t.ndim == 4 else t
                 for t in given]
    slopes = given[:operation.slopes]
    share = torch.from_numpy(_share(operation, functional, given)) if slopes else None
    for t in slopes:
        t.requires_grad_()
    def once() -> Sequence[Any]:
        torch.set_num_threads(threads)
        out = operation.function(functional, *given)
        if not slopes:
            return (out,)
        return out.detach(), *torch.autograd.grad(out, slopes, share)
    return _peer(once, lambda: [t.numpy() for t in once()])


def _share(operation: Operation, functional: Any, given: Sequence[Any]) -> np.ndarray:
    """The cotangent of the result."""
    shape = tuple(operation.function(functional, *given).shape)
    return normal(*shape, seed=1) if shape else np.ones((), np.float32)


def _peer(once: Callable[[], Any], arrays: Callable[[], list[np.ndarray]]) -> Peer:
    """What is compared in place of losses: the mean size of every result."""
    def run(steps: int) -> None:
        for _ in range(steps):
            once()
    sizes = lambda steps: np.resize([float(np.abs(a).mean()) for a in arrays()], steps)
    return Peer(run, sizes)


def _add(name: str, what: str, operation: Operation, tolerance: float = 1e-3) -> None:
    torch = {f"eager, {n} thread{'s' * (n > 1)}": partial(in_torch, operation, n) for n in (1, 2)}
    add(Workload(name, what, lambda: in_sheer(operation), torch, tolerance=tolerance))


_rows = np.random.default_rng(0).integers(0, 1000, 4096)
_add("softmax-xent", "4096 x 1000, forward and back, alone",
     Operation(lambda F, x, y: F.cross_entropy(x, y), (normal(4096, 1000), _rows), 1))
_add("layernorm", "4096 x 512, forward and back, alone",
     Operation(lambda F, x, w, b: F.layer_norm(x, (512,), w, b),
               (normal(4096, 512), normal(512), normal(512)), 3))
_add("batchnorm2d", "64 x 16 x 32 x 32 with relu, forward and back, alone",
     Operation(lambda F, x, w, b: F.relu(F.batch_norm(x, None, None, w, b, training=True)),
               (normal(64, 16, 32, 32), normal(16), normal(16)), 3))
_add("maxpool", "64 x 32 x 32 x 32 by 3 with stride 2, forward and back, alone",
     Operation(lambda F, x: F.max_pool2d(x, 3, 2, 1), (normal(64, 32, 32, 32),), 1))
_add("dropout", "a million elements, alone",
     Operation(lambda F, x: F.dropout(x, 0.1, training=True), (normal(1 << 20),)), 2e-2)
for _name in ("gelu", "tanh", "relu"):
    _add(_name, "a million elements, alone",
         Operation(lambda F, x, name=_name: getattr(F, name)(x), (normal(1 << 20),)))
