"""The two walks over a graph that rules make: backward with `vjp`, forward with `batch`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from ..graph.errors import DTypeError
from ..graph.node import Node, topological
from ..graph.source import inherit
from . import batching
from .elementwise import Add, Cast, Neg, Sub, Where, gt, logical_and, logical_not, logical_or, where
from .elementwise.family import zeros_like
from .lift import cast
from .movement import Concat, Pad, View, broadcast_to
from .primitive import Absent, results
from .reduce import Sum
from .structure import Alias, Pick, StopGradient, constant

# Their cotangents are sums of cotangents times 0, 1 or -1: no infinity can be born in them.
_PLAIN = (Add, Sub, Neg, Cast, Where, Alias)
# Linear with coefficients 0 and 1: the rule itself tells where the result of it can be nonzero.
_MOVES = (View, Concat, Pad, Sum)

# Functions that see the cotangent of a node on its way, and may give another one: hooks.
watchers: WeakKeyDictionary[Node, dict[int, Callable[[Node], Node | None]]] = WeakKeyDictionary()


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
            reached = any(x in self.matters for x in node.inputs)
            if reached and not isinstance(node.prim, StopGradient):
                self.matters.add(node)
        self.flowed: dict[tuple[Node, int], list[Node]] = {}
        self.masks: dict[Node, Node] = {}       # cotangent -> bools: False where it is silenced

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
                if cts[0] is not None and node in watchers:
                    cts[0] = _watched(node, cts[0])
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
        """The sum of what flowed into one result; masked where every term is."""
        terms = self.flowed.pop((node, result), None)
        if not terms:
            return None
        total, mask = terms[0], self.masks.get(terms[0])
        for term in terms[1:]:
            total, other = total + term, self.masks.get(term)
            mask = mask if other is mask else mask and other and logical_or(mask, other)
        if mask is not None:
            self.masks[total] = mask
        return total

    def through(self, node: Node, cts: list[Node | None]) -> None:
        """Apply the node's own rule; what reached a Pick goes on into that result of its input."""
        if isinstance(node.prim, Pick) and cts[0] is not None:
            self.flowed.setdefault((node.inputs[0], node.prim.index), []).append(cts[0])
        elif len(node.outputs) > 1 or node.prim.many:
            full = tuple(zeros_like_spec(node, i) if ct is None else ct for i, ct in enumerate(cts))
            for x, g in zip(node.inputs, cotangents(node, full), strict=True):
                self.add(x, g)
        elif cts[0] is not None:
            for position, g in enumerate(cotangents(node, cts[0])):
                if g is not None and node.inputs[position] in self.matters:
                    self.add(node.inputs[position], self.masked(node, position, cts[0], g))

    def masked(self, node: Node, position: int, ct: Node, g: Node) -> Node:
        """Keep a zero cotangent of an unselected branch zero, whatever it is multiplied with.

        Without this, where(x > 0, log(x), 0) has the gradient 0 * inf = NaN at x = 0. The mask is
        followed through elementwise operations, views and sums; others add finite multiples of
        zeros, unless the branch itself overflows inside them.
        """
        mask = self.masks.get(ct)
        if isinstance(node.prim, Where):
            chosen = node.inputs[0] if position == 1 else logical_not(node.inputs[0])
            mask = chosen if mask is None else logical_and(chosen, mask)
        elif mask is None:
            return g
        elif isinstance(node.prim, _MOVES):
            mask = gt(cotangents(node, cast(mask, g.dtype))[position], 0)
        elif not node.prim.pointwise:
            return g
        elif not isinstance(node.prim, _PLAIN):
            g = where(mask, g, zeros_like(g))
        self.masks[g] = mask
        return g


def _watched(node: Node, ct: Node) -> Node:
    """The cotangent after the hooks of a node."""
    for hook in tuple(watchers[node].values()):
        ct = hook(ct) or ct
    return ct


def cotangents(node: Node, ct: Any) -> Sequence[Node | None]:
    """What flows into the inputs of a node when ct, a tuple for several results, flows into it."""
    rule = node.prim.vjp
    if isinstance(rule, Absent):
        raise no_derivative(node, rule)
    several = len(node.outputs) > 1 or node.prim.many
    found: Sequence[Node | None] = rule(ct, results(node) if several else node, *node.inputs)
    return found


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
