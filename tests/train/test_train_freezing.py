"""Freezing, unfreezing, rates of their own: what is frozen keeps its bits, under fit and jit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import sheer
from sheer import nn, optim
from sheer.graph import SheerError
from sheer.train import Callback, GradualUnfreezing, fit

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(48, 6)).astype(np.float32), RNG.integers(0, 3, 48)


def net() -> nn.Sequential:
    sheer.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(),
                         nn.Linear(8, 3))


def values(module: nn.Module) -> list[np.ndarray]:
    return [p.detach().numpy().copy() for p in module.parameters()]


def equal(a, b) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def train(model, optimizer, epochs: int = 3, callbacks=()):
    return fit(model, (X, Y), loss=nn.CrossEntropyLoss(), optimizer=optimizer, epochs=epochs,
               batch_size=16, callbacks=callbacks, progress=False)


@pytest.mark.parametrize("kind", ["SGD", "AdamW", "RMSprop"])
def test_frozen_weights_are_bit_equal_after_fit(kind: str) -> None:
    model = net()
    model[0].requires_grad_(False)
    before, head = values(model[0]), values(model[5])
    # weight decay would move them, were they not passed by
    train(model, getattr(optim, kind)(model.parameters(), lr=0.05, weight_decay=0.1))
    assert equal(before, values(model[0]))
    assert not equal(head, values(model[5]))


def test_frozen_weights_are_bit_equal_under_jit_also_when_frozen_between_calls() -> None:
    model, x, y = net(), sheer.tensor(X), sheer.tensor(Y)
    optimizer = optim.Adam(model.parameters(), lr=0.05, weight_decay=0.1)
    @sheer.jit
    def step(x, y):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss
    step(x, y)
    model[0].requires_grad_(False)
    model.zero_grad()
    frozen = values(model[0])
    for _ in range(3):
        step(x, y)
    assert equal(frozen, values(model[0]))
    model[0].requires_grad_(True)
    step(x, y)
    assert not equal(frozen, values(model[0]))


class Noted(Callback):
    """Which layers have moved in each epoch."""

    def __init__(self, model) -> None:
        self.layers = [model[0], model[3], model[5]]
        self.last, self.moved = [values(m) for m in self.layers], []

    def on_epoch_end(self, trainer, row) -> None:
        now = [values(m) for m in self.layers]
        self.moved.append([not equal(a, b) for a, b in zip(self.last, now, strict=True)])
        self.last = now


def test_parts_join_one_after_the_other() -> None:
    model = net()
    noted = Noted(model)
    plan = GradualUnfreezing([model[5], [model[3]], [model[0], model[1]]], every=2)
    assert [p.requires_grad for p in model.parameters()] == [False] * 6 + [True] * 2
    train(model, optim.Adam(model.parameters(), lr=0.01), 6, [noted, plan])
    assert noted.moved == [[False, False, True]] * 2 + [[False, True, True]] * 2 + [
        [True, True, True]] * 2
    again = GradualUnfreezing([model[5], model[3], model[0]], at=[1, 5])
    again.load({"epochs": 4})
    assert model[3].weight.requires_grad
    assert not model[0].weight.requires_grad
    with pytest.raises(SheerError, match="E523"):
        GradualUnfreezing([])


def test_groups_with_rates_of_their_own_take_torchs_steps() -> None:
    model = net().double()
    other = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.BatchNorm1d(8), torch.nn.ReLU(),
                                torch.nn.Linear(8, 8), torch.nn.ReLU(),
                                torch.nn.Linear(8, 3)).double()
    other.load_state_dict({k: torch.tensor(v.numpy()) for k, v in model.state_dict().items()})
    groups = optim.layer_groups(model.children(), 0.02)
    rates = [g["lr"] for g in groups]
    np.testing.assert_allclose(rates, [0.02 / 2.6 ** i for i in (3, 2, 1, 0)])
    mine = optim.Adam(groups, betas=(0.8, 0.9))
    theirs = torch.optim.Adam([{"params": list(m.parameters()), "lr": r} for m, r in
                               zip((other[0], other[1], other[3], other[5]), rates, strict=True)],
                              betas=(0.8, 0.9))
    x, y = sheer.tensor(X, dtype="float64"), sheer.tensor(Y)
    for _ in range(10):
        for optimizer, loss in (
                (mine, nn.functional.cross_entropy(model(x), y)),
                (theirs, torch.nn.functional.cross_entropy(other(torch.tensor(X).double()),
                                                           torch.tensor(Y)))):
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    for p, q in zip(model.parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(p.numpy(), q.detach().numpy(), rtol=1e-9, atol=1e-11)


def test_layer_groups_refuse_what_makes_no_sense() -> None:
    shared = nn.Linear(3, 3)
    groups = optim.layer_groups([shared, nn.Sequential(shared, nn.Linear(3, 2))], 1.0, 0.5)
    assert [len(g["params"]) for g in groups] == [4]
    for call in (lambda: optim.layer_groups([nn.ReLU()], 0.1),
                 lambda: optim.layer_groups([shared], 0.1, 0.0)):
        with pytest.raises(SheerError, match="E522"):
            call()
