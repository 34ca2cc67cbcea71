"""What the elementwise functions do beyond their primitives: promotion, short ways, edges."""

import math

import numpy as np
import pytest

from sheer import ops
from sheer.graph import (
    DTypeError,
    Graph,
    ShapeError,
    float32,
    float64,
    int32,
    int64,
    interpret,
    uint8,
)
from sheer.ops.structure import Input, constant
from sheer.transforms.grad import vjp_nodes

F32, F64, I32 = (Input(i, (3,), d)() for i, d in enumerate([float32, float64, int32]))


def value(node):
    (out,) = interpret(Graph([], [node]), [])
    return out


def slope(function, *numbers):
    """Gradient of a function of float64 numbers."""
    xs = [Input(i, (), float64)() for i in range(len(numbers))]
    grads = vjp_nodes([function(*xs)], [constant(1.0, float64)], xs)
    return [float(g) for g in interpret(Graph(xs, grads), [np.float64(n) for n in numbers])]


@pytest.mark.parametrize(("build", "dtype"), [
    (lambda: ops.sin(I32), "float32"), (lambda: ops.div(I32, I32), "float32"),
    (lambda: ops.add(I32, 1.5), "float32"), (lambda: ops.add(I32, 2), "int32"),
    (lambda: ops.add(F32, 2), "float32"), (lambda: ops.mul(F64, 0.1), "float64"),
    (lambda: ops.add(F32, F64), "float64"), (lambda: ops.add(ops.lt(F32, F32), 1), "int64"),
    (lambda: ops.pow(I32, 2), "int32"), (lambda: ops.pow(I32, 2.0), "float32"),
    (lambda: ops.pow(I32, 0.5), "float32"), (lambda: ops.pow(I32, I32), "int32"),
    (lambda: ops.pow(2, I32), "int32"), (lambda: ops.pow(2.0, I32), "float32"),
    (lambda: ops.floor(I32), "int32"), (lambda: ops.isnan(I32), "bool"),
    (lambda: ops.atan2(I32, I32), "float32"), (lambda: ops.clamp(I32, 0.5), "float32"),
    (lambda: ops.clamp(I32, 0), "int32"), (lambda: ops.logical_not(F32), "bool"),
    (lambda: ops.logical_and(I32, F32), "bool"), (lambda: ops.where(I32, F32, 1), "float32"),
    (lambda: ops.reciprocal(I32), "float32"), (lambda: ops.digamma(I32), "float32"),
])
def test_promotion_is_that_of_torch(build, dtype):
    assert build().dtype.name == dtype


@pytest.mark.parametrize(("exponent", "names"), [
    (2, {"Mul"}), (0.5, {"Sqrt"}), (-1, {"Div"}), (-0.5, {"Rsqrt"}), (3, {"Mul"}),
    (1, set()), (2.5, {"Pow"}), (-2, {"Mul", "Div"})])
def test_common_exponents_take_a_shorter_way(exponent, names):
    nodes = Graph([F32], [ops.pow(F32, exponent)]).nodes
    used = {type(n.prim).__name__ for n in nodes if n.prim.pointwise}
    assert used == names


def test_an_integer_to_a_negative_power_is_refused():
    with pytest.raises(DTypeError) as caught:
        ops.pow(I32, -1)
    lines = str(caught.value).splitlines()
    assert lines[0] == "pow: an integer to the power -1 is no integer"
    assert lines[2:] == ["  need : a float, or an exponent of at least 0",
                         "  try  : x.float() ** y", "  more : sheer explain E105"]


def test_a_dtype_without_meaning_is_refused():
    with pytest.raises(DTypeError, match=r"bitwise_and: has no meaning for float32"):
        ops.bitwise_and(F32, F32)
    with pytest.raises(DTypeError, match="neg: has no meaning for bool"):
        ops.neg(ops.lt(F32, F32))
    with pytest.raises(DTypeError, match="neg: has no meaning for bool"):
        ops.positive(ops.lt(F32, F32))


def test_shapes_that_do_not_broadcast_are_refused():
    with pytest.raises(ShapeError, match=r"maximum: shapes .* do not broadcast"):
        ops.maximum(F32, Input(9, (4,), float32)())


