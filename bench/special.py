"""Rows about fresh processes: import, first step (cold and warm cache), memory of a step."""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from . import workloads  # noqa: F401  (fills the list that the rows below read)
from .paired import Ratio
from .workload import WORKLOADS

ROOT = Path(__file__).parent.parent
TIMES = 5                                                # processes of each library
LOOKED_AT = ("mlp-small", "mnist-mlp", "resnet20", "gpt-mini")
Tell = Callable[[str], None]


def fresh(library: str, workload: str = "", variant: str = "",
          cache: str | None = None) -> dict[str, float]:
    """What a new process tells (bench/fresh.py). cache: its folder of compiled code."""
    words = [sys.executable, "-m", "bench.fresh", library, workload, variant]
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")])
    env = {**os.environ, "PYTHONPATH": path, **({"SHEER_CACHE": cache} if cache else {})}
    env.pop("PYTHONDONTWRITEBYTECODE", None)     # whoever has installed a library has its byte code
    done = subprocess.run([w for w in words if w], cwd=ROOT, env=env, check=True, text=True,
                          capture_output=True)
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def row_of(name: str, what: str, figure: str, unit: str, found: Mapping[str, list[float]],
           tell: Tell) -> dict[str, Any]:
    """A row of the report from the figures of each library, run in turn."""
    row: dict[str, Any] = {"name": name, "what": what, "unit": unit,
                           "sheer": statistics.median(found["sheer"])}
    for peer in ("torch", "jax"):
        if found.get(peer):
            ratios = sorted(t / o for o, t in zip(found["sheer"], found[peer], strict=True))
            ratio = Ratio(statistics.median(ratios), ratios[0], ratios[-1])
            row[peer] = {"variant": figure, "seconds": statistics.median(found[peer]),
                         "ratio": ratio.row()}
            tell(f"{ratio.median:.2f} times better than {peer}")
    return row


def importing(name: str, tell: Tell) -> dict[str, Any]:
    """Seconds of `import sheer`, `import torch`, `import jax`."""
    found = {library: [] for library in _libraries()}
    for library in found:
        fresh(library)                                   # writes byte code
    for _ in range(TIMES):
        for library, values in found.items():
            values.append(fresh(library)["import"])
    return row_of(name, "fresh process", "import", "s", found, tell)


def first_step(workload: str, cold: bool, name: str, tell: Tell) -> dict[str, Any]:
    """Seconds until the first training step is done; with nothing compiled, or all of it."""
    found = {library: [] for library in _libraries(workload)}
    with tempfile.TemporaryDirectory() as kept:
        for library in found:                            # writes byte code, and ours to the disk
            fresh(library, workload, _variant(library, workload), kept)
        for _ in range(3 if cold else TIMES):
            for library, values in found.items():
                with tempfile.TemporaryDirectory() as empty:
                    told = fresh(library, workload, _variant(library, workload),
                                 empty if cold else kept)
                values.append(told["first step"])
    state = "nothing compiled" if cold else "kernels on disk"
    return row_of(name, f"{workload}, fresh process, {state}", "eager or jit", "s", found, tell)


def memory(workload: str, name: str, tell: Tell) -> dict[str, Any]:
    """Megabytes by which a process grows when it builds and trains, at its peak."""
    found = {library: [] for library in _libraries(workload)}
    with tempfile.TemporaryDirectory() as kept:
        fresh("sheer", workload, cache=kept)
        for _ in range(3):
            for library, values in found.items():
                values.append(fresh(library, workload, _variant(library, workload),
                                    kept)["grown"])
    return row_of(name, f"{workload}, growth after import, at its peak", "growth", "MB", found,
                  tell)


def _libraries(workload: str = "") -> list[str]:
    jax = importlib.util.find_spec("jax") and (not workload or WORKLOADS[workload].jax)
    return ["sheer", "torch", *(["jax"] if jax else [])]


def _variant(library: str, workload: str) -> str:
    """Of PyTorch the first variant on the list for as many threads as sheer takes: two."""
    if library != "torch":
        return ""
    names = list(WORKLOADS[workload].torch)
    return next((n for n in names if "2 threads" in n), names[0])


def _rows() -> dict[str, Callable[[str, Tell], dict[str, Any]]]:
    rows: dict[str, Callable[[str, Tell], dict[str, Any]]] = {"import": importing}
    for workload in (w for w in LOOKED_AT if w in WORKLOADS):
        rows[f"first-step-cold {workload}"] = partial(first_step, workload, True)
        rows[f"first-step-warm {workload}"] = partial(first_step, workload, False)
        rows[f"memory {workload}"] = partial(memory, workload)
    return rows

SPECIAL = _rows()
