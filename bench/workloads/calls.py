"""Single calls: predict-one-row, the mnist-mlp network on one row: a row in, ten numbers out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..workload import Peer, Workload, add
from .mlp import Size

SIZE = Size((784, 256, 128, 10), 1, 100, 10)


def _peer(call: Callable[[Any], Any], rows: list[Any]) -> Peer:
    """One row after the other; the "losses" that are compared are all the numbers that come out."""
    def run(steps: int) -> None:
        for i in range(steps):
            call(rows[i % len(rows)])
    return Peer(run, lambda steps: np.concatenate(
        [np.array(call(row)).ravel() for row in rows[:steps]]))


def in_sheer() -> Peer:
    """The model as a compiled function, called with a tensor of one row."""
    import sheer
    from sheer import nn
    layers: list[Any] = []
    for w, b in SIZE.weights():
        linear = nn.Linear(w.shape[1], w.shape[0])
        linear.load_state_dict({"weight": sheer.tensor(w), "bias": sheer.tensor(b)})
        layers += [linear, nn.ReLU()]
    model = nn.Sequential(*layers[:-1]).eval()
    predict = sheer.jit(model)
    def call(row: Any) -> Any:
        with sheer.no_grad():
            return predict(row)
    return _peer(call, [sheer.tensor(row[None]) for row in SIZE.data()[0]])


def in_torch(threads: int, how: str) -> Peer:
    """The same in PyTorch, under inference_mode."""
    import torch
    torch.set_flush_denormal(True)
    layers: list[Any] = []
    for w, b in SIZE.weights():
        linear = torch.nn.Linear(w.shape[1], w.shape[0])
        linear.weight.data, linear.bias.data = torch.tensor(w), torch.tensor(b)
        layers += [linear, torch.nn.ReLU()]
    model: Any = torch.nn.Sequential(*layers[:-1]).eval()
    rows = [torch.tensor(row[None]) for row in SIZE.data()[0]]
    if how == "traced":
        with torch.inference_mode():
            model = torch.jit.freeze(torch.jit.trace(model, rows[0]))
    elif how == "compiled":
        model = torch.compile(model)
    def call(row: Any) -> Any:
        with torch.inference_mode():
            return model(row)
    peer = _peer(call, rows)
    def run(steps: int) -> None:
        torch.set_num_threads(threads)
        peer.run(steps)
    return Peer(run, peer.losses)


def in_jax() -> Peer:
    """One jitted function of the weights and the row."""
    import jax
    import jax.numpy as jnp
    weights = [(jnp.asarray(w), jnp.asarray(b)) for w, b in SIZE.weights()]
    def model(weights: Any, x: Any) -> Any:
        for w, b in weights[:-1]:
            x = jax.nn.relu(x @ w.T + b)
        return x @ weights[-1][0].T + weights[-1][1]
    predict = jax.jit(model)
    rows = [jnp.asarray(row[None]) for row in SIZE.data()[0]]
    return _peer(lambda row: jax.block_until_ready(predict(weights, row)), rows)


def _variants(*ways: str) -> dict[str, Callable[[], Peer]]:
    return {f"{how}, inference_mode, {threads} thread{'s' * (threads > 1)}":
            (lambda threads=threads, how=how: in_torch(threads, how))  # type: ignore[misc]
            for threads in (1, 2) for how in ways}


add(Workload("predict-one-row", "784-256-128-10, one row, one call", in_sheer,
             _variants("eager", "traced"), in_jax, _variants("compiled"), jax_how="jitted call"))
