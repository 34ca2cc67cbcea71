"""scan and fori_loop against a Python loop and torch; their derivatives; what they refuse."""

import numpy as np
import pytest
import torch

import sheer
from sheer import checkpoint, fori_loop, grad, jit, ops, scan, value_and_grad
from sheer.compile.rewrites.merge_loops import merge_loops
from sheer.graph import Graph, ShapeError, StateError, float64, interpret, verify
from sheer.ops.loop import Scan
from sheer.ops.structure import Constant, Input, constant
from sheer.ops.walk import vjp_nodes

RNG = np.random.default_rng(1)
W, U, H, XS = (RNG.normal(size=s) for s in [(3, 3), (2, 3), (3,), (6, 2)])


def t(a, **options):
    return sheer.tensor(a, dtype=sheer.float64, **options)


def step(w, u):
    """A recurrent cell that gives its state and a readout."""

    def one(h, x):
        new = (h @ w + x @ u).tanh()
        return new, (new * h).sum()

    return one


def unrolled(function, carry, xs, reverse=False):
    ys = [None] * xs.shape[0]
    for i in reversed(range(xs.shape[0])) if reverse else range(xs.shape[0]):
        carry, ys[i] = function(carry, xs[i])
    return carry, ys


def torch_loss(w, u, h, xs, reverse=False):
    cell = lambda h, x: ((n := torch.tanh(h @ w + x @ u)), (n * h).sum())
    carry, ys = unrolled(cell, h, xs, reverse)
    return (carry**2).sum() + (torch.stack(ys) ** 3).sum()


def our_loss(w, u, h, xs, reverse=False):
    carry, ys = scan(step(w, u), h, xs, reverse=reverse)
    return (carry * carry).sum() + (ys * ys * ys).sum()


def python_loss(w, u, h, xs, reverse=False):
    carry, ys = unrolled(step(w, u), h, xs, reverse)
    return (carry * carry).sum() + sum(y * y * y for y in ys)


@pytest.mark.parametrize("reverse", [False, True])
def test_back_propagation_through_time(reverse):
    args = [torch.tensor(a, requires_grad=True) for a in (W, U, H, XS)]
    torch_loss(*args, reverse).backward()
    for loss in (our_loss, python_loss, jit(our_loss)):
        got = value_and_grad(lambda *a, f=loss: f(*a, reverse), (0, 1, 2, 3))(
            *map(t, (W, U, H, XS))
        )
        np.testing.assert_allclose(got[0].numpy(), torch_loss(*args, reverse).item(), rtol=1e-13)
        for mine, theirs in zip(got[1], args, strict=True):
            np.testing.assert_allclose(mine.numpy(), theirs.grad.numpy(), rtol=1e-11, atol=1e-13)


def test_backward_reaches_weights_from_outside():
    w, u = t(W, requires_grad=True), t(U, requires_grad=True)
    carry, ys = scan(step(w, u), t(H), t(XS))
    assert carry.requires_grad
    assert ys.requires_grad
    ((carry * carry).sum() + (ys * ys * ys).sum()).backward()
    args = [torch.tensor(a, requires_grad=True) for a in (W, U)]
    torch_loss(*args, torch.tensor(H), torch.tensor(XS)).backward()
    np.testing.assert_allclose(w.grad.numpy(), args[0].grad.numpy(), rtol=1e-11)
    np.testing.assert_allclose(u.grad.numpy(), args[1].grad.numpy(), rtol=1e-11)


def test_results_ask_for_gradients_only_where_there_is_a_path():
    w = t(2.0, requires_grad=True)
    (a, b, c), (y, z) = scan(
        lambda s, x: ((s[1], s[0] * w, s[2] + x), (s[0], x)), (t(1.0), t(2.0), t(0.0)), t(XS[:, 0])
    )
    assert [v.requires_grad for v in (a, b, c, y, z)] == [True, True, False, True, False]
    with sheer.no_grad():
        last, _ = scan(lambda s, x: (s * w, ()), t(1.0), t(XS[:, 0]))
    assert not last.requires_grad


def test_second_derivatives_of_a_loop():
    twice = lambda f: grad(lambda w: (grad(lambda v: f(v, t(U), t(H), t(XS)))(w) * t(W)).sum())(
        t(W)
    )
    np.testing.assert_allclose(twice(our_loss).numpy(), twice(python_loss).numpy(), rtol=1e-10)


