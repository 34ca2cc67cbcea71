"""Methods inside jit, scan, vmap and grad: the same numbers as outside; how often things run."""

import gc
import threading
import weakref

import numpy as np
import pytest
from test_tensor_inplace import refusal

import sheer
from sheer.mixins import core
from sheer.transforms import execute


@pytest.fixture
def runs(monkeypatch):
    """How often a program was run."""
    seen = []
    run = execute._run
    monkeypatch.setattr(execute, "_run", lambda *a: (seen.append(1), run(*a))[1])
    return seen


def test_nothing_runs_until_somebody_looks_and_then_everything_in_one_program(runs):
    x = sheer.ones(3, 3)
    y = (x + 1).T[0].softmax(0)
    z = x.cumsum(1)
    z[0] = y
    w = sheer.cat([y, z[0]]).sort().values
    assert runs == []
    sheer.eval(w, [z, {"y": y}])
    assert len(runs) == 1
    w.numpy(), z.tolist(), y.numpy()
    assert len(runs) == 1


def test_rebinding_a_tensor_keeps_nothing_of_its_past():
    w = sheer.ones(4, requires_grad=True)
    sheer.eval(w)
    before, waiting = weakref.ref(w.node), len(core._live.pending())
    for _ in range(20):
        with sheer.no_grad():
            w.mul_(0.9)
        w.numpy()
    gc.collect()
    assert before() is None
    assert len(core._live.pending()) <= waiting


def test_backward_through_a_graph_from_before_a_write_finds_the_leaf():
    w = sheer.tensor([2.0], requires_grad=True)
    loss = (w * w).sum()
    with sheer.no_grad():
        w.mul_(10)
    loss.backward()
    assert w.grad.tolist() == [4.0]


def steps():
    """Everything a generator can do, each with a shape that differs."""
    p = sheer.tensor([0.2, 0.0, 0.8])
    out = [sheer.rand(3), sheer.randn(2, 2), sheer.randint(0, 9, (5,)), sheer.randperm(6),
           sheer.bernoulli(p),
           sheer.normal(p, 2.0), sheer.multinomial(p, 2), sheer.multinomial(p, 4, True),
           sheer.rand_like(p)]
    x = sheer.zeros(3)
    out += [x.uniform_(1, 2).clone(), x.normal_().clone(), x.random_(5).clone(),
            x.bernoulli_(0.5).clone(),
            x.exponential_().clone(), sheer.randn_like(p), sheer.randint_like(p, 3)]
    return out


