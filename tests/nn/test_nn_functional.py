"""Functions that are no layer: parity with torch, exact cases, chance."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from nn_helpers import array, backward, both, close

import sheer
from sheer import nn
from sheer.nn import functional as F
from sheer.random import manual_seed

TF = torch.nn.functional


def agree(function, *specs, dtype: str = "float64") -> None:
    """function(F or torch's F, *tensors) gives the same values and gradients."""
    pairs = [both(array(s, dtype, i)) for i, s in enumerate(specs)]
    ours, theirs = function(F, *(p[0] for p in pairs)), function(TF, *(p[1] for p in pairs))
    close(ours, theirs, dtype)
    backward(ours)
    backward(theirs)
    for a, b in pairs:
        if b.requires_grad and b.grad is not None:
            close(a.grad, b.grad, dtype, "gradient")


@pytest.mark.parametrize("function", [
    lambda f, x: f.normalize(x), lambda f, x: f.normalize(x, 1.0, -1),
    lambda f, x: f.normalize(x, 3.0, 0),
    lambda f, x: f.normalize(x * 0), lambda f, x: f.pad(x, (1, 2, -1, 0)),
    lambda f, x: f.pad(x, (1, 0), value=3.0),
    lambda f, x: f.pad(x, (3, 2), "circular"), lambda f, x: f.pad(x, (2, 1), "reflect"),
    lambda f, x: f.interpolate(x, scale_factor=0.6),
    lambda f, x: f.interpolate(x, size=3, mode="linear"),
    lambda f, x: f.interpolate(x, scale_factor=2.3, mode="linear", recompute_scale_factor=True),
    lambda f, x: f.interpolate(x, scale_factor=2.3, mode="linear"),
    lambda f, x: f.interpolate(x, size=9, mode="linear", align_corners=True),
    lambda f, x: f.glu(x, 2), lambda f, x: f.softmin(x, 0),
    lambda f, x: f.softmax(x, 2) * f.log_softmax(x, 1),
    lambda f, x: f.layer_norm(x, (5, 4)), lambda f, x: f.instance_norm(x),
    lambda f, x: f.hardtanh(x, -0.3, 0.2),
    lambda f, x: f.celu(x, 2.0), lambda f, x: f.rms_norm(x, (4,)),
    lambda f, x: f.local_response_norm(x, 4),
    lambda f, x: f.adaptive_avg_pool1d(x, 3), lambda f, x: f.adaptive_max_pool1d(x, 3),
    lambda f, x: f.logsigmoid(x * 1e4),
], ids=range(25))
def test_one_operand(function) -> None:
    agree(function, (2, 5, 4))


@pytest.mark.parametrize("function", [
    lambda f, a, b: f.cosine_similarity(a, b), lambda f, a, b: f.cosine_similarity(a, b, 0, 0.5),
    lambda f, a, b: f.cosine_similarity(a[:1], b, -1), lambda f, a, b: f.pairwise_distance(a, b),
    lambda f, a, b: f.pairwise_distance(a, b, 1.0, 1e-3, True),
    lambda f, a, b: f.pairwise_distance(a, b, float("inf")),
], ids=range(6))
def test_two_operands(function) -> None:
    agree(function, (4, 5), (4, 5))


def test_one_hot() -> None:
    labels = np.array([[2, 0], [1, 2]])
    assert F.one_hot(sheer.tensor(labels)).tolist() == TF.one_hot(torch.tensor(labels)).tolist()
    assert F.one_hot(sheer.tensor(labels),
                     5).tolist() == TF.one_hot(torch.tensor(labels), 5).tolist()


def test_logit_inverts_sigmoid() -> None:
    x = sheer.tensor(np.linspace(-15, 15, 61), dtype="float64")
    np.testing.assert_allclose(F.logit(F.sigmoid(x)).numpy(), x.numpy(), atol=1e-9)


def test_softmax_of_huge_scores_is_finite_and_ignores_a_shift() -> None:
    x = np.array([[1e4, -1e4, 0.0], [3.0, 3.0, 3.0]])
    p = F.softmax(sheer.tensor(x, dtype="float32"), 1).numpy()
    assert np.isfinite(p).all()
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-6)
    y = sheer.tensor(np.random.default_rng(0).normal(size=(2, 5)), dtype="float64")
    np.testing.assert_allclose(F.softmax(y + 100.0, 1).numpy(), F.softmax(y, 1).numpy(), rtol=1e-12)


