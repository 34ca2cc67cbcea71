"""Convolutions: lenet (batch 64), resnet20 (CIFAR, batch 64), both SGD, and 3 x 3 layers alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from .. import jax_networks, networks
from ..loops import in_jax_steps, in_session, in_torch_loop, shuffled, torch_variants
from ..workload import Peer, Workload, add

MOMENTUM = 0.9


@dataclass(frozen=True)
class Images:
    """A network of `networks`, and what it is trained on."""

    name: str
    shape: tuple[int, ...]
    batch: int
    batches: int
    lr: float

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(0)
        rows = self.batch * self.batches
        x = rng.normal(size=(rows, *self.shape)).astype(np.float32)
        return x, rng.integers(0, 10, rows)

    def model(self, nn: Any, functional: Any, tensor: Callable[[Any], Any]) -> Any:
        """The network with everybody's weights, in sheer or in PyTorch."""
        made = getattr(networks, self.name)(nn, functional)
        shapes = {k: tuple(v.shape) for k, v in made.state_dict().items()}
        found = {k: tensor(v) for k, v in networks.weights(shapes).items()}
        made.load_state_dict(found, strict=False)
        return made


def in_sheer(task: Images) -> Peer:
    """A Session, as `fit` uses it."""
    import sheer
    from sheer import nn, optim
    from sheer.nn import functional
    model = task.model(nn, functional, sheer.tensor)
    optimizer = optim.SGD(model.parameters(), lr=task.lr, momentum=MOMENTUM)
    return in_session(model, nn.CrossEntropyLoss(), optimizer, task.data(),
                      shuffled(task.batches, task.batch))


def in_torch(task: Images, threads: int, channels_last: bool = False, compiled: bool = False,
             **sgd: bool) -> Peer:
    """PyTorch; `channels_last`: so do images and weights lie in memory."""
    import torch
    model = task.model(torch.nn, torch.nn.functional, torch.tensor)
    x, y = map(torch.tensor, task.data())
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
        x = x.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=task.lr, momentum=MOMENTUM, **sgd)
    return in_torch_loop(model, torch.nn.CrossEntropyLoss(), optimizer, (x, y),
                         shuffled(task.batches, task.batch), threads, compiled)


def in_jax(task: Images) -> Peer:
    """A jitted step, channels last: XLA's convolutions inside a `scan` are far slower."""
    import jax
    import jax.numpy as jnp
    x, y = map(jnp.asarray, task.data())
    x = x.transpose(0, 2, 3, 1)
    start = jax_networks.start(task.name)
    forward = getattr(jax_networks, task.name)

    def loss_of(p: Any, x: Any, y: Any) -> Any:
        return -jnp.mean(jax.nn.log_softmax(forward(p, x))[jnp.arange(len(y)), y])

    def step(carry: Any, rows: Any) -> Any:
        p, v = carry
        loss, g = jax.value_and_grad(loss_of)(p, x[rows], y[rows])
        v = jax.tree.map(lambda v, g: MOMENTUM * v + g, v, g)
        return (jax.tree.map(lambda p, v: p - task.lr * v, p, v), v), loss
    return in_jax_steps(step, (start, jax.tree.map(jnp.zeros_like, start)),
                        shuffled(task.batches, task.batch))


def _networks(what: str, task: Images) -> None:
    make = partial(in_torch, task)
    torch = (torch_variants(make, "SGD") | torch_variants(make, "SGD", channels_last=True)
             | torch_variants(make, "SGD", compiled=True, channels_last=True))
    add(Workload(task.name, what, lambda: in_sheer(task), torch, lambda: in_jax(task),
                 checked=min(task.batches, 8)))


_networks("LeNet-5, batch 64, SGD with momentum", Images("lenet", (1, 28, 28), 64, 40, 0.01))
_networks("CIFAR, batch 64, SGD with momentum", Images("resnet20", (3, 32, 32), 64, 4, 0.01))
