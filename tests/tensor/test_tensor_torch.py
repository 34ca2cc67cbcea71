"""Methods and functions against torch: one line per expression, values and gradients."""

import warnings

import numpy as np
import pytest
from both import check

rng = np.random.default_rng(0)
ARRAYS = {
    "x": rng.normal(size=(3, 4)), "y": rng.normal(size=(3, 4)), "v": rng.normal(size=4),
    "c": rng.normal(size=(2, 3, 4)), "d": rng.normal(size=(2, 4, 5)), "m": rng.normal(size=(4, 5)),
    "p": rng.uniform(0.1, 0.9, size=(3, 4)), "q": rng.uniform(1.1, 3, size=(3, 4)),
    "s": rng.normal(size=(3, 3)) + 3 * np.eye(3), "n": np.array(2.5),
    "i": rng.integers(-5, 6, size=(3, 4)), "j": rng.integers(1, 5, size=(3, 4)),
    "k": rng.integers(0, 3, size=(2, 4)), "f": np.float32(rng.normal(size=(3, 4))),
    "u": rng.integers(0, 9, size=(3, 4)).astype(np.uint8),
    "h": rng.integers(0, 9, 4).astype(np.int8),
    "b": rng.random((3, 4)) < 0.5, "w": np.array([1.0, np.nan, -2.0, np.inf]),
    "z": np.array([2, 0, 1]),
    "t": np.array([[3.0, 1, 3, 1], [2, 2, 0, 5], [1, 1, 1, 1]]),
}

UNARY = """
abs absolute neg negative positive sign sgn square exp exp2 expm1 sin cos tan sinh cosh tanh atan
arctan asinh arcsinh sigmoid relu erf erfc floor ceil trunc fix round frac sinc rad2deg deg2rad
isnan isinf isfinite signbit isposinf isneginf isreal logical_not nan_to_num
""".split()  # noqa: SIM905
POSITIVE = "sqrt rsqrt log log2 log10 log1p reciprocal lgamma digamma".split()  # noqa: SIM905
UNIT = "asin arcsin acos arccos atanh arctanh erfinv logit".split()  # noqa: SIM905
BINARY = """
add sub subtract mul multiply div divide true_divide maximum minimum fmax fmin hypot atan2 arctan2
logaddexp logaddexp2 copysign eq ne not_equal lt less le less_equal gt greater ge greater_equal
fmod remainder floor_divide logical_and logical_or logical_xor isclose heaviside
""".split()  # noqa: SIM905

# Where torch has something else: 0 for the sign of NaN, other gradients there; no integers.
ODD = {("w", "relu"), ("w", "sign"), ("w", "sgn"), ("w", "abs"), ("w", "absolute"),
       ("i", "frac")}
# Where torch, or mathematics, has no derivative.
VALUES_ONLY = ("floor_divide", "heaviside", "bincount", "nextafter", "x // p", "sgn",
               "x.scatter(0, k, y[:2])")     # torch: wrong where an index is repeated

