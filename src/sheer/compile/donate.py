"""Donation: may a kernel write its result over a value it reads itself?"""

from __future__ import annotations

from ..graph import Node
from ..ops.index.gather import ScatterAdd, ScatterSet
from ..ops.loop import Scan
from .bodies import Draft
from .indexing.turns import operands
from .indexing.views import Place
from .nest import is_reduction, nest_of
from .rewrites.winograd import PRODUCTS
from .roots import home, is_running


def may_overwrite(writer: Draft, value: Node, target: Node) -> bool:
    """Is `target` untouched by the kernel, or read only where and when it is overwritten?"""
    if value.spec.size != target.spec.size or value.dtype != target.dtype:
        return False
    if target not in writer.reads:
        return True
    read = writer.body.inputs[writer.reads.index(target)]
    if writer.kind == "loop":
        return _carried(writer, value, read)
    if writer.kind == "host":
        return True                       # a host operation is finished before its result is stored
    if writer.kind == "index":
        return _indexed(writer, read)
    return writer.kind != "block" and _same_place(writer, read)


def _carried(writer: Draft, value: Node, read: Node) -> bool:
    """Is the input the start of just this carried value?"""
    scan = next(n for n in writer.body.nodes if isinstance(n.prim, Scan))
    places = [i for i, x in enumerate(scan.inputs) if x is read]
    number = writer.writes.index(value)
    used = any(read in n.inputs for n in writer.body.nodes if n is not scan)
    return places == [scan.prim.num_consts + number] and not used  # type: ignore[attr-defined]


def _indexed(writer: Draft, read: Node) -> bool:
    """Is the input what a scatter updates or a running sum goes over, and nothing else?"""
    node = writer.body.outputs[0]
    if is_running(node):
        return node.inputs[0] is read
    table, *rest = node.inputs
    scatters = isinstance(node.prim, ScatterAdd | ScatterSet)
    return scatters and home(table) is read and not any(_reaches(x, read) for x in rest)


def _same_place(writer: Draft, read: Node) -> bool:
    """Does every turn of the loops read the element that it writes?"""
    leads = [n for n in writer.body.nodes if isinstance(n.prim, PRODUCTS) or is_reduction(n)]
    nest = nest_of(leads[0] if leads else writer.body.outputs[0])
    mine = nest.place(read)
    if nest.reduced and nest.spans(read):
        return False                      # a later stage of the row might read it again
    seen: set[tuple[Node, Place]] = set()
    stack: list[tuple[Node, Place]] = []
    for node in writer.body.outputs:
        place = nest.place(node)
        assert place is not None
        stack.append((node, place))
    while stack:
        node, at = stack.pop()
        if (node, at) in seen:
            continue
        seen.add((node, at))
        if node is read and at != mine:
            return False
        if is_reduction(node):
            place = nest.full(node.inputs[0].shape)
            assert place is not None
            stack.append((node.inputs[0], place))
        elif isinstance(node.prim, PRODUCTS):
            if _reaches(node, read):
                return False
        else:
            stack.extend(operands(node, at))
    return True


def _reaches(node: Node, wanted: Node) -> bool:
    stack = [node]
    while stack:
        node = stack.pop()
        if node is wanted:
            return True
        stack.extend(node.inputs)
    return False
