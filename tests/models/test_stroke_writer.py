"""The density of the steps of a pen: against torch, numerical integrals, seeds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import distributions as D

import sheer
from sheer.graph.errors import ArgumentError, ShapeError
from sheer.models import StepDensity, StrokeWriter, stroke_loss

f64 = lambda a: sheer.tensor(a, dtype="float64")


def raw_numbers(*shape: int, components: int, seed: int = 0) -> np.ndarray:
    """What a linear layer may say, for 6 components + 2 numbers a row."""
    return np.random.default_rng(seed).normal(size=(*shape, 6 * components + 2))


def some_steps(*shape: int, seed: int = 0) -> np.ndarray:
    """Steps, with the pen up or down, and ends among them."""
    rng = np.random.default_rng(seed)
    steps = np.concatenate([2 * rng.normal(size=(*shape, 2)), rng.integers(0, 2, (*shape, 2))], -1)
    return steps


def torchs(raw: np.ndarray) -> tuple[D.Distribution, D.Distribution]:
    """Places and flags of the same density, after equations 18 to 22 of the paper."""
    m = (raw.shape[-1] - 2) // 6
    weight, mean, scale, slant, flags = np.split(raw, np.cumsum([m, 2 * m, 2 * m, m]), -1)
    s = np.exp(scale.reshape(*scale.shape[:-1], m, 2))
    cross = np.tanh(slant) * s[..., 0] * s[..., 1]
    covariance = np.stack([np.stack([s[..., 0]**2, cross], -1),
                           np.stack([cross, s[..., 1]**2], -1)], -2)
    places = D.MixtureSameFamily(
        D.Categorical(logits=torch.tensor(weight)),
        D.MultivariateNormal(torch.tensor(mean.reshape(*mean.shape[:-1], m, 2)),
                             torch.tensor(covariance)))
    return places, D.Bernoulli(logits=torch.tensor(flags))


def log_prob(places: D.Distribution, flags: D.Distribution, step: np.ndarray) -> torch.Tensor:
    """The end, or a step that is none and says whether the pen is up."""
    y = torch.tensor(step)
    said = flags.log_prob(y[..., 2:])
    return said[..., 1] + (1 - y[..., 3]) * (said[..., 0] + places.log_prob(y[..., :2]))


@pytest.mark.parametrize("components", [1, 2, 7])
def test_the_density_is_that_of_torch(components):
    raw = raw_numbers(4, 5, components=components, seed=components)
    step = some_steps(4, 5, seed=components)
    wanted = log_prob(*torchs(raw), step)
    found = StepDensity.of(f64(raw)).log_prob(f64(step)).numpy()
    np.testing.assert_allclose(found, wanted.numpy(), rtol=1e-10, atol=1e-10)


def test_its_gradient_is_that_of_torch():
    raw, step = raw_numbers(3, 6, components=4), some_steps(3, 6)
    ours = sheer.tensor(raw, dtype="float64", requires_grad=True)
    StepDensity.of(ours).log_prob(f64(step)).sum().backward()
    m, t = 4, torch.tensor(raw, requires_grad=True)
    cut = lambda a, b: t[..., a * m:b * m]
    s = cut(3, 5).reshape(3, 6, m, 2).exp()
    rho = cut(5, 6).tanh()
    lower = torch.stack([torch.stack([s[..., 0], torch.zeros_like(rho)], -1),
                         torch.stack([rho * s[..., 1], (1 - rho**2).sqrt() * s[..., 1]], -1)], -2)
    places = D.MixtureSameFamily(D.Categorical(logits=cut(0, 1)), D.MultivariateNormal(
        cut(1, 3).reshape(3, 6, m, 2), scale_tril=lower))
    log_prob(places, D.Bernoulli(logits=t[..., 6 * m:]), step).sum().backward()
    np.testing.assert_allclose(ours.grad.numpy(), t.grad.numpy(), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("bias", [0.0, 1.0])
def test_the_density_of_all_steps_and_the_chance_of_the_end_add_up_to_one(bias):
    raw = raw_numbers(components=3, seed=2)
    raw[9:15] *= 0.4                                     # deviations that a grid can see
    side, far = 401, 14.0
    grid = np.stack(np.meshgrid(*[np.linspace(-far, far, side)] * 2), -1).reshape(-1, 2)
    end = StepDensity.of(f64(raw)).sharpened(bias).log_prob(f64([0.0, 0, 0, 1]))
    total = float(end.exp())
    density = StepDensity.of(f64(np.tile(raw, (len(grid), 1)))).sharpened(bias)
    for up in (0, 1):
        step = np.concatenate([grid, np.tile((up, 0), (len(grid), 1))], 1)
        total += float(density.log_prob(f64(step)).exp().sum()) * (2 * far / (side - 1)) ** 2
    assert total == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("size", [30.0, 1e3, 1e6])
def test_gradients_are_finite_however_large_the_numbers(size):
    signs = np.random.default_rng(0).choice([-1, 0, 1], (500, 3 * 6 + 2))
    raw = sheer.tensor((size * signs).astype(np.float32), requires_grad=True)
    step = np.zeros((500, 4), np.float32)
    step[::2, 2], step[::5, 3] = 1, 1
    loss = -StepDensity.of(raw).log_prob(sheer.tensor(step))
    loss.sum().backward()
    assert np.isfinite(loss.detach().numpy()).all()
    assert np.isfinite(raw.grad.numpy()).all()


def test_nearly_correlated_numbers_lose_no_digits():
    raw = np.zeros(8)
    raw[5] = 3.9                                         # a correlation of 0.9992
    step = np.array([1.0, 1.001, 0, 0])
    wanted = log_prob(*torchs(raw), step)
    found = StepDensity.of(sheer.tensor(raw.astype(np.float32))).log_prob(
        sheer.tensor(step.astype(np.float32)))
    assert float(found) == pytest.approx(float(wanted), rel=1e-5)


def test_steps_drawn_are_those_of_the_density():
    raw, rows = raw_numbers(components=3, seed=4), 200_000
    rng = np.random.default_rng(0)
    density = StepDensity.of(f64(np.tile(raw, (rows, 1))))
    drawn = density.draw(f64(rng.random((rows, 3))), f64(rng.normal(size=(rows, 2)))).numpy()
    places, flags = torchs(raw)
    steps = drawn[drawn[:, 3] == 0]
    assert len(steps) / rows == pytest.approx(1 - float(flags.mean[1]), abs=5e-3)
    assert not drawn[drawn[:, 3] == 1, :3].any()
    spread = steps[:, :2].std(0)
    np.testing.assert_allclose(steps[:, :2].mean(0), places.mean.numpy(), atol=1e-2 * spread.max())
    np.testing.assert_allclose(spread**2, places.variance.numpy(), rtol=2e-2)
    assert steps[:, 2].mean() == pytest.approx(float(flags.mean[0]), abs=5e-3)
    theirs = places.sample((rows,))                      # entropies: the correlations, too
    entropy = lambda at: -float(places.log_prob(torch.as_tensor(at)).mean())
    assert entropy(steps[:, :2]) == pytest.approx(entropy(theirs), abs=0.02)


def test_a_bias_narrows_what_is_drawn_and_prefers_the_likeliest():
    raw = raw_numbers(components=4, seed=5)
    plain = StepDensity.of(f64(raw))
    np.testing.assert_array_equal(plain.sharpened(0).log_scale.numpy(), plain.log_scale.numpy())
    neat = plain.sharpened(2.0)
    np.testing.assert_allclose(neat.log_scale.exp().numpy(),
                               plain.log_scale.exp().numpy() * np.exp(-2))
    share = lambda d: d.log_weights().exp().numpy().max()
    assert share(neat) > share(plain)


@pytest.mark.parametrize("width", [2, 7, 15])
def test_numbers_that_make_no_density_are_refused(width):
    with pytest.raises(ShapeError) as error:
        StepDensity.of(sheer.zeros(3, width))
    text = str(error.value)
    assert text.startswith(f"StepDensity: {width} numbers are no density")
    assert "need : raw (*B, 6 M + 2), M at least 1" in text


def test_a_writer_without_gaussians_is_refused():
    with pytest.raises(ArgumentError, match="StrokeWriter: components=0"):
        StrokeWriter(10, components=0)


# ---- the loss ------------------------------------------------------------------------------------
def padded(rows: int, steps: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    target = np.zeros((rows, steps, 5))
    target[..., :2] = rng.normal(size=(rows, steps, 2))
    target[..., 4] = np.arange(steps) < rng.integers(1, steps, (rows, 1))
    return target


def test_the_loss_is_the_mean_over_the_steps_that_are_there():
    target, raw = padded(4, 7, 0), raw_numbers(4, 7, components=2)
    each = -StepDensity.of(f64(raw)).log_prob(f64(target[..., :4])).numpy()
    there = target[..., 4] > 0
    assert float(stroke_loss(f64(raw), f64(target))) == pytest.approx(each[there].mean())
    np.testing.assert_allclose(stroke_loss(f64(raw), f64(target), "none").numpy(), each * there)


def test_what_fills_up_changes_neither_loss_nor_gradient():
    target, raw = padded(4, 7, 1), raw_numbers(4, 7, components=2)
    other = np.where(target[..., 4:] > 0, target, np.array([1e3, -1e3, 1, 1, 0]))
    strange = np.where(target[..., 4:] > 0, raw, 50.0)
    found = []
    for r, y in ((raw, target), (strange, other)):
        leaf = sheer.tensor(r, dtype="float64", requires_grad=True)
        loss = stroke_loss(leaf, f64(y))
        loss.backward()
        found.append((float(loss), leaf.grad.numpy()))
    assert found[0][0] == found[1][0]
    np.testing.assert_array_equal(found[0][1], found[1][1])
    assert not found[0][1][target[..., 4] == 0].any()


# ---- the writer ----------------------------------------------------------------------------------
def test_the_same_seed_writes_the_same_and_another_seed_does_not():
    sheer.manual_seed(0)
    writer, labels = StrokeWriter(10, hidden=16, components=3), sheer.tensor([3, 1, 4])
    write = lambda seed: writer.write(labels, 12, 0.5, sheer.Generator().manual_seed(seed)).numpy()
    np.testing.assert_array_equal(write(1), write(1))
    assert np.abs(write(1) - write(2)).max() > 0.1


def test_what_is_written_ends_once_and_zeros_fill_up():
    sheer.manual_seed(1)
    writer = StrokeWriter(10, hidden=16, components=3)
    steps = writer.write(sheer.tensor([0, 1, 2, 3] * 25), 30,
                         generator=sheer.Generator().manual_seed(0)).numpy()
    length = steps[..., 4].sum(1).astype(int)
    assert length.min() >= 1
    assert (length < 30).any()
    for row, n in zip(steps, length, strict=True):
        np.testing.assert_array_equal(row[:, 4], np.arange(30) < n)
        assert not row[n:].any()
        assert not row[:n - 1, 3].any()
        assert n == 30 or row[n - 1, 3] == 1
        assert row[n - 1, 3] == 0 or not row[n - 1, :3].any()


def test_the_chances_of_a_step_are_those_that_training_sees():
    """Written step by step, and read at once: the density of each step is the same."""
    sheer.manual_seed(2)
    writer, labels = StrokeWriter(10, hidden=16, components=3), sheer.tensor([5, 6])
    chances = lambda: sheer.Generator().manual_seed(7)
    steps = writer.write(labels, 8, generator=chances())
    before = np.pad(steps.numpy(), ((0, 0), (1, 0), (0, 0)))[:, :-1]
    density = StepDensity.of(writer((sheer.tensor(before), labels)))
    again = chances()
    uniform = sheer.rand(8, 2, 3, generator=again).transpose(0, 1)
    normal = sheer.randn(8, 2, 2, generator=again).transpose(0, 1)
    drawn = density.draw(uniform, normal).detach().numpy()
    there = steps.numpy()[..., 4] > 0
    np.testing.assert_allclose(steps.numpy()[there][:, :4], drawn[there], rtol=1e-4, atol=1e-5)


def test_what_is_asked_for_changes_what_is_said():
    sheer.manual_seed(3)
    writer = StrokeWriter(10, hidden=16, components=3)
    said = lambda label: writer((sheer.zeros(1, 4, 5), sheer.tensor([label]))).detach().numpy()
    assert np.abs(said(3) - said(8)).max() > 1e-3
