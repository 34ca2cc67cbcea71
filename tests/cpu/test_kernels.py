"""Kernels one by one: shared between programs, loops, processes and runs; compiled when missing."""

from __future__ import annotations

import multiprocessing
import os

import numpy as np
import pytest

from sheer import ops
from sheer.backends.cpu import backend
from sheer.backends.cpu.backend import CpuBackend
from sheer.backends.cpu.ir import target
from sheer.backends.cpu.runtime import cache, kernels
from sheer.graph import Graph, float32, int64
from sheer.graph.digest import digest
from sheer.ops.index import take
from sheer.ops.loop import Scan
from sheer.ops.primitive import results
from sheer.ops.structure import Input


@pytest.fixture
def emitted(monkeypatch, tmp_path):
    """The modules that LLVM is asked to compile, with nothing in the caches before."""
    monkeypatch.setenv("SHEER_CACHE", str(tmp_path))
    monkeypatch.setattr(kernels, "_loaded", type(kernels._loaded)())
    texts: list[str] = []
    emit = kernels.emit
    def recorded(text, *rest):
        texts.append(text)
        return emit(text, *rest)
    monkeypatch.setattr(kernels, "emit", recorded)
    return texts


GIVEN = [np.eye(8, dtype=np.float32), np.ones((16, 8), np.float32)]


def looped(length: int, rows: int = 16) -> Graph:
    """`length` steps of h = tanh(h w) - h."""
    w, h = Input(0, (8, 8), float32)(), Input(1, (rows, 8), float32)()
    body = Graph([w, h], [ops.tanh(ops.matmul(h, w)) - h])
    a, b = Input(0, (8, 8), float32)(), Input(1, (rows, 8), float32)()
    return Graph([a, b], [results(Scan(body, 1, 1, length)(a, b))[0]])


def test_another_loop_length_compiles_nothing(emitted):
    w, h = np.eye(8, dtype=np.float32), np.ones((16, 8), np.float32)
    CpuBackend().compile(looped(2))
    before = len(emitted)
    for length in (3, 4, 100):
        program = CpuBackend().compile(looped(length))
        want = h
        for _ in range(length):
            want = np.tanh(want @ w) - want
        np.testing.assert_allclose(program([w, h])[0], want, rtol=1e-5, atol=1e-6)
    assert len(emitted) == before
    CpuBackend().compile(looped(3, rows=7))         # the ragged last batch needs its own
    assert len(emitted) == 2 * before


def test_a_new_process_compiles_nothing(emitted, monkeypatch):
    first = CpuBackend().compile(looped(3))
    before = len(emitted)
    monkeypatch.setattr(kernels, "_loaded", type(kernels._loaded)())       # as in a new process
    again = CpuBackend().compile(looped(5))
    assert len(emitted) == before
    assert first is not again
    assert np.isfinite(again(GIVEN)[0]).all()


def test_kernels_go_when_their_programs_go(emitted):
    program = CpuBackend().compile(looped(3))
    assert len(kernels._loaded) == len(emitted)
    del program
    import gc
    gc.collect()
    assert len(kernels._loaded) == 0


def test_a_damaged_kernel_is_compiled_again(emitted, tmp_path, monkeypatch):
    CpuBackend().compile(looped(3))
    before = len(emitted)
    for entry in (tmp_path / "objects").iterdir():
        entry.write_bytes(entry.read_bytes()[:-9])
    monkeypatch.setattr(kernels, "_loaded", type(kernels._loaded)())
    CpuBackend().compile(looped(3))
    assert len(emitted) == 2 * before


def test_a_machine_with_fewer_features_compiles_its_own(emitted, monkeypatch):
    narrower = [name for name in ("avx2", "sse") if name in target._choices()][-1]
    if target.host_target().name == narrower:
        pytest.skip("this machine has nothing to take away")
    CpuBackend().compile(looped(3))
    before = len(emitted)
    monkeypatch.setenv("SHEER_CPU", narrower)
    narrow = CpuBackend().compile(looped(3))
    assert len(emitted) == 2 * before
    assert np.isfinite(narrow(GIVEN)[0]).all()


