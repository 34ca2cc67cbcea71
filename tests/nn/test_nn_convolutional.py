"""The rows of section 12: convolutional layers, checked as the table of systems asks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from nn_helpers import array, backward, both, close

import sheer
from sheer import nn
from sheer.graph import DTypeError, SheerError
from sheer.nn import functional as F

TF = torch.nn.functional


def ours(a: np.ndarray, grad: bool = False) -> sheer.Tensor:
    return sheer.tensor(a, dtype="float64", requires_grad=grad)


def agree(function, *shapes) -> None:
    """Equal values and gradients in both libraries, in float64."""
    pairs = [both(array(s, "float64", i)) for i, s in enumerate(shapes)]
    outs = [function(f, *(p[k] for p in pairs)) for k, f in enumerate((F, TF))]
    close(*outs, "float64")
    for y in outs:
        backward(y)
    for a, b in pairs:
        close(a.grad, b.grad, "float64", "gradient")


def slope(function, *arrays: np.ndarray) -> None:
    """Gradcheck: backward agrees with central differences to 1e-6 along a random direction."""
    rng = np.random.default_rng(9)
    leaves = [ours(a, True) for a in arrays]
    y = function(*leaves)
    ct = rng.normal(size=y.shape)
    (y * ours(ct)).sum().backward()
    ways = [rng.normal(size=a.shape) for a in arrays]
    exact = sum(float((t.grad.numpy() * d).sum()) for t, d in zip(leaves, ways, strict=True))
    at = lambda h: float((function(*(ours(a + h * d) for a, d in zip(arrays, ways, strict=True))
                                   ).numpy() * ct).sum())
    np.testing.assert_allclose(exact, (at(1e-6) - at(-1e-6)) / 2e-6, rtol=1e-6, atol=1e-6)


@pytest.mark.system("Convolution / cross-correlation, kernels, filters")
def test_the_example_by_hand_and_parity(figure) -> None:
    image = np.array([[5.0, 7, 6], [8, 4, 5], [3, 12, 8]])
    kernel = np.array([[0.0, 0], [1, 1]])
    run = lambda k: F.conv2d(ours(image[None, None]), ours(k[None, None].copy())).tolist()[0][0]
    assert run(kernel) == [[12, 9], [15, 20]]
    assert run(kernel[::-1, ::-1]) == [[12, 13], [12, 9]]
    agree(lambda f, x, w, b: f.conv2d(x, w, b, 2, 1, 1, 2), (2, 4, 7, 6), (6, 2, 3, 3), (6,))
    figure("[[12, 9], [15, 20]], flipped [[12, 13], [12, 9]]; parity with torch")


@pytest.mark.system("1-D convolution and causal/dilated variants")
def test_causal_convolution_looks_back_alone() -> None:
    agree(lambda f, x, w: f.conv1d(x, w, None, 1, 2, 2), (2, 3, 12), (4, 3, 3))
    for dilation in (1, 2, 4):
        layer = nn.Sequential(nn.ZeroPad1d((2 * dilation, 0)),
                              nn.Conv1d(1, 1, 3, dilation=dilation))
        x = sheer.tensor(array((1, 1, 20), "float32"), requires_grad=True)
        layer(x)[0, 0, 12].backward()
        reached = np.flatnonzero(x.grad.numpy())
        assert reached.tolist() == [12 - 2 * dilation, 12 - dilation, 12]


@pytest.mark.system("Stride")
def test_a_stride_takes_every_nth_output() -> None:
    x, w = ours(array((2, 3, 11, 10), "float64")), ours(array((4, 3, 3, 2), "float64", 1))
    for s, t in ((2, 1), (3, 2), (1, 4)):
        np.testing.assert_allclose(F.conv2d(x, w, None, (s, t), 1).numpy(),
                                   F.conv2d(x, w, None, 1, 1).numpy()[:, :, ::s, ::t], rtol=1e-12)


@pytest.mark.system("Padding: valid, same, explicit, asymmetric")
def test_sizes_of_paddings() -> None:
    rng = np.random.default_rng(0)
    for _ in range(40):
        n, f, s = int(rng.integers(5, 20)), int(rng.integers(1, 6)), int(rng.integers(1, 4))
        x, w = sheer.zeros(1, 1, n), sheer.zeros(1, 1, f)
        assert F.conv1d(x, w, padding="valid").shape[2] == n - f + 1
        assert F.conv1d(x, w, padding="same").shape[2] == n
        assert F.same_conv(x, w, stride=s).shape[2] == -(-n // s)
    with pytest.raises(SheerError, match="the kernel spans"):
        nn.Conv2d(1, 1, 7)(sheer.zeros(1, 1, 5, 5))
    for padding, size in ((1, 1), (3, 5)):
        assert nn.Conv2d(1, 1, 7, padding=padding)(sheer.zeros(1, 1, 5, 5)).shape[2:] == (size,) * 2
    x, w = array((1, 1, 4, 5), "float64"), array((1, 1, 2, 2), "float64", 1)
    wide = np.pad(x, ((0, 0), (0, 0), (2, 0), (1, 3)))
    np.testing.assert_allclose(F.conv2d(F.pad(ours(x), (1, 3, 2, 0)), ours(w)).numpy(),
                               TF.conv2d(torch.tensor(wide), torch.tensor(w)).numpy(), rtol=1e-12)


@pytest.mark.system("Max pooling")
def test_max_pooling_with_places() -> None:
    x = both(array((2, 3, 7, 8), "float64"))
    for settings in ((2,), (3, 2, 1), ((3, 2), (1, 2), (1, 0), 1, True)):
        mine = F.max_pool2d(x[0], *settings, return_indices=True)
        other = TF.max_pool2d(x[1], *settings, return_indices=True)
        for a, b in zip(mine, other, strict=True):
            np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())
    below = ours(-1 - np.abs(array((1, 2, 5, 5), "float64")))
    assert F.same_max_pool(below, 3, 2).numpy().max() <= -1


@pytest.mark.system("Average, global, adaptive pooling")
def test_mean_pools() -> None:
    agree(lambda f, x: f.avg_pool2d(x, 3, 2, 1, True, False), (2, 3, 7, 6))
    agree(lambda f, x: f.adaptive_avg_pool2d(x, (3, 4)), (2, 3, 7, 6))
    x = array((2, 3, 7, 6), "float64")
    np.testing.assert_allclose(nn.AdaptiveAvgPool2d(1)(ours(x)).numpy()[..., 0, 0],
                               x.mean((2, 3)), rtol=1e-12)


@pytest.mark.system("ReLU layer (rectified feature map)")
def test_a_rectified_map_is_not_negative() -> None:
    y = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())(sheer.tensor(array((4, 3, 9, 9), "float32")))
    values = y.detach().numpy()
    assert values.min() == 0
    assert 0.2 < (values == 0).mean() < 0.8


@pytest.mark.system("Max unpooling")
def test_unpooling_puts_maxima_back_in_their_places() -> None:
    x = array((2, 3, 6, 8), "float64")
    pooled, places = F.max_pool2d(ours(x), 2, return_indices=True)
    back = nn.MaxUnpool2d(2)(pooled, places).numpy()
    other = TF.max_unpool2d(*TF.max_pool2d(torch.tensor(x), 2, return_indices=True), 2)
    np.testing.assert_array_equal(back, other.numpy())
    kept = back != 0
    np.testing.assert_array_equal(back[kept], x[kept])
    np.testing.assert_array_equal(F.max_pool2d(ours(np.where(kept, back, -np.inf)), 2).numpy(),
                                  pooled.numpy())


@pytest.mark.system("Transposed convolution / learnable up-sampling")
def test_a_transposed_convolution_is_the_adjoint(figure) -> None:
    worst = 0.0
    for s, p, d, g in ((1, 0, 1, 1), (2, 1, 1, 1), (3, 1, 2, 1), (2, 0, 1, 2)):
        w = ours(array((4, 2, 3, 3), "float64"))
        x = ours(array((2, w.shape[1] * g, 9, 10), "float64", 1))
        y = F.conv2d(x, w, None, s, p, d, g)
        ct = ours(array(y.shape, "float64", 2))
        extra = tuple(n - ((m - 1) * s - 2 * p + d * 2 + 1)
                      for n, m in zip(x.shape[2:], y.shape[2:], strict=True))
        left = (y * ct).sum().item()
        right = (x * F.conv_transpose2d(ct, w, None, s, p, extra, g, d)).sum().item()
        worst = max(worst, abs(left - right) / abs(left))
    assert worst < 1e-10
    agree(lambda f, x, w, b: f.conv_transpose2d(x, w, b, 2, 1, 1), (2, 3, 4, 5), (3, 4, 3, 3), (4,))
    figure(f"adjoint identity to {worst:.0e}; parity with torch")


@pytest.mark.system("Bilinear / nearest upsampling")
@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_upsampling(mode: str) -> None:
    agree(lambda f, x: f.interpolate(x, scale_factor=2, mode=mode), (2, 3, 4, 5))
    agree(lambda f, x: f.interpolate(x, (7, 3), mode=mode), (2, 3, 4, 5))


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "area"])
def test_weighted_sizes_want_floats(mode: str) -> None:
    image = sheer.ones(1, 1, 6, 6, dtype=sheer.uint8)
    with pytest.raises(DTypeError, match="interpolate"):
        F.interpolate(image, (3, 4), mode=mode)
    with pytest.raises(DTypeError, match="adaptive_avg_pool"):
        F.adaptive_avg_pool2d(image, (3, 4))
    assert F.interpolate(image, (3, 4)).dtype == sheer.uint8


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_resizing_with_weights(mode: str, align: bool, antialias: bool) -> None:
    """Larger and smaller, one element, whole and other factors."""
    options = {"mode": mode, "align_corners": align, "antialias": antialias}
    for size in [(9, 4), (3, 11), (1, 2), (4, 5)]:
        agree(lambda f, x, size=size: f.interpolate(x, size, **options), (2, 3, 4, 5))
    agree(lambda f, x: f.interpolate(x, scale_factor=0.37, **options), (1, 2, 13, 17))
    agree(lambda f, x: f.interpolate(x, (3, 2), **options), (1, 1, 1, 2))


@pytest.mark.system("Depthwise and pointwise (separable), grouped convolution")
def test_separable_convolutions_cost_what_the_ratio_says(figure) -> None:
    agree(lambda f, x, w: f.conv2d(x, w, None, 1, 1, 1, 6), (2, 6, 5, 5), (6, 1, 3, 3))
    agree(lambda f, x, w: f.conv2d(x, w, None, 1, 1, 1, 2), (2, 6, 5, 5), (4, 3, 3, 3))
    c_in, c_out, k = 32, 64, 3
    cost = lambda *layers: nn.summary(nn.Sequential(*layers), (1, c_in, 20, 20)).flops
    plain = cost(nn.Conv2d(c_in, c_out, k, padding=1, bias=False))
    apart = cost(nn.Conv2d(c_in, c_in, k, padding=1, groups=c_in, bias=False),
                 nn.Conv2d(c_in, c_out, 1, bias=False))
    assert apart / plain == pytest.approx(1 / c_out + 1 / k ** 2, rel=1e-12)
    figure(f"cost ratio {apart / plain:.4f} = 1/64 + 1/9")


@pytest.mark.system("Dilated and factorised (1xn, nx1) convolution")
def test_dilated_and_factorised() -> None:
    agree(lambda f, x, w: f.conv2d(x, w, None, 1, 2, (2, 3)), (2, 3, 9, 9), (4, 3, 3, 3))
    x, tall, flat = (ours(array(s, "float64", i)) for i, s in
                     enumerate([(1, 1, 8, 8), (1, 1, 3, 1), (1, 1, 1, 3)]))
    whole = F.conv2d(x, tall @ flat)
    np.testing.assert_allclose(F.conv2d(F.conv2d(x, tall), flat).numpy(), whole.numpy(), rtol=1e-9,
                               atol=1e-12)


@pytest.mark.system("Residual addition, channel concatenation")
def test_residuals_and_concatenation() -> None:
    w = array((3, 3, 3, 3), "float64", 5)
    slope(lambda x, w: F.relu(F.conv2d(x, w, None, 1, 1) + x), array((2, 3, 5, 5), "float64"), w)
    slope(lambda x, w: sheer.cat([x, F.conv2d(x, w, None, 1, 1)], 1) ** 2,
          array((2, 3, 5, 5), "float64"), w)
    a, b = sheer.zeros(1, 3, 5, 5), sheer.zeros(1, 4, 5, 6)
    with pytest.raises(SheerError) as added:
        a + b
    with pytest.raises(SheerError) as joined:
        sheer.cat([a, b], 1)
    for caught in (added, joined):
        assert "f32[1, 3, 5, 5]" in str(caught.value)
        assert "f32[1, 4, 5, 6]" in str(caught.value)


@pytest.mark.system("im2col / GEMM convolution")
def test_a_product_with_unfolded_columns_equals_direct_loops() -> None:
    x, w = array((2, 3, 6, 7), "float64"), array((4, 3, 3, 2), "float64", 1)
    columns = F.unfold(ours(x), (3, 2), padding=1, stride=2)                     # (2, 18, L)
    product = (ours(w).reshape(4, -1) @ columns).numpy()
    wide = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    direct = np.array([[[[(wide[n, :, i:i + 3, j:j + 2] * w[o]).sum() for j in range(0, 8, 2)]
                         for i in range(0, 6, 2)] for o in range(4)] for n in range(2)])
    np.testing.assert_allclose(product.reshape(direct.shape), direct, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(F.conv2d(ours(x), ours(w), None, 2, 1).numpy(), direct, rtol=1e-10,
                               atol=1e-12)


@pytest.mark.system("Hierarchical features, receptive field")
def test_the_computed_field_is_the_region_with_a_gradient() -> None:
    for strides, dilations in (((1, 1, 1), (1, 1, 1)), ((2, 1, 2), (1, 2, 1)),
                               ((1, 3, 1), (3, 1, 2))):
        row = nn.Sequential(*(nn.Conv2d(1, 1, 3, s, dilation=d)
                              for s, d in zip(strides, dilations, strict=True)))
        x = sheer.tensor(array((1, 1, 50, 50), "float32"), requires_grad=True)
        y = row(x)
        y[0, 0, y.shape[2] // 2, y.shape[3] // 2].backward()
        seen = np.argwhere(x.grad.numpy()[0, 0] != 0)
        field, _ = nn.utils.receptive_field(row)
        # with gaps where dilations leave some: the region from its first to its last element
        assert tuple(seen.max(0) - seen.min(0) + 1) == field


@pytest.mark.system("Translation equivariance / invariance")
def test_equivariance_on_a_torus_and_invariance_behind_a_global_pool() -> None:
    layer = nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular").double()
    x = ours(array((1, 2, 8, 9), "float64"))
    for shift in ((1, 0), (3, 5)):
        moved = layer(x.roll(shift, (2, 3))).detach().numpy()
        np.testing.assert_array_equal(moved, np.roll(layer(x).detach().numpy(), shift, (2, 3)))
        pooled = nn.AdaptiveMaxPool2d(1)
        np.testing.assert_array_equal(pooled(ours(moved)).numpy(),
                                      pooled(layer(x)).detach().numpy())
