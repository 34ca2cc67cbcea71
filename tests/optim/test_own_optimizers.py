"""Optimizers that people write themselves: the spelling of PyTorch in a loop by hand."""

from __future__ import annotations

import copy
import gc

import numpy as np
import pytest
import torch
from optim_cases import batches, compare, constant, loss_of, ours, start, theirs, train

import sheer
from sheer import optim
from sheer.graph.errors import StateError
from sheer.mixins import core
from sheer.transforms import execute


def written(lib):
    """The same three classes over either library."""
    class Momentum(lib.optim.Optimizer):
        def __init__(self, params, lr=0.1, momentum=0.9, weight_decay=0.0):
            super().__init__(params, {"lr": lr, "momentum": momentum,
                                      "weight_decay": weight_decay})

        @lib.no_grad()
        def step(self, closure=None):
            loss = None
            if closure is not None:
                with lib.enable_grad():
                    loss = closure()
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    d = p.grad.add(p, alpha=group["weight_decay"])
                    state = self.state[p]
                    if len(state) == 0:
                        state["sum"] = lib.zeros_like(p)
                    state["sum"].mul_(group["momentum"]).add_(d)
                    p.add_(state["sum"], alpha=-group["lr"])
            return loss

    class Moments(lib.optim.Optimizer):
        def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
            super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

        def step(self, closure=None):
            loss = closure() if closure is not None else None
            for group in self.param_groups:
                b1, b2 = group["betas"]
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    state, grad = self.state[p], p.grad.data
                    if not state:
                        state["step"] = 0
                        state["m"], state["v"] = lib.zeros_like(p.data), lib.zeros_like(p.data)
                    state["step"] += 1
                    state["m"].mul_(b1).add_(grad, alpha=1 - b1)
                    state["v"].mul_(b2).addcmul_(grad, grad, value=1 - b2)
                    c1, c2 = (1 - b ** state["step"] for b in (b1, b2))
                    p.data.addcdiv_(state["m"], state["v"].sqrt().add_(group["eps"]),
                                    value=-group["lr"] * c2 ** 0.5 / c1)
            return loss

    class Plain(lib.optim.Optimizer):
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p.data.add_(p.grad.data, alpha=-group["lr"])

    return Momentum, Moments, Plain


Momentum, Moments, Plain = written(sheer)
KINDS = list(zip(written(sheer), written(torch), ({"weight_decay": 0.1}, {"lr": 0.02},
                                                  {"defaults": {"lr": 0.1}}), strict=True))


@pytest.mark.parametrize(("mine", "other", "options"), KINDS)
def test_they_move_as_in_torch(mine, other, options):
    params, expected = ours(start("float64")), theirs(start("float64"))
    x, y = batches(6, "float64")
    train(mine(params, **options), params, x, y, constant)
    train(other(expected, **options), expected, x, y)
    compare(params, expected, 1e-12)


def test_groups_schedules_and_closures_work_on_them():
    def moved(lib, kind, make):
        params = make(start("float64"))
        optimizer = kind([{"params": params[:1], "lr": 0.02}, {"params": params[1:]}])
        schedule = lib.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
        told = []
        optimizer.register_step_post_hook(lambda *_: told.append(1))
        tensor = constant if lib is sheer else lib.tensor
        for x, y in zip(*batches(5, "float64"), strict=True):
            def closure(x=x, y=y):
                optimizer.zero_grad()
                loss = loss_of(params, tensor(x), tensor(y))
                loss.backward()
                return loss
            loss = optimizer.step(closure)
            schedule.step()
        return params, loss.item(), len(told), [g["lr"] for g in optimizer.param_groups]
    params, *rest = moved(sheer, Momentum, ours)
    expected, *other = moved(torch, written(torch)[0], theirs)
    compare(params, expected, 1e-12)
    np.testing.assert_allclose(rest[0], other[0], rtol=1e-12)
    assert rest[1:] == other[1:]


@pytest.mark.parametrize("of", ["sheer", "torch"])
def test_a_saved_state_goes_on_as_if_nothing_had_happened(of):
    x, y = batches(8, "float64")
    params = ours(start("float64"))
    whole = Moments(params, lr=0.05)
    train(whole, params, x, y, constant)
    half = ours(start("float64")) if of == "sheer" else theirs(start("float64"))
    first = (Moments if of == "sheer" else written(torch)[1])(half, lr=0.05)
    train(first, half, x[:4], y[:4], constant if of == "sheer" else torch.tensor)
    saved = copy.deepcopy(first.state_dict())
    assert saved["state"][0]["step"] == 4
    second = ours([p.detach().numpy() for p in half])
    optimizer = Moments(second)
    optimizer.load_state_dict(saved)
    train(optimizer, second, x[4:], y[4:], constant)
    compare(second, params, 1e-12)
    assert first.state_dict()["state"][0]["step"] == 4            # what was saved is a copy


