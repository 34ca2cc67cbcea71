"""One expression, evaluated with sheer and with torch: values, dtypes and gradients must agree."""

from __future__ import annotations

import numpy as np
import torch

import sheer


def tensors(lib, arrays, grad=False):
    """The arrays as tensors of a library, float ones asking for a gradient."""
    make = torch.tensor if lib is torch else lambda a: sheer.tensor(a, dtype=a.dtype.name)
    made = {k: make(a) for k, a in arrays.items()}
    for t in made.values():
        if grad and t.is_floating_point():
            t.requires_grad_()
    return made


def leaves(value):
    """Tensors of a result, in order."""
    if isinstance(value, tuple | list):
        return [t for v in value for t in leaves(v)]
    return [value]


def compare(ours, theirs, rtol=1e-12, atol=1e-12):
    """Shapes, dtypes and values of two results."""
    ours, theirs = leaves(ours), leaves(theirs)
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        if not isinstance(b, torch.Tensor):
            assert a == b
            continue
        want = b.detach().numpy()
        assert a.dtype.name == want.dtype.name, (a.dtype, want.dtype)
        assert a.shape == want.shape
        single = want.dtype == np.float32
        np.testing.assert_allclose(a.numpy(), want, rtol=2e-5 if single else rtol,
                                   atol=1e-6 if single else atol, equal_nan=True)


def run(lib, text, arrays, grad):
    names = {"lib": lib, "inf": float("inf"), "nan": float("nan"), **tensors(lib, arrays, grad)}
    return eval(text, names), names


def check(text, arrays, gradients=True):
    """Values agree; so do gradients of a weighted sum of all float results, when there are any."""
    compare(run(sheer, text, arrays, False)[0], run(torch, text, arrays, False)[0])
    grads = []
    if not gradients:
        return
    for lib in (sheer, torch):
        out, names = run(lib, text, arrays, True)
        made = [t for t in leaves(out) if isinstance(t, torch.Tensor | sheer.Tensor)]
        live = [t for t in made if t.requires_grad]
        rng = np.random.default_rng(7)
        loss = sum((t * tensors(lib,
                                {"w": rng.normal(size=tuple(t.shape))})["w"]).sum() for t in live)
        if live:
            loss.backward()
        grads.append({k: names[k].grad for k in arrays if names[k].requires_grad})
    ours, theirs = grads
    for name, want in theirs.items():
        got = ours[name]
        if want is None or got is None:
            assert not any(g is not None and bool((g != 0).any()) for g in (want, got)), name
        else:
            np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-9, atol=1e-10,
                                       err_msg=name)
