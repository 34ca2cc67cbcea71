"""Array API 2023.12, the rest: creation, shapes, reductions, sorting, sets, dtypes, linalg, fft."""

import numpy as np
import pytest
from array_api import ALL, FLOATS, INTS, NUMERIC, SHAPES, array, same, tensor
from hypothesis import given
from hypothesis import strategies as st

import sheer
from sheer.graph import SheerError

xp = sheer


def finite(a):
    return np.nan_to_num(a, nan=0.5, posinf=2, neginf=-2) if a.dtype.kind == "f" else a


def axis_sets(ndim):
    single = st.integers(-ndim, ndim - 1) if ndim else st.none()
    several = st.sets(st.integers(0, max(ndim - 1, 0))).map(lambda s: tuple(sorted(s)))
    return st.none() | single | several if ndim else st.none()


@pytest.mark.parametrize("dtype", ALL)
def test_creation(dtype):
    kind, ours = np.dtype(dtype), getattr(sheer, dtype)
    same(xp.zeros((2, 3), dtype=ours), np.zeros((2, 3), kind))
    same(xp.ones(3, dtype=ours), np.ones(3, kind))
    same(xp.full((2,), 1, dtype=ours), np.full((2,), 1, kind))
    same(xp.eye(2, 3, k=1, dtype=ours), np.eye(2, 3, k=1, dtype=kind))
    same(xp.eye(3, k=-1, dtype=ours), np.eye(3, k=-1, dtype=kind))
    x = xp.ones((2, 1), dtype=ours)
    for like, want in ((xp.zeros_like(x), 0), (xp.ones_like(x), 1), (xp.full_like(x, 1), 1)):
        same(like, np.full((2, 1), want, kind))
    assert (xp.empty((2,), dtype=ours).shape, xp.empty_like(x).dtype) == ((2,), ours)
    same(xp.asarray(x), np.ones((2, 1), kind))
    assert xp.asarray(x) is x
    assert xp.asarray(x, copy=True) is not x
    if dtype != "bool":
        same(xp.arange(1, 6, 2, dtype=ours), np.arange(1, 6, 2, dtype=kind))
        same(xp.arange(1, stop=6, dtype=ours), np.arange(1, 6, dtype=kind))
    assert [xp.asarray(v).dtype.name for v in (True, 1, 1.0)] == ["bool", "int64", "float32"]


@given(start=st.floats(-9, 9, width=32), stop=st.floats(-9, 9, width=32), num=st.integers(0, 9),
       endpoint=st.booleans())
def test_linspace(start, stop, num, endpoint):
    got = xp.linspace(start, stop, num=num, endpoint=endpoint, dtype=sheer.float64)
    np.testing.assert_allclose(got.numpy(), np.linspace(start, stop, num, endpoint=endpoint),
                               rtol=1e-14, atol=1e-14)


