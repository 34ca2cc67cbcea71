"""Every optimizer takes torch's steps: called eagerly, compiled, and inside a scan."""

import gc

import numpy as np
import pytest
import torch
from optim_cases import (
    CASES,
    NAMES,
    batches,
    compare,
    constant,
    goal_of,
    loss_of,
    new,
    ours,
    start,
    systems,
    torch_result,
    train,
)

import sheer
from sheer.mixins import core
from sheer.mixins.backward import _passes
from sheer.transforms import execute

TOLERANCE = {np.float64: 1e-10, np.float32: 1e-5}
FIRST = [next(c for c in CASES if c[0] == name) for name in dict.fromkeys(c[0] for c in CASES)]
LONG = [*FIRST, *(c for c in CASES if c[0] == "SGD" and "momentum" in c[1])]
each_case = pytest.mark.parametrize(("name", "options"), [
    pytest.param(*case, id=name, marks=systems(*case))
    for case, name in zip(CASES, NAMES, strict=True)])


@each_case
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_eager_steps_are_torchs(name, options, dtype):
    steps = 100 if (name, options) in LONG else 40
    if name == "Rprop" and dtype == np.float32:
        steps = 20          # it looks at signs only: a rounding that turns one is another path
    expected, losses, _ = torch_result(name, options, steps, dtype)
    params = ours(start(dtype))
    found = train(new(name, params, options), params, *batches(steps, dtype), make=constant)
    compare(params, expected, TOLERANCE[dtype])
    np.testing.assert_allclose(found, losses, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def compiled(name, options, dtype):
    """A compiled training step, its weights and its optimizer."""
    params = ours(start(dtype))
    optimizer = new(name, params, options)
    @sheer.jit
    def step(x, y):
        optimizer.zero_grad()
        loss = loss_of(params, x, y, goal_of(optimizer))
        loss.backward()
        optimizer.step()
        return loss
    return step, params, optimizer


@each_case
def test_compiled_steps_are_torchs_and_traced_once(name, options):
    expected, losses, _ = torch_result(name, options, 20, np.float64)
    step, params, _ = compiled(name, options, np.float64)
    found = [step(constant(x), constant(y)).item()
             for x, y in zip(*batches(20, np.float64), strict=True)]
    compare(params, expected, 1e-10)
    np.testing.assert_allclose(found, losses, rtol=1e-10)
    assert step.traces == 1


@each_case
def test_steps_in_a_scan_are_torchs_and_traced_once(name, options):
    expected, losses, _ = torch_result(name, options, 20, np.float64)
    step, params, _ = compiled(name, options, np.float64)
    epoch = sheer.jit(lambda x, y: sheer.scan(lambda c, xy: ((), step(*xy)), (), (x, y))[1])
    x, y = batches(20, np.float64)
    found = [epoch(constant(x[:10]), constant(y[:10])), epoch(constant(x[10:]), constant(y[10:]))]
    compare(params, expected, 1e-10)
    np.testing.assert_allclose(np.concatenate([f.numpy() for f in found]), losses, rtol=1e-10)
    assert epoch.traces == 1


@pytest.mark.parametrize("name", ["SGD", "Adam", "RAdam"])
def test_a_schedule_changes_the_rate_of_a_compiled_step_without_a_new_trace(name):
    step, params, optimizer = compiled(name, {"lr": 0.1}, np.float64)
    schedule = sheer.optim.lr_scheduler.ExponentialLR(optimizer, 0.8)
    peers = [torch.tensor(a, requires_grad=True) for a in start(np.float64)]
    peer = getattr(torch.optim, name)(peers, lr=0.1)
    their_schedule = torch.optim.lr_scheduler.ExponentialLR(peer, 0.8)
    for x, y in zip(*batches(8, np.float64), strict=True):
        step(constant(x), constant(y))
        schedule.step()
        train(peer, peers, [x], [y])
        their_schedule.step()
    compare(params, peers, 1e-10)
    assert step.traces == 1


def test_other_options_are_part_of_the_trace():
    step, _, optimizer = compiled("SGD", {"lr": 0.1, "momentum": 0.9}, np.float64)
    x, y = batches(1, np.float64)
    for momentum, traces in ((0.9, 1), (0.5, 2), (0.9, 2)):
        optimizer.param_groups[0]["momentum"] = momentum
        step(constant(x[0]), constant(y[0]))
        assert step.traces == traces


@pytest.mark.parametrize(("name", "options"), [("SGD", {"momentum": 0.9}), ("Adam", {}),
                                               ("NAdam", {}), ("RMSprop", {"momentum": 0.9})])
def test_cycled_momentum_is_a_tensor_too(name, options):
    step, params, optimizer = compiled(name, {"lr": 0.1, **options}, np.float64)
    setting = {"max_lr": 0.1, "total_steps": 12}
    if name in ("RMSprop", "SGD"):
        setting["max_momentum"] = 0.9
    schedule = sheer.optim.lr_scheduler.OneCycleLR(optimizer, **setting)
    peers = [torch.tensor(a, requires_grad=True) for a in start(np.float64)]
    peer = getattr(torch.optim, name)(peers, lr=0.1, **options)
    their_schedule = torch.optim.lr_scheduler.OneCycleLR(peer, **setting)
    torch.set_default_dtype(torch.float64)          # NAdam keeps a product in it
    try:
        for x, y in zip(*batches(10, np.float64), strict=True):
            step(constant(x), constant(y))
            schedule.step()
            train(peer, peers, [x], [y])
            their_schedule.step()
    finally:
        torch.set_default_dtype(torch.float32)
    compare(params, peers, 1e-10)
    assert step.traces == 1


def test_a_weight_without_gradient_is_skipped_and_keeps_its_own_count():
    ours_ = ours(start(np.float64))
    peers = [torch.tensor(a, requires_grad=True) for a in start(np.float64)]
    a, b = sheer.optim.Adam(ours_, lr=0.1), torch.optim.Adam(peers, lr=0.1)
    for i in range(6):
        for params, optimizer in ((ours_, a), (peers, b)):
            optimizer.zero_grad()
            # The bias takes part in every second step, the scale never in the first two.
            total = (params[0] * params[0]).sum()
            if i % 2:
                total = total + (params[1] * params[1] * 3).sum()
            if i > 1:
                total = total + params[2] * params[2]
            total.backward()
            optimizer.step()
    compare(ours_, peers, 1e-12)
    assert [a.state[p]["step"].item() for p in ours_] == [6, 3, 4]
    assert [b.state[p]["step"].item() for p in peers] == [6, 3, 4]


def test_a_weight_that_rests_in_a_compiled_step_keeps_its_own_count():
    params = ours(start(np.float64))
    optimizer = sheer.optim.Adam(params, lr=0.1)
    @sheer.jit
    def step():
        optimizer.zero_grad()
        (params[0] * params[0]).sum().backward()
        optimizer.step()
    for _ in range(3):
        step()
    assert [optimizer.state[p]["step"].item() for p in params] == [3, 0, 0]
    assert step.traces <= 2


def test_groups_have_options_of_their_own():
    params = ours(start(np.float64))
    peers = [torch.tensor(a, requires_grad=True) for a in start(np.float64)]
    groups = lambda p: [{"params": p[:1], "lr": 0.1}, {"params": p[1:], "betas": (0.5, 0.9)}]
    a = sheer.optim.Adam(groups(params), lr=0.01)
    b = torch.optim.Adam(groups(peers), lr=0.01)
    x, y = batches(10, np.float64)
    train(a, params, x, y, make=constant)
    train(b, peers, x, y)
    compare(params, peers, 1e-10)


def test_rates_from_a_tensor_inside_a_scan():
    """What `fit` does: the rates of all updates go into the loop as an array."""
    rates = np.array([[0.3], [0.2], [0.1], [0.05]])
    x, y = batches(4, np.float64)
    one, two = ours(start(np.float64)), ours(start(np.float64))
    a, b = sheer.optim.SGD(one, lr=1.0), sheer.optim.SGD(two, lr=1.0)
    def body(_, given):
        xi, yi, rate = given
        a.set_rates(rate)
        a.zero_grad()
        loss = loss_of(one, xi, yi)
        loss.backward()
        a.step()
        return (), loss
    epoch = sheer.jit(lambda x, y, r: sheer.scan(body, (), (x, y, r))[1])
    epoch(constant(x), constant(y), constant(rates)).numpy()
    for i, rate in enumerate(rates[:, 0]):
        b.param_groups[0]["lr"] = rate
        train(b, two, x[i:i + 1], y[i:i + 1], make=constant)
    for p, q in zip(one, two, strict=True):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-12)
    assert a.param_groups[0]["lr"] == 0.05


