"""Peaks of this machine: arithmetic in registers and reading each cache; measured, then kept."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from sheer.compile.program import ALIGN
from sheer.compile.report.roofline import Level

from ..ir.target import Target
from .jit import compile_ir

CHAINS = 12           # independent multiply-adds: enough to fill two units of latency 4 or 5
SECONDS = 0.04        # for one figure; the best of several goes within it counts
_USUAL = {"L1": 32 << 10, "L2": 1 << 20, "L3": 16 << 20}      # where the system does not tell
_READ = 256 << 20     # bytes read from a cache in one go
_MEMORY = 96 << 20    # bytes read to measure the memory: more than caches hold


def measure_gflops(target: Target, threads: int) -> tuple[float, ...]:
    """float32 operations by 1, 2, ... threads, in units of 10^9 a second."""
    run = compile_ir(_arithmetic(target), target).function("peak", [ctypes.c_int64, ctypes.c_float],
                                                           ctypes.c_float)
    turns = 400_000
    work = turns * CHAINS * 2 * (target.width // 4)
    once = lambda _: run(turns, 0.5)
    return tuple(n * work / _best(once, n) / 1e9 for n in range(1, threads + 1))


def measure_levels(target: Target, threads: int) -> tuple[Level, ...]:
    """Reading speed of every cache and of the memory, by threads."""
    run = compile_ir(_reading(target), target).function(
        "read", [ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64], ctypes.c_float)
    sizes = _cache_sizes()
    found = []
    for name, size in [*sizes.items(), ("memory", _MEMORY)]:
        used = size if name == "memory" else size // 2        # half of a cache: nothing falls out
        used -= used % (8 * target.width)
        buffers = [np.full(used + ALIGN, 1, np.uint8) for _ in range(threads)]   # pages of its own
        starts = [b.ctypes.data + -b.ctypes.data % ALIGN for b in buffers]
        repeat = max(1, _READ // used)
        once = lambda i: run(starts[i], used, repeat)  # noqa: B023
        speeds = tuple(n * used * repeat / _best(once, n) / 1e9 for n in range(1, threads + 1))
        found.append(Level(name, 2**62 if name == "memory" else size, speeds))
    return tuple(found)


def _best(once: Callable[[int], object], threads: int) -> float:
    """Shortest time in which so many threads did `once(thread)` each."""
    best, end = float("inf"), time.perf_counter() + SECONDS
    with ThreadPoolExecutor(threads) as pool:
        while best == float("inf") or time.perf_counter() < end:
            began = time.perf_counter()
            list(pool.map(once, range(threads))) if threads > 1 else once(0)
            best = min(best, time.perf_counter() - began)
    return best


def _cache_sizes() -> dict[str, int]:
    """Bytes of the data caches that one core sees."""
    found = {}
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        try:
            kind, level = (folder / "type").read_text().strip(), (folder / "level").read_text()
            text = (folder / "size").read_text().strip()
        except OSError:
            continue
        if kind != "Instruction":
            unit = {"K": 1 << 10, "M": 1 << 20}.get(text[-1], 1)
            found[f"L{level.strip()}"] = int(text.rstrip("KM")) * unit
    return {n: s for n, s in found.items() if s} or _USUAL


def _arithmetic(target: Target) -> str:
    """A loop of CHAINS multiply-adds on registers."""
    v = f"<{target.width // 4} x float>"
    fma = (lambda i: f"  %y{i} = call {v} @llvm.fma.v{target.width // 4}f32({v} %x{i}, {v} %f, "
                     f"{v} %f)") if target.fma else (
        lambda i: f"  %m{i} = fmul {v} %x{i}, %f\n  %y{i} = fadd {v} %m{i}, %f")
    declared = f"declare {v} @llvm.fma.v{target.width // 4}f32({v}, {v}, {v})" if target.fma else ""
    return _loop(v, CHAINS, "i64 %turns, float %factor", "%turns",
                 f"  %f0 = insertelement {v} poison, float %factor, i32 0\n"
                 f"  %f = shufflevector {v} %f0, {v} poison, <{target.width // 4} x i32> "
                 "zeroinitializer\n", fma, "peak") + declared


def _reading(target: Target) -> str:
    """A sum over `size` bytes, `repeat` times, with eight running sums."""
    lanes, width = target.width // 4, target.width
    v = f"<{lanes} x float>"
    take = lambda i: (
        f"  %a{i} = getelementptr i8, ptr %at, i64 {i * width}\n"
        f"  %l{i} = load volatile {v}, ptr %a{i}, align 4\n  %y{i} = fadd {v} %x{i}, %l{i}")
    step = ("  %place = phi i64 [ 0, %entry ], [ %wrapped, %loop ]\n"
            "  %at = getelementptr i8, ptr %from, i64 %place\n"
            f"  %moved = add i64 %place, {8 * width}\n  %end = icmp eq i64 %moved, %size\n"
            "  %wrapped = select i1 %end, i64 0, i64 %moved\n")
    turns = (f"  %total = mul i64 %size, %repeat\n  %turns = udiv i64 %total, {8 * width}\n")
    text = _loop(v, 8, "ptr %from, i64 %size, i64 %repeat", "%turns", turns, take, "read")
    return text.replace("  ; turn\n", step)


def _loop(v: str, chains: int, arguments: str, turns: str, before: str,
          one: Callable[[int], str], name: str) -> str:
    """A function that carries `chains` vectors through a loop and gives one number of them."""
    phis = "\n".join(f"  %x{i} = phi {v} [ zeroinitializer, %entry ], [ %y{i}, %loop ]"
                     for i in range(chains))
    sums = [f"  %s0 = fadd {v} %y0, zeroinitializer"]
    sums += [f"  %s{i} = fadd {v} %s{i - 1}, %y{i}" for i in range(1, chains)]
    return "\n".join([
        f"define float @{name}({arguments}) {{", "entry:", before + "  br label %loop", "loop:",
        "  %i = phi i64 [ 0, %entry ], [ %next, %loop ]", phis, "  ; turn",
        *map(one, range(chains)),
        "  %next = add i64 %i, 1", f"  %more = icmp slt i64 %next, {turns}",
        "  br i1 %more, label %loop, label %done", "done:", *sums,
        f"  %r = extractelement {v} %s{chains - 1}, i32 0", "  ret float %r", "}", ""])
