"""Loops: the body of a step, a graph, runs `length` times in one node. scan and counted loops."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..graph.dtypes import float64
from ..graph.errors import ShapeError, StateError
from ..graph.graph import Graph, substitute
from ..graph.interpret import interpret
from ..graph.node import Node, Spec, topological
from . import batching, sampling, walk
from .cost import flops
from .elementwise import Div, Sqrt
from .elementwise.family import Elementwise
from .movement import broadcast_to
from .primitive import KernelIn, Primitive, results
from .structure import Input, constant

_REMADE = 4          # operations, at most, that are done again instead of saving what they give


class Scan(Primitive):
    """carry, y[t] = body(consts, carry, x[t]) for t = 0 .. length - 1.

    body takes (*consts, *carry, *x slices) and gives (*carry, *y slices).

    Shape   (*consts, *carry, *xs with a leading axis of `length`) -> (*carry, *ys likewise)
    Raises  E151 when the body changes shape or dtype of a carry, E152 when lengths differ
    Source  jax.lax.scan; derivative: back-propagation through time, Werbos 1990
    """
    body: Graph
    num_consts: int
    num_carry: int
    length: int
    reverse: bool = False
    many = True
    emit, xla = KernelIn("backends/cpu: a native loop over the body's kernels"), "scan"

    def infer(self, *inputs):
        consts_carry = self.num_consts + self.num_carry
        carry = inputs[self.num_consts:consts_carry]
        for given, new in zip(carry, self.body.outputs, strict=False):
            if (given.shape, given.dtype) != (new.shape, new.dtype):
                what = "the body changes shape or dtype of a carried value"
                raise ShapeError("E151", "scan", what,
                                 got={"before": given, "after": new},
                                 need="the same shape and dtype before and after every step")
        for x in inputs[consts_carry:]:
            if x.ndim == 0 or x.shape[0] != self.length:
                raise ShapeError("E152", "scan", f"an input does not have {self.length} steps",
                                 got={"x": x}, need=f"a first axis of length {self.length}")
        ys = self.body.outputs[self.num_carry:]
        return (*(Spec(c.shape, c.dtype) for c in carry),
                *(Spec((self.length, *y.shape), y.dtype) for y in ys))

    def flops(self, out, *inputs): return self.length * flops(self.body)
    def ref(self, *arrays):
        consts, carry, xs = self.split(arrays)
        stacks = [np.empty((self.length, *y.shape), y.dtype.numpy)
                  for y in self.body.outputs[self.num_carry:]]
        steps = range(self.length)
        for t in reversed(steps) if self.reverse else steps:
            out = interpret(self.body, [*consts, *carry, *(x[t] for x in xs)])
            carry = out[:self.num_carry]
            for stack, y in zip(stacks, out[self.num_carry:], strict=True):
                stack[t] = y
        return (*carry, *stacks)

    def split(self, inputs):
        """(consts, carry, xs) of a sequence of inputs."""
        a, b = self.num_consts, self.num_consts + self.num_carry
        return list(inputs[:a]), list(inputs[a:b]), list(inputs[b:])

    def vjp(self, cts, outs, *inputs): return _Backward(self, cts, inputs).run()

    def batch(self, args, at):
        size = batching.batch_size(args, at)
        first_x = self.num_consts + self.num_carry
        moved, mapping, new_inputs = [], {}, []
        for i, (x, a, old) in enumerate(zip(args, at, self.body.inputs, strict=True)):
            if a is None and not self.num_consts <= i < first_x:
                moved.append(x)                                  # needs no axis of its own
                new_inputs.append(old)
                continue
            front = batching.to_front(x, a, size)
            moved.append(front if i < first_x else batching.move_axis(front, 0, 1))
            new_inputs.append(Input(i, (size, *old.shape), old.dtype)())
            mapping[old] = new_inputs[-1]
        body = Graph(new_inputs, walk.batch_nodes(self.body.outputs, mapping, size))
        node = Scan(body, self.num_consts, self.num_carry, self.length, self.reverse)(*moved)
        axes = [0] * self.num_carry + [1] * (len(node.outputs) - self.num_carry)
        return results(node), tuple(axes)

    @classmethod
    def samples(cls):
        w, h, x = (Input(i, s, float64)() for i, s in enumerate([(3, 3), (3,), (3,)]))
        from .contract import matmul
        from .elementwise import tanh
        new = tanh(matmul(h, w) + x)
        body = Graph([w, h, x], [new, new * new])
        return sampling.arrays(cls(body, 1, 1, 4), (3, 3), (3,), (4, 3))


class _Backward:
    """Back-propagation through time: one forward loop that stacks what is needed, one backward."""

    def __init__(self, scan: Scan, cts: Sequence[Node], inputs: Sequence[Node]) -> None:
        self.scan, self.cts, self.inputs = scan, cts, inputs
        body = scan.body
        count = len(body.inputs)
        self.flows = [Input(count + i, o.shape, o.dtype)() for i, o in enumerate(body.outputs)]
        floats = [i.dtype.is_floating_point for i in body.inputs]
        self.wanted = [i for i, yes in enumerate(floats) if yes]
        live = [(o, f) for o, f in zip(body.outputs, self.flows, strict=True)
                if o.dtype.is_floating_point]
        self.grads = walk.vjp_nodes([o for o, _ in live], [f for _, f in live],
                                    [body.inputs[i] for i in self.wanted])
        self.saved = self._residuals()

    def run(self):
        scan = self.scan
        consts, _, xs = scan.split(self.inputs)
        longer = Graph(scan.body.inputs, (*scan.body.outputs, *self.saved))
        forward = Scan(longer, scan.num_consts, scan.num_carry, scan.length, scan.reverse)
        stacks = results(forward(*self.inputs))[len(scan.body.outputs):]
        back, const_at, carry_at = self._backward_body()
        start = [broadcast_to(constant(0, consts[i].dtype), consts[i].shape) for i in const_at]
        flow = [self.cts[i - scan.num_consts] for i in carry_at]
        cts_y = [c for c in self.cts[scan.num_carry:] if c.dtype.is_floating_point]
        node = Scan(back, len(consts), len(start) + len(flow), scan.length, not scan.reverse)(
            *consts, *start, *flow, *xs, *stacks, *cts_y)
        found = dict(zip(self.wanted, results(node), strict=True))   # consts, carry, xs: in order
        return tuple(found.get(i) for i in range(len(self.inputs)))

    def _residuals(self) -> list[Node]:
        """Values of the forward body that the backward body reads and cannot cheaply remake."""
        flows = set(self.flows)
        depends: set[Node] = set(flows)
        steps = set(self.scan.body.inputs[self.scan.num_consts:])
        varies: set[Node] = set(steps)
        order = topological(self.grads)
        for node in order:
            if any(x in depends for x in node.inputs):
                depends.add(node)
            elif any(x in varies for x in node.inputs):
                varies.add(node)
        read = [x for n in order if n in depends for x in n.inputs if x not in depends]
        read += [g for g in self.grads if g not in depends]
        _, carries, _ = self.scan.split(self.scan.body.inputs)
        given = set(self.scan.body.inputs) - set(carries)
        found: dict[Node, None] = {}
        while read:
            node = read.pop()
            if node in given or node not in varies:
                continue                                     # an input of the loop, or remade
            if (node.prim.view or len(node.outputs) > 1) and node not in carries:
                read.extend(node.inputs)                     # a view: save what it looks at
            else:
                found[node] = None
        return _not_remade(found, varies, given)

    def _backward_body(self):
        """Body of the backward loop, and which inputs have a float gradient to carry."""
        scan, inputs = self.scan, self.scan.body.inputs
        a, b = scan.num_consts, scan.num_consts + scan.num_carry
        const_at = [i for i in self.wanted if i < a]
        carry_at = [i for i in self.wanted if a <= i < b]
        fresh: list[Node] = []
        def new(x: Node | Spec) -> Node:
            fresh.append(Input(len(fresh), x.shape, x.dtype)())
            return fresh[-1]
        mapping = {x: new(x) for x in inputs[:a]}
        sums = [new(inputs[i]) for i in const_at]
        mapping |= {self.flows[i - a]: new(inputs[i]) for i in carry_at}
        mapping |= {x: new(x) for x in inputs[b:]}
        mapping |= {x: new(x) for x in self.saved}
        mapping |= {f: new(f) for f in self.flows[scan.num_carry:] if f.dtype.is_floating_point}
        grads = dict(zip(self.wanted, substitute(self.grads, mapping), strict=True))
        outs = [s + grads[i] for s, i in zip(sums, const_at, strict=True)]
        outs += [grads[i] for i in carry_at]
        outs += [grads[i] for i in self.wanted if i >= b]
        return Graph(fresh, outs), const_at, carry_at


def _not_remade(found: Iterable[Node], varies: set[Node], given: set[Node]) -> list[Node]:
    """Those of the found values that a few cheap operations do not make of the others: of a gate s
    and its 1 - s, one is saved. A load from a stack costs more than the operations."""
    wanted, kept = dict.fromkeys(found), []
    effort: dict[Node, int] = {}             # operations that remake a node; too many: cannot be
    for node in topological(list(wanted)):
        ways = sum(effort[x] for x in node.inputs) + (not node.prim.view)
        if node not in varies or node in given:
            effort[node] = 0
        elif node.inputs and (node.prim.view or _cheap(node)) and ways <= _REMADE:
            effort[node] = ways
        elif node in wanted:
            kept.append(node)
            effort[node] = 0
        else:
            effort[node] = _REMADE + 1
    return kept


def _cheap(node: Node) -> bool:
    prim = node.prim
    return isinstance(prim, Elementwise) and not prim.ulps and not isinstance(prim, Div | Sqrt)


def scan_graph(body: Graph, consts: Sequence[Node], carry: Sequence[Node], xs: Sequence[Node],
               length: int | None = None, reverse: bool = False) -> tuple[Node, ...]:
    """Results (*final carry, *stacked ys) of running the body along the first axis of xs."""
    if length is None:
        if not xs:
            raise StateError("E153", "scan", "neither inputs nor a length", need="xs or length")
        length = xs[0].shape[0] if xs[0].ndim else 0
    node = Scan(body, len(consts), len(carry), length, reverse)(*consts, *carry, *xs)
    return results(node)
