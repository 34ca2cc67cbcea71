"""Planning: kernels flow in; their order, and where every value lies, come out as a Program.

Donated results are written over their inputs: the writer is put after every other reader, and when
that is impossible the result is made elsewhere and copied at the end.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..graph import Graph, Node
from ..ops.loop import Scan
from ..ops.structure import Input
from .bodies import Draft, draft
from .donate import may_overwrite
from .fuse import fuse
from .memory import Lifetimes
from .passes import simplify
from .program import Kernel, Program, Slot, aligned, constant_bytes
from .rewrites.loop_parts import parts_of
from .roots import home, is_leaf


@dataclass
class Constants:
    """The constant arrays of a program and of the loops in it, side by side."""

    offsets: dict[Node, int] = field(default_factory=dict)
    data: bytearray = field(default_factory=bytearray)

    def offset(self, node: Node) -> int:
        """Where the constant lies, put there the first time."""
        if node not in self.offsets:
            self.offsets[node] = len(self.data)
            raw = constant_bytes(node)
            self.data += raw.ljust(aligned(max(len(raw), 1)), b"\0")
        return self.offsets[node]


def compile_graph(graph: Graph, donate: Mapping[int, int] | None = None) -> Program:
    """The program of a closed graph; `donate[output] = input` shares their memory."""
    constants = Constants()
    program = _Planner(simplify(graph), dict(donate or {}), constants).program()
    program.constants = bytes(constants.data)
    return program


class _Planner:
    """One graph (or loop body) being planned."""

    def __init__(self, graph: Graph, donate: dict[int, int], constants: Constants) -> None:
        self.graph, self.constants = graph, constants
        fusion = fuse(graph)
        self.drafts = [draft(c, fusion) for c in fusion.clusters()]
        self.writer = {w: d for d in self.drafts for w in d.writes}
        self.place: dict[Node, Slot] = {}           # values that are not in the arena
        self.over: dict[Draft, set[Node]] = {}      # inputs that a kernel writes over
        self.copies: dict[Draft, Slot] = {}         # where a copy goes
        self.returned = tuple(self._output(o, donate) for o in range(len(graph.outputs)))

    # ---- results ---------------------------------------------------------------------------
    def _output(self, number: int, donate: Mapping[int, int]) -> Slot:
        """Where result `number` goes; arranges that it gets there."""
        node = self.graph.outputs[number]
        value = home(node)
        slot = Slot(node.spec, "output", number)
        if number in donate:
            target = self.graph.inputs[donate[number]]
            slot = Slot(target.spec, "input", donate[number])
            if value is target:
                return slot
            return self._donated(value, target, slot)
        if is_leaf(value) or value in self.place:
            self._copy(value, slot)
        else:
            self.place[value] = slot
        return slot

    def _donated(self, value: Node, target: Node, slot: Slot) -> Slot:
        """Write `value` over `target`, directly if the order allows it."""
        writer = self.writer.get(value)
        if writer is not None and value not in self.place and may_overwrite(writer, value, target):
            readers = [d for d in self.drafts if target in d.reads and d is not writer]
            if not any(self._depends(r, writer) for r in readers):
                self.over.setdefault(writer, set()).add(target)
                self.place[value] = slot
                return slot
        if is_leaf(value):                          # another input: it may be overwritten itself
            value = self._copy(value, None)
        last = self._copy_draft(value)
        self.copies[last] = slot
        self.over[last] = {target}
        return slot

    def _copy(self, value: Node, slot: Slot | None) -> Node:
        """A kernel that copies a value to a result, or aside; the node that names the copy."""
        made = self._copy_draft(value)
        copy = Input(len(self.drafts), value.shape, value.dtype, -1)()
        if slot is None:
            made.writes = (copy,)
            self.writer[copy] = made
        else:
            self.copies[made] = slot
        return copy

    def _copy_draft(self, value: Node) -> Draft:
        source = Input(0, value.shape, value.dtype)()
        made = Draft("map", Graph([source], [source]), (value,), (value,), frozenset([value]))
        self.drafts.append(made)
        return made

    # ---- order -----------------------------------------------------------------------------
    def _before(self, d: Draft) -> set[Draft]:
        """The kernels that must have run."""
        found = {self.writer[v] for v in d.waits if v in self.writer}
        for target in self.over.get(d, ()):
            found |= {r for r in self.drafts if target in r.reads}
        return found - {d}

    def _depends(self, late: Draft, early: Draft) -> bool:
        stack, seen = [late], {late}
        while stack:
            for d in self._before(stack.pop()):
                if d is early:
                    return True
                if d not in seen:
                    seen.add(d)
                    stack.append(d)
        return False

    def _order(self) -> list[Draft]:
        """Every kernel after those it needs, otherwise as the graph lists them."""
        number = {d: i for i, d in enumerate(self.drafts)}
        before = {d: self._before(d) for d in self.drafts}
        followers: dict[Draft, list[Draft]] = {d: [] for d in self.drafts}
        for d, needs in before.items():
            for n in needs:
                followers[n].append(d)
        missing = {d: len(needs) for d, needs in before.items()}
        ready = [(number[d], d) for d in self.drafts if not missing[d]]
        order = []
        heapq.heapify(ready)
        while ready:
            _, d = heapq.heappop(ready)
            order.append(d)
            for f in followers[d]:
                missing[f] -= 1
                if not missing[f]:
                    heapq.heappush(ready, (number[f], f))
        if len(order) < len(self.drafts):
            raise AssertionError("kernels that wait for each other: fusion has closed a circle")
        return order

    # ---- memory ----------------------------------------------------------------------------
    def program(self) -> Program:
        """Kernels in order with every value in its place."""
        order = self._order()
        inner = {d: self._inner(d) for d in order if d.kind == "loop"}
        offsets, peak = self._arena(order, inner)
        kernels = []
        for d in order:
            reads = tuple(self._slot(v, offsets) for v in d.reads)
            writes = (self.copies[d],) if d in self.copies else tuple(
                self._slot(v, offsets) for v in d.writes)
            program, parts = inner.get(d, (None, 1))
            kernels.append(Kernel(d.kind, d.body, reads, writes, d.writes, program,
                                  offsets.get(d, 0), parts=parts))
        return Program(self.graph, kernels, self.returned, peak)

    def _inner(self, d: Draft) -> tuple[Program, int]:
        """The program of a loop's body, where what it carries is updated in place, and in how many
        parts it runs side by side.
        """
        scan = next(n.prim for n in d.body.nodes if isinstance(n.prim, Scan))
        carried = {i: scan.num_consts + i for i in range(scan.num_carry)}
        parts, body = parts_of(scan)
        return _Planner(simplify(body), carried, self.constants).program(), parts

    def _arena(self, order: list[Draft], inner: Mapping[Draft, tuple[Program, int]],
               ) -> tuple[dict[object, int], int]:
        last = {v: i for i, d in enumerate(order) for v in d.reads}
        lives = Lifetimes()
        for i, d in enumerate(order):
            if d in inner:
                program, parts = inner[d]
                lives.add(d, parts * aligned(program.peak_bytes), i, i)
            for v in d.writes if d not in self.copies else ():
                if v not in self.place:
                    lives.add(v, v.size * v.dtype.size, i, max(last.get(v, i), i))
        return lives.place()

    def _slot(self, value: Node, offsets: Mapping[object, int]) -> Slot:
        if value in self.place:
            return self.place[value]
        if value in offsets:
            return Slot(value.spec, "arena", offsets[value])
        if value in self.graph.inputs:
            return Slot(value.spec, "input", self.graph.inputs.index(value))
        return Slot(value.spec, "constant", self.constants.offset(value))
