"""Primitive by primitive: a cell and the names of its operands flow in, ONNX nodes come out.

The one place that knows how sheer's primitives are said in ONNX. A rule gets the writer, the cell
(whose fields are those of the primitive, sizes possibly in the batch) and the operands' names; it
gives the name of the result, or a tuple of names. What is not here has no form (E841).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph.dtypes import int32
from .pattern import Cell, Size
from .writer import Writer, helper, product

Rule = Callable[..., Any]
RULES: dict[str, Rule] = {}

_SAME = {"Lt": "Less", "Le": "LessOrEqual", "Eq": "Equal", "Isnan": "IsNaN", "Isinf": "IsInf",
         "Maximum": "Max", "Minimum": "Min", "Dot": "MatMul",
         **{n: n for n in ("Acos", "Acosh", "Add", "Asin", "Asinh", "Atan", "Atanh", "Ceil", "Cos",
                           "Cosh", "Div", "Erf", "Exp", "Floor", "Log", "Mul", "Neg", "Pow", "Relu",
                           "Abs", "Round", "Sigmoid", "Sign", "Sin", "Sinh", "Sqrt", "Sub", "Tan",
                           "Tanh", "Where")}}
_OF_BOOLS = {"Add": "Or", "Mul": "And", "Maximum": "Or", "Minimum": "And", "BitwiseAnd": "And",
             "BitwiseOr": "Or", "BitwiseXor": "Xor", "BitwiseInvert": "Not"}
_BITS_SINCE = 18                               # the opset that has BitwiseAnd and its like
_AXES_SINCE = 18                               # the opset whose ReduceMax takes axes as an operand
NEVER = ("Alias", "Barrier", "StopGradient")   # marks: the value itself


def rule(*kinds: str) -> Callable[[Rule], Rule]:
    """Register a rule for primitives by name."""
    def register(function: Rule) -> Rule:
        for kind in kinds:
            RULES[kind] = function
        return function
    return register


@rule(*_SAME, *(k for k in _OF_BOOLS if k not in _SAME))
def same(w: Writer, cell: Cell, *xs: str) -> Any:
    """The operation that ONNX has too, with a name of its own for bools."""
    first = cell.operand_dtype.name
    if first == "bool" and cell.kind in _OF_BOOLS:
        return w.add(_OF_BOOLS[cell.kind], *xs)
    if first == "bool" and cell.kind in ("Lt", "Le"):
        xs = tuple(_counted(w, x) for x in xs)          # ONNX compares numbers
    if cell.kind.startswith("Bitwise"):
        return w.add(cell.kind.replace("Invert", "Not"), *xs) if w.opset >= _BITS_SINCE else None
    return w.add(_SAME[cell.kind], *xs)


@rule(*NEVER)
def mark(w: Writer, cell: Cell, x: str, *rest: str) -> str: return x


# ---- elementwise, in terms of what ONNX has -----------------------------------------------------

def _like(w: Writer, cell: Cell, value: float) -> str:
    return w.constant(value, cell.operand_dtype.numpy)


@rule("Ne")
def ne(w: Writer, cell: Cell, x: str, y: str) -> Any: return w.add("Not", w.add("Equal", x, y))


@rule("Isfinite")
def isfinite(w: Writer, cell: Cell, x: str) -> Any:
    return w.add("Not", w.add("Or", w.add("IsNaN", x), w.add("IsInf", x)))


@rule("Rsqrt")
def rsqrt(w: Writer, cell: Cell, x: str) -> Any: return w.add("Reciprocal", w.add("Sqrt", x))


@rule("Trunc")
def trunc(w: Writer, cell: Cell, x: str) -> Any:
    return w.add("Mul", w.add("Sign", x), w.add("Floor", w.add("Abs", x)))


@rule("Exp2")
def exp2(w: Writer, cell: Cell, x: str) -> Any: return w.add("Pow", _like(w, cell, 2), x)


@rule("Log2", "Log10")
def log_of(w: Writer, cell: Cell, x: str) -> Any:
    base = 2 if cell.kind == "Log2" else 10
    return w.add("Div", w.add("Log", x), _like(w, cell, math.log(base)))


@rule("Expm1")
def expm1(w: Writer, cell: Cell, x: str) -> Any:
    """exp(x) - 1 = tanh(x / 2) (exp(x) + 1), which keeps its digits near 0."""
    half = w.add("Tanh", w.add("Mul", x, _like(w, cell, 0.5)))
    return w.add("Mul", half, w.add("Add", w.add("Exp", x), _like(w, cell, 1)))


@rule("Log1p")
def log1p(w: Writer, cell: Cell, x: str) -> Any:
    """log(u) x / (u - 1) with u = 1 + x (Higham 2002, 1.14.1); plain log(u) where |x| > 1."""
    one = _like(w, cell, 1)
    u = w.add("Add", x, one)
    log, less = w.add("Log", u), w.add("Sub", u, one)
    flat = w.add("Equal", less, _like(w, cell, 0))
    near = w.add("Div", w.add("Mul", log, x), w.add("Where", flat, one, less))
    near = w.add("Where", flat, x, near)
    return w.add("Where", w.add("Greater", w.add("Abs", x), one), log, near)


@rule("Logaddexp")
def logaddexp(w: Writer, cell: Cell, x: str, y: str) -> Any:
    """max + log1p(exp(min - max)); where they are equal (also infinities) that is max + log 2."""
    low, high = w.add("Min", x, y), w.add("Max", x, y)
    equal = w.add("Equal", low, high)
    gap = w.add("Where", equal, _like(w, cell, 0), w.add("Sub", low, high))
    return w.add("Add", high, log1p(w, cell, w.add("Exp", gap)))


@rule("Hypot")
def hypot(w: Writer, cell: Cell, x: str, y: str) -> Any:
    return w.add("Sqrt", w.add("Add", w.add("Mul", x, x), w.add("Mul", y, y)))


@rule("Fmod")
def fmod(w: Writer, cell: Cell, x: str, y: str) -> Any: return w.add("Mod", x, y, fmod=1)


@rule("Remainder")
def remainder(w: Writer, cell: Cell, x: str, y: str) -> Any:
    if cell.operand_dtype.is_integer:
        return w.add("Mod", x, y)
    return w.add("Sub", x, w.add("Mul", w.add("Floor", w.add("Div", x, y)), y))


@rule("FloorDivide")
def floor_divide(w: Writer, cell: Cell, x: str, y: str) -> Any:
    if cell.operand_dtype.is_integer:
        return w.add("Div", w.add("Sub", x, w.add("Mod", x, y)), y)
    return w.add("Floor", w.add("Div", x, y))


@rule("Cast")
def cast(w: Writer, cell: Cell, x: str) -> Any: return w.add("Cast", x, to=kind(cell.dtype))


def kind(dtype: Any) -> int:
    """ONNX's number of an element type."""
    return int(helper().np_dtype_to_tensor_dtype(dtype.numpy))


