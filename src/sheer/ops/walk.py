"""The two walks over a graph that rules make: backward with `vjp`, forward with `batch`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..graph.errors import DTypeError
from ..graph.node import Node, topological
from ..graph.source import inherit
from . import batching
from .elementwise import Cast, Where, where
from .elementwise.family import zeros_like
from .movement import broadcast_to
from .primitive import Absent, results
from .structure import Pick, StopGradient, constant

Mask = tuple[Node, bool]          # a condition, and the value of it for which the cotangent is kept


def vjp_nodes(outputs: Sequence[Node], cotangents: Sequence[Node], inputs: Sequence[Node],
              ) -> list[Node]:
    """For each input, the sum over outputs of cotangent times derivative; zeros without a path.

    Source: reverse accumulation, Griewank and Walther 2008, Evaluating Derivatives, section 3.2.
    Raises DTypeError E601 on the way through an operation that has no derivative.
    """
    found = reverse(outputs, cotangents, inputs)
    return [zeros_like(x) if g is None else g for x, g in zip(inputs, found, strict=True)]


def reverse(outputs: Sequence[Node], cotangents: Sequence[Node], inputs: Sequence[Node],
            ) -> list[Node | None]:
    """As vjp_nodes, with None where there is no path from the input to any output."""
    return _Reverse(outputs, inputs).run(outputs, cotangents)


class _Reverse:
    """One backward walk: which nodes matter, what has flowed into each, under which masks."""

    def __init__(self, outputs: Sequence[Node], inputs: Sequence[Node]) -> None:
        self.inputs = inputs
        self.order = topological(outputs)
        self.matters: set[Node] = set(inputs)
        for node in self.order:
            if any(x in self.matters for x in node.inputs) and not isinstance(node.prim, StopGradient):
                self.matters.add(node)
        self.flowed: dict[tuple[Node, int], list[Node]] = {}
        self.masks: dict[Node, Mask] = {}

    def run(self, outputs: Sequence[Node], cotangents: Sequence[Node]) -> list[Node | None]:
        for out, ct in zip(outputs, cotangents, strict=True):
            self.add(out, ct)
        wanted = set(self.inputs)
        kept: dict[Node, Node | None] = {}
        for node in reversed(self.order):
            if node not in self.matters:
                continue
            with inherit(node.source):
                cts = [self.total(node, i) for i in range(len(node.outputs))]
                if node in wanted:
                    kept[node] = cts[0]
                if node.inputs and any(ct is not None for ct in cts):
                    self.through(node, cts)
        return [kept.get(x) for x in self.inputs]

    def add(self, node: Node, ct: Node | None) -> None:
        """Let ct flow into a node."""
        if ct is None or node not in self.matters or not node.dtype.is_floating_point:
            return
        self.flowed.setdefault((node, 0), []).append(ct)

    def total(self, node: Node, result: int) -> Node | None:
        """The sum of what flowed into one result; its mask, when all the terms share one."""
        terms = self.flowed.pop((node, result), None)
        if not terms:
            return None
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        masks = {self.masks.get(t) for t in terms}
        if len(masks) == 1 and None not in masks:
            self.masks[total] = masks.pop()  # type: ignore[assignment]
        return total

    def through(self, node: Node, cts: list[Node | None]) -> None:
        """Apply the node's own rule; what reached a Pick goes on into that result of its input."""
        if isinstance(node.prim, Pick):
            self.flowed.setdefault((node.inputs[0], node.prim.index), []).append(cts[0])
            return
        rule = node.prim.vjp
        if isinstance(rule, Absent):
            raise no_derivative(node, rule)
        if len(node.outputs) == 1 and not node.prim.many:
            grads = rule(cts[0], node, *node.inputs)
        else:
            full = tuple(zeros_like_spec(node, i) if ct is None else ct for i, ct in enumerate(cts))
            grads = rule(full, results(node), *node.inputs)
        for position, (x, g) in enumerate(zip(node.inputs, grads, strict=True)):
            if g is not None and x in self.matters:
                self.add(x, self.masked(node, position, cts[0], g))

    def masked(self, node: Node, position: int, ct: Node | None, g: Node) -> Node:
        """Keep a zero cotangent of an unselected branch zero, whatever it is multiplied with.

        Without this, where(x > 0, log(x), 0) has the gradient 0 * inf = NaN at x = 0.
        """
        if isinstance(node.prim, Where):
            self.masks[g] = (node.inputs[0], position == 1)
            return g
        mask = self.masks.get(ct) if ct is not None and node.prim.pointwise else None
        if mask is None or g.shape != mask[0].shape:
            return g
        if g is not ct and not isinstance(node.prim, Cast):
            none = zeros_like(g)
            g = where(mask[0], g, none) if mask[1] else where(mask[0], none, g)
        self.masks[g] = mask
        return g


def no_derivative(node: Node, rule: Absent) -> DTypeError:
    """E601: the gradient was asked through an operation that has none."""
    name = type(node.prim).__name__.lower()
    return DTypeError("E601", "grad", f"{name} has no derivative: {rule.reason}",
                      got={"result": node}, need="differentiable operations from input to loss",
                      tries=[("detach() in front of it, if no gradient should pass", lambda: None)])


def zeros_like_spec(node: Node, result: int) -> Node:
    """Zeros of the spec of one result of a node."""
    spec = node.outputs[result]
    return broadcast_to(constant(0, spec.dtype), spec.shape)


def batch_nodes(outputs: Sequence[Node], batched: Mapping[Node, Node], size: int) -> list[Node]:
    """The outputs with a leading axis of length `size`, when each key of `batched` stands for the
    examples stacked along axis 0 of its value. Outputs that depend on no key are repeated.
    """
    new: dict[Node, tuple[Node, int | None]] = {x: (b, 0) for x, b in batched.items()}
    many: dict[Node, tuple[tuple[Node, ...], tuple[int | None, ...]]] = {}
    for node in topological(outputs, stop=new.__contains__):
        if node in new or node in many:
            continue
        with inherit(node.source):
            _batch_one(node, new, many)
    return [batching.to_front(*new[o], size) for o in outputs]


def _batch_one(node, new, many) -> None:
    """Batch one node whose inputs are done."""
    if isinstance(node.prim, Pick) and node.inputs[0] in many:
        values, axes = many[node.inputs[0]]
        new[node] = values[node.prim.index], axes[node.prim.index]
        return
    args = [new[x] for x in node.inputs]
    at = [a for _, a in args]
    if all(a is None for a in at):
        new[node] = node, None
    elif len(node.outputs) == 1 and not node.prim.many:
        new[node] = node.prim.batch([x for x, _ in args], at)
    else:
        many[node] = node.prim.batch([x for x, _ in args], at)
