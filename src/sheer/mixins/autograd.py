"""Gradients of tensors: backward, grad, detach, requires_grad."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from weakref import ref

from ..graph.errors import DTypeError, ShapeError, SheerError, StateError
from ..graph.node import Node
from ..graph.source import inherit
from ..ops.structure import constant, stop_gradient
from ..transforms import trace
from ..transforms.grad import reverse
from .backward import gradients
from .core import (
    Core,
    apply_view,
    array_node,
    as_node,
    is_grad_enabled,
    iterate_history,
    leaf_of,
    refuse_second_use,
    wrap,
)
from .hooks import Hooks, after_accumulation, before_accumulation, depend_on_hooks

if TYPE_CHECKING:
    from ..tensor import Tensor


class Autograd(Hooks):
    """backward() and what it needs."""

    __slots__ = ()

    @property
    def is_leaf(self) -> bool:
        """Was this tensor made by the user, not computed from one that requires a gradient?"""
        return self._leaf or not self.requires_grad

    @property
    def grad(self) -> Tensor | None:
        """The gradient `backward` left here."""
        return trace.grad_of(self)  # type: ignore[no-any-return]

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None and not isinstance(value, Core):
            raise _no_gradient("grad", value, "a tensor of this shape")
        if value is not None and value.shape != self.node.shape:
            raise ShapeError("E610", "grad", "a gradient has the shape of its tensor",
                             got={"tensor": self.node, "gradient": value.node}, need="one shape")
        trace.set_grad(self, value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for a gradient here (or no longer). Only leaves can be told. What shows another
        tensor's elements (`x.detach()`, `x[0]`) has elements of its own from here on.

        Raises E604 for integers and bools.
        """
        if requires_grad and not self.node.dtype.is_floating_point:
            raise DTypeError("E604", "requires_grad", f"no gradient of {self.node.dtype.name}",
                             got={"tensor": self.node}, need="float32 or float64",
                             tries=[("x.float().requires_grad_()", lambda: None)])
        if self.requires_grad and not self._leaf:
            raise refuse_second_use("requires_grad_", self.node)
        if requires_grad and self._leaf and leaf_of(self.node) is self:
            self.requires_grad = True                  # marked already: a second mark would count
            return self  # type: ignore[return-value]
        self._leaf, self.requires_grad = True, requires_grad
        if requires_grad:
            node = self.node
            self._view = None
            self._set(node)
        return self  # type: ignore[return-value]

    def detach(self) -> Tensor:
        """The same values, a constant to every derivative. A view: writes reach this tensor."""
        out: Tensor = apply_view(stop_gradient, self)
        out.requires_grad = False
        return out

    def detach_(self) -> Tensor:
        """Cut this tensor itself off from what it was computed of: it becomes a leaf.

        Raises  E609 for a view, which shows elements of a tensor that is not cut off
        """
        if self._view is not None:
            raise StateError("E609", "detach_", "a view is not cut off in place",
                             got={"tensor": self.node}, need="a tensor with elements of its own",
                             tries=[("x.detach()", lambda: None)])
        node = self.node
        self.requires_grad = False
        self._set(stop_gradient(node))
        return self  # type: ignore[return-value]

    @property
    def data(self) -> Tensor:
        """The same values outside of every gradient; what is written to it reaches this tensor."""
        return self.detach()

    @data.setter
    def data(self, value: Tensor) -> None:
        self._view = None
        self._set(stop_gradient(as_node(value)))

    def retain_grad(self) -> None:
        """Ask `backward` to leave a gradient on this computed tensor too."""
        if not self.requires_grad:
            raise StateError("E611", "retain_grad", "this tensor takes part in no gradient",
                             got={"tensor": self.node}, need="requires_grad=True upstream")
        node, running = self.node, trace.current()
        if running is None:
            node.leaf = ref(self)
        else:
            running.leaves[node] = self

    @property
    def retains_grad(self) -> bool:
        """Is this a computed tensor on which `backward` leaves a gradient too?"""
        return not self.is_leaf and leaf_of(self.node) is self

    def backward(self, gradient: Any = None, retain_graph: bool | None = None,
                 create_graph: bool = False, inputs: Any = None) -> None:
        """Add d(self)/d(leaf) to `.grad` of every leaf that requires a gradient. They are computed
        now, and what tensors show of the way to self with them; create_graph leaves them pending.

        gradient is the cotangent, of self's shape; it may be left out for a single number.
        retain_graph is accepted and not needed: graphs here are data and are never used up.
        inputs, a tensor or several, are the only ones whose gradient is wanted, leaves or not.
        Raises E602 for a result that is no single number, E604 for a gradient or inputs that are no
        tensors, E611 when nothing requires a gradient.
        """
        if not self.requires_grad:
            raise StateError("E611", "backward",
                             "nothing that led to this tensor requires a gradient",
                             got={"tensor": self.node},
                             need="a leaf with requires_grad=True, outside no_grad",
                             tries=[("w.requires_grad_() on the weights", lambda: None)])
        node = self.node
        cotangent = cotangent_of("backward", node, gradient)
        plain = gradient is None and inputs is None and not (create_graph or trace.inlined())
        found = gradients(node, cotangent) if plain else None
        if found is not None:
            for leaf, g in found:
                if g is not None:
                    _accumulate(leaf, g, False)
            return
        if inputs is None:
            leaves = {n: t for n in iterate_history(node)
                      if (t := leaf_of(n)) is not None and t.requires_grad}
        else:
            leaves = {t.node: t for t in _inputs(inputs)}
        grads = reverse([node], [cotangent], list(leaves))
        depend_on_hooks()
        for leaf, g in zip(leaves.values(), grads, strict=True):
            if g is not None:
                with inherit(leaf.source):
                    new = before_accumulation(leaf, g)
                    _accumulate(leaf, new if create_graph else stop_gradient(new), create_graph)
                    after_accumulation(leaf)