# ---- constants and ranges -----------------------------------------------------------------------

@rule("Constant")
def constant(w: Writer, cell: Cell) -> Any:
    value = cell.fields.get("value")
    if isinstance(value, Size):
        number = w.add("Cast", w.dims([value]), to=kind(cell.node.dtype))
        return w.add("Reshape", number, w.constant([], np.int64))
    return w.constant(cell.node.prim.ref())


@rule("Iota")
def iota(w: Writer, cell: Cell) -> Any:
    stop = w.add("Reshape", w.dims([cell.length]), w.constant([], np.int64))
    counted = w.add("Range", w.constant(0, np.int64), stop, w.constant(1, np.int64))
    return w.add("Cast", counted, to=kind(cell.dtype))


# ---- movement -----------------------------------------------------------------------------------

@rule("Reshape")
def reshape(w: Writer, cell: Cell, x: str) -> Any:
    return w.add("Reshape", x, w.shape(cell.shape), allowzero=int(0 in cell.shape))


@rule("Permute")
def permute(w: Writer, cell: Cell, x: str) -> Any:
    return w.add("Transpose", x, perm=list(cell.axes))


@rule("Expand")
def expand(w: Writer, cell: Cell, x: str) -> Any: return w.add("Expand", x, w.dims(cell.shape))


@rule("Slice")
def slice_(w: Writer, cell: Cell, x: str) -> Any:
    whole = list(zip(cell.starts, cell.stops, cell.steps, cell.operand_shape, strict=True))
    axes = [i for i, (a, b, s, n) in enumerate(whole) if (a, b, s) != (0, n, 1)]
    if not axes:
        return x
    return w.add("Slice", x, *(w.dims([part[i] for i in axes])
                               for part in (cell.starts, cell.stops, range(len(whole)),
                                            cell.steps)))


@rule("Flip")
def flip(w: Writer, cell: Cell, x: str) -> Any:
    n = len(cell.axes)
    return w.add("Slice", x, w.constant([-1] * n, np.int64),
                 w.constant([-2**63] * n, np.int64), w.constant(list(cell.axes), np.int64),
                 w.constant([-1] * n, np.int64)) if n else x


@rule("Pad")
def pad(w: Writer, cell: Cell, x: str, value: str) -> Any:
    if any(between != 0 for _, _, between in cell.widths):
        return None
    ends = [low for low, _, _ in cell.widths] + [high for _, high, _ in cell.widths]
    return w.add("Pad", x, w.dims(ends), value)


@rule("Concat")
def concat(w: Writer, cell: Cell, *xs: str) -> Any: return w.add("Concat", *xs, axis=cell.axis)


# ---- reductions ---------------------------------------------------------------------------------

def _reduced(w: Writer, op: str, x: str, axes: Any, keepdims: int = 0) -> Any:
    """A reduction; which axes is an operand or an attribute, by the version of the operators."""
    if not axes:
        return x
    if op == "ReduceSum" or w.opset >= _AXES_SINCE:
        return w.add(op, x, w.constant(list(axes), np.int64), keepdims=keepdims)
    return w.add(op, x, axes=list(axes), keepdims=keepdims)


