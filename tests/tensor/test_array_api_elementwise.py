"""Array API 2023.12, elementwise functions and operators: NumPy says what is right.

Floats include NaN, infinities and zeros of both signs; shapes include (), (0,) and broadcasting.
"""

import operator

import numpy as np
import pytest
from array_api import ALL, BITS, FLOATS, INTS, NUMERIC, PAIRS, SHAPES, array, same, tensor
from hypothesis import given
from hypothesis import strategies as st

import sheer

UNARY = {
    **dict.fromkeys(["acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh", "exp",
                     "expm1", "log",
                     "log1p", "log2", "log10", "sin", "sinh", "sqrt", "tan", "tanh"], FLOATS),
    **dict.fromkeys(["abs", "ceil", "floor", "negative", "positive", "round", "square", "trunc"],
                    NUMERIC),
    **dict.fromkeys(["isfinite", "isinf", "isnan", "sign"], NUMERIC),
    "signbit": FLOATS, "bitwise_invert": BITS, "logical_not": ("bool",),
}
BINARY = {
    **dict.fromkeys(["atan2", "copysign", "divide", "hypot", "logaddexp", "nextafter"], FLOATS),
    **dict.fromkeys(["add", "subtract", "multiply", "maximum", "minimum"], NUMERIC),
    **dict.fromkeys(["floor_divide", "remainder"], NUMERIC), "pow": NUMERIC,
    **dict.fromkeys(["bitwise_and", "bitwise_or", "bitwise_xor"], BITS),
    **dict.fromkeys(["bitwise_left_shift", "bitwise_right_shift"], INTS),
    **dict.fromkeys(["eq", "not_equal"], ALL),
    **dict.fromkeys(["less", "less_equal", "greater", "greater_equal"], NUMERIC),
    **dict.fromkeys(["logical_and", "logical_or", "logical_xor"], ("bool",)),
}
ULPS = {"logaddexp": 16, "pow": 16, "cosh": 8, "sinh": 8, "tan": 8, "hypot": 8, "tanh": 8,
        "expm1": 8,
        "acosh": 8, "asinh": 8, "atanh": 8}


def numpy_of(name):
    return getattr(np, {"eq": "equal"}.get(name, name))


@pytest.mark.parametrize(("name", "dtype"), [(n, d) for n, ds in UNARY.items() for d in ds])
@given(data=st.data())
def test_unary(name, dtype, data):
    a = array(data.draw, dtype, data.draw(st.sampled_from(SHAPES)))
    with np.errstate(all="ignore"):
        want = numpy_of(name)(a)
    if name == "sign" and a.dtype.kind == "f":
        want = np.where(np.isnan(a), np.nan, want).astype(a.dtype)
    same(getattr(sheer, name)(tensor(a)), want, ULPS.get(name, 4))


@pytest.mark.system("Tensor (rank, shape, dtype, device)")
@pytest.mark.parametrize(("name", "dtype"), [(n, d) for n, ds in BINARY.items() for d in ds])
@given(data=st.data())
def test_binary(name, dtype, data):
    shapes = data.draw(st.sampled_from(PAIRS).flatmap(st.permutations))
    low, high = (0, 6) if "shift" in name or (name == "pow" and dtype in INTS) else (-9, 9)
    a, b = (array(data.draw, dtype, s, low, high) for s in shapes)
    if (dtype in INTS and name in ("floor_divide", "remainder", "pow")) or "shift" in name:
        b = np.clip(b, 1, 6).astype(dtype)       # else undefined by the standard
    with np.errstate(all="ignore"):
        want = numpy_of(name)(a, b)
    same(getattr(sheer, name)(tensor(a), tensor(b)), want, ULPS.get(name, 4))


@pytest.mark.parametrize("name", ["add", "multiply", "maximum", "subtract", "less", "eq"])
@given(data=st.data())
def test_binary_promotes_within_a_kind(name, data):
    kinds = data.draw(st.sampled_from([INTS, FLOATS]))
    one, two = data.draw(st.sampled_from(kinds)), data.draw(st.sampled_from(kinds))
    a, b = array(data.draw, one, (3,)), array(data.draw, two, (2, 1))
    with np.errstate(all="ignore"):
        want = numpy_of(name)(a, b)
    same(getattr(sheer, name)(tensor(a), tensor(b)), want)
    assert sheer.result_type(tensor(a), tensor(b)).name == np.result_type(one, two).name


