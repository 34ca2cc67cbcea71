"""State dicts go to torch and come from it; clipping and averages are torch's."""

import numpy as np
import pytest
import torch
from optim_cases import (
    CASES,
    NAMES,
    batches,
    compare,
    constant,
    loss_of,
    new,
    ours,
    start,
    stepped,
    theirs,
    train,
)

import sheer
from sheer import optim
from sheer.graph import SheerError

each_case = pytest.mark.parametrize(("name", "options"), CASES, ids=NAMES)


@pytest.fixture(autouse=True)
def float64():
    """NAdam of torch keeps its product of momenta in the default dtype."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def to_torch(value):
    """A state dict of ours with torch's tensors."""
    if isinstance(value, sheer.Tensor):
        return torch.tensor(np.array(value.numpy()))
    if isinstance(value, dict):
        return {k: to_torch(v) for k, v in value.items()}
    return [to_torch(v) for v in value] if isinstance(value, list) else value


def both(name, options):
    """Two problems with the same start, one for each library."""
    a, b = ours(start(np.float64)), theirs(start(np.float64))
    return (a, new(name, a, options)), (b, getattr(torch.optim, name)(b, **options))


@each_case
def test_the_layout_is_torchs_and_torch_goes_on_from_it(name, options):
    (params, optimizer), (peers, peer) = both(name, options)
    x, y = batches(12, np.float64)
    train(optimizer, params, x[:6], y[:6], make=constant)
    train(peer, peers, x[:6], y[:6])
    saved, expected = optimizer.state_dict(), peer.state_dict()
    assert [set(s) for s in saved["state"].values()] == [
        {k for k, v in s.items() if v is not None} for s in expected["state"].values()]
    assert set(expected["param_groups"][0]) <= set(saved["param_groups"][0])
    fresh = [p.detach().clone().requires_grad_() for p in peers]
    again = getattr(torch.optim, name)(fresh, lr=1.0)
    again.load_state_dict(to_torch(saved))
    train(again, fresh, x[6:], y[6:])
    train(peer, peers, x[6:], y[6:])
    for p, q in zip(fresh, peers, strict=True):
        torch.testing.assert_close(p, q, rtol=1e-9, atol=1e-9)


@each_case
def test_we_go_on_from_torchs_state(name, options):
    (params, optimizer), (peers, peer) = both(name, options)
    x, y = batches(12, np.float64)
    train(peer, peers, x[:6], y[:6])
    params = ours([p.detach().numpy().copy() for p in peers])
    optimizer = new(name, params, {"lr": 1.0})
    optimizer.load_state_dict(peer.state_dict())
    train(optimizer, params, x[6:], y[6:], make=constant)
    train(peer, peers, x[6:], y[6:])
    compare(params, peers, 1e-10)


def test_before_the_first_step_there_is_no_state_as_in_torch():
    for name in ("SGD", "Adam", "NAdam", "Rprop"):
        options = {"momentum": 0.9, "lr": 0.1} if name == "SGD" else {}
        (_, optimizer), (_, peer) = both(name, options)
        assert optimizer.state_dict()["state"] == peer.state_dict()["state"] == {}


def test_a_compiled_step_goes_on_with_a_loaded_state():
    x, y = batches(8, np.float64)
    params = ours(start(np.float64))
    optimizer = optim.Adam(params, lr=0.05)
    @sheer.jit
    def step(xi, yi):
        optimizer.zero_grad()
        loss = loss_of(params, xi, yi)
        loss.backward()
        optimizer.step()
        return loss
    run = lambda: [step(constant(a), constant(b)).item() for a, b in zip(x[4:], y[4:], strict=True)]
    for a, b in zip(x[:4], y[:4], strict=True):
        step(constant(a), constant(b))
    saved, weights = optimizer.state_dict(), [np.array(p.numpy()) for p in params]
    first = run()
    optimizer.load_state_dict(saved)
    for p, w in zip(params, weights, strict=True):
        p._rebind(constant(w).node)
    assert run() == first
    assert step.traces == 1


def test_a_saved_state_is_a_snapshot():
    params = ours(start(np.float64))
    optimizer = optim.Adam(params)
    x, y = batches(4, np.float64)
    train(optimizer, params, x[:2], y[:2], make=constant)
    saved = optimizer.state_dict()
    before = [np.array(v) for s in saved["state"].values() for v in s.values()]
    train(optimizer, params, x[2:], y[2:], make=constant)
    for a, b in zip(before, (v for s in saved["state"].values() for v in s.values()), strict=True):
        np.testing.assert_array_equal(a, b.numpy())


