"""einsum: sums of products, in Einstein's notation, as reductions and dots of pairs."""

from __future__ import annotations

import itertools
import math
import string
from collections.abc import Sequence
from typing import NamedTuple

from ...graph.errors import ArgumentError, DTypeError, ShapeError
from ...graph.node import Node
from .. import movement, reduce
from .dot import dot_general

Labels = tuple[object, ...]


class Term(NamedTuple):
    """An operand and one label per axis: a letter, or ("...", i) for axis i from the right."""

    node: Node
    labels: Labels


def einsum(equation: str, *nodes: Node) -> Node:
    """The sum, over all indices that the result lacks, of the products of elements.

    A letter repeated within an operand takes its diagonal; "..." stands for leading axes, which
    broadcast; without "->" the result has "..." and then every letter that appears once, in
    alphabetical order. Pairs are multiplied cheapest first, counted in multiplications.

    Shape   "bij,bjk->bik" x (B, I, J), y (B, J, K) -> (B, I, K)
    Dtype   number -> the same, for all operands
    Raises  E103 for an equation that does not fit the operands, E105 when dtypes differ
    Source  numpy.einsum, torch.einsum
    """
    inputs, output = _parse(equation, nodes)
    sizes = _sizes(inputs, nodes)
    operands = [Term(n, labels) for n, labels in zip(nodes, inputs, strict=True)]
    terms = [_diagonals(_squeezed(t, sizes)) for t in operands]
    while len(terms) > 1:
        i, j = _cheapest(terms, sizes)
        others = [t for k, t in enumerate(terms) if k not in (i, j)]
        terms = [*others[:i], _product(terms[i], terms[j], _wanted(others, output)), *others[i:]]
    last = _summed(terms[0], set(output))
    return movement.permute(last.node, [last.labels.index(label) for label in output])


# ---- reading the equation ------------------------------------------------------------------------

def _parse(equation: str, nodes: Sequence[Node]) -> tuple[list[Labels], Labels]:
    """Labels of every operand and of the result."""
    text = equation.replace(" ", "")
    left, arrow, right = text.partition("->")
    for part in (*left.split(","), right):
        wrong = set(part.replace("...", "", 1)) - set(string.ascii_letters)
        if wrong:
            raise ArgumentError("E103", "einsum", f"{min(wrong)!r} in {equation!r} is no index",
                                need='letters, "," between operands, one "..." in each, one "->"')
    parts = left.split(",")
    if len(parts) != len(nodes) or not nodes:
        raise ArgumentError("E103", "einsum", f"{equation!r} lists {len(parts)} operands, not "
                            f"{len(nodes)}", need="one list of indices for every operand")
    inputs = [_labels(i, part, n) for i, (part, n) in enumerate(zip(parts, nodes, strict=True))]
    dots = sorted({a for labels in inputs for a in labels if isinstance(a, tuple)}, reverse=True)
    if arrow:
        return inputs, _result(right, inputs, dots)
    letters = sorted(c for c in set(left) & set(string.ascii_letters) if left.count(c) == 1)
    return inputs, (*dots, *letters)


def _labels(number: int, part: str, node: Node) -> Labels:
    """One label per axis of operand `number`."""
    before, dots, after = part.partition("...")
    named = len(before) + len(after)
    if named > node.ndim or (not dots and named < node.ndim):
        raise ShapeError("E103", "einsum", f"{part!r} names {named} axes of operand {number}, not "
                         f"{node.ndim}", got={f"operand {number}": node},
                         need=f"one index for each of {node.ndim} axes, or ...",
                         tries=[(f"...{part}", lambda: _labels(number, f"...{part}", node))])
    hidden = [("...", i) for i in reversed(range(node.ndim - named))]
    return (*before, *(hidden if dots else ()), *after)


def _result(right: str, inputs: Sequence[Labels], dots: Sequence[object]) -> Labels:
    """Labels of the result as written."""
    before, ellipsis, after = right.partition("...")
    output = (*before, *(dots if ellipsis else ()), *after)
    for letter in before + after:
        if output.count(letter) > 1:
            raise ArgumentError("E103", "einsum", f"index {letter!r} appears twice in the result",
                                need="every index of the result once")
        if not any(letter in labels for labels in inputs):
            raise ArgumentError("E103", "einsum", f"index {letter!r} of the result has no operand",
                                need="every index of the result in an operand")
    return output


