"""Matrices for the samples of primitives: a seeded generator and a shape in, a good matrix out."""

from __future__ import annotations

import numpy as np


def full_rank(rng, shape):
    """Matrices with singular values between 1 and 3: far from singular."""
    u, s, vh = np.linalg.svd(rng.normal(size=shape), full_matrices=False)
    return u * rng.uniform(1, 3, s.shape)[..., None, :] @ vh


def spread(rng, shape):
    """Matrices with singular values 1, 2, ...: none zero, no two close."""
    u, _, vh = np.linalg.svd(rng.normal(size=shape), full_matrices=False)
    return u * np.arange(u.shape[-1], 0, -1.0) @ vh


def apart(rng, shape):
    """Symmetric matrices with eigenvalues 0, 1, 2, ...: no two close."""
    q, _ = np.linalg.qr(rng.normal(size=shape))
    return q * np.arange(float(shape[-1])) @ np.swapaxes(q, -1, -2)


def positive(rng, shape):
    """Positive definite matrices with eigenvalues 1, 2, ..."""
    return apart(rng, shape) + np.eye(shape[-1])
