"""vmap and what is shared by all examples: gradients left inside, tensors that are not mapped."""

import pytest

import sheer
from sheer.graph.errors import StateError
from sheer.transforms import trace

X = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]


def weight():
    return sheer.tensor([1.0, 2.0], requires_grad=True)


def test_a_gradient_left_in_a_tensor_from_outside():
    w, x = weight(), sheer.tensor(X)

    def step(row):
        loss = (w * row).sum()
        loss.backward()
        return loss

    with pytest.raises(StateError) as caught:
        sheer.vmap(step)(x)
    lines = [line.split(" made at ")[0].rstrip() for line in str(caught.value).splitlines()]
    assert lines == [
        "vmap: the gradient of one example is left in a tensor",
        "  tensor: f32[2]",
        "  need  : gradients that are returned",
        "  try   : vmap(grad(loss)), a gradient for each example",
        "  try   : vmap(loss)(x).sum().backward(), their sum",
        "  more  : sheer explain E619",
    ]
    assert w.grad is None
    assert trace.current() is None
    sheer.vmap(lambda row: (w * row).sum())(x).sum().backward()         # the hints
    assert w.grad.tolist() == [9.0, 12.0]
    each = sheer.vmap(sheer.grad(lambda w, row: (w * row).sum()), (None, 0))(w, x)
    assert each.tolist() == X


@pytest.mark.parametrize("in_dims", [0, (None, 0)])
def test_a_gradient_left_in_an_argument(in_dims):
    many = sheer.tensor(X, requires_grad=True) if in_dims == 0 else weight()
    for w in (many, many * 2):                                          # a leaf, and none
        def step(w, row):
            (w * row).sum().backward()
            return w.grad
        with pytest.raises(StateError, match="E619"):
            sheer.vmap(step, in_dims)(w, sheer.tensor(X))
        assert many.grad is None


def test_a_gradient_that_is_taken_away_again_is_one_of_each_example():
    w = weight()

    def from_outside(row):
        (w * row * row).sum().backward()
        g, w.grad = w.grad, None
        return g

    assert sheer.vmap(from_outside)(sheer.tensor(X)).tolist() == [[a * a, b * b] for a, b in X]
    assert w.grad is None

    def of_the_example(row):
        (row * row).sum().backward()
        g, row.grad = row.grad, None
        return g

    x = sheer.tensor(X, requires_grad=True)
    assert sheer.vmap(of_the_example)(x).tolist() == [[2 * a, 2 * b] for a, b in X]
    assert x.grad is None

    def of_its_own(row):
        leaf = row.detach().clone().requires_grad_()
        (leaf * leaf).sum().backward()
        return leaf.grad

    assert sheer.vmap(of_its_own)(sheer.tensor(X)).tolist() == [[2 * a, 2 * b] for a, b in X]


def test_gradients_from_before_are_read():
    w = weight()
    (w * w).sum().backward()
    read = lambda row, w: row * w.grad
    want = [[2 * a, 4 * b] for a, b in X]
    assert sheer.vmap(lambda row: read(row, w))(sheer.tensor(X)).tolist() == want
    assert sheer.vmap(read, (0, None))(sheer.tensor(X), w).tolist() == want


def test_an_argument_that_is_not_mapped_is_the_tensor_itself():
    s = sheer.tensor([1.0, 2.0])

    def bump(row, s):
        s.add_(1.0)
        return row * s

    assert sheer.vmap(bump, (0, None))(sheer.tensor(X), s).tolist() == [[2 * a, 3 * b]
                                                                        for a, b in X]
    assert s.tolist() == [2.0, 3.0]
    w = weight()
    product = lambda row, w: (row * w).sum()
    sheer.vmap(product, (0, None))(sheer.tensor(X), w).sum().backward()
    assert w.grad.tolist() == [9.0, 12.0]
    total = lambda w: sheer.vmap(product, (0, None))(sheer.tensor(X), w * w).sum()
    assert sheer.grad(total)(sheer.tensor([1.0, 2.0])).tolist() == [18.0, 48.0]
    assert sheer.jit(total)(sheer.tensor([1.0, 2.0])).item() == 57.0
