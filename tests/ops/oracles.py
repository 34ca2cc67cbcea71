"""What each primitive is in torch: a function of (primitive, *tensors), or why there is none."""

import math

import torch
import torch.nn.functional as F

ELEMENTWISE = {
    "Abs": torch.abs, "Acos": torch.acos, "Acosh": torch.acosh, "Add": torch.add,
    "Asin": torch.asin, "Asinh": torch.asinh, "Atan": torch.atan, "Atan2": torch.atan2,
    "Atanh": torch.atanh, "BitwiseAnd": torch.bitwise_and, "BitwiseInvert": torch.bitwise_not,
    "BitwiseLeftShift": torch.bitwise_left_shift, "BitwiseOr": torch.bitwise_or,
    "BitwiseRightShift": torch.bitwise_right_shift, "BitwiseXor": torch.bitwise_xor,
    "Ceil": torch.ceil, "Copysign": torch.copysign, "Cos": torch.cos, "Cosh": torch.cosh,
    "Div": torch.div, "Eq": torch.eq, "Erf": torch.erf, "Erfc": torch.erfc,
    "Erfcx": torch.special.erfcx, "Erfinv": torch.erfinv, "Exp": torch.exp, 
    # torch leaves the sign to chance where the lowest integer takes part
    "Gcd": lambda x, y: torch.gcd(x, y).abs(),
    "I0e": torch.special.i0e, "I1e": torch.special.i1e,
    "Exp2": torch.exp2, "Expm1": torch.expm1, "Floor": torch.floor, "Fmod": torch.fmod,
    "FloorDivide": lambda x, y: torch.div(x, y, rounding_mode="floor"), "Hypot": torch.hypot,
    "Isfinite": torch.isfinite, "Isinf": torch.isinf, "Isnan": torch.isnan, "Le": torch.le,
    "Lgamma": torch.lgamma, "Log": torch.log, "Log10": torch.log10, "Log1p": torch.log1p,
    "Log2": torch.log2, "Logaddexp": torch.logaddexp, "Lt": torch.lt, "Maximum": torch.maximum,
    "Minimum": torch.minimum, "Mul": torch.mul, "Ne": torch.ne, "Neg": torch.neg,
    "Nextafter": torch.nextafter, "Pow": torch.pow, "Relu": torch.relu,
    "Remainder": torch.remainder, "Round": torch.round, "Rsqrt": torch.rsqrt,
    "Sigmoid": torch.sigmoid, "Sign": torch.sign, "Signbit": torch.signbit, "Sin": torch.sin,
    "Sinh": torch.sinh, "Sqrt": torch.sqrt, "Sub": torch.sub, "Tan": torch.tan,
    "Tanh": torch.tanh, "Trunc": torch.trunc, "Where": torch.where,
}


def pad(prim, x, value):
    """lax.pad in torch: spread, then grow or cut at the ends."""
    for axis, (low, high, interior) in enumerate(prim.widths):
        if interior and x.shape[axis]:
            x = x.movedim(axis, 0)
            gap = value.expand(x.shape[0], interior, *x.shape[1:])
            spread = torch.cat([x.unsqueeze(1), gap], 1).flatten(0, 1)
            x = spread[:spread.shape[0] - interior].movedim(0, axis)
        for amount, first in ((low, True), (high, False)):
            if amount > 0:
                shape = (*x.shape[:axis], amount, *x.shape[axis + 1:])
                grown = [value.expand(shape), x]
                x = torch.cat(grown if first else grown[::-1], axis)
        x = x.narrow(axis, max(-low, 0), x.shape[axis] - max(-low, 0) - max(-high, 0))
    return x


def conv(prim, x, w):
    """Convolution after padding by hand, so that both sides may differ."""
    x = F.pad(x, ends(prim))
    run = (F.conv1d, F.conv2d, F.conv3d)[len(prim.stride) - 1]
    return run(x, w, stride=prim.stride, dilation=prim.dilation, groups=prim.groups)


def conv_input(prim, ct, w):
    """The derivative of conv towards the image."""
    shape = (ct.shape[0], w.shape[1] * prim.groups, *prim.size)
    x = torch.zeros(shape, dtype=ct.dtype, requires_grad=True)
    return torch.autograd.grad(conv(prim, x, w), x, ct, create_graph=True)[0]


