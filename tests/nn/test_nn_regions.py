"""RoI pool and RoI align against plain loops that follow torchvision's documented definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest

import sheer
from sheer import nn
from sheer.graph import SheerError
from sheer.nn import functional as F

RNG = np.random.default_rng(3)
X = RNG.normal(size=(2, 3, 9, 11))
# boxes inside, tiny, one element wide, beyond the edges, with corners between elements
BOXES = np.array([[0, 1.2, 0.7, 7.9, 6.1], [1, 0, 0, 10, 8], [1, 4.4, 3.3, 4.6, 3.4],
                  [0, -3.0, -2.0, 4.0, 3.0], [0, 8.0, 5.0, 15.0, 12.5], [1, 2.0, 2.0, 2.0, 6.0],
                  [0, 20.0, 20.0, 24.0, 23.0]])


def bilinear(image: np.ndarray, y: float, x: float) -> np.ndarray:
    """All channels at a place; 0 more than one element outside."""
    _, h, w = image.shape
    if y < -1 or y > h or x < -1 or x > w:
        return np.zeros(image.shape[0])
    y, x = min(max(y, 0.0), h - 1.0), min(max(x, 0.0), w - 1.0)
    top, left = min(int(y), h - 1), min(int(x), w - 1)
    low, right = min(top + 1, h - 1), min(left + 1, w - 1)
    dy, dx = y - top, x - left
    return ((1 - dy) * ((1 - dx) * image[:, top, left] + dx * image[:, top, right])
            + dy * ((1 - dx) * image[:, low, left] + dx * image[:, low, right]))


def slow_align(x, boxes, size, scale, ratio, aligned):
    ph, pw = size
    out = np.zeros((len(boxes), x.shape[1], ph, pw))
    for k, (image, *box) in enumerate(boxes):
        x1, y1, x2, y2 = (c * scale - (0.5 if aligned else 0) for c in box)
        width, height = x2 - x1, y2 - y1
        if not aligned:
            width, height = max(width, 1.0), max(height, 1.0)
        bh, bw = height / ph, width / pw
        ny = ratio if ratio > 0 else math.ceil(height / ph)
        nx = ratio if ratio > 0 else math.ceil(width / pw)
        for i in range(ph):
            for j in range(pw):
                for sy in range(ny):
                    for sx in range(nx):
                        out[k, :, i, j] += bilinear(x[int(image)],
                                                    y1 + i * bh + (sy + 0.5) * bh / ny,
                                                    x1 + j * bw + (sx + 0.5) * bw / nx)
                out[k, :, i, j] /= max(ny * nx, 1)
    return out


def slow_pool(x, boxes, size, scale):
    ph, pw = size
    h, w = x.shape[2:]
    away = lambda v: math.copysign(math.floor(abs(v) + 0.5), v)
    out = np.zeros((len(boxes), x.shape[1], ph, pw))
    for k, (image, *box) in enumerate(boxes):
        x1, y1, x2, y2 = (int(away(c * scale)) for c in box)
        bh, bw = max(y2 - y1 + 1, 1) / ph, max(x2 - x1 + 1, 1) / pw
        for i in range(ph):
            for j in range(pw):
                top, low = (min(max(v + y1, 0), h) for v in (math.floor(i * bh),
                                                             math.ceil((i + 1) * bh)))
                left, right = (min(max(v + x1, 0), w) for v in (math.floor(j * bw),
                                                                math.ceil((j + 1) * bw)))
                part = x[int(image), :, top:low, left:right]
                out[k, :, i, j] = part.max((1, 2)) if part.size else 0
    return out


def ours(a: np.ndarray, grad: bool = False) -> sheer.Tensor:
    return sheer.tensor(a, dtype="float64", requires_grad=grad)


def slope(function, x: np.ndarray) -> tuple[float, float]:
    """(derivative along one direction by backward, by central differences)."""
    d, leaf = np.random.default_rng(0).normal(size=x.shape), ours(x, True)
    y = function(leaf)
    ct = np.random.default_rng(1).normal(size=y.shape)
    (y * ours(ct)).sum().backward()
    at = lambda h: float((function(ours(x + h * d)).numpy() * ct).sum())
    return float((leaf.grad.numpy() * d).sum()), (at(1e-6) - at(-1e-6)) / 2e-6


@pytest.mark.system("RoI pooling / RoI align")
@pytest.mark.parametrize(("size", "scale"), [((2, 3), 1.0), ((4, 4), 0.5), ((1, 1), 0.75)])
def test_roi_align_equals_plain_loops(size, scale, figure) -> None:
    worst = 0.0
    for aligned in (False, True):
        for ratio in (-1, 1, 3):
            found = F.roi_align(ours(X), ours(BOXES), size, scale, ratio, aligned).numpy()
            expected = slow_align(X, BOXES, size, scale, ratio, aligned)
            np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
            worst = max(worst, float(np.abs(found - expected).max()))
    figure(f"largest difference from plain loops {worst:.0e} in float64")
    np.testing.assert_allclose(*slope(lambda x: F.roi_align(x, ours(BOXES), size, scale, 2), X),
                               rtol=1e-6)


@pytest.mark.system("RoI pooling / RoI align")
@pytest.mark.parametrize(("size", "scale"), [((2, 3), 1.0), ((4, 4), 0.5), ((1, 1), 0.75)])
def test_roi_pool_equals_plain_loops(size, scale) -> None:
    found = F.roi_pool(ours(X), ours(BOXES), size, scale).numpy()
    np.testing.assert_array_equal(found, slow_pool(X, BOXES, size, scale))
    np.testing.assert_allclose(*slope(lambda x: F.roi_pool(x, ours(BOXES), size, scale), X),
                               rtol=1e-6)


def test_boxes_may_come_as_one_list_per_image() -> None:
    order = np.argsort(BOXES[:, 0], kind="stable")
    lists = [ours(BOXES[BOXES[:, 0] == i][:, 1:]) for i in (0, 1)]
    for function in (lambda b: F.roi_align(ours(X), b, 2, 1.0, 2),
                     lambda b: F.roi_pool(ours(X), b, (2, 2))):
        np.testing.assert_array_equal(function(lists).numpy(),
                                      function(ours(BOXES[order])).numpy())


def test_under_jit_and_what_it_cannot_do_there() -> None:
    layer = nn.RoIAlign(2, 1.0, 2)
    np.testing.assert_allclose(sheer.jit(layer)(ours(X), ours(BOXES)).numpy(),
                               layer(ours(X), ours(BOXES)).numpy(), rtol=1e-12)
    with pytest.raises(SheerError, match="E204"):
        sheer.jit(nn.RoIAlign(2, 1.0, -1))(ours(X), ours(BOXES))
    with pytest.raises(SheerError, match="E203"):
        F.roi_pool(ours(X), ours(BOXES[:, :4]), 2)
