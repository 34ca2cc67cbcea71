"""New tensors like one that is there: clone, new_zeros, new_full, ... and random ones."""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import ops
from ..devices import on_cpu
from ..graph.dtypes import dtype_of
from ..transforms import execute
from .core import Core, apply, wrap
from .naming import sized
from .shapes import lengths

if TYPE_CHECKING:
    from ..tensor import Tensor


class Creation(Core):
    """A tensor's dtype, for tensors of other shapes and values."""

    __slots__ = ()

    def clone(self, *, memory_format: Any = None) -> Tensor:
        """The same values in a tensor of their own; gradients pass."""
        return apply(lambda x: x, self)

    def fill(self, value: Any) -> Tensor:
        """One number, in the shape and dtype of this tensor; of a tensor, with its gradient."""
        if isinstance(value, Core):
            return apply(lambda x, v: ops.broadcast_to(ops.cast(v, x.dtype), x.shape), self, value)
        return apply(lambda x: ops.full_like(x, value), self)

    def new_tensor(self, data: Any, *, dtype: Any = None, device: Any = None,
                   requires_grad: bool = False) -> Tensor:
        """Numbers, lists or arrays as a tensor of this dtype."""
        from ..tensor import tensor
        on_cpu(device or "cpu")
        return tensor(data, dtype=dtype or self.dtype, requires_grad=requires_grad)

    def new_full(self, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None,
                 requires_grad: bool = False) -> Tensor:
        """One number, of this dtype."""
        return self._filled("new_full", size, fill_value, dtype, device, requires_grad)

    def _filled(self, op: str, size: Any, value: Any, dtype: Any = None, device: Any = None,
                requires_grad: bool = False) -> Tensor:
        on_cpu(device or "cpu")
        kind = self.dtype if dtype is None else dtype_of(dtype)
        shape = lengths((size,) if isinstance(size, int) else size, op)
        made: Tensor = wrap(ops.broadcast_to(ops.constant(value, kind, op), shape))
        return made.requires_grad_() if requires_grad else made

    @sized
    def new_zeros(self, *size: Any, **options: Any) -> Tensor:
        """Zeros of this dtype."""
        return self._filled("new_zeros", size, 0, **options)

    @sized
    def new_ones(self, *size: Any, **options: Any) -> Tensor:
        """Ones of this dtype."""
        return self._filled("new_ones", size, 1, **options)

    @sized
    def new_empty(self, *size: Any, **options: Any) -> Tensor:
        """As new_zeros: sheer has no uninitialised memory."""
        return self._filled("new_empty", size, 0, **options)

    def bernoulli(self, p: float | None = None, *, generator: Any = None) -> Tensor:
        """1 with the probability that the element (or p) is, else 0."""
        from ..random import default_generator
        key = (generator or default_generator).next_key()
        share = self.node if p is None else p
        if p is None and execute.is_known(self.node):
            found = execute.value_of(self.node)
            ops.random._check("bernoulli", bool(((found >= 0) & (found <= 1)).all()),
                              "the elements are no probabilities", "0 <= x <= 1")
        return apply(lambda k: ops.cast(ops.random.bernoulli(k, share, self.shape), self.dtype),
                     key)

    def multinomial(self, num_samples: int, replacement: bool = False, *,
                    generator: Any = None) -> Tensor:
        """num_samples places of the last axis, with probabilities proportional to the elements."""
        from ..random import multinomial
        weights: Any = self
        return multinomial(weights, num_samples, replacement, generator=generator)
