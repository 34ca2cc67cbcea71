"""Random programs: a stream of choices flows in, a graph that reuses its values comes out.

Values stay of size about one (each operation keeps them there), so that a few eps of the sum of
|terms| is a meaningful bound; `terms` computes that sum, by the same graph on absolute values.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sheer import ops
from sheer.graph import Graph, Node, float32, float64, int64
from sheer.ops.loop import scan_graph
from sheer.ops.structure import Input, constant
from sheer.ops.walk import vjp_nodes

Choose = Callable[[int], int]  # choose(n) -> 0 .. n - 1


class Program:
    """Grows a graph, one operation on values made so far at a time."""

    def __init__(self, choose: Choose, dtype=float64) -> None:
        self.choose, self.dtype = choose, dtype
        shapes = [(2, 3), (3,), (3, 2), (4, 3), ()]
        self.inputs = [Input(i, shapes[i], dtype)() for i in range(2 + choose(4))]
        self.made = list(self.inputs)
        self.used: set[str] = set()

    def graph(self, steps: int) -> Graph:
        """The program after that many steps: the last values, and every gradient of their sum."""
        for _ in range(steps):
            self.grow()
        outputs = [v for v in self.made[-3:] if v.dtype == self.dtype]
        total = constant(0.0, self.dtype)
        for v in outputs:
            total = total + ops.sum(v * v, tuple(range(v.ndim)))
        grads = vjp_nodes([total], [constant(1.0, self.dtype)], self.inputs)
        return Graph(self.inputs, [*outputs, total, *grads])

    def grow(self) -> None:
        kinds = [
            self.unary,
            self.binary,
            self.view,
            self.reduce,
            self.dot,
            self.where,
            self.cast,
            self.gather,
            self.scan,
            self.softmax,
            self.binary,
            self.unary,
        ]
        step = kinds[self.choose(len(kinds))]
        node = step(self.pick())
        if node.size <= 200:
            self.made.append(node)
            self.used.add(step.__name__)

    def pick(self) -> Node:
        """Mostly recent values, so that programs are deep; old ones too: they are reused."""
        recent = self.made[-4:] if self.choose(3) else self.made
        return recent[self.choose(len(recent))]

    def unary(self, x: Node) -> Node:
        table = [
            ops.tanh,
            ops.sin,
            ops.sigmoid,
            lambda v: ops.exp(-ops.abs(v)),
            lambda v: v * 0.5,
            lambda v: ops.sqrt(v * v + 1.0),
            lambda v: ops.log(v * v + 1.0),
            lambda v: 1.0 / (v * v + 1.0),
            lambda v: v * v * 0.5,
        ]
        return table[self.choose(len(table))](x)

    def binary(self, x: Node) -> Node:
        y = self.pick()
        try:
            np.broadcast_shapes(x.shape, y.shape)
        except ValueError:
            y = ops.mean(y, tuple(range(y.ndim)))
        table = [
            lambda a, b: a + b,
            lambda a, b: a - b,
            lambda a, b: ops.tanh(a) * b,
            lambda a, b: a / (b * b + 1.0),
        ]
        return table[self.choose(len(table))](x, y) * 0.5

    def view(self, x: Node) -> Node:
        if not x.ndim:
            return ops.broadcast_to(x, (2, 2))
        axis = self.choose(x.ndim)
        order = tuple(np.random.default_rng(self.choose(1000)).permutation(x.ndim).tolist())
        table = [
            lambda: ops.permute(x, order),
            lambda: ops.reshape(x, (x.size,)),
            lambda: ops.flip(x, (axis,)),
            lambda: ops.concat([x, ops.sin(x)], axis),
            lambda: ops.pad(x, [(1, 0, 0)] + [(0, 1, 0)] * (x.ndim - 1), 0.25),
            lambda: ops.broadcast_to(x, (2, *x.shape)),
            lambda: ops.slice_(
                x, (0,) * x.ndim, tuple(max(1, s - 1) for s in x.shape), (1,) * x.ndim
            ),
        ]
        return table[self.choose(len(table))]()

    def reduce(self, x: Node) -> Node:
        axes = tuple(a for a in range(x.ndim) if self.choose(2))
        table = [
            lambda: ops.mean(x, axes),
            lambda: ops.sum(x, axes) * 0.25,
            lambda: ops.logsumexp(x, axes) if axes else x,
        ]
        return table[self.choose(len(table))]()

    def softmax(self, x: Node) -> Node:
        if not x.ndim:
            return ops.cos(x)
        shifted = ops.exp(ops.tanh(x))
        total = ops.sum(shifted, (x.ndim - 1,))
        return shifted / ops.reshape(total, (*x.shape[:-1], 1))

    def dot(self, x: Node) -> Node:
        if x.ndim < 2:
            return ops.tanh(x)
        return ops.matmul(ops.tanh(x), ops.transpose(ops.sin(x))) * 0.3

    def where(self, x: Node) -> Node:
        kind = self.choose(3)
        if kind == 0:
            return ops.where(ops.gt(x, 0.1), ops.log(x), x * 0.5)  # NaN and inf not taken
        if kind == 1:
            return ops.where(ops.lt(x * x, 1e-3), 0.25, ops.tanh(x) / x)
        middle = ops.mean(x, tuple(range(x.ndim))) + 0.013    # no ties for equal x
        return ops.where(ops.gt(x, middle), ops.sin(x), ops.neg(x))

    def cast(self, x: Node) -> Node:
        whole = ops.cast(ops.gt(x, 0.3), int64) * 2 + 1
        return ops.cast(whole, self.dtype) * x * 0.4

    def gather(self, x: Node) -> Node:
        if not x.ndim:
            return x * 0.75
        n = x.shape[0]
        rows = constant(np.array([self.choose(n) for _ in range(3)]), int64)
        return ops.take(x, rows, 0)

    def scan(self, x: Node) -> Node:
        """A loop over the rows of x, which also reads another value from outside."""
        if not x.ndim or x.shape[0] > 6:
            return ops.sin(x)
        row, other = x.shape[1:], ops.mean(self.pick())
        w, c, r = (
            Input(0, (), self.dtype)(),
            Input(1, row, self.dtype)(),
            Input(2, row, self.dtype)(),
        )
        new = ops.tanh(c * w + r)
        body = Graph([w, c, r], [new, new * c])
        start = ops.broadcast_to(ops.mean(x), row)
        carry, ys = scan_graph(body, [other], [start], [x], reverse=bool(self.choose(2)))
        return carry if self.choose(2) else ys


def arrays_for(graph: Graph, seed: int) -> list[np.ndarray]:
    """Reproducible inputs, of size about one."""
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.normal(size=i.shape) * 0.7, i.dtype.numpy) for i in graph.inputs]


def random_program(seed: int, steps: int, dtype=float64) -> tuple[Graph, set[str]]:
    """The program of a seed, and the kinds of operations in it."""
    rng = np.random.default_rng(seed)
    program = Program(lambda n: int(rng.integers(n)), dtype)
    return program.graph(steps), program.used


__all__ = ["Program", "arrays_for", "float32", "float64", "random_program"]
