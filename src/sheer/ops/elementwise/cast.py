"""cast: the same numbers as another element type."""

from __future__ import annotations

import numpy as np

from ...graph.dtypes import DType, dtype_of
from .. import batching, sampling
from ..lift import cast
from ..primitive import NoXla, Primitive

__all__ = ["Cast", "cast"]


class Cast(Primitive):
    """Every element as another type: toward zero to an integer, != 0 to a bool.

    A float outside the integer's range, or NaN, gives an unspecified integer, as in C.

    Shape   x (*S) -> (*S)
    Dtype   any -> dtype
    Source  torch.Tensor.to
    """
    dtype: DType
    pointwise = True
    xla = NoXla("jax.lax.convert_element_type takes the dtype as an argument")

    def infer(self, x): return x.to(*x.shape, dtype=self.dtype)
    def ref(self, x): return np.asarray(x).astype(self.dtype.numpy)
    def vjp(self, ct, out, x):
        floats = x.dtype.is_floating_point and self.dtype.is_floating_point
        return (cast(ct, x.dtype) if floats else None,)
    def emit(self, b, x): return b.cast(x, self.dtype)
    def batch(self, args, at): return self(batching.to_front(args[0], at[0], 0)), 0
    @classmethod
    def samples(cls): return sampling.one_array(cls(dtype_of("int32")))
    @classmethod
    def hard(cls):
        to = lambda name: cls(dtype_of(name))
        return [sampling.case(to("float64"), [0.5, -2], dtype="f4"),
                sampling.case(to("bool"), [0.0, 0.1, np.nan]), sampling.case(to("float32"), [0.1]),
                sampling.case(to("uint8"), [-1, 300], dtype="i4")]
