"""Functions beside the table of layers: reading at places, boxes, bags, chance, attention, SAME."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from nn_helpers import array, backward, both, close

import sheer
from sheer import nn
from sheer.graph import SheerError
from sheer.nn import functional as F
from sheer.random import manual_seed

TF = torch.nn.functional


def agree(function, *specs, dtype: str = "float64") -> None:
    """function(F or torch's F, *tensors) gives the same values and gradients."""
    pairs = [both(array(s, dtype, i)) for i, s in enumerate(specs)]
    ours, theirs = function(F, *(p[0] for p in pairs)), function(TF, *(p[1] for p in pairs))
    for a, b in zip(*(r if isinstance(r, tuple) else (r,) for r in (ours, theirs)), strict=True):
        close(a, b, dtype)
    backward(ours)
    backward(theirs)
    for a, b in pairs:
        if b.requires_grad and b.grad is not None:
            close(a.grad, b.grad, dtype, "gradient")


# ---- places --------------------------------------------------------------------------------------

GRIDS = list(itertools.product(("bilinear", "nearest", "bicubic"),
                               ("zeros", "border", "reflection"), (False, True)))


@pytest.mark.parametrize(("mode", "padding", "align"), GRIDS)
def test_grid_sample(mode: str, padding: str, align: bool) -> None:
    grid = np.random.default_rng(4).uniform(-1.6, 1.6, (2, 3, 5, 2))
    x, where = both(array((2, 3, 4, 6), "float64")), both(grid)
    outs = [f.grid_sample(a, g, mode, padding, align)
            for f, a, g in zip((F, TF), x, where, strict=True)]
    close(*outs, "float64")
    for y in outs:
        backward(y)
    close(x[0].grad, x[1].grad, "float64", "gradient of the image")
    if mode != "nearest":
        close(where[0].grad, where[1].grad, "float64", "gradient of the grid")


@pytest.mark.parametrize("align", [True, False])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_grid_sample_at_places_that_are_no_numbers(mode: str, padding: str, align: bool) -> None:
    nan, inf = float("nan"), float("inf")
    places = [[[[nan, 0.0], [0.2, nan], [0.1, 0.3], [0.0, inf], [-inf, 0.0], [5.0, nan]]]]
    image = np.arange(9, dtype=np.float32).reshape(1, 1, 3, 3)
    mine, theirs = (f.grid_sample(make(image), make(places), mode, padding, align).numpy()
                    for f, make in ((F, sheer.tensor), (torch.nn.functional, torch.tensor)))
    np.testing.assert_allclose(mine, theirs, atol=1e-5)


@pytest.mark.parametrize(("mode", "padding", "align"),
                         [g for g in GRIDS if g[0] != "bicubic"])
def test_grid_sample_in_three_axes(mode: str, padding: str, align: bool) -> None:
    grid = np.random.default_rng(4).uniform(-1.4, 1.4, (2, 2, 3, 2, 3))
    agree(lambda f, x: f.grid_sample(x, (sheer if f is F else torch).tensor(
        grid.astype(np.float64), dtype=(sheer if f is F else torch).float64), mode, padding, align),
          (2, 3, 4, 5, 3))


@pytest.mark.parametrize("align", [False, True])
def test_affine_grid(align: bool) -> None:
    agree(lambda f, t: f.affine_grid(t, (2, 1, 3, 4), align), (2, 2, 3))
    agree(lambda f, t: f.affine_grid(t, (2, 1, 3, 2, 4), align), (2, 3, 4))


def test_the_identity_reads_the_image_itself() -> None:
    x = sheer.tensor(array((1, 2, 4, 5), "float32"))
    theta = sheer.tensor([[[1.0, 0, 0], [0, 1, 0]]])
    y = F.grid_sample(x, F.affine_grid(theta, (1, 2, 4, 5)))
    np.testing.assert_allclose(y.numpy(), x.numpy(), rtol=1e-5, atol=1e-5)


# ---- patches, distances, attention ---------------------------------------------------------------

def test_fold_is_the_transpose_of_unfold() -> None:
    x, y = array((2, 3, 6, 7), "float64"), array((2, 18, 16), "float64", 1)
    ours = lambda a: sheer.tensor(a, dtype="float64")
    settings = ((2, 3), (1, 1), (1, 1), (2, 2))
    left = (F.unfold(ours(x), *settings) * ours(y)).sum().item()
    right = (ours(x) * F.fold(ours(y), (6, 7), *settings)).sum().item()
    np.testing.assert_allclose(left, right, rtol=1e-12)


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, float("inf")])
def test_pdist(p: float) -> None:
    agree(lambda f, x: f.pdist(x, p), (5, 4))
    agree(lambda f, x: f.pdist(x * 0, p), (3, 4))


