"""Rows kept at hand: a body and its stages flow in, the dear values that several need come out.

What one stage has computed for every element of a row (the exponentials of a softmax, which are
summed and then divided) the next ones load from a buffer in the nearest cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sheer.compile.cost import own_cost
from sheer.compile.indexing.index import Index
from sheer.compile.indexing.turns import operands
from sheer.compile.indexing.views import Place
from sheer.compile.nest import Nest, is_reduction
from sheer.graph import Node

from .layout import Layout

_DEAR = 10            # instructions that cost more than a store and a load
_BYTES = 1 << 15      # of all buffers: the nearest cache

Element = tuple[Node, Place]


def stashed(stages: Sequence[tuple[Iterable[Node], Iterable[Node]]], nest: Nest,
            memory: Iterable[Node], lanes: int) -> dict[Node, int]:
    """Nodes worth a buffer, and the first stage that computes each.

    stages  what each reduces and what it stores, which later ones find in memory
    lanes   rows side by side, each with its place in the buffers
    """
    at_hand, free = set(memory), _BYTES
    first: dict[Node, int] = {}
    found: dict[Node, int] = {}
    elsewhere: set[Node] = set()          # read at the place of another turn as well
    for number, (reduces, stores) in enumerate(stages):
        for node, here in _dear(_elements(reduces, stores, nest), nest, at_hand):
            size = nest.row_size * lanes * node.dtype.size
            if not here:
                elsewhere.add(node)
            elif first.setdefault(node, number) < number and node not in found and size <= free:
                found[node] = first[node]
                free -= size
        at_hand.update(stores)
    return {n: number for n, number in found.items() if n not in elsewhere}


def _elements(reduces: Iterable[Node], stores: Iterable[Node], nest: Nest) -> Iterator[Element]:
    """What a stage needs, each with the index of its turn."""
    for node in (*stores, *(r.inputs[0] for r in reduces)):
        at = nest.full(node.shape)
        assert at is not None
        yield node, at


def _dear(wanted: Iterable[Element], nest: Nest, at_hand: set[Node]) -> Iterator[tuple[Node, bool]]:
    """The dear nodes among what a stage computes per element, and whether at this turn's place;
    not those that only other dear ones need.
    """
    seen: set[Element] = set()
    stack = list(wanted)
    while stack:
        node, at = stack.pop()
        if (node, at) in seen or node in at_hand or is_reduction(node):
            continue
        seen.add((node, at))
        if node.prim.pointwise and own_cost(node) >= _DEAR and node.size == nest.size:
            yield node, at == nest.full(node.shape)
        else:
            stack.extend(operands(node, at))


def row_index(layout: Layout, lanes: int) -> Index:
    """Where the element of this turn lies in a buffer of `lanes` rows side by side."""
    at, step = Index({}), lanes
    for v in reversed(layout.reduced):
        at, step = at + Index({v: step}), step * v.extent
    return at
