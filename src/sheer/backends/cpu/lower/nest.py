"""Map and rows kernels: a body and its loops flow in, the loop nest that computes it comes out.

A turn of the kept loops runs in stages: each stage goes once over the reduced loops, accumulating
reductions and storing what is known by then, which later stages load; results per row are stored at
the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sheer.compile.indexing.index import Var
from sheer.compile.indexing.views import Place
from sheer.compile.nest import Nest, is_reduction
from sheer.graph import Graph, Node
from sheer.graph.dtypes import int64

from ..ir.builder import Builder
from ..ir.values import Value, constant
from .expr import Expressions
from .index import Turn
from .layout import Layout, layout
from .row import Row, Stage
from .stash import row_index, stashed

_WASTE = 0.75     # share of a turn's lanes that must be of use


class NestKernel(Row):
    """Writes one kernel into the open function."""

    def __init__(self, b: Builder, body: Graph, nest: Nest, inputs: Sequence[Value],
                 outputs: Sequence[Value]) -> None:
        self.b, self.body, self.nest = b, body, nest
        self.layout, self.lanes = laid_out(b, body, nest)
        self.turn = Turn(b)
        self.expr = Expressions(b, self.turn, dict(zip(body.inputs, inputs, strict=True)))
        self.targets: dict[Node, list[Value]] = {}
        for node, pointer in zip(body.outputs, outputs, strict=True):
            self.targets.setdefault(node, []).append(pointer)
        self.reduces = [n for n in body.nodes if is_reduction(n)]
        self.below = _reduces_below(body)
        self.stages, self.last = self._stages()
        self._stash()

    def write(self, limits: tuple[Value, Value] | None = None) -> None:
        """The whole kernel, or the part between two units of its outermost loop."""
        self._kept(self.layout.kept, limits, self._row)

    @staticmethod
    def units(b: Builder, body: Graph, nest: Nest) -> int:
        """Turns of the outermost kept loop (vectors, if it runs along lanes)."""
        made, lanes = laid_out(b, body, nest)
        if not made.kept:
            return 1
        outer = made.kept[0]
        return -(-outer.extent // lanes) if outer is made.lane else outer.extent

    # ---- what happens when ------------------------------------------------------------------
    def _stages(self) -> tuple[list[Stage], list[Node]]:
        """Stages in order, and the outputs stored once per row after them."""
        level: dict[Node, int] = {}
        for r in self.reduces:
            level[r] = 1 + max((level[x] for x in self.below[r.inputs[0]]), default=-1)
        count = 1 + max(level.values(), default=-1)
        stages = [Stage() for _ in range(count)]
        for r in self.reduces:
            stages[level[r]].reduces.append(r)
        last = []
        for out in self.targets:
            if not self.nest.spans(out) or not self.nest.reduced:
                last.append(out)
                continue
            at = 1 + max((level[x] for x in self.below[out]), default=-1)
            if at == len(stages):
                stages.append(Stage())
            stages[at].stores.append(out)
        return stages, last

    def _stash(self) -> None:
        """Give dear values that several stages need a buffer for one row, stored by the first."""
        lanes = self.lanes if self.layout.lane in self.layout.kept else 1
        stages = [(s.reduces, s.stores) for s in self.stages] if self.nest.reduced else []
        found = stashed(stages, self.nest, self.expr.pointers, lanes)
        for node, number in found.items():
            self.targets[node] = [self.b.alloca(node.dtype, self.nest.row_size * lanes)]
            self.expr.rows[node] = row_index(self.layout, lanes)
            self.stages[number].stores.append(node)

    def _ready(self, node: Node) -> bool:
        return all(r in self.expr.known for r in self.below[node])

    # ---- loops -----------------------------------------------------------------------------
    def _kept(self, loops: Sequence[Var], limits: tuple[Value, Value] | None,
              body: Callable[[], None]) -> None:
        """The kept loops; `limits` cut the outermost."""
        self._hoist()
        if not loops:
            body()
            return
        first, *rest = loops
        if first is self.layout.lane:
            self._along_lanes(first, limits, body)
            return
        begin, end = limits or (constant(0, int64), constant(first.extent, int64))
        with self.b.loop(begin, end) as i, self.expr.scope():
            self.turn.at[first] = i
            self._kept(rest, None, body)
            del self.turn.at[first]

    def _along_lanes(self, lane: Var, limits: tuple[Value, Value] | None,
                     body: Callable[[], None]) -> None:
        """Whole vectors in a loop, then the rest under a mask. Limits count vectors."""
        b, lanes = self.b, self.lanes
        whole, rest = divmod(lane.extent, lanes)
        begin, end = limits or (constant(0, int64), constant(whole + (rest > 0), int64))
        if whole:
            stop = b.mul(_least(b, end, whole), lanes)
            with (b.loop(b.mul(begin, lanes), stop, lanes) as i, self.expr.scope(),
                  self.in_lanes(lane, i, None)):
                body()
        if rest:
            def tail() -> None:
                at = constant(whole * lanes, int64)
                with self.expr.scope(), self.in_lanes(lane, at, rest):
                    body()
            if isinstance(end.known, int):
                tail()
            else:
                with b.if_(b.eq(end, whole + 1)):
                    tail()

    def _hoist(self) -> None:
        """What the loops opened so far determine is computed before the next one opens."""
        wanted = [(n, self._place(n)) for n in self.targets if not is_reduction(n)]
        waiting = [r for r in self.reduces if r not in self.expr.known]
        wanted += [(r.inputs[0], self._operand(r)) for r in waiting]
        self.expr.hoist(wanted, self._ready)

    # ---- one row ---------------------------------------------------------------------------
    def _row(self) -> None:
        known, pointers = dict(self.expr.known), dict(self.expr.pointers)
        for stage in self.stages:
            self._hoist()
            results = self._stage(stage)
            self.expr.known.update(zip(stage.reduces, results, strict=True))
            self.expr.pointers.update((n, self.targets[n][0]) for n in stage.stores)
        self._store(self.last)
        self.expr.known, self.expr.pointers = known, pointers

    # ---- elements --------------------------------------------------------------------------
    def _place(self, node: Node) -> Place:
        place = self.nest.place(node)
        assert place is not None
        return self.layout.at(place)

    def _store(self, nodes: Sequence[Node]) -> None:
        """All values before any store: a result may lie where an operand does."""
        values = [self.expr.value(n, self._place(n)) for n in nodes]
        for node, value in zip(nodes, values, strict=True):
            for pointer in self.targets[node]:
                self.expr.store(node, pointer, self._place(node), value)


def _least(b: Builder, x: Value, limit: int) -> Value:
    return constant(min(x.known, limit), int64) if isinstance(x.known, int) else b.min(x, limit)


def laid_out(b: Builder, body: Graph, nest: Nest) -> tuple[Layout, int]:
    """The loops, and the lanes of a turn: several registers where columns are reduced, so that a
    row of them is a few cache lines and one sum's latency hides behind the others.
    """
    lanes = body_lanes(b, body)
    made = layout(body, nest, lanes)
    if not nest.reduced or made.lane not in made.kept:
        return made, lanes
    columns = made.lane.extent
    fits = [m for m in (4, 2, 1) if _WASTE * -(-columns // (m * lanes)) * m * lanes <= columns]
    wide = max(fits, default=1)
    return (layout(body, nest, wide * lanes) if wide > 1 else made), wide * lanes


def body_lanes(b: Builder, body: Graph) -> int:
    """Lanes per vector: those of the widest float (or of float32, if there is none)."""
    floats = [n.dtype.size for n in body.nodes if n.dtype.kind == "float" and n.ndim]
    return max(b.target.width // max(floats, default=4), 1)


def _reduces_below(body: Graph) -> dict[Node, set[Node]]:
    """For each node, the reductions that must be known before it."""
    found: dict[Node, set[Node]] = {}
    for node in body.nodes:
        found[node] = {node} if is_reduction(node) else set()
        if not is_reduction(node):
            found[node].update(*(found[x] for x in node.inputs))
    return found