def test_an_eager_step_runs_everything_in_one_program():
    params = ours(start(np.float32))
    optimizer = sheer.optim.Adam(params)
    x, y = batches(5, np.float32)
    train(optimizer, params, x[:2], y[:2], make=constant)
    made, kept, runs = len(execute._programs), len(_passes), []
    original = execute._run
    execute._run = lambda pending, keep: (runs.append(len(pending)), original(pending, keep))
    try:
        train(optimizer, params, x[2:], y[2:], make=constant)
    finally:
        execute._run = original
    assert not runs                                 # the backward pass computes the loss as well
    assert (len(execute._programs), len(_passes)) == (made, kept)     # and always the same program


def test_clocks_that_part_in_the_middle_of_a_trace():
    params = ours(start(np.float64))
    optimizer = sheer.optim.Adam(params, lr=0.1)
    @sheer.jit
    def two_steps():
        for total in (lambda: sum((p * p).sum() for p in params), lambda: params[0] * params[0]):
            optimizer.zero_grad()
            total().sum().backward()
            optimizer.step()
    for _ in range(3):
        two_steps()
    assert [optimizer.state[p]["step"].item() for p in params] == [6, 3, 3]
    assert two_steps.traces == 2


def test_a_compiled_step_updates_weights_and_state_where_they_lie():
    step, params, optimizer = compiled("Adam", {"lr": 0.1, "amsgrad": True}, np.float32)
    places = lambda: [t.numpy().__array_interface__["data"][0]
                      for t in (*params, *optimizer.tensors())]
    x, y = (constant(a[0]) for a in batches(1, np.float32))
    step(x, y)
    before = places()
    step(x, y)
    assert places() == before


