"""ResNet-20: names, outputs and statistics are those of torch's network with its weights."""

from __future__ import annotations

import numpy as np
import pytest

import sheer
from bench import networks
from sheer import nn
from sheer.models import resnet20
from sheer.nn import functional as F

torch = pytest.importorskip("torch")


def pair():
    theirs = networks.resnet20(torch.nn, torch.nn.functional)
    torch.manual_seed(0)
    for name, buffer in theirs.named_buffers():
        if buffer.is_floating_point():
            buffer.copy_(torch.rand(buffer.shape) + ("var" in name))
    ours = resnet20()
    ours.load_state_dict({k: sheer.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    return ours, theirs


@pytest.mark.parametrize("training", [False, True])
def test_outputs_and_statistics_agree(training):
    ours, theirs = pair()
    ours.train(training)
    theirs.train(training)
    x = np.random.default_rng(0).normal(size=(3, 3, 16, 20)).astype(np.float32)
    y = ours(sheer.tensor(x))
    np.testing.assert_allclose(y.numpy(), theirs(torch.tensor(x)).detach().numpy(), rtol=1e-4,
                               atol=1e-4)
    expected = theirs.state_dict()
    for name, value in ours.state_dict().items():
        np.testing.assert_allclose(value.numpy(), expected[name].numpy(), rtol=1e-4, atol=1e-4)


def test_it_has_the_parameters_of_the_paper():
    assert sum(p.numel() for p in resnet20().parameters()) == 269_722


def test_the_form_of_the_benchmark_is_the_same_network():
    assert networks.resnet20(nn, F).state_dict().keys() == resnet20().state_dict().keys()