def test_thousands_of_steps_compile_nothing_new_and_keep_nothing():
    w = sheer.tensor([1.0, -2.0], requires_grad=True)
    optimizer = Moments([w])
    schedule = optim.lr_scheduler.ExponentialLR(optimizer, 0.999)
    def go(steps):
        for _ in range(steps):
            optimizer.zero_grad()
            ((w - 3) ** 2).sum().backward()
            optimizer.step()
            schedule.step()
        gc.collect()
        return len(execute._programs), len(core._live.pending())
    before = go(10)
    assert go(2000) == before


def test_step_of_a_class_below_tells_hooks_once():
    class Loud(Plain):
        def step(self, closure=None):
            super().step(closure)
            self.param_groups[0]["params"][0].data.mul_(2.0)
    w = sheer.tensor([1.0], requires_grad=True)
    optimizer, told = Loud([w], {"lr": 0.25}), []
    optimizer.register_step_pre_hook(lambda *_: told.append(1))
    (w * w).sum().backward()
    optimizer.step()
    assert (w.item(), told) == (1.0, [1])


def test_a_wrapper_that_looks_ahead():
    class Lookahead(optim.Optimizer):
        def __init__(self, base, k=2, alpha=0.5):
            self.base, self.k, self.alpha, self.count = base, k, alpha, 0
            self.param_groups, self.state = base.param_groups, base.state
            self.slow = [p.detach().clone() for g in self.param_groups for p in g["params"]]
        def step(self, closure=None):
            self.base.step(closure)
            self.count += 1
            if self.count % self.k == 0:
                for slow, p in zip(self.slow, self.param_groups[0]["params"], strict=True):
                    slow.add_(p.data - slow, alpha=self.alpha)
                    p.data.copy_(slow)
    w = sheer.tensor([1.0], requires_grad=True)
    optimizer = Lookahead(optim.SGD([w], lr=0.25))
    for _ in range(4):                     # 1 -> .5 -> .25, half way back from 1: .625; and again
        optimizer.zero_grad()
        (w * w).sum().backward()
        optimizer.step()
    assert w.item() == 0.625 ** 2


def test_an_update_rule_of_ones_own_may_be_compiled_and_fitted():
    class Signs(optim.UpdateRule):
        def slots(self, o):
            return {"mean": 0.0}
        def update(self, p, g, s, k, o):
            mean = 0.5 * s["mean"] + g
            return p - k["lr"] * sheer.ops.sign(mean), {"mean": mean}
    model = sheer.nn.Linear(2, 1)
    x = sheer.randn(32, 2)
    y = x @ sheer.tensor([[1.0], [-1.0]])
    run = sheer.train.fit(model, (x, y), loss=sheer.nn.functional.mse_loss, epochs=5,
                          optimizer=Signs(model.parameters(), {"lr": 0.02}), progress=False)
    assert run.history[-1]["loss"] < run.history[0]["loss"]


NEED = ("  need : a loop by hand around it, outside of compiled functions; or an optimizer that "
        "says slots() and update(), a sheer.optim.UpdateRule\n  more : sheer explain E314")


def test_fit_and_jit_say_what_to_do():
    model = sheer.nn.Linear(2, 1)
    optimizer = Plain(model.parameters(), {"lr": 0.1})
    with pytest.raises(StateError) as error:
        sheer.train.fit(model, (sheer.randn(4, 2), sheer.randn(4, 1)), optimizer=optimizer,
                        loss=sheer.nn.functional.mse_loss)
    assert str(error.value) == "fit: the step of Plain is Python that runs anew each time\n" + NEED
    @sheer.jit
    def update(x):
        model(x).sum().backward()
        optimizer.step()
    with pytest.raises(StateError) as error:
        update(sheer.randn(4, 2))
    assert str(error.value) == "step: the step of Plain is Python that runs anew each time\n" + NEED


def test_a_class_without_step_says_so():
    with pytest.raises(NotImplementedError):
        optim.Optimizer([sheer.ones(1, requires_grad=True)], {}).step()
