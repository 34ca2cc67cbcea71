"""Operator by operator: the attributes of an ONNX node and its operands flow in, nodes come out.

The operators are those that `rules.py` writes, and a few that other exporters like. A meaning gets
the reader (`r.opset`, `r.fixed(x)`: the numbers of an operand that does not depend on the data),
the attributes, and the operands, None for one that is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..graph.dtypes import dtype_of, float64, int64
from ..graph.node import Node
from ..ops.contract.conv import Conv, ConvInput
from ..ops.index.gather import Gather, ScatterAdd, ScatterSet
from ..ops.primitive import results
from ..ops.structure import constant
from ..ops.window import MaxPool, SumPool

Meaning = Callable[..., Any]
MEANINGS: dict[str, Meaning] = {}

_SAME: dict[str, Callable[..., Node]] = {
    "Abs": ops.abs, "Acos": ops.acos, "Acosh": ops.acosh, "Add": ops.add, "Asin": ops.asin,
    "Asinh": ops.asinh, "Atan": ops.atan, "Atanh": ops.atanh, "And": ops.logical_and,
    "BitwiseAnd": ops.bitwise_and, "BitwiseNot": ops.bitwise_invert, "BitwiseOr": ops.bitwise_or,
    "BitwiseXor": ops.bitwise_xor, "Ceil": ops.ceil, "Cos": ops.cos, "Cosh": ops.cosh,
    "Equal": ops.eq, "Erf": ops.erf, "Exp": ops.exp, "Floor": ops.floor, "Greater": ops.gt,
    "GreaterOrEqual": ops.ge, "IsInf": ops.isinf, "IsNaN": ops.isnan, "Less": ops.lt,
    "LessOrEqual": ops.le, "Log": ops.log, "MatMul": ops.matmul, "Max": ops.maximum,
    "Min": ops.minimum, "Mul": ops.mul, "Neg": ops.neg, "Not": ops.logical_not,
    "Or": ops.logical_or, "Pow": ops.pow, "Reciprocal": ops.reciprocal, "Relu": ops.relu,
    "Round": ops.round, "Sigmoid": ops.sigmoid, "Sign": ops.sign, "Sin": ops.sin, "Sinh": ops.sinh,
    "Softplus": ops.softplus, "Sqrt": ops.sqrt, "Sub": ops.sub, "Tan": ops.tan, "Tanh": ops.tanh,
    "Where": ops.where, "Xor": ops.logical_xor}


def meaning(*names: str) -> Callable[[Meaning], Meaning]:
    """Register what operators of these names mean."""
    def register(function: Meaning) -> Meaning:
        for name in names:
            MEANINGS[name] = function
        return function
    return register


for _name, _function in _SAME.items():
    MEANINGS[_name] = lambda r, a, *xs, _f=_function: _f(*xs)


# ---- elementwise and constants ------------------------------------------------------------------

@meaning("Identity", "Dropout")
def identity(r: Any, a: Any, x: Node, *rest: Any) -> Node: return x


@meaning("Div")
def div(r: Any, a: Any, x: Node, y: Node) -> Node:
    if x.dtype.is_floating_point:
        return ops.div(x, y)
    return ops.cast(ops.trunc(ops.div(ops.cast(x, float64), ops.cast(y, float64))), x.dtype)


@meaning("Mod")
def mod(r: Any, a: Any, x: Node, y: Node) -> Node:
    return ops.fmod(x, y) if a.get("fmod", 0) else ops.remainder(x, y)


@meaning("Cast")
def cast(r: Any, a: Any, x: Node) -> Node: return ops.cast(x, r.dtype(a["to"]))


@meaning("Constant")
def constant_of(r: Any, a: Any) -> Node:
    for key in ("value", "value_float", "value_int", "value_floats", "value_ints"):
        if key in a:
            array = np.asarray(a[key])
            single = array.dtype == np.float64 and key != "value"
            return constant(array.astype(np.float32) if single else array)
    raise KeyError("value")


@meaning("Range")
def arange(r: Any, a: Any, *ends: Node) -> Node:
    start, stop, step = (r.fixed(e).item() for e in ends)
    return constant(np.arange(start, stop, step, dtype=ends[0].dtype.numpy))


@meaning("Shape")
def shape(r: Any, a: Any, x: Node) -> Node:
    return constant(np.array(x.shape[a.get("start", 0):a.get("end")], np.int64))


# ---- movement -----------------------------------------------------------------------------------

@meaning("Reshape")
def reshape(r: Any, a: Any, x: Node, to: Node) -> Node:
    wanted = [x.shape[i] if n == 0 and not a.get("allowzero", 0) else int(n)
              for i, n in enumerate(r.fixed(to).tolist())]
    if -1 in wanted:
        others = int(np.prod([n for n in wanted if n != -1]))
        wanted[wanted.index(-1)] = x.size // others if others else 0
    return ops.reshape(x, wanted)


@meaning("Flatten")
def flatten(r: Any, a: Any, x: Node) -> Node:
    axis = a.get("axis", 1) % (x.ndim + 1)
    first = int(np.prod(x.shape[:axis]))
    return ops.reshape(x, (first, x.size // first if first else 0))


@meaning("Transpose")
def transpose(r: Any, a: Any, x: Node) -> Node:
    return ops.permute(x, a.get("perm", range(x.ndim)[::-1]))


@meaning("Expand")
def expand(r: Any, a: Any, x: Node, to: Node) -> Node:
    return ops.broadcast_to(x, np.broadcast_shapes(x.shape, tuple(r.fixed(to).tolist())))


@meaning("Unsqueeze")
def unsqueeze(r: Any, a: Any, x: Node, axes: Node) -> Node:
    wanted = r.fixed(axes).tolist()
    new = {i % (x.ndim + len(wanted)) for i in wanted}
    sizes = iter(x.shape)
    return ops.reshape(x, [1 if i in new else next(sizes) for i in range(x.ndim + len(new))])


@meaning("Squeeze")
def squeeze(r: Any, a: Any, x: Node, axes: Node | None = None) -> Node:
    gone = range(x.ndim) if axes is None else [i % x.ndim for i in r.fixed(axes).tolist()]
    return ops.reshape(x, [n for i, n in enumerate(x.shape)
                           if not (i in gone and (axes is not None or n == 1))])


@meaning("Slice")
def slice_(r: Any, a: Any, x: Node, starts: Node, ends: Node, axes: Node | None = None,
           steps: Node | None = None) -> Node:
    first, last = r.fixed(starts).tolist(), r.fixed(ends).tolist()
    on = range(len(first)) if axes is None else r.fixed(axes).tolist()
    by = [1] * len(first) if steps is None else r.fixed(steps).tolist()
    for lo, hi, axis, step in zip(first, last, on, by, strict=True):
        x = _cut(x, axis % x.ndim, *slice(lo, hi, step).indices(x.shape[axis % x.ndim]))
    return x


def _cut(x: Node, axis: int, start: int, stop: int, step: int) -> Node:
    """x[start:stop:step] on one axis, as slice.indices gave the numbers."""
    taken = range(start, stop, step)
    if step < 0:
        back = taken[::-1]
        return ops.flip(_cut(x, axis, back.start, back.stop, back.step), [axis])
    ends = [(0, n, 1) for n in x.shape]
    ends[axis] = (start, max(stop, start), step)
    return ops.slice_(x, *zip(*ends, strict=True))


@meaning("Pad")
def pad(r: Any, a: Any, x: Node, pads: Node, value: Node | None = None) -> Node:
    if a.get("mode", "constant") != "constant":
        raise KeyError(a["mode"])
    ends = r.fixed(pads).tolist()
    widths = [(lo, hi, 0) for lo, hi in zip(ends[:x.ndim], ends[x.ndim:], strict=True)]
    return ops.pad(x, widths, constant(0, x.dtype) if value is None else value)


@meaning("Concat")
def concat(r: Any, a: Any, *xs: Node) -> Node:
    return ops.concat(xs, a["axis"] % xs[0].ndim)


# ---- reductions ---------------------------------------------------------------------------------

@meaning("ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin", "ReduceMean")
def reduction(r: Any, a: Any, x: Node, axes: Node | None = None) -> Node:
    function = getattr(ops, a["op"].removeprefix("Reduce").lower())
    given = a.get("axes") if axes is None else r.fixed(axes).tolist()
    if not given and a.get("noop_with_empty_axes", 0):
        return x
    on = [i % x.ndim for i in given] if given else list(range(x.ndim))
    out: Node = function(x, on)
    return ops.keep_dims(out, on) if a.get("keepdims", 1) else out


@meaning("ArgMax", "ArgMin")
def arg(r: Any, a: Any, x: Node) -> Node:
    axis = a.get("axis", 0) % x.ndim
    out = (ops.argmax if a["op"] == "ArgMax" else ops.argmin)(x, axis)
    return ops.expand_dims(out, axis) if a.get("keepdims", 1) else out


@meaning("CumSum")
def cumsum(r: Any, a: Any, x: Node, axis: Node) -> Node:
    if a.get("exclusive", 0) or a.get("reverse", 0):
        raise KeyError("exclusive or reverse")
    return ops.cumsum(x, int(r.fixed(axis)) % x.ndim)


@meaning("TopK")
def topk(r: Any, a: Any, x: Node, k: Node) -> Any:
    return ops.topk(x, int(r.fixed(k).item()), a.get("axis", -1) % x.ndim,
                    bool(a.get("largest", 1)))


@meaning("Softmax", "LogSoftmax")
def softmax(r: Any, a: Any, x: Node) -> Node:
    axis = a.get("axis", -1) % x.ndim
    shifted = ops.sub(x, ops.stop_gradient(ops.keep_dims(ops.max(x, [axis]), [axis])))
    total = ops.keep_dims(ops.sum(ops.exp(shifted), [axis]), [axis])
    if a["op"] == "Softmax":
        return ops.div(ops.exp(shifted), total)
    return ops.sub(shifted, ops.log(total))


# ---- products and windows -----------------------------------------------------------------------

@meaning("Gemm")
def gemm(r: Any, a: Any, x: Node, y: Node, c: Node | None = None) -> Node:
    x = ops.transpose(x) if a.get("transA", 0) else x
    y = ops.transpose(y) if a.get("transB", 0) else y
    out = ops.mul(ops.matmul(x, y), a.get("alpha", 1.0))
    return out if c is None else ops.add(out, ops.mul(c, a.get("beta", 1.0)))


@meaning("BatchNormalization")
def batch_norm(r: Any, a: Any, x: Node, *rows: Node) -> Node:
    gamma, beta, mean, var = (ops.reshape(p, (p.size, *(1,) * (x.ndim - 2))) for p in rows)
    scale = ops.mul(gamma, ops.rsqrt(ops.add(var, a.get("epsilon", 1e-5))))
    return ops.add(ops.mul(ops.sub(x, mean), scale), beta)


def _window(a: Any, axes: int) -> tuple[Any, Any, Any]:
    """Strides, pads per axis, dilations."""
    if a.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID") or a.get("ceil_mode", 0):
        raise KeyError("auto_pad or ceil_mode")
    ends = a.get("pads", [0] * 2 * axes)
    return (tuple(a.get("strides", [1] * axes)),
            tuple(zip(ends[:axes], ends[axes:], strict=True)),
            tuple(a.get("dilations", [1] * axes)))


@meaning("Conv")
def conv(r: Any, a: Any, x: Node, w: Node, bias: Node | None = None) -> Node:
    out = Conv(*_window(a, x.ndim - 2), a.get("group", 1))(x, w)
    return out if bias is None else _biased(out, bias)


@meaning("ConvTranspose")
def conv_transpose(r: Any, a: Any, y: Node, w: Node, bias: Node | None = None) -> Node:
    stride, padding, dilation = _window(a, y.ndim - 2)
    left = a.get("output_padding", [0] * (y.ndim - 2))
    size = tuple((p - 1) * s + d * (k - 1) + 1 - low - high + o for p, k, s, (low, high), d, o in
                 zip(y.shape[2:], w.shape[2:], stride, padding, dilation, left, strict=True))
    out = ConvInput(stride, padding, dilation, a.get("group", 1), size)(y, w)
    return out if bias is None else _biased(out, bias)


def _biased(y: Node, bias: Node) -> Node:
    return ops.add(y, ops.reshape(bias, (bias.size, *(1,) * (y.ndim - 2))))


@meaning("MaxPool", "AveragePool")
def pool(r: Any, a: Any, x: Node) -> Any:
    window = tuple(a["kernel_shape"])
    stride, padding, dilation = _window(a, len(window))
    if a["op"] == "MaxPool":
        return results(MaxPool(window, stride, padding, dilation)(x))[:1]
    if any(map(any, padding)) and not a.get("count_include_pad", 0):
        raise KeyError("count_include_pad")
    total = SumPool(window, stride, padding, dilation)(x)
    return ops.div(total, float(np.prod(window)))


@meaning("GlobalAveragePool")
def global_pool(r: Any, a: Any, x: Node) -> Node:
    axes = list(range(2, x.ndim))
    return ops.keep_dims(ops.mean(x, axes), axes)


# ---- places -------------------------------------------------------------------------------------

@meaning("Gather")
def gather(r: Any, a: Any, x: Node, index: Node) -> Node:
    return ops.take(x, ops.cast(index, int64), a.get("axis", 0) % x.ndim)


def _columns(index: Node) -> list[Node]:
    """(*I, k) as k tensors (*I)."""
    whole = [(0, n) for n in index.shape[:-1]]
    cut = lambda i: ops.slice_(index, [*(a for a, _ in whole), i], [*(b for _, b in whole), i + 1],
                               [1] * index.ndim)
    return [ops.cast(ops.reshape(cut(i), index.shape[:-1]), int64) for i in range(index.shape[-1])]


@meaning("GatherND")
def gather_nd(r: Any, a: Any, x: Node, index: Node) -> Node:
    if a.get("batch_dims", 0):
        raise KeyError("batch_dims")
    return Gather(index.shape[-1])(x, *_columns(index))


@meaning("ScatterND")
def scatter_nd(r: Any, a: Any, x: Node, index: Node, updates: Node) -> Node:
    how = {"none": ScatterSet, "add": ScatterAdd}[a.get("reduction", "none")]
    return how(index.shape[-1])(x, *_columns(index), updates)


def dtype_number(number: int) -> Any:
    """The element type of ONNX's number for it. Raises E104 for one that sheer does not have."""
    from onnx import helper
    return dtype_of(helper.tensor_dtype_to_np_dtype(number))
