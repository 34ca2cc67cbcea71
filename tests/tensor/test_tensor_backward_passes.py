"""Backward passes that are like one before: derived once, equal gradients, nothing shared."""

from __future__ import annotations

import numpy as np
import pytest

import sheer
from sheer import nn, optim
from sheer.graph.dtypes import float32
from sheer.graph.errors import SheerError
from sheer.mixins import backward
from sheer.mixins.backward import _passes
from sheer.ops.structure import constant
from sheer.transforms import execute


@pytest.fixture
def derived(monkeypatch):
    """How often a graph has been walked backwards."""
    count = []
    def reverse(*given, walk=backward.reverse):
        count.append(1)
        return walk(*given)
    monkeypatch.setattr(backward, "reverse", reverse)
    _passes.clear()
    return count


def network():
    sheer.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.2), nn.Linear(4, 2))


def batches(count=6, rows=5):
    rng = np.random.default_rng(0)
    for _ in range(count):
        yield (sheer.tensor(rng.normal(size=(rows, 3)).astype("f4")),
               sheer.tensor(rng.integers(0, 2, rows)))


def test_a_loop_derives_its_step_once(derived):
    model = network()
    optimizer = optim.Adam(model.parameters())
    for x, y in batches():
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    assert len(derived) == 1


def test_gradients_are_those_of_a_pass_that_stays_pending(derived):
    model = network().eval()
    weights = list(model.parameters())
    for x, y in batches(3):
        found = []
        for create_graph in (False, True):
            model.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward(create_graph=create_graph)
            found.append([w.grad.detach().numpy() for w in weights])
        for now, later in zip(*found, strict=True):
            np.testing.assert_allclose(now, later, rtol=1e-6, atol=1e-7)
    assert len(derived) == 1


def test_another_structure_is_another_pass(derived):
    w = sheer.tensor([1.0, 2.0], requires_grad=True)
    for power, slope in ((2, [2.0, 4.0]), (3, [3.0, 12.0]), (2, [2.0, 4.0])):
        w.grad = None
        (w ** power).sum().backward()
        assert w.grad.tolist() == slope
    assert len(derived) == 2


def test_what_was_looked_at_or_kept_changes_nothing(derived):
    for look in (False, True, False, True):
        w = sheer.tensor([1.0, 2.0], requires_grad=True)
        hidden = w * 3
        hidden.retain_grad()
        loss = (hidden * hidden).sum()
        if look:
            assert loss.item() == 45.0
            assert hidden.tolist() == [3.0, 6.0]
        loss.backward()
        assert w.grad.tolist() == [18.0, 36.0]
        assert hidden.grad.tolist() == [6.0, 12.0]
        assert loss.item() == 45.0


def test_a_leaf_that_no_longer_wants_a_gradient_gets_none(derived):
    a, b = (sheer.tensor([2.0], requires_grad=True) for _ in range(2))
    (a * b).sum().backward()
    a.grad = b.grad = None
    b.requires_grad_(False)
    (a * b).sum().backward()
    assert a.grad.tolist() == [2.0]
    assert b.grad is None


def test_leaves_with_one_gradient_do_not_share_its_memory(derived):
    for _ in range(2):
        a, b = (sheer.zeros(3, requires_grad=True) for _ in range(2))
        (a + b).sum().backward()
        a.grad.mul_(5)
        assert a.grad.tolist() == [5.0] * 3
        assert b.grad.tolist() == [1.0] * 3
        optim.SGD([a, b], lr=1.0).step()
        assert (a.tolist(), b.tolist()) == ([-5.0] * 3, [-1.0] * 3)


def test_a_second_pass_adds(derived):
    w = sheer.tensor([3.0], requires_grad=True)
    loss = (w * w).sum()
    for times in (1, 2, 3):
        loss.backward()
        assert w.grad.tolist() == [6.0 * times]


