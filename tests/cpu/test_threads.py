"""The thread pool: every index once, barriers, nesting, forks, denormals."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import threading

import numpy as np
import pytest

from sheer.backends.cpu.ir.builder import Builder
from sheer.backends.cpu.ir.target import host_target
from sheer.backends.cpu.ir.values import POINTER
from sheer.backends.cpu.runtime import threads
from sheer.backends.cpu.runtime.jit import compile_ir
from sheer.graph.dtypes import float32, int64

POINTERS = [ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64]


@pytest.fixture(autouse=True)
def two_threads():
    """Two of them, whatever machine this is."""
    threads.start(2)
    yield
    threads.stop()


def counting():
    """`count(y, n, chunk)`: y[i] += 1 and y[n + i] = thread, for every i in parallel."""
    b = Builder(host_target())
    with b.function("part", threads.task_arguments(), internal=True) as (y, begin, end, thread):
        n = b.load(y, -1, int64)
        with b.loop(begin, end) as i:
            b.store(y, i, b.add(b.load(y, i, int64), 1))
            b.store(y, b.add(n, i), thread)
    with b.function("count", [("y", POINTER), ("n", int64), ("chunk", int64)]) as (y, n, chunk):
        b.store(y, -1, n)
        threads.parallel_for(b, "part", n, y, chunk=chunk)
    return compile_ir(b.text(), host_target()).function("count", POINTERS)


def run_count(count, n, chunk):
    data = np.zeros(2 * n + 1, np.int64)
    count(data.ctypes.data + 8, n, chunk)
    return data[1:1 + n], data[1 + n:]


@pytest.mark.parametrize("chunk", [0, 1, 7])
@pytest.mark.parametrize("n", [0, 1, 2, 5, 1000])
def test_every_index_runs_once(n, chunk):
    count = counting()
    for _ in range(50):
        seen, _ = run_count(count, n, chunk)
        np.testing.assert_array_equal(seen, 1)


def test_even_shares_have_one_thread_each():
    """Whoever is awake claims a share: a thread that the system does not run is not waited for."""
    _, who = run_count(counting(), 1000, 0)
    assert len(set(who[:500].tolist())) == 1
    assert len(set(who[500:].tolist())) == 1
    assert set(who.tolist()) <= {0, 1}


def test_launch_after_the_workers_fell_asleep():
    count = counting()
    threading.Event().wait(0.1)               # far longer than they spin
    seen, _ = run_count(count, 1000, 0)
    np.testing.assert_array_equal(seen, 1)


def test_two_python_threads_may_launch_at_once():
    count = counting()
    errors = []

    def many():
        for _ in range(300):
            if (run_count(count, 100, 3)[0] != 1).any():
                errors.append("an index ran twice or never")

    pair = [threading.Thread(target=many) for _ in range(2)]
    for t in pair: t.start()
    for t in pair: t.join()
    assert not errors


def test_the_number_changes_under_a_launch_and_no_worker_twice():
    """Whoever asks for other numbers while a launch runs gets no second worker of a name."""
    count, stopped, errors = counting(), threading.Event(), []

    def many():
        while not stopped.is_set():
            if (run_count(count, 10_000, 3)[0] != 1).any():
                errors.append("an index ran twice or never")

    other = threading.Thread(target=many)
    other.start()
    for wanted in [3, 1, 2, 4, 1, 3] * 20:
        assert threads.start(wanted) == wanted
    stopped.set()
    other.join()
    assert not errors
    assert len(threads._pool.handles) == 3                 # of four threads, one is the caller
    assert set(run_count(count, 1000, 0)[1].tolist()) <= {0, 1, 2}


def test_barrier_orders_what_threads_write():
    b = Builder(host_target())
    with b.function("part", threads.task_arguments(), internal=True) as (y, tid, size, _), \
            b.loop(1, 200) as turn:
        b.store(y, b.mul(tid, 8), turn)
        threads.barrier(b, size)
        other = b.load(y, b.mul(b.sub(b.sub(size, 1), tid), 8), int64)
        wrong = b.cast(b.ne(other, turn), int64)
        at = b.add(b.mul(tid, 8), 1)
        b.store(y, at, b.add(b.load(y, at, int64), wrong))
        threads.barrier(b, size)
    with b.function("both", [("y", POINTER)]) as (y,):
        threads.parallel_region(b, "part", y)
    both = compile_ir(b.text(), host_target()).function("both", [ctypes.c_void_p])
    data = np.zeros(16, np.int64)
    for _ in range(20):
        both(data.ctypes.data)
    assert (data[1], data[9]) == (0, 0)
    assert (data[0], data[8]) == (199, 199)


def test_a_nested_launch_runs_alone():
    b = Builder(host_target())
    with b.function("leaf", threads.task_arguments(), internal=True) as (y, begin, end, _), \
            b.loop(begin, end) as i:
        b.store(y, i, b.add(b.load(y, i, int64), 1))
    with b.function("part", threads.task_arguments(), internal=True) as (y, begin, end, _), \
            b.loop(begin, end) as i:
        threads.parallel_for(b, "leaf", 8, b.offset(y, b.mul(i, 8), int64))
    with b.function("outer", [("y", POINTER)]) as (y,):
        threads.parallel_for(b, "part", 4, y)
    outer = compile_ir(b.text(), host_target()).function("outer", [ctypes.c_void_p])
    data = np.zeros(32, np.int64)
    outer(data.ctypes.data)
    np.testing.assert_array_equal(data, 1)


def test_denormals_are_flushed_inside_and_kept_outside():
    b = Builder(host_target())
    with b.function("half", [("x", POINTER)]) as (x,):
        old = threads.flush_on(b)
        b.store(x, 0, b.mul(b.load(x, 0, float32), 0.5))
        threads.flush_restore(b, old)
        b.store(x, 1, b.mul(b.load(x, 1, float32), 0.5))
    half = compile_ir(b.text(), host_target()).function("half", [ctypes.c_void_p])
    tiny = np.finfo(np.float32).tiny
    data = np.float32([tiny, tiny])
    half(data.ctypes.data)
    if host_target().x86:
        assert data[0] == 0
    assert data[1] == tiny / 2


def _in_child(queue):
    queue.put((run_count(counting(), 100, 0)[0].tolist(), threads.start(2),
               run_count(counting(), 100, 0)[0].tolist()))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_runs_alone_and_can_start_its_own():
    run_count(counting(), 100, 0)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_in_child, args=(queue,))
    child.start()
    assert queue.get(timeout=20) == ([1] * 100, 2, [1] * 100)
    child.join(20)
    assert child.exitcode == 0


def test_how_many_threads(monkeypatch, tmp_path):
    monkeypatch.setenv("SHEER_THREADS", "3")
    monkeypatch.setenv("OMP_NUM_THREADS", "5,2")
    assert threads.thread_count() == 3
    monkeypatch.delenv("SHEER_THREADS")
    assert threads.thread_count() == 5
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert 1 <= threads.thread_count() <= len(os.sched_getaffinity(0))
    monkeypatch.setenv("SHEER_THREADS", "many")
    with pytest.raises(ValueError, match="SHEER_THREADS=many is no number of threads"):
        threads.thread_count()


def test_cgroup_quota(tmp_path):
    assert threads._cgroup_processors(tmp_path) == threads.MAX_THREADS
    (tmp_path / "cpu.max").write_text("250000 100000\n")
    assert threads._cgroup_processors(tmp_path) == 2
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert threads._cgroup_processors(tmp_path) == threads.MAX_THREADS
