"""Random tensors: a generator's state flows in, numbers flow out, and the state moves on.

The state is a tensor, so a compiled function takes it as an input and moves it on in place: eager
and compiled code draw the same numbers.
"""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

import math
import operator
import secrets
from typing import Any

import numpy as np

from . import ops
from .devices import device as Device
from .devices import on_cpu
from .graph.dtypes import dtype_of, float32, float64, int64
from .graph.errors import ArgumentError, DTypeError, ShapeError
from .graph.node import Node
from .mixins.core import apply, wrap
from .mixins.naming import sized
from .mixins.shapes import lengths
from .ops import random as draws
from .ops.structure import check_shape, data
from .tensor import Tensor, as_tensor
from .transforms import execute, trace

__all__ = ["Generator", "bernoulli", "default_generator", "get_rng_state", "initial_seed",
           "manual_seed",
           "multinomial", "normal", "rand", "rand_like", "randint", "randint_like", "randn",
           "randn_like", "randperm", "seed", "set_rng_state"]


class Generator:
    """A source of random numbers that depend on (seed, number of draws before) and nothing else.

    state   int64 (2,): seed and offset, a tensor that every draw moves on
    Source  torch.Generator; Philox4x32-10, Salmon et al. 2011
    """

    def __init__(self, device: Any = "cpu") -> None:
        on_cpu(device)
        self.seedings = 0                    # a seed set again starts again what is drawn elsewhere
        self.state = Tensor(data(np.array([0, 0], np.int64)))

    def manual_seed(self, seed: int) -> Generator:
        """Start again from a seed; any Python integer, of which 64 bits count."""
        try:
            low = operator.index(int(seed) if isinstance(seed, float) and seed % 1 == 0 else seed)
        except TypeError as e:
            raise DTypeError("E168", "manual_seed", f"{seed!r} is no seed",
                             need="a whole number") from e
        low &= 0xFFFFFFFFFFFFFFFF
        signed = low - (1 << 64) if low >> 63 else low
        self.state._rebind(data(np.array([signed, 0], np.int64)))
        self.seedings += 1
        return self

    def seed(self) -> int:
        """Start again from a seed of the operating system, and tell it."""
        chosen = secrets.randbits(63)
        self.manual_seed(chosen)
        return chosen

    def initial_seed(self) -> int:
        """The seed it started from."""
        return int(self.state[0])

    def get_state(self) -> Tensor:
        """The state as of now, a tensor of its own."""
        return self.state.clone()

    def set_state(self, state: Tensor) -> Generator:
        """Go on from a state. Raises E167 when it is none."""
        draws.check_key("set_state", as_tensor(state).node)
        self.state.copy_(state)
        return self

    def clone_state(self) -> Generator:
        """Another generator in the same state."""
        return Generator().set_state(self.state)

    graphsafe_get_state, graphsafe_set_state = get_state, set_state

    @property
    def device(self) -> Device:
        """Always device("cpu")."""
        return Device("cpu")

    def next_key(self) -> Tensor:
        """The state as of now; moves it on by one draw."""
        key = self.state.node
        if trace.current() is None and execute.is_known(key):
            array = execute.value_of(key).copy()            # a new leaf: the graph does not grow
            array[1] += 1
            self.state._rebind(data(array))
        else:
            self.state._rebind(ops.add(key, ops.constant([0, 1], int64)))
        made: Tensor = wrap(key)
        return made


default_generator = Generator()
default_generator.seed()


def manual_seed(seed: int) -> Generator:
    """Start the default generator again from a seed."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Start the default generator again from an unpredictable seed, and tell it."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed of the default generator."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of the default generator."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Let the default generator go on from a state."""
    default_generator.set_state(new_state)


@sized
def rand(*size: Any, generator: Generator | None = None, dtype: Any = None, device: Any = None,
         requires_grad: bool = False) -> Tensor:
    """Numbers from [0, 1).

    Shape   -> size
    Dtype   float32, or the float dtype given
    Source  torch.rand
    """
    return _draw(draws.uniform, generator, device, requires_grad, lengths(size, "rand"),
                 dtype=dtype_of(dtype or float32))


@sized
def randn(*size: Any, generator: Generator | None = None, dtype: Any = None, device: Any = None,
          requires_grad: bool = False) -> Tensor:
    """Numbers from the normal distribution with mean 0 and standard deviation 1.

    Shape   -> size
    Dtype   float32, or the float dtype given
    Source  torch.randn
    """
    return _draw(draws.normal, generator, device, requires_grad, lengths(size, "randn"),
                 dtype=dtype_of(dtype or float32))