def test_a_number_that_is_constant_has_zero_gradients_or_none(derived):
    for _ in range(2):
        w = sheer.tensor([3.0], requires_grad=True)
        w.sum().backward()
        assert w.grad.tolist() == [1.0]


def test_an_error_of_the_run_is_explained_and_leaves_the_weights(derived):
    table = sheer.tensor([1.0, 2.0, 3.0], requires_grad=True)
    def step(row):
        table.grad = None
        table[sheer.tensor([0, row]) + 0].sum().backward()         # known when it runs, not before
        optim.SGD([table], lr=1.0).step()
    step(1)
    assert table.tolist() == [0.0, 1.0, 3.0]
    with pytest.raises(SheerError, match="getitem: index 7"):
        step(7)
    assert table.tolist() == [0.0, 1.0, 3.0]
    assert len(derived) == 1


def test_each_backend_has_its_own(derived):
    w = sheer.tensor([1.0, 2.0], requires_grad=True)
    for name in ("cpu", "reference", "cpu"):
        w.grad = None
        with sheer.backend(name):
            (w.exp() * w).sum().backward()
        np.testing.assert_allclose(w.grad.numpy(), np.exp([1, 2]) * [2, 3], rtol=1e-6)
    assert len(derived) == 2


def steps(weights, count=4):
    """Losses of an eager loop that moves the weights by hand."""
    losses = []
    for x, y in batches(count):
        loss = nn.functional.cross_entropy((x @ weights[0]).tanh() @ weights[1], y)
        loss.backward()
        with sheer.no_grad():
            for w in weights:
                w.sub_(0.1 * w.grad)
                w.grad = None
        losses.append(loss.item())
    return losses


def starts():
    rng = np.random.default_rng(1)
    return [sheer.tensor(rng.normal(size=s).astype("f4"), requires_grad=True)
            for s in ((3, 4), (4, 2))]


@pytest.mark.parametrize("kept", [False, True])
def test_no_gradient_flows_through_the_gradients_of_earlier_steps(kept, derived, monkeypatch):
    """Whether passes are kept or, as where they read memory of their own, stay pending."""
    expected = steps(starts())
    if not kept:
        monkeypatch.setattr(backward, "_derived", lambda *given: None)
        _passes.clear()
    assert steps(starts()) == pytest.approx(expected, rel=1e-6)
    with sheer.backend("reference"):
        assert steps(starts()) == pytest.approx(expected, rel=1e-5)


def test_a_constant_that_has_a_value_is_no_obstacle(derived):
    for number in (0.0, 1.0):
        sheer.eval(sheer.full((), number))
    ones = constant(1.0, float32)
    execute.evaluate([ones])
    w = sheer.tensor([1.0, 2.0], requires_grad=True)
    for _ in range(3):
        w.grad = None
        (w * w).sum().backward()
        assert w.grad.tolist() == [2.0, 4.0]
    assert len(derived) == 1


def test_numbers_that_others_have_looked_at_make_no_other_pass(derived):
    """The ones that a sum's gradient begins with are anybody's ones: with or without a value."""
    w = sheer.tensor([1.0, -2.0, 3.0], requires_grad=True)
    for look in (False, True, False):
        ones = sheer.ones(3)
        node = ones.node
        if look:
            execute.evaluate([node])
        w.grad = None
        ((w * ones).relu() * ones).sum().backward()
        assert w.grad.tolist() == [1.0, 0.0, 1.0]
    assert len(derived) == 1


def test_ones_that_are_a_weight_are_not_taken_for_ones(derived):
    x = sheer.tensor([1.0, -2.0, 3.0], requires_grad=True)
    for wants in (False, True, False, True):
        w, x.grad = sheer.ones(3, requires_grad=wants), None
        (x * w).sum().backward()
        assert x.grad.tolist() == [1.0, 1.0, 1.0]
        assert (w.grad.tolist() if wants else w.grad) == ([1.0, -2.0, 3.0] if wants else None)