def test_a_loop_in_a_loop():
    def inner(c, row, w):
        return scan(lambda d, x: ((d * w + x).sin(), d), c, row)[0]

    def nested(w, rows):
        return scan(lambda c, row: (inner(c, row, w), c * w), t(0.3), rows)

    def plain(w, rows):
        c, ys = t(0.3), []
        for i in range(6):
            ys.append(c * w)
            for j in range(2):
                c = (c * w + rows[i, j]).sin()
        return c, ys

    def loss(w):
        carry, ys = nested(w, t(XS))
        return carry + (ys * ys).sum()

    def other(w):
        carry, ys = plain(w, t(XS))
        return carry + sum(v * v for v in ys)

    for f, g in [
        (loss, other),
        (grad(loss), grad(other)),
        (grad(grad(loss)), grad(grad(other))),
        (jit(grad(loss)), grad(other)),
    ]:
        np.testing.assert_allclose(f(t(0.7)).numpy(), g(t(0.7)).numpy(), rtol=1e-10)


def test_tensors_the_step_writes_to_are_carried():
    total, count = t(0.0), sheer.tensor(0)

    def one(c, x):
        total.add_(x * c)
        count.add_(1)
        return c + x, total * 1.0

    carry, ys = scan(one, t(1.0), t(XS[:, 0]))
    want, c, seen = 0.0, 1.0, []
    for x in XS[:, 0]:
        want, c = want + x * c, c + x
        seen.append(want)
    np.testing.assert_allclose([total.item(), carry.item()], [want, c], rtol=1e-14)
    np.testing.assert_allclose(ys.numpy(), seen, rtol=1e-14)
    assert count.item() == 6
    scan(one, t(1.0), t(XS[:, 0]))
    assert count.item() == 12


def test_a_training_loop_equals_the_python_loop():
    def train(loop):
        w = t(H, requires_grad=True)

        def one(c, x):
            loss = ((w * x).sum() - 1.0) * ((w * x).sum() - 1.0)
            w.grad = None
            loss.backward()
            with sheer.no_grad():
                w.sub_(w.grad * 0.1)
            w.grad = None
            return c, loss.detach()

        return w, loop(one)

    xs = t(RNG.normal(size=(5, 3)))
    w1, (_, losses) = train(lambda one: scan(one, (), xs))
    w2, eager = train(lambda one: [one((), xs[i])[1].item() for i in range(5)])
    np.testing.assert_allclose(w1.numpy(), w2.numpy(), rtol=1e-13)
    np.testing.assert_allclose(losses.numpy(), eager, rtol=1e-13)


def test_random_numbers_in_a_loop_are_those_of_the_python_loop():
    sheer.random.manual_seed(3) if hasattr(sheer, "random") else pytest.skip("no generator yet")
    draw = sheer.random.rand if hasattr(sheer.random, "rand") else pytest.skip("no rand yet")
    _, ys = scan(lambda c, _: (c, draw(4)), (), length=3)
    after = draw(2).numpy()
    sheer.random.manual_seed(3)
    want = [draw(4).numpy() for _ in range(3)]
    np.testing.assert_array_equal(ys.numpy(), want)
    np.testing.assert_array_equal(after, draw(2).numpy())


def test_loops_of_no_steps():
    w = t(2.0, requires_grad=True)
    carry, ys = scan(lambda c, x: (c * w + x.sum(), x * w), t(3.0), t(np.zeros((0, 2))))
    assert carry.item() == 3.0
    assert ys.shape == (0, 2)
    (carry + ys.sum()).backward()
    assert w.grad.item() == 0.0
    assert fori_loop(3, 3, lambda i, c: c * 5.0, t(1.0)).item() == 1.0
    assert fori_loop(3, 1, lambda i, c: c * 5.0, t(1.0)).item() == 1.0


def test_counted_loops():
    assert fori_loop(2, 6, lambda i, c: c * i, sheer.tensor(1)).item() == 120
    power = lambda x: fori_loop(0, 3, lambda i, c: c * x, t(1.0))
    assert grad(power)(t(2.0)).item() == 12.0
    assert jit(grad(grad(power)))(t(2.0)).item() == 12.0
    a, b = fori_loop(0, 4, lambda i, c: (c[1], c[0] + c[1]), (sheer.tensor(0), sheer.tensor(1)))
    assert (a.item(), b.item()) == (3, 5)


def test_trees_lengths_and_arrays():
    carry, ys = scan(
        lambda c, _: ({"n": c["n"] + 1.0}, {"twice": c["n"] * 2.0, "name": "n"}),
        {"n": t(1.0)},
        length=3,
    )
    assert carry["n"].item() == 4.0
    assert ys["twice"].tolist() == [2.0, 4.0, 6.0]
    assert ys["name"] == "n"
    assert scan(lambda c, x: (c + x, ()), np.array(0, "f4"), np.float32([1, 2]))[0].item() == 3.0


def test_the_same_loop_is_the_same_program_though_it_makes_arrays_itself(backend):
    from sheer.transforms.execute import _programs

    xs = t(XS[:, 0])

    def run():
        return scan(
            lambda c, x: (c + x * sheer.tensor([1.0, 2.0], dtype=float64), ()), t([0.0, 0.0]), xs
        )[0].numpy()

    run()
    before = len(_programs)
    run()
    assert len(_programs) == before


