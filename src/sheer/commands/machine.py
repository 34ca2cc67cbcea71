"""`sheer info` and `sheer cache`: what this machine is, what it can do, what its disk keeps."""

from __future__ import annotations

import platform
from typing import Any

import numpy as np

from .tables import print_table


def describe_machine() -> dict[str, Any]:
    """Versions, CPU, vector width, threads, measured peaks and the cache, as plain values."""
    import llvmlite

    from .. import __version__
    from ..backends.cpu.ir.target import host_target
    from ..backends.cpu.runtime import cache
    from ..backends.cpu.runtime.threads import thread_count
    target = host_target()
    stats = cache.stats()
    return {
        "sheer": __version__, "python": platform.python_version(), "numpy": np.__version__,
        "llvmlite": llvmlite.__version__, "system": platform.platform(), "cpu": target.name,
        "vector width": f"{target.width * 8} bits", "threads": thread_count(),
        **peaks(),
        **{f"cache {k}": v for k, v in vars_of(stats).items()},
    }


def peaks() -> dict[str, str]:
    """The roofline, as `explain` uses it: measured the first time, then read from the cache."""
    from ..backends.cpu.backend import CpuBackend
    machine = CpuBackend().machine()
    told = lambda figures: ", ".join(f"{v:.0f}" for v in figures)
    return {"peak GFLOP/s by threads": told(machine.gflops),
            **{f"{v.name} GB/s by threads": told(v.gigabytes) for v in machine.levels}}


def vars_of(stats: Any) -> dict[str, Any]:
    """The fields of the cache's statistics, as text where they are paths."""
    if not isinstance(stats, dict):
        stats = vars(stats) if hasattr(stats, "__dict__") else stats._asdict()
    return {k: v if isinstance(v, int | float) else str(v) for k, v in stats.items()}


def machine_table(facts: dict[str, Any]) -> None:
    """The facts as a table."""
    print_table([(name, str(value)) for name, value in facts.items()])


def cache_report(clear: bool) -> None:
    """Place, size and limit of the compiled code on disk; with clear, delete it first."""
    from ..backends.cpu.runtime import cache
    if clear:
        cache.clear()
    stats = cache.stats()
    machine_table({"folder": stats.folder, "entries": stats.entries,
                   "size": f"{stats.bytes / 1e6:.1f} MB", "limit": f"{stats.limit / 1e6:.0f} MB"})
