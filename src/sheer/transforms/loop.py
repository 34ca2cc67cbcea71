"""scan and fori_loop: a Python function of one step in, a loop inside the program out.

Tensors the step reads from outside become constants of the loop; tensors it rebinds (weights,
optimizer state, running statistics, the random generator) are carried from step to step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..graph.dtypes import int64
from ..graph.errors import ShapeError, StateError
from ..graph.node import Node
from ..ops.loop import scan_graph
from ..ops.structure import iota
from . import trace, tree


def scan(step: Callable[[Any, Any], tuple[Any, Any]], init: Any, xs: Any = None,
         length: int | None = None, reverse: bool = False) -> tuple[Any, Any]:
    """carry, y[t] = step(carry, x[t]); gives (last carry, all y stacked along a new first axis).

    Shape   xs (T, ...) each -> ys (T, ...) each; carry keeps shape and dtype
    Raises  E151 for a carry that changes, E152 for inputs of another length, E153 without length
    Source  jax.lax.scan
    """
    carry_nodes, carry_shape = tree.flatten(init)
    x_nodes, x_shape = tree.flatten(xs)
    length = _length(x_nodes, length)
    with trace.tracing() as t:
        carry_in = [t.input(n) for n in carry_nodes]
        x_in = [t.input(n.to(*n.shape[1:])) for n in x_nodes]
        result = step(tree.unflatten(carry_shape, carry_in), tree.unflatten(x_shape, x_in))
        carry, ys = _pair(result)
        carry_out, _ = tree.flatten(carry)
        y_out, y_shape = tree.flatten(ys)
    if len(carry_out) != len(carry_nodes):
        raise StateError("E151", "scan", f"{len(carry_nodes)} carried values went in, "
                         f"{len(carry_out)} came out", need="the same structure of carry")
    read = [c for c in t.captured.values() if not c.written]
    written = t.written
    body = trace.close([*(c.input for c in read), *carry_in, *(c.input for c in written), *x_in],
                       [*carry_out, *(c.now for c in written), *y_out])
    results = scan_graph(body, [trace.read(c.handle) for c in read],
                         [*carry_nodes, *(trace.read(c.handle) for c in written)], x_nodes,
                         length, reverse)
    for c, node in zip(written, results[len(carry_nodes):], strict=False):
        c.handle._rebind(node)
    n, m = len(carry_nodes), len(carry_nodes) + len(written)
    return tree.unflatten(carry_shape, results[:n]), tree.unflatten(y_shape, results[m:])


def fori_loop(start: int, stop: int, step: Callable[[Any, Any], Any], init: Any) -> Any:
    """carry = step(i, carry) for i = start .. stop - 1; gives the last carry.

    Source  jax.lax.fori_loop, with a fixed count, so that it has a derivative
    """
    _, shape = tree.flatten(init)
    kind = next((h.kind for h in _holes(shape)), Node)
    index = tree.unflatten(tree.Hole(kind), [iota(max(stop - start, 0), int64) + start])
    carry, _ = scan(lambda c, i: (step(i, c), ()), init, index)
    return carry


def _length(xs: list[Node], length: int | None) -> int:
    lengths = {x.shape[0] if x.ndim else -1 for x in xs} | ({length} - {None})
    if len(lengths) != 1 or -1 in lengths:
        raise ShapeError("E152" if lengths else "E153", "scan",
                         "the inputs have no common first axis" if lengths else "no inputs, no length",
                         got={f"x{i}": x for i, x in enumerate(xs)}, need="one number of steps")
    found = lengths.pop()
    assert found is not None
    return found


def _pair(result: Any) -> tuple[Any, Any]:
    if not isinstance(result, tuple) or len(result) != 2:
        raise StateError("E151", "scan", "the step must return (carry, y)",
                         got={"returned": type(result).__name__}, need="a tuple of two",
                         tries=[("return carry, ()", lambda: None)])
    return result


def _holes(shape: Any) -> list[tree.Hole]:
    if isinstance(shape, tree.Hole):
        return [shape]
    values = shape.values() if isinstance(shape, dict) else shape if isinstance(shape, list | tuple) else ()
    return [h for v in values for h in _holes(v)]


