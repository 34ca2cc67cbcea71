"""Passes that make a graph smaller without changing a bit of what it computes."""

from __future__ import annotations

import math

import numpy as np

from ...graph import Graph, Node, bool_, make
from ...graph.interpret import evaluate
from ...ops import movement
from ...ops.call import Checkpoint
from ...ops.elementwise import Add, BitwiseAnd, BitwiseOr, Cast, Div, Mul, Neg, Sub, Where
from ...ops.movement import Concat, Expand, Flip, Pad, Permute, Reshape, Slice
from ...ops.reduce import Deviation, Sum, from_mean
from ...ops.structure import Alias, Constant, Pick, StopGradient, constant
from .rewrite import fixed_point, number, rewrite, uniform

_FOLDED = 4096       # elements: larger constants are cheaper to compute than to carry in a program


def strip_markers(graph: Graph) -> Graph:
    """Alias and StopGradient become their operand; Checkpoint becomes its body; Deviation, which
    is there for its derivative, becomes sums.

    Barrier stays: it keeps a recomputation from being merged with the original.
    """
    while True:                                     # a checkpoint's body may hold checkpoints
        graph = rewrite(graph, _unmarked)
        if not any(isinstance(n.prim, Checkpoint | Deviation) for n in graph.nodes):
            return graph


def _unmarked(node: Node) -> Node | None:
    prim = node.prim
    if isinstance(prim, Alias | StopGradient):
        return node.inputs[0]
    if isinstance(prim, Deviation):
        centred = from_mean(node.inputs[0], prim.axes)
        return Sum(prim.axes)(centred * centred)
    if isinstance(prim, Checkpoint) and len(node.outputs) == 1:
        return prim.body(*node.inputs)[0]
    if isinstance(prim, Pick):
        call = node.inputs[0]
        if isinstance(call.prim, Checkpoint):
            return call.prim.body(*call.inputs)[prim.index]
        return call if len(call.outputs) == 1 else None
    return None


def fold_constants(graph: Graph) -> Graph:
    """A node whose inputs are all constants becomes a constant; equal numbers become a scalar."""
    def rule(node: Node) -> Node | None:
        if isinstance(node.prim, Constant):
            return _as_scalar(node)
        known = all(isinstance(x.prim, Constant) for x in node.inputs)
        if not known or not node.inputs or len(node.outputs) > 1 or isinstance(node.prim, Pick):
            return None
        if isinstance(node.prim, Expand) or node.size > _FOLDED or node.prim.takes_all_outputs:
            return None
        (array,) = evaluate(node, [(x.prim.ref(),) for x in node.inputs])
        return _as_scalar(constant(array, node.dtype))
    return rewrite(graph, rule)


def _as_scalar(node: Node) -> Node | None:
    """A constant array of equal numbers, as one number repeated."""
    array = np.asarray(node.prim.ref())
    if array.ndim == 0 or array.size == 0:
        return node
    raw = np.frombuffer(array.tobytes(), np.uint8).reshape(array.size, -1)
    if (raw != raw[0]).any():                       # bits, so that -0.0 and NaN stay themselves
        return node
    return movement.broadcast_to(constant(array.flat[0], node.dtype), array.shape)


def simplify_arithmetic(graph: Graph) -> Graph:
    """x * 1, x / 1, x - 0, integer x + 0, --x, casts of casts; x / 2^k becomes x * 2^-k.

    Float x + 0 stays: it turns -0 into 0.
    """
    return fixed_point(graph, _arithmetic)