@pytest.mark.system("Tensor (rank, shape, dtype, device)")
@given(data=st.data())
def test_shapes(data):
    dtype, shape = data.draw(st.sampled_from(ALL)), data.draw(st.sampled_from(SHAPES[3:]))
    a = array(data.draw, dtype, shape)
    x, n = tensor(a), len(shape)
    axis = data.draw(st.integers(-n, n - 1))
    order = data.draw(st.permutations(range(n)))
    same(xp.expand_dims(x, axis=axis), np.expand_dims(a, axis))
    same(xp.squeeze(xp.expand_dims(x, axis=axis), axis=axis), a)
    same(xp.flip(x), np.flip(a))
    same(xp.flip(x, axis=axis), np.flip(a, axis))
    same(xp.roll(x, 2), np.roll(a, 2))
    same(xp.roll(x, shift=-1, axis=axis), np.roll(a, -1, axis))
    same(xp.permute_dims(x, axes=order), np.transpose(a, order))
    same(xp.moveaxis(x, axis, 0), np.moveaxis(a, axis, 0))
    same(xp.reshape(x, (-1,)) if a.size else x, a.reshape(-1) if a.size else a)
    same(xp.concat([x, x], axis=axis), np.concatenate([a, a], axis))
    same(xp.concat([x, x], axis=None), np.concatenate([a, a], None))
    same(xp.stack([x, x], axis=axis), np.stack([a, a], axis))
    same(xp.tile(x, (2, 1)), np.tile(a, (2, 1)))
    same(xp.repeat(x, 2, axis=axis), np.repeat(a, 2, axis))
    same(xp.repeat(x, 2), np.repeat(a, 2))
    same(xp.broadcast_to(x, (2, *shape)), np.broadcast_to(a, (2, *shape)))
    same(xp.broadcast_arrays(x, xp.zeros((2, *(1,) * n)))[0], np.broadcast_to(a, (2, *shape)))
    for part, want in zip(xp.unstack(x, axis=axis), np.moveaxis(a, axis, 0), strict=True):
        same(part, want)
    if n > 1:
        same(xp.matrix_transpose(x), np.swapaxes(a, -1, -2))
        same(xp.tril(x, k=1), np.tril(a, 1))
        same(xp.triu(x, k=-1), np.triu(a, -1))


@pytest.mark.system("Tensor (rank, shape, dtype, device)")
@pytest.mark.parametrize("name", ["sum", "prod", "mean", "max", "min", "any", "all", "std", "var"])
@given(data=st.data())
def test_reductions(name, data):
    dtypes = {"mean": FLOATS, "std": FLOATS, "var": FLOATS, "any": ALL, "all": ALL}
    dtype = data.draw(st.sampled_from(dtypes.get(name, NUMERIC)))
    whole = name in ("sum", "prod", "any", "all")
    shape = data.draw(st.sampled_from([s for s in SHAPES if whole or 0 not in s]))
    a, keepdims = array(data.draw, dtype, shape), data.draw(st.booleans())
    a = finite(a) if name in ("mean", "std", "var", "sum", "prod") else a
    axis = data.draw(axis_sets(len(shape)))
    extra = {"correction": 0} if name in ("std", "var") else {}
    with np.errstate(all="ignore"):
        want = getattr(np, name)(a, axis=axis, keepdims=keepdims)
    wide = name in ("sum", "prod") and dtype in INTS
    want = np.asarray(want).astype("int64") if wide else np.asarray(want)
    got = getattr(xp, name)(tensor(a), axis=axis, keepdims=keepdims, **extra)
    if want.dtype.kind == "f":
        size = max(float(np.abs(finite(a)).sum()), 1.0)
        scale = 64 * np.finfo(dtype).eps * size ** (2 if name == "var" else 1)
        assert got.dtype.name == want.dtype.name
        np.testing.assert_allclose(got.numpy(), want, rtol=64 * np.finfo(dtype).eps, atol=scale,
                                   equal_nan=True)
    else:
        same(got, want)


