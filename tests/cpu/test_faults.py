"""Faults: threads, forks, Ctrl-C, too little memory, many programs; nothing lost, nothing wrong."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import sheer
from sheer import ops
from sheer.backends.cpu.backend import CpuBackend
from sheer.backends.cpu.ir.target import host_target
from sheer.backends.cpu.runtime import arena, available, threads
from sheer.graph import Graph, MemoryLimitError, float32, int64
from sheer.ops.index import take
from sheer.ops.structure import Input
from sheer.transforms.loop import scan

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


def chain(count: int = 3, size: int = 4096):
    """A program with several kernels and an arena."""
    x = Input(0, (size,), float32)()
    out = x
    for _ in range(count):
        out = ops.tanh(out - ops.restore(ops.mean(out, (0,)), out.shape, (0,)))
    return CpuBackend().compile(Graph([x], [out]))


# ---- threads ---------------------------------------------------------------------------------


def test_threads_run_one_program_at_the_same_time():
    program, rng = chain(), np.random.default_rng(0)
    given = [np.float32(rng.normal(size=4096)) for _ in range(4)]
    want = [program([x])[0] for x in given]
    wrong: list[int] = []

    def many(i: int) -> None:
        wrong.extend(i for _ in range(200) if not np.array_equal(program([given[i]])[0], want[i]))

    group = [threading.Thread(target=many, args=(i,)) for i in range(4)]
    for one in group: one.start()
    for one in group: one.join()
    assert not wrong


def test_two_threads_train_one_model_without_losing_an_update():
    w = sheer.zeros(100)

    @sheer.jit
    def add(x):
        w.add_(x)

    add(sheer.zeros(100))
    many = lambda: [add(sheer.ones(100)) for _ in range(200)]
    group = [threading.Thread(target=many) for _ in range(2)]
    for one in group: one.start()
    for one in group: one.join()
    np.testing.assert_array_equal(w.numpy(), 400)


# ---- forks -----------------------------------------------------------------------------------


def _use(queue, program, x):
    before = program([x])[0]
    fresh = chain(2)([x])[0]                    # compiles in the child too
    queue.put((before, fresh, threads._pool.size))


@needs_fork
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_computes_the_same():
    threads.start(2)
    program, x = chain(), np.linspace(-1, 1, 4096, dtype=np.float32)
    want = program([x])[0], chain(2)([x])[0]
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_use, args=(queue, program, x))
    child.start()
    *got, size = queue.get(timeout=20)
    child.join(20)
    assert child.exitcode == 0
    for a, b in zip(got, want, strict=True):
        np.testing.assert_array_equal(a, b)
    assert size == threads.thread_count()       # the child has workers of its own


# ---- Ctrl-C ----------------------------------------------------------------------------------

_SETUP = """
import os, signal, sys, threading, time
import numpy as np
import sheer
from sheer.transforms.loop import scan
steps = sheer.zeros(3_000_000)
def ctrl_c():
    threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
"""
_PURE = _SETUP + """
@sheer.jit
def walk(x):
    return scan(lambda c, _: (sheer.tanh(c @ c), ()), x, steps)[0]
walk.program(sheer.eye(64))
ctrl_c()
try:
    walk(sheer.eye(64))
except KeyboardInterrupt:
    print("stopped")
print(float((sheer.eye(3) * 2).sum()))
"""
_STATE = _SETUP + """
w, count = sheer.zeros(64, 64), sheer.zeros(())
@sheer.jit
def train(x):
    def one(c, _):
        a, b, n = c
        return (a + 1.0, sheer.tanh(b @ b) * 0.0 + a + 1.0, n + 1.0), ()
    a, b, n = scan(one, (w * 1.0, x, count * 1.0), steps)[0]
    w.copy_(a)
    count.copy_(n)
train.program(sheer.eye(64))
ctrl_c()
try:
    train(sheer.eye(64))
except KeyboardInterrupt:
    print("stopped")
