"""NaN and infinity in fused kernels: where they come in, they go where NumPy says.

In a vector, in the lanes left over, first and last in a row; alone and among other infinities.
"""

from __future__ import annotations

import numpy as np
import pytest

from sheer import ops
from sheer.backends.cpu.backend import CpuBackend
from sheer.graph import Graph, float32, interpret
from sheer.ops.structure import Input

SHAPE = (5, 37)             # two vectors of AVX-512 and five lanes over
ODD = [np.nan, np.inf, -np.inf, 0.0, -0.0]


def softmax(x, axis):
    shifted = ops.exp(x - ops.restore(ops.max(x, (axis,)), x.shape, (axis,)))
    return shifted / ops.restore(ops.sum(shifted, (axis,)), x.shape, (axis,))


def image(x):
    return ops.reshape(x, (1, 1, *SHAPE))


def weights(*shape):
    return ops.constant(np.linspace(-1, 1, int(np.prod(shape))).reshape(shape), float32)


PROGRAMS = {
    "max": lambda x: [ops.max(x, (0,)), ops.max(x, (1,)), ops.max(x, (0, 1))],
    "min": lambda x: [ops.min(x, (0,)), ops.min(x, (1,)), ops.min(x, (0, 1))],
    "argmax": lambda x: [ops.argmax(x, 0), ops.argmax(x, 1)],
    "argmin": lambda x: [ops.argmin(x, 0), ops.argmin(x * 2.0, 1)],
    "sort": lambda x: [*ops.index.sort(x, 1), *ops.index.sort(x, 0, True)],
    "topk": lambda x: [*ops.topk(x, 3, 1), *ops.topk(x, 2, 0, False)],
    "relu": lambda x: [ops.relu(x), ops.sum(ops.relu(x * 2.0), (1,))],
    "clamp": lambda x: [ops.clamp(x, -0.5, 0.5), ops.clamp(x, None, 0.25)],
    "where": lambda x: [ops.where(ops.gt(x, 0.0), x, x * 0.5), ops.where(ops.isnan(x), 0.0, x),
                        ops.where(ops.lt(ops.abs(x), 1e30), x, -1.0)],
    "softmax": lambda x: [softmax(x, 0), softmax(x, 1), ops.logsumexp(x, (1,))],
    "sums": lambda x: [ops.sum(x, (0,)), ops.mean(x, (1,)), ops.prod(x, (0,)), ops.var(x, (1,), 0)],
    "running": lambda x: [ops.cumsum(x, 0), ops.cumprod(x, 0)],
    "pools": lambda x: [ops.max_pool(image(x), (2, 2))[0], ops.max_pool(image(x), (3, 3), 1, 1)[0],
                        ops.avg_pool(image(x), (2, 2))],
    "pair": lambda x: [ops.maximum(x, ops.flip(x, (1,))), ops.minimum(x, ops.roll(x, (1,), (0,))),
                       x * 0.0, x - x, x / x],
    "functions": lambda x: [ops.exp(x), ops.log(x), ops.tanh(x), ops.sigmoid(x), ops.sqrt(x),
                            ops.erf(x), ops.sin(x), ops.atan(x), ops.sign(x), ops.floor(x)],
    "product": lambda x: [ops.matmul(x, weights(37, 6)), ops.matmul(ops.transpose(x), x),
                          ops.relu(ops.matmul(x, weights(37, 40)) + 1.0)],
    "convolution": lambda x: [ops.conv(image(x), weights(3, 1, 2, 3)),
                              ops.conv(image(x), weights(2, 1, 3, 3), 2, 1)],
}


def places():
    """Arrays with odd numbers: one at a time in telling places, and many at once."""
    rng = np.random.default_rng(0)
    for odd in ODD[:3]:
        for at in ((0, 0), (2, 15), (2, 16), (3, 33), (4, 36)):
            x = rng.normal(size=SHAPE).astype("f4")
            x[at] = odd
            yield x
    many = rng.choice(ODD, SHAPE).astype("f4")
    yield np.where(rng.random(SHAPE) < 0.3, many, rng.normal(size=SHAPE)).astype("f4")
    for odd in ODD[:3]:
        yield np.full(SHAPE, odd, "f4")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", PROGRAMS)
def test_odd_numbers_go_where_the_reference_says(name, target):
    x = Input(0, SHAPE, float32)()
    graph = Graph([x], PROGRAMS[name](x))
    program = CpuBackend().compile(graph)
    for array in places():
        for number, (got, want) in enumerate(zip(program([array]), interpret(graph, [array]),
                                                 strict=True)):
            where = f"{name} {number}"
            np.testing.assert_array_equal(np.isnan(got), np.isnan(want), err_msg=where)
            finite = np.isfinite(want)
            np.testing.assert_array_equal(got[~finite & ~np.isnan(want)],
                                          want[~finite & ~np.isnan(want)], err_msg=where)
            np.testing.assert_allclose(got[finite], want[finite], rtol=2e-5, atol=2e-5,
                                       err_msg=where)
