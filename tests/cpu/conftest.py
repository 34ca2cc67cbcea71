"""What the tests of the CPU backend share: a private object cache and a way to run a builder."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np
import pytest

from sheer.backends.cpu.ir.builder import Builder
from sheer.backends.cpu.ir.target import Target, host_target
from sheer.backends.cpu.ir.values import POINTER, Value
from sheer.backends.cpu.runtime.jit import compile_ir
from sheer.graph.dtypes import dtype_of, int64


@pytest.fixture(scope="session", autouse=True)
def private_cache(tmp_path_factory):
    """No test reads what another run left behind."""
    patch = pytest.MonkeyPatch()
    patch.setenv("SHEER_CACHE", str(tmp_path_factory.mktemp("objects")))
    yield
    patch.undo()


@pytest.fixture(params=["avx512", "avx2", "sse"])
def target(request, monkeypatch) -> Target:
    """Every processor this machine can pretend to be."""
    monkeypatch.setenv("SHEER_CPU", request.param)
    try:
        return host_target()
    except ValueError as error:
        pytest.skip(str(error))


@pytest.fixture
def elementwise():
    """Run `body(b, *values)` over arrays, `lanes` at a time, with a masked tail."""
    return run_elementwise


def run_elementwise(
    body: Callable[..., Value], *arrays: np.ndarray, target: Target, lanes: int | None = None,
    out: np.dtype | type | None = None,
) -> np.ndarray:
    kinds = [dtype_of(a.dtype) for a in arrays]
    lanes = lanes or target.lanes(kinds[0])
    result = np.empty(arrays[0].shape, out or arrays[0].dtype)
    b = Builder(target)
    names = [(f"x{i}", POINTER) for i in range(len(arrays))]
    with b.function("run", [*names, ("y", POINTER), ("n", int64)]) as values:
        *inputs, y, n = values
        whole = b.sub(n, b.rem(n, lanes))
        with b.loop(0, whole, lanes) as i:
            loaded = [b.load(x, i, k, lanes) for x, k in zip(inputs, kinds, strict=True)]
            b.store(y, i, body(b, *loaded))
        if lanes > 1:
            with b.if_(b.lt(whole, n)):
                mask = b.tail_mask(b.sub(n, whole), lanes)
                loaded = [b.load_masked(x, whole, mask, k)
                          for x, k in zip(inputs, kinds, strict=True)]
                b.store_masked(y, whole, body(b, *loaded), mask)
    library = compile_ir(b.text(), target)
    arguments = [ctypes.c_void_p] * (len(arrays) + 1) + [ctypes.c_int64]
    run = library.function("run", arguments)
    run(*(a.ctypes.data for a in arrays), result.ctypes.data, arrays[0].size)
    return result