def test_big_arrays_made_in_a_step_are_inputs_of_the_loop():
    big = RNG.normal(size=100)
    total, _ = scan(
        lambda c, x: (c + x * sheer.tensor(big, dtype=float64), ()), t(np.zeros(100)), t(XS[:, 0])
    )
    np.testing.assert_allclose(total.numpy(), XS[:, 0].sum() * big, rtol=1e-12)
    loops = [
        n
        for n in sheer.graph.topological(
            [
                scan(
                    lambda c, x: (c + x * sheer.tensor(big, dtype=float64), ()),
                    t(np.zeros(100)),
                    t(XS[:, 0]),
                )[0].node
            ]
        )
        if isinstance(n.prim, Scan)
    ]
    assert loops[0].prim.num_consts == 1
    assert not any(isinstance(n.prim, Constant) and n.size == 100 for n in loops[0].prim.body.nodes)
    verify(loops[0].prim.body)


# ---- refusals, whole ---------------------------------------------------------------------------


def text(kind, call):
    with pytest.raises(kind) as caught:
        call()
    return "\n".join(line.split(" made at ")[0].rstrip() for line in str(caught.value).splitlines())


def test_a_carry_that_changes():
    assert text(ShapeError, lambda: scan(lambda c, x: (c + x, ()), t(0.0), t(XS))) == (
        "scan: the step changes shape or dtype of the carry\n"
        "  before: f64[]\n"
        "  after : f64[2]\n"
        "  need  : the same shape and dtype before and after every step\n"
        "  more  : sheer explain E151"
    )
    assert text(
        ShapeError,
        lambda: scan(lambda c, x: ((c[0], c[1] + x), ()), (t(0.0), sheer.tensor(0)), t(XS[:, 0])),
    ) == (
        "scan: the step changes shape or dtype of carry 1\n"
        "  before: i64[]\n"
        "  after : f64[]\n"
        "  need  : the same shape and dtype before and after every step\n"
        "  try   : init.to(sheer.float64)\n"
        "  more  : sheer explain E151"
    )
    assert text(StateError, lambda: scan(lambda c, x: ((c, c), ()), t(0.0), t(XS))) == (
        "scan: the step changes the structure of the carry\n"
        "  before: *\n"
        "  after : (*, *)\n"
        "  need  : the same nesting of the same number of tensors\n"
        "  more  : sheer explain E151"
    )
    assert text(StateError, lambda: scan(lambda c, x: c, t(0.0), t(XS))) == (
        "scan: the step must return (carry, y)\n"
        "  returned: Tensor\n"
        "  need    : a tuple of two\n"
        "  try     : return carry, ()\n"
        "  more    : sheer explain E151"
    )


def test_lengths_that_do_not_fit():
    assert text(ShapeError, lambda: scan(lambda c, x: (c, ()), t(0.0), (t(XS), t(XS[:5])))) == (
        "scan: the inputs have no common first axis\n"
        "  x0   : f64[6, 2]\n"
        "  x1   : f64[5, 2]\n"
        "  need : one number of steps, >= 0\n"
        "  more : sheer explain E152"
    )
    assert "length: 4" in text(
        ShapeError, lambda: scan(lambda c, x: (c, ()), t(0.0), t(XS), length=4)
    )
    assert "E152" in text(ShapeError, lambda: scan(lambda c, x: (c, ()), t(0.0), t(1.0)))
    assert "E152" in text(ShapeError, lambda: scan(lambda c, x: (c, ()), t(0.0), length=-2))
    assert text(ShapeError, lambda: scan(lambda c, x: (c, ()), t(0.0))) == (
        "scan: neither inputs nor a length\n  need : xs or length\n  more : sheer explain E153"
    )


def test_gradients_that_would_pile_up():
    w = t(2.0, requires_grad=True)

    def one(c, x):
        (w * x).sum().backward()
        return c, ()

    with pytest.raises(StateError) as caught:
        scan(one, (), t(XS))
    assert caught.value.code == "E154"


def test_a_gradient_left_by_a_step_is_not_there_outside():
    w = t(2.0, requires_grad=True)

    def one(c, x):
        w.grad = None
        (w * x).sum().backward()
        return c, ()

    scan(one, (), t(XS))
    with pytest.raises(StateError) as caught:
        w.grad.numpy()
    assert caught.value.code == "E605"
    w.grad = None
    (w * 3.0).backward()
    assert w.grad.item() == 3.0


def test_a_step_that_fails_leaves_everything_as_it_was():
    w = t(2.0)

    def one(c, x):
        w.add_(1.0)
        raise KeyError("no")

    with pytest.raises(KeyError):
        scan(one, (), t(XS))
    assert w.item() == 2.0
    assert sheer.transforms.trace.current() is None


