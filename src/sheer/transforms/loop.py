"""scan and fori_loop: a Python function of one step in, a loop inside the program out.

Tensors the step reads from outside become constants of the loop; tensors it rebinds (weights,
optimizer state, running statistics, the random generator) are carried from step to step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..graph.dtypes import int64
from ..graph.errors import ShapeError, StateError
from ..graph.graph import Graph
from ..graph.node import Node, topological
from ..ops.loop import scan_graph
from ..ops.structure import StopGradient, iota
from . import trace, tree
from .arguments import check_function


def scan(step: Callable[[Any, Any], tuple[Any, Any]], init: Any, xs: Any = None,
         length: int | None = None, reverse: bool = False) -> tuple[Any, Any]:
    """carry, y[t] = step(carry, x[t]); gives (last carry, all y stacked along a new first axis).

    With reverse the steps run from the last x to the first; y[t] still belongs to x[t].

    Shape   xs (T, ...) each -> ys (T, ...) each; carry keeps shape and dtype
    Raises  E151 for a carry that changes, E152 for inputs of another length, E153 without length,
            E154 for a step that adds to gradients of the step before
    Source  jax.lax.scan
    """
    check_function("scan", step)
    carry_nodes, carry_shape = tree.flatten(init)
    x_nodes, x_shape = tree.flatten(xs)
    length = _length(x_nodes, length)
    with trace.tracing() as t:
        carry_in = [t.input(n) for n in carry_nodes]
        x_in = [t.input(n.to(*n.shape[1:])) for n in x_nodes]
        result = step(tree.unflatten(carry_shape, carry_in), tree.unflatten(x_shape, x_in))
        carry, ys = _pair(result)
        carry_out, new_shape = tree.flatten(carry)
        y_out, y_shape = tree.flatten(ys)
    _check_carry(carry_nodes, carry_out, carry_shape, new_shape)
    _check_grads(t)
    t.absorb([*carry_out, *y_out])
    read = [c for c in t.captured.values() if not c.written]
    written = t.written
    body = t.close([*(c.input for c in read), *carry_in, *(c.input for c in written), *x_in],
                   [*carry_out, *(c.now for c in written), *y_out])
    results = scan_graph(body, [trace.read(c.handle) for c in read],
                         [*carry_nodes, *(trace.read(c.handle) for c in written)], x_nodes,
                         length, reverse)
    n, m = len(carry_nodes), len(carry_nodes) + len(written)
    for c, node in zip(written, results[n:m], strict=True):
        c.handle._rebind(node)
    t.leave_grads()
    flags = [*(c.wants_grad for c in read), *(h.requires_grad for h in tree.holes(carry_shape)),
             *(c.wants_grad for c in written), *(h.requires_grad for h in tree.holes(x_shape))]
    wanted = _wants_grad(body, flags, len(read), m)
    return (tree.unflatten(_flagged(carry_shape, wanted[:n]), results[:n]),
            tree.unflatten(_flagged(y_shape, wanted[m:]), results[m:]))


def fori_loop(start: int, stop: int, step: Callable[[Any, Any], Any], init: Any) -> Any:
    """carry = step(i, carry) for i = start .. stop - 1; gives the last carry.

    Source  jax.lax.fori_loop, with a fixed count, so that it has a derivative
    """
    check_function("fori_loop", step)
    _, shape = tree.flatten(init)
    kind = next((h.kind for h in tree.holes(shape)), Node)
    index = tree.unflatten(tree.Hole(kind), [iota(max(stop - start, 0), int64) + start])
    carry, _ = scan(lambda c, i: (step(i, c), ()), init, index)
    return carry


def _length(xs: list[Node], length: int | None) -> int:
    found = {x.shape[0] if x.ndim else -1 for x in xs} | ({length} - {None})
    number = found.pop() if len(found) == 1 else None
    if number is not None and number >= 0:
        return number
    got: dict[str, Any] = {f"x{i}": x for i, x in enumerate(xs)}
    if length is not None:
        got["length"] = length
    if not got:
        raise ShapeError("E153", "scan", "neither inputs nor a length", need="xs or length")
    raise ShapeError("E152", "scan", "the inputs have no common first axis", got=got,
                     need="one number of steps, >= 0")


def _pair(result: Any) -> tuple[Any, Any]:
    if not isinstance(result, tuple) or len(result) != 2:
        raise StateError("E151", "scan", "the step must return (carry, y)",
                         got={"returned": type(result).__name__}, need="a tuple of two",
                         tries=[("return carry, ()", lambda: None)])
    return result


def _check_carry(before: Sequence[Node], after: Sequence[Node], shape: Any, new: Any) -> None:
    """The step gives back what it was given: the same tree of the same specs."""
    places = [*tree.rows(shape, before)]
    if places != [*tree.rows(new, after)] or len(before) != len(after):
        raise StateError("E151", "scan", "the step changes the structure of the carry",
                         got={"before": _plain(shape), "after": _plain(new)},
                         need="the same nesting of the same number of tensors")
    for i, (a, b) in enumerate(zip(before, after, strict=True)):
        if a.spec != b.spec:
            name = f"carry {i}" if len(before) > 1 else "the carry"
            raise ShapeError("E151", "scan", f"the step changes shape or dtype of {name}",
                             got={"before": a, "after": b},
                             need="the same shape and dtype before and after every step",
                             tries=_casts(a, b))


def _casts(before: Node, after: Node) -> list[Any]:
    """The start in the dtype that the step gives, when only that differs."""
    if before.shape != after.shape:
        return []
    return [(f"init.to(sheer.{after.dtype.name})", lambda: None)]


def _plain(shape: Any) -> str:
    """A flattened tree as people write it: `(*, *)`; an empty one is `()`."""
    return repr(shape)[:60]


def _check_grads(t: trace.Trace) -> None:
    """A gradient found and left behind: a Python loop would add up over the steps."""
    for place, (handle, slot) in t.grads.items():
        if slot is not None and place in t.grads_read:
            raise StateError("E154", "scan", "a step adds to the gradient of the step before it",
                             got={"tensor": handle._bound},
                             need="gradients that start from None in every step",
                             tries=[("optimizer.zero_grad() first in the step", lambda: None)])


def _wants_grad(body: Graph, flags: Sequence[bool], num_consts: int, num_carry: int) -> list[bool]:
    """Which outputs have a path to a tensor that requires a gradient, in any number of steps."""
    wants = {x for x, flag in zip(body.inputs, flags, strict=True) if flag}
    carries = list(zip(body.inputs[num_consts:num_consts + num_carry], body.outputs, strict=False))
    order = topological(body.outputs)
    while True:
        reached = set(wants)
        for node in order:
            if any(x in reached for x in node.inputs) and not isinstance(node.prim, StopGradient):
                reached.add(node)
        more = {x for x, out in carries if out in reached} - wants
        if not more:
            return [o in reached and o.dtype.is_floating_point for o in body.outputs]
        wants |= more


def _flagged(shape: Any, wanted: Sequence[bool]) -> Any:
    """The flattened tree with `requires_grad` of each hole as told."""
    rest = iter(wanted)
    return tree.fill(shape, lambda hole: tree.Hole(hole.kind, next(rest)))
