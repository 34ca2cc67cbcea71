"""Wide random programs: a stream of choices flows in; a graph over the whole op set comes out.

Shapes have axes of length 0, 1, primes and more than a vector. Values stay of size about one. What
decides a place (argmax, argsort) looks at inputs only: their bits are the same on every backend.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sheer import ops
from sheer.graph import Graph, Node, float64, int64
from sheer.ops.loop import scan_graph
from sheer.ops.structure import Input, constant, data
from sheer.ops.walk import vjp_nodes

Choose = Callable[[int], int]     # choose(n) -> 0 .. n - 1
LENGTHS = (0, 1, 1, 2, 3, 3, 4, 5, 7, 8, 11, 13, 16, 17, 19, 31, 33, 64)
MOST = 3000                       # elements of a value


class Wide:
    """Grows a graph, one operation on values made so far at a time."""

    def __init__(self, choose: Choose, dtype=float64, empty: bool = True) -> None:
        self.choose, self.dtype, self.empty = choose, dtype, empty
        self.inputs = [Input(i, self.shape(), dtype)() for i in range(1 + choose(3))]
        self.made = list(self.inputs)
        self.used: set[str] = set()

    def graph(self, steps: int, gradients: bool = True) -> Graph:
        """The program after that many steps: its last values and (a sum's) every gradient."""
        for _ in range(steps):
            self.grow()
        outputs = self.made[-3:]
        if not gradients:
            return Graph(self.inputs, outputs)
        total = constant(0.0, self.dtype)
        for v in outputs:
            total = total + ops.sum(v * v, tuple(range(v.ndim))) * (1 / max(v.size, 1))
        grads = vjp_nodes([total], [constant(1.0, self.dtype)], self.inputs)
        return Graph(self.inputs, [*outputs, total, *grads])

    def shape(self) -> tuple[int, ...]:
        """Up to four axes, few elements in all."""
        lengths = LENGTHS if self.empty and not self.choose(8) else LENGTHS[1:]
        found: list[int] = []
        for _ in range(self.choose(5)):
            n = lengths[self.choose(len(lengths))]
            if np.prod([*found, n]) <= 600:
                found.append(n)
        return tuple(found)

    def grow(self) -> None:
        kinds = [self.pointwise, self.pointwise, self.pair, self.pair, self.reduce, self.reduce,
                 self.view, self.view, self.strided, self.join, self.dot, self.batched_dot,
                 self.conv, self.conv_transposed, self.pool, self.gather, self.scatter, self.sort,
                 self.running, self.scan, self.normalised, self.choice, self.along, self.whole]
        step = kinds[self.choose(len(kinds))]
        node = step(self.pick())
        if node is not None and node.size <= MOST and node.ndim <= 6:
            self.made.append(node)
            self.used.add(step.__name__)

    # ---- choices ---------------------------------------------------------------------------
    def pick(self) -> Node:
        """Mostly recent values, so that programs are deep; old ones too: they are reused."""
        recent = self.made[-4:] if self.choose(3) else self.made
        return recent[self.choose(len(recent))]

    def one(self, *table: Callable[[], Node]) -> Node:
        return table[self.choose(len(table))]()

    def some_axes(self, x: Node) -> tuple[int, ...]:
        return tuple(a for a in range(x.ndim) if self.choose(2))

    def numbers(self, count: int, below: int) -> np.ndarray:
        return np.array([self.choose(below) for _ in range(count)], np.int64)

    # ---- elementwise -----------------------------------------------------------------------
    def pointwise(self, x: Node) -> Node:
        tame = ops.tanh(x)
        return self.one(
            lambda: ops.sin(x), lambda: ops.cos(x), lambda: tame, lambda: ops.sigmoid(x),
            lambda: ops.exp(-ops.abs(x)), lambda: ops.log(x * x + 1.0), lambda: ops.relu(x),
            lambda: ops.sqrt(x * x + 0.5), lambda: ops.erf(x), lambda: ops.atan(x),
            lambda: ops.asinh(x), lambda: ops.log1p(ops.abs(x)), lambda: ops.expm1(tame),
            lambda: ops.asin(tame * 0.9), lambda: ops.acos(tame * 0.9),
            lambda: ops.atanh(tame * 0.7), lambda: ops.erfinv(tame * 0.8), lambda: ops.cosh(tame),
            lambda: ops.sinh(tame), lambda: ops.lgamma(ops.abs(x) + 2.5),
            lambda: ops.digamma(ops.abs(x) + 1.5), lambda: ops.pow(ops.abs(x) + 0.5, 1.3),
            lambda: ops.clamp(x, -0.5, 0.7), lambda: x * 0.5, lambda: 1.0 / (x * x + 1.0),
            lambda: ops.softplus(x), lambda: ops.exp2(tame), lambda: ops.rsqrt(x * x + 1.0))

    def pair(self, x: Node) -> Node:
        y = self.pick()
        try:
            np.broadcast_shapes(x.shape, y.shape)
        except ValueError:
            y = ops.sum(y, tuple(range(y.ndim))) * (1 / max(y.size, 1))
        return self.one(
            lambda: (x + y) * 0.5, lambda: x - y, lambda: ops.tanh(x) * y,
            lambda: x / (y * y + 1.0), lambda: ops.maximum(x, y), lambda: ops.minimum(x, y),
            lambda: ops.atan2(x, y * y + 0.3), lambda: ops.hypot(x, y + 2.0),
            lambda: ops.logaddexp(x, y), lambda: ops.pow(ops.sigmoid(x) + 0.5, ops.tanh(y)))

    def choice(self, x: Node) -> Node:
        y = ops.sin(x)
        return self.one(
            lambda: ops.where(ops.gt(x, 0.1), ops.log(x), x * 0.5),        # NaN and inf not taken
            lambda: ops.where(ops.logical_and(ops.gt(x, -0.4), ops.lt(x, 0.6)), y, x * 0.25),
            lambda: ops.where(ops.logical_or(ops.isnan(x), ops.lt(x, 0.2)), 0.5, y),
            lambda: ops.cast(ops.gt(x, 0.3), self.dtype) * x)

    def whole(self, x: Node) -> Node:
        """Through integers: what rounding cannot move, of an input."""
        x = self.inputs[self.choose(len(self.inputs))]
        n = ops.cast(ops.floor(x * 4.0), int64)
        found = self.one(lambda: ops.remainder(n, 3), lambda: ops.floor_divide(n, 2) + 1,
                         lambda: ops.bitwise_and(n, 5), lambda: ops.cumsum(n, 0) if n.ndim else n,
                         lambda: ops.abs(n) * 2 - 1)
        return ops.tanh(ops.cast(found, self.dtype) * 0.1)

    # ---- reductions ------------------------------------------------------------------------
    def reduce(self, x: Node) -> Node:
        axes = self.some_axes(x)
        count = max(int(np.prod([x.shape[a] for a in axes])), 1)
        if not count or not x.size:
            return ops.sum(x, axes)
        return self.one(
            lambda: ops.sum(x, axes) * count ** -0.5, lambda: ops.mean(x, axes),
            lambda: ops.max(x, axes), lambda: ops.min(x, axes),
            lambda: ops.prod(ops.tanh(x) * 0.1 + 1.0, axes), lambda: ops.logsumexp(x, axes),
            lambda: ops.var(x, axes, 0), lambda: ops.keep_dims(ops.max(x, axes), axes),
            lambda: ops.cast(ops.any(ops.gt(x, 0.3), axes), self.dtype) + ops.mean(x, axes))

    def normalised(self, x: Node) -> Node:
        """Softmax, or mean and variance taken out, along any one axis."""
        if not x.ndim or not x.size:
            return ops.cos(x)
        axes = (self.choose(x.ndim),)
        back = lambda v: ops.restore(v, x.shape, axes)
        centred = x - back(ops.mean(x, axes))
        return self.one(
            lambda: ops.exp(x - back(ops.logsumexp(x, axes))),
            lambda: centred * ops.rsqrt(back(ops.mean(centred * centred, axes)) + 0.1),
            lambda: x - back(ops.max(x, axes)))

    def running(self, x: Node) -> Node:
        if not x.ndim:
            return ops.sigmoid(x)
        axis = self.choose(x.ndim)
        return self.one(
            lambda: ops.cumsum(x, axis) * (1 / max(x.shape[axis], 1)),
            lambda: ops.cumprod(ops.tanh(x) * 0.1 + 1.0, axis),
            lambda: ops.flip(ops.cumsum(ops.flip(ops.sin(x), (axis,)), axis), (axis,)) * 0.2)

    # ---- views -----------------------------------------------------------------------------
    def view(self, x: Node) -> Node:
        if not x.ndim:
            return ops.broadcast_to(x, (self.choose(3) + 1, 2))
        axis, order = self.choose(x.ndim), list(range(x.ndim))
        for i in range(x.ndim - 1, 0, -1):
            j = self.choose(i + 1)
            order[i], order[j] = order[j], order[i]
        return self.one(
            lambda: ops.permute(x, tuple(order)), lambda: ops.reshape(x, (x.size,)),
            lambda: ops.reshape(ops.permute(x, tuple(order)), (x.size,)),
            lambda: ops.flip(x, self.some_axes(x)), lambda: ops.expand_dims(x, axis),
            lambda: ops.roll(x, (1 + self.choose(3),), (axis,)),
            lambda: ops.broadcast_to(x, (2, *x.shape)), lambda: self.split(x))

    def split(self, x: Node) -> Node:
        """The last axis in two, where it divides."""
        n = x.shape[-1]
        by = next((p for p in (2, 3, 5) if n and n % p == 0), 1)
        return ops.reshape(x, (*x.shape[:-1], by, n // by))

    def strided(self, x: Node) -> Node:
        if not x.ndim:
            return x * 0.75
        axis = self.choose(x.ndim)
        n = x.shape[axis]
        start, step = self.choose(min(n, 3) + 1), 1 + self.choose(3)
        low, high, inner = self.choose(3), self.choose(3), self.choose(2)
        pads = [(low, high, inner if n else 0) if a == axis else (0, 0, 0) for a in range(x.ndim)]
        first, last, steps = ([v if a == axis else w for a, w in enumerate(whole)] for v, whole in (
            (start, [0] * x.ndim), (n, list(x.shape)), (step, [1] * x.ndim)))
        return self.one(lambda: ops.slice_(x, tuple(first), tuple(last), tuple(steps)),
                        lambda: ops.pad(x, pads, 0.25))

    def join(self, x: Node) -> Node:
        if not x.ndim:
            return ops.stack([x, ops.sin(x), x * 2.0], 0)
        axis = self.choose(x.ndim)
        return self.one(lambda: ops.concat([x, ops.sin(x)], axis),
                        lambda: ops.concat([ops.flip(x, (axis,)), x * 0.5, ops.cos(x)], axis),
                        lambda: ops.stack([x, ops.tanh(x)], axis))

    # ---- products --------------------------------------------------------------------------
    def dot(self, x: Node) -> Node | None:
        if x.ndim < 2:
            return ops.tanh(x)
        k, n = x.shape[-1], LENGTHS[1 + self.choose(12)]
        w = self.weights((k, n))
        return ops.matmul(x, w) * max(k, 1) ** -0.5

    def batched_dot(self, x: Node) -> Node | None:
        if x.ndim < 2:
            return ops.cos(x)
        scale = max(x.shape[-1], 1) ** -0.5
        return self.one(
            lambda: ops.matmul(ops.tanh(x), ops.transpose(ops.sin(x))) * scale,
            lambda: ops.matmul(ops.transpose(x), ops.tanh(x)) * max(x.shape[-2], 1) ** -0.5,
            lambda: ops.relu(ops.matmul(x, ops.broadcast_to(
                self.weights((x.shape[-1], 3)), (*x.shape[:-2], x.shape[-1], 3))) + 0.1) * scale)

    def weights(self, shape: tuple[int, ...]) -> Node:
        """A constant, or made from a value, so that gradients flow into it too."""
        values = np.random.default_rng(self.choose(1000)).normal(size=shape)
        w = data(values.astype(self.dtype.numpy))
        return w * (1.0 + ops.mean(ops.tanh(self.inputs[0])) if self.inputs[0].size else 1.0)

    def image(self, x: Node) -> Node | None:
        """Any value with at least one axis as a batch of images or lines."""
        if x.ndim < 1 or not x.size:
            return None
        if x.ndim in (3, 4):
            return x
        if x.ndim < 3:
            return ops.reshape(x, (1,) * (3 - x.ndim) + x.shape)
        return ops.reshape(x, (-1, *x.shape[-3:]))

    def conv(self, x: Node) -> Node | None:
        image = self.image(x)
        if image is None:
            return None
        channels, axes = image.shape[1], image.ndim - 2
        groups = channels if self.choose(2) else 1
        groups = groups if channels <= 12 else 1
        kernel = tuple(1 + self.choose(3) for _ in range(axes))
        stride, dilation, padding = 1 + self.choose(2), 1 + self.choose(2), self.choose(3)
        reach = [dilation * (k - 1) + 1 for k in kernel]
        if any(s + 2 * padding < r for s, r in zip(image.shape[2:], reach, strict=True)):
            return None
        out = groups * (1 + self.choose(3))
        w = self.weights((out, channels // groups, *kernel))
        scale = (channels // groups * np.prod(kernel)) ** -0.5
        return ops.conv(image, w, stride, padding, dilation, groups) * float(scale)

    def conv_transposed(self, x: Node) -> Node | None:
        image = self.image(x)
        if image is None or max(image.shape[2:]) > 33:
            return None
        channels, axes = image.shape[1], image.ndim - 2
        groups = channels if channels in (2, 3, 4) and self.choose(2) else 1
        kernel = tuple(1 + self.choose(3) for _ in range(axes))
        stride = 1 + self.choose(3)
        w = self.weights((channels, 1 + self.choose(3), *kernel))
        scale = (channels // groups * np.prod(kernel)) ** -0.5
        return ops.conv_transpose(image, w, stride, 0, self.choose(stride), groups) * float(scale)

    def pool(self, x: Node) -> Node | None:
        image = self.image(x)
        if image is None:
            return None
        axes = image.ndim - 2
        window = tuple(1 + self.choose(min(s, 3)) for s in image.shape[2:])
        stride = tuple(1 + self.choose(3) for _ in range(axes))
        return self.one(lambda: ops.max_pool(image, window, stride)[0],
                        lambda: ops.avg_pool(image, window, stride),
                        lambda: ops.avg_pool(image, window, stride, tuple(w // 2 for w in window)))

    # ---- places ----------------------------------------------------------------------------
    def gather(self, x: Node) -> Node | None:
        if not x.ndim or not x.size:
            return None
        axis = self.choose(x.ndim)
        rows = self.numbers(1 + self.choose(5), x.shape[axis])
        return self.one(lambda: ops.take(x, constant(rows, int64), axis),
                        lambda: ops.take(x, constant(rows.reshape(-1, 1), int64), axis))

    def along(self, x: Node) -> Node | None:
        """Places that depend on the numbers of an input."""
        source = self.inputs[self.choose(len(self.inputs))]
        if not source.ndim or not source.size:
            return None
        axis = self.choose(source.ndim)
        best = ops.argmax(source, axis) if self.choose(2) else ops.argmin(source, axis)
        chosen = ops.take_along(source, ops.expand_dims(best, axis), axis)
        order = ops.index.sort(source, axis, bool(self.choose(2)))[1]
        return self.one(lambda: chosen, lambda: ops.take_along(ops.sin(source), order, axis),
                        lambda: ops.scatter(source, order, ops.cos(source), axis))

    def scatter(self, x: Node) -> Node | None:
        if not x.ndim or not x.size:
            return None
        axis = self.choose(x.ndim)
        many = 1 + self.choose(2 * x.shape[axis])
        rows = self.numbers(many, x.shape[axis])
        shape = tuple(many if a == axis else n for a, n in enumerate(x.shape))
        line = [many if a == axis else 1 for a in range(x.ndim)]
        index = ops.broadcast_to(constant(rows.reshape(line), int64), shape)
        updates = ops.broadcast_to(ops.keep_dims(ops.mean(x, (axis,)), (axis,)), shape)
        return self.one(lambda: ops.scatter_add(x, index, updates, axis) * 0.5,
                        lambda: ops.scatter(x, index, updates * 0.5, axis))

    def sort(self, x: Node) -> Node | None:
        if not x.ndim:
            return ops.tanh(x)
        axis = self.choose(x.ndim)
        return self.one(lambda: ops.index.sort(x, axis, bool(self.choose(2)))[0],
                        lambda: ops.topk(x, self.choose(x.shape[axis] + 1), axis)[0])

    # ---- loops -----------------------------------------------------------------------------
    def scan(self, x: Node) -> Node | None:
        """A loop over the rows of x, which also reads another value from outside."""
        if not x.ndim or not 0 < x.shape[0] <= 7 or not x.size:
            return None
        row, other = x.shape[1:], self.pick()
        if not other.size:
            return None
        w, c, r = (Input(i, s, self.dtype)() for i, s in enumerate(((), row, row)))
        new = self.one(lambda: ops.tanh(c * w + r), lambda: ops.sigmoid(r) * c + w * 0.1,
                       lambda: ops.cumsum(c, 0) * 0.1 + r if row else c * 0.5 + r,
                       lambda: ops.where(ops.gt(r, 0.0), c * 0.5 + r, ops.sin(c)))
        body = Graph([w, c, r], [new, new * c])
        start = ops.broadcast_to(ops.mean(x), row)
        carry, ys = scan_graph(body, [ops.mean(other)], [start], [x],
                               reverse=bool(self.choose(2)))
        return carry if self.choose(2) else ys


def wide_program(seed: int, steps: int, dtype=float64, gradients: bool = True,
                 empty: bool = True) -> tuple[Graph, set[str]]:
    """The program of a seed, and the kinds of operations in it."""
    rng = np.random.default_rng(seed)
    program = Wide(lambda n: int(rng.integers(n)), dtype, empty)
    return program.graph(steps, gradients), program.used
