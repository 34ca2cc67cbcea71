"""Several tensors in, one or several out: cat, stack, where, einsum, meshgrid, ..."""

# mypy: no-warn-return-any, allow-untyped-calls

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import ops
from .graph.dtypes import promote
from .graph.errors import ArgumentError, DTypeError, ShapeError
from .mixins.core import Core, apply
from .mixins.naming import called, renaming
from .mixins.shapes import axis_of
from .ops.lift import broadcast_shapes as shapes_of
from .ops.lift import cast
from .tensor import Tensor, as_tensor

__all__ = ["atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "broadcast_shapes",
           "broadcast_tensors", "cartesian_prod", "cat", "column_stack", "combinations",
           "concat", "concatenate", "dstack", "einsum", "eval", "hstack", "is_tensor",
           "meshgrid", "polygamma", "real", "row_stack", "stack", "vstack", "where"]


def cat(tensors: Sequence[Any], dim: int | None = 0) -> Tensor:
    """Tensors one after the other along an axis, in the dtype they meet in; None flattens first.

    Shape   (*S0), (*S1), ... -> equal but for `dim`, where lengths add up
    Raises  E116 when other axes differ, E118 for no tensors
    Source  torch.cat
    """
    many = _together("cat", tensors)
    if dim is None:
        many, dim = [t.reshape(-1) for t in many], 0
    if any(t.ndim != 1 or t.shape[0] for t in many):      # torch ignores those of shape (0,)
        many = [t for t in many if t.shape != (0,)] if any(t.ndim > 1 for t in many) else many
    at = axis_of("cat", many[0].node, dim)
    with called("cat"):
        return apply(lambda *xs: ops.concat(xs, at), *many)


def stack(tensors: Sequence[Any], dim: int = 0) -> Tensor:
    """Tensors of one shape along a new axis.

    Shape   (*S) each -> (*S) with a new axis at `dim`
    Raises  E116 when shapes differ, E118 for no tensors
    Source  torch.stack
    """
    many = _together("stack", tensors)
    at = axis_of("stack", many[0].node, dim, 1)
    if any(t.shape != many[0].shape for t in many):
        raise ShapeError("E116", "stack", "the tensors differ in shape",
                         got={f"x{i}": t.node for i, t in enumerate(many)}, need="equal shapes")
    return apply(lambda *xs: ops.stack(xs, at), *many)


cat, stack = (renaming(f, {"axis": "dim", "arrays": "tensors"}) for f in (cat, stack))
concat = concatenate = cat


def hstack(tensors: Sequence[Any]) -> Tensor:
    """One after the other along the second axis; vectors along the first."""
    many = atleast_1d(tuple(tensors))
    return cat(many, 0 if many[0].ndim == 1 else 1)


def vstack(tensors: Sequence[Any]) -> Tensor:
    """One after the other along the first axis; vectors as rows."""
    return cat(atleast_2d(tuple(tensors)), 0)


row_stack = vstack


def dstack(tensors: Sequence[Any]) -> Tensor:
    """One after the other along the third axis."""
    return cat(atleast_3d(tuple(tensors)), 2)


def column_stack(tensors: Sequence[Any]) -> Tensor:
    """As hstack, with vectors as columns."""
    return cat([as_tensor(t).reshape(-1, 1) if as_tensor(t).ndim < 2 else t for t in tensors], 1)


def atleast_1d(*tensors: Any) -> Any:
    """Numbers as vectors of length 1."""
    return _each(tensors, lambda t: t.reshape(1) if t.ndim == 0 else t)


def atleast_2d(*tensors: Any) -> Any:
    """Numbers and vectors as matrices with one row."""
    return _each(tensors, lambda t: t.reshape(1, -1) if t.ndim < 2 else t)


def atleast_3d(*tensors: Any) -> Any:
    """With three axes: vectors along the second one, matrices in the first two."""
    def three(t: Tensor) -> Tensor:
        return t.reshape(1, -1, 1) if t.ndim < 2 else t.unsqueeze(2) if t.ndim == 2 else t
    return _each(tensors, three)


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """input where the condition holds, else other; with the condition alone, its places.

    Shape   broadcast of all three
    Source  torch.where
    """
    if input is None and other is None:
        return as_tensor(condition).nonzero(as_tuple=True)
    chosen: Tensor = apply(ops.where,
                           condition if isinstance(condition, Core) else as_tensor(condition),
                           input, other)
    return chosen


def einsum(equation: str, *operands: Any) -> Tensor:
    """Sums of products in Einstein's notation: einsum("bij,bjk->bik", x, y).

    Raises  E103 for an equation that does not fit
    Source  torch.einsum
    """
    if not isinstance(equation, str):
        raise DTypeError("E103", "einsum", f"the equation is a {type(equation).__name__}",
                         need='a text such as "ij,jk->ik", then the tensors')
    many = operands[0] if len(operands) == 1 and isinstance(operands[0], list | tuple) else operands
    return apply(lambda *xs: ops.contract.einsum(equation, *xs), *_together("einsum", many))


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """Every tensor expanded to the shape they share.

    Raises  E102 when there is none
    """
    many = [as_tensor(t) for t in tensors]
    shape = shapes_of("broadcast_tensors", [t.node for t in many]) if many else ()
    return tuple(t.expand(shape) for t in many)