def randint(low: int, high: Any = None, size: Any = None, *, generator: Generator | None = None,
            dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Integers from low, ..., high - 1; from 0 when only one bound is given.

    Shape   -> size
    Dtype   int64, or the dtype given
    Raises  E168 when there is nothing between the bounds
    Source  torch.randint
    """
    if size is None:
        low, high, size = 0, low, high
    kind = dtype_of(dtype or int64)
    whole = _draw(draws.randint, generator, device, False, int(low), int(high),
                  lengths((size,), "randint"), dtype=kind if kind.is_integer else int64)
    return _finished(whole.to(kind), requires_grad)


def randperm(n: int, *, generator: Generator | None = None, dtype: Any = None,
             device: Any = None) -> Tensor:
    """0, ..., n - 1 in random order.

    Shape   -> (n,)
    Source  torch.randperm
    """
    return _draw(draws.permutation, generator, device, False, n).to(dtype_of(dtype or int64))


def normal(mean: Any = 0.0, std: Any = 1.0, size: Any = None, *, generator: Generator | None = None,
           dtype: Any = None, device: Any = None) -> Tensor:
    """Numbers from normal distributions; mean and std are numbers, or tensors that give the shape.

    Shape   -> size, or that of mean and std
    Source  torch.normal
    """
    if size is not None:
        return _draw(draws.normal, generator, device, False, lengths((size,), "normal"), mean, std,
                     dtype=dtype_of(dtype or float32))
    if isinstance(std, int | float):
        draws._check("normal", std >= 0, f"std = {std} is negative", "std >= 0")
    like = as_tensor(mean, dtype) + as_tensor(std, dtype) * 0
    return as_tensor(mean) + randn(like.shape, generator=generator, dtype=like.dtype) * std


def bernoulli(input: Tensor, p: float | None = None, *,
              generator: Generator | None = None) -> Tensor:
    """1 with the probability that each element is (or with p), else 0, in the dtype of input.

    Shape   (*S) -> (*S)
    Source  torch.bernoulli
    """
    return input.bernoulli(p, generator=generator)


def multinomial(input: Tensor, num_samples: int, replacement: bool = False, *,
                generator: Generator | None = None) -> Tensor:
    """num_samples places of the last axis, with probability proportional to the elements.

    Without replacement by an exponential race: the places whose exponential times, at rates given
    by the elements, are the first. A place with weight 0 is never drawn.

    Shape   weights (*B, K) with at most one batch axis -> int64 (*B, num_samples)
    Raises  E140 for other shapes, E168 for weights known to be impossible, E141 for more samples
            than there are places, or places with a weight known to be above 0
    Source  torch.multinomial; Efraimidis and Spirakis 2006 (weighted sampling)
    """
    if input.ndim not in (1, 2):
        raise ShapeError("E140", "multinomial", "weights have one or two axes",
                         got={"input": input.node},
                         need="(K,) or (B, K)")
    check_shape("multinomial", (num_samples,))
    _check_weights(input)
    if not replacement:
        _check_places(input, num_samples)
    key = (generator or default_generator).next_key()
    drawn: Tensor = apply(lambda k, w: _places(k, ops.stop_gradient(w), num_samples, replacement),
                          key, input)
    return drawn


def _check_weights(weights: Tensor) -> None:
    """Raise E168 for a row of weights, where known, that is no distribution."""
    if not execute.is_known(weights.node):
        return
    values = execute.value_of(weights.node)
    right = bool(np.isfinite(values).all() and (values >= 0).all()
                 and (values.sum(-1) > 0).all())
    draws._check("multinomial", right, "weights that are negative, infinite, NaN or all 0",
                 "weights >= 0, not all 0 in a row")


def _check_places(weights: Tensor, num_samples: int) -> None:
    """Raise E141 for more different places than there are, or than have a weight, where known."""
    places, which = weights.shape[-1], ""
    if num_samples <= places and execute.is_known(weights.node):
        drawable = (execute.value_of(weights.node) > 0).sum(-1)
        places, which = int(drawable.min(initial=places)), " with a weight above 0"
    if num_samples > places:
        raise ArgumentError("E141", "multinomial",
                            f"{num_samples} different places of {places}{which}",
                            got={"input": weights.node}, need=f"num_samples <= {places}",
                            tries=[("replacement=True", lambda: None)])


def rand_like(input: Tensor, *, dtype: Any = None, **options: Any) -> Tensor:
    """`rand` of the shape and dtype of input."""
    return rand(input.shape, dtype=dtype or input.dtype, **options)


def randn_like(input: Tensor, *, dtype: Any = None, **options: Any) -> Tensor:
    """`randn` of the shape and dtype of input."""
    return randn(input.shape, dtype=dtype or input.dtype, **options)


def randint_like(input: Tensor, low: int, high: int | None = None, *, dtype: Any = None,
                 **options: Any) -> Tensor:
    """`randint` of the shape and dtype of input."""
    start, stop = (0, low) if high is None else (low, high)
    return randint(start, stop, input.shape, dtype=dtype or input.dtype, **options)


def _draw(function: Any, generator: Generator | None, device: Any, requires_grad: bool, *args: Any,
          **options: Any) -> Tensor:
    on_cpu(device or "cpu")
    key = (generator or default_generator).next_key()
    return _finished(apply(lambda k: function(k, *args, **options), key), requires_grad)


def _finished(made: Tensor, requires_grad: bool) -> Tensor:
    return made.requires_grad_() if requires_grad else made


def _places(key: Node, weights: Node, count: int, replacement: bool) -> Node:
    """Rows of weights (*B, K) -> (*B, count)."""
    last = weights.ndim - 1
    weights = weights if weights.dtype.is_floating_point else ops.cast(weights, float32)
    if not replacement:
        u = draws.uniform(key, weights.shape, dtype=float64)
        arrival = -ops.log(1 - u) / ops.cast(weights, float64)         # weight 0: never, inf
        never = ops.eq(weights, 0)
        return ops.index.topk(ops.where(never, math.inf, arrival), count, last, False)[1]
    ends = ops.cumsum(ops.cast(weights, float64), last)                 # (*B, K)
    total = ops.narrow(ends, last, weights.shape[last] - 1, 1)          # (*B, 1)
    u = draws.uniform(key, (*weights.shape[:-1], count), dtype=float64) * total
    passed = ops.le(ops.expand_dims(ends, last), ops.expand_dims(u, last + 1))    # (*B, count, K)
    return ops.sum(ops.cast(passed, int64), (last + 1,))
