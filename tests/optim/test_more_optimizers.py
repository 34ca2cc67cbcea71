"""L-BFGS, Muon, averaged models: parity with torch, and what they are for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from optim_cases import batches, compare, constant, loss_of, ours, start, theirs

import sheer
from sheer import nn, optim
from sheer.optim import swa_utils


@pytest.mark.parametrize("settings", [
    {"lr": 0.3, "max_iter": 7}, {"lr": 0.5, "max_iter": 12, "history_size": 3},
    {"line_search_fn": "strong_wolfe"}, {"line_search_fn": "strong_wolfe", "max_iter": 4},
], ids=str)
def test_lbfgs_takes_torchs_steps(settings) -> None:
    x, y = (a[0] for a in batches(1, np.float64))
    found = []
    for library, params, make in ((optim, ours(start(np.float64)), constant),
                                  (torch.optim, theirs(start(np.float64)), torch.tensor)):
        optimizer, losses = library.LBFGS(params, **settings), []
        def closure(o=optimizer, p=params, m=make):
            o.zero_grad()
            loss = loss_of(p, m(x), m(y)) + 0.05 * sum((w * w).sum() for w in p)
            loss.backward()
            return loss
        for _ in range(4):
            losses.append(optimizer.step(closure).item())
        found.append((params, losses))
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-7)
    compare(found[0][0], found[1][0], 1e-6)


def rosenbrock(w):
    return (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2


def test_lbfgs_finds_the_bottom_of_a_bent_valley_and_goes_on_from_its_state() -> None:
    w = sheer.tensor([-1.2, 1.0], dtype="float64", requires_grad=True)
    optimizer = optim.LBFGS([w], max_iter=15, line_search_fn="strong_wolfe")
    def closure():
        optimizer.zero_grad()
        loss = rosenbrock(w)
        loss.backward()
        return loss
    optimizer.step(closure)
    again = optim.LBFGS([w], line_search_fn="strong_wolfe")
    again.load_state_dict(optimizer.state_dict())
    assert again.param_groups[0]["max_iter"] == 15
    optimizer = again
    for _ in range(6):
        optimizer.step(closure)
    np.testing.assert_allclose(w.tolist(), [1.0, 1.0], atol=1e-4)      # the loss changes by < 1e-9


@pytest.mark.parametrize("settings", [{}, {"nesterov": False, "weight_decay": 0.0, "ns_steps": 3},
                                      {"adjust_lr_fn": "match_rms_adamw", "momentum": 0.8}])
def test_muon_follows_its_formula_and_torch_up_to_bfloat16(settings) -> None:
    rng = np.random.default_rng(0)
    for shape in ((6, 4), (3, 5)):
        begin, grads = rng.normal(size=shape), rng.normal(size=(5, *shape))
        mine, theirs_ = ours([begin])[0], torch.tensor(begin, requires_grad=True)
        a = optim.Muon([mine], lr=0.02, **settings)
        b = torch.optim.Muon([theirs_], lr=0.02, **settings)
        expected, buffer = begin.copy(), np.zeros(shape)
        o = {"momentum": 0.95, "weight_decay": 0.1, "ns_steps": 5, "nesterov": True,
             "adjust_lr_fn": None, **settings}
        for g in grads:
            mine.grad, theirs_.grad = constant(g), torch.tensor(g)
            a.step()
            b.step()
            buffer += (1 - o["momentum"]) * (g - buffer)
            m = g + o["momentum"] * (buffer - g) if o["nesterov"] else buffer
            m = m / np.linalg.norm(m)
            for _ in range(o["ns_steps"]):
                gram = m @ m.T
                m = 3.4445 * m + (-4.775 * gram + 2.0315 * gram @ gram) @ m
            ratio = (0.2 * max(shape) ** 0.5 if o["adjust_lr_fn"] == "match_rms_adamw"
                     else max(1, shape[0] / shape[1]) ** 0.5)
            expected = expected * (1 - 0.02 * o["weight_decay"]) - 0.02 * ratio * m
        np.testing.assert_allclose(mine.numpy(), expected, rtol=1e-10, atol=1e-12)
        # torch iterates in bfloat16, which keeps 8 bits
        np.testing.assert_allclose(mine.numpy(), theirs_.detach().numpy(), atol=0.02 * 5 * 0.05)


# ---- averages of weights -------------------------------------------------------------------------

def peers():
    """The same small network in both libraries."""
    torch.manual_seed(0)
    sizes = lambda lib: lib.Sequential(lib.Linear(3, 4), lib.BatchNorm1d(4), lib.Linear(4, 2))
    mine, other = sizes(nn).double(), sizes(torch.nn).double()
    mine.load_state_dict(other.state_dict())
    return mine, other


AVERAGES = {"swa": lambda lib: {}, "ema": lambda lib: {"avg_fn": lib.get_ema_avg_fn(0.8)},
            "swa lists": lambda lib: {"multi_avg_fn": lib.get_swa_multi_avg_fn()},
            "ema lists": lambda lib: {"multi_avg_fn": lib.get_ema_multi_avg_fn(0.7),
                                      "use_buffers": True}}


@pytest.mark.parametrize("kind", AVERAGES)
@pytest.mark.parametrize("compiled", [False, True])
def test_averaged_model_follows_torchs(kind: str, compiled: bool) -> None:
    mine, other = peers()
    a = swa_utils.AveragedModel(mine, **AVERAGES[kind](swa_utils))
    b = torch.optim.swa_utils.AveragedModel(other, **AVERAGES[kind](torch.optim.swa_utils))
    update = sheer.jit(lambda: a.update_parameters(mine)) if compiled else (
        lambda: a.update_parameters(mine))
    rng = np.random.default_rng(0)
    for _ in range(4):
        x = rng.normal(size=(6, 3))
        for model, tensor, average in ((mine, constant, update),
                                       (other, torch.tensor,
                                        lambda: b.update_parameters(other))):
            model(tensor(x)).sum().backward()
            optimizer = (optim if model is mine else torch.optim).SGD(model.parameters(), lr=0.1)
            optimizer.step()
            average()
    assert list(a.state_dict()) == sorted(b.state_dict(), key=list(a.state_dict()).index)
    for name, value in b.state_dict().items():
        # torch's list form of the mean keeps its weight in float32
        rtol = 1e-7 if kind == "swa lists" else 1e-10
        np.testing.assert_allclose(a.state_dict()[name].numpy(), value.numpy(), rtol=rtol,
                                   atol=1e-12, err_msg=name)
    assert int(a.n_averaged) == 4


def test_update_bn_makes_the_statistics_those_of_the_data() -> None:
    mine, other = peers()
    x = np.random.default_rng(1).normal(size=(4, 5, 3))
    mine.eval()
    swa_utils.update_bn([(constant(b), 0) for b in x], mine)
    torch.optim.swa_utils.update_bn([(torch.tensor(b), 0) for b in x], other)
    assert not mine.training
    assert mine[1].momentum == 0.1
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        np.testing.assert_allclose(getattr(mine[1], name).numpy(), getattr(other[1], name).numpy(),
                                   rtol=1e-10)


@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("steps", [0, 4])
def test_swalr_is_torchs(strategy: str, steps: int) -> None:
    rates = []
    for lib, params in ((optim, ours(start(np.float64))), (torch.optim, theirs(start(np.float64)))):
        optimizer = lib.SGD(params, lr=0.4)
        schedule = lib.swa_utils.SWALR(optimizer, 0.05, steps, strategy)
        found = []
        for _ in range(7):
            found.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        rates.append(found)
        if lib is optim:
            np.testing.assert_allclose(found, [schedule.value(t) for t in range(7)], rtol=1e-12)
    np.testing.assert_allclose(*rates, rtol=1e-12)


def test_weights_averaged_late_in_a_noisy_descent_lie_nearer_to_the_bottom() -> None:
    """Polyak's point: the mean of steps that bounce around a minimum is closer to it than they."""
    rng = np.random.default_rng(0)
    w = sheer.tensor(np.full(10, 3.0), dtype="float64", requires_grad=True)
    optimizer = optim.ASGD([w], lr=0.3, lambd=0.0, alpha=0.0, t0=100)
    for _ in range(400):
        w.grad = w.detach() + sheer.tensor(rng.normal(size=10), dtype="float64")
        optimizer.step()
    mean = np.linalg.norm(optimizer.state[w]["ax"].numpy())
    assert mean < 0.5 * np.linalg.norm(w.detach().numpy())


@pytest.mark.parametrize("kind", ["SGD", "LBFGS"])
def test_hooks_around_a_step(kind: str) -> None:
    calls: list[list] = []
    for lib, make in ((optim, lambda a: sheer.tensor(a, requires_grad=True)),
                      (torch.optim, lambda a: torch.tensor(a, requires_grad=True))):
        w, seen = make([1.0, 2.0]), []
        optimizer = getattr(lib, kind)([w], lr=0.1)
        optimizer.register_step_pre_hook(lambda o, a, k, s=seen, w=w: s.append(
            ("before", len(a), round(float(w.detach().sum()), 4))))
        handle = optimizer.register_step_post_hook(lambda o, a, k, s=seen: s.append("after"))
        def closure(o=optimizer, w=w):
            o.zero_grad()
            loss = (w * w).sum()
            loss.backward()
            return loss
        optimizer.step(closure)
        handle.remove()
        optimizer.step(closure)
        calls.append(seen)
    assert [type(c) for c in calls[0]] == [tuple, str, tuple]
    assert calls[0][:2] == calls[1][:2]