def conv_weight(prim, x, ct):
    """The derivative of conv towards the filters."""
    shape = (ct.shape[1], x.shape[1] // prim.groups, *prim.size)
    w = torch.zeros(shape, dtype=x.dtype, requires_grad=True)
    return torch.autograd.grad(conv(prim, x, w), w, ct, create_graph=True)[0]


def sum_pool(prim, x):
    """A convolution with ones, one channel at a time."""
    axes = len(prim.window)
    flat = F.pad(x.reshape(-1, 1, *x.shape[x.ndim - axes:]), ends(prim))
    run = (F.conv1d, F.conv2d, F.conv3d)[axes - 1]
    out = run(flat, torch.ones(1, 1, *prim.window, dtype=x.dtype), stride=prim.stride,
              dilation=prim.dilation)
    return out.reshape(*x.shape[:x.ndim - axes], *out.shape[2:])


def sum_pool_input(prim, ct):
    """The derivative of sum_pool."""
    shape = (*ct.shape[:ct.ndim - len(prim.window)], *prim.size)
    x = torch.zeros(shape, dtype=ct.dtype, requires_grad=True)
    return torch.autograd.grad(sum_pool(prim, x), x, ct, create_graph=True)[0]


def max_pool_input(prim, ct, places):
    """Each number added at its flat place."""
    lead = ct.ndim - len(prim.size)
    flat = torch.zeros((*ct.shape[:lead], math.prod(prim.size)), dtype=ct.dtype)
    last = lambda t: t.reshape(*t.shape[:lead], -1)
    return flat.scatter_add(-1, last(places), last(ct)).reshape(*ct.shape[:lead], *prim.size)


def max_pool(prim, x):
    """Padding by hand with -inf; places counted without the padding."""
    axes = len(prim.window)
    sizes = x.shape[x.ndim - axes:]
    flat = F.pad(x.reshape(-1, 1, *sizes), ends(prim), value=-torch.inf)
    run = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[axes - 1]
    out, places = run(flat, prim.window, prim.stride, 0, prim.dilation, return_indices=True)
    index = torch.unravel_index(places, flat.shape[2:])
    place = torch.zeros_like(places)
    for i, size, (low, _) in zip(index, sizes, prim.padding, strict=True):
        place = place * size + (i - low)
    shape = (*x.shape[:x.ndim - axes], *out.shape[2:])
    return out.reshape(shape), place.reshape(shape)


def ends(prim):
    """The padding as F.pad wants it: last axis first."""
    return [p for pair in reversed(prim.padding) for p in pair]


def fft(prim, re, im):
    """Without a factor in either direction."""
    if re.numel() == 0:
        return re, im
    x = torch.complex(re, im)
    y = (torch.fft.ifftn(x, dim=prim.axes, norm="forward") if prim.inverse
         else torch.fft.fftn(x, dim=prim.axes))
    return y.real, y.imag


def along(reduction):
    """A torch reduction over the axes of the primitive; over none it is the identity."""
    return lambda prim, x: reduction(x, prim.axes) if prim.axes else x


def one_by_one(reduction):
    """A torch reduction that takes one axis at a time."""
    def apply(prim, x):
        for axis in sorted(prim.axes, reverse=True):
            x = reduction(x, axis)
        return x
    return apply


STRUCTURE = {
    "Alias": lambda prim, x: x.clone(),
    "Barrier": lambda prim, x, after: x.clone(),
    "Laid": lambda prim, x: x.clone(),
    "Cast": lambda prim, x: x.to(getattr(torch, prim.dtype.name)),
    "Concat": lambda prim, *xs: torch.cat(xs, prim.axis),
    "Constant": lambda prim: torch.from_numpy(prim.ref().copy()),
    "Conv": conv, "ConvInput": conv_input, "ConvWeight": conv_weight,
    "CumProd": lambda prim, x: torch.cumprod(x, prim.axis),
    "CumSum": lambda prim, x: torch.cumsum(x, prim.axis),
    "Dot": lambda prim, a, b: torch.matmul(a, b),
    "Expand": lambda prim, x: x.expand(prim.shape),
    "Flip": lambda prim, x: x.flip(prim.axes),
    "Iota": lambda prim: torch.arange(prim.length, dtype=getattr(torch, prim.dtype.name)),
    "Pad": pad,
    "Permute": lambda prim, x: x.permute(prim.axes),
    # in float64: near digamma's root torch is off by 1e-2 of the value in float32
    "Polygamma": lambda prim, x: torch.special.polygamma(prim.order, x.double()).to(x.dtype),
    "Reshape": lambda prim, x: x.reshape(prim.shape),
    "Slice": lambda prim, x: x[tuple(map(slice, prim.starts, prim.stops, prim.steps))],
    "Deviation": lambda prim, x: ((x - x.mean(prim.axes, keepdim=True)).square().sum(prim.axes)
                                  if prim.axes else x * 0),
    "Sum": along(lambda x, axes: torch.sum(x, axes, dtype=x.dtype)),
    "Max": along(torch.amax), "Min": along(torch.amin),
    "Any_": along(torch.any), "All_": along(torch.all),
    "Prod": one_by_one(lambda x, axis: torch.prod(x, axis, dtype=x.dtype)),
    "ArgMax": lambda prim, x: torch.argmax(x, prim.axis),
    "ArgMin": lambda prim, x: torch.argmin(x, prim.axis),
    "StopGradient": lambda prim, x: x.detach(),
}

INDEX = {
    "Gather": lambda prim, x, *index: x[index],
    "ScatterAdd": lambda prim, x, *rest: x.index_put(rest[:-1], rest[-1], accumulate=True),
    "ScatterSet": lambda prim, x, *rest: x.index_put(rest[:-1], rest[-1]),
    "Sort": lambda prim, x: tuple(torch.sort(
        x, dim=prim.axis, descending=prim.descending, stable=True)),
    "TopK": lambda prim, x: tuple(t.narrow(prim.axis, 0, prim.k) for t in torch.sort(
        x, dim=prim.axis, descending=prim.descending, stable=True)),
    "MaxPool": max_pool, "SumPool": sum_pool, "SumPoolInput": sum_pool_input,
    "MaxPoolInput": max_pool_input,
}

LINEAR = {
    "Cholesky": lambda prim, a: torch.linalg.cholesky((a + a.mT) / 2),
    "TriangularSolve": lambda prim, a, b: torch.linalg.solve_triangular(
        a, b, upper=not prim.lower),
    "Cofactor": lambda prim, a: torch.linalg.det(a)[..., None, None] * torch.linalg.inv(a).mT,
    "Fft": fft,
    "Lu": lambda prim, a: torch.linalg.lu_factor(a).LU,     # the samples need no exchange
    "Pivots": lambda prim, a: torch.linalg.lu_factor(a).pivots,
    "RowOrder": lambda prim, p: torch.lu_unpack(
        torch.zeros(*p.shape[:-1], prim.size, p.shape[-1]), p, unpack_data=False)[0].argmax(-2),
    "Solve": lambda prim, a, b: torch.linalg.solve(a, b),
    "Inverse": lambda prim, a: torch.linalg.inv(a),
    "Pinv": lambda prim, a: torch.linalg.pinv(a, rtol=prim.rtol),
    "Det": lambda prim, a: torch.linalg.det(a),
    "SlogDet": lambda prim, a: tuple(torch.linalg.slogdet(a)),
}

NONE = {
    "Data": "a leaf: its value is its meaning",
    "Input": "a leaf without a value",
    "Qr": "signs of the vectors are free; tests/ops_host settles them, then compares with torch",
    "Svd": "signs of the vectors are free; tests/ops_host settles them, then compares with torch",
    "Eigh": "signs of the vectors are free; tests/ops_host settles them, then compares with torch",
    "Uniform": "a generator of its own; tests/ops_host/test_random.py compares its bits",
    "Permutation": "a generator of its own; tests/ops_host/test_random.py checks it",
    "FoldIn": "a generator of its own; tests/ops_host/test_random.py compares its bits",
    "Pick": "selects one of several results; tested with the primitives that have several",
    "Checkpoint": "runs a graph; test_bodies.py compares it with the graph itself",
    "Blocks": "runs a graph; tests/attention compares it with the graph itself, natively",
    "Scan": "runs a graph in a loop; test_bodies.py compares it with the unrolled loop",
}

ORACLES = {name: (lambda prim, *xs, f=f: f(*xs)) for name, f in ELEMENTWISE.items()}
ORACLES |= STRUCTURE | INDEX | LINEAR | NONE

# where we do not follow torch, and why; GRADIENT_ and PINNED_ concern the pinned cases alone
GRADIENT_DIFFERS = {
    "Hypot": "0 at the origin, where torch gives NaN",
    "Det": "right for singular matrices, where torch gives 0",
    "SlogDet": "pinned cases are singular", "Cofactor": "pinned cases are singular",
    "MaxPool": "pinned cases are ties",
    "Logaddexp": "a half for two equal infinities, where torch gives NaN",
}
NO_GRADIENT = {
    "ScatterSet": "of repeated places only the winner gets a gradient; torch gives it to all",
}
NAN_DIFFERS = {"Sign": "NaN stays NaN, as in NumPy and the array API; torch makes it 0"}
PINNED_DIFFERS = {
    "MaxPool": "the first NaN is the place; torch takes the last, or padding's",
    "Cofactor": "singular matrices have cofactors, but torch only an inverse that is not there",
}
ZERO_SIGN_DIFFERS = {
    "Maximum": "either zero may win", "Minimum": "either zero may win",
    "Relu": "either zero may win",
    "Remainder": "a zero takes the sign of y, as in NumPy and the array API",
    "Max": "either zero may win", "Min": "either zero may win",
}
NO_INTEGERS = {
    "FloorDivide": "torch raises for a zero divisor and traps on the lowest integer",
    "Remainder": "torch raises for a zero divisor", "Fmod": "torch raises for a zero divisor",
    "MaxPool": "torch has no integer pool", "SumPool": "torch has no integer convolution",
    "SumPoolInput": "torch has no integer convolution", "Solve": "floats only",
    "Conv": "torch has no integer convolution", "ConvInput": "torch has no integer convolution",
    "ConvWeight": "torch has no integer convolution",
}
SLOPPY = {   # relative error allowed in float64, where torch itself is not that exact
    "Polygamma": 2e-9, "Erfinv": 1e-11, "Lgamma": 1e-12,
}
