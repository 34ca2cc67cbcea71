"""Carried layouts: a loop flows in; the same loop, carrying some matrices transposed, comes out.

A register holds 16 floats, so rows of 20 waste a third of the instructions that update them, while
the columns, 64 of them, may fill registers exactly. Between the steps of a loop nobody looks at a
carried matrix, so it may lie there as it is updated best; it is turned once before and once after.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

from ...graph import Graph, Node, make
from ...graph.graph import substitute
from ...ops import movement
from ...ops.contract.dot import Dot
from ...ops.loop import Scan
from ...ops.movement import Permute
from ...ops.structure import Input, Pick
from .rewrite import rewrite, swapped, uniform
from .simplify import strip_markers

_REGISTER = 64          # bytes: of the widest registers; narrower ones are filled as well as these
_GAIN = 1.25            # registers fewer by this factor are worth the turns
_LARGEST = 16_384       # elements: larger matrices have rows that fill registers well enough
_STEPS = 32             # of a loop: below, turning twice costs what it brings


def turn_carries(graph: Graph) -> Graph:
    """Matrices that a loop updates from products are carried as they fill registers best."""
    loops: dict[Node, tuple[Node, tuple[int, ...]]] = {}     # each has a result per carried value

    def result(node: Node) -> Node | None:
        if not isinstance(node.prim, Pick) or not isinstance(node.inputs[0].prim, Scan):
            return None
        if node.inputs[0] not in loops:
            loops[node.inputs[0]] = _turned_loop(node.inputs[0])
        loop, turned = loops[node.inputs[0]]
        if not turned:
            return None
        made = Pick(node.prim.index)(loop)
        return swapped(made) if node.prim.index in turned else made
    return rewrite(graph, result)


def _turned_loop(loop: Any) -> tuple[Node, tuple[int, ...]]:
    """The loop that carries some matrices transposed, and the numbers of those."""
    if loop.prim.length < _STEPS:
        return loop, ()
    scan = dataclasses.replace(loop.prim, body=strip_markers(loop.prim.body))
    turned = _turned(scan)
    if not turned:
        return loop, ()
    first = scan.num_consts
    inputs = [swapped(x) if i - first in turned else x for i, x in enumerate(loop.inputs)]
    return make(_with_turned(scan, turned), tuple(inputs), loop.source), turned


def _turned(scan: Scan) -> tuple[int, ...]:
    """Numbers of the carried matrices that are better off transposed."""
    body, found = scan.body, []
    for shape in {o.shape for o in body.outputs[:scan.num_carry]}:
        if len(shape) != 2 or min(shape) < 2 or math.prod(shape) > _LARGEST:
            continue
        alike = [i for i in range(scan.num_carry) if body.outputs[i].shape == shape]
        lanes = _REGISTER // body.outputs[alike[0]].dtype.size
        if _waste(shape[1], lanes) < _GAIN * _waste(shape[0], lanes):
            continue
        found += [i for i in alike if _is_updated(body.outputs[i])]
    return tuple(sorted(found))


def _waste(size: int, lanes: int) -> float:
    """How many times the registers needed are what the numbers would fill."""
    return -(-size // lanes) * lanes / size


def _is_updated(new: Node) -> bool:
    """Is the value made from a product, element by element?"""
    stack, seen = [new], set()
    while stack:
        node = stack.pop()
        if isinstance(node.prim, Dot):
            return True
        if node not in seen and (node.prim.pointwise or _swaps(node)):
            seen.add(node)
            stack.extend(x for x in node.inputs if math.prod(x.shape) == math.prod(new.shape))
    return False


def _with_turned(scan: Scan, turned: tuple[int, ...]) -> Scan:
    """The loop whose body takes and gives these carries transposed."""
    body, first = scan.body, scan.num_consts
    inputs = list(body.inputs)
    straight: dict[Node, Node] = {}
    for i in turned:
        old = inputs[first + i]
        new = Input(first + i, old.shape[::-1], old.dtype)()
        inputs[first + i], straight[old] = new, swapped(new)
    turn = _transposer()
    outputs = [turn(o) if i in turned else o
               for i, o in enumerate(substitute(body.outputs, straight))]
    return dataclasses.replace(scan, body=Graph(inputs, outputs))


def _transposer() -> Callable[[Node], Node]:
    """Transposes values by computing them transposed, as far as they are elementwise."""
    done: dict[Node, Node] = {}

    def turn(x: Node) -> Node:
        if x not in done:
            done[x] = _turn(x)
        return done[x]

    def _turn(x: Node) -> Node:
        if _swaps(x):
            return x.inputs[0]
        if (scalar := uniform(x)) is not None:
            return movement.broadcast_to(scalar, x.shape[::-1])
        if isinstance(x.prim, Dot):
            a, b = x.inputs
            return Dot()(swapped(b), swapped(a))
        if x.prim.pointwise and len(x.outputs) == 1 and all(y.shape == x.shape for y in x.inputs):
            return make(x.prim, tuple(turn(y) for y in x.inputs), x.source)
        return swapped(x)
    return turn


def _swaps(x: Node) -> bool:
    return isinstance(x.prim, Permute) and x.prim.axes == (1, 0)
