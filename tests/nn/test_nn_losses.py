"""Losses: parity with torch in every reduction, and what torch has not, against its definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from loss_cases import FLAT_LOSSES
from nn_helpers import backward, both, close
from nn_rows import systems

import sheer
from sheer import nn
from sheer.nn import functional as F


def as_dtype(value: np.ndarray, dtype: str) -> np.ndarray:
    return value.astype(dtype) if np.asarray(value).dtype.kind == "f" else np.asarray(value)


@pytest.mark.filterwarnings("ignore:reduction")          # torch on the future of KLDivLoss
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "i", "make", "operands"), [
    pytest.param(*row, id=f"{row[0]}{row[1]}", marks=systems(row[0])) for row in FLAT_LOSSES])
def test_loss_equals_torch(name: str, i: int, make: Any, operands: Any, dtype: str) -> None:
    for reduction in ("mean", "sum", "none", *(["batchmean"] if name == "KLDivLoss" else [])):
        mine = make(nn, lambda a: sheer.tensor(a, dtype=dtype), reduction)
        theirs = make(torch.nn, lambda a: torch.tensor(a, dtype=getattr(torch, dtype)), reduction)
        pairs = [both(as_dtype(a, dtype)) for a in operands]
        if name == "SoftMarginLoss":             # torch refuses a label that wants a gradient
            pairs[1][1].requires_grad_(False)
        ours, other = mine(*(p[0] for p in pairs)), theirs(*(p[1] for p in pairs))
        close(ours, other, dtype, reduction)
        backward(ours)
        backward(other)
        for k, (a, b) in enumerate(pairs):
            if b.requires_grad and b.grad is not None:
                close(a.grad, b.grad, dtype, f"{reduction}, gradient of operand {k}")


def numbers(*shape: int, seed: int = 0) -> sheer.Tensor:
    return sheer.tensor(np.random.default_rng(seed).normal(size=shape), dtype="float64")


@pytest.mark.system("Class-weighted and focal loss")
def test_focal_loss_with_gamma_0_is_cross_entropy_and_counts_easy_examples_less() -> None:
    x, y = numbers(6, 4), sheer.tensor([0, 1, 2, 3, 0, 1])
    np.testing.assert_allclose(F.focal_loss(x, y, 0.0).item(), F.cross_entropy(x, y).item(),
                               rtol=1e-12)
    p = F.softmax(x, 1).numpy()[np.arange(6), y.numpy()]
    np.testing.assert_allclose(F.focal_loss(x, y, 2.0, reduction="none").numpy(),
                               -(1 - p) ** 2 * np.log(p), rtol=1e-12)


def test_sigmoid_focal_loss_follows_its_formula() -> None:
    x, y = numbers(7), np.array([0.0, 1, 1, 0, 1, 0, 0])
    p = 1 / (1 + np.exp(-x.numpy()))
    right, share = np.where(y == 1, p, 1 - p), np.where(y == 1, 0.25, 0.75)
    found = F.sigmoid_focal_loss(x, sheer.tensor(y, dtype="float64"))
    np.testing.assert_allclose(found.numpy(), -share * (1 - right) ** 2 * np.log(right), rtol=1e-12)


@pytest.mark.system("Class-weighted and focal loss")
def test_class_weights_equal_repeated_examples() -> None:
    x, y = numbers(4, 3), np.array([0, 1, 2, 1])
    repeated = np.array([0, 1, 1, 2, 2, 2, 3, 3])                  # class c appears c + 1 times
    w = sheer.tensor([1.0, 2.0, 3.0], dtype="float64")
    a = F.cross_entropy(x, sheer.tensor(y), w).item()
    b = F.cross_entropy(sheer.tensor(x.numpy()[repeated], dtype="float64"),
                        sheer.tensor(y[repeated])).item()
    np.testing.assert_allclose(a, b, rtol=1e-12)


def test_dice_loss_by_hand_and_without_ignored_places() -> None:
    p = sheer.tensor([[[1.0, 0.0], [0.0, 1.0]]])                   # (1, 2 classes, 2 places)
    y = sheer.tensor([[0, 0]])
    # class 0: both 1, total 1 + 2; class 1: both 0, total 1 + 0; smooth 0
    np.testing.assert_allclose(F.dice_loss(p, y, smooth=0.0).item(), 1 - (2 / 3 + 0) / 2, rtol=1e-6)
    ignored = F.dice_loss(p, sheer.tensor([[0, 9]]), smooth=1.0, ignore_index=9).item()
    assert ignored == 0.0


def test_hinge_loss_by_hand() -> None:
    x = sheer.tensor([2.0, 0.3, -1.0], requires_grad=True)
    loss = F.hinge_loss(x, sheer.tensor([1.0, 1.0, 1.0]), reduction="none")
    np.testing.assert_allclose(loss.numpy(), [0, 0.7, 2], rtol=1e-6)
    F.hinge_loss(x, sheer.tensor([1.0, 1.0, 1.0]), reduction="sum").backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0, -1, -1]


@pytest.mark.system("KL divergence / ELBO")
def test_gaussian_kl_equals_a_sampled_estimate() -> None:
    m, v = np.array([[0.5, -1.0]]), np.array([[0.2, -0.7]])
    closed = F.gaussian_kl(sheer.tensor(m, dtype="float64"),
                           sheer.tensor(v, dtype="float64")).item()
    z = m + np.exp(v / 2) * np.random.default_rng(0).normal(size=(200_000, 2))
    log_ratio = (-0.5 * ((z - m) ** 2 / np.exp(v) + v) + 0.5 * z * z).sum(1)
    assert abs(log_ratio.mean() - closed) < 3 * log_ratio.std() / 200_000 ** 0.5


@pytest.mark.system("GAN losses (minimax, non-saturating)")
def test_gan_loss_at_the_best_discriminator_is_the_jensen_shannon_divergence() -> None:
    real, fake = np.array([0.1, 0.4, 0.5]), np.array([0.3, 0.3, 0.4])
    best = sheer.tensor(np.log(real / fake), dtype="float64")       # logit of real / (real + fake)
    weighted = lambda p: sheer.tensor(np.repeat(best.numpy(), (p * 10).round().astype(int)),
                                      dtype="float64")
    value = -F.gan_loss(weighted(real), weighted(fake)).item()
    mid = (real + fake) / 2
    jsd = 0.5 * (real * np.log(real / mid)).sum() + 0.5 * (fake * np.log(fake / mid)).sum()
    np.testing.assert_allclose(value, 2 * jsd - np.log(4), atol=1e-6)


@pytest.mark.system("Cross-entropy (binary, categorical, with logits)")
def test_gradient_of_cross_entropy_is_p_minus_y() -> None:
    x = sheer.tensor(np.random.default_rng(0).normal(size=(3, 4)), dtype="float64",
                     requires_grad=True)
    F.cross_entropy(x, sheer.tensor([0, 3, 1]), reduction="sum").backward()
    assert x.grad is not None
    p = F.softmax(x, 1).detach().numpy()
    np.testing.assert_allclose(x.grad.numpy(), p - np.eye(4)[[0, 3, 1]], atol=1e-12)


def test_all_places_ignored_gives_nan_as_in_torch() -> None:
    assert np.isnan(F.cross_entropy(numbers(2, 3), sheer.tensor([-100, -100])).item())


@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss, F.focal_loss])
@pytest.mark.parametrize("dtype", [sheer.uint8, sheer.int8, sheer.int32])
def test_labels_may_be_small_integers(loss: Any, dtype: Any) -> None:
    """MNIST stores its labels as uint8, in which no label can be -100."""
    x, labels = numbers(3, 4).log_softmax(1), [0, 3, 1]
    small = loss(x, sheer.tensor(labels, dtype=dtype))
    assert small.item() == loss(x, sheer.tensor(labels)).item()


def test_a_certain_and_wrong_probability_has_the_slope_of_torch() -> None:
    p = np.array([0, 1, 0, 1, 0.5, 0, 1, 1e-13, 1 - 6e-8], "f4")
    y = np.array([0, 0, 1, 1, 1, 0.5, 0.5, 1, 1], "f4")
    mine, theirs = (lib.tensor(p, requires_grad=True) for lib in (sheer, torch))
    loss = lambda p: F.binary_cross_entropy(p, sheer.tensor(y), reduction="sum")
    loss(mine).backward()
    torch.nn.functional.binary_cross_entropy(theirs, torch.tensor(y), reduction="sum").backward()
    np.testing.assert_allclose(mine.grad.numpy(), theirs.grad.numpy(), rtol=1e-6)
    compiled = sheer.jit(sheer.grad(loss))(sheer.tensor(p))
    np.testing.assert_allclose(compiled.numpy(), theirs.grad.numpy(), rtol=1e-6)
    inside = sheer.tensor([0.25])
    second = sheer.grad(lambda p: sheer.grad(lambda q: F.binary_cross_entropy(
        q, sheer.ones(1)))(p).sum())(inside)
    np.testing.assert_allclose(second.numpy(), [16.0], rtol=1e-6)      # of -log p: 1 / p^2
