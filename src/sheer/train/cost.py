"""A rough cost of a graph: nodes flow in, seconds come out. Good to a factor of a few."""

from __future__ import annotations

import math

from ..graph.graph import Graph
from ..graph.node import Node

FLOPS = 5e10                  # multiply-adds a second and core that dense kernels reach or exceed
BYTES = 1e10                  # bytes a second of everything else


def estimate_seconds(graph: Graph) -> float:
    """Time of one run: products at FLOPS, all other values written once at BYTES."""
    return sum(_seconds(n) for n in graph.nodes)


def _seconds(node: Node) -> float:
    name = type(node.prim).__name__
    size = sum(s.size for s in node.outputs)
    if name == "Dot":
        return 2 * size * node.inputs[0].shape[-1] / FLOPS
    if name in ("Conv", "ConvInput", "ConvWeight"):
        return 2 * _conv_products(node) / FLOPS
    return 0.0 if node.prim.view else size * node.dtype.size / BYTES


def _conv_products(node: Node) -> int:
    """Multiply-adds of a convolution: each output element times the weights of one channel."""
    name, (a, b) = type(node.prim).__name__, node.inputs
    out, weight = {"Conv": (node, b), "ConvInput": (a, b), "ConvWeight": (b, node)}[name]
    return out.size * math.prod(weight.shape[1:])
