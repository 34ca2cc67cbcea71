"""Static graphs: symbols, sessions, and the same losses as the eager mode has."""

from __future__ import annotations

import gc

import numpy as np
import pytest

import sheer
from sheer import static
from sheer.graph.errors import SheerError, StateError
from sheer.nn import functional as F
from sheer.static import Session, Variable, constant, gradients, placeholder


def refused(code, function) -> str:
    with pytest.raises(SheerError) as caught:
        function()
    assert caught.value.code == code
    return str(caught.value).split("\n")[0]


@pytest.mark.system("TensorFlow constants")
def test_a_constant_is_not_assigned_and_gets_no_gradient():
    c = constant([1.0, 2.0], name="c")
    for write in (lambda: c.fill_(3), lambda: c.add_(1), lambda: c.copy_(sheer.zeros(2)),
                  lambda: c.__setitem__(0, 5.0), lambda: c.__iadd__(1)):
        assert refused("E853", write) == "c: a constant of a static graph cannot be written to"
    assert not hasattr(c, "assign")
    v = Variable([1.0, 1.0])
    loss = (c * v).sum()
    assert refused("E853", lambda: gradients(loss, [c])) == "gradients: a constant has no gradient"
    assert not c.requires_grad
    with Session() as session:
        session.run(v.initializer)
        assert session.run(gradients(loss, [v])[0]).tolist() == [1.0, 2.0]
        assert session.run(c).tolist() == [1.0, 2.0]


@pytest.mark.system("TensorFlow variables")
def test_a_variable_is_initialised_assigned_and_trained():
    v = Variable([3.0, -1.0], name="v")
    session = Session()
    assert refused("E852", lambda: session.run(v * 2)) == (
        "Session.run: the variable 'v' has no value")
    assert session.run(v.initializer) is None
    assert session.run(v).tolist() == [3.0, -1.0]
    session.run(v.assign(v + 1))
    assert session.run(v).tolist() == [4.0, 0.0]
    step = static.GradientDescentOptimizer(0.25).minimize(((v - 1.0) ** 2).sum())
    for _ in range(30):
        session.run(step)
    np.testing.assert_allclose(session.run(v), [1.0, 1.0], atol=1e-6)
    other = Session()                                    # each session has values of its own
    other.run(static.global_variables_initializer())
    assert other.run(v).tolist() == [3.0, -1.0]
    assert refused("E851", lambda: v.assign([1.0])) == "v.assign: a value of another shape"
    with sheer.no_grad():
        assert refused("E853", lambda: v.add_(1)) == (
            "v: a variable of a static graph cannot be written to")


def test_a_variable_that_is_not_trained_and_one_drawn_at_random():
    sheer.manual_seed(0)
    counter = Variable(0, name="counter")
    fixed = Variable([2.0], trainable=False)
    drawn = Variable(sheer.randn(3), name="drawn")
    session = Session()
    session.run(static.global_variables_initializer())
    session.run(static.group(counter.assign(counter + 1),
                             static.GradientDescentOptimizer(0.1).minimize(
                                 (drawn * fixed).sum())))
    assert session.run([counter, fixed])[0] == 1
    assert session.run(fixed).tolist() == [2.0]
    np.testing.assert_allclose(session.run(drawn), drawn.initial.numpy() - 0.2, rtol=1e-6)


def test_all_values_of_a_run_are_those_before_it():
    a, b = Variable(1.0), Variable(2.0)
    session = Session()
    session.run([a.initializer, b.initializer])
    assert session.run([a.assign(b), b.assign(a), a + b]) == [None, None, 3.0]
    assert session.run((a, b)) == (2.0, 1.0)


@pytest.mark.system("TensorFlow placeholders, feed dictionary")
def test_a_placeholder_is_fed():
    a = placeholder("float32", (), name="a")
    session = Session()
    assert session.run(a * 2, feed_dict={a: 3.0}) == 6.0
    assert session.run({"twice": a * 2, "more": [a + 1]}, {a: 3}) == {"twice": 6.0, "more": [4.0]}
    with pytest.raises(StateError) as caught:
        session.run(a * 2)
    lines = str(caught.value).splitlines()
    assert lines[0] == "Session.run: the placeholder 'a' is needed and was not fed"
    assert "made at test_static_graphs.py" in lines[1]
    assert 'a = placeholder("float32", (), name="a")' in lines[1]
    assert lines[2:] == ["  need       : a value for it in feed_dict",
                         "  more       : sheer explain E851"]
    assert refused("E851", lambda: session.run(a, {a: [1.0, 2.0]})) == (
        "Session.run: 'a' is fed another shape")
    assert refused("E851", lambda: session.run(a, {"a": 1.0})) == (
        "Session.run: only placeholders are fed")
    assert refused("E851", lambda: session.run("a", {a: 1.0})) == (
        "Session.run: a str cannot be fetched")
    assert refused("E854", (a * 2).numpy) == (
        "value: there is no value: this is part of a static graph")