OPERATORS = {
    "add sub mul": NUMERIC, "truediv": FLOATS, "and_ or_ xor": BITS, "lt le gt ge": NUMERIC,
    "eq ne": ALL,
}


@pytest.mark.parametrize(("name", "dtype"),
                         [(n, d) for ns, ds in OPERATORS.items() for n in ns.split() for d in ds])
@given(data=st.data())
def test_operators_with_tensors_and_python_numbers(name, dtype, data):
    op = getattr(operator, name)
    a, b = array(data.draw, dtype, (2, 3)), array(data.draw, dtype, (3,))
    number = {"b": True, "f": 1.5}.get(np.dtype(dtype).kind, 3)
    with np.errstate(all="ignore"):
        same(op(tensor(a), tensor(b)), op(a, b))
        same(op(tensor(a), number), op(a, number))
        same(op(number, tensor(a)), op(number, a))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("a", "op", "b", "want"), [
    # the standard's special cases of pow, atan2, divide, floor_divide, remainder, hypot, logaddexp
    (np.nan, "pow", 0.0, 1.0), (1.0, "pow", np.nan, 1.0), (-1.0, "pow", np.inf, 1.0),
    (0.5, "pow", -np.inf, np.inf),
    (-np.inf, "pow", 3.0, -np.inf), (-np.inf, "pow", 2.0, np.inf), (-0.0, "pow", -1.0, -np.inf),
    (-0.0, "pow", 3.0, -0.0), (-2.0, "pow", 0.5, np.nan), (0.0, "atan2", -0.0, np.pi),
    (-0.0, "atan2", -0.0, -np.pi),
    (-0.0, "atan2", 0.0, -0.0), (np.inf, "atan2", -np.inf, 3 * np.pi / 4),
    (1.0, "atan2", -np.inf, np.pi),
    (1.0, "divide", -0.0, -np.inf), (0.0, "divide", 0.0, np.nan),
    (np.inf, "divide", np.inf, np.nan),
    (-0.0, "divide", 5.0, -0.0), (5.0, "floor_divide", -np.inf, -1.0),
    (-0.0, "floor_divide", 3.0, -0.0),
    (0.0, "floor_divide", 0.0, np.nan), (np.inf, "remainder", 2.0, np.nan),
    (-1.0, "remainder", np.inf, np.inf),
    (2.0, "remainder", np.inf, 2.0), (-0.0, "remainder", 3.0, 0.0),
    (np.inf, "hypot", np.nan, np.inf),
    (-np.inf, "logaddexp", -np.inf, -np.inf), (np.inf, "logaddexp", 1.0, np.inf),
    (1.0, "copysign", -0.0, -1.0),
    (np.nan, "maximum", 1.0, np.nan), (np.nan, "minimum", 1.0, np.nan),
    (0.0, "nextafter", 1.0, None)])
def test_special_cases_of_the_standard(dtype, a, op, b, want):
    x, y = sheer.full((1,), a, dtype=dtype), sheer.full((1,), b, dtype=dtype)
    kind = np.dtype(dtype)
    want = np.nextafter(kind.type(a), kind.type(b)) if want is None else want
    got = getattr(sheer, op)(x, y)
    np.testing.assert_allclose(got.numpy(), [want], rtol=1e-6, equal_nan=True)
    assert np.signbit(got.numpy()[0]) == np.signbit(want) or np.isnan(want)


@given(data=st.data())
def test_clip_and_where(data):
    dtype = data.draw(st.sampled_from(NUMERIC))
    a = array(data.draw, dtype, (2, 3))
    a = np.where(np.isnan(a), 0, a).astype(dtype) if a.dtype.kind == "f" else a
    low, high = sorted(data.draw(st.lists(st.integers(0, 5), min_size=2, max_size=2)))
    # the standard leaves open which of two zeros a bound of 0 gives, and NumPy follows the machine
    signed = np.where(a == 0, 0, a).astype(dtype)
    same(sheer.clip(tensor(signed), low, high), np.clip(signed, low, high))
    same(sheer.clip(tensor(signed), min=low), np.clip(signed, low, None))
    same(sheer.clip(tensor(a)), a)
    mask = array(data.draw, "bool", (3,))
    same(sheer.where(tensor(mask), tensor(a), tensor(a[:1])), np.where(mask, a, a[:1]))