@pytest.mark.parametrize("dtype", NUMERIC)
@given(data=st.data())
def test_places_orders_and_running_sums(dtype, data):
    shape = data.draw(st.sampled_from([(3,), (2, 3), (2, 2, 3), (1, 4)]))
    a = finite(array(data.draw, dtype, shape)) + np.dtype(dtype).type(0)      # + 0: no -0.0
    x, axis = tensor(a), data.draw(st.integers(-len(shape), len(shape) - 1))
    for name in ("argmax", "argmin"):
        same(getattr(xp, name)(x, axis=axis), getattr(np, name)(a, axis))
        same(getattr(xp, name)(x), np.asarray(getattr(np, name)(a)))
        same(getattr(xp, name)(x, axis=axis, keepdims=True),
             getattr(np, name)(a, axis, keepdims=True))
    same(xp.sort(x, axis=axis), np.sort(a, axis))
    same(xp.sort(x, axis=axis, descending=True), np.flip(np.sort(a, axis), axis))
    same(xp.argsort(x, axis=axis), np.argsort(a, axis, kind="stable"))
    same(xp.count_nonzero(x, axis=axis), np.count_nonzero(a, axis=axis))
    wide = a if a.dtype.kind == "f" else a.astype("int64")
    same(xp.cumulative_sum(x, axis=axis), np.cumsum(wide, axis, dtype=wide.dtype), 64)
    first = np.zeros_like(np.take(wide, [0], axis))
    same(xp.cumulative_sum(x, axis=axis, include_initial=True),
         np.concatenate([first, np.cumsum(wide, axis, dtype=wide.dtype)], axis), 64)
    places = data.draw(st.lists(st.integers(0, shape[axis] - 1), max_size=4))
    same(xp.take(x, xp.asarray(np.array(places, "int64")), axis=axis),
         np.take(a, np.array(places, "int64"), axis))
    for got, want in zip(xp.nonzero(x, as_tuple=True), np.nonzero(a), strict=True):
        same(got, want)
    line = np.sort(a.reshape(-1))
    for side in ("left", "right"):
        same(xp.searchsorted(tensor(line), x, side=side), np.searchsorted(line, a, side))
        order = np.argsort(a.reshape(-1), kind="stable")
        same(xp.searchsorted(tensor(a.reshape(-1)), x, side=side, sorter=tensor(order)),
             np.searchsorted(line, a, side))


@pytest.mark.parametrize("dtype", ALL)
@given(data=st.data())
def test_sets(dtype, data):
    a = array(data.draw, dtype, data.draw(st.sampled_from([(0,), (5,), (2, 3)])))
    a = a + np.dtype(dtype).type(0) if dtype != "bool" else a
    values, first, inverse, counts = np.unique(a, return_index=True, return_inverse=True,
                                               return_counts=True,
                                               equal_nan=False)
    ours = xp.unique_all(tensor(a))
    for got, want in zip(ours, (values, first, inverse.reshape(a.shape), counts), strict=True):
        same(got, want)
    same(xp.unique_values(tensor(a)), values)
    same(xp.unique_counts(tensor(a)).counts, counts)
    same(xp.unique_inverse(tensor(a)).inverse_indices, inverse.reshape(a.shape))


@pytest.mark.system("Tensor (rank, shape, dtype, device)")
@given(data=st.data())
def test_indexing(data):
    a = array(data.draw, data.draw(st.sampled_from(ALL)), (3, 4, 2))
    part = lambda n: st.integers(-n, n - 1) | st.slices(n)
    key = tuple(data.draw(part(n)) for n in a.shape[:data.draw(st.integers(0, 3))])
    same(tensor(a)[key], a[key])
    last = data.draw(part(2))
    same(tensor(a)[..., last], a[..., last])
    mask = array(data.draw, "bool", data.draw(st.sampled_from([(3,), (3, 4), (3, 4, 2)])))
    same(tensor(a)[tensor(mask)], a[mask])
    x, b = tensor(a), a.copy()
    x[key] = 1
    b[key] = 1
    x[tensor(mask)] = 0
    b[mask] = 0
    same(x, b)