SHAPES = """
x.reshape(4, 3) | x.view(-1) | x.view(2, 6) | c.permute(2, 0, 1) | c.transpose(0, 2) | x.T | c.mT
x.t()
c.flatten() | c.flatten(1) | c.flatten(0, 1) | n.flatten() | c.unflatten(2, (2, -1)) | x.ravel()
v.t()
x.unsqueeze(0).unsqueeze(-1).squeeze() | x.unsqueeze(1).squeeze(1) | x.unsqueeze(1).squeeze((1, 2))
x.unsqueeze(-1) | v.expand(3, 4) | v.expand(3, -1) | v.unsqueeze(1).expand_as(m) | n.expand(2, 2)
v.broadcast_to((2, 4)) | c.movedim(0, -1) | c.movedim((0, 1), (1, 2)) | c.moveaxis(2, 0)
c.swapaxes(0, 1)
c.swapdims(1, 2) | x.narrow(1, 1, 2) | c.select(1, 2) | c.select(-1, -1) | x.split(2)
x.split(3, dim=1)
x.split([1, 3], 1) | x.chunk(2) | x.chunk(3, dim=1) | x.tensor_split(2, dim=1)
x.tensor_split((1, 3), 1)
c.unbind(1) | x.diagonal() | x.diagonal(1) | x.diagonal(-1) | c.diagonal(0, 1, 2)
x.view_as(m[:3, :4])
x.flip(0) | c.flip(0, 2) | c.flip((1,)) | x.fliplr() | x.flipud() | x.rot90() | x.rot90(2)
x.rot90(3)
x.rot90(-1, (1, 0)) | x.roll(1) | x.roll(2, 1) | x.roll((1, -2), (0, 1)) | x.roll(1, dims=0)
v.repeat(2) | v.repeat(3, 2) | x.repeat(1, 2) | x.tile(2) | x.tile((2, 1)) | v.tile((2, 1, 2))
x.repeat_interleave(2) | x.repeat_interleave(2, dim=1) | x.repeat_interleave(z, dim=0) | x.diff()
x.diff(dim=0) | v.diff(n=2) | x.tril() | x.triu(1) | x.tril(-1) | c.triu() | v.diag() | v.diag(1)
s.diag()
v.diag_embed() | x.diag_embed(1) | x.diag_embed(0, 0, 1) | x.diagflat() | c.adjoint() | x.hsplit(2)
x.vsplit(3) | c.dsplit(2) | v.unfold(0, 2, 1) | c.unfold(2, 2, 2) | x.sum_to_size(1, 4)
c.contiguous()
lib.permute(c, (2, 1, 0)) | lib.flatten(c, 1) | lib.squeeze(x.unsqueeze(0), 0) | lib.flip(x, (0,))
lib.reshape(x, (2, 6)) | lib.split(x, 2, dim=1) | lib.chunk(x, 2, 1) | lib.roll(x, 1, 0)
lib.tril(x)
lib.movedim(c, 0, 1) | lib.broadcast_to(v, (2, 4)) | lib.unbind(x) | lib.swapaxes(c, 0, 1)
lib.t(x)
"""
REDUCTIONS = """
x.sum() | x.sum(0) | x.sum(dim=1, keepdim=True) | c.sum((0, 2)) | x.sum(axis=1) | b.sum() | u.sum(0)
h.sum()
i.sum(dim=1) | f.sum() | x.sum(1, dtype=lib.float32) | x.mean() | x.mean(1) | c.mean((1, 2), True)
i.mean(dtype=lib.float32) | x.prod() | x.prod(1) | i.prod(0) | x.amax() | x.amax(1) | t.amax(1)
t.amin((0, 1))
c.amin((0, 2), keepdim=True) | x.max() | x.min() | t.max() | x.max(1) | x.min(0, keepdim=True)
t.max(dim=1)
x.max(y) | i.max(1) | b.max(0) | x.aminmax() | x.aminmax(dim=1) | x.argmax() | x.argmax(1)
x.argmin(0, keepdim=True)
x.argmax(dim=-1, keepdim=True) | x.argmin() | b.any() | b.all(1) | i.any(dim=0)
b.any(1, keepdim=True) | i.all()
i.count_nonzero() | i.count_nonzero(dim=1) | x.var() | x.var(1) | x.var(dim=1, unbiased=False)
x.var(0, correction=0)
x.var(False) | x.std() | x.std(1, keepdim=True) | x.std((0, 1)) | x.std(dim=0, correction=2)
lib.var_mean(x, 1)
lib.std_mean(x) | x.logsumexp(1) | x.logsumexp((0, 1)) | x.cumsum(0) | x.cumsum(dim=1) | i.cumsum(1)
b.cumsum(0)
x.cumprod(1) | x.logcumsumexp(1) | x.norm() | x.norm(1) | x.norm(p=3, dim=1)
x.norm(dim=0, keepdim=True)
x.norm(inf) | x.norm(0) | x.dist(y) | x.dist(y, 1) | x.softmax(1) | x.softmax(dim=0)
x.log_softmax(-1)
(x * 1000).softmax(1) | (x * 1000).log_softmax(1) | x.median() | v.median() | x.median(1)
w.median()
x.median(dim=0, keepdim=True) | w.nansum() | w[:3].nanmean() | x.kthvalue(2)
x.kthvalue(2, 0, True)
x.quantile(0.3) | x.quantile(0.5, dim=1) | x.quantile(0.25, 1, True)
lib.quantile(x, 0.7, 0, interpolation="nearest")
x.cov() | x.corrcoef() | v.cov() | n.sum() | n.mean() | n.max() | n.argmax() | n.softmax(0)
n.cumsum(0)
lib.sum(x, 1) | lib.mean(x, dim=(0, 1)) | lib.max(x, 1) | lib.max(x, y) | lib.argmax(x)
lib.std(x, 0) | lib.any(b)
lib.softmax(x, dim=1) | lib.cumsum(x, 0) | lib.amax(x, 0) | lib.logsumexp(x, 0) | lib.norm(x)
lib.median(x)
"""
INDEXING = """
x[0] | x[-1] | x[1:] | x[:, 1] | x[..., 2] | x[None] | x[:, None, 1:3] | x[::2, 1::2] | x[z]
x[[0, 2]] | x[:, z]
x[z, z] | x[b] | x[x > 0] | x[b.any(1)] | c[0, :, 2] | c[:, z] | c[..., 0] | x[z[:, None], z]
x[lib.tensor(1)]
x.gather(1, z[None]) | c[0].gather(0, k) | lib.gather(x, 0, k) | x.take_along_dim(k[:1], 0)
x.index_select(0, z)
x.index_select(1, z) | lib.index_select(x, 0, z) | x.take(z) | x.masked_fill(b, 0)
x.masked_fill(b, n)
i.masked_fill(b, 7) | x.masked_select(b) | lib.where(b, x, y) | lib.where(b, x, 0)
lib.where(b, 1, x)
x.where(b, y) | x.scatter(0, k, y[:2]) | x.scatter(0, k, 9.0) | x.scatter_add(0, k, y[:2])
x.index_add(0, z, y)
x.index_copy(0, z, y) | x.index_fill(1, z, 3.0) | x.index_add(0, z, y, alpha=2)
x.select_scatter(v, 0, 1)
x.slice_scatter(y[:2], 0, 1) | x.diagonal_scatter(z.double()) | x.masked_scatter(b, y)
x.index_put((z, z), v[:3])
x.index_put((z[[0, 0]], z[[1, 1]]), v[:2], accumulate=True) | i.nonzero() | x.nonzero()
b.nonzero(as_tuple=True)
lib.where(b) | i.unique() | i.unique(return_inverse=True, return_counts=True) | i.unique(dim=0)
b.argwhere()
z[[0, 0, 1]].unique_consecutive(return_counts=True) | j.flatten().bincount() | z.bincount(v[:3])
z.bincount(minlength=7)
x.histc(4, -1, 1) | x.histc(5) | x.sort() | x.sort(0, descending=True) | x.argsort()
x.argsort(dim=0) | x.topk(2)
x.topk(2, 0, largest=False) | x.msort() | lib.searchsorted(v.sort().values, p)
lib.searchsorted(v.sort().values, 0.3)
lib.searchsorted(v.sort().values, x, right=True) | lib.bucketize(x, v.sort().values)
lib.isin(i, z) | w.sort()
lib.isin(i, z, invert=True) | x.take_along_dim(x.argsort(1), 1) | n.sort() | lib.topk(x, 1)
"""
ALGEBRA = """
x @ m | x.matmul(m) | x @ v | v @ m | v @ v | c @ m | c @ d | c.bmm(d) | x.mm(m) | m.mv(m[0])
v.dot(v) | v.vdot(v)
v.outer(v) | v.ger(v) | x.inner(y) | v.inner(x) | x.kron(s) | v.kron(v)
lib.tensordot(c, d.mT, dims=([0, 2], [0, 2]))
lib.tensordot(x, m, 1) | s.addmm(x, x.T) | s.addmm(x, x.T, beta=0.5, alpha=2)
z.double().addmv(s, z.double())
s.addr(z.double(), z.double()) | lib.baddbmm(c @ d, c, d, beta=2) | (x @ m).addbmm(c, d) | s.trace()
i[:, :3].trace()
s.det() | s.logdet() | s.slogdet() | s.inverse() | x.pinverse() | s.matrix_power(3)
s.matrix_power(-1)
(s @ s.T).cholesky() | lib.linalg.solve(s, x) | lib.linalg.svdvals(x) | lib.linalg.eigvalsh(s + s.T)
lib.linalg.norm(x)
lib.linalg.norm(s, "nuc") | lib.linalg.vector_norm(x, 3, dim=1) | lib.linalg.matrix_norm(x, 1)
lib.linalg.cond(s)
lib.linalg.matrix_rank(x) | lib.linalg.multi_dot([x, m, m.T]) | lib.linalg.lstsq(x.T, v).solution
lib.linalg.solve_triangular(s, x, upper=True) | x[:, :3].cross(y[:, :3], dim=1)
lib.linalg.diagonal(c)
lib.einsum("ij,jk->ik", x, m) | lib.einsum("bij,bjk->bik", c, d) | lib.einsum("ij->j", x)
lib.einsum("ii", s)
lib.addcmul(x, y, p) | lib.addcmul(x, y, p, value=2) | x.addcdiv(y, p, value=0.5) | x.lerp(y, 0.3)
x.lerp(y, p)
x.add(y, alpha=2) | x.sub(y, alpha=3) | x.div(p, rounding_mode="floor")
x.div(p, rounding_mode="trunc")
i.div(j, rounding_mode="trunc") | i.div(j, rounding_mode="floor") | x.clamp(-0.5, 0.5)
x.clamp(min=0) | x.clip(max=0.2)
x.clamp(y, y + 1) | i.clamp(-1, 2) | i.clamp(min=0.5) | x.round(decimals=2) | q.polygamma(2)
"""
JOINING = """
lib.cat([x, y]) | lib.cat((x, y), dim=1) | lib.cat([x, i]) | lib.stack([x, y])
lib.stack([x, y], -1) | lib.concat([x, y], 1)
lib.hstack([x, y]) | lib.hstack([v, v]) | lib.vstack([v, v]) | lib.vstack([x, v])
lib.dstack([x, y]) | lib.dstack([v, v])
lib.column_stack([v, v]) | lib.atleast_1d(n) | lib.atleast_2d(v) | lib.atleast_3d(v)
lib.atleast_3d(x, n)
lib.broadcast_tensors(x, v) | lib.meshgrid(v, v[:2], indexing="ij")
lib.meshgrid(v, v[:2], indexing="xy")
lib.cartesian_prod(v, v) | lib.combinations(v) | lib.combinations(v, 3) | lib.block_diag(x, s, v)
lib.cat([v[:0], x])
lib.zeros(2, 3) | lib.ones((2, 3)) | lib.full((2,), 3) | lib.full((2,), 3.5)
lib.full((2, 2), True) | lib.zeros_like(i)
lib.ones_like(x) | lib.full_like(x, 2) | lib.eye(3) | lib.eye(2, 4) | lib.arange(5)
lib.arange(1, 6, 2) | lib.arange(0, 1, 0.3)
lib.arange(5, 0, -2) | lib.arange(3, dtype=lib.float32) | lib.linspace(0, 1, 5)
lib.linspace(-2, 3, 1) | lib.linspace(0, 10, 7)
lib.logspace(0, 2, 3) | lib.tril_indices(3, 4) | lib.triu_indices(3, 3, 1) | lib.scalar_tensor(3)
x.new_zeros(2, 3)
x.new_ones((2,)) | i.new_full((2,), 4) | x.new_tensor([1, 2]) | lib.tensor([1, 2])
lib.tensor([1.0, 2]) | lib.tensor([True])
lib.tensor(3) | lib.as_tensor([[1, 2], [3, 4]])
lib.promote_types(lib.int32, lib.float32) == lib.float32
lib.result_type(i, 1.0) == lib.float32 | lib.can_cast(lib.int32, lib.float32) | lib.numel(x)
lib.is_tensor(x)
lib.broadcast_shapes((3, 1), (4,)) == (3, 4) | lib.finfo(lib.float32).eps | lib.iinfo(lib.int8).max
x.element_size()
"""
OPERATORS = """
x + y | x - 1 | 2 * x | x / y | 1 / x | i // 2 | i % 3 | x ** 2 | q ** p | 2 ** p | -x | +x | abs(x)
i & j | i | j | i ^ j
~i | ~b | b & b | i << 1 | i >> 1 | 1 << z | x == y | x != y | x < y | x <= 0 | x > 0 | x >= y
i + 1.5 | b + 1 | b + b
i / j | u + h | h + i | u - 1 | f + 1 | f + x | f * i | b * x | 3 - i | 3 // j | 7 % j | i == 2
x // p | x % p
x.float() | x.int() | i.double() | x.bool() | x.long() | i.short() | i.char() | u.byte()
x.to(lib.float32) | x.to(f)
x.type_as(f) | x.type(lib.float32) | f.to("cpu") | x.detach() | x.data | x.clone()
x.float_power(2) | x.ldexp(z[:1])
x.hypot(y) | q.xlogy(p) | x.nextafter(y) | lib.pow(2.0, p) | lib.maximum(x, y)
x.tolist() == x.tolist() | x.equal(x)
x.allclose(y) | x.allclose(x + 1e-9) | len(x) | x.size(0) | x.dim() | x.ndim | x.numel()
x.stride() | x.nbytes | x.itemsize
i.bitwise_and(j) | i.bitwise_or(j) | i.bitwise_xor(j) | i.bitwise_not()
i.bitwise_left_shift(z[:1]) | 2 in z | 7 in z
x.is_floating_point() | i.is_signed() | x == None | x.is_contiguous() | [t.sum() for t in x]
x.requires_grad | i.is_complex()
"""


