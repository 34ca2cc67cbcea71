"""What the compiler's tests share: random graphs, and a program against the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sheer import ops
from sheer.backends.cpu.backend import CpuBackend, Executable
from sheer.graph import Graph, Node, bool_, dtype_of, float32, interpret
from sheer.ops.structure import Input


def inputs(*shapes: tuple[int, ...], dtype: Any = float32) -> list[Node]:
    """Input nodes of the given shapes."""
    return [Input(i, s, dtype)() for i, s in enumerate(shapes)]


def arrays_for(graph: Graph, seed: int = 0) -> list[np.ndarray]:
    """Reproducible arrays for the inputs of a graph."""
    rng = np.random.default_rng(seed)
    return [_array(rng, x) for x in graph.inputs]


def _array(rng: np.random.Generator, x: Node) -> np.ndarray:
    if x.dtype.is_floating_point:
        return np.asarray(rng.normal(size=x.shape), x.dtype.numpy)
    if x.dtype == bool_:
        return np.asarray(rng.random(x.shape) < 0.5)
    return np.asarray(rng.integers(0, 5, x.shape), x.dtype.numpy)


def check(graph: Graph, arrays: Sequence[np.ndarray] | None = None,
          donate: Mapping[int, int] | None = None, rtol: float = 1e-5, atol: float = 1e-5,
          ) -> Executable:
    """Compile, run twice, compare with the reference; the executable."""
    given = [np.array(a) for a in (arrays_for(graph) if arrays is None else arrays)]
    want = interpret(graph, [a.copy() for a in given])
    executable = CpuBackend().compile(graph, dict(donate or {}))
    for _ in range(2):
        mine = [a.copy() for a in given]
        got = executable(mine)
        for number, (w, g) in enumerate(zip(want, got, strict=True)):
            compare(w, g, rtol, atol)
            if donate and number in donate:
                assert g is mine[donate[number]]
    return executable


def compare(want: np.ndarray, got: np.ndarray, rtol: float = 1e-5, atol: float = 1e-5) -> None:
    """Equal shapes and dtypes; floats close, everything else equal."""
    assert want.shape == got.shape
    assert want.dtype == got.dtype
    if want.dtype.kind == "f":
        np.testing.assert_allclose(got, want, rtol=rtol, atol=atol, equal_nan=True)
    else:
        np.testing.assert_array_equal(got, want)


class Grower:
    """Draws operations on values made so far: elementwise, views, reductions, products."""

    def __init__(self, draw: Any, st: Any, start: Sequence[Node]) -> None:
        self.draw, self.st, self.made = draw, st, list(start)

    def pick(self) -> Node:
        return self.made[self.draw(self.st.integers(0, len(self.made) - 1))]

    def number(self, low: int, high: int) -> int:
        found: int = self.draw(self.st.integers(low, high))
        return found

    def grow(self) -> None:
        """One more value, of at most a few thousand elements."""
        step = [self.unary, self.unary, self.binary, self.binary, self.reduce, self.permute,
                self.reshape, self.pad, self.slice, self.concat, self.expand, self.flip, self.dot,
                self.select][self.number(0, 13)]
        node = step(self.pick())
        if node is not None and node.size <= 4000:
            self.made.append(node)

    def unary(self, x: Node) -> Node:
        f = [ops.tanh, ops.relu, ops.neg, ops.abs, ops.sigmoid, lambda v: v * 0.5,
             lambda v: v + 1.0, lambda v: ops.exp(-ops.abs(v))][self.number(0, 7)]
        return f(x)

    def binary(self, x: Node) -> Node | None:
        y = self.pick()
        try:
            np.broadcast_shapes(x.shape, y.shape)
        except ValueError:
            y = ops.reshape(y, (-1,))
            y = ops.sum(y, (0,))
        f = [ops.add, ops.sub, ops.mul, ops.maximum, ops.minimum][self.number(0, 4)]
        return f(x, y)

    def select(self, x: Node) -> Node:
        return ops.where(ops.gt(x, 0.1), x * x, ops.neg(x))

    def reduce(self, x: Node) -> Node:
        axes = [a for a in range(x.ndim) if self.number(0, 1)]
        f = [ops.sum, ops.max, ops.mean, ops.logsumexp][self.number(0, 3)]
        if not axes or any(x.shape[a] == 0 for a in axes):
            return x * 2.0
        out = f(x, axes)
        return ops.restore(out, x.shape, axes) + x if self.number(0, 1) else out

    def permute(self, x: Node) -> Node:
        order = self.draw(self.st.permutations(range(x.ndim)))
        return ops.permute(x, tuple(order))

    def reshape(self, x: Node) -> Node:
        kind = self.number(0, 2)
        if kind == 0 or x.size == 0:
            return ops.reshape(x, (x.size,))
        size = x.size
        first = next((d for d in (self.number(2, 6), 2, 3, 1) if size % d == 0), 1)
        return ops.reshape(x, (first, size // first) if kind == 1 else (size // first, 1, first))

    def pad(self, x: Node) -> Node:
        widths = [(self.number(-1, 2) if s > 2 else 1, self.number(0, 2), self.number(0, 1))
                  for s in x.shape]
        return ops.pad(x, widths, 0.5) if x.ndim else x

    def slice(self, x: Node) -> Node:
        rows = [(a := self.number(0, s), self.number(a, s), self.number(1, 2)) for s in x.shape]
        if not rows:
            return x
        return ops.slice_(x, *zip(*rows, strict=True))

    def concat(self, x: Node) -> Node:
        if not x.ndim:
            return x
        return ops.concat([x, ops.neg(x), x], self.number(0, x.ndim - 1))

    def expand(self, x: Node) -> Node:
        return ops.broadcast_to(x, (self.number(1, 3), *x.shape))

    def flip(self, x: Node) -> Node:
        return ops.flip(x, tuple(a for a in range(x.ndim) if self.number(0, 1)))

    def dot(self, x: Node) -> Node:
        if x.ndim < 2:
            return x
        return ops.matmul(x, ops.tanh(ops.transpose(x))) * 0.1


__all__ = ["Grower", "arrays_for", "check", "compare", "dtype_of", "inputs"]
