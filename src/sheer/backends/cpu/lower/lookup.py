"""Index kernels: a body flows in; which code it gets, its scratch and its split come out."""

from __future__ import annotations

from collections.abc import Sequence

from sheer.compile.roots import is_running
from sheer.graph import Graph
from sheer.graph.dtypes import bool_
from sheer.ops.index.gather import Gather

from ..ir.builder import Builder
from ..ir.target import Target
from ..ir.values import Value, constant
from ..runtime.threads import thread_count
from .contract import Split
from .gather import GatherKernel
from .running import RunningKernel, running_units
from .scatter import ScatterKernel, split_scatter
from .sort import SortKernel, sort_scratch, sort_work, sorted_node
from .split import is_worth, split_gather, split_lines
from .topk import TopKernel, top_node, top_work

_STEP = 0.5     # nanoseconds per element of a running sum


def write_index(b: Builder, body: Graph, inputs: Sequence[Value], outputs: Sequence[Value],
                scratch: Value, split: Split | None, limits: tuple[Value, Value] | None) -> Value:
    """The kernel, or its part within the limits; whether every index was in range."""
    if sorted_node(body) is not None:
        SortKernel(b, body, inputs, outputs, scratch).write(limits)
    elif top_node(body) is not None:
        TopKernel(b, body, inputs, outputs).write(limits)
    elif is_running(body.outputs[0]):
        RunningKernel(b, body, inputs, outputs[0]).write(limits)
    elif isinstance(body.outputs[0].prim, Gather):
        return GatherKernel(b, body, inputs, outputs[0]).write(limits)
    else:
        return ScatterKernel(b, body, inputs, outputs[0]).update(split, limits)
    return constant(True, bool_)


def index_scratch(body: Graph, target: Target) -> int:
    """Bytes of memory that one thread needs."""
    return sort_scratch(body, target) if sorted_node(body) is not None else 0


def split_index(body: Graph, target: Target) -> Split | None:
    """How the work is cut, if it is worth it."""
    if sorted_node(body) is not None:
        return split_lines(*sort_work(body, target))
    if top_node(body) is not None:
        return split_lines(*top_work(body, target))
    if is_running(body.outputs[0]):
        return split_lines(running_units(body, target), _STEP * body.outputs[0].size)
    if isinstance(body.outputs[0].prim, Gather):
        return split_gather(body)
    table, *_, updates = body.outputs[0].inputs
    moved = (2 * table.size + 3 * updates.size) * table.dtype.size
    worth = is_worth(moved) and thread_count() > 1
    return split_scatter(body, target, thread_count()) if worth else None
