"""Attention row by row: grids of a graph flow in, nodes that compute them by blocks come out.

What a later node needs of a grid (the backward pass, of scores) it computes again from what the
products were made of; only values per row are handed on.
"""

from __future__ import annotations

from ...graph import Graph, Node, make, users
from ...graph.source import inherit
from ...ops.blocks import Blocks
from ...ops.contract.dot import Dot
from ...ops.primitive import results
from ...ops.reduce import Reduce
from ..rewrites.rewrite import swapped
from .assembly import JOINS, assembled
from .body import Body
from .grids import Grid, cells_of, find_grids, turned

Key = tuple[Grid, int]


def row_blocks(graph: Graph) -> Graph:
    """Products whose rows are reduced and multiplied again are computed a block of rows at a time.

    So scores of attention, their softmax and their cotangents stay in a cache.
    """
    graph = _cells_left(graph)
    grids = find_grids(graph)
    return _Assembly(graph, grids).graph() if grids else graph


def _cells_left(graph: Graph) -> Graph:
    """The graph with cells as left operands of what multiplies them: a b = (b^T a^T)^T."""
    loose = cells_of(graph)
    right = {n for n in graph.nodes if isinstance(n.prim, Dot) and turned(n.inputs[1]) in loose
             and turned(n.inputs[0]) not in loose}
    if not right:
        return graph
    trial, flipped = _flipped(graph, right)
    closers = {c for g in find_grids(trial) for c in g.closers}
    return _flipped(graph, {n for n in right if flipped[n] in closers})[0]


def _flipped(graph: Graph, chosen: set[Node]) -> tuple[Graph, dict[Node, Node]]:
    """The graph with the chosen products turned over, and what each became."""
    new: dict[Node, Node] = {x: x for x in graph.inputs}
    made: dict[Node, Node] = {}
    for node in graph.nodes:
        inputs = tuple(new.get(x, x) for x in node.inputs)
        if node in chosen:
            with inherit(node.source):
                made[node] = Dot()(swapped(inputs[1]), swapped(inputs[0]))
                new[node] = swapped(made[node])
        elif inputs != node.inputs:
            new[node] = make(node.prim, inputs, node.source)
        else:
            new[node] = node
    return Graph(graph.inputs, [new[x] for x in graph.outputs]), made


class _Assembly:
    """The graph being rebuilt around its blocks."""

    def __init__(self, graph: Graph, grids: list[Grid]) -> None:
        self.old = graph
        self.grid = {n: g for g in grids for n in (*g.cells, *g.rows, *g.closers)}
        self.closers = {n for g in grids for n in g.closers}
        self.level = self._levels()
        self.wanted: dict[Key, dict[Node, None]] = {}
        for node in graph.nodes:
            if node in self.closers:
                self._want(node)
        self.wanted = {key: self._joined(nodes) for key, nodes in self.wanted.items()}
        self._want_rows()
        self.externals = {key: self._body(key)[1] for key in self.wanted}
        self.made: dict[Key, tuple[Node, ...]] = {}
        self.new: dict[Node, Node] = {x: x for x in graph.inputs}

    # ---- what each block computes ----------------------------------------------------------
    def _levels(self) -> dict[Node, int]:
        """How many blocks must have run before a node; nodes of one level never wait for each
        other.
        """
        level: dict[Node, int] = {}
        for node in self.old.nodes:
            found = 0
            for x in node.inputs:
                leaves = x in self.grid and (x in self.closers or not (
                    self.grid.get(node) is self.grid[x] or turned(node) is x))
                found = max(found, level[x] + leaves)
            level[node] = found
        return level

    def _want(self, node: Node) -> None:
        self.wanted.setdefault((self.grid[node], self.level[node]), {})[node] = None

    def _joined(self, closers: dict[Node, None]) -> dict[Node, None]:
        """What closers are side by side in, where nobody reads them otherwise: it is written."""
        readers, results = users(self.old.nodes), set(self.old.outputs)
        found: dict[Node, None] = {}
        for node in closers:
            top = node
            while top not in results and len(readers[top]) == 1 and isinstance(
                    readers[top][0].prim, JOINS):
                top = readers[top][0]
            found[top] = None
        left = dict(closers)
        for node in found:
            spots = assembled(node, closers)
            if spots and len(spots) > 1 and all(s.strides[-1] == 1 for s in spots.values()):
                left = {n: None for n in left if n not in spots} | {node: None}
        return left

    def _want_rows(self) -> None:
        """Values per row that something outside reads, or a later block."""
        outputs = set(self.old.outputs)
        for node in self.old.nodes:
            grid = self.grid.get(node)
            if node in outputs and grid is not None and node in grid.rows:
                self._want(node)
            for x in node.inputs:
                mine = self.grid.get(x)
                if mine is not None and x in mine.rows and mine is not grid:
                    self._want(x)
        for key in sorted(self.wanted, key=lambda k: -k[1]):
            for node in self._body(key)[1]:
                mine = self.grid.get(node)
                if mine is not None and node in mine.rows:
                    self._want(node)

    def _body(self, key: Key) -> tuple[Graph, list[Node]]:
        """The graph of one block, and what it reads."""
        grid, level = key
        early = {n for n in grid.rows if self.level[n] < level and n.shape in grid.row_shapes and (
            isinstance(n.prim, Reduce) or n in self.wanted.get((grid, self.level[n]), {}))}
        made = Body(grid, early, self.grid)
        outputs = [made.whole(n) for n in self.wanted[key]]
        return Graph(list(made.reads.values()), outputs), list(made.reads)

    # ---- the graph ---------------------------------------------------------------------------
    def graph(self) -> Graph:
        """Everything rebuilt, each node after what it needs."""
        key_of = {n: key for key, nodes in self.wanted.items() for n in nodes}
        stack = list(reversed(self.old.outputs))
        while stack:
            node = stack[-1]
            if node in self.new:
                stack.pop()
                continue
            key = key_of.get(node)
            needs = self.externals[key] if key is not None else node.inputs
            missing = [x for x in needs if x not in self.new]
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            if key is None:
                inputs = tuple(self.new[x] for x in node.inputs)
                same = inputs == node.inputs
                self.new[node] = node if same else make(node.prim, inputs, node.source)
            else:
                self.new[node] = self._result(key, node)
        return Graph(self.old.inputs, [self.new[x] for x in self.old.outputs])

    def _result(self, key: Key, node: Node) -> Node:
        """One result of a block, which is made the first time."""
        if key not in self.made:
            body, reads = self._body(key)
            with inherit(node.source):
                block = Blocks(body)(*(self.new[x] for x in reads))
            self.made[key] = results(block) if len(block.outputs) > 1 else (block,)
        return self.made[key][list(self.wanted[key]).index(node)]
