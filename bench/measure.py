"""Measuring a workload: its peers flow in; a row with times, ratios and losses comes out."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from .paired import compare, shortest_step
from .workload import Peer, Workload

Tell = Callable[[str], None]


def measure(workload: Workload, pairs: int, compiled: bool, tell: Tell) -> dict[str, Any]:
    """One row: sheer beside the best variant of PyTorch, and beside JAX.

    Nobody is timed whose first losses differ from sheer's.
    """
    ours = workload.sheer()
    expected = ours.losses(workload.checked)
    row: dict[str, Any] = {"name": workload.name, "what": workload.what, "unit": "s",
                           "losses": {"sheer": _ends(expected)}, "notes": workload.notes}
    peers, fastest = {}, float("inf")
    for name, make in variants(workload, compiled).items():
        peer = _made(name, make, tell)
        if peer is None:
            continue
        row["losses"]["torch"] = _ends(_agreed(workload, name, expected, peer))
        seconds = shortest_step(peer.run)
        if seconds < fastest:                  # the slower ones free their memory
            peers, fastest = {name: peer}, seconds
    (best, peer), = peers.items()
    ratio, mine, theirs = compare(ours.run, peer.run, pairs)
    tell(f"{ratio.median:.2f} times PyTorch ({best})")
    row |= {"sheer": mine, "torch": {"variant": best, "seconds": theirs, "ratio": ratio.row()}}
    if workload.jax is not None and importlib.util.find_spec("jax"):
        jax = workload.jax()
        row["losses"]["jax"] = _ends(_agreed(workload, "jax", expected, jax))
        ratio, _, theirs = compare(ours.run, jax.run, pairs)
        tell(f"{ratio.median:.2f} times JAX")
        row["jax"] = {"variant": workload.jax_how, "seconds": theirs, "ratio": ratio.row()}
    return row


def variants(workload: Workload, compiled: bool) -> dict[str, Callable[[], Peer]]:
    """The PyTorch variants to try: those through torch.compile only when asked for."""
    return {name: make for name, make in {**workload.torch, **workload.compiled}.items()
            if compiled or not name.startswith("compiled")}


def _made(name: str, make: Callable[[], Peer], tell: Tell) -> Peer | None:
    """A peer that has run a step. torch.compile does not work everywhere; the rest must."""
    if not name.startswith("compiled"):
        return make()
    import torch._dynamo.config as dynamo
    # A program of its own for every workload and number of threads: the default, 8, would leave
    # later ones to eager execution.
    dynamo.recompile_limit = dynamo.accumulated_recompile_limit = 1 << 10
    try:
        peer = make()
        peer.run(1)
        return make()                          # from the start again, now from torch's cache
    except Exception as error:                 # its compiler fails in many ways: no C++, no OpenMP
        tell(f"{name} does not work: {type(error).__name__}: {str(error).partition(chr(10))[0]}")
        return None


def _agreed(workload: Workload, name: str, expected: np.ndarray, peer: Peer) -> np.ndarray:
    """The losses of a peer, which must be sheer's."""
    found = peer.losses(workload.checked)
    worst = float(np.max(np.abs(found - expected) / np.maximum(np.abs(expected), 1e-6)))
    if not worst <= workload.tolerance:
        steps = workload.checked
        sys.exit(f"{workload.name}: {name} differs from sheer by {worst:.2g} after {steps} steps")
    return found


def _ends(losses: np.ndarray) -> list[float]:
    """The first and the last of the losses that were compared."""
    flat = np.ravel(losses)
    return [round(float(flat[0]), 5), round(float(flat[-1]), 5)]
