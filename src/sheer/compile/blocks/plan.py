"""Plans of blocks: the body of a block node flows in; what happens to one block of rows comes out.

Products fill tiles of cells; stages go over each row of the tiles, reducing and storing; closers
multiply tiles again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from ...graph import Graph, Node
from ...ops.contract.dot import Dot
from ..cost import own_cost
from ..indexing.index import Index, Var
from ..indexing.turns import operands
from ..indexing.views import Place
from ..nest import is_reduction
from .assembly import Spot, assembled
from .grids import turned
from .triangle import first_idle

_DEAR = 5             # instructions that are dearer than a store and a load


@dataclass
class Stage:
    """One pass over a row: rows to reduce, cells to load from tiles, cells to store in some."""

    reduces: list[Node] = field(default_factory=list)
    loads: list[Node] = field(default_factory=list)
    stores: list[Node] = field(default_factory=list)


class BlockPlan:
    """The body of a block, sorted out."""

    def __init__(self, body: Graph) -> None:
        self.body = body
        dots = [n for n in body.nodes if isinstance(n.prim, Dot)]
        above = _above(body)
        self.closers = [n for n in dots if n.inputs[0] in above]
        self.products = [n for n in dots if n.inputs[0] not in above]
        self.shape = self.products[0].shape
        self.row_results: list[Node] = []
        self.spots: list[tuple[Node, Node, Spot]] = []     # closer, result, where it lies there
        for out in dict.fromkeys(body.outputs):
            spots = assembled(out, self.closers)
            if spots is None:
                self.row_results.append(out)
            else:
                self.spots += [(part, out, spot) for part, spot in spots.items()]
        self.reduces = [n for n in body.nodes if is_reduction(n)]
        self.below = _reduces_below(body)
        self.stages, self.tiles, self.tile_of = self._stages()

    # ---- loops -------------------------------------------------------------------------------
    @cached_property
    def variables(self) -> tuple[Var, ...]:
        return tuple(Var(f"i{a}", s) for a, s in enumerate(self.shape))

    @cached_property
    def indices(self) -> Place:
        return tuple(Index({v: 1}) if v.extent != 1 else Index({}) for v in self.variables)

    def place(self, node: Node) -> Place:
        """The index of this turn in a value per cell or per row."""
        if node.shape == self.shape:
            return self.indices
        return self.indices[:-1] if node.ndim < len(self.shape) else (*self.indices[:-1], Index({}))

    @cached_property
    def idle_from(self) -> int | None:
        """The least column - row from which on cells count nowhere."""
        closing = [turned(c.inputs[0]) for c in self.closers]
        goals = [(n, self.indices) for n in (*closing, *(r.inputs[0] for r in self.reduces))]
        return first_idle(_read(goals), self.reduces, closing, *self.variables[-2:])

    # ---- stages ------------------------------------------------------------------------------
    def _ready(self, node: Node) -> int:
        """The first stage in which every reduction below a cell is known."""
        return max((self._level(r) + 1 for r in self.below[node]), default=0)

    def _level(self, reduce: Node) -> int:
        """The stage in which a reduction is made."""
        return self._ready(reduce.inputs[0])

    def _stages(self) -> tuple[list[Stage], int, dict[Node, int]]:
        """Stages in order, how many tiles there are, and where the cells in them lie."""
        closing = list(dict.fromkeys(turned(c.inputs[0]) for c in self.closers))
        last = max((*map(self._level, self.reduces), *map(self._ready, closing)), default=0)
        stages = [Stage([r for r in self.reduces if self._level(r) == s]) for s in range(last + 1)]
        goals = [[r.inputs[0] for r in stage.reduces] for stage in stages]
        for node in closing:
            goals[self._ready(node)].append(node)
        used = [self._evaluated(found, set()) for found in goals]
        kept = {n for s, found in enumerate(used) for n in found
                if n.prim.pointwise and own_cost(n) >= _DEAR
                and any(n in later for later in used[s + 1:])}
        have = set(self.products)
        for s, stage in enumerate(stages):
            found = self._evaluated(goals[s], have)
            stage.loads = [n for n in self.body.nodes if n in found & have]
            stage.stores = [n for n in self.body.nodes if n in found - have and (
                n in kept or (n in closing and self._ready(n) == s))]
            have.update(stage.stores)
        return stages, *self._tiled(stages, set(closing))

    def _tiled(self, stages: list[Stage], closing: set[Node]) -> tuple[int, dict[Node, int]]:
        """How many tiles, and where each stored cell lies: over one that nobody reads any more."""
        tile_of = {p: i for i, p in enumerate(self.products)}
        count = len(tile_of)
        for s, stage in enumerate(stages):
            read = closing.union(*(later.loads for later in stages[s + 1:]))
            taken = {t for n, t in tile_of.items() if n in read}
            for node in stage.stores:
                tile = min(set(range(count)) - taken, default=count)
                count = max(count, tile + 1)
                taken.add(tile)
                tile_of[node] = tile
        return count, tile_of

    def _evaluated(self, goals: Iterable[Node], have: set[Node]) -> set[Node]:
        """Cells that computing the goals goes through, down to those that lie in tiles."""
        seen: set[Node] = set()
        stack = list(goals)
        while stack:
            node = stack.pop()
            if node in seen or node.shape != self.shape:
                continue
            seen.add(node)
            if node not in have and not isinstance(node.prim, Dot):
                stack.extend(node.inputs)
        return seen


def _above(body: Graph) -> set[Node]:
    """Everything computed from a product."""
    found: set[Node] = set()
    for node in body.nodes:
        if isinstance(node.prim, Dot) or any(x in found for x in node.inputs):
            found.add(node)
    return found


def _reduces_below(body: Graph) -> dict[Node, set[Node]]:
    """For each node, the reductions that must be known before it."""
    found: dict[Node, set[Node]] = {}
    for node in body.nodes:
        found[node] = {node} if is_reduction(node) else set()
        if not is_reduction(node):
            found[node].update(*(found[x] for x in node.inputs))
    return found


def _read(goals: list[tuple[Node, Place]]) -> Iterator[tuple[Node, Place]]:
    """The goals and everything they are computed from, with the index at which it is read."""
    stack, seen = list(goals), set[tuple[Node, Place]]()
    while stack:
        node, at = stack.pop()
        if (node, at) in seen or isinstance(node.prim, Dot) or is_reduction(node):
            continue
        seen.add((node, at))
        yield node, at
        stack.extend(operands(node, at))
