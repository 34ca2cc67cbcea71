"""The CPU backend comes as close to `ref` as each primitive promises."""

import numpy as np
import pytest
from checks import apply, every_case, inputs, reference, ulp_distance
from test_registry import every_primitive, fixed_dtype

from sheer.graph import Graph
from sheer.ops.elementwise.family import Elementwise
from sheer.ops.primitive import REGISTRY, Absent

backend = pytest.importorskip("sheer.backends.cpu.backend", reason="no CPU backend yet")

CROSSES_ZERO = {"Lgamma": "between its poles: there only the absolute error is small",
                "Polygamma": "digamma at 1.46, and between the poles"}


def compiled(prim, args):
    """The results of the primitive, compiled alone."""
    nodes = inputs(args)
    program = backend.CpuBackend().compile(Graph(nodes, apply(prim, nodes)), {})
    return program([np.ascontiguousarray(a).reshape(a.shape) for a in args])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@every_primitive
def test_compiled_is_close_to_ref(cls, dtype):
    def check(prim, args):
        if fixed_dtype(prim) and dtype == "float32":
            return
        with np.errstate(over="ignore"):
            args = [a.astype(dtype) if a.dtype == "f8" else a for a in args]
        widen = prim.pointwise and exact_in_float64(cls, dtype)
        wide = [a.astype("f8") if a.dtype == "f4" and widen else a for a in args]
        for got, want in zip(compiled(prim, args), reference(prim, wide), strict=True):
            close(prim, got, want)
    every_case(cls, check, max_examples=5)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "uint8", "int64", "bool"])
@pytest.mark.parametrize("cls", [c for c in REGISTRY.values() if issubclass(c, Elementwise)],
                         ids=lambda c: c.__name__)
def test_compiled_special_values(cls, dtype):
    """NaN, infinities, signed zeros, the ends of the integers, in every combination."""
    if dtype not in [d.name for d in cls.dtypes]:
        return
    args = special(cls.arity, dtype)
    wide = [a.astype("f8") for a in args] if exact_in_float64(cls, dtype) else args
    (got,), (want,) = compiled(cls(), args), reference(cls(), wide)
    close(cls(), got, want)


def special(arity, dtype):
    """All combinations of delicate numbers."""
    if dtype == "bool":
        edge = [False, True]
    elif "int" in dtype:
        info = np.iinfo(dtype)
        edge = [info.min, info.min + 1, 0, 1, 2, 3, 7, info.max]
        edge += [-1, -2, -3] if info.min < 0 else []
    else:
        edge = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, 3.0, -2.5, 1e-3, 40.0, 1e6]
    return [a.ravel() for a in np.meshgrid(*[np.array(edge, dtype)] * arity)]


def exact_in_float64(cls, dtype):
    """May `ref` be evaluated in float64 for comparison? Not when it depends on the resolution."""
    return dtype == "float32" and cls.__name__ != "Nextafter"


def close(prim, got, want):
    """Integers and bools exactly, pointwise floats within `ulps`, the rest within a few eps."""
    assert got.shape == want.shape, f"{prim}: {got.shape}, not {want.shape}"
    if got.dtype.kind != "f":
        np.testing.assert_array_equal(got, want, err_msg=str(prim))
    elif prim.pointwise and not isinstance(prim.emit, Absent):
        off = ulp_distance(got, want, near=type(prim).__name__ in CROSSES_ZERO)
        assert off <= prim.ulps + 0.5, f"{prim} is {off} ulps off, {prim.ulps} promised"
    else:
        eps = np.finfo(got.dtype).eps
        np.testing.assert_allclose(got, want, rtol=100 * eps, atol=100 * eps, err_msg=str(prim))
