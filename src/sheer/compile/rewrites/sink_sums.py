"""Sums over steps: a loop that adds up a product per step in, one product behind the loop out.

The gradient of a weight that a loop uses is a sum over steps, carried by the backward loop:
s + a[t] @ b[t]. With a[t] and b[t] side by side for all t, that is a single product whose inner
axis is the steps too: the weight-sized sum is not read and written at every step.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from ...graph import Graph, Node, make
from ...graph.graph import substitute, users
from ...ops import movement, walk
from ...ops.contract.dot import Dot
from ...ops.elementwise import Add
from ...ops.loop import Scan
from ...ops.reduce import Sum
from ...ops.structure import Input, Pick
from .merge_loops import result_of

_OWN = -1            # the scope of a body's constants while they are parted from those around


def sink_sums(graph: Graph) -> Graph:
    """Products and sums that a loop only adds up over its steps are made behind it, in one go."""
    new: dict[Node, Node] = {x: x for x in graph.inputs}
    sunk: dict[Node, list[Node]] = {}            # a loop: what each of its results became
    for node in graph.nodes:
        if node in new:
            continue
        if isinstance(node.prim, Pick) and node.inputs[0] in sunk:
            new[node] = sunk[node.inputs[0]][node.prim.index]
            continue
        inputs = tuple(new[x] for x in node.inputs)
        same = node if inputs == node.inputs else make(node.prim, inputs, node.source)
        if isinstance(node.prim, Scan):
            found = _Sinking(same).run()
            if found is not None:
                sunk[node] = found
                new[node] = found[0]             # read without a Pick when it is the only one
                continue
        new[node] = same
    return Graph(graph.inputs, [new[x] for x in graph.outputs])


@dataclass
class _Total:
    """One carried sum: its terms, and per term the views between it and what is added up."""

    place: int
    terms: list[Node]


@dataclass
class _Sinking:
    """One loop being relieved of its sums."""

    loop: Node
    extra: dict[Node, int] = field(default_factory=dict)     # values stacked for it: result number

    def __post_init__(self) -> None:
        assert isinstance(self.loop.prim, Scan)
        self.scan: Scan = self.loop.prim
        body = self.scan.body
        self.first = self.scan.num_consts
        self.xs = self.first + self.scan.num_carry
        self.slices = dict(zip(body.inputs[self.xs:], self.loop.inputs[self.xs:], strict=True))
        self.fixed = dict(zip(body.inputs[:self.first], self.loop.inputs[:self.first],
                              strict=True))
        self.stacked = {y: self.scan.num_carry + i
                        for i, y in enumerate(body.outputs[self.scan.num_carry:])}

    def run(self) -> list[Node] | None:
        """What stands for each result of the loop, or None when nothing can be sunk."""
        totals = [t for t in self._totals() if self._worth(t)]
        if not totals or self.scan.length < 2:
            return None
        gone = {t.place for t in totals}
        kept = [i for i in range(self.scan.num_carry) if i not in gone]
        loop = self._lighter(kept)
        count = len(self.scan.body.outputs)
        number = {old: n for n, old in enumerate([*kept, *range(self.scan.num_carry, count)])}
        results = {old: result_of(loop, n) for old, n in number.items()}
        stacks = {y: result_of(loop, number[i]) for y, i in self.stacked.items()}
        stacks |= {y: result_of(loop, count - len(gone) + i) for y, i in self.extra.items()}
        sums = {t.place: self._sum(t, stacks) for t in totals}
        return [sums[i] if i in sums else results[i] for i in range(count)]

    # ---- what can be sunk ----------------------------------------------------------------------
    def _totals(self) -> Iterator[_Total]:
        """Carried values that are only added to."""
        body = self.scan.body
        readers = users(body.nodes)
        for i in range(self.scan.num_carry):
            before, after = body.inputs[self.first + i], body.outputs[i]
            terms = _terms(after, before, readers)
            if terms and body.outputs.count(before) == 0 and body.outputs.count(after) == 1:
                yield _Total(i, terms)

    def _worth(self, total: _Total) -> bool:
        """Is every term a product or a sum of what can be stacked in the room there is already?"""
        bases: dict[Node, None] = {}
        for term in total.terms:
            core = _through_views(term)
            if not isinstance(core.prim, Dot | Sum) or core.dtype != term.dtype:
                return False
            bases |= dict.fromkeys(_through_views(x) for x in core.inputs)
        new = [x for x in bases if x not in self.slices and x not in self.fixed
               and x not in self.stacked and x not in self.extra]
        held = sum(x.size for x in (*self.slices, *self.stacked))
        if sum(x.size for x in new) > held or any(x.outputs != (x.spec,) for x in new):
            return False
        self.extra |= {x: len(self.extra) + i for i, x in enumerate(new)}
        return True

    # ---- the loop without them -----------------------------------------------------------------
    def _lighter(self, kept: list[int]) -> Node:
        """The loop without the sunk carries, stacking what their sums need."""
        body, carry = self.scan.body, [self.first + i for i in kept]
        places = [*range(self.first), *carry, *range(self.xs, len(body.inputs))]
        fresh = [Input(n, body.inputs[i].shape, body.inputs[i].dtype)()
                 for n, i in enumerate(places)]
        outputs = [*(body.outputs[i] for i in kept), *body.outputs[self.scan.num_carry:],
                   *self.extra]
        mapping = {body.inputs[i]: x for i, x in zip(places, fresh, strict=True)}
        lighter = Graph(fresh, substitute(outputs, mapping))
        scan = Scan(lighter, self.first, len(kept), self.scan.length, self.scan.reverse)
        return make(scan, tuple(self.loop.inputs[i] for i in places), self.loop.source)

    # ---- the sums behind it --------------------------------------------------------------------
    def _sum(self, total: _Total, stacks: dict[Node, Node]) -> Node:
        result = self.loop.inputs[self.first + total.place]
        # A constant of the body may be the same node as one of a loop around: it gets a scope of
        # its own until the values of the loops around have been put in.
        own = {x: Input(n, x.shape, x.dtype, _OWN)() for n, x in enumerate(self.fixed)}
        values = {own[x]: outside for x, outside in self.fixed.items()}
        known = stacks | self.slices
        keys = substitute([*known], own)
        for term in total.terms:
            core = _through_views(term)
            inner = substitute(core.inputs, own)
            operands = walk.batch_nodes(
                [*inner], dict(zip(keys, known.values(), strict=True)), self.scan.length)
            operands = list(substitute(operands, values))                  # (T, ...) each
            whole = _dots(*operands) if isinstance(core.prim, Dot) else _sums(core, operands[0])
            result = result + substitute([term], {core: whole})[0]
        return result


def _dots(a: Node, b: Node) -> Node:
    """The sum over t of a[t] @ b[t], (T, *B, M, K) and (T, *B, K, N) -> (*B, M, N)."""
    t, *batch, m, k = a.shape
    n, lead = b.shape[-1], range(1, len(batch) + 1)
    last = len(batch) + 1
    left = movement.permute(a, (*lead, last, 0, last + 1))                 # (*B, M, T, K)
    right = movement.permute(b, (*lead, 0, last, last + 1))                # (*B, T, K, N)
    return Dot()(movement.reshape(left, (*batch, m, t * k)),
                 movement.reshape(right, (*batch, t * k, n)))


def _sums(core: Node, x: Node) -> Node:
    assert isinstance(core.prim, Sum)
    return Sum((0, *(a + 1 for a in core.prim.axes)))(x)


def _terms(after: Node, before: Node, readers: dict[Node, list[Node]]) -> list[Node]:
    """What is added to `before` to make `after`, if that is all that happens to it."""
    terms: list[Node] = []
    stack, seen = [after], 0
    while stack:
        node = stack.pop()
        if node is before:
            seen += 1
        elif isinstance(node.prim, Add) and node.shape == after.shape and (
                node is after or len(readers[node]) == 1):
            stack.extend(node.inputs)
        else:
            terms.append(node)
    alone = seen == 1 and len(readers[before]) == 1
    return terms if alone and not readers[after] else []


def _through_views(node: Node) -> Node:
    """What lies under views that keep every element once."""
    while (isinstance(node.prim, movement.Permute | movement.Reshape)
           and math.prod(node.shape) == node.inputs[0].size):
        node = node.inputs[0]
    return node
