"""What the builder writes means what NumPy means, on every processor and lane count."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from sheer.backends.cpu.ir.builder import Builder
from sheer.backends.cpu.ir.target import host_target
from sheer.backends.cpu.ir.values import POINTER
from sheer.backends.cpu.runtime.jit import compile_ir
from sheer.graph.dtypes import DTYPES, FLOATS, INTS, bool_, float32, int32, int64

FLOAT_VALUES = [0.0, -0.0, 1.5, -1.5, 2.5, -2.5, 0.5, 1e30, -1e30, np.inf, -np.inf, np.nan, 7.25]
NUMBERS = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "min": np.minimum,
           "max": np.maximum}
COMPARE = {"lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
           "eq": np.equal, "ne": np.not_equal}
IGNORE = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def samples(dtype):
    """Awkward values of a dtype, paired with each other in every way."""
    if dtype.kind == "float":
        one = np.array(FLOAT_VALUES, dtype.numpy)
    elif dtype.kind == "bool":
        one = np.array([False, True])
    else:
        info = np.iinfo(dtype.numpy)
        one = np.array([info.min, info.min + 1, info.max, info.max - 1, 0, 1, 2, 3, 7, 100,
                        *(v for v in (-1, -2, -3, -7) if info.min < 0)], dtype.numpy)
    x, y = np.meshgrid(one, one)
    return x.ravel(), y.ravel()


@IGNORE
@pytest.mark.parametrize("dtype", [*FLOATS, *INTS], ids=str)
def test_arithmetic_and_comparisons(target, elementwise, dtype):
    x, y = samples(dtype)
    for name, meaning in {**NUMBERS, **COMPARE}.items():
        want = meaning(x, y)
        for lanes in (None, 1):
            got = elementwise(lambda b, v, w, n=name: getattr(b, n)(v, w), x, y, target=target,
                              out=want.dtype, lanes=lanes)
            np.testing.assert_array_equal(got, want, name)


@IGNORE
@pytest.mark.parametrize("dtype", [*FLOATS, *INTS], ids=str)
def test_floor_division_and_remainder_never_trap(target, elementwise, dtype):
    x, y = samples(dtype)
    for name, meaning in (("floordiv", np.floor_divide), ("rem", np.remainder)):
        got = elementwise(lambda b, v, w, n=name: getattr(b, n)(v, w), x, y, target=target)
        np.testing.assert_array_equal(got, meaning(x, y), name)
        for constant in (1, 2, 3, 8, *((-1, -3, -4) if dtype.is_signed else ())):
            got = elementwise(lambda b, v, n=name, c=constant: getattr(b, n)(v, c), x,
                              target=target)
            np.testing.assert_array_equal(got, meaning(x, dtype.numpy.type(constant)), name)


@pytest.mark.parametrize("dtype", INTS, ids=str)
def test_shifts_and_bits(target, elementwise, dtype):
    x, _ = samples(dtype)
    y = (np.arange(x.size) % (8 * dtype.size + 3)).astype(dtype.numpy)
    for name, meaning in (("shl", np.left_shift), ("shr", np.right_shift), ("and_", np.bitwise_and),
                          ("or_", np.bitwise_or), ("xor", np.bitwise_xor)):
        got = elementwise(lambda b, v, w, n=name: getattr(b, n)(v, w), x, y, target=target)
        np.testing.assert_array_equal(got, meaning(x, y), name)
    np.testing.assert_array_equal(elementwise(lambda b, v: b.not_(v), x, target=target), ~x)


@IGNORE
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_functions_of_one_float(target, elementwise, dtype):
    x, _ = samples(dtype)
    for name, meaning in (("floor", np.floor), ("ceil", np.ceil), ("trunc", np.trunc),
                          ("round", np.round), ("abs", np.abs), ("neg", np.negative),
                          ("sqrt", np.sqrt), ("isnan", np.isnan),
                          ("rsqrt", lambda v: 1 / np.sqrt(v))):
        want = meaning(x)
        got = elementwise(lambda b, v, n=name: getattr(b, n)(v), x, target=target, out=want.dtype)
        np.testing.assert_array_equal(got, want, name)
        if want.dtype.kind == "f":
            number = ~np.isnan(x)
            np.testing.assert_array_equal(np.signbit(got)[number], np.signbit(want)[number], name)


def test_constants_beside_a_nan(target, elementwise):
    x = np.float32([np.nan, -1, 2])
    np.testing.assert_array_equal(
        elementwise(lambda b, v: b.max(v, 0.0), x, target=target), np.float32([np.nan, 0, 2]))
    np.testing.assert_array_equal(
        elementwise(lambda b, v: b.min(1.0, v), x, target=target), np.float32([np.nan, -1, 1]))


@IGNORE
@pytest.mark.parametrize("old", DTYPES, ids=str)
def test_casts(target, elementwise, old):
    x, _ = samples(old)
    if old.kind == "float":
        x = np.array([0, 1, -1, 2.7, -2.7, 100.9, 0.4], old.numpy)
    for new in DTYPES:
        inside = x[x >= 0] if new.kind == "uint" and old.kind == "float" else x
        got = elementwise(lambda b, v, d=new: b.cast(v, d), inside, target=target, out=new.numpy)
        np.testing.assert_array_equal(got, inside.astype(new.numpy), f"{old} to {new}")


def test_bool_logic_and_select(target, elementwise):
    x, y = samples(bool_)
    words = {"and_": np.logical_and, "or_": np.logical_or, "xor": np.logical_xor}
    for name, meaning in words.items():
        got = elementwise(lambda b, v, w, n=name: getattr(b, n)(v, w), x, y, target=target)
        np.testing.assert_array_equal(got, meaning(x, y))
    got = elementwise(lambda b, v, w: b.select(v, b.not_(w), w), x, y, target=target)
    np.testing.assert_array_equal(got, np.where(x, ~y, y))


def build(target, arguments, body):
    b = Builder(target)
    with b.function("run", [(n, POINTER) for n in arguments]) as pointers:
        body(b, *pointers)
    return compile_ir(b.text(), target).function("run", [ctypes.c_void_p] * len(arguments))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_gather_scatter_and_masks(target, dtype):
    def body(b, x, index, y):
        where = b.load(index, 0, int64, 8)
        mask = b.tail_mask(5, 8)
        b.store(y, 0, b.gather(x, where, dtype))
        b.store(y, 8, b.gather(x, where, dtype, mask))
        b.scatter(y, b.add(where, 16), b.load(x, 0, dtype, 8), mask)

    x = np.arange(1, 9).astype(dtype.numpy)
    index, y = np.array([7, 0, 3, 3, 1, 2, 5, 4]), np.zeros(24, dtype.numpy)
    build(target, "xiy", body)(x.ctypes.data, index.ctypes.data, y.ctypes.data)
    np.testing.assert_array_equal(y[:8], x[index])
    np.testing.assert_array_equal(y[8:16], np.where(np.arange(8) < 5, x[index], 0))
    want = np.zeros(8, dtype.numpy)
    want[index[:5]] = x[:5]
    np.testing.assert_array_equal(y[16:], want)


def test_reductions_join_halves(target):
    x = np.random.default_rng(0).normal(size=16).astype(np.float32)
    y = np.zeros(3, np.float32)

    def body(b, x, y):
        for i, op in enumerate(("add", "max", "mul")):
            b.store(y, i, b.reduce(op, b.load(x, 0, float32, 16)))

    build(target, "xy", body)(x.ctypes.data, y.ctypes.data)
    tree = x.copy()
    while tree.size > 1:
        tree = tree[:tree.size // 2] + tree[tree.size // 2:]
    assert y[0] == tree[0]
    assert y[1] == x.max()


def test_loops_carry_values_and_nest(target):
    def body(b, y):
        zero = b.const(0, int64)
        with b.loop_with(0, 10, 1, zero) as outer:
            with b.loop_with(0, outer.index, 1, outer.values[0]) as inner:
                inner.next(b.add(inner.values[0], inner.index))
            outer.next(inner.results[0])
        b.store(y, 0, outer.results[0])
        with b.loop_with(5, 5, 1, b.const(7, int64)) as empty:
            empty.next(b.add(empty.values[0], 1))
        b.store(y, 1, empty.results[0])
        for at, flag in ((2, 1), (3, 0)):
            holds = b.eq(b.load(y, at, int64), flag)
            chosen = b.choose(holds, lambda: [b.const(10, int64)], lambda: [b.const(20, int64)])
            b.store(y, at, chosen[0])

    y = np.zeros(4, np.int64)
    build(target, "y", body)(y.ctypes.data)
    assert y.tolist() == [sum(sum(range(i)) for i in range(10)), 7, 20, 10]


def test_any_all_iota_table_alloca(target):
    def body(b, y):
        lanes = b.iota(8, int32)
        for at, mask in enumerate((b.lt(lanes, 8), b.lt(lanes, 3), b.lt(lanes, 0))):
            b.store(y, 2 * at, b.cast(b.any(mask), int32))
            b.store(y, 2 * at + 1, b.cast(b.all(mask), int32))
        b.store(y, 6, b.load(b.table([5, 6, 7], int32), 2, int32))
        room = b.alloca(int32, 4)
        b.store(room, 3, b.const(9, int32))
        b.store(y, 7, b.load(room, 3, int32))

    y = np.zeros(8, np.int32)
    build(target, "y", body)(y.ctypes.data)
    assert y.tolist() == [1, 1, 1, 0, 0, 0, 7, 9]


def test_address_arithmetic_folds():
    b = Builder(host_target())
    with b.function("f", [("i", int64)]) as (i,):
        assert b.add(b.mul(i, 1), 0) is i
        assert b.mul(i, 0).known == 0
        assert b.add(b.index(3), 4).known == 7
        assert b.add(i, 5) is b.add(i, 5)
    assert b.text().count(" = add") == 1


@pytest.mark.parametrize(("body", "message"), [
    (lambda b, x, i: b.div(i, i), "div is for floats, got i64; use floordiv or cast"),
    (lambda b, x, i: b.add(x, i), "operands differ in dtype, f32 and i64; cast one of them"),
    (lambda b, x, i: b.and_(x, x), "and_? is for bool and integers, got f32"),
    (lambda b, x, i: b.call("exp", i), "exp is for floats, got i64; cast first"),
])
def test_mistakes_are_named(body, message):
    b = Builder(host_target())
    with b.function("f", [("x", float32), ("i", int64)]) as (x, i), \
            pytest.raises(TypeError, match=message):
        body(b, x, i)
