"""Errors of convolutions and pools: the whole text, as a user reads it."""

import numpy as np
import pytest
from shapes_helpers import plain, run

from sheer.graph import ArgumentError, BoundsError, DTypeError, ShapeError
from sheer.ops import (
    ConvInput,
    ConvWeight,
    MaxPool,
    SumPool,
    SumPoolInput,
    adaptive_avg_pool,
    avg_pool,
    conv,
    conv_transpose,
    max_pool,
    max_unpool,
)

array = lambda dtype: lambda *shape: np.ones(shape, dtype)
f32, f64, i32, i64, flags = map(array, ["f4", "f8", "i4", "i8", "?"])

CASES = [
    (conv, [f32(2, 3, 8, 8), f32(6, 4, 3, 3)], ShapeError, """
conv: input has 3 channels, weight is for 4
  input : f32[2, 3, 8, 8]
  weight: f32[6, 4, 3, 3]
  need  : input.shape[1] = weight.shape[1] * groups, weight.shape[0] a multiple of groups
  more  : sheer explain E121"""),
    (conv, [f32(2, 8, 8, 3), f32(6, 3, 3, 3)], ShapeError, """
conv: input has 8 channels, weight is for 3
  input : f32[2, 8, 8, 3]
  weight: f32[6, 3, 3, 3]
  need  : input.shape[1] = weight.shape[1] * groups, weight.shape[0] a multiple of groups
  try   : input.permute(0, 3, 1, 2)
  more  : sheer explain E121"""),
    (conv, [f32(2, 6, 8, 8), f32(6, 3, 3, 3)], ShapeError, """
conv: input has 6 channels, weight is for 3
  input : f32[2, 6, 8, 8]
  weight: f32[6, 3, 3, 3]
  need  : input.shape[1] = weight.shape[1] * groups, weight.shape[0] a multiple of groups
  try   : groups=2
  try   : weight.transpose(0, 1)
  more  : sheer explain E121"""),
    (lambda x, w: conv(x, w, groups=4), [f32(2, 4, 8, 8), f32(6, 1, 3, 3)], ShapeError, """
conv: 6 filters do not divide into 4 groups
  input : f32[2, 4, 8, 8]
  weight: f32[6, 1, 3, 3]
  need  : input.shape[1] = weight.shape[1] * groups, weight.shape[0] a multiple of groups
  more  : sheer explain E121"""),
    (conv, [f32(8, 8), f32(6, 1, 3, 3)], ShapeError, """
conv: input is 2-d
  input : f32[8, 8]
  weight: f32[6, 1, 3, 3]
  need  : 4-d: (N, C, H, W) and a weight of 2 spatial axes
  more  : sheer explain E120"""),
    (conv, [f32(2, 8, 8), f32(6, 1, 3, 3)], ShapeError, """
conv: input is 3-d
  input : f32[2, 8, 8]
  weight: f32[6, 1, 3, 3]
  need  : 4-d: (N, C, H, W) and a weight of 2 spatial axes
  try   : input.unsqueeze(1)
  more  : sheer explain E120"""),
    (conv, [f32(2, 8, 8, 8, 1, 1), f32(6, 1, 3, 3)], ShapeError, """
conv: input is 6-d
  input : f32[2, 8, 8, 8, 1, 1]
  weight: f32[6, 1, 3, 3]
  need  : 4-d: (N, C, H, W) and a weight of 2 spatial axes
  more  : sheer explain E120"""),
    (conv, [f32(2, 8), f32(6, 8)], ShapeError, """
conv: input is 2-d
  input : f32[2, 8]
  weight: f32[6, 8]
  need  : 3-d: (N, C, W) and a weight of 1 spatial axes
  more  : sheer explain E120"""),
    (conv, [f32(2, 3, 2, 8), f32(6, 3, 3, 3)], ShapeError, """
conv: the kernel spans (3, 3), the padded input (2, 8)
  input : f32[2, 3, 2, 8]
  weight: f32[6, 3, 3, 3]
  need  : a kernel of at least 1, no larger than the padded input
  try   : padding=(1, 1)
  more  : sheer explain E122"""),
    (lambda x, w: conv(x, w, dilation=3), [f32(2, 3, 5, 8), f32(6, 3, 3, 3)], ShapeError, """
conv: the kernel spans (7, 7), the padded input (5, 8)
  input : f32[2, 3, 5, 8]
  weight: f32[6, 3, 3, 3]
  need  : a kernel of at least 1, no larger than the padded input
  try   : padding=(3, 3)
  try   : dilation=1
  more  : sheer explain E122"""),
    (lambda x, w: conv(x, w, stride=0), [f32(2, 3, 5, 8), f32(6, 3, 3, 3)], ArgumentError, """
conv: stride (0, 0) is below 1
  need : stride >= 1 on every axis
  more : sheer explain E123"""),
    (lambda x, w: conv(x, w, stride=(1, 2, 3)),
     [f32(2, 3, 5, 8), f32(6, 3, 3, 3)], ArgumentError, """
conv: stride (1, 2, 3) does not have 2 numbers
  need : one number, or 2
  more : sheer explain E123"""),
    (lambda x, w: conv(x, w, padding=-1), [f32(2, 3, 5, 8), f32(6, 3, 3, 3)], ArgumentError, """
conv: padding ((-1, -1), (-1, -1)) is no (low, high) for each axis
  need : 0 or more on both sides of every axis
  more : sheer explain E123"""),
    (lambda x, w: conv(x, w, groups=0), [f32(2, 3, 5, 8), f32(6, 3, 3, 3)], ArgumentError, """
conv: groups 0 is below 1
  need : groups >= 1
  more : sheer explain E123"""),
    (lambda x, w: conv(x, w, padding="full"),
     [f32(2, 3, 5, 8), f32(6, 3, 3, 3)], ArgumentError, """
conv: padding 'full' is unknown
  need : a number, "same" or "valid"
  more : sheer explain E124"""),
    (lambda x, w: conv(x, w, 2, padding="same"),
     [f32(2, 3, 5, 8), f32(6, 3, 3, 3)], ArgumentError, """
conv: padding "same" has no meaning with stride (2, 2)
  need : stride 1, or padding in numbers
  more : sheer explain E124"""),
    (conv, [f64(2, 3, 5, 8), f32(6, 3, 3, 3)], DTypeError, """
conv: needs two operands of one number type
  input : f64[2, 3, 5, 8]
  weight: f32[6, 3, 3, 3]
  need  : one dtype, not bool
  try   : input.to(weight.dtype)
  more  : sheer explain E105"""),
    (conv_transpose, [f32(2, 3, 5, 8), f32(6, 3, 3, 3)], ShapeError, """
conv_transpose: input has 3 channels, weight is for 6
  input : f32[2, 3, 5, 8]
  weight: f32[6, 3, 3, 3]
  need  : a multiple of groups: input.shape[1] = weight.shape[0]
  try   : weight.transpose(0, 1)
  more  : sheer explain E121"""),
    (lambda x, w: conv_transpose(x, w, 2, output_padding=2),
     [f32(2, 3, 5, 8), f32(3, 3, 3, 3)], ArgumentError, """
conv_transpose: output_padding (2, 2) is not below stride (2, 2) or dilation (1, 1)
  need : 0 <= output_padding < max(stride, dilation)
  more : sheer explain E124"""),
    (lambda x, w: conv_transpose(x, w, padding=4),
     [f32(2, 3, 5, 8), f32(3, 3, 3, 3)], ShapeError, """
conv_transpose: nothing is left: the result would have lengths (-1, 2)
  input : f32[2, 3, 5, 8]
  weight: f32[3, 3, 3, 3]
  need  : lengths of at least 1: less padding
  more  : sheer explain E122"""),
    (conv_transpose, [f32(5), f32(3, 3, 3, 3)], ShapeError, """
conv_transpose: input is 1-d
  input : f32[5]
  weight: f32[3, 3, 3, 3]
  need  : 4-d: (N, C, H, W) and a weight of 2 spatial axes
  more  : sheer explain E120"""),
    (ConvInput((1,), ((0, 0),), (1,), 1, (9,)),
     [f32(1, 2, 5), f32(2, 1, 3)], ShapeError, """
conv_transpose: an image of (9,) and a kernel of (3,) give positions (7,), not (5,)
  result: f32[1, 2, 5]
  need  : sizes that belong together under these settings
  more  : sheer explain E125"""),
    (ConvWeight((1,), ((0, 0),), (1,), 1, (3,)),
     [f32(1, 2, 5), f32(2, 1, 3)], ShapeError, """
conv_weight: images or channels do not fit 1 groups
  input : f32[1, 2, 5]
  result: f32[2, 1, 3]
  need  : equally many images, channels divisible by groups
  more  : sheer explain E121"""),
    (ConvWeight((1,), ((0, 0),), (1,), 1, (4,)),
     [f32(2, 2, 5), f32(2, 1, 3)], ShapeError, """
conv_weight: an image of (5,) and a kernel of (4,) give positions (2,), not (3,)
  result: f32[2, 1, 3]
  need  : sizes that belong together under these settings
  more  : sheer explain E125"""),
    (lambda x: max_pool(x, (3, 3)), [f64(2, 2, 5)], ShapeError, """
max_pool: the window spans (3, 3), the padded input (2, 5)
  input: f64[2, 2, 5]
  need : a window no larger than the padded input
  more : sheer explain E122"""),
    (lambda x: max_pool(x, (3, 3)), [f64(5)], ShapeError, """
max_pool: a 2-d window over a 1-d input
  input: f64[5]
  need : at least 2 axes: (*B, *spatial)
  more : sheer explain E120"""),
    (lambda x: max_pool(x, (3, 3), padding=2), [f64(1, 5, 5)], ArgumentError, """
max_pool: padding ((2, 2), (2, 2)) is more than half of window (3, 3)
  need : padding <= window // 2
  more : sheer explain E124"""),
    (MaxPool((2,), (1,), ((2, 0),), (1,)), [f64(1, 5)], ShapeError, """
max_pool: a window holds only padding
  input: f64[1, 5]
  need : less padding than ((2, 0),)
  more : sheer explain E126"""),
    (lambda x: max_pool(x, (2,), dilation=2, padding=1), [f64(1, 1)], ShapeError, """
max_pool: a window holds only padding
  input: f64[1, 1]
  need : less padding than ((1, 1),)
  more : sheer explain E126"""),
    (lambda x: avg_pool(x, (2,)), [i32(1, 3)], DTypeError, """
avg_pool: has no meaning for int32
  input: i32[1, 3]
  need : float32 or float64
  try  : input.float()
  more : sheer explain E105"""),
    (lambda x: avg_pool(x, (2,), divisor_override=0), [f64(1, 3)], ArgumentError, """
avg_pool: divisor_override is 0
  need : any other number, or None
  more : sheer explain E124"""),
    (SumPool((2,), (1,), ((0, 0),), (1,)), [flags(1, 3)], DTypeError, """
sum_pool: has no meaning for bool
  input: bool[1, 3]
  need : uint8 or int8 or int16 or int32 or int64 or float32 or float64
  more : sheer explain E105"""),
    (SumPoolInput((2,), (1,), ((0, 0),), (1,), (7,)), [f64(1, 3)], ShapeError, """
sum_pool_input: an image of (7,) gives positions (6,), not (3,)
  result: f64[1, 3]
  need  : sizes that belong together under these settings
  more  : sheer explain E125"""),
    (lambda x: adaptive_avg_pool(x, (0,)), [f64(1, 3)], ArgumentError, """
adaptive_avg_pool: (3,) cannot be cut into (0,) parts
  input: f64[1, 3]
  need : at least one element and one part per axis
  more : sheer explain E124"""),
    (lambda x: adaptive_avg_pool(x, (2, 2, 2)), [f64(1, 3)], ShapeError, """
adaptive_avg_pool: a 3-d window over a 2-d input
  input: f64[1, 3]
  need : at least 3 axes: (*B, *spatial)
  more : sheer explain E120"""),
    (lambda x, i: max_unpool(x, i, (4,)), [f64(1, 3), i64(1, 2)], ShapeError, """
max_unpool: every element needs one place
  input  : f64[1, 3]
  indices: i64[1, 2]
  need   : equal shapes with at least 1 axes
  more   : sheer explain E132"""),
    (lambda x, i: max_unpool(x, i, (4,)), [f64(1, 2), np.array([[1, -1]])], BoundsError, """
max_unpool: index -1 at position (0, 1) is outside axis 1 of length 4
  x     : f64[1, 4]
  index : i64[1, 2]
  result: f64[1, 4]
  need  : 0 <= index < 4
  more  : sheer explain E130"""),
]


@pytest.mark.parametrize(("function", "arrays", "error", "text"), CASES)
def test_whole_text(function, arrays, error, text):
    with pytest.raises(error) as caught:
        run(function, *arrays)
    assert plain(caught) == text.strip()