def test_masked_softmax() -> None:
    x = sheer.tensor([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]], requires_grad=True)
    keep = sheer.tensor([[True, False, True], [False, False, False]])
    y = F.masked_softmax(x, keep)
    e = np.exp([1, 3])
    np.testing.assert_allclose(y.detach().numpy(),
                               [[e[0] / e.sum(), 0, e[1] / e.sum()], [0, 0, 0]], rtol=1e-6)
    (y * y).sum().backward()
    assert x.grad is not None
    assert np.isfinite(x.grad.numpy()).all()
    assert x.grad.numpy()[1].tolist() == [0, 0, 0]


def test_dropout_keeps_the_mean_and_drops_as_many_as_it_says() -> None:
    manual_seed(0)
    y = F.dropout(sheer.tensor(np.ones(100_000, np.float32)), 0.3).numpy()
    assert set(np.round(np.unique(y), 5)) == {0.0, np.float32(1.42857)}
    assert abs((y == 0).mean() - 0.3) < 3 * (0.21 / 1e5) ** 0.5
    assert abs(y.mean() - 1) < 3 * y.std() / 1e5 ** 0.5


def test_dropout_has_the_same_mask_in_the_backward_pass() -> None:
    manual_seed(0)
    x = sheer.tensor(np.ones((50, 4)), dtype="float32", requires_grad=True)
    y = F.dropout(x, 0.5)
    y.sum().backward()
    assert x.grad is not None
    np.testing.assert_array_equal(y.detach().numpy(), x.grad.numpy())
    def total(u):
        dropped = F.dropout(u, 0.5)
        return dropped.sum(), dropped
    (_, dropped), grad = sheer.jit(sheer.value_and_grad(total, has_aux=True))(x.detach())
    np.testing.assert_array_equal(dropped.numpy(), grad.numpy())


def test_dropout_of_whole_channels_and_the_ends_of_p() -> None:
    manual_seed(0)
    y = F.dropout2d(sheer.tensor(np.ones((8, 16, 3, 3), np.float32)), 0.5).numpy()
    per_channel = y.reshape(8, 16, 9)
    assert (per_channel == per_channel[:, :, :1]).all()
    assert 0 < (per_channel[:, :, 0] == 0).mean() < 1
    x = sheer.tensor([1.0, -2.0])
    assert F.dropout(x, 1.0).tolist() == [0, 0]
    assert F.dropout(x, 0.0) is x
    assert F.dropout(x, 0.5, training=False) is x
    assert F.alpha_dropout(x, 1.0).tolist() == [0, 0]


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    manual_seed(0)
    x = sheer.tensor(np.random.default_rng(0).normal(size=200_000), dtype="float32")
    y = F.alpha_dropout(x, 0.2).numpy()
    assert abs(y.mean()) < 0.02
    assert abs(y.var() - 1) < 0.02


def test_each_draw_is_another_and_a_seed_brings_them_back() -> None:
    x = sheer.tensor(np.ones(64, np.float32))
    manual_seed(3)
    a, b = F.dropout(x).numpy(), F.dropout(x).numpy()
    manual_seed(3)
    assert (F.dropout(x).numpy() == a).all()
    assert (a != b).any()


def test_maxout_gives_relu_and_the_absolute_value_exactly() -> None:
    x = sheer.tensor([[-2.0], [0.5]])
    pieces = lambda w: F.maxout(F.linear(x, sheer.tensor(w)), 2).tolist()
    assert pieces([[1.0], [0.0]]) == F.relu(x).tolist()
    assert pieces([[1.0], [-1.0]]) == [[2], [0.5]]