@pytest.mark.system("TensorFlow sessions")
def test_a_session_computes_what_is_needed_and_nothing_else():
    assert Session().run(constant(2.0) + constant(4.0)) == 6.0
    a, b = placeholder(name="a"), placeholder("int64", (1,), name="b")
    left = a * 2 + 1
    right = sheer.arange(3.0)[b] / a                     # fails when it is run with b = 7
    session = Session()
    assert session.run(left, {a: 3.0}) == 7.0            # b need not be fed
    with pytest.raises(IndexError):
        session.run(right, {a: 3.0, b: [7]})
    assert session.run(left, {a: 3.0, b: [7]}) == 7.0    # nor looked at
    kinds = {type(n.prim).__name__ for n in session.lower(left).nodes}
    assert "Gather" not in kinds
    assert "Gather" in {type(n.prim).__name__ for n in session.lower([left, right]).nodes}
    assert {x.dtype for x in session.lower(left).inputs} == {sheer.float32}    # not b


def test_a_session_traces_nothing_and_forgets_what_is_gone():
    gc.collect()
    before = len(static._symbols)
    a = placeholder()
    assert len(static._symbols) == before + 1
    del a
    gc.collect()
    assert len(static._symbols) == before


# ---- the same as eager ---------------------------------------------------------------------------

def mlp(x, w):
    return F.linear(F.tanh(F.linear(x, w[0], w[1])), w[2], w[3])


def cnn(x, w):
    h = F.max_pool2d(F.relu(F.conv2d(x.reshape(-1, 1, 4, 4), w[0], w[1], padding=1)), 2)
    return F.linear(h.flatten(1), w[2], w[3])


def rnn(x, w):
    h = sheer.zeros(x.shape[0], 5)
    for t in range(4):                                   # 16 numbers as 4 steps of 4
        h = F.tanh(F.linear(x[:, 4 * t:4 * t + 4], w[0], w[1]) + h @ w[2])
    return F.linear(h, w[3], w[4])


NETS = {"MLP": (mlp, [(5, 16), (5,), (3, 5), (3,)]),
        "CNN": (cnn, [(2, 1, 3, 3), (2,), (3, 8), (3,)]),
        "RNN": (rnn, [(5, 4), (5,), (5, 5), (3, 5), (3,)])}


@pytest.mark.system("Static (dataflow) graph and eager modes")
@pytest.mark.parametrize("name", NETS)
def test_both_modes_have_the_same_losses(name, figure):
    net, shapes = NETS[name]
    rng = np.random.default_rng(0)
    starts = [rng.normal(size=s).astype(np.float32) * 0.3 for s in shapes]
    batches = [(rng.normal(size=(8, 16)).astype(np.float32), rng.integers(0, 3, 8))
               for _ in range(10)]

    weights = [sheer.tensor(s, requires_grad=True) for s in starts]
    eager = []
    for x, y in batches:
        loss = F.cross_entropy(net(sheer.tensor(x), weights), sheer.tensor(y))
        loss.backward()
        with sheer.no_grad():
            for w in weights:
                w.sub_(0.1 * w.grad)
                w.grad = None
        eager.append(loss.item())

    variables = [Variable(s, name=f"w{i}") for i, s in enumerate(starts)]
    x_in, y_in = placeholder("float32", (8, 16)), placeholder("int64", (8,))
    loss = F.cross_entropy(net(x_in, variables), y_in)
    step = static.GradientDescentOptimizer(0.1).minimize(loss)
    with Session() as session:
        session.run(static.global_variables_initializer())
        losses = [session.run([step, loss], {x_in: x, y_in: y})[1] for x, y in batches]
    np.testing.assert_allclose(losses, eager, rtol=0, atol=1e-6)
    assert losses[-1] != losses[0]
    figure(f"{name}: largest difference {max(abs(np.array(losses) - eager)):.1e}")
