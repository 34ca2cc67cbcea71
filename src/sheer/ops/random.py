"""Random numbers without hidden state: a key flows in, the same numbers flow out, everywhere.

A key is an int64 pair (seed, offset). Element i of a draw depends on the key and on i alone (but
for a permutation): not on the shape, the thread or what was drawn before. Equal keys give equal
bits, so each draw needs a key of its own: another offset, or one made by `split` or `fold_in`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..graph.dtypes import FLOATS, DType, float32, float64, int64
from ..graph.errors import ArgumentError, DTypeError, ShapeError
from ..graph.node import Node
from . import batching, elementwise, movement, sampling
from .lift import cast
from .philox import philox_bits, philox_blocks
from .primitive import KernelIn, NotDifferentiable, NoXla, Primitive
from .structure import check_shape, constant, iota

_TAG = 0x7368656572666F6C      # "sheerfol": keeps the keys that fold_in makes apart from draws
_WORD = 0xFFFFFFFF


class _Draw(Primitive, abstract=True):
    """Numbers from keys. Each key of a batch gives the draw that it gives alone."""

    vjp = NotDifferentiable("a key is a pair of integers")
    xla = NoXla("jax.lax has Philox in another counter layout; built from integer operations")

    def batch(self, args, at): return self(batching.to_front(args[0], at[0], 0)), 0


class Uniform(_Draw):
    """Numbers in [0, 1), all multiples of 2^-24 (float32) or 2^-53 (float64) equally likely.

    float32 element e is word e of the stream without its low 8 bits, times 2^-24; float64
    element e is ((word 2e+1 >> 5) * 2^26 + (word 2e >> 6)) * 2^-53. The draws of a batch of keys
    are those of each key alone, stacked.

    Shape   key int64 (*B, 2): (seed, offset) -> (*B, *shape)
    Raises  E105 when dtype is no float, E119 for a negative length, E167 when key is no key
    Source  Philox4x32-10, Salmon et al. 2011, doi:10.1145/2063384.2063405
    """
    shape: tuple[int, ...]
    dtype: DType
    emit = KernelIn("backends/cpu/ir/philox.py")

    def infer(self, key):
        check_key("uniform", key)
        if self.dtype not in FLOATS:
            raise DTypeError("E105", "uniform", f"has no meaning for {self.dtype.name}",
                             need="float32 or float64")
        check_shape("uniform", self.shape)
        return key.to(*key.shape[:-1], *self.shape, dtype=self.dtype)
    def ref(self, key):
        n, shape = math.prod(self.shape), (*key.shape[:-1], *self.shape)
        if self.dtype == float32:
            bits = _streams(key, n)
            return ((bits >> 8).astype(np.float32) * np.float32(2**-24)).reshape(shape)
        bits = _streams(key, 2 * n).astype(np.uint64)                    # (keys, 2n)
        whole = (bits[:, 1::2] >> 5 << 26) + (bits[:, ::2] >> 6)         # (keys, n), 53 bits
        return (whole.astype(np.float64) * 2.0**-53).reshape(shape)
    @classmethod
    def samples(cls):
        return sampling.cases(lambda rng: (cls((3, 5), FLOATS[rng.integers(2)]), (_any_key(rng),)))
    @classmethod
    def hard(cls):
        return [(cls((), float32), (np.array([0, 0]),)),
                (cls((0, 2), float64), (np.array([1, 2]),)),
                (cls((3,), float64), (np.array([[-1, 7], [2**62, -2**62]]),))]


class Permutation(_Draw):
    """0, 1, ..., n - 1 in random order: the order of n random 64-bit numbers.

    All n! orders are equally likely but for ties, which happen with probability below n^2 / 2^65
    and leave the tied pair in order.

    Shape   key int64 (*B, 2): (seed, offset) -> int64 (*B, n)
    Raises  E167 when key is no key, E168 when n is negative
    Source  definition; bits from Philox4x32-10, Salmon et al. 2011
    """
    n: int
    emit = KernelIn("backends/cpu/lower/sort.py")

    def infer(self, key):
        check_key("permutation", key)
        _check("permutation", self.n >= 0, f"n = {self.n} is negative", "n >= 0")
        return key.to(*key.shape[:-1], self.n)
    def ref(self, key):
        bits = _streams(key, 2 * self.n).astype(np.uint64)
        order = np.argsort(bits[:, ::2] | bits[:, 1::2] << 32, axis=-1, kind="stable")
        return order.reshape(*key.shape[:-1], self.n)
    @classmethod
    def samples(cls): return sampling.cases(lambda rng: (cls(7), (_any_key(rng),)))
    @classmethod
    def hard(cls): return [(cls(0), (np.array([1, 2]),)), (cls(1), (np.array([[3, 4]]),))]


class FoldIn(Primitive):
    """A new key from a key and a number: independent of the old key's draws and of other numbers.

    The four words of the Philox block with the number and the offset as its counter, under the
    seed xor a constant, are the new (seed, offset).

    Shape   key int64 (*B, 2), number int64 (*B) -> int64 (*B, 2)
    Raises  E167 when key is no key, or the numbers do not fit the keys
    Source  Salmon et al. 2011, section 2 (keys by encryption); jax.random.fold_in
    """
    vjp, xla = _Draw.vjp, _Draw.xla
    emit = KernelIn("backends/cpu/ir/philox.py")

    def infer(self, key, number):
        check_key("fold_in", key)
        if number.shape != key.shape[:-1] or number.dtype != int64:
            raise ShapeError("E167", "fold_in", "there is not one int64 number for each key",
                             got={"key": key, "number": number},
                             need="key int64 (*B, 2), number int64 (*B)")
        return key.to(*key.shape)
    def ref(self, key, number):
        words: Any = [w for x in (number, key[..., 1], key[..., 0] ^ np.int64(_TAG))
                      for w in _words(x)]
        blocks = philox_blocks(tuple(words[:4]), tuple(words[4:])).astype(np.uint64)   # (n, 4)
        return (blocks[:, ::2] | blocks[:, 1::2] << 32).astype(np.int64).reshape(key.shape)
    def batch(self, args, at): return self(*batching.all_to_front(args, at)), 0
    @classmethod
    def samples(cls):
        return sampling.cases(lambda rng: (cls(), (rng.integers(-2**60, 2**60, (3, 2)),
                                                   rng.integers(-9, 9, 3))))
    @classmethod
    def hard(cls): return [(cls(), (np.array([0, 0]), np.array(0)))]


# ---- the functions layers and tensors call -------------------------------------------------------

def uniform(key: Node, shape: tuple[int, ...], low: float = 0.0, high: float = 1.0,
            dtype: DType = float32) -> Node:
    """Numbers from [low, high), evenly spread.

    Raises  E168 unless low <= high
    Source  low + (high - low) u, kept below high where rounding would reach it
    """
    _check("uniform", low <= high, f"low = {low} is above high = {high}", "low <= high")
    u = Uniform(tuple(shape), dtype)(key)
    if (low, high) == (0.0, 1.0):
        return u
    last = np.nextafter(dtype.numpy.type(high), dtype.numpy.type(low)).item()
    return elementwise.minimum(u * (high - low) + low, last)


def normal(key: Node, shape: tuple[int, ...], mean: Any = 0.0, std: Any = 1.0,
           dtype: DType = float32) -> Node:
    """Numbers from the normal distribution; element i uses uniform numbers 2i and 2i + 1.

    The largest deviation is 5.8 std in float32 and 8.6 std in float64.

    Raises  E168 when std is a negative number
    Source  Box and Muller 1958; 1 - u lies in (0, 1], so its logarithm is finite
    """
    if not isinstance(std, Node):
        _check("normal", std >= 0, f"std = {std} is negative", "std >= 0")
    shape = tuple(shape)
    pair = Uniform((*shape, 2), dtype)(key)                                  # (*S, 2)
    part = lambda i: movement.reshape(movement.narrow(pair, len(shape), i, 1), shape)
    radius = elementwise.sqrt(-2.0 * elementwise.log(1 - part(0)))
    out: Node = radius * elementwise.cos(part(1) * (2 * math.pi)) * std + mean
    return out


def bernoulli(key: Node, p: Any, shape: tuple[int, ...] | None = None) -> Node:
    """True with probability p: a number, or a node that broadcasts to shape (its own by default).

    p is rounded up to a multiple of 2^-24 (2^-53 for a float64 node).

    Raises  E168 when p is a number outside [0, 1]
    Source  u < p for u uniform in [0, 1)
    """
    if not isinstance(p, Node):
        _check("bernoulli", 0 <= p <= 1, f"p = {p} is no probability", "0 <= p <= 1")
    own = p.shape if isinstance(p, Node) else ()
    dtype = float64 if isinstance(p, Node) and p.dtype == float64 else float32
    return elementwise.lt(Uniform(tuple(own if shape is None else shape), dtype)(key), p)


def randint(key: Node, low: int, high: int, shape: tuple[int, ...], dtype: DType = int64) -> Node:
    """Integers from low, ..., high - 1.

    Each has probability 1 / (high - low) up to 2^-52: for a million values they differ by less
    than one part in 10^9.

    Raises  E168 unless low < high, the range is at most 2^53 and dtype holds it
    Source  low + floor(u (high - low)) for u uniform on the multiples of 2^-53
    """
    _check("randint", low < high, f"low = {low} is not below high = {high}", "low < high")
    _check("randint", high - low <= 2**53, f"{high - low} values are too many", "at most 2^53")
    range_ = np.iinfo(dtype.numpy) if dtype.is_integer else None
    holds = range_ is not None and range_.min <= low < high <= range_.max + 1
    _check("randint", holds, f"{dtype.name} cannot hold {low} ... {high - 1}",
           "an integer dtype that holds every value")
    scaled = Uniform(tuple(shape), float64)(key) * float(high - low)   # < high - low after rounding
    return cast(cast(scaled, int64) + low, dtype)


def exponential(key: Node, shape: tuple[int, ...], rate: Any = 1.0, dtype: DType = float32) -> Node:
    """Waiting times of events that happen `rate` times per unit; mean 1 / rate.

    The largest is 16.6 / rate in float32 and 36.7 / rate in float64.

    Raises  E168 when rate is a number and not positive
    Source  inverse of the distribution function: -log(1 - u) / rate
    """
    if not isinstance(rate, Node):
        _check("exponential", rate > 0, f"rate = {rate} is not positive", "rate > 0")
    out: Node = -elementwise.log(1 - Uniform(tuple(shape), dtype)(key)) / rate
    return out


def truncated_normal(key: Node, shape: tuple[int, ...], mean: float = 0.0, std: float = 1.0, *,
                     low: float = -2.0, high: float = 2.0, dtype: DType = float32) -> Node:
    """Normal numbers given that they lie in [low, high]: values, not multiples of std.

    Right while [low, high] reaches within about 4 std (float32) or 7 (float64) of the mean:
    further out the distribution function is 0 or 1 to the last bit.

    Raises  E168 unless std > 0, low < high and the interval has probability in float64
    Source  inverse of the distribution function; torch.nn.init.trunc_normal_
    """
    _check("truncated_normal", std > 0, f"std = {std} is not positive", "std > 0")
    _check("truncated_normal", low < high, f"low = {low} is not below high = {high}", "low < high")
    start, stop = (math.erf((bound - mean) / (std * math.sqrt(2))) for bound in (low, high))
    _check("truncated_normal", start < stop, f"[{low}, {high}] is too far from the mean {mean}",
           f"bounds within about 7 std = {7 * std:g} of the mean")
    u = Uniform(tuple(shape), dtype)(key) * (stop - start) + start
    wide = elementwise.erfinv(u) * (std * math.sqrt(2)) + mean
    out: Node = elementwise.clamp(wide, low, high)     # rounding may step over a bound
    return out


def permutation(key: Node, n: int) -> Node:
    """0, ..., n - 1 in random order, as int64 (n,)."""
    return Permutation(n)(key)


def fold_in(key: Node, number: Any) -> Node:
    """A new key from a key (2,) and an integer, say a step; a node of integers (*S): (*S, 2)."""
    number = cast(number, int64) if isinstance(number, Node) else constant(number, int64)
    return FoldIn()(movement.broadcast_to(key, (*number.shape, 2)), number)


def split(key: Node, n: int = 2) -> Node:
    """n independent keys (n, 2) from one key (2,), which should not be drawn from as well."""
    _check("split", n >= 0, f"n = {n} is negative", "n >= 0")
    return fold_in(key, iota(n, int64))


def check_key(op: str, key: Any) -> None:
    """Raise ShapeError E167 unless key is int64 (*B, 2)."""
    if key.dtype != int64 or key.shape[-1:] != (2,):
        raise ShapeError("E167", op, "this is no key", got={"key": key},
                         need="int64 (*B, 2): pairs of a seed and an offset")


def _check(op: str, holds: bool, what: str, need: str) -> None:
    if not holds:
        raise ArgumentError("E168", op, what, need=need)


def _streams(key, n):
    """The first n words of the stream of each key, uint32 (keys, n)."""
    pairs = key.reshape(-1, 2).tolist()
    out = np.empty((len(pairs), n), np.uint32)
    for row, (seed, offset) in zip(out, pairs, strict=True):
        row[:] = philox_bits(n, seed, offset)
    return out


def _words(x):
    """The low and the high 32 bits of 64-bit integers, flat."""
    flat = np.asarray(x, np.int64).reshape(-1).view(np.uint64)
    return flat & np.uint64(_WORD), flat >> np.uint64(32)


def _any_key(rng):
    """A key, or a few."""
    return rng.integers(-2**60, 2**60, (2, 2) if rng.random() < 0.5 else 2)
