"""`python -m bench [--only NAME] [--json]`: check that all compute the same, then time in turn."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from . import report, workloads  # noqa: F401  (importing workloads fills the list)
from .paired import best_of, compare
from .workload import WORKLOADS, Workload


def main() -> None:
    options = argparse.ArgumentParser(prog="bench")
    options.add_argument("--only", action="append", choices=sorted(WORKLOADS))
    options.add_argument("--json", action="store_true")
    options.add_argument("--pairs", type=int, default=15)
    chosen = options.parse_args()
    names = chosen.only or list(WORKLOADS)
    rows = [measure(WORKLOADS[n], chosen.pairs) for n in names]
    if not chosen.only:
        report.write(rows, machine())
        report.into_readme(Path(report.HERE).parent / "README.md", rows)
    print(json.dumps(rows) if chosen.json else "\n".join(report.table(rows)))


def measure(workload: Workload, pairs: int) -> dict[str, Any]:
    """One row of the report."""
    tell = lambda text: print(f"{workload.name}: {text}", file=sys.stderr, flush=True)
    ours = workload.sheer()
    expected = ours.losses(workload.checked)
    row: dict[str, Any] = {"name": workload.name, "what": workload.what}
    peers = {name: make() for name, make in workload.torch.items()}
    for name, peer in peers.items():
        _agree(workload, name, expected, peer.losses(workload.checked))
    best = best_of({name: p.run for name, p in peers.items()})
    ratio, mine, theirs = compare(ours.run, peers[best].run, pairs)
    tell(f"{ratio.median:.2f} times PyTorch ({best})")
    row |= {"sheer": mine, "torch": {"variant": best, "seconds": theirs, "ratio": ratio.row()}}
    if workload.jax is not None and importlib.util.find_spec("jax"):
        jax = workload.jax()
        _agree(workload, "jax", expected, jax.losses(workload.checked))
        ratio, _, theirs = compare(ours.run, jax.run, pairs)
        tell(f"{ratio.median:.2f} times JAX")
        row["jax"] = {"variant": "jitted scan", "seconds": theirs, "ratio": ratio.row()}
    return row


def _agree(workload: Workload, name: str, expected: np.ndarray, found: np.ndarray) -> None:
    """Nobody is timed who computes something else."""
    worst = float(np.max(np.abs(found - expected) / np.maximum(np.abs(expected), 1e-6)))
    if not worst <= workload.tolerance:
        steps = workload.checked
        sys.exit(f"{workload.name}: {name} differs from sheer by {worst:.2g} after {steps} steps")


def machine() -> dict[str, Any]:
    """What the report says of the machine."""
    import llvmlite
    import torch
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = (line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    cpu = next(models, "unknown CPU")
    return {"cpu": cpu, "cores": len(os.sched_getaffinity(0)),
            "versions": f"llvmlite {llvmlite.__version__}, torch {torch.__version__}"}


if __name__ == "__main__":
    main()
