"""Blocks: a graph over scores as one node, computed a block of rows at a time; made by a pass."""

from __future__ import annotations

from ..graph.dtypes import float64
from ..graph.graph import Graph
from ..graph.interpret import interpret
from . import sampling
from .cost import flops
from .primitive import KernelIn, NotBatched, NotDifferentiable, Primitive
from .structure import Input


class Blocks(Primitive):
    """The results of `body`, of whose products (*B, M, N) no whole one ever lies in memory.

    Only the compiler makes it, from products whose rows are reduced and multiplied again.

    Shape   the inputs of body -> the outputs of body
    Source  Dao et al. 2022, arXiv:2205.14135, for one core: rows fit its cache as a whole
    """
    body: Graph
    many = True
    emit = KernelIn("backends/cpu/lower/block.py")
    vjp = NotDifferentiable("made by the compiler, after derivatives")
    batch = NotBatched("made by the compiler, after batching")
    xla = "remat"

    def infer(self, *inputs): return tuple(o.spec for o in self.body.outputs)
    def flops(self, out, *inputs): return flops(self.body)
    def ref(self, *arrays): return tuple(interpret(self.body, arrays))

    @classmethod
    def samples(cls):
        from .contract.dot import Dot
        from .elementwise import exp
        from .reduce import Sum, restore
        q, k, v = (Input(i, s, float64)() for i, s in enumerate([(4, 9, 2), (4, 2, 8), (4, 8, 3)]))
        e = exp(Dot()(q, k))
        rows = Sum((2,))(e)
        found = Dot()(e / restore(rows, e.shape, (2,)), v)
        return sampling.arrays(cls(Graph([q, k, v], [found, rows])), (4, 9, 2), (4, 2, 8),
                               (4, 8, 3))
