"""Leaves and markers: constants, data, inputs, picks, and identities that mean something."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..graph.dtypes import DType, dtype_of, int64
from ..graph.errors import ArgumentError, ShapeError
from ..graph.node import Buffer, Node, Spec, fresh, make
from ..graph.source import NOWHERE, Source
from . import sampling
from .primitive import NotBatched, NotDifferentiable, NoXla, Primitive

NO_INPUTS = NotDifferentiable("takes no inputs")
_MOST_AXES = 64                                   # of a NumPy array


class Constant(Primitive):
    """A small array whose numbers are part of the graph, equal by content.

    Shape   () -> shape
    Source  definition
    """
    data: bytes
    shape: tuple[int, ...]
    dtype: DType

    leaf = constant = True
    xla, vjp, batch = "constant", NO_INPUTS, NotBatched("takes no inputs")

    @classmethod
    def of(cls, values: Any, dtype: DType) -> Constant:
        """Constant.of([1.0, nan], float32): how a printed graph writes the numbers."""
        array = np.asarray(values, dtype.numpy)
        return cls(array.tobytes(), array.shape, dtype)

    def text(self, dtype: str) -> str:
        """The expression that makes it again, bit for bit; dtype is the printed name of it."""
        array = self.ref()
        plain = array
        if array.dtype.kind == "f":
            nan = np.copysign(self.dtype.numpy.type(np.nan), array)
            plain = np.where(np.isnan(array), nan, array)
        if array.size == 0 or plain.tobytes() != self.data:        # a NaN can carry a message
            return f"Constant(data={self.data!r}, shape={self.shape}, dtype={dtype})"
        return f"Constant.of({_numbers(array)}, {dtype})"

    def infer(self): return Spec(self.shape, self.dtype)
    def ref(self): return np.frombuffer(self.data, self.dtype.numpy).reshape(self.shape)
    def emit(self, b): return b.const(self.ref().item(), self.dtype)
    @classmethod
    def samples(cls): return sampling.nullary(cls.of([1, 2], dtype_of("f32")))


def _numbers(array: np.ndarray) -> str:
    """Nested lists; -nan is told from nan, which repr does not do."""
    if array.ndim:
        return f"[{', '.join(map(_numbers, array))}]"
    sign = "-" if array.dtype.kind == "f" and np.isnan(array) and np.signbit(array) else ""
    return sign + repr(array.item())


class Iota(Primitive):
    """0, 1, ..., length - 1.

    Shape   () -> (length,)
    Raises  E119 for a negative length
    Source  definition
    """
    length: int
    dtype: DType

    leaf = constant = True
    xla, vjp, batch = "iota", NO_INPUTS, NotBatched("takes no inputs")

    def infer(self):
        check_shape("iota", (self.length,))
        return Spec((self.length,), self.dtype)
    def ref(self): return np.arange(self.length, dtype=self.dtype.numpy)
    def emit(self, b, index): return b.cast(index, self.dtype)
    @classmethod
    def samples(cls): return sampling.nullary(cls(5, dtype_of("int64")))


class Data(Primitive):
    """Numbers in memory: the leaf behind every tensor that was given or computed.

    Shape   () -> that of the array
    Source  definition
    """
    buffer: Buffer

    leaf = True
    vjp, batch, emit = NO_INPUTS, NotBatched("takes no inputs"), NotBatched("becomes an input")
    xla = NoXla("becomes an input of the program")

    def infer(self): return Spec(self.buffer.array.shape, dtype_of(self.buffer.array.dtype))
    def ref(self): return self.buffer.array
    @classmethod
    def samples(cls): return sampling.nullary(cls(Buffer(np.array([1.0, 2.0]))))


class Input(Primitive):
    """A value that is not known yet: argument `index` of a graph.

    scope keeps the inputs of functions that are being traced inside each other apart; in a
    finished graph it is 0.

    Shape   () -> shape
    Source  definition
    """
    index: int
    shape: tuple[int, ...]
    dtype: DType
    scope: int = 0

    leaf = True
    vjp, batch, emit = NO_INPUTS, NotBatched("takes no inputs"), NotBatched("a load")
    xla = NoXla("becomes an argument of the program")

    def infer(self): return Spec(self.shape, self.dtype)
    def ref(self): raise TypeError("an input has no value of its own")
    @classmethod
    def samples(cls): return sampling.nothing()


class Pick(Primitive):
    """Result `index` of a primitive that has several.

    Shape   (S0, S1, ...) -> S_index
    Source  definition
    """
    index: int

    takes_all_outputs = True
    xla, emit = NoXla("tuple access"), NotBatched("tuple access")
    vjp = NotDifferentiable("handled by the derivative of its input")
    batch = NotBatched("handled by the batching rule of its input")

    def infer(self, x): return x.outputs[self.index]
    def ref(self, all_results): return all_results[self.index]
    @classmethod
    def samples(cls): return sampling.nothing()


class _Identity(Primitive, abstract=True):
    """The same value, marked."""

    pointwise = view = True
    xla = NoXla("identity")

    def infer(self, x): return x.to(*x.shape)
    def ref(self, x): return x
    def emit(self, b, x): return x
    def vjp(self, ct, out, x): return (ct,)
    def batch(self, args, at): return self(args[0]), at[0]
    @classmethod
    def samples(cls): return sampling.one_array(cls())


class Alias(_Identity):
    """The same value under its own name: what a function is differentiated with respect to.

    Shape   x (*S) -> (*S)
    Source  definition
    """
    token: int = 0


class StopGradient(_Identity):
    """The same value, a constant to every derivative (`detach`, `no_grad`).

    Shape   x (*S) -> (*S)
    Source  definition
    """
    vjp = NotDifferentiable("stops gradients by definition")


class Laid(_Identity):
    """The same value, laid out in memory in the order of its axes; made by the compiler.

    Elsewhere a view is never copied: who reads it finds each element where the source has it. That
    is dear where a few numbers are read very often, and never side by side.

    Shape   x (*S) -> (*S)
    Source  definition
    """


class Barrier(_Identity):
    """x, but not before `after` is there: keeps a recomputation from being merged or moved.

    Shape   x (*S), after (*T) -> (*S)
    Source  Chen et al. 2016, arXiv:1604.06174 (recomputation in the backward pass)
    """
    view = pointwise = False
    emit = NotBatched("an order between kernels, not a value")

    def infer(self, x, after): return x.to(*x.shape)
    def ref(self, x, after): return x
    def vjp(self, ct, out, x, after): return ct, None
    def batch(self, args, at):
        after = args[1] if at[1] is None else args[0]
        return self(args[0], after), at[0]
    @classmethod
    def samples(cls): return sampling.arrays(cls(), (2, 3), (4,))


def check_shape(op: str, shape: tuple[int, ...]) -> None:
    """Raise E119 unless a tensor can have this shape. Every rule that takes a shape from outside
    asks: memory of a negative size is memory of something else.
    """
    if shape and min(shape) < 0:
        raise ShapeError("E119", op, f"an axis of length {min(shape)}", got={"shape": tuple(shape)},
                         need="lengths of at least 0")
    if len(shape) > _MOST_AXES:
        raise ShapeError("E119", op, f"{len(shape)} axes", need=f"at most {_MOST_AXES} axes")


def constant(value: Any, dtype: DType | None = None, op: str = "constant") -> Node:
    """A node that holds the given numbers (anything NumPy takes) inside the graph.

    One number is one node, of no line: many lines contain it.

    Raises  E108 for an integer that the dtype cannot hold
    """
    try:
        array = np.asarray(value, dtype=None if dtype is None else dtype.numpy)
    except OverflowError as e:
        raise _too_large(op, value, dtype) from e
    prim = Constant(array.tobytes(), array.shape, dtype or dtype_of(array.dtype))
    return prim() if array.shape else make(prim, (), NOWHERE)


def _too_large(op: str, value: Any, dtype: DType | None) -> ArgumentError:
    dtype = int64 if dtype is None else dtype
    low, high = _range(dtype)
    wider = dtype != int64 and isinstance(value, int) and holds(int64, value)
    return ArgumentError("E108", op, f"{dtype.name} cannot hold {value}",
                         need=f"{low} <= number <= {high}",
                         tries=[("x.long(), which can", lambda: None)] if wider else ())


def holds(dtype: DType, number: int) -> bool:
    """Is an integer in the range of a dtype?"""
    low, high = _range(dtype)
    return bool(low <= number <= high)


def _range(dtype: DType) -> tuple[Any, Any]:
    if dtype.kind == "bool":
        return -math.inf, math.inf                       # all but 0 is True
    found: Any = np.iinfo(dtype.numpy) if dtype.is_integer else np.finfo(dtype.numpy)
    return found.min, found.max


def data(array: np.ndarray | Buffer) -> Node:
    """A leaf that holds the array itself, not a copy."""
    return fresh(_held(array if isinstance(array, Buffer) else Buffer(array)))


def memory(buffer: Buffer, specs: tuple[Spec, ...], source: Source | None = None) -> Node:
    """As `data`, for memory whose spec is known."""
    return fresh(_held(buffer), (), source, specs)


def _held(buffer: Buffer) -> Data:
    """Data(buffer), without what the class of a primitive does for others: every value in memory
    has one of its own.
    """
    made = object.__new__(Data)
    made.__dict__["buffer"] = buffer
    return made


def iota(length: int, dtype: DType) -> Node:
    """0, 1, ..., length - 1 as a node."""
    return Iota(length, dtype)()


def stop_gradient(x: Node) -> Node:
    """x, as a constant to every derivative."""
    return make(StopGradient(), (x,), x.source)       # one for all lines: `no_grad` makes many


__all__ = [
    "Alias", "Barrier", "Constant", "Data", "Input", "Iota", "Pick", "StopGradient",
    "constant", "data", "iota", "stop_gradient",
]
