"""In-place methods: x.add_(y), x += y, x.fill_(0), x[key] = v. The handle shows another node after.

Nodes never change; a write binds the tensor to the result. Views of it, and the tensor that it is
a view of, see the write (views.py).
"""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import ops
from ..graph.errors import DTypeError, ShapeError, StateError
from ..graph.node import Node, topological
from ..ops.lift import cast
from ..transforms import execute, trace
from .core import Core, apply, is_grad_enabled
from .elementwise import Elementwise
from .indexing import Indexing
from .linear_algebra import LinearAlgebra
from .placing import Placing
from .rearrange import Rearrange
from .reductions import Reductions
from .special import Special

if TYPE_CHECKING:
    from ..tensor import Tensor

_ORDER = {"bool": 0, "uint": 1, "int": 1, "float": 2}


def inplace(method: Callable[..., Any]) -> Callable[..., Tensor]:
    """The method that writes the result of another one into its own tensor."""
    name = f"{method.__name__}_"
    def write(self: Any, *args: Any, **kwargs: Any) -> Tensor:
        return self._assign(name, method(self, *args, **kwargs))
    write.__name__ = write.__qualname__ = name
    write.__doc__ = f"In place: {method.__doc__}"
    write.__wrapped__ = method  # type: ignore[attr-defined]
    return write


def _try_out(node: Node, old: Node) -> None:
    """Outside of traces, a write that fails on account of values fails before it is done: a tensor
    that showed what cannot be computed would have lost the values it had.
    """
    new = topological([node], stop=lambda n: n is old or execute.is_known(n))
    if trace.current() is None and any(n.prim.fallible for n in new if n is not old):
        execute.evaluate([node])


