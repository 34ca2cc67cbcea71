"""The networks of `networks.py` written for JAX: parameters and images (B, H, W, C) flow in."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import networks


def start(name: str) -> dict[str, Any]:
    """The weights everybody starts from, with the channels last."""
    import jax.numpy as jnp
    from torch import nn
    from torch.nn import functional
    model = getattr(networks, name)(nn, functional)
    shapes = {k: tuple(v.shape) for k, v in model.state_dict().items()}
    turn = {4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}
    return {k: jnp.asarray(np.transpose(v, turn[v.ndim]))
            for k, v in networks.weights(shapes).items()}


def _conv(x: Any, w: Any, stride: int = 1, padding: int = 0) -> Any:
    import jax
    return jax.lax.conv_general_dilated(x, w, (stride, stride), [(padding, padding)] * 2,
                                        dimension_numbers=("NHWC", "HWIO", "NHWC"))


def lenet(p: dict[str, Any], x: Any) -> Any:
    """LeNet-5; channels come before pixels where the linear layers begin, as in the others."""
    import jax
    pool = lambda x: jax.lax.reduce_window(x, -np.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1),
                                           "VALID")
    x = pool(jax.nn.relu(_conv(x, p["0.weight"], padding=2) + p["0.bias"]))
    x = pool(jax.nn.relu(_conv(x, p["3.weight"]) + p["3.bias"]))
    x = x.transpose(0, 3, 1, 2).reshape(len(x), -1)
    for name in ("7", "9"):
        x = jax.nn.relu(x @ p[f"{name}.weight"] + p[f"{name}.bias"])
    return x @ p["11.weight"] + p["11.bias"]


def resnet20(p: dict[str, Any], x: Any) -> Any:
    """ResNet-20 in training mode."""
    import jax
    import jax.numpy as jnp

    def normal(x: Any, name: str) -> Any:
        mean, var = x.mean((0, 1, 2)), x.var((0, 1, 2))
        scale = p[f"{name}.weight"] * jax.lax.rsqrt(var + 1e-5)
        return (x - mean) * scale + p[f"{name}.bias"]

    x = jax.nn.relu(normal(_conv(x, p["conv1.weight"], padding=1), "bn1"))
    for stage, (planes, stride) in enumerate(((16, 1), (32, 2), (64, 2)), 1):
        for block in range(3):
            name, step = f"layer{stage}.{block}", stride if block == 0 else 1
            out = _conv(x, p[f"{name}.conv1.weight"], step, 1)
            out = _conv(jax.nn.relu(normal(out, f"{name}.bn1")), p[f"{name}.conv2.weight"], 1, 1)
            if step > 1:
                more = planes // 4
                x = jnp.pad(x[:, ::2, ::2], ((0, 0), (0, 0), (0, 0), (more, more)))
            x = jax.nn.relu(normal(out, f"{name}.bn2") + x)
    return x.mean((1, 2)) @ p["linear.weight"] + p["linear.bias"]