def test_pdist_with_p_0_counts_what_differs() -> None:
    rows = np.array([[1.0, 2, 3], [1, 2, 4], [0, 0, 0]])
    assert F.pdist(sheer.tensor(rows, dtype="float64"), 0).tolist() == \
        TF.pdist(torch.tensor(rows), 0).tolist()


def test_conv_tbc_and_old_names() -> None:
    pairs = [both(array(s, "float64", i)) for i, s in enumerate([(7, 2, 3), (3, 3, 4), (4,)])]
    close(F.conv_tbc(*(p[0] for p in pairs), 1), torch.conv_tbc(*(p[1] for p in pairs), 1),
          "float64")
    agree(lambda f, x: f.interpolate(x, scale_factor=2), (1, 2, 3, 4))
    x = sheer.tensor(array((1, 2, 3, 4), "float32"))
    np.testing.assert_array_equal(F.upsample(x, size=5).numpy(), F.interpolate(x, 5).numpy())
    np.testing.assert_array_equal(F.upsample_nearest(x, 5).numpy(), F.interpolate(x, 5).numpy())
    np.testing.assert_array_equal(F.upsample_bilinear(x, 5).numpy(),
                                  F.interpolate(x, 5, None, "bilinear", True).numpy())


@pytest.mark.parametrize("separate", [False, True])
def test_multi_head_attention_forward(separate: bool) -> None:
    def run(f, q, k, v, w, b, o, c, bk):
        apart = {"use_separate_proj_weight": True, "q_proj_weight": w[:8], "k_proj_weight": w[8:16],
                 "v_proj_weight": w[16:]} if separate else {}
        return f.multi_head_attention_forward(
            q, k, v, 8, 2, None if separate else w, b, bk, bk * 2, True, 0.0, o, c,
            need_weights=False, **apart)[0]
    agree(run, (4, 3, 8), (5, 3, 8), (5, 3, 8), (24, 8), (24,), (8, 8), (8,), (1, 1, 8))


def test_adaptive_log_softmax() -> None:
    for settings, x, y in (((16, 12, (3, 7), 2.0), (6, 16), np.array([0, 2, 3, 6, 7, 11])),
                           ((8, 5, [4], 4.0, True), (8,), np.array(4))):
        mine, theirs = (lib.AdaptiveLogSoftmaxWithLoss(*settings).double() for lib in
                        (nn, torch.nn))
        assert repr(mine) == repr(theirs)
        assert list(mine.state_dict()) == list(theirs.state_dict())
        mine.load_state_dict(theirs.state_dict())
        a, b = both(array(x, "float64"))
        ours, other = mine(a, sheer.tensor(y)), theirs(b, torch.tensor(y))
        close(ours.output, other.output, "float64")
        close(ours.loss, other.loss, "float64")
        ours.loss.backward()
        other.loss.backward()
        for p, q in zip((a, *mine.parameters()), (b, *theirs.parameters()), strict=True):
            close(p.grad, q.grad, "float64", "gradient")
        rows = array((7, x[-1]), "float64", 3)
        assert mine.predict(sheer.tensor(rows, dtype="float64")).tolist() == \
            theirs.predict(torch.tensor(rows)).tolist()


def test_weighted_bags_with_padding() -> None:
    index, offsets = np.array([1, 2, 2, 0, 5, 1]), np.array([0, 2, 2])
    def run(f, table, w):
        lib = sheer if f is F else torch
        return f.embedding_bag(lib.tensor(index), table, lib.tensor(offsets), mode="sum",
                               per_sample_weights=w, padding_idx=2)
    agree(run, (6, 3), (6,))


def test_in_place_names_write_into_their_operand() -> None:
    for name, more in (("relu_", ()), ("leaky_relu_", (0.2,)), ("elu_", (0.5,)), ("celu_", (0.5,)),
                       ("selu_", ()), ("hardtanh_", (-0.2, 0.3)), ("threshold_", (0.1, -3.0)),
                       ("rrelu_", (0.1, 0.3))):
        a, b = (t.detach() for t in both(array((3, 4), "float64")))
        assert getattr(F, name)(a, *more) is a
        getattr(TF, name)(b, *more)
        close(a, b, "float64", name)


# ---- chance --------------------------------------------------------------------------------------

def test_rrelu_draws_slopes_evenly_and_the_gradient_is_that_slope() -> None:
    manual_seed(0)
    x = sheer.tensor(np.full(20_000, -1.0, np.float32), requires_grad=True)
    y = nn.RReLU(0.1, 0.5)(x)
    y.sum().backward()
    slopes = -y.detach().numpy()
    np.testing.assert_array_equal(slopes, x.grad.numpy())
    assert 0.1 <= slopes.min() < 0.101
    assert 0.499 < slopes.max() <= 0.5
    assert abs(slopes.mean() - 0.3) < 3 * (0.4 / 12 ** 0.5) / 20_000 ** 0.5