def _arithmetic(node: Node) -> Node | None:
    prim = node.prim
    if isinstance(prim, Cast):
        return _cast(node)
    if isinstance(prim, Neg) and isinstance(node.inputs[0].prim, Neg):
        return node.inputs[0].inputs[0]
    if isinstance(prim, Where | BitwiseAnd | BitwiseOr):
        return _known_choice(node)
    if not isinstance(prim, Add | Sub | Mul | Div) or node.dtype == bool_:
        return None
    x, y = node.inputs
    left, right = number(x), number(y)
    if isinstance(prim, Mul):
        return y if left == 1 else x if right == 1 else None
    if isinstance(prim, Sub):
        return x if right == 0 and not math.copysign(1, right) < 0 else None
    if isinstance(prim, Add):
        exact = not node.dtype.is_floating_point
        return y if exact and left == 0 else x if exact and right == 0 else None
    if right == 1:
        return x
    if isinstance(right, float) and abs(math.frexp(right)[0]) == 0.5 and abs(right) < 2**100:
        return x * movement.broadcast_to(constant(1 / right, node.dtype), node.shape)
    return None


def _known_choice(node: Node) -> Node | None:
    """A choice, or a logical operation, one of whose operands is known to be true or false."""
    if isinstance(node.prim, Where):
        condition, yes, no = node.inputs
        chosen = number(condition)
        return None if chosen is None else yes if chosen else no
    if node.dtype != bool_:
        return None
    neutral = isinstance(node.prim, BitwiseAnd)          # True for "and", False for "or"
    for given, other in (node.inputs, node.inputs[::-1]):
        if (known := number(given)) is not None:
            return other if bool(known) == neutral else given
    return None


def _cast(node: Node) -> Node | None:
    x = node.inputs[0]
    if x.dtype == node.dtype:
        return x
    if isinstance(x.prim, Cast) and x.inputs[0].dtype == bool_ and node.dtype != bool_:
        return Cast(node.dtype)(x.inputs[0])        # 0 and 1 are exact in every type
    return None


def simplify_views(graph: Graph) -> Graph:
    """Views of views become one view; a pointwise operation on repeated scalars is done once."""
    return fixed_point(graph, _view)


def _view(node: Node) -> Node | None:
    prim = node.prim
    if prim.pointwise and node.inputs and node.ndim:
        return _on_scalars(node)
    if not isinstance(prim, Reshape | Permute | Expand | Slice | Flip | Pad):
        return _single_concat(node)
    x = node.inputs[0]
    if x.shape == node.shape and _keeps_order(node):
        return x
    if isinstance(prim, Reshape) and isinstance(x.prim, Reshape):
        return movement.reshape(x.inputs[0], prim.shape)
    if isinstance(prim, Permute) and isinstance(x.prim, Permute):
        return movement.permute(x.inputs[0], tuple(x.prim.axes[a] for a in prim.axes))
    if isinstance(prim, Expand) and isinstance(x.prim, Expand):
        return movement.broadcast_to(x.inputs[0], prim.shape)
    scalar = uniform(x) if not isinstance(prim, Expand | Pad) else None
    if scalar is not None and isinstance(x.prim, Expand) and node.size:
        return movement.broadcast_to(scalar, node.shape)
    return None


def _keeps_order(node: Node) -> bool:
    prim = node.prim
    if isinstance(prim, Permute):
        moved = [a for a in prim.axes if node.inputs[0].shape[a] != 1]
        return moved == sorted(moved)
    if isinstance(prim, Flip):
        return all(node.shape[a] <= 1 for a in prim.axes)
    if isinstance(prim, Slice):
        return all(a == 0 and step == 1 for a, step in zip(prim.starts, prim.steps, strict=True))
    return not isinstance(prim, Pad) or all(w == (0, 0, 0) for w in prim.widths)


def _single_concat(node: Node) -> Node | None:
    if isinstance(node.prim, Concat):
        kept = [x for x in node.inputs if x.shape[node.prim.axis]]
        if 0 < len(kept) < len(node.inputs):
            return movement.concat(kept, node.prim.axis)
    return None


def _on_scalars(node: Node) -> Node | None:
    """op(scalar repeated, scalar repeated, ...) = op(scalar, scalar, ...) repeated."""
    if not node.size or len(node.outputs) > 1:
        return None
    scalars = [uniform(x) for x in node.inputs]
    if any(s is None for s in scalars):
        return None
    return movement.broadcast_to(make(node.prim, tuple(s for s in scalars if s)), node.shape)
