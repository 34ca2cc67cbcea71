"""Faults: a program flows in; the inputs that a run which fails leaves half written flow out.

A kernel can fail when an index is out of range, or in NumPy on a host kernel. What has been written
over an input by then must be put back. Most programs look their indices up before they update
anything, so that nothing need be kept; a loop that does both per step needs a copy per call.
"""

from __future__ import annotations

from ..ops.index.gather import Gather, ScatterAdd, ScatterSet
from .program import Kernel, Program


def endangered(program: Program) -> tuple[int, ...]:
    """The inputs that may have been written to when a kernel fails."""
    checked: set[object] = set()
    found: dict[int, None] = {}
    written: list[int] = []
    for kernel in program.kernels:
        written += [s.at for s in kernel.writes if s.where == "input"]
        if _can_fail(kernel, checked):
            found |= dict.fromkeys(written)
    return tuple(found)


def _can_fail(kernel: Kernel, checked: set[object]) -> bool:
    """Can it? `checked` are the indices that have been looked up already, and are added to."""
    if kernel.inner is not None:
        inside: set[object] = set()
        return any(_can_fail(k, inside) for k in kernel.inner.kernels)
    if kernel.kind != "index":
        return kernel.kind == "host"
    node = kernel.made[0]
    prim = node.prim
    if not isinstance(prim, Gather | ScatterAdd | ScatterSet):
        return False                       # a sort or a running sum has no indices
    table, *rest = node.inputs
    range_ = tuple(rest[:prim.k]), table.shape[:prim.k], prim.wrap
    known = range_ in checked
    checked.add(range_)
    return not known