def test_dtypes():
    every = [getattr(sheer, d) for d in ALL]
    for a in every:
        assert xp.isdtype(a, a)
        for kind in ("bool", "signed integer", "unsigned integer", "integral", "real floating",
                     "numeric",
                     "complex floating", ("bool", "integral")):
            assert xp.isdtype(a, kind) == np.isdtype(a.numpy, kind), (a, kind)
        for b in every:
            if a.kind == b.kind or {a.kind, b.kind} == {"int", "uint"}:
                assert xp.result_type(a, b).name == np.result_type(a.numpy, b.numpy).name
                assert xp.can_cast(a, b) == np.can_cast(a.numpy, b.numpy)
    for name in FLOATS:
        info, want = xp.finfo(getattr(sheer, name)), np.finfo(name)
        assert (info.bits, info.eps, info.max, info.min, info.smallest_normal) == (
            want.bits, want.eps, want.max, want.min, want.smallest_normal)
    assert [(xp.iinfo(xp.ones(1, dtype=n)).min, xp.iinfo(n).max) for n in INTS] == [
        (np.iinfo(n).min, np.iinfo(n).max) for n in INTS]
    x = xp.ones(2)
    assert xp.astype(x, sheer.int8).dtype == sheer.int8
    assert xp.astype(x, sheer.float32) is not x
    assert xp.astype(x, sheer.float32, copy=False) is x
    info = xp.__array_namespace_info__()
    assert set(info.dtypes()) == set(ALL)
    assert set(info.dtypes(kind="integral")) == set(INTS)
    assert info.default_dtypes()["real floating"] == sheer.float32
    assert info.devices() == [x.device]
    assert x.__array_namespace__(api_version="2023.12") is sheer
    assert (xp.e, xp.pi, xp.inf, xp.newaxis) == (np.e, np.pi, np.inf, None)
    assert np.isnan(xp.nan)


@pytest.mark.parametrize("dtype", FLOATS)
def test_linear_algebra(dtype):
    rng = np.random.default_rng(1)
    a, b, v = (rng.normal(size=s).astype(dtype) for s in ((2, 3, 3), (2, 3, 4), (3,)))
    x, y, z = tensor(a), tensor(b), tensor(v)
    near = lambda got, want: np.testing.assert_allclose(
        got.numpy(), want, rtol=2e3 * np.finfo(dtype).eps, atol=2e2 * np.finfo(dtype).eps)
    near(xp.matmul(x, y), a @ b)
    near(x @ z, a @ v)
    near(xp.tensordot(x, y, axes=((1,), (1,))), np.tensordot(a, b, axes=((1,), (1,))))
    near(xp.tensordot(x, y[0], axes=1), np.tensordot(a, b[0], axes=1))
    near(xp.vecdot(x, z), (a * v).sum(-1))
    near(xp.vecdot(x, x, axis=0), (a * a).sum(0))
    L = xp.linalg
    near(L.inv(x), np.linalg.inv(a))
    near(L.det(x), np.linalg.det(a))
    near(L.slogdet(x).logabsdet, np.linalg.slogdet(a)[1])
    near(L.solve(x, y), np.linalg.solve(a, b))
    near(L.svdvals(y), np.linalg.svd(b, compute_uv=False))
    u, s, vh = L.svd(y, full_matrices=False)
    near(u * s.unsqueeze(-2) @ vh, b)
    q, r = L.qr(x)
    near(q @ r, a)
    sym = a + a.swapaxes(-1, -2)
    w, vectors = L.eigh(tensor(sym))
    near(vectors * w.unsqueeze(-2) @ vectors.mT, sym)
    near(L.eigvalsh(tensor(sym)), np.linalg.eigvalsh(sym))
    gram = a @ a.swapaxes(-1, -2) + np.eye(3, dtype=dtype)
    near(L.cholesky(tensor(gram)), np.linalg.cholesky(gram))
    near(L.cholesky(tensor(gram), upper=True), np.linalg.cholesky(gram).swapaxes(-1, -2))
    near(L.pinv(y), np.linalg.pinv(b))
    near(L.matrix_power(x, 3), np.linalg.matrix_power(a, 3))
    near(L.matrix_rank(x), np.linalg.matrix_rank(a))
    near(L.matrix_norm(x), np.linalg.matrix_norm(a))
    near(L.matrix_norm(x, ord="nuc", keepdims=True),
         np.linalg.matrix_norm(a, ord="nuc", keepdims=True))
    near(L.vector_norm(x, axis=(0, 1), ord=3), np.linalg.vector_norm(a, axis=(0, 1), ord=3))
    near(L.vector_norm(x), np.linalg.vector_norm(a))
    near(L.cross(x, z.expand(2, 3, 3), axis=-1), np.cross(a, v))
    near(L.diagonal(x, offset=1), np.diagonal(a, 1, -2, -1))
    near(L.trace(x, offset=-1), np.trace(a, -1, -2, -1))
    near(L.outer(z, z), np.outer(v, v))