class InPlace(Core):
    """Writes. On a leaf that requires a gradient they are refused outside no_grad (E613)."""

    __slots__ = ()

    def _assign(self, op: str, value: Any) -> Tensor:
        """Let this tensor hold `value`, a tensor of its shape whose dtype can become its own.

        Raises  E613 on a leaf, E614 on an expanded view, E616 for another shape or a wider kind of
                dtype, E620 past the gradient of a computed tensor, E626 on an old state_dict
        """
        self._check_write(op)
        node, own = value.node, self.node
        if node.shape != own.shape:
            raise ShapeError("E616", op,
                             f"the result has shape {node.shape}, the tensor {own.shape}",
                             got={"tensor": own, "result": node},
                             need="one shape: a tensor keeps its own")
        if _ORDER[node.dtype.kind] > _ORDER[own.dtype.kind]:
            raise DTypeError("E616", op, f"{node.dtype.name} does not go into {own.dtype.name}",
                             got={"tensor": own, "result": node},
                             need=f"a result that is {own.dtype.name}",
                             tries=[("x = x + y, a new tensor", lambda: None)])
        _try_out(node, own)
        self._rebind(cast(node, own.dtype), op)
        if value.requires_grad and is_grad_enabled():
            self._follow_gradients()
        return self  # type: ignore[return-value]

    def _check_write(self, op: str) -> None:
        """Raise E613 for a write to a leaf that requires a gradient, or to a view of one, unless
        in no_grad; E620 for a write past the gradient of a tensor that was computed."""
        view = self._view
        base = None if view is None else view.base()
        target: Any = self if base is None else base
        past = not is_grad_enabled() or (view is not None and base is not None and view.detached)
        if not target.requires_grad or past == target._leaf:
            return
        which = "this is" if target is self else "this is a view of"
        if target._leaf:
            raise StateError("E613", op, f"{which} a leaf that requires a gradient",
                             got={"tensor": self.node, "leaf": target.node},
                             need="no_grad around a write to a weight, or a new tensor",
                             tries=[("with sheer.no_grad(): x.add_(...)", lambda: None)])
        raise StateError("E620", op,
                         f"{which} a computed tensor that requires a gradient, which the "
                         "write would pass by", got={"tensor": self.node, "computed": target.node},
                         need="a write outside of no_grad and detach(), or a copy",
                         tries=[("x.detach().clone() and write to that", lambda: None)])

    def _follow_gradients(self) -> None:
        """The values written require a gradient, so this tensor and its base do too."""
        base = None if self._view is None else self._view.base()
        self.requires_grad = True
        if base is not None and self._view is not None and not self._view.detached:
            base.requires_grad = True

    # ---- whole values ------------------------------------------------------------------------
    def copy_(self, src: Any, non_blocking: bool = False) -> Tensor:
        """The values of src, cast and broadcast."""
        fit = lambda x, s: ops.broadcast_to(cast(s, x.dtype), x.shape)
        from ..tensor import as_tensor
        return self._assign("copy_", apply(fit, self.detach(), as_tensor(src)))

    def fill_(self, value: Any) -> Tensor:
        """One number everywhere."""
        number = value if isinstance(value, Core) else None
        fill = lambda x, v=None: ops.broadcast_to(
            ops.constant(value, x.dtype) if v is None else cast(v, x.dtype), x.shape)
        return self._assign("fill_",
                            apply(fill, self.detach(), *([] if number is None else [number])))

    def zero_(self) -> Tensor:
        """Zeros everywhere."""
        return self.fill_(0)

    def fill_diagonal_(self, fill_value: Any) -> Tensor:
        """One number on the diagonal of a matrix."""
        self.diagonal().fill_(fill_value)
        return self  # type: ignore[return-value]

    # ---- random values -----------------------------------------------------------------------
    def uniform_(self, a: float = 0.0, b: float = 1.0, *, generator: Any = None) -> Tensor:
        """Numbers from [a, b)."""
        return self._draw("uniform_", generator, lambda key: ops.random.uniform(
            key, self.shape, a, b, self.dtype))

    def normal_(self, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Tensor:
        """Numbers from the normal distribution."""
        return self._draw("normal_", generator, lambda key: ops.random.normal(
            key, self.shape, mean, std, self.dtype))

    def exponential_(self, lambd: float = 1.0, *, generator: Any = None) -> Tensor:
        """Waiting times of events with a rate."""
        return self._draw("exponential_", generator, lambda key: ops.random.exponential(
            key, self.shape, lambd, self.dtype))

    def bernoulli_(self, p: Any = 0.5, *, generator: Any = None) -> Tensor:
        """1 with probability p, else 0."""
        share = p.node if isinstance(p, Core) else p
        return self._draw("bernoulli_", generator, lambda key: cast(
            ops.random.bernoulli(key, share, self.shape), self.dtype))

    def random_(self, low: int = 0, high: int | None = None, *, generator: Any = None) -> Tensor:
        """Integers from [low, high), or from [0, low) when high is missing."""
        start, stop = (0, low) if high is None else (low, high)
        return self._draw("random_", generator, lambda key: cast(
            ops.random.randint(key, start, stop or 2**24, self.shape), self.dtype))

    def _draw(self, op: str, generator: Any, draw: Callable[[Any], Any]) -> Tensor:
        from ..random import default_generator
        return self._assign(op, apply(draw, (generator or default_generator).next_key()))

    # ---- elementwise -------------------------------------------------------------------------
    __iadd__ = add_ = inplace(Elementwise.add)
    __isub__ = sub_ = subtract_ = inplace(Elementwise.sub)
    __imul__ = mul_ = multiply_ = inplace(Elementwise.mul)
    __itruediv__ = div_ = divide_ = true_divide_ = inplace(Elementwise.div)
    __ifloordiv__ = floor_divide_ = inplace(Elementwise.floor_divide)
    __imod__ = remainder_ = inplace(Elementwise.remainder)
    __ipow__ = pow_ = inplace(Elementwise.pow)
    __iand__ = bitwise_and_ = inplace(Elementwise.bitwise_and)
    __ior__ = bitwise_or_ = inplace(Elementwise.bitwise_or)
    __ixor__ = bitwise_xor_ = inplace(Elementwise.bitwise_xor)
    __ilshift__ = bitwise_left_shift_ = inplace(Elementwise.bitwise_left_shift)
    __irshift__ = bitwise_right_shift_ = inplace(Elementwise.bitwise_right_shift)
    fmod_, hypot_, xlogy_ = (inplace(m) for m in (
        Elementwise.fmod, Elementwise.hypot, Elementwise.xlogy))
    copysign_, nextafter_ = inplace(Elementwise.copysign), inplace(Elementwise.nextafter)
    atan2_ = arctan2_ = inplace(Elementwise.atan2)
    clamp_, clip_ = inplace(Elementwise.clamp), inplace(Elementwise.clip)
    clamp_min_, clamp_max_ = inplace(Elementwise.clamp_min), inplace(Elementwise.clamp_max)
    lerp_, nan_to_num_ = inplace(Elementwise.lerp), inplace(Elementwise.nan_to_num)
    addcmul_, addcdiv_ = inplace(Elementwise.addcmul), inplace(Elementwise.addcdiv)
    abs_ = absolute_ = inplace(Elementwise.abs)
    neg_ = negative_ = inplace(Elementwise.neg)
    sign_, sgn_, square_, sqrt_ = (inplace(m) for m in (
        Elementwise.sign, Elementwise.sgn, Elementwise.square, Elementwise.sqrt))
    rsqrt_, reciprocal_, relu_, sigmoid_ = (inplace(m) for m in (
        Elementwise.rsqrt, Elementwise.reciprocal, Elementwise.relu, Elementwise.sigmoid))
    exp_, exp2_, expm1_ = (inplace(m) for m in (
        Elementwise.exp, Elementwise.exp2, Elementwise.expm1))
    log_, log2_, log10_, log1p_ = (inplace(m) for m in (
        Elementwise.log, Elementwise.log2, Elementwise.log10, Elementwise.log1p))
    sin_, cos_, tan_ = (inplace(m) for m in (Elementwise.sin, Elementwise.cos, Elementwise.tan))
    sinh_, cosh_, tanh_ = (inplace(m) for m in (
        Elementwise.sinh, Elementwise.cosh, Elementwise.tanh))
    asin_ = arcsin_ = inplace(Elementwise.asin)
    acos_ = arccos_ = inplace(Elementwise.acos)
    atan_ = arctan_ = inplace(Elementwise.atan)
    asinh_ = arcsinh_ = inplace(Elementwise.asinh)
    acosh_ = arccosh_ = inplace(Elementwise.acosh)
    atanh_ = arctanh_ = inplace(Elementwise.atanh)
    floor_, ceil_, round_, frac_ = (inplace(m) for m in (
        Elementwise.floor, Elementwise.ceil, Elementwise.round, Elementwise.frac))
    trunc_ = fix_ = inplace(Elementwise.trunc)
    erf_, erfc_, erfinv_ = (inplace(m) for m in (
        Elementwise.erf, Elementwise.erfc, Elementwise.erfinv))
    lgamma_, digamma_, logit_, sinc_ = (inplace(m) for m in (
        Elementwise.lgamma, Elementwise.digamma, Elementwise.logit, Elementwise.sinc))
    deg2rad_, rad2deg_ = inplace(Elementwise.deg2rad), inplace(Elementwise.rad2deg)
    bitwise_not_, heaviside_ = inplace(Elementwise.bitwise_not), inplace(Elementwise.heaviside)
    eq_, ne_ = inplace(Elementwise.eq), inplace(Elementwise.ne)
    not_equal_ = ne_
    lt_ = less_ = inplace(Elementwise.lt)
    le_ = less_equal_ = inplace(Elementwise.le)
    gt_ = greater_ = inplace(Elementwise.gt)
    ge_ = greater_equal_ = inplace(Elementwise.ge)
    logical_and_, logical_or_ = inplace(Elementwise.logical_and), inplace(Elementwise.logical_or)
    logical_xor_, logical_not_ = inplace(Elementwise.logical_xor), inplace(Elementwise.logical_not)
    float_power_, ldexp_ = inplace(Elementwise.float_power), inplace(Elementwise.ldexp)

    i0_, gcd_, lcm_, mvlgamma_ = (inplace(m) for m in (
        Special.i0, Special.gcd, Special.lcm, Special.mvlgamma))
    polygamma_, renorm_ = inplace(Elementwise.polygamma), inplace(Placing.renorm)

    # ---- by place ----------------------------------------------------------------------------
    masked_fill_, masked_scatter_ = inplace(Indexing.masked_fill), inplace(Indexing.masked_scatter)
    scatter_, scatter_add_ = inplace(Indexing.scatter), inplace(Indexing.scatter_add)
    index_add_, index_copy_ = inplace(Indexing.index_add), inplace(Indexing.index_copy)
    index_fill_, index_put_ = inplace(Indexing.index_fill), inplace(Indexing.index_put)
    put_, index_reduce_ = inplace(Placing.put), inplace(Placing.index_reduce)
    scatter_reduce_ = inplace(Placing.scatter_reduce)
    tril_, triu_ = inplace(Rearrange.tril), inplace(Rearrange.triu)
    cumsum_, cumprod_ = inplace(Reductions.cumsum), inplace(Reductions.cumprod)
    addmm_, addmv_, addr_ = (inplace(m) for m in (
        LinearAlgebra.addmm, LinearAlgebra.addmv, LinearAlgebra.addr))
    baddbmm_, addbmm_ = inplace(LinearAlgebra.baddbmm), inplace(LinearAlgebra.addbmm)
