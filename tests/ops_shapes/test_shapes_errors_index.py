"""Errors of indexing, sorting and einsum: the whole text, as a user reads it."""

import numpy as np
import pytest
from shapes_helpers import plain, run

from sheer.graph import ArgumentError, BoundsError, DTypeError, ShapeError
from sheer.ops import (
    Gather,
    ScatterAdd,
    ScatterSet,
    einsum,
    gather_nd,
    getitem,
    one_hot,
    scatter,
    scatter_add,
    setitem,
    sort,
    take,
    take_along,
    topk,
)

array = lambda dtype: lambda *shape: np.ones(shape, dtype)
f32, f64, i32, i64, flags = map(array, ["f4", "f8", "i4", "i8", "?"])

CASES = [
    (take, [f32(3, 4), np.array([[0, 1], [3, -4]])], BoundsError, """
take: index 3 at position (1, 0) is outside axis 0 of length 3
  x     : f32[3, 4]
  index : i64[2, 2]
  result: f32[2, 2, 4]
  need  : -3 <= index < 3
  more  : sheer explain E130"""),
    (lambda x, i: take(x, i, 1, wrap=False), [f32(3, 4), np.array([0, -1])], BoundsError, """
take: index -1 at position (1,) is outside axis 0 of length 4
  x     : f32[4, 3]
  index : i64[2]
  result: f32[2, 3]
  need  : 0 <= index < 4
  more  : sheer explain E130"""),
    (lambda x, i: take(x, i, 2), [f32(3, 4), np.array([0, -1])], ShapeError, """
take: axis 2 does not exist
  x    : f32[3, 4]
  need : -2 <= axis < 2
  more : sheer explain E110"""),
    (take, [f32(3, 4), f64(2)], DTypeError, """
take: indices are float64
  index: f64[2]
  need : integers
  try  : index.long()
  more : sheer explain E134"""),
    (lambda x: take(x, [0.5]), [f32(3, 4)], DTypeError, """
take: indices are float64
  index: [0.5]
  need : integers
  more : sheer explain E134"""),
    (lambda x: getitem(x, 3), [f32(3, 4)], BoundsError, """
getitem: index 3 is outside axis 0 of length 3
  x    : f32[3, 4]
  need : -3 <= index < 3
  more : sheer explain E130"""),
    (lambda x: getitem(x, (0, [1, 5])), [f32(3, 4)], BoundsError, """
getitem: index 5 at position (1,) is outside axis 1 of length 4
  x    : f32[3, 4]
  need : -4 <= index < 4
  more : sheer explain E130"""),
    (lambda x: getitem(x, (0, 0, 0)), [f32(3, 4)], BoundsError, """
getitem: 3 indices for 2 axes
  x    : f32[3, 4]
  need : at most 2 indices and one ...
  more : sheer explain E131"""),
    (lambda x: getitem(x, (..., ...)), [f32(3, 4)], BoundsError, """
getitem: more than one ...
  x    : f32[3, 4]
  need : at most 2 indices and one ...
  more : sheer explain E131"""),
    (lambda x: getitem(x, "a"), [f32(3, 4)], DTypeError, """
getitem: str is no index
  key  : 'a'
  need : ints, slices, None, ..., integer or boolean arrays
  more : sheer explain E134"""),
    (lambda x: getitem(x, 1.5), [f32(3, 4)], DTypeError, """
getitem: float is no index
  key  : 1.5
  need : ints, slices, None, ..., integer or boolean arrays
  more : sheer explain E134"""),
    (lambda x: getitem(x, slice(None, None, 0)), [f32(3, 4)], ArgumentError, """
getitem: a slice has step 0
  need : a step that moves
  more : sheer explain E135"""),
    (lambda x: getitem(x, slice(None, 2.5)), [f32(3, 4)], DTypeError, """
getitem: slice(None, 2.5, None) has bounds that are no Python integers
  need : ints known when the graph is built
  more : sheer explain E134"""),
    (lambda x: getitem(x, flags(4)), [f32(3, 4)], ShapeError, """
getitem: mask (4,) does not fit axis 0
  x    : f32[3, 4]
  need : a mask of shape (3,)
  more : sheer explain E136"""),
    (lambda x: getitem(x, flags(3, 3)), [f32(3, 4)], ShapeError, """
getitem: mask (3, 3) does not fit 2 axes from 0
  x    : f32[3, 4]
  need : a mask of shape (3, 4)
  more : sheer explain E136"""),
    (getitem, [f32(3, 4), flags(3, 4)], DTypeError, """
getitem: how many elements a mask selects depends on its values
  mask : bool[3, 4]
  need : a NumPy array of bools
  try  : where(mask, x, y)
  more : sheer explain E134"""),
    (setitem, [f32(3, 4), flags(3, 4), f64(5)], DTypeError, """
setitem: how many elements a mask selects depends on its values
  mask : bool[3, 4]
  need : a NumPy array of bools
  try  : where(mask, x, y)
  more : sheer explain E134"""),
    (lambda x, m: setitem(x, m, 0), [f32(3, 4), flags(4)], ShapeError, """
setitem: mask (4,) does not fit axis 0
  x    : f32[3, 4]
  need : a mask of shape (3,)
  more : sheer explain E136"""),
    (lambda x, v: setitem(x, 0, v), [f32(3, 4), f64(5)], ShapeError, """
setitem: a value of shape (5,) does not fit (4,)
  x    : f32[3, 4]
  value: f32[5]
  need : a value that broadcasts to (4,)
  more : sheer explain E133"""),
    (lambda x: getitem(x, ([0, 1], [0, 1, 2])), [f32(3, 4)], ShapeError, """
getitem: shapes (2,) and (3,) do not broadcast
  a    : i64[2]
  b    : i64[3]
  need : equal lengths, or 1, on every axis counted from the last
  try  : a.unsqueeze(-1)
  try  : b.unsqueeze(-1)
  more : sheer explain E102"""),
    (lambda x, i: getitem(x, (0, i)), [f32(3, 4), np.array([1, 4])], BoundsError, """
getitem: index 4 at position (1,) is outside axis 0 of length 4
  x     : f32[4]
  index : i64[2]
  result: f32[2]
  need  : -4 <= index < 4
  try   : index - 1, when they count from 1
  more  : sheer explain E130"""),
    (lambda x, i: getitem(x, (i, i)), [f32(3, 4), np.array([1, 3])], BoundsError, """
getitem: index 3 at position (1,) is outside axis 0 of length 3
  x     : f32[3, 4]
  index : i64[2]
  result: f32[2]
  need  : -3 <= index < 3
  try   : index - 1, when they count from 1
  more  : sheer explain E130"""),
    (lambda x, i: take_along(x, i, 0), [f32(3, 4), i64(2, 5)], ShapeError, """
take_along: index (2, 5) does not fit along axis 0
  x    : f32[3, 4]
  index: i64[2, 5]
  need : as many axes, and no longer than x except on axis 0
  more : sheer explain E132"""),
    (lambda x, i: take_along(x, i, 0), [f32(3, 4), np.array([[1, 3]])], BoundsError, """
take_along: index 3 at position (0, 1) is outside axis 0 of length 3
  x     : f32[3, 4]
  index : i64[1, 2]
  result: f32[1, 2]
  need  : 0 <= index < 3
  try   : index - 1, when they count from 1
  more  : sheer explain E130"""),
    (lambda x, i, s: scatter(x, i, s, 0),
     [f32(3, 4), np.array([[1, 2]]), f32(1, 1)], ShapeError, """
scatter: src (1, 1) is smaller than index (1, 2)
  x    : f32[3, 4]
  index: i64[1, 2]
  src  : f32[1, 1]
  need : an element for every index
  more : sheer explain E132"""),
    (lambda x, i, s: scatter_add(x, i, s, 0),
     [f32(3, 4), np.array([[1, 2]]), f64(1, 2)], DTypeError, """
scatter_add: x and src differ in dtype
  x    : f32[3, 4]
  src  : f64[1, 2]
  need : one dtype
  try  : src.to(x.dtype)
  more : sheer explain E105"""),
    (gather_nd, [f32(3, 4), i64(2, 3)], BoundsError, """
gather_nd: 3 index arrays for 3 of 2 axes
  x      : f32[3, 4]
  index 0: i64[2]
  index 1: i64[2]
  index 2: i64[2]
  need   : at least one index array, at most one per axis
  more   : sheer explain E131"""),
    (lambda i: one_hot(i, 3), [np.array([0, 2, -1])], BoundsError, """
one_hot: label -1 at position (2,) is none of the 3 classes
  index : i64[3]
  result: i64[3]
  need  : 0 <= label < 3
  more  : sheer explain E130"""),
    (lambda x: topk(x, 5), [f32(3, 4)], ArgumentError, """
topk: 5 of 4 elements along axis 1
  x    : f32[3, 4]
  need : 0 <= k <= 4
  more : sheer explain E135"""),
    (lambda x: sort(x, 2), [f32(3, 4)], ShapeError, """
sort: axis 2 does not exist
  x    : f32[3, 4]
  need : -2 <= axis < 2
  more : sheer explain E110"""),
    (sort, [np.array(1.0)], ShapeError, """
sort: axis -1 does not exist
  x    : f64[]
  need : at least one axis
  more : sheer explain E110"""),
    (Gather(1), [f32(3, 4), i32(2)], DTypeError, """
gather: an index array is not int64
  x      : f32[3, 4]
  index 0: i32[2]
  need   : int64 indices
  more   : sheer explain E134"""),
    (ScatterSet(1), [f32(3, 4), i64(2), f32(2, 3)], ShapeError, """
scatter: updates have shape (2, 3), the places (2, 4)
  x      : f32[3, 4]
  indices: i64[2]
  updates: f32[2, 3]
  need   : one update for every element addressed
  more   : sheer explain E132"""),
    (ScatterAdd(1), [f32(3, 4), i64(2), f64(2, 4)], DTypeError, """
scatter_add: x and updates need one dtype
  x      : f32[3, 4]
  indices: i64[2]
  updates: f64[2, 4]
  need   : equal dtypes, not bool
  more   : sheer explain E105"""),
    (lambda x, y: einsum("ij,jk->ik", x, y), [f64(2, 3), f64(4, 5)], ShapeError, """
einsum: index 'j' is 3 in operand 0 and 4 in operand 1
  operand 0: f64[2, 3]
  operand 1: f64[4, 5]
  need     : one length for every index
  more     : sheer explain E103"""),
    (lambda x, y: einsum("ijk,kl->il", x, y), [f64(2, 3), f64(4, 5)], ShapeError, """
einsum: 'ijk' names 3 axes of operand 0, not 2
  operand 0: f64[2, 3]
  need     : one index for each of 2 axes, or ...
  more     : sheer explain E103"""),
    (lambda x, y: einsum("i,kl->il", x, y), [f64(2, 3), f64(4, 5)], ShapeError, """
einsum: 'i' names 1 axes of operand 0, not 2
  operand 0: f64[2, 3]
  need     : one index for each of 2 axes, or ...
  try      : ...i
  more     : sheer explain E103"""),
    (lambda x, y: einsum("ij,kl->im", x, y), [f64(2, 3), f64(4, 5)], ArgumentError, """
einsum: index 'm' of the result has no operand
  need : every index of the result in an operand
  more : sheer explain E103"""),
    (lambda x, y: einsum("ij,kl->ii", x, y), [f64(2, 3), f64(4, 5)], ArgumentError, """
einsum: index 'i' appears twice in the result
  need : every index of the result once
  more : sheer explain E103"""),
    (lambda x, y: einsum("ij->i", x, y), [f64(2, 3), f64(4, 5)], ArgumentError, """
einsum: 'ij->i' lists 1 operands, not 2
  need : one list of indices for every operand
  more : sheer explain E103"""),
    (lambda x, y: einsum("ij,k?->i", x, y), [f64(2, 3), f64(4, 5)], ArgumentError, """
einsum: '?' in 'ij,k?->i' is no index
  need : letters, "," between operands, one "..." in each, one "->"
  more : sheer explain E103"""),
    (lambda x, y: einsum("...,...->...", x, y), [f64(2, 3), f64(4, 5)], ShapeError, """
einsum: index ... is 2 in operand 0 and 4 in operand 1
  operand 0: f64[2, 3]
  operand 1: f64[4, 5]
  need     : one length for every index
  more     : sheer explain E103"""),
    (lambda x: einsum("ii", x), [f64(2, 3)], ShapeError, """
einsum: index 'i' is 2 in operand 0 and 3 in operand 0
  operand 0: f64[2, 3]
  need     : one length for every index
  more     : sheer explain E103"""),
    (lambda x, y: einsum("ij,ij", x, y), [f64(2, 3), f32(2, 3)], DTypeError, """
einsum: operands differ in dtype
  operand 0: f64[2, 3]
  operand 1: f32[2, 3]
  need     : one dtype
  more     : sheer explain E105"""),
]


@pytest.mark.parametrize(("function", "arrays", "error", "text"), CASES)
def test_whole_text(function, arrays, error, text):
    with pytest.raises(error) as caught:
        run(function, *arrays)
    assert plain(caught) == text.strip()
