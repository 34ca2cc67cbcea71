"""`python -m bench.fresh LIBRARY [WORKLOAD [VARIANT]]`: one process's first moments, as JSON.

What is told: seconds to import the library; with a workload seconds until its first step is done
(building and compiling included, data not shared with anybody), seconds of a later step, and by how
many megabytes the process has grown since the import.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any


def main(library: str, workload: str = "", variant: str = "") -> None:
    began = time.perf_counter()
    importlib.import_module(library)
    told: dict[str, Any] = {"import": time.perf_counter() - began}
    if workload:
        told |= first_step(library, workload, variant)
    print(json.dumps(told))


def first_step(library: str, workload: str, variant: str) -> dict[str, Any]:
    from . import workloads  # noqa: F401
    from .workload import WORKLOADS
    if library == "torch":
        importlib.import_module("torch.optim")
    chosen = WORKLOADS[workload]
    make = (chosen.torch[variant] if library == "torch" else
            chosen.jax if library == "jax" else chosen.sheer)
    assert make is not None
    before, began = resident(), time.perf_counter()
    peer = make()
    made = time.perf_counter()
    count = peer.run(1) or 1
    first = time.perf_counter()
    again = peer.run(1) or 1
    later = (time.perf_counter() - first) / again
    return {"first step": first - began - (count - 1) * later, "building": made - began,
            "step": later, "grown": peak() - before, "peak": peak()}


def peak() -> float:
    """The most memory this process has held, in megabytes. (getrusage would tell of the process
    that started this one, if that was larger.)
    """
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def resident() -> float:
    """The memory this process holds now, in megabytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


if __name__ == "__main__":
    main(*sys.argv[1:])
