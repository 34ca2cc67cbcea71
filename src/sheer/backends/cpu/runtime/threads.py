"""Persistent native threads: a compiled program's parallel loops in, all cores at work out.

`start()` makes the workers; generated code reaches them by `parallel_for`, `parallel_region` and
`barrier`, without Python and without the GIL.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import signal
import sys
import threading
import time
from pathlib import Path

from sheer.graph.dtypes import int64
from sheer.graph.errors import ArgumentError

from ..ir.control import Control
from ..ir.target import host_target
from ..ir.values import POINTER, Operand, Value
from .jit import Library, compile_ir, shared_symbols
from .threads_ir import FIELDS, MAX_THREADS, NEAR_ONLY, POOL_BYTES, REGION, runtime_ir

SHARED = ("sheer_launch", "sheer_barrier", "sheer_flush_on", "sheer_flush_restore")
_START_SECONDS = 10.0     # a worker that has not come up by then never will
_FAR_SECONDS = 4.5e-7     # of a launch that only meets: 5.6e-7 without a common L3, less with one
_LOOK_SECONDS = 0.5       # between two looks at the distance, of some 50 us each
_STOP_SECONDS = 2.0       # for a launch that is still running when the process ends


# -- what a generated program says -------------------------------------------------------------


def parallel_for(b: Control, function: str, count: Operand, context: Value, *,
                 chunk: Operand = 0, threads: int = MAX_THREADS, near_only: bool = False) -> None:
    """Call `function(context, begin, end, thread)` of this module over 0 ... count - 1.

    `near_only`: on one thread where the cores take long to see each other's memory. `chunk` 0
    gives each thread one even share; a positive one hands out chunks by turns, which is better
    when shares differ or another process takes a core. At most `threads` take part. Inside another
    parallel loop it runs on the calling thread.
    """
    limit = threads + NEAR_ONLY * near_only
    _launch(b, function, context, b.index(count), b.index(chunk), b.index(limit))


def parallel_region(b: Control, function: str, context: Value, *,
                    threads: Operand = MAX_THREADS) -> None:
    """Call `function(context, thread, threads, thread)` once per thread; there `barrier` works."""
    _launch(b, function, context, b.index(0), b.index(REGION), b.index(threads))


def barrier(b: Control, threads: Value) -> None:
    """Wait inside a parallel region until all `threads` of it have come here."""
    b.invoke("sheer_barrier", threads, external=True)


def task_arguments() -> list[tuple[str, object]]:
    """The arguments of a function that `parallel_for` calls."""
    return [("context", POINTER), ("begin", int64), ("end", int64), ("thread", int64)]


def flush_on(b: Control) -> Value:
    """Denormals become zero on this thread from here on; the old setting, for `flush_restore`.

    Adam's state of dead units turns denormal within an epoch, which costs 2.5 to 3.5 times.
    """
    old = b.invoke("sheer_flush_on", returns=(int64, 1), external=True)
    assert old is not None
    return old


def flush_restore(b: Control, old: Value) -> None:
    """Put back the caller's setting, at every exit of a program."""
    b.invoke("sheer_flush_restore", old, external=True)


def _launch(b: Control, function: str, *arguments: Value) -> None:
    b.invoke("sheer_launch", Value(f'@"{function}"', POINTER), *arguments, external=True)


# -- how many threads --------------------------------------------------------------------------


def thread_count() -> int:
    """SHEER_THREADS, else OMP_NUM_THREADS, else the processors this process may use.

    Raises E623 when SHEER_THREADS is not a positive number.
    """
    asked = os.environ.get("SHEER_THREADS", "").strip()
    if asked:
        if not asked.isdigit() or int(asked) < 1:
            raise ArgumentError("E623", "threads", f"SHEER_THREADS={asked} is no number of threads",
                                need="1, 2, ...")
        return min(int(asked), MAX_THREADS)
    omp = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if omp.isdigit() and int(omp) > 0:
        return min(int(omp), MAX_THREADS)
    return max(1, min(_allowed_processors(), _cgroup_processors(), MAX_THREADS))