def test_eager_steps_leave_nothing_behind():
    params = ours(start(np.float32))
    optimizer = sheer.optim.Adam(params)
    x, y = batches(30, np.float32)
    counts = []
    for part in (slice(0, 10), slice(10, 30)):
        train(optimizer, params, x[part], y[part], make=constant)
        gc.collect()
        counts.append(len(core._live.pending()))
    assert counts[0] == counts[1]


def test_a_gradient_given_by_hand_in_another_dtype_leaves_the_weight_its_own():
    w = sheer.tensor([1.0, 2.0], requires_grad=True)
    w.grad = sheer.tensor([1.0, 1.0], dtype="float64")
    sheer.optim.SGD([w], lr=0.5).step()
    assert w.dtype == sheer.float32
    assert w.tolist() == [0.5, 1.5]


def test_a_closure_is_called_with_gradients_on():
    w = sheer.tensor(3.0, requires_grad=True)
    optimizer = sheer.optim.SGD([w], lr=0.1)
    def closure():
        optimizer.zero_grad()
        loss = w * w
        loss.backward()
        return loss
    with sheer.no_grad():
        assert optimizer.step(closure).item() == 9
    np.testing.assert_allclose(w.item(), 2.4, rtol=1e-6)


def test_zero_grad_forgets_or_zeroes():
    w = sheer.tensor([1.0, 2.0], requires_grad=True)
    optimizer = sheer.optim.SGD([w], lr=0.1)
    (w * w).sum().backward()
    optimizer.zero_grad(set_to_none=False)
    assert w.grad.tolist() == [0, 0]
    optimizer.zero_grad()
    assert w.grad is None
