"""Fusion: a graph flows in, clusters of values that one kernel computes together come out."""

from __future__ import annotations

from dataclasses import dataclass

from ..graph import Graph, Node
from ..ops.blocks import Blocks
from ..ops.loop import Scan
from .cluster_order import Order
from .cost import own_cost
from .indexing.turns import consistent
from .nest import Nest, is_reduction, nest_of
from .rewrites.winograd import PRODUCTS, WinogradWeight
from .roots import by_index, choose_roots, is_inline, is_leaf, is_number, owner

_EPILOGUE = 60           # instructions worth repeating for every register of a tile
_SHARED = 8             # a shared read this many times smaller than the loops saves nothing
_MOST_ROOTS = 24        # values computed by one kernel: bounds its code and its registers
_ROW_BYTES = 1 << 17    # a row that several stages read must stay in the caches nearby
_COLUMNS = 64           # that lie side by side are reduced together: whole cache lines
_ALL_BYTES = 1 << 19    # or all rows together


@dataclass(eq=False)
class Cluster:
    """Roots computed by one kernel, in topological order, and the loops they share."""

    kind: str
    roots: list[Node]
    nest: Nest


class Fusion:
    """The clusters of one graph, joined step by step."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.position = {n: i for i, n in enumerate(graph.nodes)}
        roots = choose_roots(graph)
        self.cluster = {r: Cluster(_kind(r), [r], nest_of(r)) for r in roots}
        self.sources = {r: self._sources(r) for r in roots}
        self.readers: dict[Node, list[Node]] = {r: [] for r in roots}
        for root, found in self.sources.items():
            for source in found:
                if owner(source) in self.readers:
                    self.readers[owner(source)].append(root)
        self.order = Order(self.clusters(), self._following)

    def clusters(self) -> list[Cluster]:
        """Every cluster once."""
        return list(dict.fromkeys(self.cluster.values()))

    # ---- what a root reads -----------------------------------------------------------------
    def in_memory(self, node: Node) -> bool:
        """Does the value lie in memory when the kernels that read it run?"""
        return (is_leaf(node) and not is_number(node)) or owner(node) in self.cluster

    def _sources(self, root: Node) -> list[Node]:
        """Values in memory that computing the root reads (through a barrier: waits for)."""
        by_address = not is_inline(root) and not is_reduction(root)
        found: dict[Node, None] = {}
        seen: set[Node] = set()
        stack = list(reversed(root.inputs))
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            if self.in_memory(node) or (by_address and is_number(node)):
                found[node] = None
            else:
                stack.extend(reversed(node.inputs))
        return list(found)

    # ---- joining ---------------------------------------------------------------------------
    def join(self) -> list[Cluster]:
        """Join consumers with their producers, those first that save most traffic, then neighbours
        that share what they read.
        """
        for root in (*sorted(self.cluster, key=self._saved, reverse=True), *self.cluster):
            self._join_producers(root)
        by_nest: dict[Nest, list[Cluster]] = {}
        for cluster in self.clusters():
            if cluster.kind in ("map", "rows"):
                by_nest.setdefault(cluster.nest, []).append(cluster)
        for group in by_nest.values():
            self._join_siblings(group)
        return self.clusters()

    def _saved(self, root: Node) -> int:
        """Elements that need not be read when the root is joined with its producers."""
        return max((s.size for s in self.sources[root] if owner(s) in self.cluster), default=0)

    def _join_producers(self, root: Node) -> None:
        for source in sorted(self.sources[root], key=self._place, reverse=True):
            first, second = self.cluster.get(owner(source)), self.cluster[root]
            if first is not None and first is not second:
                self._try(first, second)

    def _join_siblings(self, group: list[Cluster]) -> None:
        last: dict[Node, Cluster] = {}
        for cluster in group:
            reads = [s for r in cluster.roots for s in self.sources[r]
                     if _SHARED * s.size >= cluster.nest.size]
            for neighbour in dict.fromkeys(last[s] for s in reads if s in last):
                current = self.cluster[cluster.roots[0]]
                other = self.cluster[neighbour.roots[0]]
                if other is not current and self._try(other, current):
                    break
            last.update(dict.fromkeys(reads, cluster))

    def _place(self, node: Node) -> int: return self.position[node]

    def _try(self, first: Cluster, second: Cluster) -> bool:
        """Join two clusters if they can run as one kernel and it is worth it."""
        if len(first.roots) + len(second.roots) > _MOST_ROOTS:
            return False
        joined = self._joined(first, second)
        after = None if joined is None else self.order.between(first, second)
        if joined is None or after is None:
            return False
        if not consistent(joined.roots, joined.nest, self.in_memory):
            return False
        self.order.join(first, second, joined, after)
        for root in joined.roots:
            self.cluster[root] = joined
        return True

    def _joined(self, first: Cluster, second: Cluster) -> Cluster | None:
        """The cluster of both, by kinds and loops alone."""
        roots = sorted({*first.roots, *second.roots}, key=self._place)
        kinds = {first.kind, second.kind}
        if kinds == {"contract", "map"}:
            dot = first if first.kind == "contract" else second
            rest = second if dot is first else first
            ok = dot is first and rest.nest.size == dot.nest.size
            ok = ok and not any(isinstance(r.prim, WinogradWeight) for r in dot.roots)
            ok = ok and _epilogue_cost(rest, self) <= _EPILOGUE
            ok = ok and all(dot.nest.place(r) is not None for r in roots)
            return Cluster("contract", roots, dot.nest) if ok else None
        if not kinds <= {"map", "rows"}:
            return None
        if kinds == {"map"}:
            finer = max(first.nest, second.nest, key=lambda n: len(n.shape))
            ok = all(finer.place(r) is not None for r in roots)
            return Cluster("map", roots, finer) if ok else None
        nest = first.nest if first.kind == "rows" else second.nest
        for cluster in (first, second):
            if cluster.kind == "rows" and cluster.nest != nest:
                return None
        if any(nest.place(r) is None for r in roots):
            return None
        if any(nest.spans(r) for r in roots) and not _fits(nest, roots):
            return None
        return Cluster("rows", roots, nest)

    def _following(self, cluster: Cluster) -> set[Cluster]:
        found = {self.cluster[r] for root in cluster.roots for r in self.readers[root]}
        return found - {cluster}


def _kind(root: Node) -> str:
    prim = root.prim
    if is_reduction(root):
        return "rows"
    if isinstance(prim, Scan):
        return "loop"
    if isinstance(prim, Blocks):
        return "block"
    if isinstance(prim, PRODUCTS):
        return "contract"
    if by_index(root):
        return "index"
    return "map" if is_inline(root) else "host"


def _fits(nest: Nest, roots: list[Node]) -> bool:
    """Is what one row touches, or all rows, small enough to be read again from a cache?"""
    size = max(r.dtype.size for r in roots) * len(roots)
    columns = nest.kept and nest.kept[-1] == len(nest.shape) - 1
    beside = min(nest.shape[-1], _COLUMNS) if columns else 1
    return beside * nest.row_size * size <= _ROW_BYTES or nest.size * size <= _ALL_BYTES


def _epilogue_cost(cluster: Cluster, fusion: Fusion) -> int:
    """Instructions per element of everything the cluster computes."""
    seen: set[Node] = set()
    stack = list(cluster.roots)
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack.extend(x for x in node.inputs if not fusion.in_memory(x) or x in cluster.roots)
    return sum(own_cost(n) for n in seen)


def fuse(graph: Graph) -> Fusion:
    """The graph's clusters, joined as far as they go."""
    fusion = Fusion(graph)
    fusion.join()
    return fusion
