"""`sheer info` and `sheer cache`: what this machine is, what it can do, what its disk keeps."""

from __future__ import annotations

import platform
import time
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from ..tensor import tensor
from ..transforms.jit import jit


def describe_machine() -> dict[str, Any]:
    """Versions, CPU, vector width, threads, measured peaks and the cache, as plain values."""
    import llvmlite

    from .. import __version__
    from ..backends.cpu import cache
    from ..backends.cpu.target import host_target
    from ..backends.cpu.threads import thread_count
    target = host_target()
    stats = cache.stats()
    return {
        "sheer": __version__, "python": platform.python_version(), "numpy": np.__version__,
        "llvmlite": llvmlite.__version__, "system": platform.platform(), "cpu": target.name,
        "vector width": f"{target.width * 8} bits", "threads": thread_count(),
        "peak GFLOP/s": round(measured_gflops(), 1), "peak GB/s": round(measured_gigabytes(), 1),
        **{f"cache {k}": v for k, v in vars_of(stats).items()},
    }


def vars_of(stats: Any) -> dict[str, Any]:
    """The fields of the cache's statistics, as text where they are paths."""
    if not isinstance(stats, dict):
        stats = vars(stats) if hasattr(stats, "__dict__") else stats._asdict()
    return {k: v if isinstance(v, int | float) else str(v) for k, v in stats.items()}


def measured_gflops(size: int = 768, seconds: float = 0.3) -> float:
    """Arithmetic this machine reaches in our own float32 matrix product, best of several runs."""
    a = tensor(np.random.default_rng(0).random((size, size), np.float32))
    product = jit(lambda x: x @ x)
    product(a)
    return 2 * size**3 / _best(lambda: product(a), seconds) / 1e9


def measured_gigabytes(size: int = 1 << 24, seconds: float = 0.3) -> float:
    """Memory traffic this machine reaches in our own y = 2 x over 64 MB, read and written."""
    x = tensor(np.zeros(size, np.float32))
    double = jit(lambda v: v * 2.0)
    double(x)
    return 8 * size / _best(lambda: double(x), seconds) / 1e9


def _best(run: Any, seconds: float) -> float:
    """Shortest time of one call within `seconds`."""
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        began = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - began)
    return best


def machine_table(facts: dict[str, Any]) -> None:
    """The facts as a table."""
    table = Table(show_header=False)
    for name, value in facts.items():
        table.add_row(name, str(value))
    Console().print(table)


def cache_report(clear: bool) -> None:
    """Place, size and limit of the compiled code on disk; with clear, delete it first."""
    from ..backends.cpu import cache
    if clear:
        cache.clear()
    stats = cache.stats()
    machine_table({"folder": stats.folder, "entries": stats.entries,
                   "size": f"{stats.bytes / 1e6:.1f} MB", "limit": f"{stats.limit / 1e6:.0f} MB"})
