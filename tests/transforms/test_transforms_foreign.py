"""Arrays of other libraries, given to functions of functions and to operations."""

import numpy as np
import pytest
import torch

import sheer
from sheer.graph.errors import DTypeError


def text(kind, call):
    with pytest.raises(kind) as caught:
        call()
    return str(caught.value)


class Lent:
    """An array that is known by the protocol of exchange alone."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


@pytest.mark.parametrize("foreign", [torch.tensor, lambda v: Lent(np.float32(v))])
def test_other_arrays_are_arguments_as_they_are_operands(foreign):
    x = sheer.tensor([3.0, 4.0])
    f = sheer.jit(lambda x, y: x * y)
    for values in ([1.0, 2.0], [5.0, 6.0]):
        y = foreign(values)
        assert f(x, y).tolist() == (x * y).tolist() == [3 * values[0], 4 * values[1]]
    assert f.traces == 1                                  # inputs, no part of the program
    assert sheer.grad(lambda y: (x * y).sum())(foreign([1.0, 2.0])).tolist() == [3.0, 4.0]
    assert sheer.vmap(lambda y: y * 2)(foreign([1.0, 2.0])).tolist() == [2.0, 4.0]
    assert sheer.scan(lambda c, y: (c + y, ()), sheer.zeros(()), foreign([1.0, 2.0]))[0].item() == 3


def test_an_array_that_cannot_be_read_says_why():
    part = torch.ones(2, requires_grad=True)
    for take in (sheer.jit(lambda x: x * 2), sheer.tensor, lambda x: sheer.ones(2) * x):
        found = text(DTypeError, lambda take=take: take(part))
        assert found.startswith("tensor: this Tensor gives no array: ")
        assert "  try  : x.detach().cpu()\n" in found
        assert take(part.detach().cpu()).shape == (2,)
