"""Checkpoint: a graph as one node, whose derivative computes the graph's values again."""

from __future__ import annotations

from ..graph.dtypes import float64
from ..graph.graph import Graph
from ..graph.interpret import interpret
from . import batching, sampling, walk
from .cost import flops
from .primitive import KernelIn, Primitive, results
from .structure import Barrier, Input


class Checkpoint(Primitive):
    """The results of `body`; the backward pass recomputes what it needs from the inputs.

    Shape   the inputs of body -> the outputs of body
    Source  Chen et al. 2016, arXiv:1604.06174
    """
    body: Graph
    many = True
    emit, xla = KernelIn("compile: inlined before anything else"), "remat"

    def infer(self, *inputs): return tuple(o.spec for o in self.body.outputs)
    def flops(self, out, *inputs): return flops(self.body)
    def ref(self, *arrays): return tuple(interpret(self.body, arrays))
    def vjp(self, cts, outs, *inputs):
        after = next(c for c in cts if c.dtype.is_floating_point)
        again = [Barrier()(x, after) for x in inputs]         # not before the backward pass is here
        values = self.body(*again)
        floats = [(v, c) for v, c in zip(values, cts, strict=True) if v.dtype.is_floating_point]
        grads = walk.vjp_nodes([v for v, _ in floats], [c for _, c in floats], again)
        return tuple(g if x.dtype.is_floating_point else None
                     for x, g in zip(inputs, grads, strict=True))
    def batch(self, args, at):
        size = batching.batch_size(args, at)
        new = [Input(i, (size, *old.shape), old.dtype)() for i, old in enumerate(self.body.inputs)]
        mapping = dict(zip(self.body.inputs, new, strict=True))
        outs = walk.batch_nodes(self.body.outputs, mapping, size)
        node = Checkpoint(Graph(new, outs))(*batching.all_to_front(args, at))
        return results(node), (0,) * len(outs)

    @classmethod
    def samples(cls):
        x = Input(0, (3,), float64)()
        from .elementwise import tanh
        return sampling.arrays(cls(Graph([x], [tanh(x) * x, x + x])), (3,))