done = count.item()
assert 0 < done < 3_000_000, done
assert (w.numpy() == done).all(), (w, done)
print("consistent")
"""


@needs_signals
@pytest.mark.parametrize(("code", "want"), [(_PURE, "stopped\n6.0\n"),
                                            (_STATE, "stopped\nconsistent\n")])
def test_ctrl_c_ends_a_long_program_and_loses_no_state(code, want):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          timeout=60, check=False,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert (done.stdout, done.stderr) == (want, "")


@needs_signals
def test_a_signal_handler_may_run_programs_itself():
    heard: list[float] = []
    before = signal.signal(signal.SIGALRM,
                           lambda *_: heard.append(float((sheer.ones(5) * 2).sum())))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        out = sheer.jit(lambda x: scan(lambda c, _: (sheer.tanh(c @ c), ()), x,
                                       sheer.zeros(40_000))[0])(sheer.eye(32) * 0.5)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert heard == [10.0]
    assert np.isfinite(out.numpy()).all()


# ---- the processor's state -------------------------------------------------------------------


def _denormals_work() -> bool:
    tiny = np.finfo(np.float32).tiny
    return bool((np.full(16, tiny) * np.float32(0.5))[0] == tiny / 2)


def _flushes(program) -> bool:
    return program([np.full(4096, np.finfo(np.float32).tiny)])[0][0] == 0


def test_denormals_are_flushed_in_programs_and_kept_outside():
    x = Input(0, (4096,), float32)()
    half = CpuBackend().compile(Graph([x], [x * 0.5]))
    assert _denormals_work()
    if host_target().x86:
        assert _flushes(half)
    assert _denormals_work()


def test_denormals_are_kept_after_an_error():
    table, rows = Input(0, (3, 4), float32)(), Input(1, (2,), int64)()
    look = CpuBackend().compile(Graph([table, rows], [take(table, rows, 0)]))
    with pytest.raises(IndexError):
        look([np.zeros((3, 4), np.float32), np.array([0, 7])])
    assert _denormals_work()
    np.testing.assert_array_equal(look([np.ones((3, 4), np.float32), np.array([0, 2])])[0], 1)


# ---- memory ----------------------------------------------------------------------------------


def test_a_program_that_cannot_fit_says_so_and_names_its_values():
    x = sheer.arange(2**22)
    near = (x[:, None] - x[None, :]).abs()
    with sheer.backend("cpu"), pytest.raises(MemoryLimitError) as error:
        near.numpy()
    text = str(error.value)
    assert text.startswith("program: it needs 141 TB of memory besides its inputs\n  1. 141 TB :")
    assert "test_faults.py" in text
    assert isinstance(error.value, MemoryError)


def test_what_is_free_is_the_least_of_machine_container_and_limit(tmp_path: Path):
    proc, group = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    group.mkdir()
    assert available.available_bytes(proc, group) >= 2**50       # nobody says
    (proc / "meminfo").write_text("MemTotal: 100 kB\nMemAvailable: 60 kB\nSwapFree: 4 kB\n")
    assert available.available_bytes(proc, group) == 64 * 1024
    (group / "memory.max").write_text("max\n")
    (group / "memory.current").write_text("9000\n")
    assert available.available_bytes(proc, group) == 64 * 1024
    (group / "memory.max").write_text("10000\n")
    (group / "memory.stat").write_text("inactive_file 500\nactive_file 20\n")
    assert available.available_bytes(proc, group) == 1520


def test_programs_share_an_arena_unless_they_run_at_the_same_time():
    first = arena.take(1000)
    second = arena.take(1000)
    assert first is not second
    first.give_back()
    assert arena.take(900) is first
    first.give_back()
    second.give_back()


@pytest.mark.slow
def test_a_thousand_programs_live_at_once():
    x = np.ones(8, np.float32)
    node = Input(0, (8,), float32)()
    alive = [CpuBackend().compile(Graph([node], [node + float(i)])) for i in range(1000)]
    for i, program in enumerate(alive):
        assert program([x])[0][0] == 1 + i
    del alive
    gc.collect()