ARRAY_API = {
    "abs", "acos", "acosh", "add", "asin", "asinh", "atan", "atan2", "atanh",
    "bitwise_and", "bitwise_invert", "bitwise_left_shift", "bitwise_or",
    "bitwise_right_shift", "bitwise_xor", "ceil", "clip", "copysign", "cos", "cosh",
    "divide", "equal", "exp", "expm1", "floor", "floor_divide", "greater",
    "greater_equal", "hypot", "isfinite", "isinf", "isnan", "less", "less_equal", "log",
    "log10", "log1p", "log2", "logaddexp", "logical_and", "logical_not", "logical_or",
    "logical_xor", "maximum", "minimum", "multiply", "negative", "nextafter", "not_equal",
    "positive", "pow", "reciprocal", "remainder", "round", "sign", "signbit", "sin",
    "sinh", "sqrt", "square", "subtract", "tan", "tanh", "trunc"}


def test_the_array_api_standard_is_complete():
    assert ARRAY_API - {*ops.elementwise.__all__} == set()


def test_nothing_overflows_on_the_way():
    big = constant([1e200, -1e200])
    np.testing.assert_allclose(value(ops.hypot(big, big)), math.sqrt(2) * 1e200)
    np.testing.assert_array_equal(value(ops.softplus(constant([1000.0, -1000.0, 0.0]))),
                                  [1000.0, 0.0, math.log(2)])
    nothing = constant(-math.inf)
    np.testing.assert_array_equal(value(ops.logaddexp(nothing, nothing)), -math.inf)


def test_clamp_keeps_nan_and_prefers_the_upper_bound():
    x = constant([math.nan, -5.0, 0.5, 5.0])
    np.testing.assert_array_equal(value(ops.clamp(x, 0.0, 1.0)), [math.nan, 0.0, 0.5, 1.0])
    np.testing.assert_array_equal(value(ops.clamp(x, 2.0, 1.0)), [math.nan, 1.0, 1.0, 1.0])
    assert slope(lambda x: ops.clamp(x, 0.0, 1.0), 1.0) == [1.0]
    assert slope(lambda x: ops.clamp(x, 0.0, 1.0), 1.5) == [0.0]


@pytest.mark.parametrize(("function", "at", "wanted"), [
    (ops.abs, (0.0,), [0.0]), (ops.relu, (0.0,), [0.0]), (ops.softplus, (0.0,), [0.5]),
    (ops.pow, (0.0, 2.0), [0.0, 0.0]), (ops.pow, (0.0, 1.0), [1.0, 0.0]),
    (ops.pow, (0.0, 0.0), [0.0, 0.0]), (ops.pow, (2.0, 0.0), [0.0, math.log(2)]),
    (ops.hypot, (0.0, 0.0), [0.0, 0.0]), (ops.atan2, (0.0, 0.0), [0.0, 0.0]),
    (ops.atan2, (0.0, 1.0), [1.0, 0.0]), (ops.xlogy, (0.0, 0.0), [0.0, 0.0]),
    (ops.xlogy, (0.0, 2.0), [math.log(2), 0.0]), (ops.sqrt, (0.0,), [math.inf]),
    (ops.logaddexp, (-math.inf, -math.inf), [0.5, 0.5]), (ops.maximum, (1.0, 1.0), [0.5, 0.5]),
    (ops.logaddexp, (math.inf, 0.0), [1.0, 0.0]), (ops.expm1, (-50.0,), [math.exp(-50)]),
    (ops.square, (3.0,), [6.0]), (ops.copysign, (0.0, 1.0), [0.0, 0.0])])
def test_derivatives_at_edges(function, at, wanted):
    assert slope(function, *at) == pytest.approx(wanted, rel=1e-15)


def test_unsigned_integers_have_no_negatives():
    x = constant([0, 1, 255], uint8)
    np.testing.assert_array_equal(value(ops.neg(x)), np.uint8([0, 255, 1]))
    np.testing.assert_array_equal(value(ops.sign(x)), np.uint8([0, 1, 1]))
    np.testing.assert_array_equal(value(ops.pow(x, 2)), np.uint8([0, 1, 1]))


def test_integer_powers_wrap_and_negative_ones_vanish():
    x, y = constant([3, 2, -1, 1, 0], int64), constant([41, -1, -3, -2, 0], int64)
    np.testing.assert_array_equal(value(ops.pow(x, y))[1:], [0, -1, 1, 1])
    assert value(ops.pow(x, y))[0] == (3**41 + 2**63) % 2**64 - 2**63
