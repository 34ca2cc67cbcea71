"""Workload: the same mathematics in sheer, PyTorch and JAX, with the same weights and data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .paired import Run


@dataclass
class Peer:
    """One way to run a workload. losses(n) gives the losses of the first n steps from the start.

    program  of sheer: what an epoch runs, with `explain()`
    """

    run: Run
    losses: Callable[[int], np.ndarray]
    program: Callable[[], Any] | None = None


@dataclass
class Workload:
    """A named comparison. Each maker builds its peer from the same seed when called.

    torch makers are variants (threads, fused or foreach, ...), the fastest is compared; `compiled`
    ones take long to make and join them when asked for. jax_how says how JAX runs it.
    """

    name: str
    what: str
    sheer: Callable[[], Peer]
    torch: dict[str, Callable[[], Peer]]
    jax: Callable[[], Peer] | None = None
    compiled: dict[str, Callable[[], Peer]] = field(default_factory=dict)    # by torch.compile
    tolerance: float = 1e-3            # relative difference of losses after `checked` steps
    checked: int = 20
    jax_how: str = "jitted scan"
    notes: list[str] = field(default_factory=list)


WORKLOADS: dict[str, Workload] = {}


def add(workload: Workload) -> Workload:
    """Put a workload on the list."""
    WORKLOADS[workload.name] = workload
    return workload
