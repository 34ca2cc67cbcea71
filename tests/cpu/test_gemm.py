"""The matrix product: against NumPy for odd sizes and strides; splits never change a bit."""

from __future__ import annotations

import ctypes
import re

import numpy as np
import pytest

from sheer.backends.cpu.gemm.product import Gemm, emit_gemm, grain, plan, workspace_elements
from sheer.backends.cpu.ir.builder import Builder
from sheer.backends.cpu.ir.values import POINTER
from sheer.backends.cpu.runtime.jit import compile_ir, emit_asm
from sheer.graph.dtypes import dtype_of, float32, int64

SIZES = [(1, 1, 1), (2, 3, 4), (7, 65, 9), (13, 130, 33), (1, 100, 40), (40, 1, 100), (6, 64, 1),
         (17, 10, 128), (3, 200, 16), (32, 64, 20), (25, 15, 31), (5, 7, 0)]


def write(target, spec, epilogue=None):
    """A module with `gemm(a, b, c, w, row_begin, row_end, col_begin, col_end)`."""
    b = Builder(target)
    names = [(n, POINTER) for n in "abcw"] + [(n, int64) for n in ("r0", "r1", "c0", "c1")]
    with b.function("gemm", names) as (a, other, c, w, r0, r1, c0, c1):
        emit_gemm(b, spec, a, other, c, w, rows=(r0, r1), columns=(c0, c1), epilogue=epilogue)
    return b.text()


def compiled(target, spec, epilogue=None):
    library = compile_ir(write(target, spec, epilogue), target)
    call = library.function("gemm", [ctypes.c_void_p] * 4 + [ctypes.c_int64] * 4)
    space = np.zeros(workspace_elements(spec, target) + 16, spec.dtype.numpy)

    def run(a, b, c, rows=None, columns=None):
        call(a.ctypes.data, b.ctypes.data, c.ctypes.data, space.ctypes.data,
             *(rows or (0, spec.m)), *(columns or (0, spec.n)))
        return c
    return run


def strided(array):
    return tuple(s // array.itemsize for s in array.strides)


def spec_of(a, b, c, **more):
    m, k = a.shape
    return Gemm(m, b.shape[1], k, dtype_of(a.dtype), *strided(a), *strided(b), *strided(c), **more)


def operands(m, n, k, dtype, turn):
    """A, B and C; `turn` says which of them lie transposed in memory."""
    rng = np.random.default_rng(0)
    draw = lambda *s: (rng.integers(-9, 9, s) if np.dtype(dtype).kind == "i"
                       else rng.normal(size=s)).astype(dtype)
    shapes = [(m, k), (k, n), (m, n)]
    return [draw(*s[::-1]).T if letter in turn else draw(*s)
            for letter, s in zip("abc", shapes, strict=True)]


def check(got, a, b, start=0):
    want = a.astype(np.float64) @ b.astype(np.float64) + start
    limit = np.abs(a).astype(np.float64) @ np.abs(b).astype(np.float64) + np.abs(start)
    eps = np.finfo(got.dtype).eps if got.dtype.kind == "f" else 0
    assert (np.abs(got - want) <= 4 * eps * limit + 1e-300).all()


@pytest.mark.parametrize("turn", ["", "a", "b", "ab", "c", "abc"])
def test_any_layout_of_the_operands(target, turn):
    for m, n, k in SIZES:
        a, b, c = operands(m, n, k, np.float32, turn)
        run = compiled(target, spec_of(a, b, c))
        check(run(a, b, c), a, b)


@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.int64])
def test_other_dtypes(target, dtype):
    for m, n, k in SIZES[2:6]:
        a, b, c = operands(m, n, k, dtype, "b")
        check(compiled(target, spec_of(a, b, c))(a, b, c), a, b)


def test_accumulate_and_strides_that_are_nowhere_one(target):
    rng = np.random.default_rng(1)
    a, b, c = (rng.normal(size=s).astype(np.float32)[::2, ::3] for s in
               ((30, 60), (40, 120), (30, 120)))
    start = c.astype(np.float64)
    check(compiled(target, spec_of(a, b, c, accumulate=True))(a, b, c), a, b, start)


