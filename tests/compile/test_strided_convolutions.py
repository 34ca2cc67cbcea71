"""Gradients of strided convolutions: a product per phase, woven, against the reference."""

from __future__ import annotations

import pytest
from helpers import check, inputs

from sheer.graph import Graph, float32, float64
from sheer.ops.contract.conv import Conv, ConvInput
from sheer.ops.movement import Concat, Pad, Permute

CASES = [   # channels in, out, size, kernel, stride, padding, dilation, groups
    (3, 5, (7,), (3,), (2,), (1,), (1,), 1),
    (16, 24, (9, 8), (3, 3), (2, 2), (1, 1), (1, 1), 1),
    (16, 16, (8, 11), (4, 2), (2, 1), (0, 3), (1, 2), 1),
    (16, 8, (9, 9), (1, 3), (2, 2), (0, 2), (1, 1), 1),        # phases that no tap meets
    (17, 16, (10, 7), (2, 2), (2, 2), (1, 0), (2, 2), 1),      # taps that all meet one phase
    (8, 12, (9, 10), (3, 4), (2, 2), (3, 1), (1, 1), 2),
    (4, 16, (6, 5, 7), (3, 2, 3), (2, 1, 2), (1, 1, 1), (1, 1, 1), 1),
    (16, 16, (12, 12), (3, 3), (2, 2), (0, 0), (1, 1), 1),
]


def gradient(case, dtype=float32, images=2):
    """The graph of what results hand back to the image."""
    i, o, size, kernel, stride, padding, dilation, groups = case
    around = tuple((p, p) for p in padding)
    _, w = inputs((), (o, i // groups, *kernel), dtype=dtype)
    x, = inputs((images, i, *size), dtype=dtype)
    y, = inputs(Conv(stride, around, dilation, groups)(x, w).shape, dtype=dtype)
    return Graph([y, w], [ConvInput(stride, around, dilation, groups, size)(y, w)])


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("dtype", [float32, float64], ids=str)
def test_a_gradient_equals_the_reference(case, dtype):
    tolerance = 1e-5 if dtype == float32 else 1e-12
    check(gradient(case, dtype), rtol=tolerance, atol=tolerance * 10)


def test_all_phases_read_one_padded_form_and_are_woven_before_they_are_turned():
    case = 32, 64, (16, 16), (3, 3), (2, 2), (1, 1), (1, 1), 1
    program = check(gradient(case, images=8), atol=1e-4).program
    kinds = [{type(n.prim) for n in kernel.body.nodes} for kernel in program.kernels]
    assert sum(Pad in kind for kind in kinds) == 1
    woven, = (kind for kind in kinds if Concat in kind)
    assert Permute not in woven