def _allowed_processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cgroup_processors(root: Path = Path("/sys/fs/cgroup")) -> int:
    """The whole processors in the container's time quota (versions 2 and 1), or no limit."""
    try:
        quota, period = (root / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (root / "cpu" / "cpu.cfs_quota_us").read_text().strip()
            period = (root / "cpu" / "cpu.cfs_period_us").read_text().strip()
        except OSError:
            return MAX_THREADS
    if not quota.isdigit() or int(period) <= 0:
        return MAX_THREADS            # "max" or -1
    return max(1, int(quota) // int(period))


# -- the workers -------------------------------------------------------------------------------


class _Pool:
    """The workers of this process."""

    def __init__(self) -> None:
        self.library: Library | None = None
        self.handles: list[ctypes.c_void_p] = []
        self.size = 0                # 0: not started
        self.lock = threading.Lock()  # of who changes the number of threads
        self.next_look = 0.0         # when to measure the distance of the cores again

    def load(self) -> Library:
        """Compile the runtime and let programs link to it."""
        if self.library is None:
            target = host_target()
            self.library = compile_ir(runtime_ir(target), target)
            for name in SHARED:
                shared_symbols[name] = self.library.address(name)
        return self.library

    def start(self, count: int) -> None:
        """Let so many threads take part. Workers that are up stay, for a launch may be under way:
        those beyond `count` are not asked.
        """
        library = self.load()
        blocked = _block_signals()
        create = getattr(ctypes.CDLL(None), "pthread_create", None)
        for tid in range(1 + len(self.handles), count if sys.platform != "win32" else 1):
            handle = ctypes.c_void_p()
            worker = ctypes.c_void_p(library.address("sheer_worker"))
            if create is None or create(ctypes.byref(handle), None, worker, ctypes.c_void_p(tid)):
                break                    # the system refuses more threads: use those there are
            self.handles.append(handle)
        _restore_signals(blocked)
        self._wait_until_up()
        self.size = min(count, 1 + len(self.handles))
        self.field("size").value = self.size
        self.look()

    def field(self, name: str) -> ctypes.c_int64:
        """A field of the native pool."""
        return ctypes.c_int64.from_address(self.address() + 64 * FIELDS.index(name))

    def address(self) -> int:
        result = self.load().function("sheer_pool_address", [], ctypes.c_uint64)()
        return int(result)

    def _wait_until_up(self) -> None:
        limit = time.monotonic() + _START_SECONDS
        while self.field("started").value < len(self.handles):
            if time.monotonic() > limit:
                raise RuntimeError(f"worker threads did not start in {_START_SECONDS:.0f} s")
            time.sleep(0)

    def look(self) -> None:
        """Find out now and then whether the cores are far apart: a host may move them."""
        now = time.monotonic()
        if self.size > 1 and now > self.next_look:
            self.field("far").value = self._round() > _FAR_SECONDS
            took = time.monotonic() - now          # long where other programs keep a core busy
            self.next_look = now + max(_LOOK_SECONDS, 100 * took)

    def _round(self, times: int = 20) -> float:
        """Seconds in which two threads meet, at best: some three moves of a cache line."""
        rounds = self.load().function("sheer_rounds", [ctypes.c_int64, ctypes.c_int64])
        best = _START_SECONDS
        for _ in range(4):
            begin = time.perf_counter()
            rounds(times, 2)
            best = min(best, (time.perf_counter() - begin) / times)
        return best

    def stop(self) -> None:
        """Let every worker return, and wait for it."""
        if self.library is None or self.size == 0:
            return
        self.field("size").value = 1          # launches from now on run alone
        limit = time.monotonic() + _STOP_SECONDS
        while self.field("busy").value:       # another Python thread's launch is under way
            if time.monotonic() > limit:
                return                        # it may run for hours: leave the workers to it
            time.sleep(0.001)
        self.library.function("sheer_stop", [])()
        for handle in self.handles:
            ctypes.CDLL(None).pthread_join(handle, None)
        self.forget()

    def forget(self) -> None:
        """Back to the state before `start`; after a fork the workers are simply not there."""
        self.handles, self.size, self.next_look = [], 0, 0.0
        self.lock = threading.Lock()         # after a fork, nobody else is there to release it
        if self.library is not None:
            ctypes.memset(self.address(), 0, POOL_BYTES)


def _block_signals() -> set[signal.Signals] | None:
    """Workers inherit a mask with every signal blocked: signals belong to Python's main thread."""
    if not hasattr(signal, "pthread_sigmask"):
        return None
    return {signal.Signals(s) for s in signal.pthread_sigmask(
        signal.SIG_BLOCK, signal.valid_signals()) if s in set(signal.Signals)}


def _restore_signals(blocked: set[signal.Signals] | None) -> None:
    if blocked is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


_pool = _Pool()


def start(count: int | None = None) -> int:
    """Make sure the workers run; how many threads there are, the calling one included.

    Cheap when they do. Call it before running a program: after a fork the child has none, and
    programs run on one thread until it is called again.
    """
    if _pool.size != (count or _pool.size or thread_count()):
        with _pool.lock:
            _pool.start(count or thread_count())
    _pool.look()
    return _pool.size


def size() -> int:
    """How many threads take part, or will."""
    return _pool.size or thread_count()


def use(count: int) -> None:
    """From now on so many take part, also in programs that are compiled already."""
    os.environ["SHEER_THREADS"] = str(count)          # for what is compiled, here and in children
    start(thread_count())


def stop() -> None:
    """End the workers; `start` makes new ones."""
    _pool.stop()


def link_runtime() -> None:
    """Let compiled programs call the pool, without starting it."""
    _pool.load()


atexit.register(stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.forget)
