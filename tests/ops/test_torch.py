"""torch agrees with every primitive, on values and gradients."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from checks import arrays, every_case, floats, gradients, reference, smooth  # noqa: E402
from oracles import (  # noqa: E402
    GRADIENT_DIFFERS,
    NAN_DIFFERS,
    NO_GRADIENT,
    NO_INTEGERS,
    ORACLES,
    PINNED_DIFFERS,
    SLOPPY,
    ZERO_SIGN_DIFFERS,
)

from sheer.ops.elementwise.family import Elementwise  # noqa: E402
from sheer.ops.primitive import REGISTRY, Absent  # noqa: E402

with_oracle = pytest.mark.parametrize(
    "cls", [c for n, c in REGISTRY.items() if callable(ORACLES.get(n))], ids=lambda c: c.__name__)
elementwise = pytest.mark.parametrize(
    "cls", [c for n, c in REGISTRY.items() if callable(ORACLES.get(n))
            and issubclass(c, Elementwise)], ids=lambda c: c.__name__)


def test_every_primitive_has_an_oracle_or_a_reason():
    missing = [n for n in REGISTRY if n not in ORACLES]
    assert not missing, f"tests/ops/oracles.py says nothing about {missing}"
    assert not [n for n, why in ORACLES.items() if isinstance(why, str) and len(why) < 10]


def torch_values(prim, tensors):
    out = ORACLES[type(prim).__name__](prim, *tensors)
    return out if isinstance(out, tuple) else (out,)


def agree(prim, got, want, exact):
    """Equal shapes and numbers; floats within a few units in the last place of their dtype."""
    assert got.shape == want.shape
    if got.dtype.kind != "f":
        np.testing.assert_array_equal(got, want, err_msg=str(prim))
        return
    eps = np.finfo(got.dtype).eps
    rtol = max(8 + 2 * prim.ulps, 8) * eps if exact else 1e4 * eps
    if got.dtype == np.float64:
        rtol = max(rtol, SLOPPY.get(type(prim).__name__, 0))
    atol = 0 if exact else 1e3 * eps
    np.testing.assert_allclose(got, want, rtol=rtol, atol=atol, err_msg=str(prim))


@with_oracle
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_values(cls, dtype):
    def check(prim, args):
        integers = any(a.dtype.kind in "iub" for a in args) and not floats(args)
        if integers and cls.__name__ in NO_INTEGERS:
            return False
        with np.errstate(over="ignore"):
            args = [a.astype(dtype) if a.dtype == "f8" else a for a in args]
        tensors = [torch.from_numpy(a.copy()) for a in args]
        for got, want in zip(reference(prim, args), torch_values(prim, tensors), strict=True):
            agree(prim, got, want.detach().numpy(), exact=prim.pointwise)
        return True
    assert every_case(cls, check, pinned=cls.__name__ not in PINNED_DIFFERS)


@with_oracle
def test_gradients(cls):
    """At kinks too: there we take the derivative that torch takes."""
    def check(prim, args):
        if not smooth(prim, args):
            return False
        tensors = [torch.from_numpy(a.copy()).requires_grad_(a.dtype.kind == "f") for a in args]
        outs = [o for o in torch_values(prim, tensors) if o.is_floating_point()]
        rng = np.random.default_rng(3)
        cts = [rng.normal(size=o.shape) for o in outs]
        if not any(o.requires_grad for o in outs):
            return False
        leaves = [tensors[i] for i in floats(args)]
        seeds = [torch.from_numpy(c) for c in cts]
        wants = torch.autograd.grad(outs, leaves, seeds, allow_unused=True)
        for got, want in zip(gradients(prim, args, cts), wants, strict=True):
            np.testing.assert_allclose(got, np.zeros_like(got) if want is None else want.numpy(),
                                       rtol=1e-9, atol=1e-10, err_msg=str(prim))
        return True
    if not isinstance(cls.vjp, Absent) and cls.__name__ not in NO_GRADIENT:
        every_case(cls, check, pinned=cls.__name__ not in GRADIENT_DIFFERS)


@elementwise
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_special_values(cls, dtype):
    """NaN, infinities, signed zeros and subnormals, in every combination."""
    if dtype not in [d.name for d in cls.dtypes]:
        return
    tiny = np.finfo(dtype).smallest_normal
    edge = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1, -1, 0.5, 3, -2.5, tiny, -tiny], dtype)
    args = [a.ravel() for a in np.meshgrid(*[edge] * cls.arity)]
    (got,) = reference(cls(), args)
    (want,) = torch_values(cls(), [torch.from_numpy(a) for a in args])
    if cls.__name__ in NAN_DIFFERS:
        got, want = got[~np.isnan(args[0])], want[~np.isnan(args[0])]
    agree(cls(), got, want.numpy(), exact=True)
    if cls.__name__ not in ZERO_SIGN_DIFFERS and got.dtype.kind == "f":
        zeros = (got == 0) & (want.numpy() == 0)
        np.testing.assert_array_equal(np.signbit(got[zeros]), np.signbit(want.numpy()[zeros]))


@elementwise
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64", "bool"])
def test_integer_edges(cls, dtype):
    """The lowest, the highest, 0 and their neighbours, in every combination."""
    if dtype not in [d.name for d in cls.dtypes] or cls.__name__ in NO_INTEGERS:
        return
    info = None if dtype == "bool" else np.iinfo(dtype)
    numbers = [0, 1] if info is None else [info.min, info.min + 1, 0, 1, 2, 3, info.max]
    edge = np.array(numbers, dtype)
    if info is not None and info.min < 0:
        edge = np.append(edge, np.array([-1, -2, -3], dtype))
    args = [a.ravel() for a in np.meshgrid(*[edge] * cls.arity)]
    (want,) = torch_values(cls(), [torch.from_numpy(a) for a in args])
    agree(cls(), reference(cls(), args)[0], want.numpy(), exact=True)


@elementwise
def test_gradients_at_ordinary_points_are_finite(cls):
    """No NaN is born where the function itself is smooth: at 0, at 1, at equal operands."""
    if isinstance(cls.vjp, Absent):
        return
    edge = np.array([0.0, 1.0, -1.0, 0.5, 2.0])
    args = arrays([a.ravel() for a in np.meshgrid(*[edge] * cls.arity)])
    outs = reference(cls(), args)
    tensors = [torch.from_numpy(a.copy()).requires_grad_() for a in args]
    (out,) = torch_values(cls(), tensors)
    wants = torch.autograd.grad(out.sum(), tensors, allow_unused=True)
    good = np.isfinite(outs[0])
    for got, want in zip(gradients(cls(), args, [np.ones(outs[0].shape)]), wants, strict=True):
        usual = good & np.isfinite(want.numpy() if want is not None else 0 * outs[0])
        assert np.isfinite(got[usual]).all(), f"{cls.__name__}: {got[usual]} at {args}"