def test_step_and_its_straight_through_gradient() -> None:
    for through, slope in ((False, [0, 0, 0, 0]), (True, [0, 1, 1, 0])):
        x = sheer.tensor([-2.0, -0.5, 0.0, 3.0], requires_grad=True)
        y = F.step(x, through)
        assert y.tolist() == [0, 0, 1, 1]
        y.sum().backward()
        assert x.grad is not None
        assert x.grad.tolist() == slope


def test_derivatives_of_a_custom_activation() -> None:
    f = lambda x: F.custom(x, lambda v: v * v * v, lambda v: 3 * v * v)
    x = sheer.tensor(1.5, dtype="float64")
    assert f(x).item() == 1.5 ** 3
    np.testing.assert_allclose(sheer.grad(f)(x).item(), 3 * 1.5 ** 2)
    np.testing.assert_allclose(sheer.grad(sheer.grad(f))(x).item(), 6 * 1.5)
    bent = lambda x: F.custom(x, F.step, lambda v: v * 0 + 7)
    assert sheer.grad(bent)(x).item() == 7


def test_swish_derivative() -> None:
    x, beta = sheer.tensor(np.linspace(-3, 3, 7), dtype="float64", requires_grad=True), 1.7
    y = F.swish(x, beta)
    y.sum().backward()
    s = 1 / (1 + np.exp(-beta * x.detach().numpy()))
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(),
                               beta * y.detach().numpy() + s * (1 - beta * y.detach().numpy()),
                               rtol=1e-12)


def test_pool_then_unpool_keeps_the_maxima_in_place() -> None:
    x = sheer.tensor(np.random.default_rng(0).normal(size=(1, 2, 4, 4)), dtype="float32")
    y, places = F.max_pool2d(x, 2, return_indices=True)
    back = F.max_unpool2d(y, places, 2).numpy()
    assert (back[back != 0] == x.numpy()[back != 0]).all()
    assert (back != 0).sum() == 8
    assert F.max_unpool2d(y, places, 2, output_size=(5, 4)).shape == (1, 2, 5, 4)


def test_the_convolution_of_the_handbook() -> None:
    image = sheer.tensor(np.arange(1.0, 10).reshape(1, 1, 3, 3), dtype="float32")
    kernel = sheer.tensor([[[[0.0, 1.0], [2.0, 0.0]]]])
    theirs = TF.conv2d(torch.tensor(image.numpy()), torch.tensor(kernel.numpy()))
    assert F.conv2d(image, kernel).tolist() == theirs.tolist()


def test_conv_transpose_reaches_a_wanted_size() -> None:
    mine, theirs = nn.ConvTranspose2d(1, 1, 3, 2, 1), torch.nn.ConvTranspose2d(1, 1, 3, 2, 1)
    mine.load_state_dict(theirs.state_dict())
    x = np.ones((1, 1, 4, 4), np.float32)
    close(mine(sheer.tensor(x), (8, 8)), theirs(torch.tensor(x), (8, 8)), "float32")


def test_gradients_of_gradients_through_layers() -> None:
    x = np.random.default_rng(0).normal(size=(3, 4))
    w = np.random.default_rng(1).normal(size=(2, 4))
    weight = sheer.tensor(w, dtype="float64")
    inner = sheer.grad(lambda u: (F.gelu(F.linear(u, weight)) ** 2).sum())
    mine = sheer.grad(lambda v: (inner(v) ** 2).sum())(sheer.tensor(x, dtype="float64"))
    v = torch.tensor(x, requires_grad=True)
    (g,) = torch.autograd.grad((TF.gelu(TF.linear(v, torch.tensor(w))) ** 2).sum(), v,
                               create_graph=True)
    (theirs,) = torch.autograd.grad((g ** 2).sum(), v)
    np.testing.assert_allclose(mine.numpy(), theirs.numpy(), rtol=1e-9)
