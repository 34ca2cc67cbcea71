"""sheer.distributions against torch.distributions: formulas, gradients, divergences, draws."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.distributions as theirs
from scipy import stats

import sheer
import sheer.distributions as ours
from sheer.graph.errors import ArgumentError, StateError

A, B = [[0.3, -1.2, 0.8]], [[0.7], [1.6]]                     # (1, 3) and (2, 1): batch (2, 3)
P = [[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]]
L = [[1.0, 0.0], [0.4, 0.7]]
ROWS = [[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]]

# Family, parameters, values; what a family lacks in torch is left out by itself.
CASES = [
    ("Normal", {"loc": A, "scale": B}, [[0.1, -2.0, 3.0]]),
    ("Laplace", {"loc": A, "scale": B}, [[0.1, -2.0, 3.0]]),
    ("Cauchy", {"loc": A, "scale": B}, [[0.1, -2.0, 3.0]]),
    ("Gumbel", {"loc": A, "scale": B}, [[0.1, -2.0, 3.0]]),
    ("StudentT", {"df": [[0.7], [3.5]], "loc": A, "scale": B}, [[0.1, -2.0, 3.0]]),
    ("LogNormal", {"loc": A, "scale": B}, [[0.1, 2.0, 3.0]]),
    ("HalfNormal", {"scale": B}, [[0.1, 2.0, 3.0]]),
    ("Exponential", {"rate": B}, [[0.1, 2.0, 3.0]]),
    ("Uniform", {"low": A, "high": [[2.0], [3.0]]}, [[0.4, -1.0, 1.9]]),
    ("Gamma", {"concentration": [[0.4, 1.0, 7.0]], "rate": B}, [[0.1, 2.0, 3.0]]),
    ("Beta", {"concentration1": [[0.4, 1.5, 7.0]], "concentration0": B}, [[0.1, 0.5, 0.9]]),
    ("Dirichlet", {"concentration": [[0.4, 1.5, 7.0], [1.1, 2.0, 3.0]]}, ROWS),
    ("Dirichlet", {"concentration": [[0.4, 0.5, 0.7], [0.9, 0.2, 0.3]]}, ROWS),
    ("Bernoulli", {"probs": P}, [[1.0, 0.0, 1.0]]),
    ("Bernoulli", {"logits": [[-2.0, 0.0, 30.0]]}, [[1.0, 0.0, 1.0]]),
    ("Binomial", {"total_count": 7, "probs": P}, [[3.0, 0.0, 7.0]]),
    ("Binomial", {"total_count": 7, "logits": A}, [[3.0, 0.0, 7.0]]),
    ("Poisson", {"rate": [[0.4, 3.3, 40.0]]}, [[0.0, 3.0, 36.0]]),
    ("Categorical", {"probs": P}, [0.0, 2.0]),
    ("Categorical", {"logits": P}, [0.0, 2.0]),
    ("OneHotCategorical", {"probs": P}, [[0.0, 1.0, 0.0]]),
    ("Multinomial", {"total_count": 5, "probs": P}, [[2.0, 0.0, 3.0]]),
    ("MultivariateNormal", {"loc": [[1.0, 2.0], [0.0, 1.0]], "scale_tril": L}, [0.3, 0.4]),
    ("MultivariateNormal", {"loc": [1.0, 2.0], "covariance_matrix": [[2.0, 0.3], [0.3, 1.0]]},
     [[0.3, 0.4]]),
    ("MultivariateNormal", {"loc": [1.0, 2.0], "precision_matrix": [[2.0, 0.3], [0.3, 1.0]]},
     [[0.3, 0.4]]),
]
NAMES = [f"{n}-{'-'.join(o)}" for n, o, _ in CASES]


def both(name, options):
    """The same distribution of both libraries in float64, and the parameters of each."""
    mine, other = {}, {}
    for key, value in options.items():
        fixed = isinstance(value, int)
        a = np.asarray(value, np.float64)
        mine[key] = value if fixed else sheer.tensor(a, dtype=sheer.float64, requires_grad=True)
        other[key] = value if fixed else torch.tensor(a, requires_grad=True)
    tensors = lambda given: [v for v in given.values() if not isinstance(v, int)]
    return (getattr(ours, name)(**mine), getattr(theirs, name)(**other), tensors(mine),
            tensors(other))


def same(found, expected, params, others, rtol=1e-9):
    """Values agree, and so do gradients of their sum where torch has any."""
    assert found.shape == tuple(expected.shape)
    np.testing.assert_allclose(found.detach().numpy(), expected.detach().numpy(), rtol, 1e-12)
    if not expected.requires_grad or not bool(torch.isfinite(expected).all()):
        return
    for p, o in zip(params, others, strict=True):
        p.grad = o.grad = None
    found.sum().backward()
    expected.sum().backward(retain_graph=True)
    for p, o in zip(params, others, strict=True):
        if o.grad is not None:
            np.testing.assert_allclose(p.grad.numpy(), o.grad.numpy(), 1e-7, 1e-9)


@pytest.mark.parametrize(("name", "options", "value"), CASES, ids=NAMES)
def test_formulas_and_their_gradients(name, options, value):
    mine, other, params, others = both(name, options)
    assert (mine.batch_shape, mine.event_shape) == (other.batch_shape, other.event_shape)
    x = np.asarray(value)
    same(mine.log_prob(sheer.tensor(x, dtype=sheer.float64)), other.log_prob(torch.tensor(x)),
         params, others)
    for what in ("mean", "variance", "stddev", "mode"):
        try:
            expected = getattr(other, what)
        except NotImplementedError:
            continue
        if what == "mode" and name in ("Beta", "Dirichlet") and 0.4 in np.ravel(
                next(iter(options.values()))):
            continue                            # a corner: torch takes the first, see below
        same(getattr(mine, what), expected, params, others)
    for what, at in (("entropy", ()), ("cdf", (x,)), ("icdf", (np.array([[0.1, 0.5, 0.9]]),))):
        try:
            expected = getattr(other, what)(*map(torch.tensor, at))
        except NotImplementedError:
            continue
        if name in ("Beta", "Gamma", "StudentT") and what == "cdf":
            with pytest.raises(StateError):     # incomplete integrals
                mine.cdf(x)
            continue
        given = [sheer.tensor(a, dtype=sheer.float64) for a in at]
        rough = name == "Multinomial"           # torch takes log n! in float32
        same(getattr(mine, what)(*given), expected, params, others, 1e-7 if rough else 1e-9)


@pytest.mark.parametrize(("name", "options", "value"), CASES, ids=NAMES)
def test_expansion_keeps_the_formulas(name, options, value):
    mine, other, *_ = both(name, options)
    shape = (4, *mine.batch_shape)
    wide, expected = mine.expand(shape), other.expand(shape)
    assert (wide.batch_shape, wide.event_shape) == (expected.batch_shape, expected.event_shape)
    x = np.asarray(value)
    same(wide.log_prob(sheer.tensor(x, dtype=sheer.float64)).detach(),
         expected.log_prob(torch.tensor(x)).detach(), [], [])
    assert wide.sample((2,)).shape == tuple(expected.sample((2,)).shape)


@pytest.mark.parametrize(("name", "options", "value"), CASES, ids=NAMES)
def test_moments_of_draws(name, options, value):
    sheer.manual_seed(5)
    mine, other, *_ = both(name, options)
    drawn = mine.sample((20_000,))
    assert drawn.shape == (20_000, *mine.batch_shape, *mine.event_shape)
    assert not drawn.requires_grad
    if name in ("Cauchy", "Categorical", "LogNormal"):            # no moments, or too wild ones
        return
    x, mean = drawn.numpy().astype(float), other.mean.detach().numpy()
    spread = other.variance.detach().numpy()
    known = np.broadcast_to(np.isfinite(spread) & np.isfinite(mean), x.shape[1:])
    error = np.abs(x.mean(0) - mean) / np.sqrt(spread / len(x))
    assert (error[known] < 4.5).all()
    if name != "StudentT":                                        # of infinite fourth moment
        np.testing.assert_allclose(x.var(0), np.broadcast_to(spread, x.shape[1:]), 0.15, 1e-3)


LAWS = [(ours.Normal(1.0, 2.0), stats.norm(1, 2)), (ours.Laplace(1.0, 2.0), stats.laplace(1, 2)),
        (ours.Cauchy(1.0, 2.0), stats.cauchy(1, 2)), (ours.Gumbel(1.0, 2.0), stats.gumbel_r(1, 2)),
        (ours.StudentT(3.0, 1.0, 2.0), stats.t(3, 1, 2)), (ours.LogNormal(0.5, 0.7),
         stats.lognorm(0.7, scale=math.exp(0.5))), (ours.Exponential(2.0), stats.expon(0, 0.5)),
        (ours.HalfNormal(2.0), stats.halfnorm(0, 2)), (ours.Uniform(1.0, 3.0), stats.uniform(1, 2)),
        *((ours.Gamma(a, 2.0), stats.gamma(a, 0, 0.5)) for a in (0.1, 1.0, 1.3, 50.0)),
        (ours.Beta(0.5, 3.0), stats.beta(0.5, 3))]


@pytest.mark.parametrize(("mine", "law"), LAWS, ids=lambda d: str(d)[:24] if d in LAWS else "")
def test_draws_follow_their_law(mine, law):
    sheer.manual_seed(3)
    drawn = mine.sample((20_000,)).numpy().astype(float)
    assert stats.kstest(drawn, law.cdf).pvalue > 1e-3


@pytest.mark.parametrize("rate", [0.01, 2.5, 11.9, 12.1, 30.0, 1000.0])
def test_counts_follow_their_law(rate):
    sheer.manual_seed(4)
    drawn = ours.Poisson(rate).sample((20_000,)).numpy().astype(int)
    law = stats.poisson(rate)
    edges = np.unique(law.ppf(np.linspace(0.02, 0.98, 25)).astype(int))
    found = np.bincount(np.searchsorted(edges, drawn), minlength=len(edges) + 1)
    below = np.append(law.cdf(edges), 1.0)
    wanted = np.diff(below, prepend=0.0) * len(drawn)
    known = wanted > 5
    assert stats.chisquare(found[known], wanted[known] * found[known].sum() / wanted[known].sum()
                           ).pvalue > 1e-3


def test_classes_come_as_often_as_they_should():
    sheer.manual_seed(1)
    p = np.array([0.5, 0.2, 0.0, 0.3])
    drawn = ours.Categorical(probs=sheer.tensor(p, dtype=sheer.float32)).sample((20_000,))
    share = np.bincount(drawn.numpy(), minlength=4) / 20_000
    np.testing.assert_allclose(share, p, atol=0.015)
    assert share[2] == 0


OTHER = {"Normal": {"loc": 0.5, "scale": 1.3}, "Laplace": {"loc": 0.5, "scale": 1.3},
         "Cauchy": {"loc": 0.5, "scale": 1.3}, "Gumbel": {"loc": 0.5, "scale": 1.3},
         "LogNormal": {"loc": 0.5, "scale": 1.3}, "HalfNormal": {"scale": 0.4},
         "Exponential": {"rate": 2.5}, "Uniform": {"low": -3.0, "high": 5.0},
         "Gamma": {"concentration": 2.5, "rate": 0.7},
         "Beta": {"concentration1": 2.5, "concentration0": 0.7},
         "Dirichlet": {"concentration": [1.0, 2.0, 0.5]}, "Bernoulli": {"probs": 0.3},
         "Binomial": {"total_count": 7, "logits": 0.3}, "Poisson": {"rate": 3.0},
         "Categorical": {"probs": [0.3, 0.3, 0.4]},
         "OneHotCategorical": {"logits": [0.1, 0.2, 0.3]},
         "MultivariateNormal": {"loc": [0.0, 0.5], "covariance_matrix": [[1.0, 0.2], [0.2, 1.0]]}}


PAIRS = [(p, p) for p in OTHER] + [
    ("Exponential", "Gamma"), ("Gamma", "Exponential"),
    *((p, "Normal") for p in ("Uniform", "Laplace", "Gumbel", "Exponential", "Gamma", "Beta"))]


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_divergences_and_their_gradients(p, q):
    options = next(o for n, o, _ in CASES if n == p)
    mine_p, other_p, params, others = both(p, options)
    mine_q, other_q, more, others_too = both(q, OTHER[q])
    same(ours.kl_divergence(mine_p, mine_q), theirs.kl_divergence(other_p, other_q),
         params + more, others + others_too)


def test_a_divergence_is_infinite_where_the_second_draws_nothing():
    inf = [ours.kl_divergence(p, q).item() for p, q in (
        (ours.Uniform(0.0, 2.0), ours.Uniform(0.5, 3.0)),
        (ours.Bernoulli(0.5), ours.Bernoulli(1.0)),
        (ours.Binomial(5, 0.5), ours.Binomial(4, 0.5)),
        (ours.Categorical(probs=sheer.tensor([0.5, 0.5])),
         ours.Categorical(probs=sheer.tensor([1.0, 0.0]))))]
    assert inf == [math.inf] * 4


def test_below_one_everywhere_the_corner_of_the_largest_concentration_is_the_mode():
    assert ours.Beta(0.4, 0.7).mode.item() == 0.0            # the density at 0 grows faster
    assert ours.Dirichlet(sheer.tensor([0.4, 0.5, 0.7])).mode.tolist() == [0.0, 0.0, 1.0]


def test_draws_carry_gradients_where_the_maths_allows():
    for name in ("Normal", "Laplace", "Gumbel", "Cauchy", "LogNormal"):
        loc, scale = (sheer.tensor(v, requires_grad=True) for v in (0.5, 2.0))
        x = getattr(ours, name)(loc, scale).rsample((7,))
        z = x.log() if name == "LogNormal" else x
        z.sum().backward()
        assert loc.grad.item() == pytest.approx(7, rel=1e-5)
        noise = (z.detach() - 0.5) / 2
        assert scale.grad.item() == pytest.approx(noise.sum().item(), rel=1e-4, abs=1e-4)
    lower = sheer.tensor(L, requires_grad=True)
    ours.MultivariateNormal(sheer.zeros(2), scale_tril=lower).rsample().sum().backward()
    assert lower.grad.shape == (2, 2)
    with pytest.raises(StateError) as error:
        ours.Gamma(sheer.tensor(1.0, requires_grad=True), 1.0).rsample()
    assert "Gamma: there is no rsample" in str(error.value)


def test_compounds_agree_with_torch():
    def made(lib, d):
        t = (lambda x: sheer.tensor(x, dtype=sheer.float64)) if lib is sheer else (
            lambda x: torch.tensor(x, dtype=torch.float64))
        mixture = d.MixtureSameFamily(d.Categorical(t([0.3, 0.7])),
                                      d.Normal(t([0.0, 2.0]), t([1.0, 0.5])))
        vectors = d.MixtureSameFamily(
            d.Categorical(t([0.3, 0.7])),
            d.Independent(d.Normal(t([[0.0, 1.0, 2.0]] * 2), t([[1.0], [2.0]])), 1))
        squashed = d.TransformedDistribution(d.Normal(t([0.0, 1.0]), t(1.0)), [
            d.AffineTransform(0.5, -2.0), d.TanhTransform()])
        logistic = d.TransformedDistribution(d.Uniform(t(0.0), t(1.0)),
                                             [d.SigmoidTransform(), d.ExpTransform()])
        whole = d.Independent(d.Laplace(t(A), t(B)), 2)
        return t, mixture, vectors, squashed, logistic, whole
    (t, *mine), (u, *other) = made(sheer, ours), made(torch, theirs)
    values = ([0.4, 1.0, -2.0], [[0.4, 1.0, -2.0]] * 3, [0.5, -0.3], [1.7, 2.0], A)
    for x, m, o in zip(values, mine, other, strict=True):
        same(m.log_prob(t(x)), o.log_prob(u(x)), [], [])
        assert m.sample((5,)).shape == tuple(o.sample((5,)).shape)
        assert (m.batch_shape, m.event_shape) == (o.batch_shape, o.event_shape)
        assert m.expand((2, *m.batch_shape)).sample().shape == (2, *m.batch_shape, *m.event_shape)
    for m, o in zip(mine[:2], other[:2], strict=True):
        same(m.mean, o.mean, [], [])
        same(m.variance, o.variance, [], [])
    for i in (0, 2):
        x = values[i]
        same(mine[i].cdf(t(x)), other[i].cdf(u(x)), [], [])
    same(mine[2].icdf(t(0.3)), other[2].icdf(u(0.3)), [], [])
    def pairs(d, t):
        plain = d.Normal(t(0.0).expand((2, 3)), t(1.0))
        return d.Independent(d.Normal(t(A), t(B)), 1), d.Independent(plain, 1)
    pair, twin = pairs(ours, t), pairs(theirs, u)
    same(ours.kl_divergence(*pair), theirs.kl_divergence(*twin), [], [])


def test_a_compiled_function_draws_anew_and_as_the_same_code_without():
    gamma = ours.Gamma(sheer.tensor([0.5, 3.0]), 2.0)
    draw = lambda: (ours.Normal(0.0, 1.0).sample((3,)), gamma.sample(), ours.Poisson(4.0).sample(),
                    ours.Categorical(logits=sheer.zeros(5)).sample())
    compiled = sheer.jit(draw)
    sheer.manual_seed(9)
    eager = [[t.numpy() for t in draw()] for _ in range(2)]
    sheer.manual_seed(9)
    traced = [[t.numpy() for t in compiled()] for _ in range(2)]
    for a, b in zip(eager, traced, strict=True):
        for x, y in zip(a, b, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-6)
    assert not np.array_equal(traced[0][0], traced[1][0])


def test_trials_of_several_numbers():
    sheer.manual_seed(2)
    n = sheer.tensor([0.0, 3.0, 9.0])
    mine = ours.Binomial(n, 0.4)
    drawn = mine.sample((20_000,))
    assert bool((drawn <= n).all())
    np.testing.assert_allclose(drawn.mean(0).numpy(), [0, 1.2, 3.6], atol=0.06)
    assert message(mine.entropy)[0] == "Binomial: there is no entropy of several total_count"
    entropy = sheer.jit(lambda p: ours.Binomial(7, p).entropy())(sheer.tensor(0.4))
    assert entropy.item() == pytest.approx(theirs.Binomial(7, torch.tensor(0.4)).entropy().item())


def test_a_variational_autoencoder_is_fitted():
    sheer.manual_seed(0)
    class Net(sheer.nn.Module):
        def __init__(self):
            super().__init__()
            self.encode, self.decode = sheer.nn.Linear(6, 4), sheer.nn.Linear(2, 6)
        def forward(self, x):
            loc, raw = self.encode(x).chunk(2, -1)
            self.q = ours.Normal(loc, raw.exp())
            return self.decode(self.q.rsample())
    net = Net()
    def loss(out, x):
        fit = -ours.Normal(out, 0.3).log_prob(x).sum(-1)
        prior = ours.kl_divergence(net.q, ours.Normal(0.0, 1.0)).sum(-1)
        return (fit + prior).mean()
    x = sheer.randn(128, 2) @ sheer.randn(2, 6)
    run = sheer.train.fit(net, (x, x), loss=loss, epochs=30, progress=False,
                          optimizer=sheer.optim.Adam(net.parameters(), lr=0.02))
    assert run.history[-1]["loss"] < 0.5 * run.history[0]["loss"]


def message(make):
    with pytest.raises((ArgumentError, StateError)) as error:
        make()
    return [line for line in str(error.value).split("\n") if "made at" not in line]


def test_messages():
    assert message(lambda: ours.Normal(0.0, sheer.tensor([1.0, -2.0, 0.0])))[0::2] == [
        "Normal: scale is not what it can be", "  need : numbers > 0"]
    assert message(lambda: ours.Bernoulli(0.5).log_prob(2.0))[0] == (
        "Bernoulli: value is not what it can be")
    assert message(ours.Bernoulli)[0] == "Bernoulli: probs or logits, one of them"
    assert message(lambda: ours.Uniform(2.0, 1.0))[0] == (
        "Uniform: high is not what it can be")
    assert message(lambda: ours.Normal(sheer.zeros(3), -1.0))[0] == (
        "Normal: scale is not what it can be")
    assert message(lambda: ours.Dirichlet(sheer.ones(3)).log_prob(sheer.ones(2)))[0] == (
        "Dirichlet: value is not of the shape of a draw")
    assert message(lambda: ours.Beta(1.0, 2.0).cdf(0.5))[0] == "Beta: there is no cdf"
    assert message(lambda: ours.kl_divergence(ours.Cauchy(0.0, 1.0), ours.Beta(1.0, 1.0)))[0] == (
        "kl_divergence: no formula for Cauchy and Beta")
    pending = sheer.ones(2) - 3
    ours.Normal(0.0, pending)                             # not known yet: computed only if asked
    assert message(lambda: ours.Normal(0.0, pending, validate_args=True))[0] == (
        "Normal: scale is not what it can be")
    ours.Normal(0.0, -1.0, validate_args=False)
