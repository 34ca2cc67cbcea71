"""The restricted Boltzmann machine: enumerated, against scikit-learn, and trained by CD-1."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import sheer
from sheer import optim
from sheer.data import load_arrays
from sheer.models import RestrictedBoltzmannMachine

ROW = "Contrastive-divergence objective"


def small(seed=0):
    """Five visible and three hidden units with weights that matter."""
    rng = np.random.default_rng(seed)
    machine = RestrictedBoltzmannMachine(5, 3, dtype="float64")
    machine.load_state_dict({"weight": rng.normal(size=(3, 5)), "visible_bias": rng.normal(size=5),
                             "hidden_bias": rng.normal(size=3)})
    return machine


def states(units):
    return np.array(list(itertools.product([0.0, 1.0], repeat=units)))


@pytest.mark.system(ROW)
def test_hidden_units_are_independent_and_free_energies_are_sums():
    machine, v, h = small(), states(5), states(3)
    t = lambda a: sheer.tensor(a, dtype="float64")
    each = np.stack([machine.energy(t(v), t(np.tile(x, (len(v), 1)))).detach().numpy()
                     for x in h], 1)                                       # (32, 8)
    np.testing.assert_allclose(machine.free_energy(t(v)).detach().numpy(),
                               -np.log(np.exp(-each).sum(1)), rtol=1e-12)
    joint = np.exp(-each) / np.exp(-each).sum(1, keepdims=True)            # p(h | v)
    p = machine.hidden_given(t(v)).detach().numpy()[:, None]               # (32, 1, 3)
    np.testing.assert_allclose(joint, np.prod(np.where(h == 1, p, 1 - p), -1), rtol=1e-10)
    weights = np.exp(-each).sum(1)                                         # p(v), up to a factor
    numbers = np.arange(32)                                                # v are their bits
    others = [weights[numbers ^ 1 << i] for i in range(5)]                 # one unit flipped
    want = sum(np.log(weights / (weights + other)) for other in others)
    np.testing.assert_allclose(machine.pseudo_likelihood(t(v)).detach().numpy(), want, rtol=1e-10)


@pytest.mark.system(ROW)
def test_the_gradient_is_data_less_samples(monkeypatch):
    machine = small()
    v, sample = (sheer.tensor(np.random.default_rng(s).integers(0, 2, (7, 5)).astype(float),
                              dtype="float64") for s in (1, 2))
    monkeypatch.setattr(machine, "gibbs", lambda v, steps: sample)
    machine.contrastive_divergence(v).backward()
    met = lambda x: (machine.hidden_given(x).mT @ x).detach().numpy() / 7  # <h v>
    np.testing.assert_allclose(machine.weight.grad.numpy(), met(sample) - met(v), atol=1e-12)


@pytest.mark.system(ROW)
def test_scores_are_those_of_scikit_learn():
    from sklearn.neural_network import BernoulliRBM
    machine, v = small(), states(5)
    theirs = BernoulliRBM(3, random_state=0)
    theirs.components_ = machine.weight.detach().numpy()
    theirs.intercept_hidden_ = machine.hidden_bias.detach().numpy()
    theirs.intercept_visible_ = machine.visible_bias.detach().numpy()
    theirs._n_features_out = 3
    flip = np.random.RandomState(0).randint(0, 5, len(v))                  # what it draws
    other = v.copy()
    other[np.arange(len(v)), flip] = 1 - other[np.arange(len(v)), flip]
    free = lambda x: machine.free_energy(sheer.tensor(x, dtype="float64")).detach().numpy()
    np.testing.assert_allclose(theirs.score_samples(v),
                               -5 * np.logaddexp(0, free(v) - free(other)), rtol=1e-10)


@pytest.mark.system(ROW)
def test_one_step_of_contrastive_divergence_raises_the_pseudo_likelihood(figure):
    digits = load_arrays("digits").train.x.reshape(-1, 64) > 7
    rows = sheer.tensor(digits[:1200].astype("f4"))
    held = sheer.tensor(digits[1200:].astype("f4"))
    found = []
    for seed in range(3):
        sheer.manual_seed(seed)
        machine = RestrictedBoltzmannMachine(64, 32)
        optimizer = optim.SGD(machine.parameters(), lr=0.1)
        score = lambda m=machine: m.pseudo_likelihood(held).mean().item()

        @sheer.jit
        def step(v, machine=machine, optimizer=optimizer):
            optimizer.zero_grad()
            loss = machine.contrastive_divergence(v)
            loss.backward()
            optimizer.step()
            return loss
        before = score()
        for epoch in range(5):
            order = np.random.default_rng(epoch).permutation(1200)
            for part in order.reshape(-1, 50):
                step(rows[part])
        found.append((before, score()))
    assert all(after > before + 10 for before, after in found), found
    figure("test pseudo-likelihood " + ", ".join(f"{a:.1f} to {b:.1f}" for a, b in found))
