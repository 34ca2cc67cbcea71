"""Maps that read across the order they write in: a body flows in, loops over squares come out.

Where a load steps far from lane to lane, but another loop walks through it side by side, a square
of vectors is read along that loop and turned over in registers: no lane is gathered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sheer.compile.indexing.index import Index, Var
from sheer.compile.indexing.turns import operands
from sheer.compile.indexing.views import Guard, Place, flat, is_view, read
from sheer.compile.nest import Nest, is_reduction
from sheer.graph import Graph, Node
from sheer.graph.dtypes import bool_, int64
from sheer.ops.structure import Constant, Iota

from ..gemm.pack import transpose
from ..ir.builder import Builder
from ..ir.values import Value, constant
from .expr import Expressions
from .index import Turn
from .layout import Layout, layout
from .nest import NestKernel, body_lanes

Load = tuple[Node, Place, tuple[Guard, ...]]
Block = tuple[Value, int]          # where it starts, how long it is


def nest_kernel(b: Builder, body: Graph, nest: Nest) -> type[NestKernel]:
    """The class that writes a map or rows kernel."""
    if nest.reduced or any(is_reduction(n) for n in body.nodes):
        return NestKernel
    lanes = body_lanes(b, body)
    return TurnedKernel if _square(body, layout(body, nest, lanes), lanes) else NestKernel


class TurnedKernel(NestKernel):
    """Writes one map into the open function."""

    def __init__(self, b: Builder, body: Graph, nest: Nest, inputs: Sequence[Value],
                 outputs: Sequence[Value]) -> None:
        super().__init__(b, body, nest, inputs, outputs)
        found = _square(body, self.layout, self.lanes)
        assert found is not None
        self.across, self.along, self.loads = found
        self.outer = _outer(self.layout, self.across, self.along)

    def write(self, limits: tuple[Value, Value] | None = None) -> None:
        """The whole kernel, or the part between two units of its outermost loop."""
        self._open(self.outer, limits)

    @staticmethod
    def units(b: Builder, body: Graph, nest: Nest) -> int:
        """Turns of the outermost loop (blocks, if that goes over blocks)."""
        lanes = body_lanes(b, body)
        made = layout(body, nest, lanes)
        found = _square(body, made, lanes)
        assert found is not None
        outer = _outer(made, *found[:2])
        return outer[0].extent if outer else -(-found[0].extent // lanes)

    # ---- loops -----------------------------------------------------------------------------
    def _open(self, loops: Sequence[Var], limits: tuple[Value, Value] | None) -> None:
        if not loops:
            self._tiles(self.across, limits, lambda rows: self._tiles(
                self.along, None, lambda lanes: self._tile(rows, lanes)))
            return
        first, *rest = loops
        with self.b.loop(*(limits or (0, first.extent))) as i, self.expr.scope():
            self.turn.at[first] = i
            self._open(rest, None)
            del self.turn.at[first]

    def _tiles(self, loop: Var, limits: tuple[Value, Value] | None,
                body: Callable[[Block], None]) -> None:
        """Whole blocks in a loop, then the shorter one at the end. Limits count blocks."""
        b, lanes = self.b, self.lanes
        whole, rest = divmod(loop.extent, lanes)
        begin, end = limits or (constant(0, int64), constant(whole + (rest > 0), int64))
        if whole:
            last = constant(whole, int64) if limits is None else b.min(end, whole)
            with b.loop(begin, last) as i:
                body((b.mul(i, lanes), lanes))
        if rest and limits is None:
            body((constant(whole * lanes, int64), rest))
        elif rest:
            with b.if_(b.and_(b.lt(begin, end), b.eq(end, whole + 1))):
                body((constant(whole * lanes, int64), rest))

    # ---- one square ------------------------------------------------------------------------
    def _tile(self, rows: Block, lanes: Block) -> None:
        (start, count), (first, wide) = rows, lanes
        with self.expr.scope():
            squares = [(node, flat(at, node.shape), self._square(node, at, guards, rows, lanes))
                       for node, at, guards in self.loads]
            for j in range(count):
                self.turn.at[self.across] = self.b.add(start, j)
                self.expr.turned = {(node, at): square[j] for node, at, square in squares}
                rest = None if wide == self.lanes else wide
                with self.expr.scope(), self.in_lanes(self.along, first, rest):
                    self._store(self.last)
            self.expr.turned = {}
            del self.turn.at[self.across]

    def _square(self, node: Node, at: Place, guards: tuple[Guard, ...], rows: Block, lanes: Block,
                ) -> list[Value]:
        """A square of one load: vector j belongs to turn j of the loop across."""
        b, found = self.b, []
        mask = None if rows[1] == self.lanes else b.tail_mask(rows[1], self.lanes)
        for r in range(lanes[1]):
            places = {**self.turn.at, self.across: rows[0], self.along: b.add(lanes[0], r)}
            turn = Turn(b, places, self.across, self.lanes, mask)
            found.append(Expressions(b, turn, self.expr.pointers).loaded(node, at, guards))
        zero = constant(0, node.dtype, self.lanes)
        return transpose(b, found + [zero] * (self.lanes - len(found)))


# ---- which loads, and along which loops ----------------------------------------------------------

def _square(body: Graph, made: Layout, lanes: int) -> tuple[Var, Var, list[Load]] | None:
    """The loop across, the loop that lanes run along, and the loads to be turned over."""
    stores = [made.at(place) for place in map(made.nest.place, body.outputs) if place is not None]
    written = [flat(at, out.shape) for at, out in zip(stores, body.outputs, strict=True)]
    along = next((v for v in made.kept if all(w.stride(v) == 1 for w in written)), None)
    if along is None or 2 * along.extent < lanes:
        return None
    loads = list(dict.fromkeys(_loads(body, stores)))
    for across in made.kept:
        if across is along or 2 * across.extent < lanes:
            continue
        turned = [(node, at, guards) for node, at, guards in loads
                  if node.dtype != bool_ and _crosses(flat(at, node.shape), across, along)]
        keys = {(node, flat(at, node.shape)) for node, at, _ in turned}
        if turned and len(keys) == len(turned) and len(turned) <= 2:
            return across, along, turned
    return None


def _crosses(place: Index, across: Var, along: Var) -> bool:
    return place.stride(across) == 1 and place.stride(along) not in (0, 1, None)


def _outer(made: Layout, across: Var, along: Var) -> list[Var]:
    return [v for v in made.kept if v not in (across, along)]


def _loads(body: Graph, stores: Sequence[Place]) -> Iterator[Load]:
    """Every load of one turn, with what must hold for it."""
    inputs = set(body.inputs)
    seen: set[Load] = set()
    stack: list[Load] = [(out, at, ()) for out, at in zip(body.outputs, stores, strict=True)]
    while stack:
        node, at, guards = stack.pop()
        if (node, at, guards) in seen:
            continue
        seen.add((node, at, guards))
        if node in inputs:
            yield node, at, guards
        elif is_view(node) and not node.prim.pointwise:
            stack.extend((r.node, r.at, guards + r.guards) for r in read(node, at)[0])
        elif not isinstance(node.prim, Constant | Iota):
            stack.extend((x, i, guards) for x, i in operands(node, at))