def cotangent_of(op: str, node: Node, gradient: Any,
                 given: str = "backward(gradient)", mean: str = "loss.mean().backward()") -> Node:
    """What flows into a result: the gradient given for it, or a one into a single number.

    Params  given, mean  how the caller's user would give a gradient, or do without one
    Raises  E602 for several numbers without a gradient, E604 for what holds no numbers, E610 for
            one of another shape
    """
    if gradient is not None:
        try:
            ct = as_node(gradient, node.dtype)
        except SheerError:
            raise
        except (TypeError, ValueError):                   # of NumPy, which says nothing of us
            raise _no_gradient(op, gradient, "a tensor of the result's shape") from None
        if ct.shape != node.shape:
            raise ShapeError("E610", op, "the gradient given has another shape than the tensor",
                             got={"tensor": node, "gradient": ct}, need="one shape")
        return ct
    if node.size != 1:
        raise ShapeError("E602", op, "only a single number has a gradient by itself",
                         got={"tensor": node}, need=f"shape (), or {given}",
                         tries=[(mean, lambda: None)])
    return constant(1, node.dtype) if node.shape == () else array_node(
        _ones(node.shape, node.dtype.numpy), node.dtype)


def as_tuple(value: Any) -> tuple[Any, ...]:
    """One thing as a tuple of it; an iterable that is no tensor as a tuple."""
    one = isinstance(value, Core | str) or not isinstance(value, Iterable)
    return (value,) if one else tuple(value)


def tensors_of(op: str, name: str, value: Any) -> tuple[Any, ...]:
    """As a tuple. Raises DTypeError E604 for anything but tensors."""
    many = as_tuple(value)
    for x in many:
        if not isinstance(x, Core):
            raise DTypeError("E604", op, f"{type(x).__name__} is no tensor",
                             got={name: repr(x)[:60]}, need="a tensor, or a tuple of tensors")
    return many


def _inputs(inputs: Any) -> tuple[Any, ...]:
    """The tensors that `backward(inputs=...)` was given."""
    many = tensors_of("backward", "inputs", inputs)
    for x in many:
        if not x.requires_grad:
            raise StateError("E611", "backward", "an input requires no gradient",
                             got={"input": x.node}, need="tensors with requires_grad=True",
                             tries=[("x.requires_grad_() before the result is computed",
                                     lambda: None)])
    if not many:
        raise StateError("E611", "backward", "inputs are empty", need="a tensor, or several",
                         tries=[("inputs=None, for all leaves", lambda: None)])
    return many


def _no_gradient(op: str, value: Any, need: str) -> DTypeError:
    return DTypeError("E604", op, "a gradient is a tensor, or None",
                      got={"given": type(value).__name__}, need=need,
                      tries=[("sheer.tensor(gradient)", lambda: as_node(value))])


def _ones(shape: tuple[int, ...], dtype: Any) -> Any:
    import numpy as np
    return np.ones(shape, dtype)


def _accumulate(leaf: Any, g: Any, create_graph: bool) -> None:
    """Add to .grad as torch does: a second backward without zero_grad sums."""
    if trace.grad_of(leaf) is None:
        trace.set_grad(leaf, wrap(g, create_graph and is_grad_enabled()))
    elif create_graph:
        leaf.grad = wrap(leaf.grad.node + g, True)
    else:
        leaf.grad._rebind(stop_gradient(leaf.grad.node) + g)