def spoilt(where, **values):
    """A saved state with other options (in the group) or moments (in the state)."""
    saved = stepped(lr=0.5).state_dict()
    {"group": saved["param_groups"][0], "state": saved["state"][0]}[where].update(values)
    return saved


BROKEN = {
    "nothing": {}, "None": None, "no groups": {"state": {}, "param_groups": [{}]},
    "a group without params": {"state": {}, "param_groups": [{"lr": 0.1}]},
    "lr": spoilt("group", lr=-1), "betas": spoilt("group", betas="abc"),
    "eps": spoilt("group", eps="abc"), "decay": spoilt("group", weight_decay=-1.0),
    "one number": spoilt("state", exp_avg=np.float32(1)),
    "text": spoilt("state", exp_avg_sq="abc"),
    "a clock of three": spoilt("state", step=np.ones(3)),
    "another name": spoilt("state", momentum_buffer=np.ones(3)),
    "SGD": stepped(optim.SGD).state_dict(),
    "SGD with momentum": stepped(optim.SGD, momentum=0.9).state_dict(),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_state_that_does_not_fit_changes_nothing(name):
    optimizer = stepped(lr=0.25)
    before = optimizer.state_dict()
    with pytest.raises(SheerError) as caught:
        optimizer.load_state_dict(BROKEN[name])
    assert caught.value.code in ("E304", "E306")
    after = optimizer.state_dict()
    assert after["param_groups"] == before["param_groups"]
    for key, value in before["state"][0].items():
        np.testing.assert_array_equal(after["state"][0][key].numpy(), value.numpy())


def test_momentum_that_is_no_number_is_not_loaded():
    optimizer, saved = stepped(optim.SGD, momentum=0.9), stepped(optim.SGD).state_dict()
    saved["param_groups"][0] |= {"lr": 7.0, "momentum": "abc"}
    with pytest.raises(SheerError, match="momentum = 'abc'"):
        optimizer.load_state_dict(saved)
    assert (optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]) == (1e-3, 0.9)


def test_a_new_lbfgs_state_forgets_the_old_memory():
    fresh = optim.LBFGS([sheer.tensor([1.0, 2.0, 3.0], requires_grad=True)])
    optimizer = stepped(optim.LBFGS)
    assert optimizer.memory.calls > 0
    optimizer.load_state_dict(fresh.state_dict())
    assert optimizer.memory == fresh.memory
    with pytest.raises(SheerError, match="E306"):
        optimizer.load_state_dict({})


def test_zeroed_gradients_are_zero_even_after_a_nan():
    p = sheer.tensor([1.0, 2.0], requires_grad=True)
    (p * float("nan")).sum().backward()
    optim.SGD([p]).zero_grad(set_to_none=False)
    np.testing.assert_array_equal(p.grad.numpy(), [0, 0])


def test_muon_refuses_a_vector_and_keeps_its_groups():
    matrix = sheer.ones(2, 2, requires_grad=True)
    optimizer = optim.Muon([matrix])
    with pytest.raises(SheerError, match="E520"):
        optimizer.add_param_group({"params": [sheer.ones(2, requires_grad=True)]})
    assert [len(g["params"]) for g in optimizer.param_groups] == [1]
    assert list(optimizer.state) == [matrix]


@pytest.mark.parametrize("state", [
    None, {}, {"decay": 2.0, "averages": [np.ones(3)]}, {"decay": 0.5, "averages": [np.ones(())]},
    {"decay": 0.5, "averages": [np.ones(3), np.ones(3)]}, {"decay": 0.5, "averages": ["abc"]}])
def test_averages_that_do_not_fit_change_nothing(state):
    average = optim.ExponentialMovingAverage([sheer.tensor([1.0, 2.0, 3.0])], 0.9)
    with pytest.raises(SheerError):
        average.load_state_dict(state)
    assert average.decay == 0.9
    np.testing.assert_array_equal(average.averages[0].numpy(), [1, 2, 3])