# ---- merging -----------------------------------------------------------------------------------


def loops(graph):
    return [n for n in graph.nodes if isinstance(n.prim, Scan)]


def training_graph(layers=2):
    """Stacked recurrent layers, their loss and all gradients."""
    cell = [Input(i, s, float64)() for i, s in enumerate([(3, 3), (3,), (3,)])]
    new = ops.tanh(ops.matmul(cell[1], cell[0]) + cell[2])
    body = Graph(cell, [new, new * 2.0])
    w, h, x = (Input(i, s, float64)() for i, s in enumerate([(3, 3), (3,), (5, 3)]))
    ys, loss = x, constant(0.0, float64)
    for _ in range(layers):
        carry, ys = ops.loop.scan_graph(body, [w], [h], [ys])
        loss = loss + ops.sum(carry, (0,))
    loss = loss + ops.sum(ys * ys, (0, 1))
    return Graph([w, h, x], [loss, *vjp_nodes([loss], [constant(1.0, float64)], [w, h, x])])


def test_a_loop_and_its_longer_twin_become_one(backend):
    graph = training_graph()
    merged = verify(merge_loops(graph))
    assert (len(loops(graph)), len(loops(merged))) == (6, 4)
    arrays = [RNG.normal(size=i.shape) for i in graph.inputs]
    for a, b in zip(interpret(graph, arrays), interpret(merged, arrays), strict=True):
        np.testing.assert_array_equal(a, b)
    assert merge_loops(merged) == merged
    assert merge_loops(graph) == merged  # pure: the argument is as it was


def test_second_derivatives_merge_too():
    graph = training_graph(1)
    w = graph.inputs[0]
    slope = ops.sum(graph.outputs[1] * graph.outputs[1], (0, 1))
    both = Graph(graph.inputs, [*graph.outputs, *vjp_nodes([slope], [constant(1.0, float64)], [w])])
    merged = verify(merge_loops(both))
    assert len(loops(merged)) < len(loops(both))
    arrays = [RNG.normal(size=i.shape) for i in both.inputs]
    for a, b in zip(interpret(both, arrays), interpret(merged, arrays), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_different_loops_stay_apart():
    x, h = Input(0, (4, 3), float64)(), Input(1, (3,), float64)()
    c, a = Input(0, (3,), float64)(), Input(1, (3,), float64)()
    make = lambda out, **k: ops.loop.scan_graph(Graph([c, a], [out, a * c]), [], [h], [x], **k)
    graph = Graph([x, h], [*make(c + a), *make(c - a), *make(c + a, reverse=True)])
    assert len(loops(merge_loops(graph))) == 3
    alone = Graph([x, h], [make(c + a)[0]])
    assert len(loops(merge_loops(alone))[0].outputs) == 1  # the stack that nobody reads is gone


# ---- checkpoint --------------------------------------------------------------------------------


def peak_of(graph, arrays):
    """The most bytes alive at once when the graph is interpreted."""
    import weakref

    alive, peak = {}, [0]

    def watch(node, found):
        for a in found:
            if a.base is None:
                alive[id(a)] = a.nbytes
                weakref.finalize(a, alive.pop, id(a), None)
        peak[0] = max(peak[0], sum(alive.values()))

    interpret(graph, arrays, watch)
    return peak[0]


def test_checkpoints_lower_the_peak_and_change_nothing(backend):
    def chain(x):
        for _ in range(10):
            x = (x * 1.1).sin()
        return x

    def loss(wrap):
        def run(x):
            for _ in range(6):
                x = wrap(chain, x)
            return (x * x).sum()

        return run

    kept, again = (jit(grad(loss(w))) for w in (lambda f, x: f(x), checkpoint))
    x = t(RNG.normal(size=(64,)))
    np.testing.assert_allclose(again(x).numpy(), kept(x).numpy(), rtol=1e-12)
    from sheer.compile.rewrites.simplify import strip_markers

    flat = strip_markers(again.lower(x))
    peaks = [peak_of(g, [x.numpy()]) for g in (kept.lower(x), flat)]
    assert peaks[1] < 0.6 * peaks[0]


def test_a_checkpoint_with_state_and_weights_from_outside():
    w, seen = t(2.0, requires_grad=True), t(0.0)

    def f(x):
        seen.add_(1.0)
        return (x * w).sin()

    out = checkpoint(f, t(3.0))
    out.backward()
    np.testing.assert_allclose(w.grad.item(), 3 * np.cos(6.0), rtol=1e-12)
    assert seen.item() == 1.0
    a, b = checkpoint(lambda x, k: (x * k, x + k), t(3.0), k=t(4.0))
    assert (a.item(), b.item()) == (12.0, 7.0)
