"""What the compiler makes of whole programs: no inner loop of a product touches the stack."""

from __future__ import annotations

import re

import pytest

from sheer import ops
from sheer.backends.cpu.backend import CpuBackend
from sheer.graph import Graph, float32, float64
from sheer.ops.structure import Input, constant
from sheer.ops.walk import vjp_nodes

# m, n, k of a product: every height and width of tile, rests in both, long and short k
SHAPES = [(128, 256, 784), (128, 10, 128), (32, 64, 20), (6, 64, 300), (1, 300, 400), (2, 130, 70),
          (3, 100, 50), (4, 33, 65), (5, 48, 40), (14, 16, 200), (13, 30, 200), (8, 48, 96),
          (300, 1, 64), (97, 89, 83), (64, 46, 10)]
# batch, channels, side, out, kernel, stride, dilation, groups
IMAGES = [(8, 16, 16, 16, 3, 1, 1, 1), (4, 16, 15, 32, 3, 2, 1, 1), (4, 64, 8, 64, 1, 1, 1, 1)]


def functions(asm):
    """The text of each function."""
    return re.split(r"^(?!\.L)[^\s#][^\n]*:(?=\s)", asm, flags=re.MULTILINE)[1:]


def inner_loops(function):
    """The text of each innermost loop whose body multiplies and adds vectors."""
    blocks = re.split(r"^(\.LBB\d+_\d+):", function, flags=re.MULTILINE)
    for label, body in zip(blocks[1::2], blocks[2::2], strict=True):
        back = re.search(rf"\tj\w+\t{re.escape(label)}\b", body)
        if back and re.search(r"fmadd\w+p[sd]|mulp[sd]", body[:back.end()]):
            yield body[:back.end()]


def stack_references(asm):
    """The inner loops that touch the stack, and how many loops there are."""
    bad, count = [], 0
    for function in functions(asm):
        framed = re.search(r"movq\t%rsp, %rbp", function)   # else rbp is like others
        stack = r"\(%r[sb]p" if framed else r"\(%rsp"
        for loop in inner_loops(function):
            count += 1
            bad += [loop] if re.search(stack, loop) else []
    return bad, count


def training(y, inputs):
    """y with what follows a layer, and all gradients."""
    out = ops.relu(y + 0.1)
    total = ops.sum(out * out, tuple(range(out.ndim)))
    grads = vjp_nodes([total], [constant(1.0, y.dtype)], inputs)
    return Graph(inputs, [total, *grads])


@pytest.mark.parametrize("dtype", [float32, float64], ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_products_stay_in_registers(shape, dtype, target):
    m, n, k = shape
    x, w = Input(0, (m, k), dtype)(), Input(1, (n, k), dtype)()
    made = CpuBackend().compile(training(ops.matmul(x, ops.transpose(w)), [x, w]))
    bad, count = stack_references(made.program.asm())
    assert count
    assert not bad, bad[0]


@pytest.mark.parametrize("image", IMAGES, ids=str)
def test_convolutions_stay_in_registers(image, target):
    if not target.fma:
        pytest.skip("without fused multiply-add the product needs a register, and one is short")
    batch, channels, side, out, kernel, stride, dilation, groups = image
    x = Input(0, (batch, channels, side, side), float32)()
    w = Input(1, (out, channels // groups, kernel, kernel), float32)()
    made = CpuBackend().compile(training(ops.conv(x, w, stride, 1, dilation, groups), [x, w]))
    bad, count = stack_references(made.program.asm())
    assert count
    assert not bad, bad[0]


def test_a_spill_would_be_noticed():
    text = "f:\n.LBB0_1:\n\tvmovups\t64(%rsp), %zmm1\n\tvfmadd231ps\t%zmm1, %zmm2, %zmm3\n"
    assert stack_references(text + "\tjne\t.LBB0_1\n")[0]