def test_a_loader_that_fails_leaves_the_modes_and_momenta_of_update_bn():
    norm = sheer.nn.BatchNorm1d(3, momentum=0.2).eval()
    def broken():
        yield sheer.ones(4, 3)
        raise RuntimeError("no more")
    with pytest.raises(RuntimeError, match="no more"):
        optim.swa_utils.update_bn(broken(), norm)
    assert (norm.training, norm.momentum) == (False, 0.2)


# ---- clipping ----------------------------------------------------------------------------------

def gradients(dtype=np.float64):
    """Weights with the same gradients in both libraries; one has none."""
    a, b = ours(start(dtype)), theirs(start(dtype))
    for params in (a, b):
        ((params[0] * 3).sum() + params[1].sum() * params[1].sum()).backward()
    return a, b


def same_gradients(a, b, tolerance=1e-12):
    for p, q in zip(a, b, strict=True):
        if q.grad is None:
            assert p.grad is None
        else:
            np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=tolerance)


@pytest.mark.parametrize("norm", [2.0, 1.0, 3.5, float("inf")])
@pytest.mark.parametrize("bound", [0.5, 1e6])
@pytest.mark.system("Gradient clipping by norm")
def test_clipping_by_norm_is_torchs(norm, bound):
    a, b = gradients()
    found = optim.clip_grad_norm_(a, bound, norm)
    expected = torch.nn.utils.clip_grad_norm_(b, bound, norm)
    np.testing.assert_allclose(found.item(), expected.item(), rtol=1e-12)
    same_gradients(a, b)


@pytest.mark.system("Gradient clipping by value")
@pytest.mark.parametrize("given", [lambda m: m, lambda m: m.parameters, lambda m: 3])
def test_clipping_wants_parameters(given):
    with pytest.raises(SheerError, match=r"model.parameters\(\)"):
        sheer.nn.utils.clip_grad_norm_(given(sheer.nn.Linear(2, 2)), 1.0)


def test_clipping_by_value_is_torchs():
    a, b = gradients()
    optim.clip_grad_value_(a, 0.7)
    torch.nn.utils.clip_grad_value_(b, 0.7)
    same_gradients(a, b)


def test_total_norm_of_any_tensors():
    a, b = ours(start(np.float64)), theirs(start(np.float64))
    np.testing.assert_allclose(optim.get_total_norm(a).item(),
                               torch.nn.utils.get_total_norm(b).item(), rtol=1e-12)
    assert optim.get_total_norm([]).item() == 0
    assert optim.clip_grad_norm_(ours(start(np.float64)), 1.0).item() == 0


def test_clipping_inside_a_compiled_step():
    params, peers = ours(start(np.float64)), theirs(start(np.float64))
    a, b = optim.SGD(params, lr=0.5), torch.optim.SGD(peers, lr=0.5)
    @sheer.jit
    def step(x, y):
        a.zero_grad()
        loss_of(params, x, y).backward()
        norm = optim.clip_grad_norm_(params, 0.1)
        a.step()
        return norm
    for x, y in zip(*batches(5, np.float64), strict=True):
        b.zero_grad()
        loss_of(peers, torch.tensor(x), torch.tensor(y)).backward()
        expected = torch.nn.utils.clip_grad_norm_(peers, 0.1)
        b.step()
        found = step(constant(x), constant(y))
        np.testing.assert_allclose(found.item(), expected.item(), rtol=1e-10)
    compare(params, peers, 1e-10)


# ---- averages ----------------------------------------------------------------------------------

def test_averages_are_those_of_torchs_ema():
    params, peers = ours(start(np.float64)), theirs(start(np.float64))
    a, b = optim.SGD(params, lr=0.1), torch.optim.SGD(peers, lr=0.1)
    average = optim.ExponentialMovingAverage(params, 0.8)
    expected = [p.detach().clone() for p in peers]
    update = sheer.jit(average.update)
    x, y = batches(6, np.float64)
    for i in range(6):
        train(a, params, x[i:i + 1], y[i:i + 1], make=constant)
        train(b, peers, x[i:i + 1], y[i:i + 1])
        (update if i % 2 else average.update)()
        torch.optim.swa_utils.get_ema_multi_avg_fn(0.8)(expected, [p.detach() for p in peers], i)
    before = [np.array(p.numpy()) for p in params]
    with average.applied():
        compare(params, expected, 1e-10)
    for p, w in zip(params, before, strict=True):
        np.testing.assert_array_equal(p.numpy(), w)
