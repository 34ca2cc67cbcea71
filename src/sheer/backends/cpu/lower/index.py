"""Index expressions as instructions: an `Index` and the loop counters flow in, i64 values out."""

from __future__ import annotations

from dataclasses import dataclass, field

from sheer.compile.indexing.index import Atom, Index, Quotient, Var
from sheer.graph import Node
from sheer.graph.dtypes import int32, int64

from ..ir.builder import Builder
from ..ir.target import Target
from ..ir.values import UINT32, UINT64, Value, constant


def lanes_of(node: Node, target: Target) -> int:
    """How many elements an index kernel moves at once."""
    return target.width // max(node.dtype.size, 4)


@dataclass
class Turn:
    """Where in the loops the code being written stands.

    `at` holds each open loop's counter. The loop over `lane` advances by `lanes`; its counter is
    that of the first lane, and `mask` (None: all) says which lanes exist.
    """

    b: Builder
    at: dict[Var, Value] = field(default_factory=dict)
    lane: Var | None = None
    lanes: int = 1
    mask: Value | None = None

    def stride(self, x: Index) -> int | None:
        """From lane to lane: 0 the same for all, None no fixed amount."""
        return 0 if self.lane is None else x.stride(self.lane)

    def first(self, x: Index) -> Value:
        """The number in the first lane."""
        b, total = self.b, constant(x.const, int64)
        for atom, c in sorted(x.terms.items(), key=str):
            total = b.add(total, b.mul(self._scalar(atom), c))
        return total

    def every(self, x: Index) -> Value:
        """The numbers in all lanes, as int32 if they fit."""
        low, high = x.bounds
        kind = int32 if low >= -2**31 and high < 2**31 else int64
        stride = self.stride(x)
        b = self.b
        if stride is not None:
            steps = constant(0, kind, self.lanes) if stride == 0 else b.mul(
                b.iota(self.lanes, kind), stride)
            return b.add(b.broadcast(b.cast(self.first(x), kind), self.lanes), steps)
        total = constant(x.const, kind, self.lanes)
        for atom, c in sorted(x.terms.items(), key=str):
            total = b.add(total, b.mul(b.cast(self._vector(atom), kind), c))
        return total

    def _scalar(self, atom: Atom) -> Value:
        if isinstance(atom, Var):
            return self.at[atom]
        return self._divided(self.first(atom.of), atom)

    def _vector(self, atom: Atom) -> Value:
        if isinstance(atom, Var):
            return self.every(Index({atom: 1}))
        return self._divided(self.every(atom.of), atom)

    def _divided(self, x: Value, atom: Atom) -> Value:
        """Quotient or remainder; unsigned where it can be, which is a multiplication."""
        b = self.b
        assert not isinstance(atom, Var)
        if isinstance(x.known, int) and x.lanes == 1:
            known = x.known // atom.by if isinstance(atom, Quotient) else x.known % atom.by
            return constant(known, x.dtype)
        unsigned = UINT32 if x.dtype == int32 else UINT64
        kind = x.dtype
        if atom.of.bounds[0] >= 0:
            x = b.cast(x, unsigned)
        by = constant(atom.by, x.dtype, x.lanes)
        found = b.floordiv(x, by) if isinstance(atom, Quotient) else b.rem(x, by)
        return b.cast(found, kind)
