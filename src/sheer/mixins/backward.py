"""Backward passes: a result flows in; the gradients of its leaves come out, computed.

Deriving a small network takes longer than running it, and a loop derives the same one in every
step. So a pass is kept by the structure of what led to the result: the next result of that
structure only names the memory that its pass reads.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from ..graph.errors import SheerError
from ..graph.node import Buffer, Node, become, topological
from ..ops.structure import Alias, Data, Input, StopGradient, memory
from ..ops.walk import reverse
from ..transforms import execute
from ..transforms.programs import Programs
from .core import Core, _live, cut_histories
from .hooks import see_gradients
from .registry import leaf_of  # outside of traces

Found = list[tuple[Core, Node | None]]         # leaves, and what flowed into them


@dataclass(frozen=True)
class _Pass:
    """The program of one pass, and what it reads and makes as places in the order of the nodes.

    known   nodes whose memory the program reads, or the memory of constants
    kept    nodes of the forward pass that tensors show: the first results
    leaves  leaves that want a gradient, each with the result that is its gradient, if any
    """

    executable: execute.Executable
    known: list[int | Buffer]
    kept: list[int]
    leaves: list[tuple[int, int | None]]


_passes: Programs[_Pass | None] = Programs(512)


def gradients(loss: Node, cotangent: Node) -> Found | None:
    """The gradient of every leaf behind a single number, outside of any trace. None where they
    are to be derived anew: hooks want to see them on their way, the pass reads memory of its own,
    or its program raised, whose error an ordinary evaluation explains.

    What tensors show of the forward pass is computed with them, in one program.
    """
    order, key = _walk(loss)
    if see_gradients(order):
        return None
    found = None if key is None else _passes.get(key, lambda: _derived(order, loss, cotangent))
    if found is None:
        return None
    given = [i if isinstance(i, Buffer) else execute.memory_of(order[i]) for i in found.known]
    try:
        made = found.executable.on_buffers(given)
    except SheerError:
        return None
    for i, buffer in zip(found.kept, made, strict=False):
        order[i].value = (buffer,)
    cut_histories()
    pairs: Found = []
    of: dict[int, Node] = {}                                    # leaves may share a gradient
    for i, r in found.leaves:
        leaf = leaf_of(node := order[i])
        assert leaf is not None
        if r is not None and r not in of:
            of[r] = memory(made[r], node.outputs, node.source)
        pairs.append((leaf, None if r is None else of[r]))
    return pairs


def _is_end(node: Node) -> bool:
    """Does no gradient pass here, and is nothing to be computed below? Then what is below is an
    earlier step, of weights updated by hand or of a state detached from it: it is let go.
    """
    prim = node.prim
    if type(prim) is Data:
        return True
    if type(prim) is StopGradient:
        source = node.inputs[0]
        if node.value is None and execute.is_known(source):
            node.value = (execute.buffer_of(source),)
        if node.value is not None:
            become(node, Data(*node.value))
        return node.value is not None
    if (leaf := leaf_of(node)) is not None:
        return leaf._leaf and execute.is_known(node)
    if type(prim) not in execute.MOVES or not _shows_given(node):
        return False
    become(node, Data(execute.buffer_of(node)))
    return True


def _shows_given(node: Node) -> bool:
    """Does what only moves elements name those of arrays that no gradient belongs to? Of numbers
    alone it stays what it is: others share such a node.
    """
    if not execute.is_at_hand(node):
        return False
    behind = topological([node], stop=lambda n: type(n.prim) not in execute.MOVES)
    return any(type(n.prim) is Data for n in behind) and all(
        leaf_of(n) is None and (type(n.prim) in (Data, *execute.MOVES) or execute.is_number(n))
        for n in behind)


def _walk(loss: Node) -> tuple[list[Node], Hashable | None]:
    """The nodes behind a result, inputs before users, and what the pass depends on: operations,
    shapes, which nodes are leaves, known or shown; None where something has no value.

    `topological` and a look at every node, in one loop: every step of a loop by hand comes here.
    """
    order: list[Node] = []
    place: dict[Node, int] = {}
    lines: list[Any] = [execute.backend_name()]
    stack, seen, symbolic = [loss], set[Node](), False
    while stack:
        node = stack.pop()
        if node in place:
            continue
        prim, end = node.prim, False
        if node not in seen:
            end = _is_end(node)
            if node.inputs and not end:
                seen.add(node)
                stack.append(node)
                stack.extend([x for x in reversed(node.inputs) if x not in place])
                continue
        place[node] = len(order)
        order.append(node)
        wants = node.leaf is not None and (leaf := leaf_of(node)) is not None and leaf.requires_grad
        if end:
            lines.append((node.outputs[0], wants))
        elif _is_shared(node):
            lines.append((prim, *[place[x] for x in node.inputs]))
        else:                                  # a mark is new every time, and no operation
            symbolic = symbolic or type(prim) is Input
            lines.append((Alias if type(prim) is Alias else prim, wants, node.value is None,
                          node.shown is not None and node in _live,
                          *[place[x] for x in node.inputs]))
    return order, None if symbolic else tuple(lines)


def _is_shared(node: Node) -> bool:
    """Is it a number, and no weight? All who need it have one node, with a value when somebody has
    looked at it: a pass reckons with neither.
    """
    return execute.is_number(node) and (node.leaf is None or leaf_of(node) is None)


def _derived(order: Sequence[Node], loss: Node, cotangent: Node) -> _Pass | None:
    """The pass of these nodes; None if it reads memory that they do not name."""
    place = {n: i for i, n in enumerate(order)}
    leaves = [n for n in order if (t := leaf_of(n)) is not None and t.requires_grad]
    grads = reverse([loss], [cotangent], leaves)
    kept = [n for n in order if n in _live and not execute.is_known(n) and not _is_shared(n)
            and len(n.outputs) == 1]
    wanted = [*dict.fromkeys([*kept, *(g for g in grads if g is not None)])]
    def given(node: Node) -> bool:           # others have a value by chance: the next pass has not
        return type(node.prim) is Data or (
            node in place and not _is_shared(node) and execute.is_at_hand(node))
    if any(map(given, wanted)):                             # a gradient that is a given number
        return None
    plan = execute.planned(wanted, given=given)
    if any(n not in place and not n.prim.constant for n in plan.known):
        return None
    known = [execute.memory_of(n) if n.prim.constant or n not in place else place[n]
             for n in plan.known]
    return _Pass(plan.executable, known, [place[n] for n in kept],
                 [(place[n], None if g is None else wanted.index(g))
                  for n, g in zip(leaves, grads, strict=True)])