def test_gumbel_softmax_samples_the_distribution() -> None:
    manual_seed(0)
    p = np.array([0.5, 0.3, 0.2])
    logits = sheer.tensor(np.tile(np.log(p), (20_000, 1)), dtype="float64", requires_grad=True)
    y = F.gumbel_softmax(logits, 0.7, hard=True)
    counts = y.detach().numpy().sum(0)
    assert set(np.unique(y.detach().numpy()).round(12)) == {0.0, 1.0}
    assert (np.abs(counts / 20_000 - p) < 3 * (p * (1 - p) / 20_000) ** 0.5).all()
    (y * sheer.tensor([1.0, 2.0, 3.0], dtype="float64")).sum().backward()
    assert np.abs(logits.grad.numpy().sum(1)).max() < 1e-12         # a softmax ignores a shift
    soft = F.gumbel_softmax(logits.detach(), 0.7, dim=0)
    np.testing.assert_allclose(soft.numpy().sum(0), 1, rtol=1e-12)


def test_feature_alpha_dropout_drops_whole_channels_and_keeps_the_variance() -> None:
    manual_seed(0)
    x = np.random.default_rng(0).normal(size=(2000, 4, 5))
    y = nn.FeatureAlphaDropout(0.3)(sheer.tensor(x, dtype="float64")).numpy()
    dropped = y.std(2) < 1e-9
    assert abs(dropped.mean() - 0.3) < 3 * (0.21 / 8000) ** 0.5
    assert abs(y.mean()) < 0.05
    assert abs(y.std() - 1) < 0.05


def test_drawn_steps_of_a_pool_cover_the_image() -> None:
    manual_seed(0)
    x = sheer.tensor(np.arange(60.0).reshape(1, 1, 6, 10), dtype="float64")
    y, places = F.fractional_max_pool2d_with_indices(x, 2, (4, 6))
    assert y.shape == (1, 1, 4, 6)
    np.testing.assert_array_equal(y.numpy(), places.numpy())
    assert places.numpy()[0, 0, -1, -1] == 59


def test_pools_with_places_have_names_of_their_own() -> None:
    x = sheer.tensor(array((1, 2, 6, 6), "float32"))
    for a, b in zip(F.max_pool2d_with_indices(x, 2), F.max_pool2d(x, 2, return_indices=True),
                    strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


# ---- SAME ----------------------------------------------------------------------------------------

def test_same_padding_follows_the_documented_rule() -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        n, k, s, d = (int(rng.integers(lo, hi)) for lo, hi in ((1, 12), (1, 6), (1, 5), (1, 4)))
        x = array((1, 2, n), "float64")
        w = array((3, 2, k), "float64", 1)
        out = -(-n // s)
        total = max((out - 1) * s + d * (k - 1) + 1 - n, 0)
        low = total // 2
        wide = np.pad(x, ((0, 0), (0, 0), (low, total - low)))
        expected = [[sum((wide[0, :, p * s + j * d] * w[o, :, j]).sum() for j in range(k))
                     for p in range(out)] for o in range(3)]
        found = F.same_conv(sheer.tensor(x, dtype="float64"), sheer.tensor(w, dtype="float64"),
                            stride=s, dilation=d)
        np.testing.assert_allclose(found.numpy()[0], expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_same_pools_look_at_data_alone(stride: int) -> None:
    x = -1 - np.abs(array((2, 3, 7, 5), "float64"))                # zeros would win, and count
    ours = sheer.tensor(x, dtype="float64")
    largest = F.same_max_pool(ours, 3, stride).numpy()
    mean = F.same_avg_pool(ours, 3, stride).numpy()
    outs = [-(-n // stride) for n in (7, 5)]
    lows = [max((o - 1) * stride + 3 - n, 0) // 2 for o, n in zip(outs, (7, 5), strict=True)]
    assert largest.shape == (2, 3, *outs)
    for i, j in itertools.product(*map(range, outs)):
        top, left = i * stride - lows[0], j * stride - lows[1]
        part = x[:, :, max(top, 0):top + 3, max(left, 0):left + 3]
        np.testing.assert_array_equal(largest[:, :, i, j], part.max((2, 3)))
        np.testing.assert_allclose(mean[:, :, i, j], part.mean((2, 3)), rtol=1e-12)


def test_same_says_what_it_needs() -> None:
    with pytest.raises(SheerError, match="E203"):
        F.same_pad(sheer.ones(3, 3), 3)


@pytest.mark.parametrize("refused", [
    lambda x: F.same_pad(x, 0), lambda x: F.same_max_pool(x, 0), lambda x: F.same_avg_pool(x, 2, 0),
    lambda x: F.same_conv(x, sheer.ones(1, 1, 2, 2), stride=0)])
def test_same_refuses_windows_and_steps_below_one(refused) -> None:
    with pytest.raises(SheerError, match=r"same_pad: .* is below 1") as raised:
        refused(sheer.ones(1, 1, 4, 4))
    assert raised.value.code == "E123"
