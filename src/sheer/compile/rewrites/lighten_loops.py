"""Lighter loops: a loop that repeats work at every step in; what is before, in, and behind it out.

Loops with the same steps become one first (`merge_loops`): it stacks what the others need. Behind
it are the sums that it only added up (`sink_sums`). Before it, the weights that every step
multiplies by are laid out once as the products read them: in strips of columns, row after row.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ...graph import Graph, Node, make
from ...graph.graph import substitute
from ...ops import movement
from ...ops.contract.dot import Dot
from ...ops.loop import Scan
from ...ops.structure import Input
from .merge_loops import merge_loops
from .rewrite import rewrite
from .sink_sums import sink_sums

_STRIP = 256            # bytes of a row of a strip: a whole number of vectors of any processor
_SMALL = 8192           # bytes that a product reads from the first cache however they lie
_FEWEST = 4             # steps that pay for one more copy


def lighten_loops(graph: Graph) -> Graph:
    """Equal loops are one; what each step would make anew or add up is made once, outside."""
    merged = sink_sums(merge_loops(graph))
    return rewrite(merged, lambda n: _laid_out(n) if isinstance(n.prim, Scan) else None)


def _laid_out(loop: Node) -> Node | None:
    """The loop with its constant right operands in strips."""
    scan = loop.prim
    assert isinstance(scan, Scan)
    if scan.length < _FEWEST:
        return None
    work = _Operands(loop, scan)
    for node in scan.body.nodes:
        if isinstance(node.prim, Dot) and work.fits(node):
            work.lay_out(node.inputs[1])
    return work.loop_with_strips() if work.strips else None


@dataclass
class _Operands:
    """The constant right operands of one loop's products, and the strips that they become."""

    loop: Node
    scan: Scan
    fixed: dict[Node, bool] = field(default_factory=dict)       # is a node of the body constant?
    strips: dict[Node, tuple[Node, Node]] = field(default_factory=dict)   # inside and before

    def __post_init__(self) -> None:
        body = self.scan.body
        for node in body.nodes:
            if node in body.inputs:
                self.fixed[node] = body.inputs.index(node) < self.scan.num_consts
            else:
                self.fixed[node] = bool(node.inputs) and all(self.fixed[x] for x in node.inputs)

    def fits(self, dot: Node) -> bool:
        """Is it a product of a few rows that vary with a matrix that does not?"""
        a, b = dot.inputs
        return (b.ndim == 2 and self.fixed[b] and not self.fixed[a] and a.shape[0] > 1
                and dot.dtype.is_floating_point and b.size * b.dtype.size > _SMALL
                and min(b.shape) * b.dtype.size >= _STRIP // 4)

    def lay_out(self, b: Node) -> None:
        """Strips of a matrix (K, N), the last one filled up with zeros: (strips, K, width)."""
        if b in self.strips:
            return
        body, (k, n), width = self.scan.body, b.shape, _STRIP // b.dtype.size
        count = -(-n // width)
        (whole,) = substitute([b], dict(zip(body.inputs, self.loop.inputs, strict=True)))
        padded = movement.pad(whole, ((0, 0, 0), (0, count * width - n, 0)))
        before = movement.permute(movement.reshape(padded, (k, count, width)), (1, 0, 2))
        place = len(body.inputs) + len(self.strips)
        self.strips[b] = Input(place, before.shape, b.dtype)(), before

    def product(self, node: Node) -> Node | None:
        """The product with strips in place of one with the matrix."""
        if not isinstance(node.prim, Dot) or node.inputs[1] not in self.strips:
            return None
        a, b = node.inputs
        inside = movement.permute(self.strips[b][0], (1, 0, 2))
        wide = Dot()(a, movement.reshape(inside, (b.shape[0], inside.shape[1] * inside.shape[2])))
        return movement.narrow(wide, 1, 0, b.shape[1])

    def loop_with_strips(self) -> Node:
        """The loop that gets the strips as further constants."""
        body, first = self.scan.body, self.scan.num_consts
        given = [*body.inputs[:first], *(i for i, _ in self.strips.values()),
                 *body.inputs[first:]]
        fresh = [Input(i, x.shape, x.dtype)() for i, x in enumerate(given)]
        lighter = rewrite(Graph(given, body.outputs), self.product)
        outputs = lighter(*fresh)
        scan = Scan(Graph(fresh, outputs), first + len(self.strips), self.scan.num_carry,
                    self.scan.length, self.scan.reverse)
        inputs = (*self.loop.inputs[:first], *(b for _, b in self.strips.values()),
                  *self.loop.inputs[first:])
        return make(scan, inputs, self.loop.source)
