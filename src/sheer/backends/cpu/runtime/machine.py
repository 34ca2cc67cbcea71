"""This machine: peaks and what kernels of each kind reach, measured once and kept in the cache."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sheer import ops
from sheer.compile.report.forecast import reached_key
from sheer.compile.report.roofline import Machine, roof, work_of
from sheer.graph import Graph, Node, float32, int64
from sheer.ops.loop import Scan
from sheer.ops.primitive import results
from sheer.ops.structure import Input

from ..ir.target import host_target
from .cache import object_cache
from .peaks import measure_gflops, measure_levels
from .threads import thread_count

_VERSION = 2                       # of the file; another one is measured anew
_TIMES, _SECONDS = 5, 0.01         # of each calibration: goes, and how long one takes
_TURNS = 2000                      # of the loop whose turns are launches

_known: dict[Path, Machine] = {}
Compile = Callable[[Graph], Any]


def this_machine(compile_graph: Compile) -> Machine:
    """The machine this process runs on; the first time on a machine, measured in about 2 s."""
    path = _file()
    if path not in _known:
        _known[path] = _read(path) or _kept(measure(compile_graph), path)
    return _known[path]


def is_measured() -> bool:
    """Is the machine known, in this process or on disk?"""
    return _file() in _known or _file().exists()


def _read(path: Path) -> Machine | None:
    try:
        return Machine.of(json.loads(path.read_text()))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _kept(machine: Machine, path: Path) -> Machine:
    with contextlib.suppress(OSError):           # a cache that cannot be written: measured again
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        with os.fdopen(handle, "w") as file:
            json.dump(machine.json(), file, indent=1)
        os.replace(temporary, path)
    return machine


def _file() -> Path:
    """Beside the folder of compiled code; another processor or thread count has another file."""
    target = host_target()
    words = f"{_VERSION}|{target.cpu}|{target.features}|{target.width}|{thread_count()}"
    name = hashlib.sha256(words.encode()).hexdigest()[:16]
    return object_cache().folder.parent / f"machine-{name}.json"


def measure(compile_graph: Compile) -> Machine:
    """Peaks, then a small and a large kernel of each kind against them."""
    target, threads = host_target(), thread_count()
    bare = Machine(target.cpu, measure_gflops(target, threads), measure_levels(target, threads))
    _measured(compile_graph, _loop(1))                            # LLVM and threads start up
    launch = _measured(compile_graph, _loop(_TURNS))[0] / _TURNS
    reached: dict[str, float] = {}
    compiling: dict[str, float] = {}
    for kind, graph in _calibrations():
        seconds, made, executable = _measured(compile_graph, graph)
        compiling[kind] = max(made, compiling.get(kind, 0.0))
        used = max(executable.threads().values(), default=1)
        best = sum(roof(bare, work_of(k.body), k.traffic, used).seconds
                   for k in executable.program.kernels)
        reached[reached_key(kind, used > 1)] = min(best / max(seconds - launch, 1e-9), 1.0)
    return Machine(bare.cpu, bare.gflops, bare.levels, reached, (launch, 2 * launch), compiling)


def _measured(compile_graph: Compile, graph: Graph) -> tuple[float, float, Any]:
    """(seconds of its kernels, time to compile, the executable), on halves and zeros."""
    began = time.perf_counter()
    executable = compile_graph(graph)
    made = time.perf_counter() - began
    best = float("inf")
    for _ in range(_TIMES):                    # the best: others may be using the machine
        executable.measure_made_up(_SECONDS)
        best = min(best, sum(k.seconds for k in executable.program.kernels))
    return best, made, executable


# ---- what is measured: usual kernels of the usual sizes ----------------------------------------


def _calibrations() -> Sequence[tuple[str, Graph]]:
    """(kind, graph), small and large."""
    return [(kind, make(*sizes)) for kind, make, every in (
        ("contract", _product, ((64, 64, 48), (128, 512, 256))),
        ("map", _map, ((32, 64), (512, 1024))),
        ("rows", _rows, ((32, 64), (512, 1024))),
        ("index", _gather, ((128, 64), (8192, 256)))) for sizes in every]


def _input(number: int, *shape: int) -> Node:
    return Input(number, shape, float32)()


def _product(rows: int, inner: int, columns: int) -> Graph:
    x, w, b = _input(0, rows, inner), _input(1, columns, inner), _input(2, columns)
    return Graph([x, w, b], [ops.relu(ops.matmul(x, ops.transpose(w)) + b)])


def _map(rows: int, columns: int) -> Graph:
    x, y = _input(0, rows, columns), _input(1, rows, columns)
    return Graph([x, y], [x * 0.9 + y * y * 0.1])


def _rows(rows: int, columns: int) -> Graph:
    x = _input(0, rows, columns)
    e = ops.exp(x - ops.restore(ops.max(x, (1,)), x.shape, (1,)))
    return Graph([x], [e / ops.restore(ops.sum(e, (1,)), x.shape, (1,))])


def _gather(places: int, width: int) -> Graph:
    x, rows = _input(0, 4096, width), Input(1, (places,), int64)()
    return Graph([x, rows], [ops.take(x, rows, axis=0)])


def _loop(turns: int) -> Graph:
    """So many turns of next to nothing."""
    x, inside = _input(0, 8), _input(0, 8)
    body = Graph([inside], [inside + 1.0])
    return Graph([x], list(results(Scan(body, 0, 1, turns)(x))))