@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
def test_fourier_transforms(norm):
    rng = np.random.default_rng(2)
    a, c = rng.normal(size=(3, 6)), rng.normal(size=(3, 6)) + 1j * rng.normal(size=(3, 6))
    pair = (tensor(c.real), tensor(c.imag))
    def near(got, want):
        got = got[0].numpy() + 1j * got[1].numpy() if isinstance(got, tuple) else got.numpy()
        np.testing.assert_allclose(got, want, atol=1e-12)
    for name in ("fft", "ifft", "fftn", "ifftn"):
        near(getattr(xp.fft, name)(pair, norm=norm), getattr(np.fft, name)(c, norm=norm))
    near(xp.fft.fft(pair, n=4, axis=0, norm=norm), np.fft.fft(c, 4, 0, norm))
    near(xp.fft.rfft(tensor(a), norm=norm), np.fft.rfft(a, norm=norm))
    near(xp.fft.rfftn(tensor(a), norm=norm), np.fft.rfftn(a, norm=norm))
    near(xp.fft.rfftn(tensor(a), s=(2, 4), axes=(0, 1), norm=norm),
         np.fft.rfftn(a, (2, 4), (0, 1), norm))
    near(xp.fft.irfft(pair, n=9, norm=norm), np.fft.irfft(c, 9, norm=norm))
    near(xp.fft.irfftn(pair, norm=norm), np.fft.irfftn(c, norm=norm))
    near(xp.fft.hfft(pair, norm=norm), np.fft.hfft(c, norm=norm))
    near(xp.fft.ihfft(tensor(a), norm=norm), np.fft.ihfft(a, norm=norm))
    near(xp.fft.fftfreq(5, d=0.5, dtype=sheer.float64), np.fft.fftfreq(5, 0.5))
    near(xp.fft.rfftfreq(5, dtype=sheer.float64), np.fft.rfftfreq(5))
    near(xp.fft.fftshift(tensor(a)), np.fft.fftshift(a))
    near(xp.fft.ifftshift(tensor(a), axes=1), np.fft.ifftshift(a, axes=1))


@pytest.mark.parametrize("name", ["rfftn", "irfftn", "hfftn", "ihfftn", "rfft2", "irfft2", "hfft2",
                                  "ihfft2"])
def test_transforms_of_several_axes_refuse_what_there_is_not(name):
    transform = getattr(xp.fft, name)
    for code, x, settings in [("E110", xp.ones((4, 4)), {"dim": (0, 5)}),
                              ("E110", xp.ones((4, 4)), {"dim": (1, 1)}),
                              ("E166", xp.ones((4, 4)), {"norm": "forwrd"}),
                              ("E165", xp.ones(()), {"dim": ()})]:
        with pytest.raises(SheerError) as refused:
            transform(x, **settings)
        assert refused.value.code == code


@pytest.mark.parametrize("name", ["fftshift", "ifftshift"])
def test_shifts_of_frequencies_refuse_an_axis_that_is_none(name):
    with pytest.raises(SheerError, match="fftshift: axes") as refused:
        getattr(xp.fft, name)(xp.ones((4, 4)), dim=2)
    assert refused.value.code == "E110"


def test_meshgrid_and_dlpack():
    x, y = xp.arange(2), xp.arange(3)
    for indexing in ("ij", "xy"):
        for got, want in zip(xp.meshgrid(x, y, indexing=indexing),
                             np.meshgrid(range(2), range(3), indexing=indexing),
                             strict=True):
            same(got, want)
    same(xp.from_dlpack(np.arange(3)), np.arange(3))
    same(xp.from_dlpack(x), np.arange(2))
