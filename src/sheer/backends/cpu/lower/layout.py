"""Loop layout: a body and its nest flow in; the loops to run, and which one along lanes, come out.

Neighbouring axes become one loop where every access walks through them evenly, and the lanes run
along the loop where most accesses lie side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sheer.compile.indexing.index import Index, Var
from sheer.compile.indexing.turns import operands
from sheer.compile.indexing.views import Place, flat, is_view, read
from sheer.compile.nest import Nest, is_reduction
from sheer.graph import Graph, Node
from sheer.ops.structure import Constant, Iota

from .near import offsets

_GATHER = 0.8       # cost per lane of a gather, against 1 for a vector load
_NEAR = 3           # two loads and a shuffle
_SCATTER = 1.2
_UNEVEN = 3.0       # of an index that must be divided in every lane
_ACROSS = 14.0      # of summing the lanes of one register


@dataclass(frozen=True)
class Access:
    """One load or store: element number, and whether it writes."""

    at: Index
    store: bool


@dataclass(frozen=True)
class Layout:
    """Loops, outermost first, with the reduced ones last; `lane` is one of them (or none)."""

    nest: Nest
    kept: tuple[Var, ...]
    reduced: tuple[Var, ...]
    lane: Var | None
    renamed: tuple[tuple[Var, Index], ...]

    def at(self, place: Place) -> Place:
        """An index in terms of the nest's axes, in terms of these loops."""
        new = dict(self.renamed)
        return tuple(i.substitute(new) for i in place)


def layout(body: Graph, nest: Nest, lanes: int) -> Layout:
    """The loops for one kernel."""
    accesses = list(dict.fromkeys(_accesses(body, nest)))
    loops = [(v, a in nest.reduced) for a, v in enumerate(nest.variables)]
    renamed: dict[Var, Index] = {v: Index({v: 1}) for v, _ in loops}
    at = 0
    while at + 1 < len(loops):
        (outer, r1), (inner, r2) = loops[at], loops[at + 1]
        if r1 != r2 or not inner.extent or not all(_even(a.at, outer, inner) for a in accesses):
            at += 1
            continue
        merged = Var(f"{outer.name}{inner.name}", outer.extent * inner.extent)
        both = {outer: Index({merged: 1}) // inner.extent, inner: Index({merged: 1}) % inner.extent}
        accesses = [Access(a.at.substitute(both), a.store) for a in accesses]
        renamed = {v: i.substitute(both) for v, i in renamed.items()}
        loops[at:at + 2] = [(merged, r1)]
        at = max(at - 1, 0)
    lane = _lane(loops, accesses, lanes, sum(is_reduction(n) for n in body.nodes))
    kept = [v for v, r in loops if not r]
    reduced = [v for v, r in loops if r]
    for group in (kept, reduced):
        if lane in group:                        # the lanes' loop is the innermost of its group
            group.append(group.pop(group.index(lane)))
    return Layout(nest, tuple(kept), tuple(reduced), lane, tuple(renamed.items()))


def _even(x: Index, outer: Var, inner: Var) -> bool:
    """Does a step of the outer loop equal a whole round of the inner one?"""
    a, b = x.stride(outer), x.stride(inner)
    return a is not None and b is not None and a == b * inner.extent


def _lane(loops: list[tuple[Var, bool]], accesses: list[Access], lanes: int, reduces: int,
          ) -> Var | None:
    """The cheapest loop to run along the lanes, per element."""
    best, least = None, float("inf")
    for v, reduced in reversed(loops):
        if not v.extent:
            continue
        cost = sum(_cost(a, v, lanes) for a in accesses) + 1
        total = cost * -(-v.extent // lanes) + (_ACROSS * reduces if reduced else 0)
        if total / v.extent < least:
            best, least = v, total / v.extent
    return best


def _cost(access: Access, v: Var, lanes: int) -> float:
    stride = access.at.stride(v)
    if stride in (0, 1):
        return 1
    if not access.store and offsets(access.at, v, lanes) is not None:
        return _NEAR
    many = (_SCATTER if access.store else _GATHER) * lanes
    return many if stride is not None else many * _UNEVEN


def _accesses(body: Graph, nest: Nest) -> Iterator[Access]:
    """Every load and store of one turn, and the guards and counters that also follow the index."""
    inputs = set(body.inputs)
    seen: set[tuple[Node, Place]] = set()
    stack: list[tuple[Node, Place]] = []
    for out in body.outputs:
        place = nest.place(out)
        assert place is not None
        yield Access(flat(place, out.shape), True)
        stack.append((out, place))
    while stack:
        node, at = stack.pop()
        if (node, at) in seen:
            continue
        seen.add((node, at))
        if node in inputs:
            yield Access(flat(at, node.shape), False)
        elif isinstance(node.prim, Iota):
            yield Access(at[0], False)
        elif is_reduction(node):
            place = nest.full(node.inputs[0].shape)
            assert place is not None
            stack.append((node.inputs[0], place))
        elif not isinstance(node.prim, Constant):
            if is_view(node) and not node.prim.pointwise:
                yield from (Access(g.index, False) for r in read(node, at)[0] for g in r.guards)
            stack.extend(operands(node, at))