def _compile_in(path: str, queue) -> None:
    os.environ["SHEER_CACHE"] = path
    program = CpuBackend().compile(looped(6))
    queue.put(program([np.eye(8, dtype=np.float32), np.ones((16, 8), np.float32)])[0])


def test_two_processes_compile_the_same_kernel(tmp_path):
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    pair = [context.Process(target=_compile_in, args=(str(tmp_path), queue)) for _ in range(2)]
    for p in pair: p.start()
    found = [queue.get(timeout=60) for _ in pair]
    for p in pair: p.join()
    np.testing.assert_array_equal(*found)
    assert {p.suffix for p in (tmp_path / "objects").iterdir()} == {".o"}
    assert cache.ObjectCache(tmp_path / "objects").read("nothing") is None


def test_the_digest_is_the_structure():
    x, y = Input(0, (3,), float32)(), Input(1, (3,), float32)()
    assert digest(Graph([x, y], [x * 2.0 + y])) == digest(Graph([x, y], [x * 2.0 + y]))
    others = [Graph([x, y], [x * 2.0 + x]), Graph([x, y], [x * 3.0 + y]), Graph([x], [x * 2.0]),
              Graph([y, x], [x * 2.0 + y]), looped(3), looped(4), looped(3, 5)]
    assert len({digest(g) for g in others}) == len(others)


# ---- plans -----------------------------------------------------------------------------------


@pytest.fixture
def planned(emitted, monkeypatch):
    """The graphs that are planned, rather than found on the disk."""
    graphs: list[Graph] = []
    plan = backend.compile_graph
    def recorded(graph, donate):
        graphs.append(graph)
        return plan(graph, donate)
    monkeypatch.setattr(backend, "compile_graph", recorded)
    return graphs


def test_a_known_graph_is_not_planned_again(planned, emitted, monkeypatch):
    first = CpuBackend().compile(looped(7))
    assert len(planned) == 1
    before = len(emitted)
    monkeypatch.setattr(kernels, "_loaded", type(kernels._loaded)())       # as in a new process
    again = CpuBackend().compile(looped(7))
    np.testing.assert_array_equal(again(GIVEN)[0], first(GIVEN)[0])
    assert (len(planned), len(emitted)) == (1, before)
    assert "contract" in str(again.program)             # planned when somebody looks
    assert len(planned) == 2
    np.testing.assert_array_equal(again(GIVEN)[0], first(GIVEN)[0])


def test_donation_is_part_of_what_is_known(planned):
    x = Input(0, (4,), float32)()
    graph = Graph([x], [x + 1.0])
    plain, over = CpuBackend().compile(graph), CpuBackend().compile(graph, {0: 0})
    assert len(planned) == 2
    mine = np.zeros(4, np.float32)
    assert plain([mine])[0] is not mine
    assert over([mine])[0] is mine
    np.testing.assert_array_equal(mine, 1)


def test_a_plan_without_its_kernels_is_made_again(planned, emitted, tmp_path, monkeypatch):
    CpuBackend().compile(looped(3))
    before = len(emitted)
    for entry in (tmp_path / "objects").iterdir():
        if not entry.name.startswith("program_"):
            entry.unlink()
    monkeypatch.setattr(kernels, "_loaded", type(kernels._loaded)())
    assert np.isfinite(CpuBackend().compile(looped(3))(GIVEN)[0]).all()
    assert (len(planned), len(emitted)) == (2, 2 * before)


def test_host_calls_come_back_from_the_disk(planned):
    table, rows = Input(0, (3, 4), float32)(), Input(1, (2,), int64)()
    spread = Input(2, (3, 3), float32)()
    graph = Graph([table, rows, spread],
                  [take(table, rows, 0), ops.Cholesky()(spread)])
    given = [np.ones((3, 4), np.float32), np.array([0, 2]), np.eye(3, dtype=np.float32) * 4]
    for _ in range(2):
        program = CpuBackend().compile(graph)
        np.testing.assert_array_equal(program(given)[1], np.eye(3) * 2)
        with pytest.raises(IndexError, match="7"):
            program([given[0], np.array([0, 7]), given[2]])
    assert len(planned) == 1