def _sizes(inputs: Sequence[Labels], nodes: Sequence[Node]) -> dict[object, int]:
    """Length of every index; 1 gives way to any other."""
    if len({n.dtype for n in nodes}) > 1:
        raise DTypeError("E105", "einsum", "operands differ in dtype",
                         got={f"operand {i}": n for i, n in enumerate(nodes)}, need="one dtype")
    sizes: dict[object, int] = {}
    owner: dict[object, int] = {}
    for number, (labels, node) in enumerate(zip(inputs, nodes, strict=True)):
        for label, size in zip(labels, node.shape, strict=True):
            if sizes.get(label, 1) == 1:
                sizes[label], owner[label] = size, number
            elif size not in (1, sizes[label]):
                first = owner[label]
                name = repr(label) if isinstance(label, str) else "..."
                raise ShapeError("E103", "einsum", f"index {name} is {sizes[label]} in operand "
                                 f"{first} and {size} in operand {number}",
                                 got={f"operand {i}": nodes[i] for i in sorted({first, number})},
                                 need="one length for every index")
    return sizes


# ---- computing -----------------------------------------------------------------------------------

def _squeezed(term: Term, sizes: dict[object, int]) -> Term:
    """Without axes of length 1 whose index is longer elsewhere: they broadcast."""
    kept = [i for i, label in enumerate(term.labels) if term.node.shape[i] == sizes[label]]
    return Term(movement.reshape(term.node, [term.node.shape[i] for i in kept]),
                tuple(term.labels[i] for i in kept))


def _diagonals(term: Term) -> Term:
    """Every repeated label once: a view of stride n + 1."""
    for label in dict.fromkeys(term.labels):
        while term.labels.count(label) > 1:
            i = term.labels.index(label)
            j = term.labels.index(label, i + 1)
            rest = [k for k in range(len(term.labels)) if k not in (i, j)]
            n, shape = term.node.shape[i], [term.node.shape[k] for k in rest]
            square = movement.reshape(movement.permute(term.node, (i, j, *rest)), (n * n, *shape))
            zeros, ones = [0] * len(rest), [1] * len(rest)
            line = movement.slice_(square, [0, *zeros], [n * n, *shape], [n + 1, *ones])
            term = Term(line, (label, *(term.labels[k] for k in rest)))
    return term


def _summed(term: Term, wanted: set[object]) -> Term:
    """Without the labels that nobody wants."""
    lost = [i for i, label in enumerate(term.labels) if label not in wanted]
    if not lost:
        return term
    return Term(reduce.sum(term.node, lost), tuple(a for a in term.labels if a in wanted))


def _wanted(others: Sequence[Term], output: Sequence[object]) -> set[object]:
    """Labels that are still needed."""
    return {*output, *(label for t in others for label in t.labels)}


def _cheapest(terms: Sequence[Term], sizes: dict[object, int]) -> tuple[int, int]:
    """The pair with the fewest multiplications; of equals the leftmost."""
    def cost(pair: tuple[int, int]) -> int:
        labels = {*terms[pair[0]].labels, *terms[pair[1]].labels}
        return math.prod(sizes[a] for a in labels)
    return min(itertools.combinations(range(len(terms)), 2), key=cost)


def _product(a: Term, b: Term, wanted: set[object]) -> Term:
    """Two operands as one, summed over what nobody else wants."""
    a, b = _summed(a, wanted | {*b.labels}), _summed(b, wanted | {*a.labels})
    both = [label for label in a.labels if label in b.labels]
    if all(label in wanted for label in both):
        return _elementwise(a, b)
    place = lambda t, labels: tuple(t.labels.index(label) for label in labels)
    batch, contract = ([x for x in both if x in wanted], [x for x in both if x not in wanted])
    node = dot_general(a.node, b.node, (place(a, contract), place(b, contract)),
                       (place(a, batch), place(b, batch)))
    free = [label for t in (a, b) for label in t.labels if label not in both]
    return Term(node, (*batch, *free))


def _elementwise(a: Term, b: Term) -> Term:
    """The product without a sum: a multiplication that broadcasts."""
    labels = (*a.labels, *(x for x in b.labels if x not in a.labels))
    def aligned(t: Term) -> Node:
        order = [t.labels.index(x) for x in labels if x in t.labels]
        lengths = iter(movement.permute(t.node, order).shape)
        return movement.reshape(movement.permute(t.node, order),
                                [next(lengths) if x in t.labels else 1 for x in labels])
    product: Node = aligned(a) * aligned(b)
    return Term(product, labels)
