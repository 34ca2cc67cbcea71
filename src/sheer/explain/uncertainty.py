"""Uncertainty: a network with dropout flows in; how unsure it is of each row comes out."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import nn
from ..mixins.core import no_grad
from ..train.session import modes_kept
from ..transforms.jit import jit
from ..transforms.loop import scan

DROPPING = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)


def dropout_samples(model: Any, x: Any, samples: int = 50) -> np.ndarray:
    """Outputs with dropout switched on and everything else in evaluation mode, `samples` times.

    Shape   x (N, ...) -> (samples, N, ...)
    Source  Gal and Ghahramani 2016, arXiv:1506.02142
    """
    with no_grad(), modes_kept(model):
        model.eval()
        for module in model.modules():
            if isinstance(module, DROPPING):
                module.train()
        once = lambda _, i: ((), model(x))
        found: np.ndarray = jit(lambda: scan(once, (), length=samples)[1])().numpy()
    return found


def predictive_entropy(logits: np.ndarray) -> np.ndarray:
    """Entropy of the mean class probabilities, in nats: 0 when all samples are sure of one class.

    Shape   (samples, N, K) -> (N,)
    """
    grown = np.exp(logits - logits.max(-1, keepdims=True))
    p = (grown / grown.sum(-1, keepdims=True)).mean(0)                  # (N, K)
    entropy: np.ndarray = -(p * np.log(np.maximum(p, 1e-30))).sum(-1)
    return entropy