@rule("Sum", "Prod", "Max", "Min")
def reduction(w: Writer, cell: Cell, x: str) -> Any:
    if cell.operand_dtype.name == "bool":
        return None
    return _reduced(w, f"Reduce{cell.kind}", x, cell.axes)


@rule("Any_", "All_")
def of_bools(w: Writer, cell: Cell, x: str) -> Any:
    op = "ReduceMax" if cell.kind == "Any_" else "ReduceMin"
    number = _reduced(w, op, _counted(w, x), cell.axes)
    return w.add("Cast", number, to=kind(cell.node.dtype))


def _counted(w: Writer, x: str) -> str:
    """Bools as numbers."""
    return str(w.add("Cast", x, to=kind(int32)))


@rule("Deviation")
def deviation(w: Writer, cell: Cell, x: str) -> Any:
    """The sum of squared differences from the mean, in two passes."""
    if not cell.axes:
        return w.add("Sub", x, x)
    off = w.add("Sub", x, _reduced(w, "ReduceMean", x, cell.axes, keepdims=1))
    return _reduced(w, "ReduceSum", w.add("Mul", off, off), cell.axes)


@rule("ArgMax", "ArgMin")
def arg(w: Writer, cell: Cell, x: str) -> Any:
    if cell.operand_dtype.name == "bool":
        return None
    return w.add(cell.kind, x, axis=cell.axis, keepdims=0)


@rule("CumSum")
def cumsum(w: Writer, cell: Cell, x: str) -> Any:
    return w.add("CumSum", x, w.constant(cell.axis, np.int64))


@rule("Sort")
def sort(w: Writer, cell: Cell, x: str) -> Any:
    """TopK of all: of equal ones the lower index first, as a stable sort has it."""
    length = w.dims([cell.operand_shape[cell.axis]])
    return w.add("TopK", x, length, results=2, axis=cell.axis, largest=int(cell.descending))


# ---- windows ------------------------------------------------------------------------------------

def _ends(padding: Any) -> list[int]:
    return [low for low, _ in padding] + [high for _, high in padding]


@rule("Conv")
def conv(w: Writer, cell: Cell, x: str, weight: str) -> Any:
    return w.add("Conv", x, weight, strides=list(cell.stride), pads=_ends(cell.padding),
                 dilations=list(cell.dilation), group=cell.groups)


@rule("ConvInput")
def conv_input(w: Writer, cell: Cell, y: str, weight: str) -> Any:
    """Transposed convolution; what the strides leave over is padded at the end."""
    spans = zip(cell.size, cell.operand_shape[2:], cell.second_shape[2:], cell.stride, cell.padding,
                cell.dilation, strict=True)
    left = [n - ((p - 1) * s + d * (k - 1) + 1 - low - high)
            for n, p, k, s, (low, high), d in spans]
    if min(left) < 0:
        return None
    return w.add("ConvTranspose", y, weight, strides=list(cell.stride), pads=_ends(cell.padding),
                 dilations=list(cell.dilation), group=cell.groups, output_padding=left)


@rule("MaxPool", "SumPool")
def pool(w: Writer, cell: Cell, x: str) -> Any:
    """Pools of any leading axes: brought to (N, C, *spatial) and back."""
    largest = cell.kind == "MaxPool"
    if not largest and any(d != 1 for d in cell.dilation):
        return None
    lead = cell.operand_shape[:len(cell.operand_shape) - len(cell.window)]
    spatial = cell.operand_shape[len(lead):]
    plain = len(lead) == 2
    if not plain:
        x = w.add("Reshape", x, w.shape((product(lead), 1, *spatial)))
    settings: dict[str, Any] = {"kernel_shape": list(cell.window), "strides": list(cell.stride),
                                "pads": _ends(cell.padding)}
    if largest:
        out = w.add("MaxPool", x, dilations=list(cell.dilation), **settings)
    else:
        mean = w.add("AveragePool", x, count_include_pad=1, **settings)
        out = w.add("Mul", mean, _like(w, cell, math.prod(cell.window)))
    out = out if plain else w.add("Reshape", out, w.shape(cell.shapes[0]))
    return (out, None) if largest else out          # where the largest was has no form


# ---- places -------------------------------------------------------------------------------------

def _places(w: Writer, indices: tuple[str, ...]) -> Any:
    """k index tensors (*I) as one (*I, k)."""
    last = w.constant([-1], np.int64)
    columns = [w.add("Unsqueeze", i, last) for i in indices]
    return columns[0] if len(columns) == 1 else w.add("Concat", *columns, axis=-1)


@rule("Gather")
def gather(w: Writer, cell: Cell, x: str, *indices: str) -> Any:
    if len(indices) == 1:
        return w.add("Gather", x, indices[0], axis=0)
    return w.add("GatherND", x, _places(w, indices))


@rule("ScatterAdd", "ScatterSet")
def scatter(w: Writer, cell: Cell, x: str, *rest: str) -> Any:
    *indices, updates = rest
    how: dict[str, Any] = {"reduction": "add"} if cell.kind == "ScatterAdd" else {}
    return w.add("ScatterND", x, _places(w, tuple(indices)), updates, **how)
