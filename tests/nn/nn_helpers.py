"""What the nn tests share: arrays, copies into torch, and comparison element by element."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import sheer

TOLERANCE = {"float32": 1e-5, "float64": 1e-10}


def array(spec: Any, dtype: str, seed: int = 0) -> np.ndarray:
    """Normal numbers of a shape, or the integer array itself."""
    if isinstance(spec, np.ndarray):
        return spec
    return np.asarray(np.random.default_rng((seed, *spec)).normal(size=spec), dtype)


def both(value: np.ndarray) -> tuple[Any, Any]:
    """The array as our tensor and as torch's; floats require a gradient."""
    wants = value.dtype.kind == "f"
    mine = sheer.tensor(value, dtype=value.dtype.name, requires_grad=wants)
    return mine, torch.tensor(value, requires_grad=wants)


def close(mine: Any, theirs: Any, dtype: str, what: str = "", rtol: float | None = None) -> None:
    """Equal up to the tolerance of the dtype, relative to each element."""
    a, b = mine.detach().numpy(), theirs.detach().numpy()
    assert a.shape == b.shape, f"{what}: {a.shape} instead of {b.shape}"
    rtol = max(TOLERANCE[dtype], rtol or 0)
    np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * 0.2, err_msg=what)


def backward(outputs: Any, seed: int = 5) -> None:
    """Backward from every float result with a random cotangent."""
    many = outputs if isinstance(outputs, tuple) else (outputs,)
    for y in many:
        shape = tuple(y.shape)
        ct = np.random.default_rng(seed).normal(size=shape)
        if isinstance(y, torch.Tensor):
            if y.is_floating_point() and y.requires_grad:
                y.backward(torch.tensor(ct, dtype=y.dtype))
        elif y.dtype.is_floating_point and y.requires_grad:
            y.backward(sheer.tensor(ct, dtype=y.dtype.name))