def test_eager_and_compiled_code_draw_the_same_numbers():
    sheer.manual_seed(7)
    eager = [t.numpy() for _ in range(3) for t in steps()]
    step = sheer.jit(steps)
    sheer.manual_seed(7)
    compiled = [t.numpy() for _ in range(3) for t in step()]
    for a, b in zip(eager, compiled, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    assert step.traces == 1
    assert sheer.default_generator.state.tolist() == [7, 48]


def test_draws_inside_a_scan_are_those_outside():
    def step(carry, _):
        return carry, sheer.rand(2)
    sheer.manual_seed(1)
    _, inside = sheer.scan(step, sheer.zeros(()), length=4)
    sheer.manual_seed(1)
    outside = sheer.stack([sheer.rand(2) for _ in range(4)])
    assert inside.tolist() == outside.tolist()


def test_a_generator_of_its_own_and_its_state():
    g = sheer.Generator().manual_seed(3)
    saved = g.get_state()
    a = sheer.rand(4, generator=g)
    assert g.set_state(saved) is g
    assert sheer.rand(4, generator=g).tolist() == a.tolist()
    assert g.initial_seed() == 3
    assert sheer.rand(4, generator=g).tolist() != a.tolist()
    assert sheer.Generator().manual_seed(-1).state.tolist() == [-1, 0]
    assert sheer.Generator().manual_seed(2**64 - 1).state.tolist() == [-1, 0]
    assert {type(sheer.seed()), sheer.initial_seed() >= 0} == {int, True}


def test_eager_draws_do_not_grow_a_graph():
    g = sheer.Generator().manual_seed(0)
    for _ in range(5):
        sheer.rand(2, generator=g)
        assert isinstance(g.state.node.prim, sheer.ops.structure.Data)


def test_multinomial_draws_by_weight():
    sheer.manual_seed(0)
    w = sheer.tensor([[1.0, 3.0, 0.0], [0.0, 1.0, 1.0]])
    many = sheer.multinomial(w, 8000, replacement=True)
    share = sheer.stack([row.bincount(minlength=3) for row in many]).numpy() / 8000
    np.testing.assert_allclose(share, [[0.25, 0.75, 0], [0, 0.5, 0.5]], atol=0.02)
    firsts = np.array([sheer.multinomial(w, 2).numpy() for _ in range(200)])
    assert (np.sort(firsts, -1) == [[0, 1], [1, 2]]).all()
    assert refusal(lambda: sheer.multinomial(sheer.ones(2), 3)) == (
        "multinomial: 3 different places of 2\n  need : num_samples <= 2\n"
        "  try  : replacement=True\n  more : sheer explain E141")


def test_writes_inside_a_compiled_function_are_those_outside():
    def program(x, state):
        state[0] += x.sum()
        view = state.view(2, 2)
        view[1].mul_(2)
        x = x.clone()
        x[x > 0] = 0
        return x, state.T
    results = []
    for wrap in (lambda f: f, sheer.jit):
        state = sheer.ones(4)
        step = wrap(lambda x, s=state: program(x, s))
        out = [step(sheer.tensor([1.0, -2.0])) for _ in range(3)]
        results.append((state.tolist(), out[0][0].tolist()))
    assert results[0] == results[1] == ([-2.0, 1.0, 8.0, 8.0], [0.0, -2.0])


def test_a_view_from_outside_follows_its_base_inside_and_after():
    base = sheer.zeros(3)
    view = base[1:]
    @sheer.jit
    def step():
        base.add_(1)
        view.mul_(10)
        return view.sum()
    assert [step().item() for _ in range(2)] == [20.0, 220.0]
    assert base.tolist() == [2.0, 110.0, 110.0]
    assert view.tolist() == [110.0, 110.0]


@pytest.mark.parametrize("text", ["x.nonzero()", "x.unique()", "x[x > 0]", "x.masked_select(x > 0)",
                                  "x.item()",
                                  "sheer.unique_all(x)", "x.bool().argwhere()"])
def test_shapes_that_depend_on_values_are_refused_in_a_trace(text):
    @sheer.jit
    def step(x):
        return eval(text, {"x": x, "sheer": sheer})
    op = {"x[x > 0]": "getitem", "x.masked_select(x > 0)": "getitem",
          "sheer.unique_all(x)": "unique_all",
          "x.item()": "value", "x.bool().argwhere()": "nonzero"}.get(text, text[2:-2])
    assert refusal(lambda: step(sheer.ones(1))) == (
        f"{op}: there is no value yet: the function is being traced\n"
        "  need  : tensor operations only; return what you want to see\n"
        "  try   : where(condition, a, b) in place of `if`\n  more  : sheer explain E606")


@pytest.mark.parametrize("text", [
    "x.softmax(-1)", "x.sum()", "x.max(0).values", "x.sort().values", "x[1]", "x.flip(0)",
    "x.std()", "x.cumsum(0)",
    "x.gather(0, x.argsort(0))", "x.tril(0) if x.ndim > 1 else x.diag()", "x.norm()", "x.median()",
    "x.outer(x)",
    "x.where(x > 0, 0)", "x.roll(1)", "x.unsqueeze(0).expand(2, 3)", "x.clamp(0, 1)", "x.argmax()",
    "x.logsumexp(0)"])
def test_vmap_of_a_method_is_a_loop(text):
    rows = sheer.tensor(np.random.default_rng(0).normal(size=(4, 3)), dtype=sheer.float64)
    def f(x):
        return eval(text, {"x": x})
    np.testing.assert_allclose(sheer.vmap(f)(rows).numpy(), np.stack([f(r).numpy() for r in rows]),
                               rtol=1e-12)


@pytest.mark.parametrize("text", [
    "x.softmax(0)[0]", "x.log_softmax(0)[1]", "x.std()", "x.norm()", "x.logsumexp(0)",
    "x.cumprod(0).sum()",
    "x.prod()", "(x @ x.outer(x) @ x)", "x.tanh().sum()", "x.pow(3).mean()",
    "x.sort().values[0] ** 3",
    "x.gather(0, x.argsort()).square()[1]", "x.var() * x.sum()", "x.erf().sum()",
    "x.exp().max(0).values"])
def test_second_derivatives_agree_with_torch(text):
    import torch
    numbers = [0.3, -0.7, 1.2]
    x = sheer.tensor(numbers, dtype=sheer.float64)
    f = lambda x: eval(text, {"x": x})
    ours = sheer.grad(lambda x: (sheer.grad(f)(x) * sheer.arange(1.0, 4.0)).sum())(x)
    t = torch.tensor(numbers, dtype=torch.float64, requires_grad=True)
    (g,) = torch.autograd.grad(f(t), t, create_graph=True)
    (want,) = torch.autograd.grad((g * torch.arange(1.0, 4.0)).sum(), t)
    np.testing.assert_allclose(ours.numpy(), want.numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("source", [True, False], ids=["of a leaf", "of a constant"])
@pytest.mark.parametrize("shown", [
    lambda x: x.detach(), lambda x: x.detach()[1:], lambda x: x.data],
    ids=["detach", "a slice", "data"])
def test_what_shows_a_tensor_can_become_a_leaf(source, shown):
    x = sheer.tensor([1.0, 2.0, 3.0], requires_grad=source)
    y = shown(x).requires_grad_()
    (y * y).sum().backward()
    np.testing.assert_array_equal(y.grad.numpy(), 2 * shown(x).numpy())
    assert x.grad is None
    np.testing.assert_array_equal(x.detach().numpy(), [1, 2, 3])


def test_no_grad_around_a_derivative_leaves_it_a_derivative():
    cube = lambda v: (v ** 3).sum()
    x = sheer.tensor([1.0, 2.0], requires_grad=True)
    with sheer.no_grad():
        found = sheer.grad(cube)(x)
        assert not found.requires_grad
        assert found.tolist() == [3.0, 12.0]
        assert sheer.hessian(cube)(x).tolist() == [[6.0, 0.0], [0.0, 12.0]]
        assert sheer.jvp(sheer.grad(cube), [x], [x])[1].tolist() == [6.0, 24.0]
        assert sheer.vjp(cube, x)[1](sheer.tensor(2.0))[0].tolist() == [6.0, 24.0]
    inside = sheer.grad(lambda v: sheer.no_grad()(cube)(v) + v.sum())
    assert inside(sheer.tensor([1.0, 2.0])).tolist() == [1.0, 1.0]


def test_a_weight_that_is_frozen_and_freed_again_gets_its_gradient_once():
    w = sheer.tensor([1.0, 2.0], requires_grad=True)
    for _ in range(3):
        w.requires_grad_(False)
        w.requires_grad_(True)
        w.requires_grad_()
    (w * 3.0).sum().backward()
    assert w.grad.tolist() == [3.0, 3.0]


SHARED = {
    "a clone that becomes a leaf": lambda t: t.clone().requires_grad_(),
    "a tensor of a tensor": lambda t: sheer.tensor(t, requires_grad=True),
    "a computed clone": lambda t: (t + 0).clone().requires_grad_(),
}


@pytest.mark.parametrize("how", SHARED)
def test_a_leaf_shares_its_gradient_with_no_copy(how):
    t = sheer.tensor([1.0, 2.0])
    w = SHARED[how](t)
    (w * t).sum().backward()
    np.testing.assert_array_equal(w.grad.numpy(), [1, 2])


def test_what_was_cloned_and_then_becomes_a_leaf_has_its_own_gradient():
    a = sheer.tensor([1.0, 2.0])
    b = a.clone()
    (a.requires_grad_() * b).sum().backward()
    np.testing.assert_array_equal(a.grad.numpy(), [1, 2])


@pytest.mark.parametrize("how", [lambda f: f, sheer.jit])
def test_two_weights_with_the_values_of_one_tensor_have_two_gradients(how):
    def step(t):
        p, q = (sheer.zeros(2, requires_grad=True) for _ in range(2))
        with sheer.no_grad():
            p.copy_(t)
            q[:] = t
        (p * 3 + q * 5 + t * 7).sum().backward()
        return p.grad, q.grad
    one, other = how(step)(sheer.tensor([1.0, 2.0]))
    assert (one.tolist(), other.tolist()) == ([3, 3], [5, 5])


def test_a_decorator_may_call_itself_and_be_called_by_other_threads():
    @sheer.no_grad()
    def inside(depth):
        below = inside(depth - 1) if depth else []
        return [sheer.is_grad_enabled(), *below]
    assert inside(3) == [False] * 4
    assert sheer.is_grad_enabled()
    meet, seen = threading.Barrier(2, timeout=60), []
    @sheer.no_grad()
    def together():
        meet.wait()
        meet.wait()
    def in_a_thread():
        together()
        seen.append(sheer.is_grad_enabled())
    threads = [threading.Thread(target=in_a_thread) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert seen == [True, True]
