"""Initial values: the laws of every function and layer, and what is exact."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import sheer
from sheer import nn
from sheer.graph.errors import SheerError
from sheer.nn import functional as F
from sheer.nn import init
from sheer.random import Generator, manual_seed


def empty(*shape: int, dtype: str = "float32") -> sheer.Tensor:
    return sheer.tensor(np.full(shape, np.nan), dtype=dtype)


def spread(values: np.ndarray, std: float, mean: float = 0.0) -> None:
    """Mean and standard deviation within 4 standard errors of a normal law."""
    n = values.size
    assert abs(values.mean() - mean) < 4 * std / math.sqrt(n)
    assert abs(values.std() / std - 1) < 4 / math.sqrt(n)


@pytest.mark.parametrize(("fill", "std"), [
    (lambda t: init.uniform_(t, -2, 2), 4 / math.sqrt(12)), (lambda t: init.normal_(t, 0, 3), 3),
    (init.xavier_uniform_, math.sqrt(2 / (60 + 90))),
    (init.xavier_normal_, math.sqrt(2 / (60 + 90))),
    (lambda t: init.xavier_normal_(t, 2.0), 2 * math.sqrt(2 / (60 + 90))),
    (lambda t: init.kaiming_uniform_(t, math.sqrt(5)), math.sqrt(1 / 3 / 60)),
    (lambda t: init.kaiming_normal_(t, mode="fan_out", nonlinearity="relu"), math.sqrt(2 / 90)),
    (lambda t: init.trunc_normal_(t, 0, 1, -1, 1), 0.53956),
], ids=range(8))
@pytest.mark.system("Xavier / Glorot (normal, uniform)", "He / Kaiming (needed with ReLU)")
def test_mean_and_deviation(fill, std: float) -> None:
    manual_seed(0)
    t = empty(30, 20, 3)
    assert fill(t) is t
    spread(t.numpy().astype(np.float64), std)


def test_bounds_are_kept() -> None:
    r = math.sqrt(6 / (20 + 30))
    assert np.abs(init.xavier_uniform_(empty(30, 20)).numpy()).max() <= r
    assert np.abs(init.trunc_normal_(empty(50, 50), 0, 2, -1, 0.5).numpy() + 0.25).max() <= 0.75


def test_what_is_exact() -> None:
    assert init.zeros_(empty(2)).tolist() == [0, 0]
    assert init.ones_(empty(2)).tolist() == [1, 1]
    assert init.constant_(empty(1), 0.5).tolist() == [0.5]
    np.testing.assert_array_equal(init.eye_(empty(2, 3)).numpy(), np.eye(2, 3))
    for shape, groups in (((4, 2, 3), 2), ((3, 5, 3, 3), 1), ((4, 2, 1, 2, 3), 2)):
        np.testing.assert_array_equal(init.dirac_(empty(*shape), groups).numpy(),
                                      torch.nn.init.dirac_(torch.empty(shape), groups).numpy())


@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (5, 5), (3, 2, 3)])
@pytest.mark.system("Orthogonal")
def test_orthogonal(shape: tuple[int, ...]) -> None:
    q = init.orthogonal_(empty(*shape, dtype="float64"), 2.0).numpy().reshape(shape[0], -1) / 2
    gram = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-6)


def test_sparse() -> None:
    t = init.sparse_(empty(10, 7), 0.25).numpy()
    assert ((t == 0).sum(0) == 3).all()
    assert len({tuple(c) for c in (t == 0).T}) > 1


def test_gains_are_those_of_torch() -> None:
    for name in ("linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"):
        assert init.calculate_gain(name) == pytest.approx(torch.nn.init.calculate_gain(name),
                                                          rel=1e-15)
    theirs = torch.nn.init.calculate_gain("leaky_relu", 0.2)
    assert init.calculate_gain("leaky_relu", 0.2) == pytest.approx(theirs)


def test_equal_seeds_give_equal_values_and_other_seeds_others() -> None:
    draw = lambda seed: init.normal_(empty(5), generator=Generator().manual_seed(seed)).tolist()
    assert draw(1) == draw(1) != draw(2)


def test_no_fans_without_two_axes() -> None:
    with pytest.raises(SheerError, match="no fan in and fan out in 1 axes"):
        init.xavier_uniform_(empty(3))


@pytest.mark.parametrize(("make", "bound"), [
    (lambda: nn.Linear(64, 50), 1 / 8), (lambda: nn.Conv2d(8, 40, 4, groups=2), 1 / 8),
    (lambda: nn.ConvTranspose2d(16, 40, 4, groups=2), 1 / math.sqrt(320)),
    (lambda: nn.Bilinear(25, 9, 11), 1 / 5),
])
def test_layers_start_uniform_within_torchs_bound(make, bound: float) -> None:
    manual_seed(0)
    layer = make()
    w = layer.weight.numpy().astype(np.float64)
    assert np.abs(w).max() <= bound
    spread(w, bound / math.sqrt(3))
    assert 0.5 * bound < np.abs(layer.bias.numpy()).max() <= bound


def test_embeddings_start_normal_with_a_padding_row_of_zeros() -> None:
    manual_seed(0)
    layer = nn.Embedding(200, 30, padding_idx=0)
    assert not layer.weight.numpy()[0].any()
    spread(layer.weight.numpy()[1:].astype(np.float64), 1.0)
    frozen = nn.Embedding.from_pretrained(sheer.tensor([[1.0, 2.0]]))
    assert not frozen.weight.requires_grad
    assert frozen.weight.tolist() == [[1, 2]]


@pytest.mark.parametrize(("fill", "bend"), [
    (lambda t: init.xavier_normal_(t, init.calculate_gain("tanh")), F.tanh),
    (lambda t: init.kaiming_normal_(t, nonlinearity="relu"), F.relu)], ids=["xavier", "kaiming"])
@pytest.mark.system("Xavier / Glorot (normal, uniform)", "He / Kaiming (needed with ReLU)")
def test_variance_survives_twenty_layers(fill, bend) -> None:
    manual_seed(0)
    h, size = sheer.tensor(np.random.default_rng(0).normal(size=(64, 256)), dtype="float32"), []
    for _ in range(20):
        h = bend(F.linear(h, fill(empty(256, 256))))
        size.append(float((h.numpy() ** 2).mean()))
    assert 1 / 3 < size[-1] / size[0] < 3