def broadcast_shapes(*shapes: Any) -> tuple[int, ...]:
    """The shape that shapes broadcast to. Raises E102 when there is none."""
    import numpy as np
    given = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    try:
        return np.broadcast_shapes(*given)
    except ValueError:
        raise ShapeError("E102", "broadcast_shapes",
                         f"shapes {' and '.join(map(str, given))} do not broadcast",
                         need="equal lengths, or 1, on every axis counted from the last") from None


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """The coordinates of a grid, one tensor per axis.

    indexing: "ij" (torch's default: axis i belongs to vector i) or "xy" (the first two exchanged)
    Shape   (n0,), (n1,), ... -> (n0, n1, ...) each
    Raises  E191 for another indexing, E110 for more than one axis
    """
    if indexing not in ("ij", "xy"):
        raise ArgumentError("E191", "meshgrid", f"there is no indexing {indexing!r}",
                            need='"ij" or "xy"')
    many = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], list | tuple) else tensors
    lines = [as_tensor(t) for t in many]
    wide = next((t for t in lines if t.ndim > 1), None)
    if wide is not None:
        raise ShapeError("E110", "meshgrid", f"has no meaning for {wide.ndim} axes",
                         got={"x": wide.node}, need="vectors",
                         tries=[("x.flatten()", lambda: None)])
    lines = [t.reshape(-1) for t in lines]
    if indexing == "xy" and len(lines) > 1:
        lines[0], lines[1] = lines[1], lines[0]
    shape = tuple(t.shape[0] for t in lines)
    grid = [t.reshape(*(-1 if i == j else 1 for j in range(len(lines)))).expand(shape)
            for i, t in enumerate(lines)]
    if indexing == "xy" and len(lines) > 1:
        grid[0], grid[1] = grid[1], grid[0]
    return tuple(grid)


def cartesian_prod(*tensors: Any) -> Tensor:
    """All combinations of one element of each vector, as rows."""
    if len(tensors) == 1:
        return as_tensor(tensors[0])
    return stack([g.reshape(-1) for g in meshgrid(*tensors)], 1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All combinations of r elements of a vector, in order, as rows. Raises E191 for r below 0."""
    import itertools

    import numpy as np
    if r < 0:
        raise ArgumentError("E191", "combinations", f"groups of {r}", need="r >= 0")
    pick = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = np.array(list(pick(range(input.shape[0]), r)), np.int64).reshape(-1, r)
    return input[rows]


def block_diag(*tensors: Any) -> Tensor:
    """Matrices along the diagonal of a larger one, zeros elsewhere."""
    many = [t if t.ndim == 2 else t.reshape(1, -1) for t in _together("block_diag", tensors)]
    width, rows, left = sum(t.shape[1] for t in many), [], 0
    for t in many:
        right = width - left - t.shape[1]
        rows.append(apply(lambda x, a=left, b=right: ops.pad(x, [(0, 0, 0), (a, b, 0)]), t))
        left += t.shape[1]
    return cat(rows, 0)


def polygamma(n: int, input: Any) -> Tensor:
    """Derivative number n of digamma; the order comes first (torch.polygamma)."""
    return as_tensor(input).polygamma(n)


def real(input: Any) -> Tensor:
    """The tensor itself: its numbers are real."""
    return as_tensor(input)


def is_tensor(obj: Any) -> bool:
    """Is it a Tensor?"""
    return isinstance(obj, Tensor)


def eval(*tensors: Any) -> None:
    """Run what is pending for tensors, or nests of them, as one program."""
    from .mixins.core import evaluate
    from .transforms import tree
    evaluate([t for t in tree.leaves(tensors) if isinstance(t, Core)])


def _together(op: str, tensors: Sequence[Any]) -> list[Tensor]:
    """All as tensors of the dtype they meet in."""
    if isinstance(tensors, Core):
        raise ArgumentError("E118", op, "one tensor alone", got={"x": tensors.node},
                            need="a list or tuple of tensors",
                            tries=[(f"{op}([x, y])", lambda: None)])
    if not len(tensors):
        raise ArgumentError("E118", op, "there are no tensors", need="at least one")
    with called(op):
        many = [as_tensor(t) for t in tensors]
    dtype = many[0].dtype
    for t in many[1:]:
        dtype = promote(dtype, t.dtype)
    return [apply(cast, t, dtype=dtype) if t.dtype != dtype else t for t in many]


def _each(tensors: Sequence[Any], change: Any) -> Any:
    """The change made to every tensor; of one, the result itself."""
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], list | tuple) else tensors
    out = tuple(change(as_tensor(t)) for t in given)
    return out[0] if len(tensors) == 1 and not isinstance(tensors[0], list | tuple) else out