def test_long_k_goes_in_blocks(target):
    a, b, c = operands(9, 70, 9001, np.float32, "")
    add_one = lambda builder, v, row, column, mask: builder.add(v, 1.0)
    check(compiled(target, spec_of(a, b, c), add_one)(a, b, c), a, b, 1.0)


@pytest.mark.parametrize("m", [1024, 2048])
@pytest.mark.parametrize(("n", "k"), [(70, 300), (64, 3000)])
def test_columns_of_a_that_share_their_places_in_the_caches(target, m, n, k):
    """A is copied a group of rows at a time, within any limits, in blocks of k or not."""
    a, b, c = operands(m, n, k, np.float32, "a")
    spec = spec_of(a, b, c)
    made = plan(spec, target)
    assert made.stage
    add_one = lambda builder, v, row, column, mask: builder.add(v, 1.0)
    run = compiled(target, spec, add_one)
    whole = run(a, b, c).copy()
    check(whole, a, b, 1.0)
    c[:] = 0
    cut = 19 * made.rows                          # in the middle of a group
    run(a, b, c, (0, cut))
    run(a, b, c, (cut, m))
    np.testing.assert_array_equal(c, whole)


@pytest.mark.parametrize("turn", ["", "b", "c"])
def test_splits_do_not_change_a_bit(target, turn):
    a, b, c = operands(50, 200, 77, np.float32, turn)
    spec = spec_of(a, b, c)
    run = compiled(target, spec)
    whole = run(a, b, c).copy()
    rows, columns = grain(spec, target)
    c[:] = 0
    for r in range(0, 50, 2 * rows):
        for j in range(0, 200, columns):
            run(a, b, c, (r, min(50, r + 2 * rows)), (j, min(200, j + columns)))
    np.testing.assert_array_equal(c, whole)


@pytest.mark.parametrize("turn", ["", "c"])
@pytest.mark.parametrize("shape", [(13, 70, 8), (1, 40, 64), (40, 1, 64)])
def test_epilogue_sees_its_rows_and_columns(target, turn, shape):
    a, b, c = operands(*shape, np.float32, turn)
    spec = spec_of(a, b, c)

    def epilogue(builder, value, row, column, mask):
        lanes = builder.cast(builder.iota(value.lanes), float32)
        row, column = (builder.cast(v, float32) for v in (row, column))
        row, column = (builder.add(row, lanes), column) if spec.transposed else (
            row, builder.add(column, lanes))
        return builder.add(value, builder.add(builder.mul(row, 1000.0), column))

    i, j = np.indices(c.shape)
    check(compiled(target, spec, epilogue)(a, b, c), a, b, 1000 * i + j)


def test_packed_strips(target):
    a, b, c = operands(20, 150, 30, np.float32, "")
    spec = spec_of(a, b, c, packed=True)
    strip = plan(spec, target).strip
    padded = np.zeros((30, -(-150 // strip) * strip), np.float32)
    padded[:, :150] = b
    packed = np.ascontiguousarray(padded.reshape(30, -1, strip).transpose(1, 0, 2))
    check(compiled(target, spec)(a, packed, c), a, b)


@pytest.mark.parametrize("m", [6, 128])
@pytest.mark.parametrize("n", [10, 24, 40, 128])
def test_inner_loop_keeps_everything_in_registers(target, m, n):
    spec = Gemm(m, n, 300, float32, 300, 1, n, 1, n)
    for loop in inner_loops(emit_asm(write(target, spec), target)):
        assert not re.search(r"\(%rsp", loop), loop


def inner_loops(asm):
    """The text of each loop whose body multiplies."""
    parts = re.split(r"^(\.LBB\d+_\d+):", asm, flags=re.MULTILINE)
    for label, body in zip(parts[1::2], parts[2::2], strict=True):
        backward = re.search(rf"\tj\w+\t{re.escape(label)}\b", body)
        if backward and re.search(r"fmadd|mulps", body):
            yield body[:backward.end()]