def expressions(*texts):
    lines = [line for text in texts for line in text.strip().splitlines()]
    return [e.strip() for line in lines for e in _parts(line) if e.strip()]


def _parts(line):
    """Separated by " | ", but for the operator in `i | j`."""
    return line.replace("i | j", "i.__or__(j)").split(" | ")


ELEMENTWISE = [
    *(f"{a}.{name}()" for name in UNARY for a in ("x", "i", "w") if (a, name) not in ODD),
    *(f"{a}.{name}()" for name in POSITIVE for a in ("q", "p", "j")),
    *(f"p.{name}()" for name in UNIT), "q.acosh()", "q.arccosh()",
    *(f"lib.{name}(x)" for name in UNARY), *(f"lib.{name}(p)" for name in POSITIVE + UNIT),
    *(f"x.{name}(y)" for name in BINARY), *(f"lib.{name}(x, v)" for name in BINARY)]


EVERY = [*ELEMENTWISE, *expressions(SHAPES, REDUCTIONS, INDEXING, ALGEBRA, JOINING, OPERATORS)]


@pytest.mark.parametrize("text", list(dict.fromkeys(EVERY)))
def test_values_and_gradients_agree_with_torch(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")                       # torch's own deprecations
        used = {k: a for k, a in ARRAYS.items() if k in set(_words(text))}
        check(text, used, gradients=not any(w in text for w in VALUES_ONLY))


def _words(text):
    import re
    return re.findall(r"[a-zA-Z_]+", text)
