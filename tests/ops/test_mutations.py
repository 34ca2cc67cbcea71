"""Planted faults: a wrong sign, swapped operands, a dropped axis: each must be noticed."""

import numpy as np
import pytest
from checks import check_batch, check_infer, check_read, check_second_vjp, check_vjp, every_case

from sheer.graph import node as graph_node
from sheer.ops import batching, elementwise, movement, reduce
from sheer.ops.movement import Piece
from sheer.ops.primitive import REGISTRY
from sheer.ops.structure import stop_gradient

e, m = elementwise, movement

FAULTS = {
    # a derivative: sign, operand, factor, transposition, constant where there is none
    "sub: sign": ("Sub", "vjp", check_vjp, lambda self, ct, out, x, y: (ct, ct)),
    "mul: operands": ("Mul", "vjp", check_vjp, lambda self, ct, out, x, y: (ct * x, ct * y)),
    "div: power": ("Div", "vjp", check_vjp, lambda self, ct, out, x, y: (ct / y, -ct * out)),
    "cos: sign": ("Cos", "vjp", check_vjp, lambda self, ct, out, x: (ct * e.sin(x),)),
    "atan2: operands": ("Atan2", "vjp", check_vjp, lambda self, ct, out, y, x: (
        -ct * y / (x * x + y * y), ct * x / (x * x + y * y))),
    "pow: exponent": ("Pow", "vjp", check_vjp, lambda self, ct, out, x, y: (
        ct * y * e.pow(x, y), ct * out * e.log(x))),
    "maximum: branches": ("Maximum", "vjp", check_vjp, lambda self, ct, out, x, y: (
        e.where(e.lt(x, y), ct, 0), e.where(e.lt(x, y), 0, ct))),
    "where: branches": ("Where", "vjp", check_vjp, lambda self, ct, out, c, x, y: (
        None, e.where(c, 0, ct), e.where(c, ct, 0))),
    "permute: inverse": ("Permute", "vjp", check_vjp, lambda self, ct, out, x: (
        m.reshape(m.permute(ct, self.axes), x.shape),)),
    "slice: start": ("Slice", "vjp", check_vjp, lambda self, ct, out, x: (
        m.flip(_slice_vjp(self, ct, x), tuple(range(x.ndim))),)),
    "dot: order": ("Dot", "vjp", check_vjp, lambda self, ct, out, a, b: (
        self(ct, _transposed(b)), self(_transposed(a), -ct))),
    "max: value": ("Max", "vjp", check_vjp, lambda self, ct, out, x: (
        reduce.restore(ct, x.shape, self.axes),)),
    "tanh: only once": ("Tanh", "vjp", check_second_vjp, lambda self, ct, out, x: (
        ct * stop_gradient(1 - out * out),)),
    "exp: only once": ("Exp", "vjp", check_second_vjp, lambda self, ct, out, x: (
        ct * stop_gradient(out),)),
    # a batching rule: axis, operand
    "sum: axis": ("Sum", "batch", check_batch, lambda self, args, at: (
        self(batching.to_front(args[0], at[0], 0)), 0)),
    "sub: swapped": ("Sub", "batch", check_batch, lambda self, args, at: (
        self(*batching.all_to_front(args, at)[::-1]), 0)),
    "flip: axis": ("Flip", "batch", check_batch, lambda self, args, at: (
        m.flip(batching.to_front(args[0], at[0], 0), self.axes), 0)),
    "concat: axis": ("Concat", "batch", check_batch, lambda self, args, at: (
        self(*(batching.move_axis(x, 0, x.ndim - 1) for x in batching.all_to_front(args, at))), 0)),
    # where elements come from
    "flip: read": ("Flip", "read", check_read, lambda self, index, x: [Piece(0, index)]),
    "permute: read": ("Permute", "read", check_read, lambda self, index, x: [
        Piece(0, tuple(index[a] % s for a, s in zip(self.axes, x.shape, strict=True)))]),
    "slice: read": ("Slice", "read", check_read, lambda self, index, x: [
        Piece(0, tuple(i * s for i, s in zip(index, self.steps, strict=True)))]),
    # shape and dtype
    "argmax: dtype": ("ArgMax", "infer", check_infer, lambda self, x: x.to(
        *x.shape[:self.axis], *x.shape[self.axis + 1:])),
    "lt: dtype": ("Lt", "infer", check_infer, lambda self, x, y: x.to(*x.shape)),
    "concat: length": ("Concat", "infer", check_infer, lambda self, *xs: xs[0].to(*xs[0].shape)),
    # the meaning: its own derivative no longer fits
    "maximum: ref": ("Maximum", "ref", check_vjp, lambda self, x, y: np.minimum(x, y)),
    "floor: ref": ("Floor", "ref", check_vjp, lambda self, x: x - np.floor(x)),
    "prod: ref": ("Prod", "ref", check_vjp, lambda self, x: np.sum(x, self.axes, dtype=x.dtype)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_noticed(fault, monkeypatch):
    name, rule, check, wrong = FAULTS[fault]
    every_case(REGISTRY[name], check)                     # it passes as it is
    monkeypatch.setattr(REGISTRY[name], rule, wrong)
    monkeypatch.setattr(graph_node, "_inferred", {})      # what the right rule said is remembered
    with pytest.raises((AssertionError, IndexError)):
        every_case(REGISTRY[name], check)


@pytest.mark.parametrize("name", ["Sin", "Logaddexp", "Sum", "Dot", "Gather", "Pad"])
@pytest.mark.parametrize("factor", [-1.0, 0.5])
def test_a_scaled_derivative_is_noticed(name, factor, monkeypatch):
    right = REGISTRY[name].vjp
    def scaled(self, ct, out, *xs):
        return tuple(None if g is None else g * factor for g in right(self, ct, out, *xs))
    monkeypatch.setattr(REGISTRY[name], "vjp", scaled)
    with pytest.raises(AssertionError):
        every_case(REGISTRY[name], check_vjp)


def _transposed(x):
    return m.permute(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def _slice_vjp(prim, ct, x):
    """The right derivative of a slice, to be spoilt by the caller."""
    rows = zip(x.shape, prim.starts, prim.steps, ct.shape, strict=True)
    return m.pad(ct, tuple((a, s - a - (max(n - 1, 0) * step + min(n, 1)), step - 1)
                           for s, a, step, n in rows))
